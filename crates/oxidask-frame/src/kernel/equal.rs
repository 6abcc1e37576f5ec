//! For each row the first row with the same code, in one table or in another.
//!
//! Codes that are few stand for slots of a table themselves. Others are hashed; many of them are parted by hash first,
//! so that the slots of a part stay in the cache.

use super::hash::mix;

/// In place of a row where there is none.
pub(super) const NONE: u32 = u32::MAX;

/// How many slots there may be for each row when codes are slots.
const SPARSE: u64 = 4;
/// Rows whose slots fit well in the cache.
const PART_ROWS: usize = 1 << 15;
/// From so many rows on parts are worth their while.
const MANY_ROWS: usize = 1 << 18;
const MAX_PART_BITS: u32 = 9;

/// For each code the position of the first that is the same. No code is above `largest`.
pub(super) fn first_rows(codes: &[u64], largest: u64) -> Vec<u32> {
    match_rows(codes, &[], largest).0
}

/// For each of `codes` the position of the first that is the same, and for each of `others` the position of the first
/// of `codes` that is the same, or [`NONE`]. No code is above `largest`.
pub(super) fn match_rows(codes: &[u64], others: &[u64], largest: u64) -> (Vec<u32>, Vec<u32>) {
    let n_rows = codes.len();
    if largest < 4096.max((n_rows as u64).saturating_mul(SPARSE)) {
        let mut slots = vec![NONE; largest as usize + 1];
        let first = |(&code, row): (&u64, u32)| {
            let slot = &mut slots[code as usize];
            if *slot == NONE {
                *slot = row;
            }
            *slot
        };
        let firsts = codes.iter().zip(0..).map(first).collect();
        let found = others.iter().map(|&code| slots[code as usize]).collect();
        return (firsts, found);
    }
    if n_rows >= MANY_ROWS {
        return match_parts(codes, others);
    }
    let mut slots = Slots::default();
    let firsts = codes.iter().zip(0..).map(|(&code, row)| slots.insert(code, row)).collect();
    let found = others.iter().map(|&code| slots.find(code)).collect();
    (firsts, found)
}

/// [`match_rows`] part by part.
fn match_parts(codes: &[u64], others: &[u64]) -> (Vec<u32>, Vec<u32>) {
    let n_bits = (codes.len() / PART_ROWS).ilog2().min(MAX_PART_BITS);
    let (codes, starts) = parted(codes, n_bits);
    let (others, other_starts) = parted(others, n_bits);
    let mut firsts = vec![NONE; codes.len()];
    let mut found = vec![NONE; others.len()];
    let mut slots = Slots::default();
    for part in 0..1 << n_bits {
        slots.clear();
        for &(code, row) in &codes[starts[part]..starts[part + 1]] {
            firsts[row as usize] = slots.insert(code, row);
        }
        for &(code, row) in &others[other_starts[part]..other_starts[part + 1]] {
            found[row as usize] = slots.find(code);
        }
    }
    (firsts, found)
}

/// Codes and their positions, part by part, and where each part starts.
fn parted(codes: &[u64], n_bits: u32) -> (Vec<(u64, u32)>, Vec<usize>) {
    let part = |code: u64| (mix(code) >> (u64::BITS - n_bits)) as usize;
    let mut starts = vec![0; (1 << n_bits) + 1];
    codes.iter().for_each(|&code| starts[part(code) + 1] += 1);
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut parted = vec![(0, 0); codes.len()];
    for (&code, row) in codes.iter().zip(0..) {
        let at = &mut next[part(code)];
        parted[*at] = (code, row);
        *at += 1;
    }
    (parted, starts)
}

/// The first rows of codes, by hash.
struct Slots {
    /// The code and its row; [`NONE`] where the slot is free. Half of them are, at least.
    slots: Vec<(u64, u32)>,
    n_used: usize,
}

impl Default for Slots {
    fn default() -> Self {
        Self { slots: vec![(0, NONE); 1024], n_used: 0 }
    }
}

impl Slots {
    fn clear(&mut self) {
        self.slots.fill((0, NONE));
        self.n_used = 0;
    }

    #[inline]
    fn find(&self, code: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = mix(code) as usize & mask;
        loop {
            let (there, row) = self.slots[at];
            if there == code || row == NONE {
                return row;
            }
            at = (at + 1) & mask;
        }
    }

    /// The row of a code: `row` if it had none.
    #[inline]
    fn insert(&mut self, code: u64, row: u32) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = mix(code) as usize & mask;
        loop {
            let (there, first) = self.slots[at];
            if first == NONE {
                break;
            }
            if there == code {
                return first;
            }
            at = (at + 1) & mask;
        }
        self.slots[at] = (code, row);
        self.n_used += 1;
        if self.n_used * 2 > self.slots.len() {
            self.grow();
        }
        row
    }

    fn grow(&mut self) {
        let n_slots = self.slots.len() * 4;
        let old = std::mem::replace(&mut self.slots, vec![(0, NONE); n_slots]);
        let mask = n_slots - 1;
        for (code, row) in old.into_iter().filter(|(_, row)| *row != NONE) {
            let mut at = mix(code) as usize & mask;
            while self.slots[at].1 != NONE {
                at = (at + 1) & mask;
            }
            self.slots[at] = (code, row);
        }
    }
}
