//! How long Python's callers wait, and how often they look for signals meanwhile.

use std::time::{Duration, Instant};

/// Signals are looked for at least so often.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// When so many seconds are over; none for ever. Beyond a century a timeout is none.
pub(super) fn deadline(timeout: Option<f64>) -> Option<Instant> {
    let timeout = timeout.filter(|timeout| *timeout < 3e9)?;
    Instant::now().checked_add(Duration::from_secs_f64(timeout.max(0.0)))
}

/// When to look for signals next, and no later than the deadline.
pub(super) fn next_look(until: Option<Instant>) -> Instant {
    let poll = Instant::now() + POLL;
    until.map_or(poll, |until| until.min(poll))
}

/// Whether a deadline is met.
pub(super) fn is_over(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
}
