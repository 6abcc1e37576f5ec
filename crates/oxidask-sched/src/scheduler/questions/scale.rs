//! `workers.plan` and `adaptive.target`: how many workers there should be, and who could go.

use super::Outcome;
use crate::coordination::Asker;
use crate::data::{AskError, Data};
use crate::ids::WorkerId;
use crate::message::Action;
use crate::scheduler::Scheduler;

/// The remaining workers' memory, in multiples of what is held, that closing workers leaves.
const MEMORY_RATIO: f64 = 2.0;
/// The share of the memory in use above which there should be more workers.
const FULL: f64 = 0.6;
/// Seconds of work for each worker that are worth another one.
const TARGET_S: f64 = 5.0;
/// Queued tasks that are looked at for how long they take.
const SAMPLE: usize = 10_000;

impl Scheduler {
    pub(super) fn plan_workers(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let planned = self.planned(body)?.into_iter();
        let workers = planned.filter_map(|id| self.workers.get(id));
        Ok(Some(workers.map(|worker| worker.info.address.clone()).collect()))
    }

    /// Who is to go: `n` of them, all but `target`, or those who are idle and whose memory isn't needed; never so
    /// many that fewer than `minimum` stay.
    pub(super) fn planned(&self, body: &Data) -> Result<Vec<WorkerId>, AskError> {
        let count = |name: &str| match body.get(name) {
            None | Some(Data::Nil) => Ok(None),
            Some(value) => match value.as_int().and_then(|n| usize::try_from(n).ok()) {
                Some(n) => Ok(Some(n)),
                None => {
                    let text = format!("{name} is {value}, which is no number of workers");
                    Err(AskError::new("ValueError", text))
                }
            },
        };
        let (n, target, minimum) = (count("n")?, count("target")?, count("minimum")?.unwrap_or(0));
        let ratio = body.get("memory_ratio").and_then(Data::as_float).unwrap_or(MEMORY_RATIO);
        let staying = self.workers.iter().filter(|(_, worker)| !worker.retiring);
        let mut staying: Vec<_> = staying.collect();
        staying.sort_by_key(|(id, worker)| {
            (worker.n_busy() + worker.n_queued, worker.held_bytes, std::cmp::Reverse(*id))
        });
        let most = staying.len().saturating_sub(minimum);
        let wanted = n.or(target.map(|target| staying.len().saturating_sub(target)));
        if let Some(wanted) = wanted {
            return Ok(staying.iter().take(wanted.min(most)).map(|(id, _)| *id).collect());
        }
        if self.n_anywhere > 0 {
            return Ok(Vec::new());
        }
        let held: u64 = staying.iter().map(|(_, worker)| worker.held_bytes).sum();
        let mut limit: u64 = staying.iter().map(|(_, worker)| worker.info.memory_limit_bytes).sum();
        let mut going = Vec::new();
        for (id, worker) in staying.into_iter().take(most) {
            let is_idle = worker.n_busy() == 0 && worker.n_queued == 0;
            limit -= worker.info.memory_limit_bytes;
            // Workers without a limit are not known to have room.
            let has_nothing = worker.held_bytes == 0 && limit == 0;
            if !is_idle || !(held == 0 || has_nothing || limit as f64 >= ratio * held as f64) {
                break;
            }
            going.push(id);
        }
        Ok(going)
    }

    /// How many workers would do what there is to do in the time that is aimed at.
    pub(super) fn adaptive_target(
        &mut self,
        _: Asker,
        body: &Data,
        _: &mut Vec<Action>,
    ) -> Outcome {
        let target_s = body.get("target_duration_s").and_then(Data::as_float).unwrap_or(TARGET_S);
        let here = self.n_staying();
        let n_waiting = self.n_anywhere as usize + self.no_worker.len();
        let (mut busy_s, mut n_threads, mut n_tasks) = (0.0, 0, n_waiting);
        let (mut used, mut limit) = (0, 0);
        for (_, worker) in self.workers.iter() {
            busy_s += worker.charge_s.max(0.0) + worker.queued_s.max(0.0);
            n_threads += worker.info.n_threads.max(1) as usize;
            n_tasks += worker.out.len() + worker.n_queued as usize;
            used += worker.health.memory_bytes.max(worker.held_bytes);
            limit += worker.info.memory_limit_bytes;
        }
        let total_s = busy_s + self.queued_seconds();
        let threads_each = n_threads.checked_div(self.workers.alive().len()).unwrap_or(1).max(1);
        let threads = (total_s / target_s.max(1e-3)).ceil() as usize;
        // No more threads than there are tasks for.
        let mut target = threads.min(n_tasks).div_ceil(threads_each);
        if n_tasks > 0 {
            target = target.max(1);
        }
        if limit > 0 && used as f64 > FULL * limit as f64 {
            target = target.max(2 * here);
        }
        if target < here {
            let going = self.planned(&Data::Nil)?.len();
            target = target.max(here.saturating_sub(going));
        }
        Ok(Some(target.into()))
    }

    /// What the tasks in the common queue and those without a worker are expected to take.
    fn queued_seconds(&self) -> f64 {
        let queued =
            self.anywhere.sample(SAMPLE).chain(self.no_worker.iter().copied().take(SAMPLE));
        let (mut n, mut seconds) = (0usize, 0.0);
        for slot in queued {
            n += 1;
            seconds += self.measured.get(self.tasks.hot(slot).group).expected_s();
        }
        if n == 0 {
            return 0.0;
        }
        let n_waiting = self.n_anywhere as usize + self.no_worker.len();
        seconds * n_waiting as f64 / n as f64
    }
}
