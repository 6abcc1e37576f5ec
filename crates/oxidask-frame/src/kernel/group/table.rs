//! Hash tables that number keys in the order of their first appearance. Open addressing, at most half full: a
//! look-up is one line of cache, mostly.

use std::hint::black_box;
use std::ops::Range;

use arrow_array::StringViewArray;
use xxhash_rust::xxh3::xxh3_64;

const EMPTY: u32 = u32::MAX;
/// From this many slots on a table is too large for the nearest caches: then look-ups wait for memory, one after
/// the other, since no processor runs ahead of a guess whether a key is new. A first look at all slots of a
/// block of rows waits for them together.
const LARGE: usize = 1 << 15;
const FIRST_SLOTS: usize = 1 << 10;

/// How many slots come after so many: large tables grow less at once, for their memory must be cleared.
fn next_slots(n_slots: usize) -> usize {
    if n_slots < LARGE { n_slots * 4 } else { n_slots * 2 }
}

/// Spreads the bits of a key over the upper ones.
#[inline]
fn mixed(key: u64) -> u64 {
    (key ^ (key >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Numbers of integers.
pub(super) struct IntTable {
    slots: Vec<(u64, u32)>,
    shift: u32,
    n_keys: usize,
}

impl IntTable {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![(0, EMPTY); FIRST_SLOTS],
            shift: 64 - FIRST_SLOTS.trailing_zeros(),
            n_keys: 0,
        }
    }

    /// Brings the slots of keys near.
    pub(super) fn touch(&self, keys: impl Iterator<Item = u64>) {
        if self.slots.len() >= LARGE {
            let mask = self.slots.len() - 1;
            let slots = keys.map(|key| &self.slots[(mixed(key) >> self.shift) as usize & mask]);
            black_box(slots.fold(0, |seen, slot| seen ^ slot.1));
        }
    }

    /// The number of a key, and whether it is new.
    #[inline]
    pub(super) fn number(&mut self, key: u64) -> (u32, bool) {
        let mask = self.slots.len() - 1;
        let mut at = (mixed(key) >> self.shift) as usize;
        loop {
            let slot = &mut self.slots[at & mask];
            if slot.1 == EMPTY {
                let number = self.n_keys as u32;
                *slot = (key, number);
                self.n_keys += 1;
                if self.n_keys * 2 > self.slots.len() {
                    self.grow();
                }
                return (number, true);
            }
            if slot.0 == key {
                return (slot.1, false);
            }
            at += 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let n_slots = next_slots(self.slots.len());
        let old = std::mem::replace(&mut self.slots, vec![(0, EMPTY); n_slots]);
        self.shift = 64 - n_slots.trailing_zeros();
        let mask = n_slots - 1;
        for slot in old.into_iter().filter(|slot| slot.1 != EMPTY) {
            let mut at = (mixed(slot.0) >> self.shift) as usize;
            while self.slots[at & mask].1 != EMPTY {
                at += 1;
            }
            self.slots[at & mask] = slot;
        }
    }
}

/// A view of up to this many bytes holds them all.
const INLINE: u128 = 12;

#[derive(Clone, Copy)]
struct TextSlot {
    /// The view of the first row: all of a short text, length and first bytes of a long one.
    view: u128,
    hash: u32,
    number: u32,
}

/// Numbers of texts of one column.
pub(super) struct TextTable<'a> {
    texts: &'a StringViewArray,
    views: &'a [u128],
    slots: Vec<TextSlot>,
    first_rows: Vec<u32>,
}

impl<'a> TextTable<'a> {
    pub(super) fn new(texts: &'a StringViewArray) -> Self {
        let none = TextSlot { view: 0, hash: 0, number: EMPTY };
        Self { texts, views: texts.views(), slots: vec![none; FIRST_SLOTS], first_rows: Vec::new() }
    }

    #[inline]
    fn hash(&self, row: usize, view: u128) -> u32 {
        if u128::from(view as u32) <= INLINE {
            let (low, high) = (view as u64, (view >> 64) as u64);
            (mixed(low ^ mixed(high).rotate_left(23)) >> 32) as u32
        } else {
            (xxh3_64(self.texts.value(row).as_bytes()) >> 32) as u32
        }
    }

    /// Brings the slots of the texts of rows near.
    pub(super) fn touch(&self, rows: Range<usize>) {
        if self.slots.len() >= LARGE {
            let mask = self.slots.len() - 1;
            let slots =
                rows.map(|row| &self.slots[self.hash(row, self.views[row]) as usize & mask]);
            black_box(slots.fold(0, |seen, slot| seen ^ slot.number));
        }
    }

    /// The number of the text of a row, and whether it is new.
    #[inline]
    pub(super) fn number(&mut self, row: usize) -> (u32, bool) {
        let view = self.views[row];
        let hash = self.hash(row, view);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize;
        loop {
            let slot = self.slots[at & mask];
            if slot.number == EMPTY {
                return (self.insert(at & mask, row, view, hash), true);
            }
            if slot.view == view || (slot.hash == hash && self.same_long(slot, view, row)) {
                return (slot.number, false);
            }
            at += 1;
        }
    }

    fn same_long(&self, slot: TextSlot, view: u128, row: usize) -> bool {
        let is_long = u128::from(view as u32) > INLINE;
        let first = self.first_rows[slot.number as usize] as usize;
        is_long
            && slot.view as u64 == view as u64
            && self.texts.value(first).as_bytes() == self.texts.value(row).as_bytes()
    }

    fn insert(&mut self, at: usize, row: usize, view: u128, hash: u32) -> u32 {
        let number = self.first_rows.len() as u32;
        self.slots[at] = TextSlot { view, hash, number };
        self.first_rows.push(row as u32);
        if self.first_rows.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    #[cold]
    fn grow(&mut self) {
        let n_slots = next_slots(self.slots.len());
        let none = TextSlot { view: 0, hash: 0, number: EMPTY };
        let old = std::mem::replace(&mut self.slots, vec![none; n_slots]);
        let mask = n_slots - 1;
        for slot in old.into_iter().filter(|slot| slot.number != EMPTY) {
            let mut at = slot.hash as usize;
            while self.slots[at & mask].number != EMPTY {
                at += 1;
            }
            self.slots[at & mask] = slot;
        }
    }
}
