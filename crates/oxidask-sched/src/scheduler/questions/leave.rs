//! `workers.retire`, `workers.close`, `workers.restart`, `workers.wait`: workers that go and come.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Outcome, WaitsFor, answer, is_named};
use crate::coordination::Asker;
use crate::data::{Answer, AskError, Data};
use crate::ids::WorkerId;
use crate::message::{Action, ToClient, ToWorker};
use crate::scheduler::Scheduler;

/// Workers that are to leave once others have what is needed of them.
pub(super) struct Retirement {
    pub(super) left: BTreeSet<WorkerId>,
    /// Those that have left, by address, with what was known of them.
    gone: Vec<(Arc<str>, Data)>,
}

/// Workers that are to go, and others that are to come in their stead.
pub(super) struct Restart {
    going: BTreeSet<WorkerId>,
    n_coming: usize,
    n_come: usize,
}

/// Workers that are to come: so many of those named, or of all.
pub(super) struct Joins {
    pub(super) wanted: usize,
    named: Option<Data>,
}

impl Scheduler {
    pub(super) fn retire_workers(
        &mut self,
        asker: Asker,
        body: &Data,
        actions: &mut Vec<Action>,
    ) -> Outcome {
        let named = match body.get("workers") {
            Some(Data::List(_)) => self.named_workers(body),
            _ => self.planned(body)?,
        };
        let left: BTreeSet<WorkerId> = named.into_iter().collect();
        if left.is_empty() {
            return Ok(Some(Data::Map(Vec::new())));
        }
        let until = self.until(body);
        let leaving: Vec<WorkerId> = left.iter().copied().collect();
        let waits_for = WaitsFor::Retirement(Retirement { left, gone: Vec::new() });
        self.questions.open(asker, until, waits_for);
        for id in leaving {
            self.worker_retires(id, actions);
        }
        Ok(None)
    }

    /// Somebody who watches a worker's process knows that it is dead, and why.
    pub(super) fn worker_died(
        &mut self,
        _: Asker,
        body: &Data,
        actions: &mut Vec<Action>,
    ) -> Outcome {
        let address = body.need("address")?.as_text().cloned();
        let cause = body.get("cause").and_then(Data::as_text).cloned();
        let found = self
            .workers
            .iter()
            .find(|(_, worker)| address.as_ref() == Some(&worker.info.address))
            .map(|(id, _)| id);
        if let Some(id) = found {
            self.worker_lost(id, &cause.unwrap_or_else(|| "it died".into()), actions);
        }
        Ok(Some(Data::Bool(found.is_some())))
    }

    /// A worker that retires has nothing left: it is let go.
    pub(in crate::scheduler) fn has_retired(&mut self, id: WorkerId, actions: &mut Vec<Action>) {
        actions.push(Action::Retired(id));
        self.left_for_good(id, true, actions);
    }

    /// Whether somebody waits for a worker to retire.
    pub(in crate::scheduler) fn is_asked_to_retire(&self, id: WorkerId) -> bool {
        self.questions.open.values().any(
            |open| matches!(&open.waits_for, WaitsFor::Retirement(these) if these.left.contains(&id)),
        )
    }

    /// A worker will not retire (any more), or has: those who wait for it hear of it.
    pub(in crate::scheduler) fn left_for_good(
        &mut self,
        id: WorkerId,
        has_left: bool,
        actions: &mut Vec<Action>,
    ) {
        let described = self
            .workers
            .get(id)
            .filter(|_| has_left)
            .map(|worker| (worker.info.address.clone(), self.describe_worker(id, worker)));
        let mut done = Vec::new();
        for (number, open) in &mut self.questions.open {
            if let WaitsFor::Retirement(these) = &mut open.waits_for
                && these.left.remove(&id)
            {
                these.gone.extend(described.clone());
                if these.left.is_empty() {
                    done.push(*number);
                }
            }
        }
        for number in done {
            if let Some(open) = self.questions.close(number)
                && let WaitsFor::Retirement(these) = open.waits_for
            {
                answer(open.asker, these.so_far(), actions);
            }
        }
    }

    /// Workers are told to go at once, with what they run and hold.
    pub(super) fn close_workers(
        &mut self,
        _: Asker,
        body: &Data,
        actions: &mut Vec<Action>,
    ) -> Outcome {
        let reason = body.get("reason").and_then(Data::as_text);
        let reason = reason.cloned().unwrap_or_else(|| "closed by a client".into());
        let mut told = Vec::new();
        for id in self.named_workers(body) {
            told.extend(self.workers.get(id).map(|w| (w.info.address.clone(), "OK".into())));
            self.close_worker(id, &reason, actions);
        }
        Ok(Some(Data::Map(told)))
    }

    /// A worker is told to go: it gets nothing more to do, and its end is no task's fault.
    fn close_worker(&mut self, id: WorkerId, reason: &Arc<str>, actions: &mut Vec<Action>) {
        let Some(worker) = self.workers.get_mut(id) else { return };
        worker.retiring = true;
        worker.closing = true;
        self.not_hungry(id);
        self.requeue_all(id);
        actions.push(Action::Worker(id, ToWorker::Close(reason.clone())));
    }

