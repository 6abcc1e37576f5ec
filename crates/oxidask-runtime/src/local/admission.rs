//! Whether a task may start now: outputs predicted from those of its group.
//!
//! Tasks of one layer (or, among explicit tasks, of one key group) tend to give values of one size.
//! The first large outputs of a group are measured; from then on each of its tasks reserves that
//! much before it starts. When the reservation doesn't fit, values are spilled; if that is not
//! enough and other tasks are at work, the task waits for one of them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use oxidask_core::graph::TaskGraph;
use oxidask_core::key::Group;
use oxidask_core::layer::Layer;
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;

use crate::store::{Store, StoreError};

/// Outputs below this are not worth a prediction.
const LARGE: u64 = 64 << 10;

/// How long a task waits before it looks for itself whether memory was freed: the process gives
/// memory back without telling anybody.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The gate that tasks pass before they start.
#[derive(Default)]
pub struct Admission {
    /// Whether any output was large: until then nobody looks at groups.
    any_large: AtomicBool,
    groups: OnceLock<Groups>,
    reserved_bytes: AtomicU64,
    n_running: AtomicUsize,
    n_waiting: AtomicUsize,
    turn: Mutex<()>,
    freed: Condvar,
}

/// Group of each task, and the largest output seen of each group.
struct Groups {
    of_task: Vec<u32>,
    largest: Vec<AtomicU64>,
}

impl Groups {
    fn new(graph: &TaskGraph) -> Self {
        let mut by_layer: FxHashMap<u32, u32> = FxHashMap::default();
        let mut by_name: FxHashMap<Group, u32> = FxHashMap::default();
        let mut n = 0;
        let mut next = || {
            n += 1;
            n - 1
        };
        let of_task = (0..graph.len() as u32).map(|task| {
            let layer = graph.origin(task).layer;
            match &graph.graph().layers()[layer as usize] {
                Layer::Mapped(_) => *by_layer.entry(layer).or_insert_with(&mut next),
                Layer::Explicit(_) => {
                    *by_name.entry(graph.key(task).group().clone()).or_insert_with(&mut next)
                }
            }
        });
        let of_task = of_task.collect();
        Self { of_task, largest: (0..n).map(|_| AtomicU64::new(0)).collect() }
    }

    fn largest(&self, task: u32) -> &AtomicU64 {
        &self.largest[self.of_task[task as usize] as usize]
    }
}

impl Admission {
    /// Notes the size of a finished task's output.
    #[inline]
    pub fn learn(&self, graph: &TaskGraph, task: u32, nbytes: u64) {
        if nbytes >= LARGE {
            let groups = self.groups.get_or_init(|| Groups::new(graph));
            groups.largest(task).fetch_max(nbytes, Ordering::Relaxed);
            self.any_large.store(true, Ordering::Relaxed);
        }
    }

    /// The bytes that `task`'s output will probably take.
    #[must_use]
    #[inline]
    pub fn predicted(&self, task: u32) -> u64 {
        if !self.any_large.load(Ordering::Relaxed) {
            return 0;
        }
        self.groups.get().map_or(0, |groups| groups.largest(task).load(Ordering::Relaxed))
    }

    /// Whether a task that needs `more_bytes` may start without further ado; it then has.
    #[must_use]
    #[inline]
    pub fn try_enter(&self, store: &Store, more_bytes: u64) -> bool {
        let reserved = self.reserved_bytes.load(Ordering::Relaxed);
        if store.is_pressed(reserved.saturating_add(more_bytes)) {
            return false;
        }
        self.start(more_bytes);
        true
    }

    /// Tasks of small outputs are not counted: they have nothing to wait for and nobody waits for
    /// them.
    fn start(&self, bytes: u64) {
        if bytes > 0 {
            self.n_running.fetch_add(1, Ordering::Relaxed);
            self.reserved_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Starts a task that needs `more_bytes`, spilling and waiting as the budget asks. Goes ahead
    /// when nothing is left to spill and nothing else runs, and when it needs nothing that could
    /// be waited for. Call with no lock and no interpreter held.
    ///
    /// # Errors
    /// If spilling fails.
    pub fn enter(
        &self,
        store: &Store,
        more_bytes: u64,
        next_use: &dyn Fn(u32) -> u64,
        given_up: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        let with_others = || self.reserved_bytes.load(Ordering::Relaxed).saturating_add(more_bytes);
        while !self.try_enter(store, more_bytes) {
            store.relieve(with_others(), next_use)?;
            let mut turn = self.turn.lock();
            let is_alone = self.n_running.load(Ordering::Relaxed) == 0;
            if more_bytes == 0 || is_alone || given_up() {
                self.start(more_bytes);
                break;
            }
            if store.is_pressed(with_others()) {
                self.n_waiting.fetch_add(1, Ordering::Relaxed);
                self.freed.wait_for(&mut turn, LOOK_AGAIN);
                self.n_waiting.fetch_sub(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Ends a task that was started with `bytes`.
    #[inline]
    pub fn leave(&self, bytes: u64) {
        if bytes > 0 {
            self.n_running.fetch_sub(1, Ordering::Relaxed);
            self.reserved_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.look_again();
        } else if self.n_waiting.load(Ordering::Relaxed) > 0 {
            // It may have freed its inputs. Who is only about to wait may be missed, and looks
            // again soon.
            self.look_again();
        }
    }

    /// Has those who wait look whether they may go on: whatever they look at has changed.
    pub fn look_again(&self) {
        let _turn = self.turn.lock();
        self.freed.notify_all();
    }
}
