//! What tasks went through: kept only once somebody has asked for it.

use std::collections::VecDeque;

use oxidask_core::key::Key;

use super::Scheduler;
use super::task::{NOBODY, State};
use crate::data::Data;
use crate::ids::{Time, WorkerId};

/// Transitions that are kept.
const MOST_KEPT: usize = 100_000;
/// The topic that they are told to.
pub(super) const TOPIC: &str = "transitions";

/// One step of a task from state to state.
pub(super) struct Transition {
    pub(super) key: Key,
    pub(super) from: State,
    pub(super) to: State,
    /// The worker that it is about, or [`NOBODY`].
    pub(super) worker: u32,
    pub(super) at: Time,
}

/// The last transitions.
#[derive(Default)]
pub(super) struct Story {
    /// The time of what is being handled.
    pub(super) now: Time,
    kept: VecDeque<Transition>,
    /// How many of them have not been told to those who follow.
    n_new: usize,
}

impl Story {
    pub(super) fn push(&mut self, key: Key, from: State, to: State, worker: u32) {
        if self.kept.len() == MOST_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Transition { key, from, to, worker, at: self.now });
        self.n_new = (self.n_new + 1).min(MOST_KEPT);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Transition> {
        self.kept.iter()
    }
}

impl Scheduler {
    /// From now on transitions are kept.
    pub(super) fn start_story(&mut self) {
        let now = self.now;
        self.tasks.story.get_or_insert_with(Box::default).now = now;
    }

    /// Tells those who follow what has happened in this event.
    pub(super) fn tell_story(&mut self) {
        if self.tasks.story.is_none() {
            if self.coordination.is_followed(TOPIC) {
                self.start_story();
            }
            return;
        }
        let is_followed = self.coordination.is_followed(TOPIC);
        let Some(story) = self.tasks.story.as_mut() else { return };
        let n_new = std::mem::take(&mut story.n_new);
        let Some(story) = self.tasks.story.as_ref().filter(|_| is_followed) else { return };
        let from = story.kept.len() - n_new;
        let new: Vec<Data> = story.kept.range(from..).map(|told| shown(self, told)).collect();
        for told in new {
            self.coordination.tell(self.now, &TOPIC.into(), &told);
        }
    }
}

/// `[key, from, to, worker's address or nil, seconds since 1970]`
pub(super) fn shown(scheduler: &Scheduler, told: &Transition) -> Data {
    let worker = scheduler.workers.get(WorkerId(told.worker)).filter(|_| told.worker != NOBODY);
    Data::List(vec![
        Data::Key(told.key.clone()),
        told.from.name().into(),
        told.to.name().into(),
        worker.map(|worker| worker.info.address.clone()).into(),
        scheduler.wall_s(told.at).into(),
    ])
}
