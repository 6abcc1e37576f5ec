//! The order of rows by several keys, stable, with missing values first or last.
//!
//! Each key has codes of as few bits as its range needs, already turned round where it descends. The leading bits of
//! all keys share a word with the position of the row, and words are sorted by distribution; rows that are still
//! equal are sorted by the bits that did not fit. Text takes part by its rank where few texts recur, else by its
//! beginning and, among those that begin alike, by comparing.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, StringViewArray, UInt32Array};
use arrow_buffer::NullBuffer;

use super::code::{Class, Visit, class, visit};
use super::column::present;
use super::prefix;
use super::radix::{bits_below, sort_words};
use crate::error::{FrameError, Result};

/// Runs of so many rows are sorted by comparing.
const SHORT_RUN: usize = 64;

/// A column to sort by.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// The values.
    pub column: ArrayRef,
    /// Whether large values come first.
    pub descending: bool,
    /// Whether rows without a value come last, whichever way the others go.
    pub nulls_last: bool,
}

impl SortKey {
    /// From small to large, missing values last.
    #[must_use]
    pub fn ascending(column: ArrayRef) -> Self {
        Self { column, descending: false, nulls_last: true }
    }
}

/// The positions of rows in the order of these keys; rows with equal keys keep their order. Categories are in
/// the order of their numbers, as pandas has them.
///
/// # Errors
/// [`FrameError::NoKernel`] for columns that can't be sorted here, [`FrameError::Value`] if there is no key or
/// if lengths differ.
pub fn argsort(keys: &[SortKey]) -> Result<UInt32Array> {
    let order = Order::new(keys)?;
    Ok(UInt32Array::from(order.argsort()))
}

/// The order of rows that consist of runs in this order already, as tables have that were sorted and put one
/// behind the other: [`argsort`], but faster where rows must be compared.
///
/// # Errors
/// As [`argsort`].
pub fn merge_runs(keys: &[SortKey]) -> Result<UInt32Array> {
    let order = Order::new(keys)?;
    let is_compared = order.levels.iter().any(|level| level.text.is_some());
    Ok(UInt32Array::from(if is_compared { order.merge() } else { order.argsort() }))
}

/// The order of codes of which none is above `largest`.
pub(super) fn argsort_codes(codes: Vec<u64>, largest: u64) -> Vec<u32> {
    let n_rows = codes.len();
    let level = Level { codes, bits: bits_of(largest), text: None };
    Order { levels: vec![level], n_rows, first_present: None }.argsort()
}

/// What decides the order of rows, one after the other.
pub(super) struct Order<'a> {
    levels: Vec<Level<'a>>,
    n_rows: usize,
    /// The rows that have a value of the first key, if not all have.
    first_present: Option<NullBuffer>,
}

struct Level<'a> {
    /// For each row, in the order that is asked for.
    codes: Vec<u64>,
    bits: u32,
    /// What decides among rows of the same code.
    text: Option<TextKey<'a>>,
}

struct TextKey<'a> {
    column: &'a StringViewArray,
    descending: bool,
}

/// How far into the levels rows are known to be equal.
#[derive(Clone, Copy)]
struct Progress {
    level: usize,
    bits: u32,
}

fn bits_of(largest: u64) -> u32 {
    u64::BITS - largest.leading_zeros()
}

impl<'a> Order<'a> {
    pub(super) fn new(keys: &'a [SortKey]) -> Result<Self> {
        let Some(first) = keys.first() else {
            return Err(FrameError::Value("no keys to sort by".into()));
        };
        let n_rows = first.column.len();
        if keys.iter().any(|key| key.column.len() != n_rows) {
            return Err(FrameError::Value("keys to sort by are of different lengths".into()));
        }
        let mut levels = Vec::new();
        for key in keys {
            if class(key.column.data_type())? == Class::Text {
                text_levels(key, &mut levels);
            } else {
                let present = present_codes(&key.column);
                let collected = visit(&key.column, Collect)?;
                number_levels(collected, present.as_ref(), key, &mut levels);
            }
        }
        let first_present = present_codes(&first.column);
        Ok(Self { levels, n_rows, first_present })
    }

    /// Whether a row has a value of the first key.
    pub(super) fn is_present(&self, row: u32) -> bool {
        self.first_present.as_ref().is_none_or(|present| present.is_valid(row as usize))
    }

