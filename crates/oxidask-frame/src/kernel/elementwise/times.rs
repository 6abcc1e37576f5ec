//! Times and differences of times: arithmetic and comparison across units.
//!
//! The result is counted in the finer unit of the two; what its 64 bits can't hold is an error, as in pandas.

use arrow_array::{Array, ArrayRef, make_array};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_data::ArrayData;

use super::number::{self, Native};
use super::operand::{Operand, Values, zip};
use super::{Binary, compare};
use crate::dtype::{DType, Unit};
use crate::error::{FrameError, Result};
use crate::kernel::calendar;
use crate::kernel::column;
use crate::scalar::Scalar;

/// `left op right` where one of them is a time or a difference of times.
pub(super) fn binary(
    op: Binary,
    left: Operand<'_>,
    right: Operand<'_>,
    dtype: &DType,
    n_rows: usize,
) -> Result<ArrayRef> {
    if left.is_missing() || right.is_missing() {
        return Ok(column::all_missing(&dtype.arrow(), n_rows));
    }
    let nulls = NullBuffer::union(left.present(n_rows).as_ref(), right.present(n_rows).as_ref());
    match (left.times(), right.times()) {
        (Some((a, a_unit)), Some((b, b_unit))) => {
            let unit = a_unit.max(b_unit);
            if *dtype == DType::F64 {
                let ratio = |values: Values<i64>, own: Unit| scaled_f64(&values, own, unit);
                let (a, b) = (ratio(a, a_unit), ratio(b, b_unit));
                let values = zip(&a, &b, n_rows, |a, b| a / b);
                return Ok(nan_where_null(values, nulls.as_ref()));
            }
            let a = scaled(a, a_unit, unit, nulls.as_ref())?;
            let b = scaled(b, b_unit, unit, nulls.as_ref())?;
            let values = combined(op, &a, &b, nulls.as_ref(), n_rows)?;
            Ok(of_ticks(values, nulls, dtype))
        }
        (Some((ticks, _)), None) => resized(op, &ticks, right, dtype, nulls, n_rows),
        (None, Some((ticks, _))) => resized(op, &ticks, left, dtype, nulls, n_rows),
        (None, None) => Err(FrameError::no_kernel(op.sign(), dtype)),
    }
}

/// A column of times of its counts.
pub(in crate::kernel) fn of_ticks(
    ticks: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
    dtype: &DType,
) -> ArrayRef {
    let array = number::array(ticks, nulls);
    relabelled(&array, dtype)
}

/// The same 64-bit values as another dtype of such.
pub(in crate::kernel) fn relabelled(array: &dyn Array, dtype: &DType) -> ArrayRef {
    let data = array.to_data();
    let builder = ArrayData::builder(dtype.arrow())
        .len(data.len())
        .offset(data.offset())
        .nulls(data.nulls().cloned())
        .buffers(data.buffers().to_vec());
    match builder.build() {
        Ok(data) => make_array(data),
        // 64 bits for 64 bits: there is nothing to refuse.
        Err(error) => unreachable!("times as other times: {error}"),
    }
}

/// The comparison of times, exact whatever their units.
pub(super) fn compared(
    op: Binary,
    left: Operand<'_>,
    right: Operand<'_>,
    n_rows: usize,
) -> Result<BooleanBuffer> {
    let (Some((a, a_unit)), Some((b, b_unit))) = (left.times(), right.times()) else {
        return Err(FrameError::NoKernel("comparison of times and something else".into()));
    };
    let nulls = NullBuffer::union(left.nulls(n_rows).as_ref(), right.nulls(n_rows).as_ref());
    let unit = a_unit.max(b_unit);
    let finer_a = scaled(a.clone(), a_unit, unit, nulls.as_ref());
    let finer_b = scaled(b.clone(), b_unit, unit, nulls.as_ref());
    if let (Ok(a), Ok(b)) = (finer_a, finer_b) {
        return Ok(compare::ordered(op, &a, &b, n_rows));
    }
    let factor = |own: Unit| i128::from(unit.per_second() / own.per_second());
    let (a_factor, b_factor) = (factor(a_unit), factor(b_unit));
    Ok(compare::pack(n_rows, |row| {
        let a = i128::from(a.at(row)) * a_factor;
        let order = a.cmp(&(i128::from(b.at(row)) * b_factor));
        match op {
            Binary::Eq => order.is_eq(),
            Binary::Ne => order.is_ne(),
            Binary::Lt => order.is_lt(),
            Binary::Le => order.is_le(),
            Binary::Gt => order.is_gt(),
            _ => order.is_ge(),
        }
    }))
}

/// The time that text of ISO 8601 names, as pandas compares it with a column without a time zone or in UTC.
pub(super) fn of_text(text: &str, zone: Option<&str>) -> Result<Scalar> {
    let unread = || FrameError::NoKernel(format!("the time '{text}'"));
    if zone.is_some_and(|zone| zone != "UTC") {
        return Err(unread());
    }
    let instant = calendar::parse_iso(text).ok_or_else(unread)?;
    let unit = if instant.n_decimals > 6 { Unit::Nano } else { Unit::Micro };
    let per_second = unit.per_second();
    let fraction = i64::from(instant.nanos) / (1_000_000_000 / per_second);
    let ticks = instant.seconds.checked_mul(per_second).and_then(|it| it.checked_add(fraction));
    Ok(Scalar::Datetime(ticks.ok_or_else(unread)?, unit, zone.map(Into::into)))
}

