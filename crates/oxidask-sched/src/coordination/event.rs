//! Events: set or not, and those who wait until they are.

use super::desk::{Asker, On};
use super::{Call, Coordination, Outcome};
use crate::data::Data;

/// An event that is set, or that somebody waits for. Others are not kept.
#[derive(Debug, Default)]
pub(super) struct Happening {
    pub(super) is_set: bool,
    pub(super) waiting: Vec<Asker>,
}

impl Coordination {
    pub(super) fn event_set(&mut self, call: Call<'_>) -> Outcome {
        let event = self.events.entry(call.name()?).or_default();
        event.is_set = true;
        for asker in std::mem::take(&mut event.waiting) {
            self.desk.grant(asker);
        }
        Ok(Some(Data::Nil))
    }

    pub(super) fn event_clear(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        if self.events.get(&name).is_some_and(|event| event.is_set) {
            self.events.remove(&name);
        }
        Ok(Some(Data::Nil))
    }

    pub(super) fn event_is_set(&mut self, call: Call<'_>) -> Outcome {
        Ok(Some(self.events.get(&call.name()?).is_some_and(|event| event.is_set).into()))
    }

    pub(super) fn event_wait(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        if self.events.get(&name).is_some_and(|event| event.is_set) {
            return Ok(Some(true.into()));
        }
        let outcome = self.desk.wait(call, On::Event(name.clone()))?;
        if outcome.is_none() {
            self.events.entry(name).or_default().waiting.push(call.asker);
        }
        Ok(outcome)
    }

    pub(super) fn event_left(&mut self, name: &str, asker: Asker) {
        let Some(event) = self.events.get_mut(name) else { return };
        event.waiting.retain(|other| *other != asker);
        if !event.is_set && event.waiting.is_empty() {
            self.events.remove(name);
        }
    }
}
