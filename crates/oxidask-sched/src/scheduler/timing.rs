//! What happens because time has passed: attempts after a wait, and attempts that took too long.

use std::cmp::Reverse;
use std::sync::Arc;

use super::Scheduler;
use super::task::State;
use crate::ids::{RunId, TaskId, Time};
use crate::message::{Action, Cause, TaskFailure};

/// Something that is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Deadline {
    pub(super) at: Time,
    task: TaskId,
    /// The attempt that it is about: the one that runs, or the one before the wait.
    run: RunId,
    what: Due,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Due {
    /// The next attempt.
    Attempt,
    /// The end of this one.
    Timeout,
}

impl Scheduler {
    /// The next attempt comes in so many seconds.
    pub(super) fn delay(&mut self, slot: u32, seconds: f64) {
        let task = self.tasks.id(slot);
        self.tasks.set_state(slot, State::Delayed);
        let hot = self.tasks.hot(slot);
        let at = self.now.after(seconds);
        self.deadlines.push(Reverse(Deadline { at, task, run: hot.run, what: Due::Attempt }));
    }

    /// An attempt has begun: it may have a limit.
    pub(super) fn watch(&mut self, slot: u32) {
        if let Some(seconds) = self.timeout_of(slot) {
            let (task, run) = (self.tasks.id(slot), self.tasks.hot(slot).run);
            let at = self.now.after(seconds);
            self.deadlines.push(Reverse(Deadline { at, task, run, what: Due::Timeout }));
        }
    }

    pub(super) fn deadlines_met(&mut self, actions: &mut Vec<Action>) {
        while let Some(&Reverse(Deadline { at, task, run, what })) = self.deadlines.peek()
            && at <= self.now
        {
            self.deadlines.pop();
            let Some(slot) = self.tasks.live(task).filter(|&slot| self.tasks.hot(slot).run == run)
            else {
                continue;
            };
            let state = self.tasks.hot(slot).state;
            match what {
                Due::Attempt if state == State::Delayed => {
                    self.wait_again(slot);
                }
                Due::Timeout if state == State::Running => {
                    let failure = self.timed_out(slot);
                    self.withdraw(slot, actions);
                    self.count_missing(slot);
                    self.attempt_failed(slot, failure);
                }
                _ => {}
            }
        }
    }

    fn timeout_of(&self, slot: u32) -> Option<f64> {
        if !self.tasks.hot(slot).annotated {
            return None;
        }
        self.tasks.annotations.get(&slot)?.timeout_s
    }

    fn timed_out(&self, slot: u32) -> Arc<TaskFailure> {
        let key = self.tasks.cold(slot).key.clone();
        let seconds = self.timeout_of(slot).unwrap_or_default();
        Arc::new(TaskFailure {
            text: format!("{key} ran for longer than its timeout of {seconds} s").into(),
            origin: key,
            cause: Cause::TimedOut,
            bytes: crate::content::Content::new(),
        })
    }
}