    /// How many rows there are.
    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The first `n` rows and all that may be equal to the last of them, in any order. There must be more
    /// than `n` rows, and `n` must not be 0.
    pub(super) fn candidates(&self, n: usize) -> Vec<u32> {
        let rows: Vec<u32> = (0..self.n_rows as u32).collect();
        let position_bits = bits_below(rows.len());
        let (words, ..) = self.words(&rows, Progress { level: 0, bits: 0 }, position_bits);
        let mut nth = words.clone();
        let (_, nth, _) = nth.select_nth_unstable(n - 1);
        let nth = *nth >> position_bits;
        rows.into_iter().filter(|&row| words[row as usize] >> position_bits <= nth).collect()
    }

    /// The order of rows that are runs in order already, one after the other.
    fn merge(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..self.n_rows as u32).collect();
        rows.sort_by(|&left, &right| self.compare(left, right));
        rows
    }

    /// How two rows compare.
    pub(super) fn compare(&self, left: u32, right: u32) -> Ordering {
        self.compare_from(0, left, right)
    }

    fn compare_from(&self, level: usize, left: u32, right: u32) -> Ordering {
        let (l, r) = (left as usize, right as usize);
        for level in &self.levels[level..] {
            let mut order = level.codes[l].cmp(&level.codes[r]);
            if let (Ordering::Equal, Some(text)) = (order, &level.text) {
                order = text.compare(l, r);
            }
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }

    pub(super) fn argsort(mut self) -> Vec<u32> {
        let position_bits = bits_below(self.n_rows);
        if let [level] = &mut self.levels[..]
            && level.text.is_none()
            && level.bits + position_bits <= u64::BITS
        {
            let mut words = std::mem::take(&mut level.codes);
            for (word, position) in words.iter_mut().zip(0..) {
                *word = *word << position_bits | position;
            }
            sort_words(&mut words, level.bits, position_bits);
            let mask = (1 << position_bits) - 1;
            return words.iter().map(|word| (word & mask) as u32).collect();
        }
        let mut rows: Vec<u32> = (0..self.n_rows as u32).collect();
        self.sort_run(&mut rows, Progress { level: 0, bits: 0 });
        rows
    }

    /// How many of these rows, which are in order, are not after `row`.
    pub(super) fn rank_among(&self, ordered: std::ops::Range<usize>, row: usize) -> usize {
        let Some(first) = self.levels.first() else { return ordered.len() };
        let (codes, start) = (&first.codes[ordered.clone()], ordered.start);
        let code = first.codes[row];
        let n_before = codes.partition_point(|&other| other < code);
        if codes.get(n_before) != Some(&code) {
            return n_before;
        }
        let n_alike = codes[n_before..].partition_point(|&other| other == code);
        if self.levels.len() == 1 && first.text.is_none() {
            return n_before + n_alike;
        }
        let (mut low, mut high) = (n_before, n_before + n_alike);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.compare((start + middle) as u32, row as u32).is_le() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Sorts rows that are equal so far, and in the order that equal rows keep.
    fn sort_run(&self, rows: &mut [u32], from: Progress) {
        let is_in_text = from.bits == u32::MAX;
        if rows.len() <= SHORT_RUN || is_in_text {
            rows.sort_by(|&a, &b| self.compare_from(from.level, a, b));
            return;
        }
        let position_bits = bits_below(rows.len());
        let (mut words, key_bits, next) = self.words(rows, from, position_bits);
        sort_words(&mut words, key_bits, position_bits);
        let mask = (1 << position_bits) - 1;
        if rows.len() == self.n_rows {
            let positions = words.iter().map(|word| (word & mask) as u32);
            rows.iter_mut().zip(positions).for_each(|(row, position)| *row = position);
        } else {
            let old = rows.to_vec();
            let sorted = words.iter().map(|word| old[(word & mask) as usize]);
            rows.iter_mut().zip(sorted).for_each(|(row, position)| *row = position);
        }
        if next.level == self.levels.len() {
            return;
        }
        let mut start = 0;
        for end in 1..=words.len() {
            let differs = words
                .get(end)
                .is_none_or(|word| word >> position_bits != words[start] >> position_bits);
            if differs {
                if end - start > 1 {
                    self.sort_run(&mut rows[start..end], next);
                }
                start = end;
            }
        }
    }

    /// The next bits of rows above their positions, how many bits these are, and what is left.
    fn words(&self, rows: &[u32], from: Progress, position_bits: u32) -> (Vec<u64>, u32, Progress) {
        let mut words = vec![0_u64; rows.len()];
        let room = u64::BITS - position_bits;
        let mut used = 0;
        let mut at = from;
        let is_all = rows.len() == self.n_rows && from.level == 0 && from.bits == 0;
        while let Some(level) = self.levels.get(at.level)
            && used < room
        {
            let left = level.bits - at.bits;
            let taken = left.min(room - used);
            let drop = left - taken;
            let mask = if taken == 64 { u64::MAX } else { (1 << taken) - 1 };
            let append = |word: &mut u64, code: u64| {
                *word = word.unbounded_shl(taken) | (code.unbounded_shr(drop) & mask);
            };
            if is_all {
                words.iter_mut().zip(&level.codes).for_each(|(word, code)| append(word, *code));
            } else {
                let codes = rows.iter().map(|row| level.codes[*row as usize]);
                words.iter_mut().zip(codes).for_each(|(word, code)| append(word, code));
            }
            used += taken;
            if drop > 0 {
                at.bits += taken;
            } else if level.text.is_some() {
                at.bits = u32::MAX;
                break;
            } else {
                at = Progress { level: at.level + 1, bits: 0 };
            }
        }
        for (word, position) in words.iter_mut().zip(0..) {
            *word = word.unbounded_shl(position_bits) | position;
        }
        (words, used, at)
    }
}

impl TextKey<'_> {
    fn compare(&self, left: usize, right: usize) -> Ordering {
        if self.column.is_null(left) || self.column.is_null(right) {
            return Ordering::Equal;
        }
        let order = self.column.value(left).cmp(self.column.value(right));
        if self.descending { order.reverse() } else { order }
    }
}

