//! At most so many tasks of a name at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::task::{Flags, State};
use super::workers::Queue;
use super::{Scheduler, Step};

/// Names with a limit.
pub(super) type Limits = BTreeMap<Arc<str>, Limit>;

/// One name.
#[derive(Default)]
pub(super) struct Limit {
    /// Tasks of it between ready and done.
    pub(super) n_counted: u32,
    /// Tasks of it that are ready.
    waiting: Queue,
}

impl Scheduler {
    /// Whether a ready task may go on; if not, it waits for those of its name.
    pub(super) fn may_start(&mut self, slot: u32) -> bool {
        let Some((name, most)) = self.limit_of(slot) else { return true };
        if self.tasks.hot(slot).flags.has(Flags::COUNTED) {
            return true;
        }
        let limit = self.limits.entry(name).or_default();
        let task = self.tasks.id(slot);
        let hot = self.tasks.hot_mut(slot);
        if limit.n_counted < most.max(1) {
            limit.n_counted += 1;
            hot.flags.set(Flags::COUNTED);
            return true;
        }
        limit.waiting.push((hot.priority, slot, task.generation));
        self.tasks.set_state(slot, State::Limited);
        false
    }

    /// A task no longer counts: another one of its name may start.
    pub(super) fn leave_limit(&mut self, slot: u32) {
        if !self.tasks.hot(slot).flags.has(Flags::COUNTED) {
            return;
        }
        self.tasks.hot_mut(slot).flags.clear(Flags::COUNTED);
        let Some((name, _)) = self.limit_of(slot) else { return };
        let Some(limit) = self.limits.get_mut(&name) else { return };
        limit.n_counted -= 1;
        while let Some((_, next, generation)) = limit.waiting.pop() {
            let hot = self.tasks.hot(next);
            if hot.generation == generation && hot.state == State::Limited {
                self.tasks.set_state(next, State::Waiting);
                self.steps.push(Step::Ready(next));
                return;
            }
        }
        if limit.n_counted == 0 {
            self.limits.remove(&name);
        }
    }

    fn limit_of(&self, slot: u32) -> Option<(Arc<str>, u32)> {
        if !self.tasks.hot(slot).annotated {
            return None;
        }
        self.tasks.annotations.get(&slot)?.limit.clone()
    }
}
