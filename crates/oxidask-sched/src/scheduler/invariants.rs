//! What is always true between events. Slow: for tests and the simulator.

use super::Scheduler;
use super::task::{Flags, NO_BLOB, State};
use crate::ids::{ClientId, WorkerId};

macro_rules! hold {
    ($condition:expr, $($text:tt)*) => {
        if !$condition {
            return Err(format!($($text)*));
        }
    };
}

impl Scheduler {
    /// Checks the whole state.
    ///
    /// # Errors
    /// With the first thing that is not as it must be.
    pub fn check_invariants(&self) -> Result<(), String> {
        hold!(self.steps.is_empty(), "steps are left: {:?}", self.steps);
        hold!(self.listed.is_empty(), "workers are still listed: {:?}", self.listed);
        hold!(self.frees.is_empty(), "values are still to be dropped");
        let mut n_anywhere = 0;
        for slot in self.tasks.slots() {
            self.check_task(slot)?;
            let hot = self.tasks.hot(slot);
            n_anywhere +=
                u32::from(hot.state == State::Queued && hot.worker == super::task::NOBODY);
        }
        hold!(
            n_anywhere == self.n_anywhere,
            "{n_anywhere} tasks in the common queue, not {}",
            self.n_anywhere
        );
        for &id in self.workers.alive() {
            self.check_worker(id)?;
        }
        for (client, state) in &self.clients {
            for slot in state.wants.iter() {
                hold!(
                    self.tasks.hot(slot).state != State::Forgotten,
                    "{client:?} holds a forgotten slot"
                );
                hold!(
                    self.tasks.cold(slot).clients.contains(client),
                    "{} does not know that {client:?} holds it",
                    self.tasks.cold(slot).key
                );
            }
        }
        self.coordination.check_invariants()?;
        self.check_questions()?;
        self.check_nobody_starves()
    }

    fn check_task(&self, slot: u32) -> Result<(), String> {
        let (hot, cold) = (self.tasks.hot(slot), self.tasks.cold(slot));
        let name = format!("{} ({slot}, {:?})", cold.key, hot.state);
        let state_of = |slot: u32| self.tasks.hot(slot).state;
        hold!(hot.state != State::Forgotten, "{name} is in the table");
        let readers: Vec<u32> =
            cold.readers.iter().filter_map(|reader| self.tasks.live(*reader)).collect();
        hold!(
            readers.len() == hot.readers as usize,
            "{name}: {} readers, not {}",
            readers.len(),
            hot.readers
        );
        let waiters = readers.iter().filter(|&&reader| state_of(reader).needs_inputs()).count();
        hold!(waiters == hot.waiters as usize, "{name}: {waiters} waiters, not {}", hot.waiters);
        let needed = self.is_needed(slot);
        match hot.state {
            State::Waiting => {
                let missing =
                    cold.inputs.iter().filter(|&&input| state_of(input) != State::Memory).count();
                hold!(
                    missing == hot.waiting as usize,
                    "{name} waits for {missing}, not {}",
                    hot.waiting
                );
                hold!(missing > 0, "{name} waits for nothing");
            }
            State::Queued | State::NoWorker | State::Limited => {
                let all = cold.inputs.iter().all(|&input| state_of(input) == State::Memory);
                hold!(all, "{name} is ready without an input");
            }
            State::Assigned | State::Running => {
                let worker = self.workers.get(WorkerId(hot.worker));
                hold!(
                    worker.is_some_and(|w| w.out.contains(&slot)),
                    "{name}: its worker does not know"
                );
            }
            State::Memory => {
                let holders = self.tasks.holders(slot);
                hold!(!holders.is_empty(), "{name} is nowhere");
                for holder in holders {
                    let worker = self.workers.get(holder);
                    hold!(
                        worker.is_some_and(|w| w.held.contains(slot)),
                        "{name}: {holder:?} does not know"
                    );
                }
            }
            State::Placed => {
                let arrival = self.arrivals.get(&slot);
                let comes = arrival.is_some_and(|arrival| {
                    let here = |id: &WorkerId| self.workers.get(*id).is_some();
                    !arrival.clients.is_empty() && arrival.workers.iter().any(here)
                });
                hold!(comes, "{name}: nobody brings it");
            }
            State::Erred => hold!(self.tasks.failures.contains_key(&slot), "{name} for no reason"),
            State::Released => hold!(!needed, "{name} is needed"),
            State::Delayed | State::Forgotten => {}
        }
        hold!(
            needed || matches!(hot.state, State::Released | State::Erred),
            "{name} is not needed by anybody"
        );
        hold!(
            matches!(hot.state, State::Placed | State::Memory)
                || !self.arrivals.contains_key(&slot),
            "{name} is still to be brought"
        );
        hold!(hot.readers > 0 || !cold.clients.is_empty(), "{name} is of no use to anybody");
        hold!(
            !cold.clients.contains(&ClientId::KEEPER)
                || !matches!(hot.state, State::Memory | State::Erred),
            "{name} has ended and is kept"
        );
        for &input in &cold.inputs {
            hold!(state_of(input) != State::Forgotten, "{name} reads a forgotten task");
            hold!(
                !hot.state.needs_inputs()
                    || hot.state.is_out()
                    || state_of(input) != State::Released,
                "{name}: an input is not on its way"
            );
        }
        hold!(
            cold.spec.blob == NO_BLOB || self.blobs.users(cold.spec.blob) > 0,
            "{name}: its blob is gone"
        );
        hold!(
            hot.state.is_out() || !hot.flags.has(Flags::RETRACTING | Flags::SECEDED),
            "{name} has flags of a task that a worker has"
        );
        Ok(())
    }

