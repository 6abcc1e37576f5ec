//! Rows moved up or down, differences of rows, and fills from rows before or behind.

use arrow_array::{Array, ArrayRef, UInt32Array};
use serde::{Deserialize, Serialize};

use super::super::column;
use super::super::elementwise::{Binary, Operand, binary, cast};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};

/// The dtype of a column moved by some rows: integers become `float64`, since rows will be missing.
///
/// # Errors
/// [`FrameError::NoKernel`] for truth values, of which pandas makes objects.
pub fn shift_dtype(dtype: &DType, periods: i64) -> Result<DType> {
    match dtype {
        _ if periods == 0 => Ok(dtype.clone()),
        DType::Bool => Err(FrameError::no_kernel("shift", dtype)),
        DType::Number(number) if !number.is_float() => Ok(DType::F64),
        _ => Ok(dtype.clone()),
    }
}

/// A column moved down by `periods` rows, or up if negative.
///
/// # Errors
/// As [`shift_dtype`].
pub fn shift(array: &ArrayRef, dtype: &DType, periods: i64) -> Result<ArrayRef> {
    let result = shift_dtype(dtype, periods)?;
    let array = cast(array, dtype, &result)?;
    let n_rows = array.len();
    let n_moved = usize::try_from(periods.unsigned_abs()).unwrap_or(n_rows).min(n_rows);
    if n_moved == 0 {
        return Ok(array);
    }
    let missing = column::all_missing(array.data_type(), n_moved);
    let kept = array.slice(if periods > 0 { 0 } else { n_moved }, n_rows - n_moved);
    let parts = if periods > 0 { [missing, kept] } else { [kept, missing] };
    column::concat(parts.iter())
}

/// The dtype of differences between rows.
///
/// # Errors
/// [`FrameError::Type`] for text, [`FrameError::NoKernel`] for truth values and integers without a sign.
pub fn diff_dtype(dtype: &DType) -> Result<DType> {
    match dtype {
        DType::Number(Number::I8 | Number::I16 | Number::F32) => Ok(DType::Number(Number::F32)),
        DType::Number(number) if !number.is_unsigned() => Ok(DType::F64),
        DType::NullableNumber(number) if !number.is_unsigned() => Ok(dtype.clone()),
        DType::Datetime(unit, _) | DType::Timedelta(unit) => Ok(DType::Timedelta(*unit)),
        DType::Str => Err(FrameError::Type("differences of text are not supported".into())),
        _ => Err(FrameError::no_kernel("diff", dtype)),
    }
}

/// Each row less the one `periods` rows before.
///
/// # Errors
/// As [`diff_dtype`].
pub fn diff(array: &ArrayRef, dtype: &DType, periods: i64) -> Result<ArrayRef> {
    let result = diff_dtype(dtype)?;
    let own = match &result {
        DType::Timedelta(_) => dtype,
        other => other,
    };
    let array = cast(array, dtype, own)?;
    let before = shift(&array, own, periods)?;
    let (left, right) = (Operand::Column(&array, own), Operand::Column(&before, own));
    binary(Binary::Sub, left, right, array.len())
}

/// Where a missing value is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fill {
    /// The last value before: `ffill`.
    Forward,
    /// The next value: `bfill`.
    Backward,
}

/// A column with missing values taken from their neighbours, at most `limit` in a row.
///
/// # Errors
/// [`FrameError::Value`] if there are too many rows for what the column holds.
pub fn fill(direction: Fill, array: &ArrayRef, limit: Option<usize>) -> Result<ArrayRef> {
    let Some(known) = column::present(array) else { return Ok(array.clone()) };
    let n_rows = array.len();
    let limit = limit.unwrap_or(n_rows);
    let mut positions = vec![0; n_rows];
    let mut last: Option<usize> = None;
    let mut place = |row: usize| {
        if known.is_valid(row) {
            last = Some(row);
        }
        // A row that isn't filled stays what it was: missing.
        let source = last.filter(|last| row.abs_diff(*last) <= limit);
        positions[row] = source.unwrap_or(row) as u32;
    };
    match direction {
        Fill::Forward => (0..n_rows).for_each(&mut place),
        Fill::Backward => (0..n_rows).rev().for_each(&mut place),
    }
    column::take(array, &UInt32Array::from(positions))
}
