//! Locks: one holds, others wait in order.

use std::collections::VecDeque;
use std::sync::Arc;

use super::desk::{Asker, Desk, On};
use super::{Call, Coordination, Outcome};
use crate::data::AskError;
use crate::ids::ClientId;

/// A lock that is held. One that is free is not kept.
#[derive(Debug)]
pub(super) struct Lock {
    /// The client, and what it calls the holder.
    holder: (ClientId, Arc<str>),
    pub(super) queue: VecDeque<(Asker, Arc<str>)>,
}

impl Lock {
    /// The next one holds it; false if there is none.
    fn pass_on(&mut self, desk: &mut Desk) -> bool {
        let Some((asker, id)) = self.queue.pop_front() else { return false };
        self.holder = (asker.client, id);
        desk.grant(asker);
        true
    }
}

impl Coordination {
    pub(super) fn lock_acquire(&mut self, call: Call<'_>) -> Outcome {
        let (name, id) = (call.name()?, call.text("id")?);
        let Some(lock) = self.locks.get_mut(&name) else {
            let lock = Lock { holder: (call.asker.client, id), queue: VecDeque::new() };
            self.locks.insert(name, lock);
            return Ok(Some(true.into()));
        };
        let outcome = self.desk.wait(call, On::Lock(name))?;
        if outcome.is_none() {
            lock.queue.push_back((call.asker, id));
        }
        Ok(outcome)
    }

    pub(super) fn lock_release(&mut self, call: Call<'_>) -> Outcome {
        let (name, id) = (call.name()?, call.text("id")?);
        let lock = self.locks.get_mut(&name).filter(|lock| lock.holder.1 == id);
        let Some(lock) = lock else {
            let text = format!("lock {name} is not held by {id}: acquire it before it is released");
            return Err(AskError::new("ValueError", text));
        };
        if !lock.pass_on(&mut self.desk) {
            self.locks.remove(&name);
        }
        Ok(Some(true.into()))
    }

    pub(super) fn lock_locked(&mut self, call: Call<'_>) -> Outcome {
        Ok(Some(self.locks.contains_key(&call.name()?).into()))
    }

    pub(super) fn lock_left(&mut self, name: &str, asker: Asker) {
        if let Some(lock) = self.locks.get_mut(name) {
            lock.queue.retain(|(other, _)| *other != asker);
        }
    }

    pub(super) fn locks_of_lost(&mut self, client: ClientId) {
        let desk = &mut self.desk;
        self.locks.retain(|_, lock| lock.holder.0 != client || lock.pass_on(desk));
    }
}
