//! `data.replicate`: so many of some workers hold each value.

use std::collections::BTreeSet;

use super::rebalance::Moves;
use super::{Outcome, WaitsFor};
use crate::coordination::Asker;
use crate::data::{AskError, Data};
use crate::ids::WorkerId;
use crate::message::{Action, Input, Location, ToWorker};
use crate::scheduler::Scheduler;
use crate::scheduler::task::State;

impl Scheduler {
    pub(super) fn replicate_values(
        &mut self,
        asker: Asker,
        body: &Data,
        actions: &mut Vec<Action>,
    ) -> Outcome {
        let n = match body.get("n") {
            None | Some(Data::Nil) => usize::MAX,
            Some(n) => match n.as_int().and_then(|n| usize::try_from(n).ok()) {
                Some(n) if n > 0 => n,
                _ => {
                    let text = format!("n is {n}; of a value there is at least one copy");
                    return Err(AskError::new("ValueError", text));
                }
            },
        };
        let among = self.named_workers(body);
        if among.is_empty() && body.get("workers").is_some_and(|named| !named.is_nil()) {
            let text = "none of the workers that are to have copies is here";
            return Err(AskError::new("ValueError", text));
        }
        let keys = body.need("keys")?.items().iter().filter_map(Data::as_key);
        let slots: BTreeSet<u32> = keys.filter_map(|key| self.tasks.find(&key)).collect();
        let mut left = BTreeSet::new();
        for slot in slots {
            if self.tasks.hot(slot).state != State::Memory || self.is_actor(slot) {
                continue;
            }
            self.drop_copies(slot, n, &among);
            for to in self.who_is_to_have(slot, n, &among) {
                let task = self.tasks.id(slot);
                left.insert((task, to));
                self.moving.entry((task, to)).or_insert(None);
                let nbytes = self.tasks.hot(slot).nbytes;
                let place = Location { holders: self.tasks.holders(slot), nbytes };
                let input = Input { task, place };
                self.introduce(to, std::slice::from_ref(&input), actions);
                actions.push(Action::Worker(to, ToWorker::Acquire(vec![input])));
            }
        }
        let moves = Moves::of(left);
        if moves.is_over() {
            return moves.so_far().map(Some);
        }
        let until = self.until(body);
        self.questions.open(asker, until, WaitsFor::Moves(moves));
        Ok(None)
    }

    /// Those of some workers that are to get a copy, so that `n` of them have one: those with the least first.
    fn who_is_to_have(&self, slot: u32, n: usize, among: &[WorkerId]) -> Vec<WorkerId> {
        let holders = self.tasks.holders(slot);
        let n_have = among.iter().filter(|id| holders.contains(id)).count();
        let others = among.iter().filter(|id| !holders.contains(id));
        let mut others: Vec<(u64, WorkerId)> = others
            .filter_map(|&id| Some((self.workers.get(id).filter(|w| w.is_open())?.held_bytes, id)))
            .collect();
        others.sort_unstable();
        others.truncate(n.saturating_sub(n_have));
        others.into_iter().map(|(_, id)| id).collect()
    }

    /// Copies beyond `n` go: from those of the workers with the most.
    fn drop_copies(&mut self, slot: u32, n: usize, among: &[WorkerId]) {
        let mut have = self.tasks.holders(slot).to_vec();
        have.retain(|id| among.contains(id));
        have.sort_by_key(|&id| (self.workers.get(id).map_or(0, |w| w.held_bytes), id));
        for &id in have.iter().skip(n) {
            self.not_held(slot, id);
            self.frees.entry(id).or_default().push(self.tasks.id(slot));
            self.one_holder_less(slot, id);
        }
    }
}
