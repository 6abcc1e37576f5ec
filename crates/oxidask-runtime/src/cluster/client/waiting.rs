//! Waiting for futures: threads that wait for several, and those who are called.

use std::sync::Arc;
use std::time::Instant;

use oxidask_core::key::Key;
use oxidask_sched::client::Settlement;
use parking_lot::{Condvar, Mutex};

use super::{ClientNode, Told, Waiting};

/// How many futures a thread still waits for.
pub(super) struct Countdown {
    left: Mutex<usize>,
    done: Condvar,
}

impl Countdown {
    pub(super) fn one_less(&self) {
        let mut left = self.left.lock();
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.done.notify_all();
        }
    }

    pub(super) fn end(&self) {
        *self.left.lock() = 0;
        self.done.notify_all();
    }

    /// Whether the count is at zero; waits for that until then.
    fn wait(&self, until: Option<Instant>) -> bool {
        let mut left = self.left.lock();
        while *left > 0 {
            match until {
                None => self.done.wait(&mut left),
                Some(until) => {
                    if self.done.wait_until(&mut left, until).timed_out() {
                        return *left == 0;
                    }
                }
            }
        }
        true
    }
}

impl ClientNode {
    /// Waits until all of these are settled, or nothing comes any more; false if `until` comes before. Futures
    /// that the user does not hold count as settled.
    pub fn wait_all(&self, keys: &[Key], until: Option<Instant>) -> bool {
        let countdown = Arc::new(Countdown { left: Mutex::new(1), done: Condvar::new() });
        self.shared.with(&self.this, |state| {
            let mut known = self.known.lock();
            for key in keys {
                let is_open = !known.closed
                    && !known.settled.contains_key(key)
                    && state.machine.state_of(key).is_some();
                if is_open {
                    *countdown.left.lock() += 1;
                    let waiting = Waiting::Thread(countdown.clone());
                    known.waiting.entry(key.clone()).or_default().push(waiting);
                }
            }
        });
        countdown.one_less();
        if *countdown.left.lock() > 0 {
            self.flush();
        }
        let all = countdown.wait(until);
        if !all {
            let mut known = self.known.lock();
            for key in keys {
                if let Some(waiting) = known.waiting.get_mut(key) {
                    waiting.retain(|waiting| {
                        !matches!(waiting, Waiting::Thread(other) if Arc::ptr_eq(other, &countdown))
                    });
                    if waiting.is_empty() {
                        known.waiting.remove(key);
                    }
                }
            }
        }
        all
    }

    /// Calls `then` once a future is settled: now if it is, and else on a thread that serves others too, under a
    /// lock of this client. It must not block nor come back to the client. A future that the user does not hold is
    /// cancelled.
    pub fn when_settled(&self, key: &Key, then: Box<dyn FnOnce(Told<'_>) + Send>) {
        let is_held = self.shared.with(&self.this, |state| state.machine.state_of(key).is_some());
        let mut known = self.known.lock();
        if known.closed {
            drop(known);
            then(None);
        } else if let Some(settlement) = known.settled.get(key).cloned() {
            drop(known);
            then(Some(&settlement));
        } else if !is_held {
            drop(known);
            then(Some(&Settlement::Cancelled));
        } else {
            known.waiting.entry(key.clone()).or_default().push(Waiting::Call(then));
            drop(known);
            self.flush();
        }
    }
}
