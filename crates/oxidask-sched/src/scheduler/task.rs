//! Tasks as the scheduler keeps them.
//!
//! What every transition touches is in [`Hot`], less than a cache line; the rest is in [`Cold`].
//! A slot is used again after its task is forgotten, under the next generation. Keys are looked up in a
//! table of slots only, so a key is stored once.

use std::hash::{Hash, Hasher};
use std::hint::black_box;
use std::sync::Arc;

use hashbrown::HashTable;
use oxidask_core::key::Key;
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;

use super::story::Story;
use crate::ids::{ClientId, RunId, TaskId, WorkerId};
use crate::message::{Annotations, Holders, RunSpec, TaskFailure};

/// Where a task stands. The module of the scheduler has the table of transitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Not needed now; kept because others may need it.
    Released,
    /// Needed; some inputs have no value yet.
    Waiting,
    /// A client is bringing its value to workers.
    Placed,
    /// Ready, and in a queue of the scheduler.
    Queued,
    /// Ready, but no worker that is here may run it.
    NoWorker,
    /// Ready, but as many of its name run as may.
    Limited,
    /// Waits until it may be tried again.
    Delayed,
    /// Sent to a worker.
    Assigned,
    /// A worker has said that it runs.
    Running,
    /// Workers hold its value.
    Memory,
    /// It has failed, or an input has.
    Erred,
    /// Its slot is free.
    Forgotten,
}

impl State {
    /// Whether it is on its way to a value and so needs its inputs.
    pub(super) fn needs_inputs(self) -> bool {
        !matches!(
            self,
            Self::Released | Self::Placed | Self::Memory | Self::Erred | Self::Forgotten
        )
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Waiting => "waiting",
            Self::Placed => "placed",
            Self::Queued => "queued",
            Self::NoWorker => "no-worker",
            Self::Limited => "limited",
            Self::Delayed => "delayed",
            Self::Assigned => "assigned",
            Self::Running => "processing",
            Self::Memory => "memory",
            Self::Erred => "erred",
            Self::Forgotten => "forgotten",
        }
    }

    /// Whether a worker has it.
    pub(super) fn is_out(self) -> bool {
        matches!(self, Self::Assigned | Self::Running)
    }
}

/// No worker.
pub(super) const NOBODY: u32 = u32::MAX;
/// No shared part: the value came from outside and can't be computed.
pub(super) const NO_BLOB: u32 = u32::MAX;

/// Facts that are true or not.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Flags(u8);

impl Flags {
    /// Its worker was asked to give it back.
    pub(super) const RETRACTING: u8 = 1;
    /// It runs without a thread of its worker's.
    pub(super) const SECEDED: u8 = 2;
    /// It counts among those of its name that run.
    pub(super) const COUNTED: u8 = 4;

    pub(super) fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    pub(super) fn set(&mut self, flag: u8) {
        self.0 |= flag;
    }

    pub(super) fn clear(&mut self, flag: u8) {
        self.0 &= !flag;
    }
}

/// What every transition touches.
#[derive(Clone, Debug)]
pub(super) struct Hot {
    /// Smaller runs earlier: the user's priority, then the order of submission.
    pub(super) priority: u64,
    /// Estimated bytes of the value.
    pub(super) nbytes: u64,
    pub(super) state: State,
    pub(super) flags: Flags,
    /// Workers that died while they ran it.
    pub(super) suspicion: u8,
    /// One if somebody said something about how it is to run.
    pub(super) annotated: bool,
    /// Further attempts that it has had.
    pub(super) retries: u32,
    /// Index of its group's measurements.
    pub(super) group: u32,
    /// Inputs without a value, while it waits.
    pub(super) waiting: u32,
    /// Readers that are on their way to a value.
    pub(super) waiters: u32,
    /// Readers in the table, whatever their state.
    pub(super) readers: u32,
    /// The worker that has it, that it is queued for, or the first that holds its value.
    pub(super) worker: u32,
    pub(super) run: RunId,
    pub(super) generation: u32,
    /// Seconds that its worker was charged for it.
    pub(super) charge_s: f32,
}

/// What only some transitions touch.
#[derive(Clone, Debug)]
pub(super) struct Cold {
    pub(super) key: Key,
    pub(super) spec: RunSpec,
    pub(super) inputs: SmallVec<[u32; 4]>,
    /// Those who read it, once for each time that they do. May name tasks that are forgotten.
    pub(super) readers: SmallVec<[TaskId; 2]>,
    /// Who holds it, each once.
    pub(super) clients: SmallVec<[ClientId; 4]>,
    pub(super) type_name: Option<Arc<str>>,
}

/// All tasks.
#[derive(Default)]
pub(super) struct Tasks {
    hot: Vec<Hot>,
    cold: Vec<Cold>,
    free: Vec<u32>,
    by_key: HashTable<u32>,
    /// Holders beside the first, of values that have several.
    pub(super) more_holders: FxHashMap<u32, Holders>,
    /// Why tasks have failed.
    pub(super) failures: FxHashMap<u32, Arc<TaskFailure>>,
    /// What users said of tasks.
    pub(super) annotations: FxHashMap<u32, Arc<Annotations>>,
    /// What tasks went through, if somebody has asked for it.
    pub(super) story: Option<Box<Story>>,
}

