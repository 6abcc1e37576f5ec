//! Least and greatest values of groups.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray, UInt32Array, make_array,
};
use arrow_buffer::{ArrowNativeType, Buffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::DataType;

use super::Groups;
use super::fold::{count, fold, fold_rows};
use super::part::{at_rows, rows_of};
use crate::error::{FrameError, Result};
use crate::kernel::values::Values;

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
        DataType::Utf8View => {
            let texts = column.as_string_view();
            let is_better = |row: usize, best: usize| {
                // A view compares by its first bytes, and the buffer only when they are the same.
                let (row, best) = (texts.value(row).as_bytes(), texts.value(best).as_bytes());
                if least { row < best } else { row > best }
            };
            at_rows(column, &best_rows(groups, present, is_better))
        }
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
        DataType::Float64 => Ok(floats::<Float64Type>(column, groups, f64::NAN, |best, value| {
            if least { value < best } else { value > best }
        })),
        DataType::Float32 => Ok(floats::<Float32Type>(column, groups, f32::NAN, |best, value| {
            if least { value < best } else { value > best }
        })),
        _ => match Values::of(column)? {
            Values::I8(values) => integers!(values, i8),
            Values::I16(values) => integers!(values, i16),
            Values::I32(values) => integers!(values, i32),
            Values::I64(values) => integers!(values, i64),
            Values::U8(values) => integers!(values, u8),
            Values::U16(values) => integers!(values, u16),
            Values::U32(values) => integers!(values, u32),
            Values::U64(values) => integers!(values, u64),
            Values::F32(_) | Values::F64(_) => {
                Err(FrameError::NoKernel(format!("least values of {}", column.data_type())))
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

/// NaN is worse than all, and the best of nothing.
fn floats<T: ArrowPrimitiveType>(
    column: &ArrayRef,
    groups: &Groups,
    nan: T::Native,
    is_better: impl Fn(T::Native, T::Native) -> bool,
) -> ArrayRef {
    let column = column.as_primitive::<T>();
    let best = fold(groups, column.values(), column.nulls(), nan, |best, value| {
        // A number is better than NaN, which compares to nothing, not even to itself.
        #[expect(clippy::eq_op, reason = "NaN is what differs from itself")]
        let is_first = *best != *best;
        if is_first || is_better(*best, value) {
            *best = value;
        }
    });
    Arc::new(PrimitiveArray::<T>::new(best.into(), None))
}

/// Integers, and what is held as such.
fn whole_numbers<T: ArrowNativeType + Ord>(
    column: &ArrayRef,
    values: &[T],
    present: Option<&NullBuffer>,
    groups: &Groups,
    (least, worst): (bool, T),
) -> Result<ArrayRef> {
    let best = if least {
        fold(groups, values, present, worst, |best, value| *best = value.min(*best))
    } else {
        fold(groups, values, present, worst, |best, value| *best = value.max(*best))
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