    /// All tasks are forgotten, and all workers go; those with a nanny come back.
    pub(super) fn restart_workers(
        &mut self,
        asker: Asker,
        body: &Data,
        actions: &mut Vec<Action>,
    ) -> Outcome {
        self.cancel_everything(actions);
        let going: BTreeSet<WorkerId> = self.workers.alive().iter().copied().collect();
        let come_back = self.workers.iter().filter(|(_, worker)| {
            worker
                .info
                .extra
                .get("nanny")
                .is_some_and(|nanny| !matches!(nanny, Data::Nil | Data::Bool(false)))
        });
        let n_coming = come_back.count();
        for &id in &going {
            self.close_worker(id, &"restart".into(), actions);
        }
        if going.is_empty() || matches!(body.get("wait"), Some(Data::Bool(false))) {
            return Ok(Some(n_coming.into()));
        }
        let until = self.until(body);
        let restart = Restart { going, n_coming, n_come: 0 };
        self.questions.open(asker, until, WaitsFor::Restart(restart));
        Ok(None)
    }

    /// Nobody holds any task any more.
    fn cancel_everything(&mut self, actions: &mut Vec<Action>) {
        for slot in self.tasks.slots() {
            self.tell(slot, actions, ToClient::Cancelled);
            for client in self.tasks.cold(slot).clients.clone() {
                self.unwant(client, slot);
            }
        }
    }

    pub(super) fn wait_for_workers(
        &mut self,
        asker: Asker,
        body: &Data,
        _: &mut Vec<Action>,
    ) -> Outcome {
        let wanted = body.need("n")?;
        let Some(wanted) = wanted.as_int().and_then(|n| usize::try_from(n).ok()) else {
            return Err(AskError::new("ValueError", format!("{wanted} is no number of workers")));
        };
        let named = body.get("workers").filter(|named| matches!(named, Data::List(_)));
        let joins = Joins { wanted, named: named.cloned() };
        let here = self.n_come(&joins);
        if here >= wanted {
            return Ok(Some(here.into()));
        }
        let until = self.until(body);
        self.questions.open(asker, until, WaitsFor::Joins(joins));
        Ok(None)
    }

    /// Workers that are here of those that somebody waits for.
    pub(super) fn n_come(&self, joins: &Joins) -> usize {
        let staying = self.workers.iter().filter(|(_, worker)| !worker.retiring);
        match &joins.named {
            Some(named) => staying.filter(|(_, worker)| is_named(worker, named)).count(),
            None => staying.count(),
        }
    }

    /// Workers that are here and don't leave.
    pub(super) fn n_staying(&self) -> usize {
        self.workers.iter().filter(|(_, worker)| !worker.retiring).count()
    }

    /// A worker has come.
    pub(in crate::scheduler) fn somebody_joined(&mut self, actions: &mut Vec<Action>) {
        for open in self.questions.open.values_mut() {
            if let WaitsFor::Restart(restart) = &mut open.waits_for {
                restart.n_come += 1;
            }
        }
        self.answer_those_who_wait_for_workers(actions);
    }

    /// A worker is gone, by its own doing or another's.
    pub(in crate::scheduler) fn somebody_left(&mut self, id: WorkerId, actions: &mut Vec<Action>) {
        for open in self.questions.open.values_mut() {
            if let WaitsFor::Restart(restart) = &mut open.waits_for {
                restart.going.remove(&id);
            }
        }
        self.answer_those_who_wait_for_workers(actions);
    }

    fn answer_those_who_wait_for_workers(&mut self, actions: &mut Vec<Action>) {
        let done = self.questions.open.iter().filter_map(|(&number, open)| match &open.waits_for {
            WaitsFor::Joins(joins) => {
                let here = self.n_come(joins);
                (here >= joins.wanted).then_some((number, here))
            }
            WaitsFor::Restart(restart) => {
                let is_over = restart.going.is_empty() && restart.n_come >= restart.n_coming;
                is_over.then(|| (number, self.n_staying()))
            }
            _ => None,
        });
        for (number, here) in done.collect::<Vec<_>>() {
            if let Some(open) = self.questions.close(number) {
                answer(open.asker, Ok(here.into()), actions);
            }
        }
    }
}

impl Retirement {
    /// Those that have left by now, by address.
    pub(super) fn so_far(self) -> Answer {
        Ok(Data::Map(self.gone))
    }
}

impl Restart {
    pub(super) fn timed_out(&self) -> Answer {
        let text = format!(
            "{} workers have not ended and {} of {} have not come back in time",
            self.going.len(),
            self.n_coming.saturating_sub(self.n_come),
            self.n_coming
        );
        Err(AskError::new("TimeoutError", text))
    }
}

/// What somebody gets who has waited for workers that did not come.
pub(super) fn not_enough(wanted: usize, here: usize) -> Answer {
    Err(AskError::new("TimeoutError", format!("only {here} of {wanted} workers are here in time")))
}
