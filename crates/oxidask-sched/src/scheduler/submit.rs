//! New tasks.

use std::sync::Arc;

use smallvec::SmallVec;

use super::task::{Cold, NO_BLOB, State};
use super::{Scheduler, Step};
use crate::ids::ClientId;
use crate::message::{
    Action, Annotations, Cause, InputRef, NewTask, Submission, TaskFailure, ToClient,
};

/// Bits of a priority that number submitted tasks; the user's priority has those above.
const SEQUENCE_BITS: u32 = 48;
/// New tasks that are taken in before what follows from them is done.
pub(super) const AT_A_TIME: usize = 128;
/// Users' priorities beyond this are taken for this.
const MAX_USER_PRIORITY: i32 = 32_767;

impl Scheduler {
    pub(super) fn submit(
        &mut self,
        client: ClientId,
        submission: Submission,
        actions: &mut Vec<Action>,
    ) {
        if let Err(reason) = self.check(&submission) {
            let number = submission.number;
            let refused = ToClient::Refused { submission: number, reason: reason.into() };
            actions.push(Action::Client(client, refused));
            return;
        }
        let blobs: Vec<u32> = submission
            .blobs
            .iter()
            .map(|blob| {
                let number = self.blobs.number(blob, !blob.bytes.is_empty()).unwrap_or(NO_BLOB);
                self.client_has_blob(client, number);
                number
            })
            .collect();
        let annotations: Vec<Arc<Annotations>> =
            submission.annotations.into_iter().map(Arc::new).collect();
        self.tasks.reserve(submission.tasks.len());
        let mut slots: Vec<u32> = Vec::with_capacity(submission.tasks.len());
        let mut unwanted = Vec::new();
        let mut tasks = submission.tasks.into_iter();
        while !tasks.as_slice().is_empty() {
            // A few at a time, while what is known of them is at hand.
            self.tasks.look_up(tasks.as_slice().iter().take(AT_A_TIME).map(|task| &task.key));
            for task in tasks.by_ref().take(AT_A_TIME) {
                let annotations = task.annotations.checked_sub(1).map(|i| &annotations[i as usize]);
                let wanted = task.wanted;
                let slot = self.enter(task, &blobs, &slots, annotations);
                slots.push(slot);
                if wanted {
                    self.want(client, slot, actions);
                } else {
                    unwanted.push(slot);
                }
            }
            // The last step is taken first: the most urgent tasks come first into the queues.
            self.steps.reverse();
            self.drain(actions);
        }
        // Should nobody need it after all, it goes again. Not before those who read it are here.
        self.steps.extend(unwanted.into_iter().map(Step::Forget));
    }

    /// What is wrong with a submission, before any of it is taken in.
    fn check(&self, submission: &Submission) -> Result<(), String> {
        for blob in &submission.blobs {
            if blob.bytes.is_empty() && self.blobs.find(blob.hash).is_none() {
                return Err(format!(
                    "{:?} was named without its bytes, but the scheduler has not got it; send it again",
                    blob.hash
                ));
            }
        }
        for (index, task) in submission.tasks.iter().enumerate() {
            if task.run.blob as usize >= submission.blobs.len() {
                return Err(format!(
                    "{} runs blob {} of {}",
                    task.key,
                    task.run.blob,
                    submission.blobs.len()
                ));
            }
            if task.annotations as usize > submission.annotations.len() {
                return Err(format!("{} has annotations that were not sent", task.key));
            }
            for input in &task.inputs {
                if let InputRef::Local(other) = input
                    && *other as usize >= index
                {
                    return Err(format!(
                        "task {index}, {}, reads task {other} of the submission, which comes not before it",
                        task.key
                    ));
                }
            }
        }
        Ok(())
    }

