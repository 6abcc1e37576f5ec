//! A byte count that many threads change all the time.
//!
//! Small changes gather in a cell of the thread's own and reach the common count 64 KiB at a time,
//! so that tasks with small values don't pass one cache line around.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

const N_CELLS: usize = 16;
const GATHER: i64 = 64 << 10;

/// A cell alone on its cache lines.
#[derive(Default)]
#[repr(align(128))]
struct Cell128(AtomicI64);

/// Bytes held, to within 64 KiB for each of 16 cells.
#[derive(Default)]
pub(crate) struct Tally {
    common: AtomicI64,
    cells: [Cell128; N_CELLS],
}

impl Tally {
    #[inline]
    pub(crate) fn add(&self, nbytes: u64) {
        self.change(i64::try_from(nbytes).unwrap_or(i64::MAX));
    }

    #[inline]
    pub(crate) fn subtract(&self, nbytes: u64) {
        self.change(-i64::try_from(nbytes).unwrap_or(i64::MAX));
    }

    #[inline]
    fn change(&self, delta: i64) {
        if delta.abs() >= GATHER {
            self.common.fetch_add(delta, Ordering::Relaxed);
            return;
        }
        let cell = &self.cells[own_cell()].0;
        let gathered = cell.fetch_add(delta, Ordering::Relaxed) + delta;
        if gathered.abs() >= GATHER {
            self.common.fetch_add(cell.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// What the cells have passed on so far.
    #[inline]
    pub(crate) fn bytes(&self) -> u64 {
        self.common.load(Ordering::Relaxed).max(0) as u64
    }

    /// The exact count, if nobody changes it meanwhile.
    #[cfg(test)]
    fn exact(&self) -> i64 {
        let cells = self.cells.iter().map(|cell| cell.0.load(Ordering::Relaxed));
        self.common.load(Ordering::Relaxed) + cells.sum::<i64>()
    }
}

/// The calling thread's cell; threads take turns.
fn own_cell() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static CELL: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    CELL.with(|cell| {
        if cell.get() == usize::MAX {
            cell.set(NEXT.fetch_add(1, Ordering::Relaxed) % N_CELLS);
        }
        cell.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_between_threads() {
        let tally = Tally::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for nbytes in [10, 1 << 20, 70_000, 3] {
                        (0..1000).for_each(|_| tally.add(nbytes));
                        (0..999).for_each(|_| tally.subtract(nbytes));
                    }
                });
            }
        });
        let want: i64 = 4 * (10 + (1 << 20) + 70_000 + 3);
        assert_eq!(tally.exact(), want);
        assert!(tally.bytes().abs_diff(want as u64) < (N_CELLS as u64) << 16);
    }
}
