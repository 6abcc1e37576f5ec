//! `tasks.spec`, `tasks.keep`: what a task runs, for whoever wants to run it himself, and tasks that run to their end
//! though nobody waits for them.

use oxidask_core::key::Key;

use super::Outcome;
use crate::content::Content;
use crate::coordination::Asker;
use crate::data::{AskError, Data};
use crate::ids::ClientId;
use crate::message::{Action, Blob, RunSpec};
use crate::scheduler::Scheduler;
use crate::scheduler::task::State;

/// What a task runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskSpec {
    /// The shared part.
    pub blob: Blob,
    /// The task's own part. Its number of the blob is the scheduler's.
    pub run: RunSpec,
    /// What it reads, in order.
    pub inputs: Vec<Key>,
}

impl Scheduler {
    /// What a task runs; none if it is not known, or came from outside as a value.
    #[must_use]
    pub fn spec_of(&self, key: &Key) -> Option<TaskSpec> {
        let cold = self.tasks.cold(self.tasks.find(key)?);
        let inputs = cold.inputs.iter().map(|&input| self.tasks.cold(input).key.clone());
        Some(TaskSpec {
            blob: self.blobs.get(cold.spec.blob)?.clone(),
            run: cold.spec.clone(),
            inputs: inputs.collect(),
        })
    }

    pub(super) fn task_spec(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let asked = body.need("key")?;
        let key = asked.as_key();
        if key.as_ref().and_then(|key| self.tasks.find(key)).is_none() {
            let text = format!("{asked} is no task that the scheduler knows");
            return Err(AskError::new("KeyError", text));
        }
        let Some(spec) = key.and_then(|key| self.spec_of(&key)) else {
            let text = format!("{asked} was scattered: there is nothing that could be run again");
            return Err(AskError::new("ValueError", text));
        };
        let bytes = |content: &Content| match content.as_bytes() {
            Some(bytes) => Ok(Data::Bytes(bytes.clone())),
            None => {
                let text = format!("{asked} is an object of the scheduler's process; ask there");
                Err(AskError::new("NotImplementedError", text))
            }
        };
        Ok(Some(Data::map([
            ("family", spec.blob.family.clone().into()),
            ("blob", bytes(&spec.blob.bytes)?),
            ("block", spec.run.block.into()),
            ("payload", bytes(&spec.run.payload)?),
            ("inputs", spec.inputs.into_iter().collect()),
        ])))
    }

    /// Tasks are held until they have ended, one way or the other.
    pub(super) fn keep_tasks(
        &mut self,
        _: Asker,
        body: &Data,
        actions: &mut Vec<Action>,
    ) -> Outcome {
        for key in body.need("keys")?.items().iter().filter_map(Data::as_key) {
            if let Some(slot) = self.tasks.find(&key)
                && !matches!(self.tasks.hot(slot).state, State::Memory | State::Erred)
            {
                self.want(ClientId::KEEPER, slot, actions);
            }
        }
        Ok(Some(Data::Nil))
    }

    /// A task has ended: whoever held it only so that it ran lets it go.
    pub(in crate::scheduler) fn need_not_be_kept(&mut self, slot: u32) {
        if self.tasks.cold(slot).clients.contains(&ClientId::KEEPER) {
            self.unwant(ClientId::KEEPER, slot);
        }
    }
}