fn hash(key: &Key) -> u64 {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    hasher.finish()
}

impl Tasks {
    /// Slots in use.
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn find(&self, key: &Key) -> Option<u32> {
        self.by_key.find(hash(key), |&slot| self.cold[slot as usize].key == *key).copied()
    }

    /// Brings the places of keys in the table near: searches that don't wait for each other wait for memory together.
    pub(super) fn look_up<'a>(&self, keys: impl Iterator<Item = &'a Key>) {
        for key in keys {
            black_box(self.find(key));
        }
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        let new = more.saturating_sub(self.free.len());
        self.hot.reserve(new);
        self.cold.reserve(new);
        let cold = &self.cold;
        self.by_key.reserve(more, |&slot| hash(&cold[slot as usize].key));
    }

    /// A new task, released, that nobody holds.
    ///
    /// # Panics
    /// If there are 2^32 tasks.
    pub(super) fn insert(&mut self, cold: Cold, group: u32, priority: u64) -> u32 {
        let mut hot = Hot {
            priority,
            nbytes: 0,
            state: State::Released,
            flags: Flags::default(),
            suspicion: 0,
            annotated: false,
            retries: 0,
            group,
            waiting: 0,
            waiters: 0,
            readers: 0,
            worker: NOBODY,
            run: RunId(0),
            generation: 0,
            charge_s: 0.0,
        };
        let key_hash = hash(&cold.key);
        let slot = match self.free.pop() {
            Some(slot) => {
                hot.generation = self.hot[slot as usize].generation;
                self.hot[slot as usize] = hot;
                self.cold[slot as usize] = cold;
                slot
            }
            None => {
                let slot = u32::try_from(self.hot.len()).expect("fewer than 2^32 tasks");
                self.hot.push(hot);
                self.cold.push(cold);
                slot
            }
        };
        let cold = &self.cold;
        self.by_key.insert_unique(key_hash, slot, |&slot| hash(&cold[slot as usize].key));
        slot
    }

    /// Forgets a task. Its slot may be used again.
    pub(super) fn remove(&mut self, slot: u32) {
        self.set_state(slot, State::Forgotten);
        let key_hash = hash(&self.cold[slot as usize].key);
        if let Ok(entry) = self.by_key.find_entry(key_hash, |&other| other == slot) {
            entry.remove();
        }
        let cold = &mut self.cold[slot as usize];
        cold.inputs = SmallVec::new();
        cold.readers = SmallVec::new();
        cold.spec = RunSpec::default();
        cold.type_name = None;
        self.more_holders.remove(&slot);
        self.failures.remove(&slot);
        self.annotations.remove(&slot);
        let hot = &mut self.hot[slot as usize];
        hot.generation = hot.generation.wrapping_add(1);
        self.free.push(slot);
    }

    /// A task goes from state to state.
    pub(super) fn set_state(&mut self, slot: u32, state: State) {
        let hot = &mut self.hot[slot as usize];
        let before = std::mem::replace(&mut hot.state, state);
        if let Some(story) = &mut self.story {
            story.push(self.cold[slot as usize].key.clone(), before, state, hot.worker);
        }
    }

    pub(super) fn id(&self, slot: u32) -> TaskId {
        TaskId { slot, generation: self.hot[slot as usize].generation }
    }

    /// The slot of a task that is not forgotten.
    pub(super) fn live(&self, task: TaskId) -> Option<u32> {
        let hot = self.hot.get(task.slot as usize)?;
        (hot.generation == task.generation && hot.state != State::Forgotten).then_some(task.slot)
    }

    pub(super) fn hot(&self, slot: u32) -> &Hot {
        &self.hot[slot as usize]
    }

    pub(super) fn hot_mut(&mut self, slot: u32) -> &mut Hot {
        &mut self.hot[slot as usize]
    }

    pub(super) fn cold(&self, slot: u32) -> &Cold {
        &self.cold[slot as usize]
    }

    pub(super) fn cold_mut(&mut self, slot: u32) -> &mut Cold {
        &mut self.cold[slot as usize]
    }

    /// Who holds the value, the first one first.
    pub(super) fn holders(&self, slot: u32) -> Holders {
        let hot = &self.hot[slot as usize];
        let mut holders = Holders::new();
        if hot.state == State::Memory && hot.worker != NOBODY {
            holders.push(WorkerId(hot.worker));
            if let Some(more) = self.more_holders.get(&slot) {
                holders.extend_from_slice(more);
            }
        }
        holders
    }

    /// All slots in use, in their order.
    pub(super) fn slots(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self.by_key.iter().copied().collect();
        slots.sort_unstable();
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_record_fits_a_cache_line() {
        assert!(size_of::<Hot>() <= 64, "{}", size_of::<Hot>());
        assert!(size_of::<Cold>() <= 176, "{}", size_of::<Cold>());
    }
}
