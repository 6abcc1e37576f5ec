//! What a worker does about memory: where its values are, when they go to disk, and when it takes no tasks.
//!
//! | above this share of the limit | are | then |
//! |---|---|---|
//! | target (0.60) | bytes of values | whoever has added one writes values to disk, before it does anything else |
//! | spill (0.70) | bytes of the process | values are written to disk until it is below the target |
//! | pause (0.80) | either | no task starts, but one alone that may let go of others |
//!
//! A nanny ends a process that goes on growing. Values that nothing here waits for are written first, those
//! that lie longest before others. What can't be written stays in memory, and the worker pauses when that is full.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use oxidask_core::value::Value;
use oxidask_sched::data::Data;
use oxidask_sched::ids::TaskId;
use oxidask_sched::message::Health;
use oxidask_sched::worker::{Copied, Event};
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;

use super::WorkerNode;
use super::job::{Landed, Unreadable};
use crate::cluster::link::Fetched;
use crate::store::{Budget, Store, StoreError};
use crate::system;

/// How much memory a worker takes, and what it does when that is short.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryPolicy {
    /// The share of the limit that values may have in memory; none for any.
    pub target: Option<f64>,
    /// The share that the process may have before values are written to disk; none for any.
    pub spill: Option<f64>,
    /// The share above which no task starts; none for any.
    pub pause: Option<f64>,
    /// Where values are written to.
    pub directory: PathBuf,
    /// How often the process is looked at.
    pub every: Duration,
}

impl Default for MemoryPolicy {
    fn default() -> Self {
        Self {
            target: Some(0.60),
            spill: Some(0.70),
            pause: Some(0.80),
            directory: std::env::temp_dir(),
            every: Duration::from_millis(200),
        }
    }
}

/// By how much less than the limit allows there is once values have been written.
const SLACK: f64 = 0.05;

/// How long a disk that has failed is left alone.
const REST: Duration = Duration::from_secs(1);

/// The values of a worker and the bytes they take.
pub(super) struct Memory {
    pub(super) store: Store,
    policy: MemoryPolicy,
    limit: u64,
    slots: Mutex<Slots>,
    watch: Mutex<Watch>,
    stirred: Condvar,
    /// Bytes of values when there was nothing left to write, and more than there should have been.
    in_vain_at: AtomicU64,
    /// Bytes of the process that were no values when it was looked at last.
    overhead: AtomicU64,
    failed: Mutex<Option<Instant>>,
    told: Mutex<Option<Health>>,
}

#[derive(Default)]
struct Slots {
    free: Vec<u32>,
    n: u32,
}

#[derive(Default)]
struct Watch {
    stirred: bool,
    closed: bool,
}

/// Stores of this process: each answers for its share of what belongs to none.
static STORES: Mutex<Vec<Weak<Memory>>> = Mutex::new(Vec::new());

impl Memory {
    /// For a limit in bytes; zero is none.
    pub(super) fn new(limit: u64, policy: MemoryPolicy) -> Arc<Self> {
        let spill_directory = policy.directory.clone();
        let memory = Arc::new(Self {
            store: Store::new(Budget { memory_bytes: u64::MAX, spill_directory }),
            policy,
            limit: if limit == 0 { u64::MAX } else { limit },
            slots: Mutex::default(),
            watch: Mutex::default(),
            stirred: Condvar::new(),
            in_vain_at: AtomicU64::new(u64::MAX),
            overhead: AtomicU64::new(0),
            failed: Mutex::default(),
            told: Mutex::default(),
        });
        let mut stores = STORES.lock();
        stores.retain(|store| store.strong_count() > 0);
        stores.push(Arc::downgrade(&memory));
        memory
    }

