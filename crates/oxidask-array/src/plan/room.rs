//! How much one task may hold: what plans go by when they choose between reading much at once and
//! going over the data once more.
//!
//! A face that knows the memory budget of the computations to come registers [`set_source`]; a
//! program without one plans for tasks of a gigabyte or two. Plans look when they are made.

use std::sync::OnceLock;

static SOURCE: OnceLock<fn() -> Option<u64>> = OnceLock::new();

/// Less than this is no help: tasks would be many and tiny.
const LEAST: u64 = 1 << 20;

/// Registers what tells how many bytes a task may hold; the first one stays.
pub fn set_source(source: fn() -> Option<u64>) {
    // A second registration is by the same face loaded twice.
    let _ = SOURCE.set(source);
}

/// Most bytes that a task should hold, and never more than `most`.
#[must_use]
pub fn task_bytes(most: u64) -> u64 {
    let known = SOURCE.get().and_then(|source| source());
    known.map_or(most, |bytes| bytes.max(LEAST).min(most))
}
