//! Simulated threads of workers: they take tasks, run them and report.

use std::sync::Arc;

use super::network::Parcel;
use super::program::number;
use super::world::World;
use crate::content::Content;
use crate::ids::{RunId, TaskId, Time, WorkerId};
use crate::message::{Cause, Compute, TaskFailure};
use crate::worker::{self, Outcome};

impl World {
    /// A thread takes a task, if there is one.
    pub(super) fn thread_looks(&mut self, id: WorkerId) {
        let Some(site) = self.sites.get_mut(&id) else { return };
        let mut actions = Vec::new();
        let taken = site.machine.next(&mut actions);
        self.carry_out(id, actions);
        let Some(compute) = taken else { return };
        let Some(site) = self.sites.get_mut(&id) else { return };
        if site.machine.blob(compute.spec.blob).is_none() {
            self.violation = Some(format!("{id:?} was not sent the blob of {}", compute.key));
            return;
        }
        let (task, run) = (compute.task, compute.run);
        let inputs: Result<Vec<u64>, TaskId> = compute
            .inputs
            .iter()
            .map(|input| site.store.get(&input.task).copied().ok_or(input.task))
            .collect();
        let duration = (1_000 + self.random.below(3_000_000) as u64) * site.slowness;
        let ends = Time(self.now.0 + duration);
        let (outcome, value) = self.outcome(&compute, inputs, duration);
        if let Some(site) = self.sites.get_mut(&id) {
            site.running.insert((task, run), compute);
        }
        let secedes = self.plan.faults.odd_tasks && self.random.per_mille(20);
        self.network.later(ends, Parcel::End(id, task, run, outcome, value));
        if secedes {
            if let Some(site) = self.sites.get_mut(&id) {
                site.seceded.insert((task, run));
            }
            self.tell(id, worker::Event::Seceded { task, run });
            if self.random.per_mille(500) {
                let at = Time(self.now.0 + duration / 2);
                self.network.later(at, Parcel::Rejoin(id, task, run));
            }
        }
    }

    /// What a task will come to, and its value if it has one.
    fn outcome(
        &mut self,
        compute: &Compute,
        inputs: Result<Vec<u64>, TaskId>,
        duration: u64,
    ) -> (Outcome, Option<u64>) {
        let inputs = match inputs {
            Ok(inputs) => inputs,
            Err(task) => {
                if !self.plan.faults.lost_values {
                    self.violation = Some(format!("{} runs without {task:?}", compute.key));
                }
                return (Outcome::InputsLost(vec![task]), None);
            }
        };
        let Some(which) = number(&compute.key) else { return (Outcome::Reschedule, None) };
        if self.faults_on && self.plan.faults.odd_tasks && self.random.per_mille(10) {
            return (Outcome::Reschedule, None);
        }
        let program = self.programs.get(which);
        if inputs.len() != program.inputs.len() {
            self.violation = Some(format!("{} got {} inputs", compute.key, inputs.len()));
        }
        let raised = self.raised.entry(which).or_insert(0);
        if program.raises || *raised < program.raises_first {
            *raised += 1;
            let failure = TaskFailure {
                origin: compute.key.clone(),
                cause: Cause::Raised("builtins.ValueError".into()),
                text: "simulated".into(),
                bytes: Content::new(),
            };
            return (Outcome::Failed(Arc::new(failure)), None);
        }
        let value = self.programs.value(which, &inputs);
        let outcome = Outcome::Value {
            nbytes: nbytes_of(value),
            duration_s: duration as f64 * 1e-9,
            begun_s: 0.0,
            thread: 0,
            type_name: "int".into(),
            inline: None,
        };
        (outcome, Some(value))
    }

    pub(super) fn ends(
        &mut self,
        id: WorkerId,
        task: TaskId,
        run: RunId,
        outcome: Outcome,
        value: Option<u64>,
    ) {
        let Some(site) = self.sites.get_mut(&id) else { return };
        site.running.remove(&(task, run));
        let had_thread = !site.seceded.remove(&(task, run));
        if let Some(value) = value {
            site.store.insert(task, value);
            self.report.runs += 1;
        }
        self.tell(id, worker::Event::Executed { task, run, outcome });
        if had_thread {
            self.thread_looks(id);
        }
    }
}

/// Sizes differ, so that books by bytes are tested.
pub(super) fn nbytes_of(value: u64) -> u64 {
    value % 10_000
}
