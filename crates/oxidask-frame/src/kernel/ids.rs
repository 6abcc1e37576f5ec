//! Numbers for distinct texts: 0 for the first that appears, 1 for the next, and so on.

use arrow_array::StringViewArray;
use arrow_data::MAX_INLINE_VIEW_LEN;

use super::equal::NONE;
use super::hash::short_text;

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
