//! What programs on a cluster agree by: locks, semaphores, events, queues, variables, published data sets, metadata
//! and topics.
//!
//! A machine of its own, which knows no tasks: it is asked by name, answers now or later, and says which keys its
//! values name, so that the scheduler holds them. `docs/protocol.md` has what each question takes and gives.
//!
//! # States
//!
//! | thing | states | changes |
//! |---|---|---|
//! | lock | free; held by one, others wait in order | *acquire*, *release*, its holder is lost |
//! | multilock | each name free or held; who waits gets `n` of its names at once, in order | as locks |
//! | semaphore | registered with so many leases, some out, others wait in order; gone when closed | *acquire*, *release*, a lease ends that is not refreshed, its holder is lost |
//! | event | set; or not, and some wait | *set*, *clear* |
//! | queue | values in order; who gets waits for values, who puts for room | *put*, *get*; gone with the last who created it |
//! | variable | set; or not, and some wait | *set*, *delete* |
//! | wait | open until answered, timed out, abandoned, or its client is lost | |
//!
//! A client that is lost lets go of locks and leases, and its waits end. What it has put into queues, set or
//! published stays.
//!
//! # Who holds the keys in values
//!
//! A key in a queue, a variable or a data set is held here ([`Effect::Hold`], [`Effect::LetGo`]). A client that is
//! answered with a value holds the keys in it from then on ([`Effect::Give`], which comes before
//! this machine lets go): it has to release those that it makes no use of.

mod desk;
mod event;
mod invariants;
mod lock;
mod multilock;
mod publish;
mod queue;
mod semaphore;
mod topic;
mod variable;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::{AskError, Data};
use crate::ids::{ClientId, Time};

pub use self::desk::{Asker, Effect};
use self::desk::{Desk, On};

/// All of it.
#[derive(Debug, Default)]
pub struct Coordination {
    desk: Desk,
    locks: BTreeMap<Arc<str>, lock::Lock>,
    multilocks: multilock::MultiLocks,
    semaphores: BTreeMap<Arc<str>, semaphore::Semaphore>,
    lease_ends: semaphore::LeaseEnds,
    events: BTreeMap<Arc<str>, event::Happening>,
    queues: BTreeMap<Arc<str>, queue::Queue>,
    variables: BTreeMap<Arc<str>, variable::Variable>,
    datasets: publish::Datasets,
    metadata: Data,
    topics: BTreeMap<Arc<str>, topic::Topic>,
}

/// One question.
#[derive(Clone, Copy)]
struct Call<'a> {
    asker: Asker,
    now: Time,
    body: &'a Data,
}

