//! Rows of several columns as one unsigned number each, exactly: rows are equal where their numbers are.
//!
//! Each column has codes of as few bits as its range needs, and codes of several columns lie side by side in a word.
//! Where the word is too short, what is in it is numbered by first appearance (or by rank) first.
//! Missing values are equal to one another. Several tables packed together agree, for joins and look-ups.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use super::code::{Class, SIGN, Visit, class, visit};
use super::column::present;
use super::equal::first_rows;
use super::ids::{Text, TextIds};
use super::sort;
use crate::error::{FrameError, Result};

/// Integers up to here are whole in floating point.
const EXACT_IN_FLOAT: u64 = 1 << 53;

/// What the numbers of rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To find equal rows.
    Equality,
    /// To order them, too: by the first column, then the next; missing values last, but first among categories
    /// and times, as pandas' merges have them.
    Order,
}

/// Tables as one number for each row.
pub(super) struct Packed {
    /// For each table, the number of each row.
    pub(super) tables: Vec<Vec<u64>>,
    /// No number is larger.
    pub(super) largest: u64,
}

/// Packs the rows of tables that have columns of like types.
///
/// # Errors
/// [`FrameError::NoKernel`] for types that can't be packed, or not with one another.
pub(super) fn pack(tables: &[&[ArrayRef]], purpose: Purpose) -> Result<Packed> {
    let n_columns = tables.first().map_or(0, |table| table.len());
    if n_columns == 0 || tables.iter().any(|table| table.len() != n_columns) {
        return Err(FrameError::Value("tables to compare need the same keys, one at least".into()));
    }
    let mut all: Option<Packed> = None;
    for at in 0..n_columns {
        let columns: Vec<ArrayRef> = tables.iter().map(|table| table[at].clone()).collect();
        let packed = pack_column(&columns, purpose)?;
        all = Some(match all {
            None => packed,
            Some(all) => side_by_side(all, packed, purpose),
        });
    }
    all.ok_or_else(|| FrameError::Value("no keys".into()))
}

fn side_by_side(mut left: Packed, mut right: Packed, purpose: Purpose) -> Packed {
    let n_values = |packed: &Packed| u128::from(packed.largest) + 1;
    if n_values(&left) * n_values(&right) > 1 << 64 {
        left = numbered(left, purpose);
    }
    if n_values(&left) * n_values(&right) > 1 << 64 {
        right = numbered(right, purpose);
    }
    let factor = right.largest + 1;
    for (left, right) in left.tables.iter_mut().zip(&right.tables) {
        for (left, right) in left.iter_mut().zip(right) {
            *left = *left * factor + right;
        }
    }
    left.largest = left.largest * factor + right.largest;
    left
}

/// The same with numbers below that of rows.
fn numbered(packed: Packed, purpose: Purpose) -> Packed {
    let lens: Vec<usize> = packed.tables.iter().map(Vec::len).collect();
    let codes = packed.tables.concat();
    let mut numbers = first_rows(&codes, packed.largest);
    if purpose == Purpose::Order {
        let distinct: Vec<u32> =
            (0..).zip(&numbers).filter(|(row, first)| row == *first).map(|(row, _)| row).collect();
        let of_distinct: Vec<u64> = distinct.iter().map(|&row| codes[row as usize]).collect();
        let mut ranks = vec![0; codes.len()];
        for (rank, at) in (0..).zip(sort::argsort_codes(of_distinct, packed.largest)) {
            ranks[distinct[at as usize] as usize] = rank;
        }
        numbers.iter_mut().for_each(|number| *number = ranks[*number as usize]);
    }
    let largest = numbers.iter().copied().max().map_or(0, u64::from);
    let mut numbers = numbers.into_iter().map(u64::from);
    let tables = lens.into_iter().map(|len| numbers.by_ref().take(len).collect()).collect();
    Packed { tables, largest }
}

/// The inverse of an order.
fn ranks(order: Vec<u32>) -> Vec<u32> {
    let mut ranks = vec![0; order.len()];
    for (rank, at) in (0..).zip(order) {
        ranks[at as usize] = rank;
    }
    ranks
}

