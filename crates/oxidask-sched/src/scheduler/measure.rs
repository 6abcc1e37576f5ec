//! What is learnt from tasks that have run: durations and sizes by group, and bandwidth.

use oxidask_core::key::Group;
use rustc_hash::FxHashMap;

/// Seconds that a task of a group is taken to run which has no measurement yet.
pub(super) const UNKNOWN_DURATION_S: f64 = 0.5;
/// How much a new measurement counts.
const WEIGHT: f64 = 0.2;
/// Bytes a second between workers before any was measured.
const FIRST_BANDWIDTH: f64 = 1e9;

/// What is known of the tasks of one group.
#[derive(Clone, Debug)]
pub(super) struct GroupStats {
    pub(super) group: Group,
    /// Moving average of seconds; none before the first finish.
    pub(super) duration_s: Option<f64>,
    /// Moving average of the values' bytes.
    pub(super) nbytes: f64,
    pub(super) n_finished: u64,
    /// Tasks of it in the table.
    pub(super) n_tasks: u32,
}

impl GroupStats {
    /// Seconds that its next task is expected to run.
    pub(super) fn expected_s(&self) -> f64 {
        self.duration_s.unwrap_or(UNKNOWN_DURATION_S)
    }

    fn learn(&mut self, duration_s: f64, nbytes: u64) {
        let average =
            |old: Option<f64>, new: f64| old.map_or(new, |old| old + WEIGHT * (new - old));
        self.nbytes = average((self.n_finished > 0).then_some(self.nbytes), nbytes as f64);
        self.duration_s = Some(average(self.duration_s, duration_s.max(0.0)));
        self.n_finished += 1;
    }
}

/// All measurements.
pub(super) struct Measurements {
    groups: Vec<GroupStats>,
    by_group: FxHashMap<Group, u32>,
    free: Vec<u32>,
    pub(super) bandwidth: f64,
}

impl Default for Measurements {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            by_group: FxHashMap::default(),
            free: Vec::new(),
            bandwidth: FIRST_BANDWIDTH,
        }
    }
}

/// Groups that are remembered after their last task is forgotten: users run the same functions again.
const REMEMBERED: usize = 10_000;

impl Measurements {
    /// The index of a group, which gets one more task.
    pub(super) fn enter(&mut self, group: &Group) -> u32 {
        if let Some(&index) = self.by_group.get(group) {
            self.groups[index as usize].n_tasks += 1;
            return index;
        }
        let stats = GroupStats {
            group: group.clone(),
            duration_s: None,
            nbytes: 0.0,
            n_finished: 0,
            n_tasks: 1,
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.groups[index as usize] = stats;
                index
            }
            None => {
                self.groups.push(stats);
                (self.groups.len() - 1) as u32
            }
        };
        self.by_group.insert(group.clone(), index);
        index
    }

    /// A task of the group is forgotten.
    pub(super) fn leave(&mut self, index: u32) {
        let stats = &mut self.groups[index as usize];
        stats.n_tasks -= 1;
        if stats.n_tasks == 0 && self.by_group.len() > REMEMBERED {
            self.by_group.remove(&stats.group);
            self.free.push(index);
        }
    }

    pub(super) fn get(&self, index: u32) -> &GroupStats {
        &self.groups[index as usize]
    }

    pub(super) fn learn(&mut self, index: u32, duration_s: f64, nbytes: u64) {
        self.groups[index as usize].learn(duration_s, nbytes);
    }

    /// A worker has fetched at so many bytes a second.
    pub(super) fn learn_bandwidth(&mut self, bytes_per_s: f64) {
        if bytes_per_s.is_finite() && bytes_per_s > 0.0 {
            self.bandwidth += WEIGHT * (bytes_per_s - self.bandwidth);
        }
    }
}
