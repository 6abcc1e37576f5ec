//! What the scheduler says, which of it is of a former life, and what a scheduler that comes back is told.

use std::sync::Arc;

use oxidask_core::key::Key;

use super::{Action, Client, FENCE, Future, FutureState, Settlement};
use crate::content::Content;
use crate::data::Data;
use crate::message::{Cause, FromClient, TaskFailure, ToClient};

impl Client {
    pub(super) fn told(&mut self, message: ToClient, actions: &mut Vec<Action>) {
        match message {
            ToClient::Ready { key, nbytes, type_name, inline } => {
                let settlement = Settlement::Finished { nbytes, type_name, inline };
                self.settle(key, FutureState::Finished, settlement, actions);
            }
            ToClient::Failed { key, failure } => {
                let settlement = Settlement::Failed(failure);
                self.settle(key, FutureState::Error, settlement, actions);
            }
            ToClient::Cancelled(key) => self.cancelled_there(key, actions),
            ToClient::Lost(key) => {
                if let Some(at) = self.listening(&key)
                    && matches!(self.futures[at].state, FutureState::Finished | FutureState::Error)
                {
                    self.futures[at].state = FutureState::Lost;
                    actions.push(Action::Lost(key));
                }
            }
            ToClient::Peer { worker, address } => actions.push(Action::Peer { worker, address }),
            ToClient::Located { request, .. } if request & FENCE != 0 => {
                self.fence_is_back(request & !FENCE, actions);
            }
            ToClient::Located { request, places } => {
                if self.locates.remove(&request).is_some() {
                    actions.push(Action::Located { request, places });
                }
            }
            ToClient::Answer { request, answer } => {
                if self.asked.remove(&request).is_some() {
                    actions.push(Action::Answer { request, answer });
                } else if let Ok(data) = answer {
                    self.given_in_vain(&data, actions);
                }
            }
            ToClient::Push { topic, body } => actions.push(Action::Push { topic, body }),
            ToClient::Refused { submission, reason } => {
                self.refused(submission, &reason, actions);
            }
        }
    }

    /// Nobody waits for an answer any more: what the scheduler has given to this client with it is let go of.
    fn given_in_vain(&self, data: &Data, actions: &mut Vec<Action>) {
        let mut given = Vec::new();
        data.each_key(&mut |key| {
            if self.n_held(key) == 0 {
                given.push(key.clone());
            }
        });
        if !given.is_empty() {
            actions.push(Action::Scheduler(FromClient::Release(given)));
        }
    }

    /// The future of a key that news are about, unless they are of its former life.
    fn listening(&self, key: &Key) -> Option<u32> {
        let at = self.futures.find(key)?;
        let Future { n_held, state, silent_until, .. } = self.futures[at];
        (n_held > 0 && state != FutureState::Cancelled && silent_until <= self.fence_answered)
            .then_some(at)
    }

    fn settle(
        &mut self,
        key: Key,
        state: FutureState,
        settlement: Settlement,
        actions: &mut Vec<Action>,
    ) {
        if let Some(at) = self.listening(&key)
            && self.futures[at].state != state
        {
            self.futures[at].state = state;
            actions.push(Action::Settled { key, settlement });
        }
    }

    /// The scheduler has cancelled a future, or does not know it. If the user has submitted it
    /// again meanwhile it does: so it is told that nobody holds it now.
    fn cancelled_there(&mut self, key: Key, actions: &mut Vec<Action>) {
        let Some(at) = self.listening(&key) else { return };
        let future = &mut self.futures[at];
        future.state = FutureState::Cancelled;
        future.silent_until = self.fence_sent + 1;
        actions.push(Action::Scheduler(FromClient::Release(vec![key.clone()])));
        actions.push(Action::Settled { key, settlement: Settlement::Cancelled });
    }