fn pack_column(columns: &[ArrayRef], purpose: Purpose) -> Result<Packed> {
    let classes = columns.iter().map(|column| class(column.data_type()));
    let classes = classes.collect::<Result<Vec<_>>>()?;
    if classes.contains(&Class::Category) {
        return pack_categories(columns, purpose);
    }
    if classes.iter().all(|class| *class == Class::Text) {
        return Ok(pack_text(columns, purpose));
    }
    let columns = same_class(columns, &classes)?;
    let present: Vec<Option<NullBuffer>> = columns.iter().map(|c| present(c)).collect();
    let mut range: Option<(u64, u64)> = None;
    for (column, present) in columns.iter().zip(&present) {
        if let Some((low, high)) = visit(column, Range { present: present.as_ref() })? {
            let (lowest, highest) = range.unwrap_or((low, high));
            range = Some((low.min(lowest), high.max(highest)));
        }
    }
    let (low, high) = range.unwrap_or((0, 0));
    let any_missing = present.iter().any(Option::is_some);
    if any_missing && high - low == u64::MAX {
        return Err(FrameError::NoKernel("keys of all of 64 bits with missing values".into()));
    }
    let missing = (high - low).wrapping_add(1);
    let mut tables = Vec::with_capacity(columns.len());
    for (column, present) in columns.iter().zip(&present) {
        tables.push(visit(column, Above { low, present: present.as_ref(), missing })?);
    }
    if !any_missing {
        return Ok(Packed { tables, largest: high - low });
    }
    let mut packed = Packed { tables, largest: missing };
    if purpose == Purpose::Order && matches!(classes[0], Class::Time(_) | Class::Duration(_)) {
        packed.put_missing_first();
    }
    Ok(packed)
}

impl Packed {
    /// Turns the largest number, which is that of missing values, into the smallest.
    fn put_missing_first(&mut self) {
        let missing = self.largest;
        let first = |code: &mut u64| *code = if *code == missing { 0 } else { *code + 1 };
        self.tables.iter_mut().flatten().for_each(first);
    }
}

/// Columns of one class, where integers meet floating point numbers or times meet those of another unit.
fn same_class(columns: &[ArrayRef], classes: &[Class]) -> Result<Vec<ArrayRef>> {
    let refused = || {
        let types: Vec<String> = columns.iter().map(|c| c.data_type().to_string()).collect();
        FrameError::NoKernel(format!("keys of {}", types.join(" and ")))
    };
    let has_zone =
        |column: &ArrayRef| matches!(column.data_type(), DataType::Timestamp(_, Some(_)));
    if columns.iter().any(|column| has_zone(column) != has_zone(&columns[0])) {
        return Err(refused());
    }
    if classes.iter().all(|class| *class == classes[0]) {
        return Ok(columns.to_vec());
    }
    let is_number = |class: &Class| matches!(class, Class::Int | Class::UInt | Class::Float);
    let all_times = classes.iter().all(|class| matches!(class, Class::Time(_)));
    let all_durations = classes.iter().all(|class| matches!(class, Class::Duration(_)));
    let per_second = classes.iter().map(|class| match class {
        Class::Time(unit) | Class::Duration(unit) => unit.per_second(),
        _ => 1,
    });
    let finest = per_second.clone().max().unwrap_or(1);
    let convert = |(column, (class, per_second)): (&ArrayRef, (&Class, i64))| match class {
        _ if all_times || all_durations => {
            Integers { zero: SIGN, factor: finest / per_second }.convert(column)
        }
        Class::Float => Some(column.clone()),
        _ => {
            let zero = if *class == Class::UInt { 0 } else { SIGN };
            let integers = Integers { zero, factor: 1 }.convert(column)?;
            if classes.contains(&Class::Float) { whole_floats(&integers) } else { Some(integers) }
        }
    };
    if !(all_times || all_durations || classes.iter().all(is_number)) {
        return Err(refused());
    }
    let converted = columns.iter().zip(classes.iter().zip(per_second)).map(convert);
    converted.collect::<Option<_>>().ok_or_else(refused)
}

/// Converts to integers with a sign, times a factor.
struct Integers {
    /// The code of 0.
    zero: u64,
    factor: i64,
}

impl Integers {
    /// None if a value is too large.
    fn convert(self, column: &ArrayRef) -> Option<ArrayRef> {
        let present = present(column);
        let values = visit(column, (self, present.as_ref())).ok()??;
        Some(Arc::new(Int64Array::new(values.into(), present)))
    }
}

impl Visit for (Integers, Option<&NullBuffer>) {
    type Out = Option<Vec<i64>>;

    fn visit<T: Copy>(self, values: &[T], code: impl Fn(T) -> u64 + Copy) -> Option<Vec<i64>> {
        let (Integers { zero, factor }, present) = self;
        let integer = |(row, &value): (usize, &T)| {
            if present.is_some_and(|present| present.is_null(row)) {
                return Some(0);
            }
            // Numbers without a sign have no code below that of 0.
            let above = code(value).wrapping_sub(zero) as i64;
            (zero == SIGN || above >= 0).then_some(above)?.checked_mul(factor)
        };
        values.iter().enumerate().map(integer).collect()
    }
}

