//! The store: values by slot, in memory or on disk, within a budget.
//!
//! A scheduler puts values into numbered slots and takes them out; the store counts their bytes
//! and, when they and the process outgrow the budget, writes those needed furthest in the future
//! to a [`spill`] file and drops them from memory. It starts no thread: whoever makes it grow calls
//! [`Store::relieve`], at a moment when it holds no lock and no interpreter, and pays.
//!
//! | a slot is | meaning |
//! |---|---|
//! | empty | nothing was put, or it was removed |
//! | memory | the value is here |
//! | disk | the value was spilled; [`Store::get`] reads it and keeps it here again |
//!
//! Values that have no byte form stay in memory; so do those that someone else holds too, because
//! dropping ours would free nothing.

mod pressure;
mod slots;
pub mod spill;
mod tally;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use oxidask_core::value::{CodecError, Family, Value};
use parking_lot::Mutex;

use crate::system;
use pressure::Gauge;
use slots::Slots;
use spill::{Extent, SpillFile};
use tally::Tally;

/// Why the store can't give or keep a value.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Writing to the spill file failed.
    #[error(
        "{needed_bytes} bytes of intermediate values can't be spilled to {}: {source}; free space \
         there, choose another directory (config `local.spill-directory`) or raise the memory \
         budget (config `local.memory-limit`)", directory.display()
    )]
    Spill {
        /// The spill directory.
        directory: PathBuf,
        /// Size of the value that was to be written.
        needed_bytes: u64,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// Reading from the spill file failed.
    #[error("a spilled value can't be read back from {}: {source}", directory.display())]
    Unspill {
        /// The spill directory.
        directory: PathBuf,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// A value came back from disk as something that its family can't read.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The slot has no value: a bug in the scheduler that asked.
    #[error("slot {0} holds no value")]
    Empty(u32),
}

/// How much memory a store may take, and where it spills to.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Bytes that the process should stay within; `u64::MAX` for no bound.
    pub memory_bytes: u64,
    /// Where the spill file is made when it is first needed.
    pub spill_directory: PathBuf,
}

impl Default for Budget {
    /// [`system::DEFAULT_MEMORY_SHARE`] of what the machine or cgroup allows, spilling into the
    /// system's temporary directory.
    fn default() -> Self {
        let limit = system::memory_limit_bytes();
        Self {
            memory_bytes: limit
                .map_or(u64::MAX, |limit| (limit as f64 * system::DEFAULT_MEMORY_SHARE) as u64),
            spill_directory: std::env::temp_dir(),
        }
    }
}

#[derive(Default)]
enum State {
    #[default]
    Empty,
    Memory(Value),
    /// Boxed, so that an entry in memory stays small.
    Disk(Box<(Arc<Extent>, &'static dyn Family)>),
}

#[derive(Default)]
struct Entry {
    state: State,
    nbytes: u64,
    unspillable: bool,
}

impl Entry {
    /// Whether writing it to disk would free memory.
    fn is_victim(&self) -> bool {
        let is_alone = matches!(&self.state, State::Memory(value) if value.n_handles() == 1);
        is_alone && !self.unspillable && self.nbytes > 0
    }
}

/// Values by slot. See the [module](self).
pub struct Store {
    budget: Budget,
    entries: Slots<Entry>,
    memory: Tally,
    gauge: Gauge,
    spilled_any: AtomicBool,
    spilled_bytes: AtomicU64,
    spill: OnceLock<SpillFile>,
    eviction: Mutex<Eviction>,
}

/// Where a value is.
pub enum Found {
    /// Here.
    Memory(Value),
    /// On disk.
    Disk(OnDisk),
}

/// A spilled value.
pub struct OnDisk {
    slot: u32,
    extent: Arc<Extent>,
    family: &'static dyn Family,
}

/// What whoever evicts next should know.
#[derive(Default)]
struct Eviction {
    /// Bytes in memory when looking through all values last did not help.
    in_vain_at: Option<u64>,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self {
            gauge: Gauge::new(budget.memory_bytes),
            budget,
            entries: Slots::new(),
            memory: Tally::default(),
            spilled_any: AtomicBool::new(false),
            spilled_bytes: AtomicU64::new(0),
            spill: OnceLock::new(),
            eviction: Mutex::default(),
        }
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Bytes of values in memory, to within a megabyte.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.memory.bytes()
    }

    /// Bytes written to disk so far.
    #[must_use]
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes.load(Ordering::Relaxed)
    }

