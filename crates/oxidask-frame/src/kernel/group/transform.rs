//! Columns made of a group's rows, a value for each row: running totals, shifts, fills.
//!
//! Rows whose key is missing are in no group, and miss a value. Where the result can't miss values that is an
//! error: pandas changes the dtype to `float64` then, which no plan can know.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, UInt32Array, make_array,
};
use arrow_buffer::{ArrowNativeType, BooleanBufferBuilder, Buffer, NullBuffer};
use arrow_data::ArrayData;
use serde::{Deserialize, Serialize};

use super::agg::{Class, float_like, like};
use super::part::at_rows;
use super::rank::{self, Ranking};
use super::{DROPPED, Groups};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
use crate::kernel::column;
use crate::kernel::values::{Value, Values, with_values};

/// What is made of a group's rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Transform {
    /// The sum up to each row.
    CumSum,
    /// The product up to each row.
    CumProd,
    /// The least value up to each row.
    CumMin,
    /// The greatest value up to each row.
    CumMax,
    /// How many rows of the group are before it, or after it.
    CumCount {
        /// Whether those before it are counted.
        ascending: bool,
    },
    /// The value this many rows earlier; later if negative.
    Shift(i64),
    /// How much it differs from the value this many rows earlier.
    Diff(i64),
    /// By which share it differs from the value this many rows earlier.
    PctChange(i64),
    /// The last value that is there, at most this many rows earlier.
    FFill(Option<u64>),
    /// The next value that is there, at most this many rows later.
    BFill(Option<u64>),
    /// The place among the group's values, by size.
    Rank(Ranking),
}

impl Transform {
    /// pandas' name of the method.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CumSum => "cumsum",
            Self::CumProd => "cumprod",
            Self::CumMin => "cummin",
            Self::CumMax => "cummax",
            Self::CumCount { .. } => "cumcount",
            Self::Shift(_) => "shift",
            Self::Diff(_) => "diff",
            Self::PctChange(_) => "pct_change",
            Self::FFill(_) => "ffill",
            Self::BFill(_) => "bfill",
            Self::Rank(_) => "rank",
        }
    }
}

/// The dtype of a transform of a column. Sums of small integers are of 64 bits, as with [`super::agg_dtype`].
///
/// # Errors
/// [`FrameError::Type`] where pandas raises `TypeError`, [`FrameError::NoKernel`] where it must compute.
pub fn transform_dtype(transform: &Transform, dtype: &DType) -> Result<DType> {
    let class = Class::of(dtype);
    let is_number = class.is_number();
    let refused = || {
        let name = transform.name();
        Err(FrameError::Type(format!("dtype '{dtype}' does not support operation '{name}'")))
    };
    let object = || Err(FrameError::no_kernel(transform.name(), dtype));
    Ok(match transform {
        Transform::CumSum if class == Class::Timedelta => dtype.clone(),
        Transform::CumSum | Transform::CumProd => match class {
            Class::Float => dtype.clone(),
            Class::UInt => like(dtype, Number::U64),
            _ if is_number => like(dtype, Number::I64),
            _ => return refused(),
        },
        Transform::CumMin | Transform::CumMax if matches!(class, Class::Str) => return refused(),
        Transform::CumMin | Transform::CumMax if matches!(class, Class::Category { .. }) => {
            return refused();
        }
        Transform::CumMin | Transform::CumMax => dtype.clone(),
        Transform::CumCount { .. } => DType::I64,
        Transform::Shift(0) | Transform::FFill(_) | Transform::BFill(_) => dtype.clone(),
        Transform::Shift(_) => match dtype {
            DType::Bool => return object(),
            DType::Number(number) if !number.is_float() => DType::F64,
            other => other.clone(),
        },
        Transform::Diff(_) => match dtype {
            DType::Bool => return object(),
            DType::Number(Number::I8 | Number::I16) => DType::Number(Number::F32),
            DType::Number(number) if !number.is_float() => DType::F64,
            DType::Number(_) | DType::NullableNumber(_) | DType::Timedelta(_) => dtype.clone(),
            DType::Datetime(unit, _) => DType::Timedelta(*unit),
            _ => return refused(),
        },
        Transform::PctChange(_) => match dtype {
            DType::Bool | DType::NullableBool | DType::Timedelta(_) => return object(),
            _ if is_number => float_like(dtype),
            _ => return refused(),
        },
        Transform::Rank(_) => match dtype {
            DType::Category { ordered: true, .. } => return object(),
            DType::Category { .. } => return refused(),
            _ => like(dtype, Number::F64),
        },
    })
}

