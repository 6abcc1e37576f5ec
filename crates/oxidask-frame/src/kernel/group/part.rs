//! Parts of states: what is kept of a group's rows so that the rows of other partitions can be added.
//!
//! | part | arrays |
//! |---|---|
//! | sum, product | one, of 64-bit numbers |
//! | count, rows, missing | one, of `int64` |
//! | halves | one, of `int64`: sums of the upper or lower 32 bits, so that means of times are exact |
//! | least, greatest, first, last | one, of the column's type, with nulls (or NaN) where no value is there |
//! | any, all | one, of truth values |
//! | moments | count, mean, and sums of powers of differences from it (Chan, Golub and LeVeque; Pébay) |

use std::cell::OnceCell;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, UInt32Array, UInt64Array,
};
use arrow_buffer::NullBuffer;

use super::agg::{Agg, Class, parts};
use super::fold::{count, fold, fold_rows};
use super::several::Aggs;
use super::{Groups, extremes, moments};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
use crate::kernel::column;
use crate::kernel::values::{Value, Values, with_values};

/// The wide numbers that sums are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wide {
    Int,
    UInt,
    Float,
}

/// A part of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Rows,
    Count,
    Missing,
    Sum(Wide),
    Prod(Wide),
    UpperHalves,
    LowerHalves,
    Min,
    Max,
    First,
    Last,
    Any,
    All,
    /// Powers up to this one, which is 2, 3 or 4.
    Moments(u8),
}

/// The dtypes of the arrays that hold the states of an aggregate.
///
/// # Errors
/// As [`super::agg_dtype`], and [`FrameError::NoKernel`] if [`Agg::needs_whole_groups`].
pub fn state_dtypes(agg: &Agg, dtype: &DType) -> Result<Vec<DType>> {
    Ok(parts(agg, dtype)?.iter().flat_map(|part| part.dtypes(dtype)).collect())
}

/// The states of each group of rows of a column.
///
/// # Errors
/// As [`state_dtypes`], and [`FrameError::Value`] if the column isn't as long as the groups' keys.
pub fn partial(
    agg: &Agg,
    column: &ArrayRef,
    dtype: &DType,
    groups: &Groups,
) -> Result<Vec<ArrayRef>> {
    Aggs::new(std::slice::from_ref(agg), dtype)?.partial(column, groups)
}

/// One state for each group of states, in the order of the rows that they are of.
///
/// # Errors
/// As [`partial`], and [`FrameError::Value`] if these are no states of the aggregate.
pub fn merge(
    agg: &Agg,
    dtype: &DType,
    states: &[ArrayRef],
    groups: &Groups,
) -> Result<Vec<ArrayRef>> {
    Aggs::new(std::slice::from_ref(agg), dtype)?.merge(states, groups)
}

/// Refuses arrays that are no states of the aggregates of these names.
pub(super) fn check_arrays<'a>(
    dtypes: &[DType],
    states: &'a [ArrayRef],
    names: impl FnOnce() -> String,
    dtype: &DType,
) -> Result<&'a [ArrayRef]> {
    let fits = |(state, dtype): (&ArrayRef, &DType)| state.data_type() == &dtype.arrow();
    if dtypes.len() == states.len() && states.iter().zip(dtypes).all(fits) {
        return Ok(states);
    }
    let found: Vec<_> = states.iter().map(|state| state.data_type().to_string()).collect();
    Err(FrameError::Value(format!(
        "[{}] are no states of {} of {dtype}",
        found.join(", "),
        names()
    )))
}

/// Refuses columns of another length than the keys.
pub(super) fn check_length(column: &ArrayRef, groups: &Groups) -> Result<()> {
    if column.len() == groups.n_rows() {
        return Ok(());
    }
    Err(FrameError::Value(format!(
        "a column of {} rows can't be grouped by keys of {}",
        column.len(),
        groups.n_rows()
    )))
}

impl Part {
    pub(super) fn width(self) -> usize {
        match self {
            Self::Moments(order) => usize::from(order) + 1,
            _ => 1,
        }
    }

    pub(super) fn dtypes(self, dtype: &DType) -> Vec<DType> {
        let one = match self {
            Self::Sum(wide) | Self::Prod(wide) => match wide {
                Wide::Int => DType::I64,
                Wide::UInt => DType::Number(Number::U64),
                Wide::Float => DType::F64,
            },
            Self::Min | Self::Max | Self::First | Self::Last => match dtype {
                DType::Bool => DType::NullableBool,
                DType::Number(number) if !number.is_float() => DType::NullableNumber(*number),
                other => other.clone(),
            },
            Self::Any | Self::All => DType::Bool,
            Self::Moments(order) => {
                let sums = (1..=order).map(|_| DType::F64);
                return std::iter::once(DType::I64).chain(sums).collect();
            }
            _ => DType::I64,
        };
        vec![one]
    }

