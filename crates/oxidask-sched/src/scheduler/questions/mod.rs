//! Questions by name: which of them the scheduler answers itself, and who still waits for an answer.
//!
//! Three kinds of verbs: those of this table, those of the [coordination machine](crate::coordination), and
//! all others, which are the host's ([`Action::Ask`]). A question that waits for something to happen is
//! [`Open`] until that has happened, its time is over, nobody waits for it any more, or its client is lost.
//! `docs/protocol.md` has what each question takes and gives.

mod ask_workers;
mod info;
mod leave;
mod rebalance;
mod replicate;
mod scale;
mod stream;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::ask_workers::AskedWorkers;
use self::leave::{Joins, Restart, Retirement};
use self::rebalance::Moves;
pub use self::tasks::TaskSpec;
use super::Scheduler;
use super::workers::WorkerState;
use crate::coordination::{Asker, Coordination, Effect};
use crate::data::{Answer, AskError, Data};
use crate::ids::{ClientId, Time, WorkerId};
use crate::message::{Action, ToClient};

/// What a question gets now; none if the answer comes later.
type Outcome = Result<Option<Data>, AskError>;
type Verb = fn(&mut Scheduler, Asker, &Data, &mut Vec<Action>) -> Outcome;

/// All questions that are answered here, by name.
const VERBS: &[(&str, Verb)] = &[
    ("adaptive.target", Scheduler::adaptive_target),
    ("data.rebalance", Scheduler::rebalance),
    ("data.replicate", Scheduler::replicate_values),
    ("info.dump", Scheduler::dump),
    ("info.groups", Scheduler::groups),
    ("info.has_what", Scheduler::has_what),
    ("info.identity", Scheduler::identity),
    ("info.nbytes", Scheduler::nbytes),
    ("info.nthreads", Scheduler::nthreads),
    ("info.processing", Scheduler::processing),
    ("info.story", Scheduler::story),
    ("info.task", Scheduler::task),
    ("info.who_has", Scheduler::who_has),
    ("story.start", Scheduler::story_start),
    ("tasks.keep", Scheduler::keep_tasks),
    ("tasks.spec", Scheduler::task_spec),
    ("tasks.stream.get", Scheduler::stream_get),
    ("tasks.stream.start", Scheduler::stream_start),
    ("tasks.stream.stop", Scheduler::stream_stop),
    ("workers.ask", Scheduler::ask_workers),
    ("workers.close", Scheduler::close_workers),
    ("workers.died", Scheduler::worker_died),
    ("workers.plan", Scheduler::plan_workers),
    ("workers.restart", Scheduler::restart_workers),
    ("workers.retire", Scheduler::retire_workers),
    ("workers.wait", Scheduler::wait_for_workers),
];

/// Questions that wait for something to happen.
#[derive(Default)]
pub(super) struct Questions {
    n_asked: u64,
    open: BTreeMap<u64, Open>,
    by_asker: BTreeMap<Asker, u64>,
    due: BTreeSet<(Time, u64)>,
}

/// A question that waits.
struct Open {
    asker: Asker,
    until: Option<Time>,
    waits_for: WaitsFor,
}

/// What a question waits for.
enum WaitsFor {
    /// Workers' answers.
    Workers(AskedWorkers),
    /// Workers that leave once others have what is needed of them.
    Retirement(Retirement),
    /// Workers that go, and others in their stead.
    Restart(Restart),
    /// So many workers.
    Joins(Joins),
    /// Values that move.
    Moves(Moves),
}

impl Questions {
    /// A question waits from now on; for so many seconds, if that is said. Gives its number.
    fn open(&mut self, asker: Asker, until: Option<Time>, waits_for: WaitsFor) -> u64 {
        self.n_asked += 1;
        let number = self.n_asked;
        self.due.extend(until.map(|at| (at, number)));
        self.by_asker.insert(asker, number);
        self.open.insert(number, Open { asker, until, waits_for });
        number
    }

    fn close(&mut self, number: u64) -> Option<Open> {
        let open = self.open.remove(&number)?;
        self.by_asker.remove(&open.asker);
        if let Some(until) = open.until {
            self.due.remove(&(until, number));
        }
        Some(open)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }
}

impl Scheduler {
    /// Somebody asks.
    pub(super) fn asked(
        &mut self,
        asker: Asker,
        verb: Arc<str>,
        body: Data,
        actions: &mut Vec<Action>,
    ) {
        if Coordination::answers(&verb) {
            self.coordination.ask(self.now, asker, &verb, &body);
        } else if let Ok(at) = VERBS.binary_search_by_key(&&*verb, |(name, _)| name) {
            match VERBS[at].1(self, asker, &body, actions) {
                Ok(Some(data)) => answer(asker, Ok(data), actions),
                Ok(None) => {}
                Err(error) => answer(asker, Err(error), actions),
            }
        } else {
            let Asker { client, request } = asker;
            actions.push(Action::Ask { client, request, verb, body });
        }
    }

