//! Numbers of groups by one key, and of pairs of such numbers.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use super::DROPPED;
use super::table::{IntTable, TextTable};
use crate::error::Result;
use crate::kernel::column;
use crate::kernel::values::Values;

/// The group of each row, and the first row of each group.
type Numbers = (Vec<u32>, Vec<u32>);

/// Up to this many slots a table by the key itself is always worth it.
const SMALL_TABLE: u64 = 1 << 16;

/// An integer as bits whose differences are those of the integers.
trait Bits: Copy + Ord {
    fn bits(self) -> u64;
}

macro_rules! bits {
    ($($number:ty),*) => {
        $(impl Bits for $number {
            #[inline]
            fn bits(self) -> u64 {
                self as u64
            }
        })*
    };
}
bits!(i8, i16, i32, i64, u8, u16, u32, u64);

/// Numbers the rows by one key.
pub(super) fn group_one(key: &ArrayRef, dropna: bool) -> Result<Numbers> {
    let present = column::present(key);
    let rows = Rows { n_rows: key.len(), present: present.as_ref(), dropna };
    match key.data_type() {
        DataType::Utf8View => Ok(rows.number(TextTable::new(key.as_string_view()))),
        DataType::Dictionary(..) => group_category(key, &rows),
        _ => Ok(match Values::of(key)? {
            Values::F64(values) => rows.hashed(|row| (values[row] + 0.0).to_bits()),
            Values::F32(values) => rows.hashed(|row| u64::from((values[row] + 0.0).to_bits())),
            Values::I8(values) => group_ints(&values, &rows),
            Values::I16(values) => group_ints(&values, &rows),
            Values::I32(values) => group_ints(&values, &rows),
            Values::I64(values) => group_ints(&values, &rows),
            Values::U8(values) => group_ints(&values, &rows),
            Values::U16(values) => group_ints(&values, &rows),
            Values::U32(values) => group_ints(&values, &rows),
            Values::U64(values) => group_ints(&values, &rows),
        }),
    }
}

/// Numbers the rows by two keys of which each has its numbers.
pub(super) fn combine(left: &Numbers, right: &Numbers) -> Numbers {
    let n_right = right.1.len() as u64;
    let pairs = left.1.len() as u64 * n_right;
    let n_rows = left.0.len();
    let is_dropped = |row: usize| left.0[row] == DROPPED || right.0[row] == DROPPED;
    let dropped = (0..n_rows)
        .any(is_dropped)
        .then(|| NullBuffer::new((0..n_rows).map(|row| !is_dropped(row)).collect()));
    let rows = Rows { n_rows, present: dropped.as_ref(), dropna: true };
    let pair = |row: usize| u64::from(left.0[row]) * n_right + u64::from(right.0[row]);
    if is_dense(pairs, n_rows) { rows.dense(pairs, pair) } else { rows.hashed(pair) }
}

/// Categories by their codes. Categories that repeat, as those of arrays put together may, are one group.
fn group_category(key: &ArrayRef, rows: &Rows<'_>) -> Result<Numbers> {
    let key = key.as_dictionary::<Int32Type>();
    let codes = key.keys().values();
    let (numbers, distinct) = group_one(key.values(), false)?;
    let n_codes = distinct.len() as u64;
    if n_codes as usize == numbers.len() {
        return Ok(rows.dense(n_codes, |row| codes[row] as u64));
    }
    Ok(rows.dense(n_codes, |row| u64::from(numbers[codes[row] as usize])))
}

fn group_ints<T: Bits>(values: &[T], rows: &Rows<'_>) -> Numbers {
    let widen = |(min, max): (T, T), value: T| (min.min(value), max.max(value));
    let range = match rows.present {
        None => values.first().map(|&first| values.iter().copied().fold((first, first), widen)),
        Some(present) => {
            let mut there = present.valid_indices().map(|row| values[row]);
            there.next().map(|first| there.fold((first, first), widen))
        }
    };
    let Some((min, max)) = range else {
        return rows.hashed(|_| 0);
    };
    let span = max.bits().wrapping_sub(min.bits());
    if span < u64::MAX && is_dense(span + 1, rows.n_rows) {
        rows.dense(span + 1, |row| values[row].bits().wrapping_sub(min.bits()))
    } else {
        rows.hashed(|row| values[row].bits())
    }
}