    /// Puts a value into a slot that nothing else uses. One that is pinned is never written to disk.
    pub(super) fn put(&self, value: Value, nbytes: u64, pinned: bool) -> u32 {
        let mut slots = self.slots.lock();
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.n += 1;
            slots.n - 1
        });
        drop(slots);
        self.store.put_sized(slot, value, nbytes, pinned);
        slot
    }

    /// Puts values that have come from elsewhere. Not under a node's lock: they may ask their interpreter.
    pub(super) fn land(&self, values: Fetched) -> Vec<Landed> {
        let land = |(task, value): (TaskId, Result<Value, Arc<str>>)| {
            let value = value.unwrap_or_else(|reason| Value::new(Unreadable(reason)));
            let nbytes = value.payload().nbytes();
            let type_name = value.payload().type_name().as_ref().into();
            let slot = self.put(value, nbytes, false);
            Landed { slot, copied: Copied { task, nbytes, type_name } }
        };
        let landed = values.into_iter().map(land).collect();
        if self.is_over_target() {
            self.stir();
        }
        landed
    }

    /// Values are gone: their slots are used again. Not under a node's lock: dropping may run any code.
    pub(super) fn remove(&self, slots: Vec<u32>) {
        if slots.is_empty() {
            return;
        }
        for &slot in &slots {
            self.store.remove(slot);
        }
        self.slots.lock().free.extend(slots);
    }

    fn line(&self, share: Option<f64>) -> u64 {
        match share {
            Some(share) if self.limit != u64::MAX => (self.limit as f64 * share) as u64,
            _ => u64::MAX,
        }
    }

    /// Whether values have more than they should.
    pub(super) fn is_over_target(&self) -> bool {
        self.store.memory_bytes() > self.target()
    }

    /// Bytes that values may have: their share of the limit, and no more than lets the process stay below its own.
    fn target(&self) -> u64 {
        let overhead = self.overhead.load(Ordering::Relaxed);
        let left = self.line(self.policy.spill).saturating_sub(overhead);
        self.line(self.policy.target).min(left)
    }

    /// Whether there is room for a value that is read from disk.
    pub(super) fn has_room(&self) -> bool {
        !self.is_over_target()
    }

    /// Bytes of the process that are this worker's: its values, and its share of what is nobody's.
    fn process_bytes(&self) -> u64 {
        let resident = system::resident_bytes().unwrap_or(0);
        let stores: Vec<_> = STORES.lock().iter().filter_map(Weak::upgrade).collect();
        let all: u64 = stores.iter().map(|memory| memory.store.memory_bytes()).sum();
        let others = all.saturating_sub(self.store.memory_bytes());
        match stores.len() {
            0 | 1 => resident,
            n => self.store.memory_bytes() + resident.saturating_sub(others) / n as u64,
        }
    }

    /// Whether a look through all values has not helped since their bytes have changed. It may help later: values
    /// that tasks read now are not written.
    fn is_futile(&self) -> bool {
        let in_vain = self.in_vain_at.load(Ordering::Relaxed);
        in_vain != u64::MAX && self.store.memory_bytes().abs_diff(in_vain) < self.limit / 64
    }

    /// Writes values to disk if there are too many. `next_uses` says when slots are needed: the larger the later.
    ///
    /// # Errors
    /// If the disk fails; not again before [`REST`] is over.
    fn relieve(&self, next_uses: &dyn Fn() -> FxHashMap<u32, u64>) -> Result<(), StoreError> {
        if self.failed.lock().is_some_and(|at| at.elapsed() < REST) {
            return Ok(());
        }
        let result = self.relieve_now(next_uses);
        if result.is_err() {
            *self.failed.lock() = Some(Instant::now());
        }
        result
    }

    fn relieve_now(&self, next_uses: &dyn Fn() -> FxHashMap<u32, u64>) -> Result<(), StoreError> {
        let spill_while = |is_pressed: &dyn Fn() -> bool| {
            let uses = next_uses();
            let next_use = |slot| uses.get(&slot).copied().unwrap_or(0);
            self.store.spill(is_pressed, &next_use)
        };
        let target = self.target();
        if self.store.memory_bytes() > target {
            let low = target.saturating_sub((self.limit as f64 * SLACK) as u64);
            spill_while(&|| self.store.memory_bytes() > low)?;
        }
        let line = self.line(self.policy.spill);
        let is_pressed = |line| line != u64::MAX && self.process_bytes() > line;
        if is_pressed(line.min(self.line(self.policy.pause))) {
            give_back();
        }
        if is_pressed(line) {
            let low = self.line(self.policy.target.or(self.policy.spill));
            spill_while(&|| self.process_bytes() > low)?;
            give_back();
        }
        let is_over = self.is_over_target() || is_pressed(line);
        let in_vain_at = if is_over { self.store.memory_bytes() } else { u64::MAX };
        self.in_vain_at.store(in_vain_at, Ordering::Relaxed);
        Ok(())
    }

    /// How things are now. A worker that runs nothing and has its values on disk is not paused, whatever the
    /// process has: nothing but another task could change it.
    pub(super) fn health(&self, is_idle: bool) -> Health {
        let (memory_bytes, managed_bytes) = (self.process_bytes(), self.store.memory_bytes());
        let overhead = memory_bytes.saturating_sub(managed_bytes).min(self.limit / 2);
        self.overhead.store(overhead, Ordering::Relaxed);
        let line = self.line(self.policy.pause);
        let is_over = memory_bytes.max(managed_bytes) > line;
        let paused = is_over && !(is_idle && managed_bytes <= self.line(self.policy.target));
        Health {
            memory_bytes,
            managed_bytes,
            spilled_bytes: self.store.disk_bytes(),
            paused,
            bandwidth: 0.0,
        }
    }

    /// How things are, if that is worth telling.
    pub(super) fn news(&self, is_idle: bool) -> Option<Health> {
        let health = self.health(is_idle);
        let grain = if self.limit == u64::MAX { 8 << 20 } else { self.limit / 100 };
        let mut told = self.told.lock();
        let is_old = told.is_some_and(|told| {
            told.paused == health.paused
                && told.memory_bytes.abs_diff(health.memory_bytes) <= grain
                && told.managed_bytes.abs_diff(health.managed_bytes) <= grain
                && told.spilled_bytes.abs_diff(health.spilled_bytes) <= grain
        });
        if is_old {
            return None;
        }
        *told = Some(health);
        Some(health)
    }

    /// Somebody should look before it is time.
    pub(super) fn stir(&self) {
        let mut watch = self.watch.lock();
        if !watch.stirred {
            watch.stirred = true;
            self.stirred.notify_one();
        }
    }

    /// Lets no time pass before the worker pauses.
    fn stir_if_full(&self) {
        let is_paused = self.told.lock().is_some_and(|told| told.paused);
        if !is_paused && self.store.memory_bytes() > self.line(self.policy.pause) {
            self.stir();
        }
    }

    /// Ends the watch.
    pub(super) fn close(&self) {
        self.watch.lock().closed = true;
        self.stirred.notify_one();
    }

    /// Calls `look` as often as the policy says, and when it is stirred, until it is closed.
    pub(super) fn watch(&self, look: &dyn Fn()) {
        let mut watch = self.watch.lock();
        while !watch.closed {
            watch.stirred = false;
            drop(watch);
            look();
            watch = self.watch.lock();
            if !watch.closed && !watch.stirred {
                self.stirred.wait_for(&mut watch, self.policy.every);
            }
        }
    }
}

