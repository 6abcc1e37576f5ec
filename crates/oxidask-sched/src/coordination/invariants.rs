//! What is always true between questions. Slow: for tests and the simulator.

use rustc_hash::FxHashMap;

use super::Coordination;
use crate::data::Data;

macro_rules! hold {
    ($condition:expr, $($text:tt)*) => {
        if !$condition {
            return Err(format!($($text)*));
        }
    };
}

impl Coordination {
    /// Checks the whole state.
    ///
    /// # Errors
    /// With the first thing that is not as it must be.
    pub fn check_invariants(&self) -> Result<(), String> {
        hold!(self.desk.effects.is_empty(), "effects are left: {:?}", self.desk.effects);
        for (name, semaphore) in &self.semaphores {
            let is_full = semaphore.leases.len() == semaphore.max_leases;
            hold!(is_full || semaphore.queue.is_empty(), "semaphore {name} is free and waited for");
            hold!(semaphore.leases.len() <= semaphore.max_leases, "semaphore {name} is too full");
        }
        for (name, event) in &self.events {
            hold!(!event.is_set || event.waiting.is_empty(), "event {name} is set and waited for");
            hold!(event.is_set || !event.waiting.is_empty(), "event {name} is kept for nobody");
        }
        for (name, queue) in &self.queues {
            let idle = queue.values.is_empty() || queue.getters.is_empty();
            hold!(idle, "queue {name} has values and is waited for");
            hold!(queue.putters.is_empty() || !queue.has_room(), "queue {name} has room");
        }
        for (name, variable) in &self.variables {
            let is_set = variable.value.is_some();
            hold!(is_set == variable.waiting.is_empty(), "variable {name} is wrongly waited for");
        }
        self.check_waits()?;
        self.check_keys()
    }

    /// Whoever waits is in the line of one thing, and the other way round.
    fn check_waits(&self) -> Result<(), String> {
        let locks = self.locks.values().flat_map(|lock| lock.queue.iter().map(|(asker, _)| *asker));
        let multilocks = self.multilocks.queue.iter().map(|request| request.asker);
        let semaphores = self.semaphores.values().flat_map(|semaphore| &semaphore.queue);
        let events = self.events.values().flat_map(|event| event.waiting.iter().copied());
        let putters = self.queues.values().flat_map(|queue| &queue.putters);
        let getters = self.queues.values().flat_map(|queue| &queue.getters);
        let variables = self.variables.values().flat_map(|variable| variable.waiting.clone());
        let lined_up = locks
            .chain(multilocks)
            .chain(semaphores.map(|(asker, _)| *asker))
            .chain(events)
            .chain(putters.map(|(asker, _)| *asker))
            .chain(getters.map(|getter| getter.asker))
            .chain(variables);
        let mut n_lined_up = 0;
        for asker in lined_up {
            hold!(self.desk.waits(asker), "{asker:?} is in a line and does not wait");
            n_lined_up += 1;
        }
        let n_waits = self.desk.n_waits();
        hold!(n_lined_up == n_waits, "{n_waits} wait, and {n_lined_up} are in lines");
        Ok(())
    }

    /// Just those keys are held that values name.
    fn check_keys(&self) -> Result<(), String> {
        let mut keys = FxHashMap::default();
        let mut count = |value: &Data| {
            value.each_key(&mut |key| *keys.entry(key.clone()).or_insert(0) += 1);
        };
        for queue in self.queues.values() {
            queue.values.iter().for_each(&mut count);
            queue.putters.iter().for_each(|(_, value)| count(value));
            queue.getters.iter().flat_map(|getter| &getter.taken).for_each(&mut count);
        }
        self.variables.values().filter_map(|variable| variable.value.as_ref()).for_each(&mut count);
        self.datasets.values().for_each(|dataset| count(&dataset.value));
        hold!(keys == self.desk.keys, "values name {keys:?}, held are {:?}", self.desk.keys);
        Ok(())
    }
}