    pub(super) fn partial(
        self,
        input: &Input<'_>,
        groups: &Groups,
        states: &mut Vec<ArrayRef>,
    ) -> Result<()> {
        let ints = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let Input { column, dtype, nulls, .. } = input;
        let nulls = nulls.as_ref();
        states.push(match self {
            Self::Rows => ints(count(groups, None)),
            Self::Count => ints(input.count(groups)?),
            Self::Missing => {
                let (rows, values) = (count(groups, None), input.count(groups)?);
                ints(rows.iter().zip(values).map(|(rows, values)| rows - values).collect())
            }
            Self::Sum(wide) => sums(&Values::of(column)?, wide, nulls, groups),
            Self::Prod(wide) => products(&Values::of(column)?, wide, nulls, groups),
            Self::UpperHalves | Self::LowerHalves => {
                let Values::I64(values) = Values::of(column)? else {
                    return Err(FrameError::no_kernel("exact means", dtype));
                };
                let upper = self == Self::UpperHalves;
                let half = |value: i64| if upper { value >> 32 } else { value & 0xFFFF_FFFF };
                let add = |sum: &mut i64, value: i64| *sum += half(value);
                ints(fold(groups, &values, nulls, 0, add, |sum, other| *sum += other))
            }
            Self::Min => extremes::least(column, nulls, groups)?,
            Self::Max => extremes::greatest(column, nulls, groups)?,
            Self::First => at_rows(column, &first_rows(groups, input.present()))?,
            Self::Last => at_rows(column, &last_rows(groups, input.present()))?,
            Self::Any | Self::All => {
                let truths = truths(column, dtype)?;
                Arc::new(quantified(&truths, input.present(), groups, self == Self::All))
            }
            Self::Moments(order) => {
                let counts = input.count(groups)?;
                let values = Values::of(column)?;
                states.extend(moments::partial(&values, counts, order, nulls, groups));
                return Ok(());
            }
        });
        Ok(())
    }

    pub(super) fn merge(
        self,
        states: &[ArrayRef],
        groups: &Groups,
        merged: &mut Vec<ArrayRef>,
    ) -> Result<()> {
        let state = &states[0];
        let nulls = state.nulls();
        merged.push(match self {
            // NaN of a sum or product is no missing value: it came of infinities, and stays.
            Self::Sum(Wide::Float) => {
                let all = floats(state);
                let sums = fold_rows(groups, None, 0.0, |sum, row| *sum += all[row]);
                Arc::new(Float64Array::from(sums))
            }
            Self::Prod(Wide::Float) => {
                let all = floats(state);
                let products = fold_rows(groups, None, 1.0, |product, row| *product *= all[row]);
                Arc::new(Float64Array::from(products))
            }
            Self::Sum(wide) => sums(&Values::of(state)?, wide, None, groups),
            Self::Prod(wide) => products(&Values::of(state)?, wide, None, groups),
            Self::Min => extremes::least(state, nulls, groups)?,
            Self::Max => extremes::greatest(state, nulls, groups)?,
            Self::First | Self::Last => {
                let present = column::present(state);
                let rows = match self {
                    Self::First => first_rows(groups, present.as_ref()),
                    _ => last_rows(groups, present.as_ref()),
                };
                at_rows(state, &rows)?
            }
            Self::Any | Self::All => {
                Arc::new(quantified(state.as_boolean(), None, groups, self == Self::All))
            }
            Self::Moments(order) => {
                merged.extend(moments::merge(states, order, groups));
                return Ok(());
            }
            Self::Rows | Self::Count | Self::Missing | Self::UpperHalves | Self::LowerHalves => {
                sums(&Values::of(state)?, Wide::Int, None, groups)
            }
        });
        Ok(())
    }
}

/// A column, and what is missing in it.
pub(super) struct Input<'a> {
    pub(super) column: &'a ArrayRef,
    dtype: &'a DType,
    pub(super) nulls: Option<NullBuffer>,
    /// Neither null nor NaN. Loops over numbers see NaN by themselves.
    present: OnceCell<Option<NullBuffer>>,
}

impl<'a> Input<'a> {
    pub(super) fn new(column: &'a ArrayRef, dtype: &'a DType) -> Self {
        let nulls = column.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Self { column, dtype, nulls, present: OnceCell::new() }
    }

    fn present(&self) -> Option<&NullBuffer> {
        self.present.get_or_init(|| column::present(self.column)).as_ref()
    }

