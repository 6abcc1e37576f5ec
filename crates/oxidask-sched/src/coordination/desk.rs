//! Who has asked and waits, what is answered, and which keys are held.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oxidask_core::key::Key;
use rustc_hash::FxHashMap;

use super::{Call, Outcome};
use crate::data::{Answer, AskError, Data};
use crate::ids::{ClientId, Time};

/// Who asks, and the number that the answer comes back with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Asker {
    /// The client.
    pub client: ClientId,
    /// Its number for the question.
    pub request: u64,
}

/// What is to be done.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// The answer to a question.
    Answer(Asker, Answer),
    /// This key is needed here from now on.
    Hold(Key),
    /// This key is not needed here any more.
    LetGo(Key),
    /// A client is about to be answered with this key, and holds it.
    Give(ClientId, Key),
    /// What a client has subscribed to.
    Push {
        /// Who.
        client: ClientId,
        /// What it is about.
        topic: Arc<str>,
        /// When it was said, in seconds since 1970, and what.
        body: Data,
    },
}

/// What somebody waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum On {
    Lock(Arc<str>),
    MultiLock,
    Semaphore(Arc<str>),
    Event(Arc<str>),
    Put(Arc<str>),
    Get(Arc<str>),
    Variable(Arc<str>),
}

impl On {
    /// What somebody gets whose time is over.
    pub(super) fn timed_out(&self) -> Answer {
        let text = match self {
            Self::Lock(_) | Self::MultiLock | Self::Semaphore(_) | Self::Event(_) => {
                return Ok(false.into());
            }
            Self::Put(name) => format!("queue {name} had no room in time"),
            Self::Get(name) => format!("queue {name} had nothing to get in time"),
            Self::Variable(name) => format!("variable {name} was not set in time"),
        };
        Err(AskError::new("TimeoutError", text))
    }
}

/// Open waits, effects and held keys.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) started_s: f64,
    /// The time of what is being handled.
    pub(super) now: Time,
    pub(super) effects: Vec<Effect>,
    open: BTreeMap<Asker, (On, Option<Time>)>,
    due: BTreeSet<(Time, Asker)>,
    /// How often values name each key.
    pub(super) keys: FxHashMap<Key, u32>,
}

impl Desk {
    pub(super) fn new(started_s: f64) -> Self {
        Self { started_s, ..Self::default() }
    }

    pub(super) fn answer(&mut self, asker: Asker, answer: Answer) {
        self.forget(asker);
        self.effects.push(Effect::Answer(asker, answer));
    }

    /// Answers one who waited with `true`.
    pub(super) fn grant(&mut self, asker: Asker) {
        self.answer(asker, Ok(true.into()));
    }

    /// The asker waits, unless its time is over.
    ///
    /// # Errors
    /// With what it gets then, if that is an error.
    pub(super) fn wait(&mut self, call: Call<'_>, on: On) -> Outcome {
        let until = call.until();
        if until.is_some_and(|until| until <= call.now) {
            return on.timed_out().map(Some);
        }
        if let Some(until) = until {
            self.due.insert((until, call.asker));
        }
        self.open.insert(call.asker, (on, until));
        Ok(None)
    }

    pub(super) fn waits(&self, asker: Asker) -> bool {
        self.open.contains_key(&asker)
    }

    /// An asker waits no more: for what it did.
    pub(super) fn forget(&mut self, asker: Asker) -> Option<On> {
        let (on, until) = self.open.remove(&asker)?;
        if let Some(until) = until {
            self.due.remove(&(until, asker));
        }
        Some(on)
    }

    pub(super) fn waits_of(&self, client: ClientId) -> Vec<Asker> {
        let all = Asker { client, request: 0 }..=Asker { client, request: u64::MAX };
        self.open.range(all).map(|(asker, _)| *asker).collect()
    }

    pub(super) fn n_waits(&self) -> usize {
        self.open.len()
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// One whose time is over: it waits no more.
    pub(super) fn overdue(&mut self, now: Time) -> Option<(Asker, On)> {
        let &(at, asker) = self.due.first()?;
        if at > now {
            return None;
        }
        Some((asker, self.forget(asker)?))
    }

    /// A value comes: its keys are held.
    pub(super) fn hold(&mut self, value: &Data) {
        value.each_key(&mut |key| {
            let count = self.keys.entry(key.clone()).or_insert(0);
            *count += 1;
            if *count == 1 {
                self.effects.push(Effect::Hold(key.clone()));
            }
        });
    }

    /// A value goes: its keys are let go.
    pub(super) fn let_go(&mut self, value: &Data) {
        value.each_key(&mut |key| {
            if let Some(count) = self.keys.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    self.keys.remove(key);
                    self.effects.push(Effect::LetGo(key.clone()));
                }
            }
        });
    }

    /// A client is about to be answered with a value: it holds the keys.
    pub(super) fn give(&mut self, client: ClientId, value: &Data) {
        value.each_key(&mut |key| self.effects.push(Effect::Give(client, key.clone())));
    }

    /// A time as people read it, in seconds since 1970.
    pub(super) fn wall_s(&self, now: Time) -> f64 {
        self.started_s + now.seconds_since(Time(0))
    }
}