/// The rows whose codes mean something.
pub(super) fn present_codes(column: &ArrayRef) -> Option<NullBuffer> {
    match column.as_dictionary_opt::<Int32Type>() {
        Some(dictionary) => dictionary.keys().nulls().filter(|n| n.null_count() > 0).cloned(),
        None => present(column),
    }
}

/// Copies codes.
pub(super) struct Collect;

impl Visit for Collect {
    type Out = Vec<u64>;

    fn visit<T: Copy>(self, values: &[T], code: impl Fn(T) -> u64 + Copy) -> Vec<u64> {
        values.iter().map(|&value| code(value)).collect()
    }
}

/// Appends levels for codes that sort as their values, of as few bits as will do.
fn number_levels(
    mut codes: Vec<u64>,
    present: Option<&NullBuffer>,
    key: &SortKey,
    levels: &mut Vec<Level<'_>>,
) {
    let (mut low, mut high, mut differing) = (u64::MAX, 0, 0);
    let mut first = None;
    let mut see = |code: u64| {
        low = low.min(code);
        high = high.max(code);
        differing |= code ^ *first.get_or_insert(code);
    };
    match present {
        None => codes.iter().for_each(|&code| see(code)),
        Some(present) => present.valid_indices().for_each(|row| see(codes[row])),
    }
    if first.is_none() {
        return;
    }
    let zeros = if differing == 0 { 0 } else { differing.trailing_zeros() };
    let range = (high - low) >> zeros;
    let turned = key.descending;
    for code in &mut codes {
        let above = code.wrapping_sub(low) >> zeros;
        *code = if turned { range.wrapping_sub(above) } else { above };
    }
    let Some(present) = present else {
        levels.push(Level { codes, bits: bits_of(range), text: None });
        return;
    };
    let nulls_last = key.nulls_last;
    if range == u64::MAX {
        let missing = present.iter().map(|here| u64::from(here != nulls_last)).collect();
        levels.push(Level { codes: missing, bits: 1, text: None });
        present.iter().zip(&mut codes).filter(|(here, _)| !here).for_each(|(_, code)| *code = 0);
        levels.push(Level { codes, bits: 64, text: None });
        return;
    }
    for (code, here) in codes.iter_mut().zip(present.iter()) {
        *code = match (here, nulls_last) {
            (true, true) => *code,
            (true, false) => *code + 1,
            (false, true) => range + 1,
            (false, false) => 0,
        };
    }
    levels.push(Level { codes, bits: bits_of(range + 1), text: None });
}

/// Appends levels for text: ranks if texts recur, else their beginning.
fn text_levels<'a>(key: &'a SortKey, levels: &mut Vec<Level<'a>>) {
    let column = key.column.as_string_view();
    let present = column.nulls().filter(|nulls| nulls.null_count() > 0);
    if let Some(ranks) = prefix::ranks(column) {
        number_levels(ranks, present, key, levels);
        return;
    }
    let (codes, is_exact) = prefix::codes(column);
    let n_levels = levels.len();
    number_levels(codes, present, key, levels);
    if let Some(level) = levels[n_levels..].last_mut()
        && !is_exact
    {
        level.text = Some(TextKey { column, descending: key.descending });
    }
}