    /// The slot of a task: that of the one of this name, or a new one.
    fn enter(
        &mut self,
        task: NewTask,
        blobs: &[u32],
        slots: &[u32],
        annotations: Option<&Arc<Annotations>>,
    ) -> u32 {
        if let Some(slot) = self.tasks.find(&task.key) {
            return slot;
        }
        let mut inputs: SmallVec<[u32; 4]> = SmallVec::with_capacity(task.inputs.len());
        let mut unknown = None;
        for input in task.inputs {
            match input {
                InputRef::Local(index) => inputs.push(slots[index as usize]),
                InputRef::Known(key) => match self.tasks.find(&key) {
                    Some(slot) => inputs.push(slot),
                    None => unknown = Some(key),
                },
            }
        }
        let mut spec = task.run;
        spec.blob = blobs[spec.blob as usize];
        self.blobs.hold(spec.blob);
        let user = annotations.map_or(0, |annotations| annotations.priority);
        let group = self.measured.enter(task.key.group());
        let priority = self.next_priority(user);
        let cold = Cold {
            key: task.key,
            spec,
            inputs,
            readers: SmallVec::new(),
            clients: SmallVec::new(),
            type_name: None,
        };
        let slot = self.tasks.insert(cold, group, priority);
        if let Some(annotations) = annotations {
            self.tasks.hot_mut(slot).annotated = true;
            self.tasks.annotations.insert(slot, annotations.clone());
        }
        let id = self.tasks.id(slot);
        for i in 0..self.tasks.cold(slot).inputs.len() {
            let input = self.tasks.cold(slot).inputs[i];
            self.tasks.hot_mut(input).readers += 1;
            self.tasks.cold_mut(input).readers.push(id);
        }
        if let Some(key) = unknown {
            let failure = unknown_input(&self.tasks.cold(slot).key, key);
            self.tasks.failures.insert(slot, Arc::new(failure));
            self.tasks.set_state(slot, State::Erred);
        }
        slot
    }

    /// A value that came from outside: a task that nothing can compute.
    pub(super) fn enter_value(&mut self, key: oxidask_core::key::Key) -> u32 {
        let group = self.measured.enter(key.group());
        let priority = self.next_priority(0);
        let spec = crate::message::RunSpec { blob: NO_BLOB, ..Default::default() };
        let cold = Cold {
            key,
            spec,
            inputs: SmallVec::new(),
            readers: SmallVec::new(),
            clients: SmallVec::new(),
            type_name: None,
        };
        self.tasks.insert(cold, group, priority)
    }

    /// The user's priority, the higher the more urgent, and then the order of submission.
    fn next_priority(&mut self, user: i32) -> u64 {
        let user = user.clamp(-MAX_USER_PRIORITY, MAX_USER_PRIORITY);
        let rank = (MAX_USER_PRIORITY - user) as u64;
        self.sequence += 1;
        rank << SEQUENCE_BITS | self.sequence
    }

    /// A client holds a task, and hears what is known of it.
    pub(super) fn want(&mut self, client: ClientId, slot: u32, actions: &mut Vec<Action>) {
        let cold = self.tasks.cold_mut(slot);
        if !cold.clients.contains(&client) {
            cold.clients.push(client);
            if let Some(state) = self.clients.get_mut(&client) {
                state.wants.insert(slot);
            }
        }
        let cold = self.tasks.cold(slot);
        let hot = self.tasks.hot(slot);
        match hot.state {
            State::Memory if client.is_real() => {
                let type_name = cold.type_name.clone().unwrap_or_else(|| "object".into());
                let (key, nbytes) = (cold.key.clone(), hot.nbytes);
                let ready = ToClient::Ready { key, nbytes, type_name, inline: None };
                actions.push(Action::Client(client, ready));
            }
            State::Erred if client.is_real() => {
                if let Some(failure) = self.tasks.failures.get(&slot) {
                    let failed =
                        ToClient::Failed { key: cold.key.clone(), failure: failure.clone() };
                    actions.push(Action::Client(client, failed));
                }
            }
            State::Released => self.steps.push(Step::Require(slot)),
            _ => {}
        }
    }
}

fn unknown_input(key: &oxidask_core::key::Key, input: oxidask_core::key::Key) -> TaskFailure {
    let text = format!(
        "{key} reads {input}, which the scheduler does not know: its future was released or cancelled, or \
         belongs to another cluster. Keep the future until what reads it is submitted"
    );
    TaskFailure {
        origin: key.clone(),
        cause: Cause::UnknownInput(input),
        text: text.into(),
        bytes: crate::content::Content::new(),
    }
}
