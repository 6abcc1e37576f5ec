//! `data.rebalance`: values move from workers that hold more than their share to those that hold less.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Outcome, WaitsFor, answer};
use crate::coordination::Asker;
use crate::data::{Answer, Data};
use crate::ids::{TaskId, WorkerId};
use crate::message::{Action, Input, Location, ToWorker};
use crate::scheduler::Scheduler;
use crate::scheduler::task::State;

/// A value that moves: where to.
type Move = (TaskId, WorkerId);

/// Moves that are awaited.
pub(super) struct Moves {
    left: BTreeSet<Move>,
    n_done: usize,
    n_failed: usize,
}

impl Moves {
    /// None of them is done.
    pub(super) fn of(left: BTreeSet<Move>) -> Self {
        Self { left, n_done: 0, n_failed: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) fn so_far(&self) -> Answer {
        let status = if self.left.is_empty() && self.n_failed == 0 { "OK" } else { "partial-fail" };
        Ok(Data::map([("status", status.into()), ("moved", self.n_done.into())]))
    }
}

impl Scheduler {
    pub(super) fn rebalance(
        &mut self,
        asker: Asker,
        body: &Data,
        actions: &mut Vec<Action>,
    ) -> Outcome {
        let moves = self.moves(body);
        let mut left = BTreeSet::new();
        for (slot, from, to) in moves {
            let place =
                Location { holders: self.tasks.holders(slot), nbytes: self.tasks.hot(slot).nbytes };
            let input = Input { task: self.tasks.id(slot), place };
            left.insert((input.task, to));
            self.moving.insert((input.task, to), Some(from));
            self.introduce(to, std::slice::from_ref(&input), actions);
            actions.push(Action::Worker(to, ToWorker::Acquire(vec![input])));
        }
        let moves = Moves::of(left);
        if moves.is_over() {
            return moves.so_far().map(Some);
        }
        let until = self.until(body);
        self.questions.open(asker, until, WaitsFor::Moves(moves));
        Ok(None)
    }

    /// Which values go from where to where, so that each worker holds about as much: the largest first.
    fn moves(&self, body: &Data) -> Vec<(u32, WorkerId, WorkerId)> {
        let among = self.named_workers(body).into_iter();
        let mut loads: Vec<(u64, WorkerId)> = among
            .filter_map(|id| Some((self.workers.get(id).filter(|w| w.is_open())?.held_bytes, id)))
            .collect();
        if loads.len() < 2 {
            return Vec::new();
        }
        let asked: Option<BTreeSet<u32>> = match body.get("keys") {
            Some(Data::List(keys)) => {
                Some(keys.iter().filter_map(|key| self.tasks.find(&key.as_key()?)).collect())
            }
            _ => None,
        };
        let mean = loads.iter().map(|(load, _)| load).sum::<u64>() / loads.len() as u64;
        let mut moves = Vec::new();
        let mut givers: Vec<(u64, WorkerId)> =
            loads.iter().copied().filter(|g| g.0 > mean).collect();
        givers.sort_by_key(|&(load, id)| (Reverse(load), id));
        for (mut load, from) in givers {
            let Some(worker) = self.workers.get(from) else { continue };
            let may_go = worker.held.iter().filter(|&slot| {
                asked.as_ref().is_none_or(|asked| asked.contains(&slot)) && !self.is_actor(slot)
            });
            let mut may_go: Vec<(Reverse<u64>, u32)> =
                may_go.map(|slot| (Reverse(self.tasks.hot(slot).nbytes), slot)).collect();
            may_go.sort_unstable();
            for (Reverse(nbytes), slot) in may_go {
                let holders = self.tasks.holders(slot);
                let takers = loads.iter_mut().filter(|(_, id)| !holders.contains(id));
                let Some(taker) = takers.min() else { continue };
                if load <= mean || taker.0 + nbytes >= load {
                    continue;
                }
                load -= nbytes;
                taker.0 += nbytes;
                moves.push((slot, from, taker.1));
            }
            if let Some(entry) = loads.iter_mut().find(|(_, id)| *id == from) {
                entry.0 = load;
            }
        }
        moves
    }

    pub(super) fn is_actor(&self, slot: u32) -> bool {
        self.tasks.hot(slot).annotated
            && self.tasks.annotations.get(&slot).is_some_and(|annotations| annotations.actor)
    }

    /// A worker has announced a copy: if it was to move there, the one that it came from goes.
    pub(in crate::scheduler) fn copy_is_there(
        &mut self,
        task: TaskId,
        to: WorkerId,
        actions: &mut Vec<Action>,
    ) {
        let Some(from) = self.moving.remove(&(task, to)) else { return };
        let slot = self.tasks.live(task).filter(|&slot| {
            let holders = self.tasks.holders(slot);
            self.tasks.hot(slot).state == State::Memory
                && holders.contains(&to)
                && from.is_none_or(|from| holders.contains(&from))
        });
        if let (Some(slot), Some(from)) = (slot, from) {
            self.not_held(slot, from);
            self.frees.entry(from).or_default().push(task);
            self.no_longer_holds(slot, from, actions);
        }
        self.move_is_over((task, to), slot.is_some(), actions);
    }

    /// A worker has no copy, and will not have one.
    pub(in crate::scheduler) fn copy_is_not_there(
        &mut self,
        task: TaskId,
        to: WorkerId,
        actions: &mut Vec<Action>,
    ) {
        if self.moving.remove(&(task, to)).is_some() {
            self.move_is_over((task, to), false, actions);
        }
    }

    /// A worker is gone: nothing moves to it.
    pub(in crate::scheduler) fn nothing_moves_to(
        &mut self,
        id: WorkerId,
        actions: &mut Vec<Action>,
    ) {
        let to_it: Vec<Move> = self.moving.keys().copied().filter(|(_, to)| *to == id).collect();
        to_it.into_iter().for_each(|(task, to)| self.copy_is_not_there(task, to, actions));
    }

    /// A value goes: it moves to nobody.
    pub(in crate::scheduler) fn moves_nowhere(&mut self, slot: u32, actions: &mut Vec<Action>) {
        if self.moving.is_empty() {
            return;
        }
        let task = self.tasks.id(slot);
        let to_all = (task, WorkerId(0))..=(task, WorkerId(u32::MAX));
        let of_it: Vec<Move> = self.moving.range(to_all).map(|(which, _)| *which).collect();
        of_it.into_iter().for_each(|(task, to)| self.copy_is_not_there(task, to, actions));
    }

    fn move_is_over(&mut self, which: Move, has_moved: bool, actions: &mut Vec<Action>) {
        let mut done = Vec::new();
        for (number, open) in &mut self.questions.open {
            if let WaitsFor::Moves(moves) = &mut open.waits_for
                && moves.left.remove(&which)
            {
                moves.n_done += usize::from(has_moved);
                moves.n_failed += usize::from(!has_moved);
                if moves.left.is_empty() {
                    done.push(*number);
                }
            }
        }
        for number in done {
            if let Some(open) = self.questions.close(number)
                && let WaitsFor::Moves(moves) = open.waits_for
            {
                answer(open.asker, moves.so_far(), actions);
            }
        }
    }
}
