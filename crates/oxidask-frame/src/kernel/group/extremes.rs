//! Least and greatest values of groups.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, BooleanArray, Float32Array, Float64Array, UInt32Array, make_array};
use arrow_buffer::{ArrowNativeType, Buffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::DataType;

use super::Groups;
use super::fold::{count, fold, fold_rows};
use super::part::{at_rows, rows_of};
use crate::error::Result;
use crate::kernel::values::{Value, Values};

/// The least value of each group; null, or NaN among floats, where no value is there.
pub(super) fn least(
    column: &ArrayRef,
    present: Option<&NullBuffer>,
    groups: &Groups,
) -> Result<ArrayRef> {
    extreme(column, present, groups, true)
}

/// The greatest value of each group, likewise.
pub(super) fn greatest(
    column: &ArrayRef,
    present: Option<&NullBuffer>,
    groups: &Groups,
) -> Result<ArrayRef> {
    extreme(column, present, groups, false)
}

fn extreme(
    column: &ArrayRef,
    present: Option<&NullBuffer>,
    groups: &Groups,
    least: bool,
) -> Result<ArrayRef> {
    macro_rules! integers {
        ($values:expr, $number:ty) => {{
            let worst = if least { <$number>::MAX } else { <$number>::MIN };
            whole_numbers(column, &$values, present, groups, (least, worst))
        }};
    }
    match column.data_type() {
        DataType::Utf8View => at_rows(column, &best_texts(column, present, groups, least)),
        DataType::Dictionary(..) => {
            let codes = column.as_dictionary::<Int32Type>().keys().values();
            let is_better = |row: usize, best: usize| {
                if least { codes[row] < codes[best] } else { codes[row] > codes[best] }
            };
            at_rows(column, &best_rows(groups, present, is_better))
        }
        DataType::Boolean => {
            let values = column.as_boolean();
            let found = fold_rows(groups, present, least, |best, row| {
                let value = values.value(row);
                *best = if least { *best && value } else { *best || value };
            });
            Ok(Arc::new(BooleanArray::new(found.into(), found_nulls(groups, present))))
        }
        _ => match Values::of(column)? {
            Values::I8(values) => integers!(values, i8),
            Values::I16(values) => integers!(values, i16),
            Values::I32(values) => integers!(values, i32),
            Values::I64(values) => integers!(values, i64),
            Values::U8(values) => integers!(values, u8),
            Values::U16(values) => integers!(values, u16),
            Values::U32(values) => integers!(values, u32),
            Values::U64(values) => integers!(values, u64),
            Values::F32(values) => {
                let limits = (f32::NEG_INFINITY, f32::INFINITY, f32::NAN);
                Ok(Arc::new(Float32Array::from(floats(&values, present, groups, least, limits))))
            }
            Values::F64(values) => {
                let limits = (f64::NEG_INFINITY, f64::INFINITY, f64::NAN);
                Ok(Arc::new(Float64Array::from(floats(&values, present, groups, least, limits))))
            }
        },
    }
}

/// The row of the first best value of each group.
pub(super) fn best_rows(
    groups: &Groups,
    present: Option<&NullBuffer>,
    is_better: impl Fn(usize, usize) -> bool,
) -> UInt32Array {
    rows_of(fold_rows(groups, present, u32::MAX, |best, row| {
        if *best == u32::MAX || is_better(row, *best as usize) {
            *best = row as u32;
        }
    }))
}

/// The rows of the best texts. Their first bytes mostly decide, without a look at the texts themselves.
fn best_texts(
    column: &ArrayRef,
    present: Option<&NullBuffer>,
    groups: &Groups,
    least: bool,
) -> UInt32Array {
    let texts = column.as_string_view();
    let views = texts.views();
    let found = fold_rows(groups, present, (u32::MAX, 0_u32), |(best, best_prefix), row| {
        let prefix = ((views[row] >> 32) as u32).swap_bytes();
        let order = prefix.cmp(best_prefix);
        let order = if least { order } else { order.reverse() };
        let is_better = *best == u32::MAX
            || order.is_lt()
            || (order.is_eq() && {
                let (text, best) = (texts.value(row), texts.value(*best as usize));
                if least { text < best } else { text > best }
            });
        if is_better {
            (*best, *best_prefix) = (row as u32, prefix);
        }
    });
    rows_of(found.into_iter().map(|(row, _)| row).collect())
}

/// NaN where there is no number. `limits` are the least and the greatest number, and NaN.
fn floats<T: Value + PartialOrd>(
    values: &[T],
    nulls: Option<&NullBuffer>,
    groups: &Groups,
    least: bool,
    (lowest, highest, nan): (T, T, T),
) -> Vec<T> {
    let lower = |best: &mut T, value: T| *best = if value < *best { value } else { *best };
    let higher = |best: &mut T, value: T| *best = if value > *best { value } else { *best };
    let worst = if least { highest } else { lowest };
    let mut best = if least {
        fold(groups, values, nulls, worst, lower, lower)
    } else {
        fold(groups, values, nulls, worst, higher, higher)
    };
    // The worst number may be a group's best, or what it began with.
    if best.contains(&worst) {
        let saw = |count: &mut usize, _| *count += 1;
        let counts = fold(groups, values, nulls, 0_usize, saw, |count, n| *count += n);
        for (best, _) in best.iter_mut().zip(counts).filter(|(_, count)| *count == 0) {
            *best = nan;
        }
    }
    best
}

/// Integers, and what is held as such.
fn whole_numbers<T: ArrowNativeType + Value + Ord>(
    column: &ArrayRef,
    values: &[T],
    present: Option<&NullBuffer>,
    groups: &Groups,
    (least, worst): (bool, T),
) -> Result<ArrayRef> {
    let best = if least {
        let lower = |best: &mut T, value: T| *best = value.min(*best);
        fold(groups, values, present, worst, lower, lower)
    } else {
        let higher = |best: &mut T, value: T| *best = value.max(*best);
        fold(groups, values, present, worst, higher, higher)
    };
    let data = ArrayData::builder(column.data_type().clone())
        .len(best.len())
        .add_buffer(Buffer::from_vec(best))
        .nulls(found_nulls(groups, present));
    Ok(make_array(data.build()?))
}

/// Nulls of groups in which no value is there.
fn found_nulls(groups: &Groups, present: Option<&NullBuffer>) -> Option<NullBuffer> {
    if present.is_none() && groups.n_rows() > 0 {
        return None;
    }
    let counts = count(groups, present);
    counts.contains(&0).then(|| NullBuffer::new(counts.iter().map(|&count| count > 0).collect()))
}