    /// Nobody waits for an answer any more.
    pub(super) fn abandoned(&mut self, asker: Asker) {
        self.coordination.abandon(self.now, asker);
        if let Some(number) = self.questions.by_asker.get(&asker).copied() {
            self.questions.close(number);
        }
    }

    /// A client is gone, and waits for nothing any more.
    pub(super) fn asks_no_more(&mut self, client: ClientId) {
        self.coordination.client_lost(self.now, client);
        let all = Asker { client, request: 0 }..=Asker { client, request: u64::MAX };
        let numbers: Vec<u64> = self.questions.by_asker.range(all).map(|(_, n)| *n).collect();
        numbers.into_iter().for_each(|number| drop(self.questions.close(number)));
    }

    /// Questions that have waited long enough.
    pub(super) fn questions_due(&mut self, actions: &mut Vec<Action>) {
        while let Some(&(at, number)) = self.questions.due.first()
            && at <= self.now
        {
            let Some(open) = self.questions.close(number) else { continue };
            let given = match open.waits_for {
                WaitsFor::Workers(asked) => asked.timed_out(),
                WaitsFor::Retirement(these) => these.so_far(),
                WaitsFor::Restart(restart) => restart.timed_out(),
                WaitsFor::Joins(joins) => leave::not_enough(joins.wanted, self.n_come(&joins)),
                WaitsFor::Moves(moves) => moves.so_far(),
            };
            answer(open.asker, given, actions);
        }
    }

    /// Does what the coordination machine wants done.
    pub(super) fn coordinate(&mut self, actions: &mut Vec<Action>) {
        self.coordination.time(self.now);
        for effect in self.coordination.take_effects() {
            match effect {
                Effect::Answer(asker, given) => answer(asker, given, actions),
                Effect::Push { client, topic, body } => {
                    actions.push(Action::Client(client, ToClient::Push { topic, body }));
                }
                Effect::Hold(key) => self.give(ClientId::COORDINATION, &key, actions),
                Effect::Give(client, key) => self.give(client, &key, actions),
                Effect::LetGo(key) => {
                    if let Some(slot) = self.tasks.find(&key) {
                        self.unwant(ClientId::COORDINATION, slot);
                    }
                }
            }
        }
    }

    /// Somebody holds a key from now on, if there is such a task.
    fn give(&mut self, client: ClientId, key: &oxidask_core::key::Key, actions: &mut Vec<Action>) {
        let is_here = client == ClientId::COORDINATION || self.clients.contains_key(&client);
        if let Some(slot) = self.tasks.find(key).filter(|_| is_here) {
            self.want(client, slot, actions);
        }
    }

    /// When a question that says for how long it waits has waited long enough.
    fn until(&self, body: &Data) -> Option<Time> {
        body.get("timeout_s").and_then(Data::as_float).map(|seconds| self.now.after(seconds))
    }

    /// The workers that a question names, by name, address or host; all if it names none.
    fn named_workers(&self, body: &Data) -> Vec<WorkerId> {
        let Some(named) = body.get("workers").filter(|named| matches!(named, Data::List(_))) else {
            return self.workers.alive().to_vec();
        };
        let named = self.workers.iter().filter(|(_, worker)| is_named(worker, named));
        named.map(|(id, _)| id).collect()
    }

    /// Checks that what is open is found.
    pub(super) fn check_questions(&self) -> Result<(), String> {
        for (number, open) in &self.questions.open {
            if self.questions.by_asker.get(&open.asker) != Some(number) {
                return Err(format!("question {number} is not found by {:?}", open.asker));
            }
            let is_open = match &open.waits_for {
                WaitsFor::Workers(asked) => asked.check(self),
                WaitsFor::Retirement(these) => {
                    match these.left.iter().find(|id| !self.retiring.contains(id)) {
                        Some(id) => Err(format!("waits for {id:?}, which does not retire")),
                        None => Ok(()),
                    }
                }
                WaitsFor::Joins(joins) if self.n_come(joins) >= joins.wanted => {
                    Err("waits for workers that are here".into())
                }
                _ => Ok(()),
            };
            is_open.map_err(|error| format!("question {number}: {error}"))?;
        }
        if self.questions.open.len() != self.questions.by_asker.len() {
            return Err("questions are closed and still found".into());
        }
        Ok(())
    }
}

/// Whether a list of names, addresses and hosts means a worker.
fn is_named(worker: &WorkerState, named: &Data) -> bool {
    named.items().iter().any(|who| match who.as_text() {
        Some(who) => worker.is_called(who),
        None => worker.is_called(&who.to_string()),
    })
}

fn answer(asker: Asker, answer: Answer, actions: &mut Vec<Action>) {
    let Asker { client, request } = asker;
    actions.push(Action::Client(client, ToClient::Answer { request, answer }));
}

#[cfg(test)]
mod tests {
    use super::VERBS;

    #[test]
    fn verbs_are_found_by_halving() {
        assert!(VERBS.is_sorted_by_key(|(name, _)| *name));
    }
}