    /// Whether anything was ever spilled.
    #[must_use]
    #[inline]
    pub fn has_spilled(&self) -> bool {
        self.spilled_any.load(Ordering::Relaxed)
    }

    /// Bytes that are on disk now.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.spill.get().map_or(0, SpillFile::held_bytes)
    }

    /// Puts a value into a slot, in place of what was there.
    #[inline]
    pub fn put(&self, slot: u32, value: Value) {
        let nbytes = value.payload().nbytes();
        self.put_sized(slot, value, nbytes, false);
    }

    /// As [`Store::put`], for a value of so many bytes; one that is pinned is never spilled.
    #[inline]
    pub fn put_sized(&self, slot: u32, value: Value, nbytes: u64, pinned: bool) {
        let new = Entry { state: State::Memory(value), nbytes, unspillable: pinned };
        let old = std::mem::replace(&mut *self.entries.get(slot).lock(), new);
        self.memory.add(nbytes);
        self.forget(old);
    }

    /// A handle to the slot's value, which is read from disk, and kept in memory, if need be.
    ///
    /// # Errors
    /// If the slot is empty, or the disk fails.
    pub fn get(&self, slot: u32) -> Result<Value, StoreError> {
        let found = match self.find(slot)? {
            Found::Memory(value) => return Ok(value),
            found @ Found::Disk(_) => found,
        };
        let value = self.load(found, true)?;
        match &self.entries.get(slot).lock().state {
            // Another reader may have been faster: one copy is enough.
            State::Memory(value) => Ok(value.clone()),
            _ => Ok(value),
        }
    }

    /// Where the slot's value is. It can be had from there whatever becomes of the slot.
    ///
    /// # Errors
    /// If the slot is empty.
    pub fn find(&self, slot: u32) -> Result<Found, StoreError> {
        match &self.entries.get(slot).lock().state {
            State::Memory(value) => Ok(Found::Memory(value.clone())),
            State::Empty => Err(StoreError::Empty(slot)),
            State::Disk(place) => {
                Ok(Found::Disk(OnDisk { slot, extent: Arc::clone(&place.0), family: place.1 }))
            }
        }
    }

    /// The value of [`Store::find`]. One that has to be read is put into its slot again if it is to be kept and
    /// is still there.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn load(&self, found: Found, keep: bool) -> Result<Value, StoreError> {
        let OnDisk { slot, extent, family } = match found {
            Found::Memory(value) => return Ok(value),
            Found::Disk(place) => place,
        };
        let value = self.read(&extent, family)?;
        let mut entry = self.entries.get(slot).lock();
        match &entry.state {
            State::Disk(place) if keep && Arc::ptr_eq(&place.0, &extent) => {
                entry.state = State::Memory(value.clone());
                self.memory.add(entry.nbytes);
            }
            _ => {}
        }
        Ok(value)
    }

    /// Takes the value out, leaving the slot empty.
    ///
    /// # Errors
    /// If the slot is empty, or the disk fails; then the slot stays as it was.
    pub fn take(&self, slot: u32) -> Result<Value, StoreError> {
        let mut from_disk: Option<(Arc<Extent>, Value)> = None;
        loop {
            let mut entry = self.entries.get(slot).lock();
            let (extent, family) = match std::mem::take(&mut entry.state) {
                State::Empty => return Err(StoreError::Empty(slot)),
                State::Memory(value) => {
                    let nbytes = entry.nbytes;
                    drop(entry);
                    self.memory.subtract(nbytes);
                    return Ok(value);
                }
                State::Disk(place) => match from_disk.take() {
                    Some((extent, value)) if Arc::ptr_eq(&extent, &place.0) => return Ok(value),
                    _ => {
                        let copy = (Arc::clone(&place.0), place.1);
                        entry.state = State::Disk(place);
                        copy
                    }
                },
            };
            drop(entry);
            from_disk = Some((Arc::clone(&extent), self.read(&extent, family)?));
        }
    }

    /// Call with no entry locked: decoding may wait for an interpreter whose holder waits for it.
    fn read(&self, extent: &Extent, family: &dyn Family) -> Result<Value, StoreError> {
        let (header, buffers) = extent.read().map_err(|source| StoreError::Unspill {
            directory: self.budget.spill_directory.clone(),
            source: Arc::new(source),
        })?;
        Ok(family.decode(&header, buffers)?)
    }

    /// Empties the slot.
    pub fn remove(&self, slot: u32) {
        let old = std::mem::take(&mut *self.entries.get(slot).lock());
        self.forget(old);
    }

    /// Drops what a slot held. The value's destructor may come back to the store, so that no entry
    /// may be locked, and may panic, so that the bytes are counted first.
    fn forget(&self, old: Entry) {
        if matches!(old.state, State::Memory(_)) {
            self.memory.subtract(old.nbytes);
        }
    }

    /// Whether the slot's value is on disk.
    #[must_use]
    pub fn is_on_disk(&self, slot: u32) -> bool {
        self.has_spilled() && matches!(self.entries.get(slot).lock().state, State::Disk(..))
    }

    /// Bytes that reading the slot from disk would take, 0 if it isn't there.
    #[must_use]
    pub fn bytes_on_disk(&self, slot: u32) -> u64 {
        let entry = self.entries.get(slot).lock();
        if matches!(entry.state, State::Disk(..)) { entry.nbytes } else { 0 }
    }

    /// Whether `more_bytes` on top of what is held would ask for eviction.
    #[must_use]
    #[inline]
    pub fn is_pressed(&self, more_bytes: u64) -> bool {
        self.gauge.is_pressed(self.memory_bytes().saturating_add(more_bytes))
    }

    /// Spills the values needed last until `more_bytes` fit below the low-water mark, or until
    /// nothing is left that can be spilled. `next_use` gives when a slot is needed next; the larger
    /// the later. Must not be called with a lock or an interpreter held.
    ///
    /// # Errors
    /// If the disk is full or fails; the values stay in memory.
    pub fn relieve(
        &self,
        more_bytes: u64,
        next_use: &dyn Fn(u32) -> u64,
    ) -> Result<(), StoreError> {
        let mut eviction = self.eviction.lock();
        let ours = || self.memory_bytes().saturating_add(more_bytes);
        let is_futile = eviction
            .in_vain_at
            .is_some_and(|before| !self.gauge.has_moved(self.memory_bytes(), before));
        if is_futile || !self.gauge.is_pressed(ours()) {
            return Ok(());
        }
        self.spill_while(&|| !self.gauge.is_relieved(ours()), next_use)?;
        let is_relieved = self.gauge.is_relieved(ours());
        eviction.in_vain_at = (!is_relieved).then(|| self.memory_bytes());
        Ok(())
    }

    /// As [`Store::relieve`], for those who have a measure of their own: spills while `is_pressed` says so and
    /// there is something left.
    ///
    /// # Errors
    /// As [`Store::relieve`].
    pub fn spill(
        &self,
        is_pressed: &dyn Fn() -> bool,
        next_use: &dyn Fn(u32) -> u64,
    ) -> Result<(), StoreError> {
        let _eviction = self.eviction.lock();
        self.spill_while(is_pressed, next_use)
    }

    /// Call with the lock of evictions.
    fn spill_while(
        &self,
        is_pressed: &dyn Fn() -> bool,
        next_use: &dyn Fn(u32) -> u64,
    ) -> Result<(), StoreError> {
        if !is_pressed() {
            return Ok(());
        }
        let mut victims: Vec<(u64, u32)> = Vec::new();
        for (slot, entry) in self.entries.iter() {
            let is_victim = entry.lock().is_victim();
            if is_victim {
                victims.push((next_use(slot), slot));
            }
        }
        victims.sort_unstable_by(|a, b| b.cmp(a));
        for (_, slot) in victims {
            if !is_pressed() {
                break;
            }
            self.evict(slot)?;
        }
        Ok(())
    }

    /// Writes one slot to disk. A value that can't be encoded is marked and stays.
    fn evict(&self, slot: u32) -> Result<(), StoreError> {
        let value = match &*self.entries.get(slot).lock() {
            entry @ Entry { state: State::Memory(value), .. } if entry.is_victim() => value.clone(),
            _ => return Ok(()),
        };
        let Ok(encoded) = value.payload().encode() else {
            self.entries.get(slot).lock().unspillable = true;
            return Ok(());
        };
        let spill_error = |source: std::io::Error| StoreError::Spill {
            directory: self.budget.spill_directory.clone(),
            needed_bytes: encoded.nbytes(),
            source: Arc::new(source),
        };
        let file = match self.spill.get() {
            Some(file) => file,
            None => {
                let file = SpillFile::create(&self.budget.spill_directory).map_err(spill_error)?;
                self.spill.get_or_init(|| file)
            }
        };
        let extent = Arc::new(file.write(&encoded).map_err(spill_error)?);
        self.spilled_bytes.fetch_add(extent.len(), Ordering::Relaxed);
        self.spilled_any.store(true, Ordering::Relaxed);
        let family = value.payload().family();
        let mut entry = self.entries.get(slot).lock();
        // Meanwhile the value may have been taken, or read by somebody who still holds it: two
        // handles are the slot's and ours.
        let is_ours = |held: &Value| held.is(&value) && held.n_handles() == 2;
        if matches!(&entry.state, State::Memory(held) if is_ours(held)) {
            let freed =
                std::mem::replace(&mut entry.state, State::Disk(Box::new((extent, family))));
            let nbytes = entry.nbytes;
            drop(entry);
            self.memory.subtract(nbytes);
            drop((freed, encoded, value));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxidask_core::value::{Bytes, Native};

    fn budget(memory_bytes: u64, directory: &std::path::Path) -> Budget {
        Budget { memory_bytes, spill_directory: directory.into() }
    }

    fn bytes(byte: u8, len: usize) -> Value {
        Value::new(Bytes(vec![byte; len].into()))
    }

    #[test]
    fn what_is_needed_last_is_spilled_first_and_comes_back_equal() {
        let directory = tempfile::tempdir().unwrap();
        let mib = 1 << 20;
        let store = Store::new(budget(64 * mib, directory.path()));
        for slot in 0..40u8 {
            store.put(slot.into(), bytes(slot, 2 * mib as usize));
        }
        store.relieve(0, &|slot| slot.into()).unwrap();
        assert!(store.memory_bytes() <= 64 * mib);
        assert!(store.spilled_bytes() >= 16 * mib);
        assert!(!store.is_on_disk(0) && store.is_on_disk(39));
        let back = store.take(39).unwrap();
        assert_eq!(&*back.downcast_ref::<Bytes>().unwrap().0, &vec![39; 2 * mib as usize]);
        assert!(matches!(store.get(39), Err(StoreError::Empty(39))));
        for slot in 0..39 {
            store.remove(slot);
        }
        assert_eq!(store.memory_bytes(), 0);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn values_without_bytes_and_values_in_use_stay() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(budget(1 << 20, directory.path()));
        let held = bytes(1, 1 << 20);
        store.put(0, held.clone());
        store.put(1, Value::new(Native([0u64; 1000])));
        store.put(2, bytes(2, 1 << 20));
        store.relieve(0, &|slot| slot.into()).unwrap();
        assert!(!store.is_on_disk(0) && !store.is_on_disk(1) && store.is_on_disk(2));
        assert!(store.get(1).is_ok());
    }

    #[test]
    fn looking_for_what_to_spill_in_vain_is_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        let mib = 1 << 20;
        let store = Store::new(budget(16 * mib, directory.path()));
        let held: Vec<Value> = (0..20).map(|_| bytes(1, mib as usize)).collect();
        for (slot, value) in held.iter().enumerate() {
            store.put(slot as u32, value.clone());
        }
        let n_asked = std::cell::Cell::new(0);
        let next_use = |_| {
            n_asked.set(n_asked.get() + 1);
            0
        };
        for _ in 0..3 {
            store.relieve(0, &next_use).unwrap();
        }
        assert_eq!((n_asked.get(), store.spilled_bytes()), (0, 0));
        // A value of its own comes: now something can be done, once.
        store.put(20, bytes(2, mib as usize));
        for _ in 0..3 {
            store.relieve(0, &next_use).unwrap();
        }
        assert_eq!((n_asked.get(), store.spilled_bytes()), (1, mib));
        assert!(store.is_on_disk(20));
    }

    #[test]
    fn a_value_put_over_another_takes_its_place_in_the_count() {
        let store = Store::new(Budget::default());
        store.put(0, bytes(1, 1 << 20));
        store.put(0, bytes(2, 1 << 21));
        assert_eq!(store.memory_bytes(), 1 << 21);
        store.remove(0);
        assert_eq!(store.memory_bytes(), 0);
    }

    #[test]
    fn a_spill_directory_that_cannot_be_made_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let store = Store::new(budget(1 << 20, &file));
        store.put(0, bytes(1, 1 << 20));
        let error = store.relieve(0, &|_| 0).unwrap_err().to_string();
        assert!(error.contains(&*file.to_string_lossy()) && error.contains("local.memory-limit"));
        assert!(store.get(0).is_ok());
    }
}
