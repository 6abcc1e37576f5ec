//! Rows of several columns as one unsigned number each, exactly: rows are equal where their numbers are.
//!
//! Each column has codes of as few bits as its range needs, and codes of several columns lie side by side in a word.
//! Where the word is too short, what is in it is numbered by first appearance (or by rank) first.
//! Missing values are equal to one another. Several tables packed together agree, for joins and look-ups.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, Float64Array, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use super::code::{Class, SIGN, Visit, class, visit};
use super::column::present;
use super::ids::{CodeIds, Text, TextIds};
use super::sort;
use crate::error::{FrameError, Result};

/// Integers up to here are whole in floating point.
const EXACT_IN_FLOAT: u64 = 1 << 53;

/// What the numbers of rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To find equal rows.
    Equality,
    /// To order them, too: by the first column, then the next; missing values last, but first among categories.
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

/// The same with numbers that follow on one another.
pub(super) fn numbered(packed: Packed, purpose: Purpose) -> Packed {
    let n_rows = packed.tables.iter().map(Vec::len).sum();
    let mut ids = CodeIds::new(packed.largest, n_rows);
    let mut distinct = Vec::new();
    let mut tables: Vec<Vec<u64>> = Vec::with_capacity(packed.tables.len());
    for codes in &packed.tables {
        let ids = ids.insert(codes, |row| distinct.push(codes[row as usize]));
        tables.push(ids.into_iter().map(u64::from).collect());
    }
    if purpose == Purpose::Order {
        let ranks = ranks(sort::argsort_codes(&distinct, packed.largest));
        for id in tables.iter_mut().flatten() {
            *id = u64::from(ranks[*id as usize]);
        }
    }
    Packed { tables, largest: (distinct.len() as u64).saturating_sub(1) }
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
    Ok(Packed { tables, largest: if any_missing { missing } else { high - low } })
}

/// Columns of one class, where integers and floating point numbers meet.
fn same_class(columns: &[ArrayRef], classes: &[Class]) -> Result<Vec<ArrayRef>> {
    let refused = || {
        let types: Vec<String> = columns.iter().map(|c| c.data_type().to_string()).collect();
        FrameError::NoKernel(format!("keys of {}", types.join(" and ")))
    };
    if classes.iter().all(|class| *class == classes[0]) {
        return Ok(columns.to_vec());
    }
    if !classes.iter().all(|class| matches!(class, Class::Int | Class::Float)) {
        return Err(refused());
    }
    columns
        .iter()
        .zip(classes)
        .map(|(column, class)| match class {
            Class::Int => whole_floats(column).ok_or_else(refused),
            _ => Ok(column.clone()),
        })
        .collect()
}

/// Integers as floating point numbers, if none of them is rounded.
fn whole_floats(column: &ArrayRef) -> Option<ArrayRef> {
    struct Convert;
    impl Visit for Convert {
        type Out = Option<Vec<f64>>;

        fn visit<T: Copy>(self, values: &[T], code: impl Fn(T) -> u64 + Copy) -> Option<Vec<f64>> {
            let number = |&value: &T| {
                let number = (code(value) ^ SIGN) as i64;
                (number.unsigned_abs() <= EXACT_IN_FLOAT).then_some(number as f64)
            };
            values.iter().map(number).collect()
        }
    }
    let values = visit(column, Convert).ok()??;
    Some(Arc::new(Float64Array::new(values.into(), column.nulls().cloned())))
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
                let missing = packed.largest;
                let first = |code: &mut u64| *code = if *code == missing { 0 } else { *code + 1 };
                packed.tables.iter_mut().flatten().for_each(first);
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