/// Whether a table by the keys themselves, of 4 bytes for each, is no larger than what a hash table might grow to.
fn is_dense(n_keys: u64, n_rows: usize) -> bool {
    n_keys <= SMALL_TABLE.max(n_rows as u64 * 8)
}

struct Rows<'a> {
    n_rows: usize,
    present: Option<&'a NullBuffer>,
    dropna: bool,
}

/// Numbers keys in the order of their appearance.
trait Numbering {
    /// Brings near what these rows will need.
    fn prepare(&mut self, _rows: Range<usize>) {}

    /// The number of a row's key, and whether it is new.
    fn number(&mut self, row: usize) -> (u32, bool);
}

/// A table with a slot for each key.
struct Dense<K> {
    numbers: Vec<u32>,
    n_groups: u32,
    key: K,
}

impl<K: Fn(usize) -> u64> Numbering for Dense<K> {
    #[inline]
    fn number(&mut self, row: usize) -> (u32, bool) {
        let number = &mut self.numbers[(self.key)(row) as usize];
        let is_new = *number == DROPPED;
        if is_new {
            *number = self.n_groups;
            self.n_groups += 1;
        }
        (*number, is_new)
    }
}

struct Hashed<K> {
    table: IntTable,
    key: K,
}

impl<K: Fn(usize) -> u64> Numbering for Hashed<K> {
    fn prepare(&mut self, rows: Range<usize>) {
        self.table.touch(rows.map(&self.key));
    }

    #[inline]
    fn number(&mut self, row: usize) -> (u32, bool) {
        self.table.number((self.key)(row))
    }
}

impl Numbering for TextTable<'_> {
    fn prepare(&mut self, rows: Range<usize>) {
        self.touch(rows);
    }

    #[inline]
    fn number(&mut self, row: usize) -> (u32, bool) {
        self.number(row)
    }
}

/// Rows that are prepared together.
const BLOCK: usize = 64;

impl Rows<'_> {
    /// Numbers keys below `n_keys` by a table with a slot for each.
    fn dense(&self, n_keys: u64, key: impl Fn(usize) -> u64) -> Numbers {
        self.number(Dense { numbers: vec![DROPPED; n_keys as usize], n_groups: 0, key })
    }

    fn hashed(&self, key: impl Fn(usize) -> u64) -> Numbers {
        self.number(Hashed { table: IntTable::new(), key })
    }

    fn number(&self, mut numbering: impl Numbering) -> Numbers {
        let mut ids = Vec::with_capacity(self.n_rows);
        let mut first_rows = Vec::new();
        for start in (0..self.n_rows).step_by(BLOCK) {
            let rows = start..(start + BLOCK).min(self.n_rows);
            numbering.prepare(rows.clone());
            ids.extend(rows.map(|row| {
                if self.present.is_some_and(|present| present.is_null(row)) {
                    return DROPPED;
                }
                let (id, is_new) = numbering.number(row);
                if is_new {
                    first_rows.push(row as u32);
                }
                id
            }));
        }
        if self.present.is_some() && !self.dropna {
            place_missing(&mut ids, &mut first_rows);
        }
        (ids, first_rows)
    }
}

/// Makes a group of the dropped rows, in its place by its first row.
fn place_missing(ids: &mut [u32], first_rows: &mut Vec<u32>) {
    let Some(first) = ids.iter().position(|&id| id == DROPPED) else { return };
    let place = first_rows.partition_point(|&row| (row as usize) < first);
    first_rows.insert(place, first as u32);
    let place = place as u32;
    for id in ids {
        if *id == DROPPED {
            *id = place;
        } else if *id >= place {
            *id += 1;
        }
    }
}