/// A value for each row, made of the rows of its group.
///
/// # Errors
/// As [`transform_dtype`], and [`FrameError::Value`] if a row is in no group and the result can't say so, or if
/// the column isn't as long as the groups' keys.
pub fn transform(
    transform: &Transform,
    column: &ArrayRef,
    dtype: &DType,
    groups: &Groups,
) -> Result<ArrayRef> {
    super::part::check_length(column, groups)?;
    let result = transform_dtype(transform, dtype)?;
    if !result.can_miss() && groups.has_dropped() && *transform != Transform::Shift(0) {
        return Err(FrameError::Value(format!(
            "{} of {result} can't miss values, and rows whose key is missing would: drop these rows, or group \
             with dropna=False",
            transform.name()
        )));
    }
    let values = || Values::of(column);
    let nulls = column.logical_nulls();
    let nulls = nulls.as_ref();
    match transform {
        Transform::CumSum | Transform::CumProd => {
            let is_sum = *transform == Transform::CumSum;
            with_values!(values()?, values => totals(&values, nulls, groups, is_sum, &result))
        }
        Transform::CumMin | Transform::CumMax => {
            let least = *transform == Transform::CumMin;
            with_values!(values()?, values => {
                let (best, valid) = scan(&values, nulls, groups, |best: &mut Option<_>, value| {
                    let keeps = best.is_some_and(|best| if least { best <= value } else { best >= value });
                    if !keeps {
                        *best = Some(value);
                    }
                    best.unwrap_or(value)
                });
                column_of(best, valid, &result)
            })
        }
        Transform::CumCount { ascending } => {
            Ok(Arc::new(Int64Array::from(places(groups, *ascending))))
        }
        // pandas doesn't look at the groups then.
        Transform::Shift(0) => Ok(column.clone()),
        Transform::Shift(periods) => {
            let wide = if *dtype == result { column.clone() } else { as_floats(column)? };
            at_rows(&wide, &shifted(groups, *periods))
        }
        Transform::Diff(periods) => differences(column, dtype, &result, &shifted(groups, *periods)),
        Transform::PctChange(periods) => {
            let rows = shifted(groups, *periods);
            let present = column::present(column);
            let is_there =
                |row: usize| present.as_ref().is_none_or(|present| present.is_valid(row));
            with_values!(values()?, values => {
                let change = rows.iter().enumerate().map(|(row, before)| {
                    let before = before? as usize;
                    let both = is_there(row) && is_there(before);
                    both.then(|| values[row].float() / values[before].float() - 1.0)
                });
                super::finish::numbers(change, &result)
            })
        }
        Transform::FFill(limit) => at_rows(column, &filled(column, groups, *limit, false)),
        Transform::BFill(limit) => at_rows(column, &filled(column, groups, *limit, true)),
        Transform::Rank(ranking) => rank::ranks(column, groups, ranking, &result),
    }
}

/// A state for each group that goes on from row to row, and its value at each row that has one.
fn scan<V: Value, S: Clone + Default, T: Copy + Default>(
    values: &[V],
    nulls: Option<&NullBuffer>,
    groups: &Groups,
    step: impl Fn(&mut S, V) -> T,
) -> (Vec<T>, NullBuffer) {
    let mut states = vec![S::default(); groups.n_groups()];
    let mut valid = BooleanBufferBuilder::new(values.len());
    let found = values.iter().enumerate().map(|(row, &value)| {
        let state = states.get_mut(groups.id(row) as usize);
        let is_there = !value.is_nan() && nulls.is_none_or(|nulls| nulls.is_valid(row));
        let result = state.filter(|_| is_there).map(|state| step(state, value));
        valid.append(result.is_some());
        result.unwrap_or_default()
    });
    let found = found.collect();
    (found, NullBuffer::new(valid.finish()))
}

fn totals<V: Value>(
    values: &[V],
    nulls: Option<&NullBuffer>,
    groups: &Groups,
    is_sum: bool,
    result: &DType,
) -> Result<ArrayRef> {
    if result.is_float() {
        let (found, valid) = scan(values, nulls, groups, |total: &mut Option<f64>, value| {
            let value = value.float();
            let sum =
                total.map_or(value, |total| if is_sum { total + value } else { total * value });
            *total.insert(sum)
        });
        let found = found.iter().enumerate().map(|(row, &v)| valid.is_valid(row).then_some(v));
        return super::finish::numbers(found, result);
    }
    let (found, valid) = scan(values, nulls, groups, |total: &mut Option<i64>, value| {
        let value = value.int();
        let sum = total.map_or(value, |total| match is_sum {
            true => total.wrapping_add(value),
            false => total.wrapping_mul(value),
        });
        *total.insert(sum)
    });
    column_of(found, valid, result)
}

