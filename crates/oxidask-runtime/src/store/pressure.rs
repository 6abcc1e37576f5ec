//! When memory is short.
//!
//! The policy:
//! 1. The room for values is what the budget leaves beside what the process held at the start, but
//!    at least half of the budget.
//! 2. In use are the bytes of values, or what the process has grown by where that is more: twice
//!    the values at most, because what an allocator keeps after a peak is not lowered by eviction.
//! 3. A task starts at once while what is in use, and what tasks at work will probably add, are
//!    below 70 % of the room.
//! 4. Else values needed last go to disk until 55 % are in use.
//! 5. If that is not enough, the task waits for others to end; one that is alone starts anyway.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::system;

/// Shares of the room at which eviction starts, and at which it ends.
const HIGH_WATER: f64 = 0.70;
const LOW_WATER: f64 = 0.55;

/// How full memory is, against a budget.
pub(super) struct Gauge {
    /// Bytes of values at which eviction starts and ends; `u64::MAX` if there is no bound.
    high: u64,
    low: u64,
    /// A change of so many bytes is worth another look.
    grain: u64,
    /// What the process held before there were any values.
    baseline: u64,
    /// Bytes of values when resident memory was last looked at, and what it was.
    looked_at: AtomicU64,
    resident: AtomicU64,
}

impl Gauge {
    pub(super) fn new(budget: u64) -> Self {
        let baseline = match budget {
            u64::MAX => 0,
            _ => system::resident_bytes().unwrap_or(0),
        };
        let room = budget.saturating_sub(baseline).max(budget / 2);
        let line =
            |share: f64| if budget == u64::MAX { budget } else { (room as f64 * share) as u64 };
        Self {
            high: line(HIGH_WATER),
            low: line(LOW_WATER),
            grain: budget / 64,
            baseline,
            looked_at: AtomicU64::new(0),
            resident: AtomicU64::new(baseline),
        }
    }

    /// Whether `ours` bytes ask for eviction.
    #[inline]
    pub(super) fn is_pressed(&self, ours: u64) -> bool {
        // In use is never more than twice ours, so half of the line spares a look at the process.
        ours > self.high || (ours > self.high / 2 && self.in_use(ours) > self.high)
    }

    /// Whether eviction has done its work.
    pub(super) fn is_relieved(&self, ours: u64) -> bool {
        self.in_use(ours) <= self.low
    }

    /// Whether `ours` has changed enough since it was `before` to look at things again.
    pub(super) fn has_moved(&self, ours: u64, before: u64) -> bool {
        ours.abs_diff(before) > self.grain
    }

    fn in_use(&self, ours: u64) -> u64 {
        if self.has_moved(ours, self.looked_at.load(Ordering::Relaxed)) {
            self.looked_at.store(ours, Ordering::Relaxed);
            self.resident.store(system::resident_bytes().unwrap_or(0), Ordering::Relaxed);
        }
        let grown = self.resident.load(Ordering::Relaxed).saturating_sub(self.baseline);
        ours.max(grown.min(ours.saturating_mul(2)))
    }
}
