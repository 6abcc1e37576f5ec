//! Telling workers and clients where the workers are that hold what they need, once each.

use super::Scheduler;
use crate::ids::{ClientId, WorkerId};
use crate::message::{Action, Input, ToClient, ToWorker};

impl Scheduler {
    /// A worker is about to hear of the holders of these.
    pub(super) fn introduce(&mut self, to: WorkerId, inputs: &[Input], actions: &mut Vec<Action>) {
        for holder in inputs.iter().flat_map(|input| &input.place.holders) {
            let is_new = *holder != to
                && self.workers.get_mut(to).is_some_and(|worker| worker.knows.insert(*holder));
            if is_new && let Some(worker) = self.workers.get(*holder) {
                let address = worker.info.address.clone();
                let peer = ToWorker::Peer { worker: *holder, address };
                actions.push(Action::Worker(to, peer));
            }
        }
    }

    /// A client is about to hear of the holders of these.
    pub(super) fn introduce_to_client<'a>(
        &mut self,
        to: ClientId,
        inputs: impl Iterator<Item = &'a Input>,
        actions: &mut Vec<Action>,
    ) {
        let Some(client) = self.clients.get_mut(&to) else { return };
        for holder in inputs.flat_map(|input| &input.place.holders) {
            if let Some(worker) = self.workers.get(*holder)
                && client.knows.insert(*holder)
            {
                let address = worker.info.address.clone();
                let peer = ToClient::Peer { worker: *holder, address };
                actions.push(Action::Client(to, peer));
            }
        }
    }
}