/// Values of a column whose type has values of this width. Missing numbers are NaN where there are no nulls.
fn column_of<T: ArrowNativeType + Value>(
    values: Vec<T>,
    valid: NullBuffer,
    result: &DType,
) -> Result<ArrayRef> {
    let valid = Some(valid).filter(|valid| valid.null_count() > 0);
    if result.arrow() == arrow_schema::DataType::Boolean {
        let bits = values.iter().map(|&value| value.int() != 0).collect();
        return Ok(Arc::new(BooleanArray::new(bits, valid)));
    }
    let data = ArrayData::builder(result.arrow())
        .len(values.len())
        .add_buffer(Buffer::from_vec(values))
        .nulls(valid)
        .build()?;
    let array = make_array(data);
    Ok(if matches!(result, DType::Number(_)) { column::nulls_as_nan(array) } else { array })
}

fn as_floats(column: &ArrayRef) -> Result<ArrayRef> {
    with_values!(Values::of(column)?, values => {
        Ok(Arc::new(Float64Array::from_iter_values(values.iter().map(|value| value.float()))))
    })
}

/// How many rows of its group are before each row, or after it.
fn places(groups: &Groups, ascending: bool) -> Vec<i64> {
    let mut seen = vec![0; groups.n_groups()];
    let mut places = vec![0; groups.n_rows()];
    let mut place = |row: usize| {
        if let Some(seen) = seen.get_mut(groups.id(row) as usize) {
            places[row] = *seen;
            *seen += 1;
        }
    };
    if ascending {
        (0..groups.n_rows()).for_each(&mut place);
    } else {
        (0..groups.n_rows()).rev().for_each(&mut place);
    }
    places
}

/// The row of its group that is this many rows before each row; null where there is none.
fn shifted(groups: &Groups, periods: i64) -> UInt32Array {
    let mut from = vec![DROPPED; groups.n_rows()];
    let members = groups.members();
    let distance = periods.unsigned_abs() as usize;
    for rows in members.groups().filter(|rows| rows.len() > distance) {
        let (early, late) = (&rows[..rows.len() - distance], &rows[distance..]);
        let (sources, targets) = if periods >= 0 { (early, late) } else { (late, early) };
        for (&source, &target) in sources.iter().zip(targets) {
            from[target as usize] = source;
        }
    }
    super::part::rows_of(from)
}

fn differences(
    column: &ArrayRef,
    dtype: &DType,
    result: &DType,
    rows: &UInt32Array,
) -> Result<ArrayRef> {
    let present = column::present(column);
    let is_there = |row: usize| present.as_ref().is_none_or(|present| present.is_valid(row));
    let pairs = || {
        rows.iter().enumerate().map(|(row, before)| {
            let before = before? as usize;
            (is_there(row) && is_there(before)).then_some((row, before))
        })
    };
    if result.is_float() {
        return with_values!(Values::of(column)?, values => {
            let found = pairs().map(|pair| {
                pair.map(|(row, before)| values[row].float() - values[before].float())
            });
            super::finish::numbers(found, result)
        });
    }
    let valid = NullBuffer::new(pairs().map(|pair| pair.is_some()).collect());
    macro_rules! wrapped {
        ($values:expr) => {{
            let found = pairs().map(|pair| {
                pair.map_or(0, |(row, before)| $values[row].wrapping_sub($values[before]))
            });
            column_of(found.collect(), valid, result)
        }};
    }
    match Values::of(column)? {
        Values::I8(values) => wrapped!(values),
        Values::I16(values) => wrapped!(values),
        Values::I32(values) => wrapped!(values),
        Values::I64(values) => wrapped!(values),
        Values::U8(values) => wrapped!(values),
        Values::U16(values) => wrapped!(values),
        Values::U32(values) => wrapped!(values),
        Values::U64(values) => wrapped!(values),
        Values::F32(_) | Values::F64(_) => Err(FrameError::no_kernel("differences", dtype)),
    }
}

/// The row whose value each row gets: its own, or the nearest one before it (after it) that has a value.
fn filled(column: &ArrayRef, groups: &Groups, limit: Option<u64>, backward: bool) -> UInt32Array {
    let present = column::present(column);
    let mut last = vec![(DROPPED, 0_u64); groups.n_groups()];
    let mut from = vec![DROPPED; groups.n_rows()];
    let mut fill = |row: usize| {
        let Some((source, age)) = last.get_mut(groups.id(row) as usize) else { return };
        if present.as_ref().is_none_or(|present| present.is_valid(row)) {
            (*source, *age) = (row as u32, 0);
        } else {
            *age += 1;
        }
        if limit.is_none_or(|limit| *age <= limit) {
            from[row] = *source;
        }
    };
    if backward {
        (0..groups.n_rows()).rev().for_each(&mut fill);
    } else {
        (0..groups.n_rows()).for_each(&mut fill);
    }
    super::part::rows_of(from)
}
