//! Variables: a value by name, and those who wait until it is set.

use super::desk::{Asker, On};
use super::{Call, Coordination, Outcome};
use crate::data::Data;

/// A variable that is set, or that somebody waits for. Others are not kept.
#[derive(Debug, Default)]
pub(super) struct Variable {
    pub(super) value: Option<Data>,
    pub(super) waiting: Vec<Asker>,
}

impl Coordination {
    pub(super) fn variable_set(&mut self, call: Call<'_>) -> Outcome {
        let (name, value) = (call.name()?, call.body.need("value")?);
        let variable = self.variables.entry(name).or_default();
        self.desk.hold(value);
        if let Some(before) = variable.value.replace(value.clone()) {
            self.desk.let_go(&before);
        }
        for asker in std::mem::take(&mut variable.waiting) {
            self.desk.give(asker.client, value);
            self.desk.answer(asker, Ok(value.clone()));
        }
        Ok(Some(Data::Nil))
    }

    pub(super) fn variable_get(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        if let Some(value) = self.variables.get(&name).and_then(|variable| variable.value.clone()) {
            self.desk.give(call.asker.client, &value);
            return Ok(Some(value));
        }
        let outcome = self.desk.wait(call, On::Variable(name.clone()))?;
        if outcome.is_none() {
            self.variables.entry(name).or_default().waiting.push(call.asker);
        }
        Ok(outcome)
    }

    pub(super) fn variable_delete(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        let value = self.variables.get_mut(&name).and_then(|variable| variable.value.take());
        if let Some(value) = value {
            self.desk.let_go(&value);
            // Nobody waits for what was set.
            self.variables.remove(&name);
        }
        Ok(Some(Data::Nil))
    }

    pub(super) fn variable_left(&mut self, name: &str, asker: Asker) {
        let Some(variable) = self.variables.get_mut(name) else { return };
        variable.waiting.retain(|other| *other != asker);
        if variable.value.is_none() && variable.waiting.is_empty() {
            self.variables.remove(name);
        }
    }
}