/// Slots of values that are to be dropped where no lock is held: where this is.
pub(super) struct Dropped(pub(super) Arc<Memory>, pub(super) Vec<u32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.remove(std::mem::take(&mut self.1));
    }
}

impl WorkerNode {
    /// Starts the thread that looks at the memory, and tells the scheduler.
    pub(in crate::cluster) fn start_watch(&self) {
        let (memory, this) = (self.memory.clone(), self.this.clone());
        let look = move || {
            if let Some(this) = this.upgrade() {
                this.look();
            }
        };
        let thread = thread::Builder::new().name("oxidask-memory".into());
        match thread.spawn(move || memory.watch(&look)) {
            Ok(thread) => self.own_threads.lock().push(thread),
            Err(error) => self.trouble(&format!("nothing watches its memory: {error}")),
        }
    }

    fn look(&self) {
        self.passing.tidy();
        self.relieve();
        if let Some(health) = self.memory.news(self.n_executing() == 0) {
            self.happened(Event::Health(health));
        }
    }

    /// A thread of the worker's has added a value: it pays if there are too many.
    pub(super) fn relieve_in_turn(&self) {
        if self.memory.is_over_target() && !self.memory.is_futile() {
            self.relieve();
        }
    }

    /// Writes values to disk if there are too many.
    fn relieve(&self) {
        if let Err(error) = self.memory.relieve(&|| self.next_uses()) {
            self.trouble(&error.to_string());
        }
        self.memory.stir_if_full();
    }

    /// How much memory it has, and what of it are values.
    #[must_use]
    pub fn health(&self) -> Health {
        self.memory.health(self.n_executing() == 0)
    }

    /// Says on the topic `worker-events` what people should know.
    pub(super) fn trouble(&self, text: &str) {
        let body = Data::map([
            ("worker", Data::Text(self.name().into())),
            ("action", Data::Text("trouble".into())),
            ("text", Data::Text(text.into())),
        ]);
        self.push("worker-events", body);
    }
}

/// Asks the C library to give the system what was freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "a libc call")]
fn give_back() {
    // SAFETY: it may be called at any time.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
