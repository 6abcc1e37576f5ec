//! Queues: values in order, with those who wait for values or for room.

use std::collections::VecDeque;
use std::sync::Arc;

use super::desk::{Asker, Desk, On};
use super::{Call, Coordination, Outcome};
use crate::data::{AskError, Data};

/// One queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// No more values than these; zero for no limit.
    max_size: usize,
    pub(super) values: VecDeque<Data>,
    pub(super) getters: VecDeque<Getter>,
    pub(super) putters: VecDeque<(Asker, Data)>,
    /// How often it was created and not released.
    users: u32,
}

/// One who waits for values.
#[derive(Debug)]
pub(super) struct Getter {
    pub(super) asker: Asker,
    /// How many it wants; none for one by itself.
    batch: Option<usize>,
    /// What it has got so far.
    pub(super) taken: Vec<Data>,
}

impl Queue {
    pub(super) fn has_room(&self) -> bool {
        self.max_size == 0 || self.values.len() < self.max_size
    }

    /// Brings values to those who wait for them, and in those that wait for room.
    fn settle(&mut self, desk: &mut Desk) {
        loop {
            while self.has_room()
                && let Some((asker, value)) = self.putters.pop_front()
            {
                self.values.push_back(value);
                desk.answer(asker, Ok(Data::Nil));
            }
            let Some(getter) = self.getters.front_mut() else { return };
            let wanted = getter.batch.unwrap_or(1);
            while getter.taken.len() < wanted
                && let Some(value) = self.values.pop_front()
            {
                getter.taken.push(value);
            }
            if getter.taken.len() < wanted {
                // Room for more may have come about.
                if self.putters.is_empty() {
                    return;
                }
                continue;
            }
            if let Some(Getter { asker, batch, taken }) = self.getters.pop_front() {
                let value = handed_over(desk, asker, batch.is_some(), taken);
                desk.answer(asker, Ok(value));
            }
        }
    }
}

/// Values that leave a queue for a client, which then holds their keys.
fn handed_over(desk: &mut Desk, asker: Asker, is_batch: bool, mut values: Vec<Data>) -> Data {
    for value in &values {
        desk.give(asker.client, value);
        desk.let_go(value);
    }
    if is_batch { Data::List(values) } else { values.pop().unwrap_or_default() }
}

impl Coordination {
    pub(super) fn queue_create(&mut self, call: Call<'_>) -> Outcome {
        let max_size = call.body.get("maxsize").and_then(Data::as_int).unwrap_or(0);
        let queue = self.queues.entry(call.name()?).or_default();
        if queue.users == 0 {
            queue.max_size = usize::try_from(max_size).unwrap_or(0);
        }
        queue.users += 1;
        Ok(Some(Data::Nil))
    }

    pub(super) fn queue_put(&mut self, call: Call<'_>) -> Outcome {
        let (name, value) = (call.name()?, call.body.need("value")?);
        let queue = self.queues.entry(name.clone()).or_default();
        if queue.has_room() {
            self.desk.hold(value);
            queue.values.push_back(value.clone());
            queue.settle(&mut self.desk);
            return Ok(Some(Data::Nil));
        }
        let outcome = self.desk.wait(call, On::Put(name))?;
        if outcome.is_none() {
            self.desk.hold(value);
            queue.putters.push_back((call.asker, value.clone()));
        }
        Ok(outcome)
    }

    pub(super) fn queue_get(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        let queue = self.queues.entry(name.clone()).or_default();
        let (batch, is_batch) = match call.body.get("batch") {
            Some(Data::Bool(true)) => (queue.values.len(), true),
            Some(Data::Int(n)) => (usize::try_from(*n).unwrap_or(0), true),
            _ => (1, false),
        };
        if queue.getters.is_empty() && queue.values.len() >= batch {
            let values: Vec<Data> = queue.values.drain(..batch).collect();
            let value = handed_over(&mut self.desk, call.asker, is_batch, values);
            queue.settle(&mut self.desk);
            return Ok(Some(value));
        }
        let outcome = self.desk.wait(call, On::Get(name))?;
        if outcome.is_none() {
            let (asker, batch) = (call.asker, is_batch.then_some(batch));
            queue.getters.push_back(Getter { asker, batch, taken: Vec::new() });
            queue.settle(&mut self.desk);
        }
        Ok(outcome)
    }

    pub(super) fn queue_size(&mut self, call: Call<'_>) -> Outcome {
        Ok(Some(self.queues.get(&call.name()?).map_or(0, |queue| queue.values.len()).into()))
    }

    /// One user less: with the last one the queue is gone.
    pub(super) fn queue_release(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        let Some(queue) = self.queues.get_mut(&name) else { return Ok(Some(Data::Nil)) };
        queue.users = queue.users.saturating_sub(1);
        if queue.users == 0
            && let Some(queue) = self.queues.remove(&name)
        {
            self.end_queue(&name, queue);
        }
        Ok(Some(Data::Nil))
    }

    fn end_queue(&mut self, name: &Arc<str>, queue: Queue) {
        let closed = || {
            Err(AskError::new("RuntimeError", format!("queue {name} was closed by its last user")))
        };
        queue.values.iter().for_each(|value| self.desk.let_go(value));
        for (asker, value) in queue.putters {
            self.desk.let_go(&value);
            self.desk.answer(asker, closed());
        }
        for getter in queue.getters {
            getter.taken.iter().for_each(|value| self.desk.let_go(value));
            self.desk.answer(getter.asker, closed());
        }
    }

    pub(super) fn queue_left(&mut self, name: &str, asker: Asker) {
        let Some(queue) = self.queues.get_mut(name) else { return };
        if let Some(at) = queue.putters.iter().position(|(other, _)| *other == asker)
            && let Some((_, value)) = queue.putters.remove(at)
        {
            self.desk.let_go(&value);
        }
        if let Some(at) = queue.getters.iter().position(|getter| getter.asker == asker)
            && let Some(getter) = queue.getters.remove(at)
        {
            // What it had of its batch comes first again.
            getter.taken.into_iter().rev().for_each(|value| queue.values.push_front(value));
        }
        queue.settle(&mut self.desk);
    }
}