/// Integers as floating point numbers, if none of them is rounded.
fn whole_floats(integers: &ArrayRef) -> Option<ArrayRef> {
    let integers = integers.as_primitive::<Int64Type>();
    let is_whole = |value: &i64| value.unsigned_abs() <= EXACT_IN_FLOAT;
    integers.values().iter().all(is_whole).then(|| {
        let values: Vec<f64> = integers.values().iter().map(|&value| value as f64).collect();
        Arc::new(Float64Array::new(values.into(), integers.nulls().cloned())) as ArrayRef
    })
}

/// Categories are packed by their values, among which others may be without a category. In order they are as
/// their categories are, if all columns have the same.
fn pack_categories(columns: &[ArrayRef], purpose: Purpose) -> Result<Packed> {
    let dictionary = |column: &ArrayRef| column.as_dictionary_opt::<Int32Type>().cloned();
    let dictionaries: Option<Vec<_>> = columns.iter().map(dictionary).collect();
    if let Some(dictionaries) = &dictionaries {
        let first = dictionaries[0].values();
        if dictionaries.iter().all(|other| other.values() == first) {
            let keys: Vec<ArrayRef> =
                dictionaries.iter().map(|d| Arc::new(d.keys().clone()) as _).collect();
            let mut packed = pack_column(&keys, purpose)?;
            let any_missing = keys.iter().any(|keys| keys.null_count() > 0);
            if any_missing && purpose == Purpose::Order {
                packed.put_missing_first();
            }
            return Ok(packed);
        }
    }
    let bases: Vec<ArrayRef> = columns
        .iter()
        .map(|column| dictionary(column).map_or_else(|| column.clone(), |d| with_null(d.values())))
        .collect();
    let mut packed = pack_column(&bases, purpose)?;
    for (codes, column) in packed.tables.iter_mut().zip(columns) {
        if let Some(dictionary) = dictionary(column) {
            let null = dictionary.values().len();
            let keys = dictionary.keys().iter();
            *codes = keys.map(|key| codes[key.map_or(null, |key| key as usize)]).collect();
        }
    }
    Ok(packed)
}

/// The categories, and a null behind them.
fn with_null(values: &ArrayRef) -> ArrayRef {
    let positions = (0..values.len() as u32).map(Some).chain([None]);
    let positions: UInt32Array = positions.collect();
    super::column::take(values, &positions)
        .unwrap_or_else(|_| arrow_array::new_null_array(&DataType::Null, values.len() + 1))
}

fn pack_text(columns: &[ArrayRef], purpose: Purpose) -> Packed {
    let mut ids = TextIds::default();
    let missing = u64::MAX;
    let mut tables: Vec<Vec<u64>> = columns
        .iter()
        .map(|column| {
            let column = column.as_string_view();
            let id = |row| {
                if column.is_null(row) {
                    return missing;
                }
                u64::from(ids.insert(Text::of(column, row)))
            };
            (0..column.len()).map(id).collect()
        })
        .collect();
    let texts = ids.texts();
    let n_texts = texts.len() as u64;
    if purpose == Purpose::Order {
        let mut order: Vec<u32> = (0..texts.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| texts[a as usize].compare(&texts[b as usize]));
        let ranks = ranks(order);
        for id in tables.iter_mut().flatten().filter(|id| **id != missing) {
            *id = u64::from(ranks[*id as usize]);
        }
    }
    tables.iter_mut().flatten().filter(|id| **id == missing).for_each(|id| *id = n_texts);
    Packed { tables, largest: n_texts }
}

/// The smallest and the largest code of present values.
struct Range<'a> {
    present: Option<&'a NullBuffer>,
}

impl Visit for Range<'_> {
    type Out = Option<(u64, u64)>;

    fn visit<T: Copy>(self, values: &[T], code: impl Fn(T) -> u64 + Copy) -> Self::Out {
        let widen = |(low, high): (u64, u64), code: u64| (low.min(code), high.max(code));
        let none = (u64::MAX, 0);
        let (low, high) = match self.present {
            None => values.iter().map(|&value| code(value)).fold(none, widen),
            Some(present) => present.valid_indices().map(|row| code(values[row])).fold(none, widen),
        };
        (low <= high).then_some((low, high))
    }
}

/// Codes counted from the lowest.
struct Above<'a> {
    low: u64,
    present: Option<&'a NullBuffer>,
    missing: u64,
}

impl Visit for Above<'_> {
    type Out = Vec<u64>;

    fn visit<T: Copy>(self, values: &[T], code: impl Fn(T) -> u64 + Copy) -> Vec<u64> {
        let Self { low, present, missing } = self;
        let above = |&value: &T| code(value).wrapping_sub(low);
        match present {
            None => values.iter().map(above).collect(),
            Some(present) => values
                .iter()
                .zip(present.iter())
                .map(|(value, here)| if here { above(value) } else { missing })
                .collect(),
        }
    }
}
