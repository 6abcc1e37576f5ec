//! Numbers of groups by one key, and of pairs of such numbers.

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
        DataType::Utf8View => {
            let mut table = TextTable::new(key.as_string_view());
            Ok(rows.number(|row| table.number(row)))
        }
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

/// Whether a table by the keys themselves is smaller than what a hash table might grow to.
fn is_dense(n_keys: u64, n_rows: usize) -> bool {
    n_keys <= SMALL_TABLE.max(n_rows as u64 * 2)
}

struct Rows<'a> {
    n_rows: usize,
    present: Option<&'a NullBuffer>,
    dropna: bool,
}

impl Rows<'_> {
    /// Numbers keys below `n_keys` by a table with a slot for each.
    fn dense(&self, n_keys: u64, key: impl Fn(usize) -> u64) -> Numbers {
        let mut table = vec![DROPPED; n_keys as usize];
        let mut n_groups = 0;
        self.number(|row| {
            let number = &mut table[key(row) as usize];
            let is_new = *number == DROPPED;
            if is_new {
                *number = n_groups;
                n_groups += 1;
            }
            (*number, is_new)
        })
    }

    fn hashed(&self, key: impl Fn(usize) -> u64) -> Numbers {
        let mut table = IntTable::new();
        self.number(|row| table.number(key(row)))
    }

    /// Numbers the rows by a function that numbers keys in the order of their appearance. Missing keys get
    /// the last number at first, and its place in the order at the end.
    fn number(&self, mut number: impl FnMut(usize) -> (u32, bool)) -> Numbers {
        let mut ids = Vec::with_capacity(self.n_rows);
        let mut first_rows = Vec::new();
        let Some(present) = self.present else {
            ids.extend((0..self.n_rows).map(|row| {
                let (id, is_new) = number(row);
                if is_new {
                    first_rows.push(row as u32);
                }
                id
            }));
            return (ids, first_rows);
        };
        for row in 0..self.n_rows {
            if present.is_null(row) {
                ids.push(DROPPED);
                continue;
            }
            let (id, is_new) = number(row);
            if is_new {
                first_rows.push(row as u32);
            }
            ids.push(id);
        }
        if !self.dropna {
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