/// Counts in a finer unit.
pub(super) fn scaled(
    values: Values<i64>,
    from: Unit,
    to: Unit,
    nulls: Option<&NullBuffer>,
) -> Result<Values<i64>> {
    if from == to {
        return Ok(values);
    }
    let factor = to.per_second() / from.per_second();
    let limit = i64::MAX / factor;
    let outside = |value: i64| value > limit || value < -limit;
    let error = |value: i64| {
        FrameError::Value(format!(
            "Out of bounds: {value} {} can't be counted in {}",
            from.name(),
            to.name()
        ))
    };
    match values {
        Values::One(value) if outside(value) => Err(error(value)),
        Values::One(value) => Ok(Values::One(value * factor)),
        Values::Many(values) => {
            let wrong = values.iter().enumerate().find(|(row, value)| {
                outside(**value) && nulls.is_none_or(|nulls| nulls.is_valid(*row))
            });
            match wrong {
                Some((_, value)) => Err(error(*value)),
                None => Ok(Values::Many(
                    values.iter().map(|value| value.wrapping_mul(factor)).collect(),
                )),
            }
        }
    }
}

/// Counts in another unit, rounded down where it is coarser.
pub(super) fn converted(values: Values<i64>, from: Unit, to: Unit) -> Result<Values<i64>> {
    if from <= to {
        return scaled(values, from, to, None);
    }
    let divisor = from.per_second() / to.per_second();
    Ok(match values {
        Values::One(value) => Values::One(value.div_euclid(divisor)),
        Values::Many(values) => {
            Values::Many(values.iter().map(|value| value.div_euclid(divisor)).collect())
        }
    })
}

fn scaled_f64(values: &Values<i64>, from: Unit, to: Unit) -> Values<f64> {
    let factor = (to.per_second() / from.per_second()) as f64;
    match values {
        Values::One(value) => Values::One(*value as f64 * factor),
        Values::Many(values) => {
            Values::Many(values.iter().map(|value| *value as f64 * factor).collect())
        }
    }
}

fn combined(
    op: Binary,
    a: &Values<i64>,
    b: &Values<i64>,
    nulls: Option<&NullBuffer>,
    n_rows: usize,
) -> Result<ScalarBuffer<i64>> {
    let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
    let (values, overflowed): (_, fn(i64, i64, i64) -> bool) = match op {
        Binary::Add => {
            let values = zip(a, b, n_rows, i64::wrapping_add);
            (values, |a, b, sum| (a ^ sum) & (b ^ sum) < 0)
        }
        Binary::Sub => {
            let values = zip(a, b, n_rows, i64::wrapping_sub);
            (values, |a, b, rest| (a ^ b) & (a ^ rest) < 0)
        }
        Binary::Mod => {
            if (0..n_rows).any(|row| b.at(row) == 0 && valid(row)) {
                return Err(FrameError::NoKernel("timedeltas modulo zero".into()));
            }
            (zip(a, b, n_rows, <i64 as Native>::modulo), |_, _, _| false)
        }
        _ => return Err(FrameError::NoKernel(format!("{} of times", op.sign()))),
    };
    let wrong =
        (0..n_rows).find(|row| overflowed(a.at(*row), b.at(*row), values[*row]) && valid(*row));
    match wrong {
        None => Ok(values),
        Some(row) => Err(FrameError::Overflow(format!(
            "Overflow in int64 addition: {} {} {}",
            a.at(row),
            op.sign(),
            b.at(row)
        ))),
    }
}

/// A difference of times multiplied or divided by a number.
fn resized(
    op: Binary,
    ticks: &Values<i64>,
    factor: Operand<'_>,
    dtype: &DType,
    nulls: Option<NullBuffer>,
    n_rows: usize,
) -> Result<ArrayRef> {
    let by_float = factor.kind().dtype().is_some_and(|dtype| dtype.is_float());
    if by_float {
        let factors = factor.numbers::<f64>();
        let ticks = match ticks {
            Values::One(value) => Values::One(*value as f64),
            Values::Many(values) => {
                Values::Many(values.iter().map(|value| *value as f64).collect())
            }
        };
        let results = match op {
            Binary::Mul => zip(&ticks, &factors, n_rows, |ticks, factor| ticks * factor),
            _ => zip(&ticks, &factors, n_rows, |ticks, factor| ticks / factor),
        };
        let is_known = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let outside = |row: usize| {
            let value = results[row];
            value.abs() >= i64::MAX as f64 && !(op == Binary::TrueDiv && factors.at(row) == 0.0)
        };
        if (0..n_rows).any(|row| is_known(row) && outside(row)) {
            return Err(FrameError::NoKernel("timedeltas out of bounds".into()));
        }
        let known = compare::pack(n_rows, |row| is_known(row) && results[row].is_finite());
        let values = results.iter().map(|value| *value as i64).collect();
        return Ok(of_ticks(values, some_nulls(known), dtype));
    }
    let factors = factor.numbers::<i64>();
    if op == Binary::Mul {
        return Ok(of_ticks(zip(ticks, &factors, n_rows, i64::wrapping_mul), nulls, dtype));
    }
    let is_known = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    let known = compare::pack(n_rows, |row| is_known(row) && factors.at(row) != 0);
    let values =
        zip(
            ticks,
            &factors,
            n_rows,
            |ticks, factor| {
                if factor == 0 { 0 } else { ticks.wrapping_div(factor) }
            },
        );
    Ok(of_ticks(values, some_nulls(known), dtype))
}

fn some_nulls(known: BooleanBuffer) -> Option<NullBuffer> {
    Some(NullBuffer::new(known)).filter(|nulls| nulls.null_count() > 0)
}

fn nan_where_null(values: ScalarBuffer<f64>, nulls: Option<&NullBuffer>) -> ArrayRef {
    column::nulls_as_nan(number::array(values, nulls.cloned()))
}
