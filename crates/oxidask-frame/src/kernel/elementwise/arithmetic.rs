//! Arithmetic of numbers: both sides are brought to the dtype of the result first.

use arrow_array::ArrayRef;
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};

use super::Binary;
use super::number::{self, Native, with_number};
use super::operand::{Operand, Values, zip};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};

/// `left op right` of numbers, as a column of `dtype`.
pub(super) fn arithmetic(
    op: Binary,
    left: Operand<'_>,
    right: Operand<'_>,
    dtype: &DType,
    n_rows: usize,
) -> Result<ArrayRef> {
    let Some(number) = dtype.number() else {
        return Err(FrameError::no_kernel(op.sign(), dtype));
    };
    let nullable = matches!(dtype, DType::NullableNumber(_));
    let nulls = if nullable {
        NullBuffer::union(left.present(n_rows).as_ref(), right.present(n_rows).as_ref())
    } else {
        None
    };
    if !nullable && matches!(op, Binary::FloorDiv | Binary::Mod) {
        refuse_zeros(op, left, right, number)?;
    }
    with_number!(number, T => {
        let (a, b) = (left.numbers::<T>(), right.numbers::<T>());
        let values = match op {
            Binary::And | Binary::Or | Binary::Xor => bits::<T>(op, &a, &b, n_rows)?,
            Binary::Pow => power::<T>(&a, &b, nulls.as_ref(), n_rows)?,
            _ => calculated::<T>(op, &a, &b, n_rows)?,
        };
        let nulls = match (op, nullable) {
            (Binary::Pow, true) => known_powers(&a, &b, left, right, n_rows),
            _ => nulls,
        };
        Ok(finished(values, nulls, nullable))
    })
}

/// An array; NaN among nullable numbers is null.
pub(super) fn finished<T: Native>(
    values: ScalarBuffer<T>,
    nulls: Option<NullBuffer>,
    nullable: bool,
) -> ArrayRef {
    if !nullable {
        return number::array(values, None);
    }
    let is_nan = values.iter().any(|value| value.is_nan());
    let known = is_nan.then(|| {
        NullBuffer::new(BooleanBuffer::collect_bool(values.len(), |row| !values[row].is_nan()))
    });
    let nulls = NullBuffer::union(nulls.as_ref(), known.as_ref());
    number::array(values, nulls.filter(|nulls| nulls.null_count() > 0))
}

fn calculated<T: Native>(
    op: Binary,
    a: &Values<T>,
    b: &Values<T>,
    n_rows: usize,
) -> Result<ScalarBuffer<T>> {
    Ok(match op {
        Binary::Add => zip(a, b, n_rows, T::add),
        Binary::Sub => zip(a, b, n_rows, T::sub),
        Binary::Mul => zip(a, b, n_rows, T::mul),
        Binary::TrueDiv => zip(a, b, n_rows, T::div),
        Binary::FloorDiv => zip(a, b, n_rows, T::floor_div),
        Binary::Mod => zip(a, b, n_rows, T::modulo),
        _ => return Err(FrameError::NoKernel(format!("{} of numbers", op.sign()))),
    })
}

/// pandas makes a quotient `float64` if an integer is divided by zero, which no schema can know.
fn refuse_zeros(op: Binary, left: Operand<'_>, right: Operand<'_>, number: Number) -> Result<()> {
    let Operand::Column(array, dtype) = right else { return Ok(()) };
    let of_bools = left.kind().dtype() == Some(DType::Bool) && *dtype == DType::Bool;
    if dtype.is_float() || number == Number::F64 || of_bools {
        return Ok(());
    }
    let divisor = match dtype.number() {
        Some(divisor) => divisor,
        None => Number::U8,
    };
    let has_zero = with_number!(divisor, T => {
        super::operand::numbers_as::<T>(array).contains(&T::ZERO)
    });
    if has_zero {
        return Err(FrameError::Unsupported(format!(
            "{} by a column of {dtype} with zeros changes the dtype to float64 where they are: cast one side \
             with astype('float64') first",
            op.sign()
        )));
    }
    Ok(())
}

fn bits<T: Native>(
    op: Binary,
    a: &Values<T>,
    b: &Values<T>,
    n_rows: usize,
) -> Result<ScalarBuffer<T>> {
    Ok(match op {
        Binary::And => zip(a, b, n_rows, T::and),
        Binary::Or => zip(a, b, n_rows, T::or),
        _ => zip(a, b, n_rows, T::xor),
    })
}

fn power<T: Native>(
    a: &Values<T>,
    b: &Values<T>,
    nulls: Option<&NullBuffer>,
    n_rows: usize,
) -> Result<ScalarBuffer<T>> {
    let negative =
        |row: usize| b.at(row) < T::ZERO && nulls.is_none_or(|nulls| nulls.is_valid(row));
    if !T::IS_FLOAT && (0..n_rows).any(negative) {
        return Err(FrameError::Value(
            "Integers to negative integer powers are not allowed.".into(),
        ));
    }
    if let Values::One(exponent) = b {
        match exponent.to_f64() {
            2.0 => return Ok(zip(a, b, n_rows, |base, _| base.mul(base))),
            0.5 => return Ok(zip(a, b, n_rows, |base, _| T::of_f64(base.to_f64().sqrt()))),
            _ => {}
        }
    }
    Ok(zip(a, b, n_rows, T::power))
}

/// `x ** 0` and `1 ** x` are known even if `x` isn't.
fn known_powers<T: Native>(
    a: &Values<T>,
    b: &Values<T>,
    left: Operand<'_>,
    right: Operand<'_>,
    n_rows: usize,
) -> Option<NullBuffer> {
    let (known_a, known_b) = (left.present(n_rows), right.present(n_rows));
    if known_a.is_none() && known_b.is_none() {
        return None;
    }
    let is = |known: &Option<NullBuffer>, row| known.as_ref().is_none_or(|k| k.is_valid(row));
    Some(NullBuffer::new(BooleanBuffer::collect_bool(n_rows, |row| {
        let (a_known, b_known) = (is(&known_a, row), is(&known_b, row));
        (a_known && (b_known || a.at(row) == T::ONE)) || (b_known && b.at(row) == T::ZERO)
    })))
}
