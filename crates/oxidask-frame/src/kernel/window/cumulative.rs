//! Running totals, products, smallest and largest values. Missing values stay missing and count for nothing.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::NullBuffer;
use serde::{Deserialize, Serialize};

use super::super::column;
use super::super::elementwise::{Native, Operand, of_ticks, pack, with_number};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
use crate::scalar::Scalar;

/// What runs along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Cumulative {
    Sum,
    Prod,
    Min,
    Max,
}

/// The dtype of a running function: sums and products of integers and truth values have 64 bits.
///
/// # Errors
/// [`FrameError::Type`] for sums of times and products of differences, [`FrameError::NoKernel`] for text and
/// categories.
pub fn cumulative_dtype(op: Cumulative, dtype: &DType) -> Result<DType> {
    let totals = matches!(op, Cumulative::Sum | Cumulative::Prod);
    let wide = |number: Number| match number {
        _ if number.is_float() || !totals => number,
        _ if number.is_unsigned() => Number::U64,
        _ => Number::I64,
    };
    match dtype {
        DType::Number(number) => Ok(DType::Number(wide(*number))),
        DType::NullableNumber(number) => Ok(DType::NullableNumber(wide(*number))),
        DType::Bool => Ok(if totals { DType::I64 } else { DType::Bool }),
        DType::Datetime(..) if !totals => Ok(dtype.clone()),
        DType::Timedelta(_) if op != Cumulative::Prod => Ok(dtype.clone()),
        DType::Datetime(..) | DType::Timedelta(_) => {
            Err(FrameError::Type(format!("cumulative {op:?} of {dtype} is not supported")))
        }
        _ => Err(FrameError::no_kernel("running functions", dtype)),
    }
}

/// The running function of a column that goes on from `carry`, and the carry for the rows that follow: none as
/// long as there was no value.
///
/// # Errors
/// As [`cumulative_dtype`].
pub fn cumulative(
    op: Cumulative,
    array: &ArrayRef,
    dtype: &DType,
    carry: Option<&Scalar>,
) -> Result<(ArrayRef, Option<Scalar>)> {
    let result = cumulative_dtype(op, dtype)?;
    let own = Operand::Column(array, dtype);
    let known = column::present(array);
    match &result {
        DType::Number(number) | DType::NullableNumber(number) => with_number!(*number, T => {
            let start = carry.map(|carry| Operand::Scalar(carry).numbers::<T>().at(0));
            let values = own.numbers::<T>();
            let (totals, last) =
                running::<T>(op, array.len(), |row| values.at(row), known.as_ref(), start);
            let array = super::super::elementwise::number_array(totals.into(), array.logical_nulls());
            Ok((array, last.map(|last| scalar_of(last, *number))))
        }),
        DType::Bool => {
            let start = carry.map(|carry| Operand::Scalar(carry).numbers::<u8>().at(0));
            let values = own.numbers::<u8>();
            let (totals, last) = running::<u8>(op, array.len(), |row| values.at(row), None, start);
            let bits = pack(totals.len(), |row| totals[row] == 1);
            Ok((Arc::new(BooleanArray::new(bits, None)), last.map(|last| Scalar::Bool(last == 1))))
        }
        DType::Datetime(unit, _) | DType::Timedelta(unit) => {
            let Some((values, _)) = own.times() else {
                return Err(FrameError::no_kernel("running functions", dtype));
            };
            let start = carry.and_then(|carry| match carry {
                Scalar::Datetime(value, ..) | Scalar::Timedelta(value, _) => Some(*value),
                _ => None,
            });
            let (totals, last) =
                running::<i64>(op, array.len(), |row| values.at(row), known.as_ref(), start);
            let last = last.map(|last| match &result {
                DType::Datetime(_, zone) => Scalar::Datetime(last, *unit, zone.clone()),
                _ => Scalar::Timedelta(last, *unit),
            });
            Ok((of_ticks(totals.into(), array.logical_nulls(), &result), last))
        }
        _ => Err(FrameError::no_kernel("running functions", dtype)),
    }
}

fn scalar_of<T: Native>(value: T, number: Number) -> Scalar {
    if number.is_float() {
        Scalar::Float(value.to_f64())
    } else if number.is_unsigned() {
        Scalar::UInt(value.to_i64_wrapping() as u64)
    } else {
        Scalar::Int(value.to_i64_wrapping())
    }
}

fn running<T: Native>(
    op: Cumulative,
    n_rows: usize,
    value: impl Fn(usize) -> T,
    known: Option<&NullBuffer>,
    start: Option<T>,
) -> (Vec<T>, Option<T>) {
    let mut total = start;
    let step = |total: T, value: T| match op {
        Cumulative::Sum => total.add(value),
        Cumulative::Prod => total.mul(value),
        Cumulative::Min if value < total => value,
        Cumulative::Max if value > total => value,
        _ => total,
    };
    let rows = (0..n_rows).map(|row| {
        if known.is_some_and(|known| known.is_null(row)) {
            return T::MISSING;
        }
        let next = total.map_or(value(row), |total| step(total, value(row)));
        total = Some(next);
        next
    });
    let rows = rows.collect();
    (rows, total)
}