    /// What a refused submission was to make has failed.
    fn refused(&mut self, number: u64, reason: &Arc<str>, actions: &mut Vec<Action>) {
        self.unproved.retain(|(_, submission)| submission.number != number);
        // It may be that the scheduler has not got what this client thinks that it has.
        self.blobs.forget();
        let made = self.futures.iter().filter(|(_, future)| {
            future.submission == number && future.n_held > 0 && future.state.is_open()
        });
        let made: Vec<_> = made.map(|(at, _)| at).collect();
        for at in made {
            let key = self.futures[at].key.clone();
            let failure = Arc::new(TaskFailure {
                origin: key.clone(),
                cause: Cause::Codec,
                text: reason.clone(),
                bytes: Content::new(),
            });
            self.futures[at].state = FutureState::Error;
            actions.push(Action::Settled { key, settlement: Settlement::Failed(failure) });
        }
    }

    pub(super) fn send_fence(&mut self, actions: &mut Vec<Action>) {
        self.fence_sent += 1;
        let request = self.fence_sent | FENCE;
        actions.push(Action::Scheduler(FromClient::Locate { request, keys: Vec::new() }));
    }

    fn fence_is_back(&mut self, fence: u64, actions: &mut Vec<Action>) {
        self.fence_answered = self.fence_answered.max(fence);
        self.forget_gone();
        while self.unproved.front().is_some_and(|(at, _)| *at <= self.fence_answered) {
            self.unproved.pop_front();
        }
        let is_needed = !self.unproved.is_empty() || self.gone.len() > self.config.max_silent;
        if is_needed && self.fence_sent == self.fence_answered {
            self.send_fence(actions);
        }
    }

    /// Forgets released keys of which nothing can be heard any more.
    fn forget_gone(&mut self) {
        while let Some((fence, _)) = self.gone.front()
            && *fence <= self.fence_answered
            && let Some((_, key)) = self.gone.pop_front()
        {
            if let Some(at) = self.futures.find(&key) {
                let Future { n_held, silent_until, .. } = self.futures[at];
                if n_held == 0 && silent_until <= self.fence_answered {
                    self.futures.remove(&key, at);
                    self.n_gone -= 1;
                }
            }
        }
    }

    /// Tells a scheduler that knows nothing of this client what that needs to know.
    pub(super) fn present_again(&mut self, actions: &mut Vec<Action>) {
        // Nothing is on its way from the former scheduler any more.
        self.fence_sent += 1;
        self.fence_answered = self.fence_sent;
        self.forget_gone();
        self.blobs.forget();
        let mut newest = 0;
        for (_, mut submission) in std::mem::take(&mut self.unproved) {
            for task in &mut submission.tasks {
                let state = self.state_of(&task.key);
                task.wanted &= state.is_some_and(|state| state != FutureState::Cancelled);
            }
            newest = submission.number;
            self.send_submission(submission, actions);
        }
        let oldest = self.unproved.front().map_or(u64::MAX, |(_, submission)| submission.number);
        let mut wanted = Vec::new();
        let mut lost = Vec::new();
        for (at, future) in self.futures.iter() {
            if future.n_held == 0 || future.state == FutureState::Cancelled {
                continue;
            }
            if !(oldest..=newest).contains(&future.submission) {
                wanted.push(future.key.clone());
            }
            if future.state == FutureState::Finished {
                lost.push(at);
            }
        }
        for at in lost {
            self.futures[at].state = FutureState::Lost;
            actions.push(Action::Lost(self.futures[at].key.clone()));
        }
        if !wanted.is_empty() {
            actions.push(Action::Scheduler(FromClient::Want(wanted)));
        }
        for (&request, keys) in &self.locates {
            let keys = keys.clone();
            actions.push(Action::Scheduler(FromClient::Locate { request, keys }));
        }
        for (&request, (verb, body)) in &self.asked {
            let (verb, body) = (verb.clone(), body.clone());
            actions.push(Action::Scheduler(FromClient::Ask { request, verb, body }));
        }
        if !self.unproved.is_empty() {
            self.send_fence(actions);
        }
    }
}
