//! A growing array of locked entries that needs no lock to find one.
//!
//! Entries lie in segments of doubling size that are made once and never move, so threads reach
//! them by number while others grow the array.

use std::sync::OnceLock;

use parking_lot::Mutex;

const FIRST_BITS: u32 = 6;
const N_SEGMENTS: usize = (32 - FIRST_BITS as usize) + 1;

/// Entries by number, made empty when they are first touched.
pub(crate) struct Slots<T> {
    segments: [OnceLock<Box<[Mutex<T>]>>; N_SEGMENTS],
}

impl<T: Default> Slots<T> {
    /// An array with nothing touched yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { segments: std::array::from_fn(|_| OnceLock::new()) }
    }

    /// Segment, offset in it, and its size.
    fn place(slot: u32) -> (usize, usize, usize) {
        let shifted = u64::from(slot) + (1 << FIRST_BITS);
        let segment = 63 - shifted.leading_zeros() - FIRST_BITS;
        let size = 1usize << (segment + FIRST_BITS);
        (segment as usize, shifted as usize - size, size)
    }

    /// The entry.
    pub(crate) fn get(&self, slot: u32) -> &Mutex<T> {
        let (segment, offset, size) = Self::place(slot);
        let entries = self.segments[segment]
            .get_or_init(|| (0..size).map(|_| Mutex::new(T::default())).collect());
        &entries[offset]
    }

    /// Every entry of the segments made so far, with its number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Mutex<T>)> {
        let made = self.segments.iter().enumerate().filter_map(|(i, s)| Some((i, s.get()?)));
        made.flat_map(|(segment, entries)| {
            let first = (1u64 << (segment as u32 + FIRST_BITS)) - (1 << FIRST_BITS);
            entries.iter().enumerate().map(move |(i, entry)| ((first + i as u64) as u32, entry))
        })
    }
}

impl<T: Default> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_its_own_entry() {
        let slots = Slots::<u32>::new();
        for slot in (0..1000).chain([70_000]) {
            *slots.get(slot).lock() = slot + 1;
        }
        for slot in (0..1000).chain([70_000]) {
            assert_eq!(*slots.get(slot).lock(), slot + 1);
        }
        for (slot, entry) in slots.iter() {
            let value = *entry.lock();
            assert!(value == 0 || value == slot + 1);
        }
    }

    #[test]
    fn the_last_number_has_a_place() {
        let (segment, ..) = Slots::<u32>::place(u32::MAX);
        assert!(segment < N_SEGMENTS);
    }
}
