//! What is true of a worker after every event.

use std::collections::BTreeSet;

use super::Worker;
use super::attempts::{Attempt, Stage};
use super::values::Value;

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}

impl Worker {
    /// Whether its tables agree with one another. For tests: it reads all of them.
    ///
    /// # Errors
    ///
    /// The first contradiction, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        for (at, attempt) in self.attempts.iter() {
            self.check_attempt(at, attempt)?;
        }
        for (at, value) in self.values.iter() {
            self.check_value(at, value)?;
        }
        self.check_totals()?;
        self.check_fetches()
    }

    fn check_attempt(&self, at: u32, attempt: &Attempt) -> Result<(), String> {
        let Attempt { task, stage, .. } = attempt;
        ensure!(self.attempts.find(task) == Some(at), "{task:?} is not found at {at}");
        let has_started = stage.has_started();
        ensure!(attempt.compute.is_some() != has_started, "{stage:?} {task:?}: its spec");
        ensure!(has_started || !attempt.cancelled, "{stage:?} {task:?} is cancelled");
        ensure!(has_started || !attempt.lingers, "{stage:?} {task:?} lingers");
        ensure!(has_started || !self.holds(*task), "{stage:?} {task:?} has a value");
        let rank = (attempt.priority, attempt.number, at);
        ensure!(
            self.queues.ready.contains(&rank) == (*stage == Stage::Ready),
            "{stage:?} {task:?}: ready queue"
        );
        ensure!(
            self.queues.constrained.contains(&rank) == (*stage == Stage::Constrained),
            "{stage:?} {task:?}: constrained queue"
        );
        let inputs: BTreeSet<_> = attempt.inputs.iter().collect();
        ensure!(inputs.len() == attempt.inputs.len(), "{task:?} claims an input twice");
        if has_started {
            return Ok(());
        }
        let absent = attempt.inputs.iter().filter(|&&input| !self.values[input].held);
        let n_absent = absent.clone().count() as u32;
        match stage {
            Stage::Waiting(n) => {
                ensure!(*n == n_absent && n_absent > 0, "{task:?} awaits {n} of {n_absent}");
            }
            _ => ensure!(n_absent == 0, "{stage:?} {task:?} lacks {n_absent} inputs"),
        }
        for &input in absent {
            let value = &self.values[input];
            let n = value
                .want
                .as_ref()
                .map_or(0, |want| want.waiters.iter().filter(|&&waiter| waiter == at).count());
            ensure!(n == 1, "{task:?} waits for {:?} {n} times", value.task);
        }
        Ok(())
    }

    fn check_value(&self, at: u32, value: &Value) -> Result<(), String> {
        let Value { task, held, want, landing, n_claims, .. } = value;
        ensure!(self.values.find(task) == Some(at), "value of {task:?} is not found at {at}");
        let claims = self.attempts.iter().filter(|(_, row)| row.inputs.contains(&at)).count();
        ensure!(*n_claims == claims as u32, "{task:?}: {n_claims} claims of {claims} attempts");
        ensure!(
            *held || want.is_some() || *landing != 0 || claims > 0,
            "{task:?} has a row for nothing"
        );
        ensure!(!*held || want.is_none(), "{task:?} is here and wanted");
        ensure!(!*held || value.type_name.is_some(), "{task:?} is here without a type");
        ensure!(!*held || !value.lingers, "{task:?} is here and lingers");
        ensure!(!value.doomed || claims > 0, "{task:?} is doomed and nobody needs it");
        ensure!(!value.doomed || *held || want.is_some(), "{task:?} is doomed and not here");
        if *landing != 0 {
            let flight = self.fetches.flights.get(landing);
            ensure!(
                flight.is_some_and(|flight| flight.tasks.contains(task)),
                "{task:?} is in flight {landing}, which does not bring it"
            );
        }
        let Some(want) = want else { return Ok(()) };
        ensure!(want.acquired || !want.waiters.is_empty(), "{task:?} is wanted by nobody");
        for &waiter in &want.waiters {
            let row = &self.attempts[waiter];
            ensure!(
                matches!(row.stage, Stage::Waiting(_)) && row.inputs.contains(&at),
                "{:?} does not wait for {task:?}",
                row.task
            );
            ensure!(want.priority <= row.priority, "{task:?} is less urgent than {:?}", row.task);
        }
        if value.is_coming(self.config.id) {
            ensure!(self.attempts.find(task).is_some(), "{task:?} comes from nowhere");
        } else if *landing == 0 {
            let peer = self.fetches.peers.get(&want.peer);
            ensure!(
                peer.is_some_and(|peer| peer.queue.contains(&(want.priority, at))),
                "{task:?} is wanted and in no queue"
            );
        }
        Ok(())
    }

    fn check_totals(&self) -> Result<(), String> {
        let count = |wanted: fn(Stage) -> bool| {
            self.attempts.iter().filter(|(_, row)| wanted(row.stage)).count()
        };
        let n = count(|stage| stage == Stage::Executing);
        ensure!(n == self.n_executing as usize, "{n} executing, counted {}", self.n_executing);
        let n = count(|stage| stage == Stage::Ready);
        ensure!(n == self.queues.ready.len(), "{n} ready of {}", self.queues.ready.len());
        let n = count(|stage| stage == Stage::Constrained);
        let constrained = self.queues.constrained.len();
        ensure!(n == constrained, "{n} constrained of {constrained}");
        let mut taken = vec![0; self.config.resources.len()];
        for (_, row) in self.attempts.iter().filter(|(_, row)| row.stage.has_started()) {
            for &(resource, amount) in &row.share {
                taken[resource as usize] += amount;
            }
        }
        ensure!(taken == self.resources.taken(), "resources in use are {taken:?}");
        ensure!(self.copied.is_empty() && self.dropped.is_empty(), "something was left unsaid");
        Ok(())
    }

    fn check_fetches(&self) -> Result<(), String> {
        let mut n_queued = 0;
        for (id, peer) in &self.fetches.peers {
            n_queued += peer.queue.len();
            let flights = self.fetches.flights.values().filter(|flight| flight.peer == *id);
            let n = flights.count() as u32;
            ensure!(n == peer.n_flights, "{id:?} has {n} flights, counted {}", peer.n_flights);
            let most = self.config.max_fetches_per_peer;
            ensure!(n <= most, "{id:?} has {n} flights");
            ensure!(n > 0 || !peer.queue.is_empty(), "{id:?} is kept for nothing");
            let is_idle = n < most && !peer.queue.is_empty();
            ensure!(!is_idle || self.paused, "{id:?} could be asked for more");
        }
        let own_id = self.config.id;
        let wanted = self
            .values
            .iter()
            .filter(|(_, row)| row.want.is_some() && row.landing == 0 && !row.is_coming(own_id));
        let n = wanted.count();
        ensure!(n == n_queued, "{n} values are to be fetched, {n_queued} are queued");
        for (request, flight) in &self.fetches.flights {
            for &task in &flight.tasks {
                let at = self.values.find(&task);
                ensure!(
                    at.is_some_and(|at| self.values[at].landing == *request),
                    "flight {request} brings {task:?}, which knows nothing of it"
                );
            }
        }
        Ok(())
    }
}