    fn check_worker(&self, id: WorkerId) -> Result<(), String> {
        let Some(worker) = self.workers.get(id) else { return Err(format!("{id:?} is not there")) };
        let mut n_unstarted = 0;
        let mut n_seceded = 0;
        for &slot in &worker.out {
            let hot = self.tasks.hot(slot);
            hold!(
                hot.state.is_out() && hot.worker == id.0,
                "{id:?} has {slot}, which does not know"
            );
            n_unstarted += u32::from(hot.state == State::Assigned);
            n_seceded += u32::from(hot.flags.has(Flags::SECEDED));
        }
        hold!(
            n_unstarted == worker.n_unstarted,
            "{id:?}: {n_unstarted} unstarted, not {}",
            worker.n_unstarted
        );
        hold!(
            n_seceded == worker.n_seceded,
            "{id:?}: {n_seceded} seceded, not {}",
            worker.n_seceded
        );
        let mut held_bytes = 0;
        for slot in worker.held.iter() {
            hold!(
                self.tasks.holders(slot).contains(&id),
                "{id:?} holds {slot}, which does not know"
            );
            held_bytes += self.tasks.hot(slot).nbytes;
        }
        hold!(
            held_bytes == worker.held_bytes,
            "{id:?} holds {held_bytes} bytes, not {}",
            worker.held_bytes
        );
        let queued = self.tasks.slots().into_iter().filter(|&slot| {
            let hot = self.tasks.hot(slot);
            hot.state == State::Queued && hot.worker == id.0
        });
        let n_queued = queued.count() as u32;
        hold!(n_queued == worker.n_queued, "{id:?}: {n_queued} queued, not {}", worker.n_queued);
        hold!(
            self.with_queue.contains(&id) == (n_queued > 0),
            "{id:?} is wrongly in the set of queues"
        );
        hold!(
            worker.hungry_at.is_none_or(|level| self.hungry.contains(&(level, id))),
            "{id:?} is not among the hungry"
        );
        Ok(())
    }

    /// No task that may run anywhere is queued while a worker has a free thread.
    fn check_nobody_starves(&self) -> Result<(), String> {
        if self.n_anywhere == 0 {
            return Ok(());
        }
        let idle = self.workers.iter().find(|(_, worker)| worker.is_open() && worker.is_idle());
        match idle {
            Some((id, _)) => {
                Err(format!("{id:?} is idle with {} tasks in the common queue", self.n_anywhere))
            }
            None => Ok(()),
        }
    }
}