    /// How many values each group has.
    fn count(&self, groups: &Groups) -> Result<Vec<i64>> {
        if !self.dtype.is_float() {
            return Ok(count(groups, self.nulls.as_ref()));
        }
        Ok(with_values!(Values::of(self.column)?, values => {
            let add = |count: &mut i64, _| *count += 1;
            fold(groups, &values, self.nulls.as_ref(), 0, add, |count, n| *count += n)
        }))
    }
}

fn sums(values: &Values, wide: Wide, nulls: Option<&NullBuffer>, groups: &Groups) -> ArrayRef {
    with_values!(values, values => match wide {
        Wide::Float => {
            let add = |sum: &mut f64, other| *sum += other;
            let step = |sum: &mut f64, value| *sum += Value::float(value);
            Arc::new(Float64Array::from(fold(groups, values, nulls, 0.0, step, add)))
        }
        Wide::Int | Wide::UInt => {
            let add = |sum: &mut i64, other| *sum = sum.wrapping_add(other);
            let step = |sum: &mut i64, value| *sum = sum.wrapping_add(Value::int(value));
            wide.integers(fold(groups, values, nulls, 0, step, add))
        }
    })
}

fn products(values: &Values, wide: Wide, nulls: Option<&NullBuffer>, groups: &Groups) -> ArrayRef {
    with_values!(values, values => match wide {
        Wide::Float => {
            let multiply = |product: &mut f64, other| *product *= other;
            let step = |product: &mut f64, value| *product *= Value::float(value);
            Arc::new(Float64Array::from(fold(groups, values, nulls, 1.0, step, multiply)))
        }
        Wide::Int | Wide::UInt => {
            let multiply = |product: &mut i64, other| *product = product.wrapping_mul(other);
            let step = |product: &mut i64, value| {
                *product = product.wrapping_mul(Value::int(value));
            };
            wide.integers(fold(groups, values, nulls, 1, step, multiply))
        }
    })
}

impl Wide {
    fn integers(self, values: Vec<i64>) -> ArrayRef {
        match self {
            Self::UInt => {
                Arc::new(UInt64Array::from_iter_values(values.into_iter().map(|v| v as u64)))
            }
            _ => Arc::new(Int64Array::from(values)),
        }
    }
}

/// The rows of the first values, null where there is none.
fn first_rows(groups: &Groups, present: Option<&NullBuffer>) -> UInt32Array {
    match present {
        None if groups.n_rows() > 0 => groups.positions(),
        _ => rows_of(fold_rows(groups, present, u32::MAX, |first, row| {
            if *first == u32::MAX {
                *first = row as u32;
            }
        })),
    }
}

fn last_rows(groups: &Groups, present: Option<&NullBuffer>) -> UInt32Array {
    rows_of(fold_rows(groups, present, u32::MAX, |last, row| *last = row as u32))
}

/// Rows as positions, null where no row was found.
pub(super) fn rows_of(rows: Vec<u32>) -> UInt32Array {
    if rows.contains(&u32::MAX) {
        rows.into_iter().map(|row| (row != u32::MAX).then_some(row)).collect()
    } else {
        UInt32Array::from(rows)
    }
}

/// The values at rows, with nulls or NaN where the row is null.
pub(super) fn at_rows(column: &ArrayRef, rows: &UInt32Array) -> Result<ArrayRef> {
    if column.is_empty() {
        return Ok(column::all_missing(column.data_type(), rows.len()));
    }
    column::take(column, rows)
}

/// Which values count as true: those that are neither zero nor empty.
fn truths(column: &ArrayRef, dtype: &DType) -> Result<BooleanArray> {
    Ok(match Class::of(dtype) {
        Class::Bool => BooleanArray::new(column.as_boolean().values().clone(), None),
        Class::Str => {
            let views = column.as_string_view().views();
            BooleanArray::new(views.iter().map(|&view| view as u32 != 0).collect(), None)
        }
        _ => with_values!(Values::of(column)?, values => {
            BooleanArray::new(values.iter().map(|&value| is_not_zero(value)).collect(), None)
        }),
    })
}

fn is_not_zero<T: Default + PartialEq>(value: T) -> bool {
    value != T::default()
}

fn quantified(
    truths: &BooleanArray,
    present: Option<&NullBuffer>,
    groups: &Groups,
    all: bool,
) -> BooleanArray {
    let found = fold_rows(groups, present, all, |found, row| {
        let value = truths.value(row);
        *found = if all { *found && value } else { *found || value };
    });
    BooleanArray::from(found)
}

/// The numbers of a state that are floats.
pub(super) fn floats(state: &ArrayRef) -> &[f64] {
    state.as_primitive::<Float64Type>().values()
}

/// The numbers of a state that are integers.
pub(super) fn ints(state: &ArrayRef) -> &[i64] {
    state.as_primitive::<Int64Type>().values()
}
