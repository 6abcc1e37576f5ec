//! Names of things in messages: small, typed, and never mistaken for one another.

use std::fmt;

/// A worker's life with the scheduler. Numbers are never used again: a worker that was given up and
/// comes back is another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u32);

/// A client's session with the scheduler. Numbers are never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// A task, between scheduler and workers: a slot of the scheduler's table, and how often that slot
/// had been used before, so that a late message never means the slot's next task.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// Index into the scheduler's table.
    pub slot: u32,
    /// Uses of the slot before this one.
    pub generation: u32,
}

/// One attempt at running a task. Whoever hears of an older attempt than the newest drops it, which
/// fences every race with a slow or dead worker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RunId(pub u32);

/// A point in time, in nanoseconds since an origin that only its clock knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

/// A content hash of what tasks share: a function's pickle, or a native op.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobHash(pub u128);

impl ClientId {
    /// The scheduler's own process, which asks as clients do. It never joins and never leaves.
    pub const PROCESS: Self = Self(u32::MAX);
    /// Whatever holds keys for the sake of values in queues, variables and data sets.
    pub const COORDINATION: Self = Self(u32::MAX - 1);

    /// Holds tasks until they end, for those who want them run and don't wait for them.
    pub const KEEPER: Self = Self(u32::MAX - 2);

    /// Whether it is one that joins.
    #[must_use]
    pub fn is_real(self) -> bool {
        self < Self::KEEPER
    }
}

impl Time {
    /// The time `seconds` later.
    #[must_use]
    pub fn after(self, seconds: f64) -> Self {
        Self(self.0.saturating_add((seconds.max(0.0) * 1e9) as u64))
    }

    /// Seconds from `earlier` to here; none if that is later.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 * 1e-9
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {}", self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {}", self.0)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}.{}", self.slot, self.generation)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}", self.0)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6} s", self.0 as f64 * 1e-9)
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blob {:032x}", self.0)
    }
}
