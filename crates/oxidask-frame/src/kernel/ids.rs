//! Numbers for distinct values: 0 for the first that appears, 1 for the next, and so on.

use arrow_array::StringViewArray;
use arrow_data::MAX_INLINE_VIEW_LEN;

use super::hash::{mix, short_text};

/// The number of a value that has none.
pub(super) const NONE: u32 = u32::MAX;

/// How many slots there may be for each row when values are used as slots.
const SPARSE: u64 = 4;

/// Numbers for codes of at most so many bits; by the code itself where codes are few, else by hash.
pub(super) enum CodeIds {
    Direct { slots: Vec<u32>, n_ids: u32 },
    Hashed(HashedIds),
}

/// Numbers for any codes.
pub(super) struct HashedIds {
    /// The code and its number; [`NONE`] where the slot is free. Twice as many as numbers, at least.
    slots: Vec<(u64, u32)>,
    n_ids: u32,
}

impl CodeIds {
    /// For codes up to and including `largest`, of which about `n_rows` are to come.
    pub(super) fn new(largest: u64, n_rows: usize) -> Self {
        if largest < 4096.max((n_rows as u64).saturating_mul(SPARSE)) {
            Self::Direct { slots: vec![NONE; largest as usize + 1], n_ids: 0 }
        } else {
            Self::Hashed(HashedIds::default())
        }
    }

    /// How many numbers were given.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Direct { n_ids, .. } => *n_ids as usize,
            Self::Hashed(ids) => ids.n_ids as usize,
        }
    }

    /// The numbers of these codes, new ones for those that have none. `is_new` hears the position of each code
    /// that got one.
    pub(super) fn insert(&mut self, codes: &[u64], mut is_new: impl FnMut(u32)) -> Vec<u32> {
        let rows = codes.iter().zip(0_u32..);
        match self {
            Self::Direct { slots, n_ids } => rows
                .map(|(&code, row)| {
                    let slot = &mut slots[code as usize];
                    if *slot == NONE {
                        *slot = *n_ids;
                        *n_ids += 1;
                        is_new(row);
                    }
                    *slot
                })
                .collect(),
            Self::Hashed(ids) => rows
                .map(|(&code, row)| {
                    let n_ids = ids.n_ids;
                    let id = ids.insert(code);
                    if id == n_ids {
                        is_new(row);
                    }
                    id
                })
                .collect(),
        }
    }

    /// The numbers of these codes, [`NONE`] for those that have none.
    pub(super) fn find(&self, codes: &[u64]) -> Vec<u32> {
        match self {
            Self::Direct { slots, .. } => codes
                .iter()
                .map(|&code| slots.get(code as usize).copied().unwrap_or(NONE))
                .collect(),
            Self::Hashed(ids) => codes.iter().map(|&code| ids.find(code)).collect(),
        }
    }
}

impl Default for HashedIds {
    fn default() -> Self {
        Self { slots: vec![(0, NONE); 1024], n_ids: 0 }
    }
}

impl HashedIds {
    fn find(&self, code: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = mix(code) as usize & mask;
        loop {
            let (there, id) = self.slots[at];
            if there == code || id == NONE {
                return id;
            }
            at = (at + 1) & mask;
        }
    }

    fn insert(&mut self, code: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = mix(code) as usize & mask;
        loop {
            let (there, id) = self.slots[at];
            if id == NONE {
                break;
            }
            if there == code {
                return id;
            }
            at = (at + 1) & mask;
        }
        let id = self.n_ids;
        self.slots[at] = (code, id);
        self.n_ids += 1;
        if self.n_ids as usize * 2 > self.slots.len() {
            self.grow();
        }
        id
    }

    fn grow(&mut self) {
        let n_slots = self.slots.len() * 4;
        let old = std::mem::replace(&mut self.slots, vec![(0, NONE); n_slots]);
        let mask = n_slots - 1;
        for (code, id) in old.into_iter().filter(|(_, id)| *id != NONE) {
            let mut at = mix(code) as usize & mask;
            while self.slots[at].1 != NONE {
                at = (at + 1) & mask;
            }
            self.slots[at] = (code, id);
        }
    }
}

/// Numbers for text.
pub(super) struct TextIds<'a> {
    /// Half a hash, and the number.
    slots: Vec<(u32, u32)>,
    texts: Vec<Text<'a>>,
}

/// Text with its view; the bytes only where the view does not hold them.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    view: u128,
    long: &'a [u8],
}

impl<'a> Text<'a> {
    /// The text of a row that is not null.
    #[inline]
    pub(super) fn of(column: &'a StringViewArray, row: usize) -> Self {
        let view = column.views()[row];
        let is_short = view as u32 <= MAX_INLINE_VIEW_LEN;
        Self { view, long: if is_short { &[] } else { column.value(row).as_bytes() } }
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.view as u32 <= MAX_INLINE_VIEW_LEN
    }

    #[inline]
    fn hash(&self) -> u64 {
        if self.is_short() { short_text(self.view) } else { super::hash::text(self.long) }
    }

    #[inline]
    fn same(&self, other: &Self) -> bool {
        if self.is_short() { self.view == other.view } else { self.long == other.long }
    }

    /// Compares bytes, which is by code points.
    pub(super) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let bytes = |text: &Self| text.view.to_le_bytes();
        let (left, right) = (bytes(self), bytes(other));
        let left =
            if self.is_short() { &left[4..4 + self.view as u32 as usize] } else { self.long };
        let right =
            if other.is_short() { &right[4..4 + other.view as u32 as usize] } else { other.long };
        left.cmp(right)
    }
}

impl Default for TextIds<'_> {
    fn default() -> Self {
        Self { slots: vec![(0, NONE); 1024], texts: Vec::new() }
    }
}

impl<'a> TextIds<'a> {
    /// The texts, by number.
    pub(super) fn texts(&self) -> &[Text<'a>] {
        &self.texts
    }

    /// The number of a text, a new one if it has none.
    pub(super) fn insert(&mut self, text: Text<'a>) -> u32 {
        let hash = text.hash();
        let half = (hash >> 32) as u32;
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let (there, id) = self.slots[at];
            if id == NONE {
                break;
            }
            if there == half && self.texts[id as usize].same(&text) {
                return id;
            }
            at = (at + 1) & mask;
        }
        let id = self.texts.len() as u32;
        self.slots[at] = (half, id);
        self.texts.push(text);
        if self.texts.len() * 2 > self.slots.len() {
            self.grow();
        }
        id
    }

    fn grow(&mut self) {
        let n_slots = self.slots.len() * 4;
        self.slots = vec![(0, NONE); n_slots];
        let mask = n_slots - 1;
        for (id, text) in self.texts.iter().enumerate() {
            let hash = text.hash();
            let mut at = hash as usize & mask;
            while self.slots[at].1 != NONE {
                at = (at + 1) & mask;
            }
            self.slots[at] = ((hash >> 32) as u32, id as u32);
        }
    }
}