/// What a question gets now; none if the answer comes later.
type Outcome = Result<Option<Data>, AskError>;
type Verb = fn(&mut Coordination, Call<'_>) -> Outcome;

/// All questions, by name.
const VERBS: &[(&str, Verb)] = &[
    ("event.clear", Coordination::event_clear),
    ("event.is_set", Coordination::event_is_set),
    ("event.set", Coordination::event_set),
    ("event.wait", Coordination::event_wait),
    ("lock.acquire", Coordination::lock_acquire),
    ("lock.locked", Coordination::lock_locked),
    ("lock.release", Coordination::lock_release),
    ("metadata.get", Coordination::metadata_get),
    ("metadata.set", Coordination::metadata_set),
    ("multilock.acquire", Coordination::multilock_acquire),
    ("multilock.release", Coordination::multilock_release),
    ("publish.delete", Coordination::publish_delete),
    ("publish.get", Coordination::publish_get),
    ("publish.list", Coordination::publish_list),
    ("publish.put", Coordination::publish_put),
    ("queue.create", Coordination::queue_create),
    ("queue.get", Coordination::queue_get),
    ("queue.put", Coordination::queue_put),
    ("queue.qsize", Coordination::queue_size),
    ("queue.release", Coordination::queue_release),
    ("semaphore.acquire", Coordination::semaphore_acquire),
    ("semaphore.close", Coordination::semaphore_close),
    ("semaphore.refresh", Coordination::semaphore_refresh),
    ("semaphore.register", Coordination::semaphore_register),
    ("semaphore.release", Coordination::semaphore_release),
    ("semaphore.value", Coordination::semaphore_value),
    ("topic.events", Coordination::topic_events),
    ("topic.log", Coordination::topic_log),
    ("topic.subscribe", Coordination::topic_subscribe),
    ("topic.unsubscribe", Coordination::topic_unsubscribe),
    ("variable.delete", Coordination::variable_delete),
    ("variable.get", Coordination::variable_get),
    ("variable.set", Coordination::variable_set),
];

impl Coordination {
    /// One that knows nothing, whose time began so many seconds after 1970.
    #[must_use]
    pub fn new(started_s: f64) -> Self {
        Self { desk: Desk::new(started_s), ..Self::default() }
    }

    /// Whether this machine answers questions of that name.
    #[must_use]
    pub fn answers(verb: &str) -> bool {
        VERBS.binary_search_by_key(&verb, |(name, _)| name).is_ok()
    }

    /// A question of a name that it answers: now or later, by an [`Effect::Answer`].
    pub fn ask(&mut self, now: Time, asker: Asker, verb: &str, body: &Data) {
        let Ok(at) = VERBS.binary_search_by_key(&verb, |(name, _)| name) else { return };
        self.desk.now = now;
        match VERBS[at].1(self, Call { asker, now, body }) {
            Ok(Some(data)) => self.desk.answer(asker, Ok(data)),
            Ok(None) => {}
            Err(error) => self.desk.answer(asker, Err(error)),
        }
    }

    /// Nobody waits for the answer to this question any more.
    pub fn abandon(&mut self, now: Time, asker: Asker) {
        self.desk.now = now;
        if let Some(on) = self.desk.forget(asker) {
            self.leave(asker, &on);
        }
    }

    /// A client is gone, and lets go of all that it held and waited for.
    pub fn client_lost(&mut self, now: Time, client: ClientId) {
        for asker in self.desk.waits_of(client) {
            self.abandon(now, asker);
        }
        self.locks_of_lost(client);
        self.multilocks_of_lost(client);
        self.leases_of_lost(client);
        self.topics.values_mut().for_each(|topic| topic.left_by(client));
    }

    /// When [`Coordination::time`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let lease = self.lease_ends.first().map(|(at, ..)| *at);
        [self.desk.deadline(), lease].into_iter().flatten().min()
    }

    /// Ends what has ended by now.
    pub fn time(&mut self, now: Time) {
        while let Some((asker, on)) = self.desk.overdue(now) {
            self.leave(asker, &on);
            self.desk.answer(asker, on.timed_out());
        }
        self.end_leases(now);
    }

    /// What it wants done, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.desk.effects)
    }

    /// A wait has ended without what it waited for.
    fn leave(&mut self, asker: Asker, on: &On) {
        match on {
            On::Lock(name) => self.lock_left(name, asker),
            On::MultiLock => self.multilock_left(asker),
            On::Semaphore(name) => self.semaphore_left(name, asker),
            On::Event(name) => self.event_left(name, asker),
            On::Put(name) | On::Get(name) => self.queue_left(name, asker),
            On::Variable(name) => self.variable_left(name, asker),
        }
    }
}

impl Call<'_> {
    /// The name of what it is about.
    fn name(&self) -> Result<Arc<str>, AskError> {
        self.text("name")
    }

    /// A text that it must give. Other data stand for the text that shows them.
    fn text(&self, field: &str) -> Result<Arc<str>, AskError> {
        let data = self.body.need(field)?;
        Ok(data.as_text().cloned().unwrap_or_else(|| data.to_string().into()))
    }

    /// When its asker has waited long enough; none for never.
    fn until(&self) -> Option<Time> {
        self.body.get("timeout_s").and_then(Data::as_float).map(|seconds| self.now.after(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::VERBS;

    #[test]
    fn verbs_are_found_by_halving() {
        assert!(VERBS.is_sorted_by_key(|(name, _)| *name));
    }
}
