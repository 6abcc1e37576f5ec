//! From states to answers.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, make_array,
};
use arrow_buffer::NullBuffer;
use arrow_select::nullif::nullif;

use super::agg::{Agg, Class, agg_dtype};
use super::moments::{self, Moments};
use super::part::{check_arrays, floats, ints, state_dtypes};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
use crate::kernel::column;

/// The answer of each group by its state.
///
/// # Errors
/// As [`super::state_dtypes`]; [`FrameError::Value`] if these are no states of the aggregate, or if a group of
/// a column that can't miss values has none: then pandas' answer is of another dtype.
pub fn finish(agg: &Agg, dtype: &DType, states: &[ArrayRef]) -> Result<ArrayRef> {
    check_arrays(&state_dtypes(agg, dtype)?, states, || agg.name().into(), dtype)?;
    let result = agg_dtype(agg, dtype)?;
    match agg {
        Agg::Sum { min_count } | Agg::Prod { min_count } => {
            let too_few = |&count: &i64| count < i64::from(*min_count);
            let missing: Option<Vec<bool>> =
                states.get(1).map(|counts| ints(counts).iter().map(too_few).collect());
            with_missing(sum_of(&states[0], &result)?, missing, agg, &result)
        }
        Agg::Count | Agg::Size => Ok(states[0].clone()),
        Agg::Mean if matches!(Class::of(dtype), Class::Datetime | Class::Timedelta) => {
            let [upper, lower, counts] = [0, 1, 2].map(|at| ints(&states[at]));
            let means = upper.iter().zip(lower).zip(counts).map(|((&upper, &lower), &count)| {
                let sum = (i128::from(upper) << 32) + i128::from(lower);
                sum.checked_div(i128::from(count)).map(|mean| mean as i64)
            });
            times(means.collect(), &result)
        }
        Agg::Mean => {
            let means = floats(&states[0]).iter().zip(ints(&states[1]));
            numbers(means.map(|(sum, &n)| (n > 0).then(|| sum / n as f64)), &result)
        }
        Agg::Var { ddof } => from_moments(states, &result, |m| variance(m, *ddof)),
        Agg::Std { ddof } => from_moments(states, &result, |m| Some(variance(m, *ddof)?.sqrt())),
        Agg::Sem { ddof } => {
            from_moments(states, &result, |m| Some((variance(m, *ddof)? / m.n as f64).sqrt()))
        }
        Agg::Skew => from_moments(states, &result, skewness),
        Agg::Kurt => from_moments(states, &result, kurtosis),
        Agg::Min | Agg::Max | Agg::First | Agg::Last => {
            with_missing(states[0].clone(), None, agg, &result)
        }
        Agg::Any | Agg::All => Ok(states[0].clone()),
        Agg::Strict(inner) => {
            let (missing, states) = states.split_last().ok_or_else(|| {
                FrameError::Value("no states of an aggregate that sees missing values".into())
            })?;
            let missing = ints(missing).iter().map(|&count| count > 0).collect();
            with_missing(finish(inner, dtype, states)?, Some(missing), agg, &result)
        }
        Agg::NUnique { .. } | Agg::Median | Agg::Quantile(_) | Agg::IdxMin | Agg::IdxMax => {
            Err(FrameError::NoKernel(format!("states of {}", agg.name())))
        }
    }
}

/// Sums as the result has them.
fn sum_of(sums: &ArrayRef, result: &DType) -> Result<ArrayRef> {
    Ok(match result {
        DType::Timedelta(_) => retyped(sums, result)?,
        _ if result.number() == Some(Number::F32) => {
            let narrow = floats(sums).iter().map(|&sum| sum as f32);
            Arc::new(Float32Array::from_iter_values(narrow))
        }
        _ => sums.clone(),
    })
}

/// The same 64-bit integers under another name.
fn retyped(array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    let ints = array.as_primitive::<arrow_array::types::Int64Type>();
    let data = ints.to_data().into_builder().data_type(dtype.arrow());
    Ok(make_array(data.build()?))
}

/// Marks answers as missing, and makes sure that the dtype can say so.
pub(super) fn with_missing(
    array: ArrayRef,
    missing: Option<Vec<bool>>,
    agg: &Agg,
    result: &DType,
) -> Result<ArrayRef> {
    let array = match missing {
        Some(missing) if missing.contains(&true) => nullif(&array, &BooleanArray::from(missing))?,
        _ => array,
    };
    match result {
        DType::Number(number) if number.is_float() => Ok(column::nulls_as_nan(array)),
        DType::NullableNumber(number) if number.is_float() => {
            let is_missing = column::present(&array).map(|present| !present.inner());
            Ok(match is_missing {
                Some(missing) => nullif(&array, &BooleanArray::new(missing, None))?,
                None => array,
            })
        }
        _ if !result.can_miss() && array.null_count() > 0 => {
            Err(FrameError::Value(format!("{} of no values can't be {result}", agg.name())))
        }
        _ => Ok(array),
    }
}

/// Floating point numbers of a dtype: missing ones are NaN, or null in nullable columns.
pub(super) fn numbers(
    values: impl Iterator<Item = Option<f64>>,
    result: &DType,
) -> Result<ArrayRef> {
    let nullable = matches!(result, DType::NullableNumber(_));
    Ok(match (result.number(), nullable) {
        (Some(Number::F64), true) => Arc::new(values.collect::<Float64Array>()),
        (Some(Number::F64), false) => {
            Arc::new(Float64Array::from_iter_values(values.map(|v| v.unwrap_or(f64::NAN))))
        }
        (Some(Number::F32), true) => {
            Arc::new(values.map(|v| v.map(|v| v as f32)).collect::<Float32Array>())
        }
        (Some(Number::F32), false) => {
            let narrow = values.map(|v| v.map_or(f32::NAN, |v| v as f32));
            Arc::new(Float32Array::from_iter_values(narrow))
        }
        _ => return Err(FrameError::NoKernel(format!("floating point numbers as {result}"))),
    })
}

/// Times of a dtype.
pub(super) fn times(values: Vec<Option<i64>>, result: &DType) -> Result<ArrayRef> {
    let nulls = NullBuffer::new(values.iter().map(Option::is_some).collect());
    let values: Vec<i64> = values.into_iter().map(Option::unwrap_or_default).collect();
    let ints: ArrayRef = Arc::new(Int64Array::new(
        values.into(),
        Some(nulls).filter(|nulls| nulls.null_count() > 0),
    ));
    retyped(&ints, result)
}

/// Whole ticks of a time: what is beyond is cut off, but rounding must not make a whole number the one before,
/// or answers would depend on how rows lie in partitions.
fn ticks(time: f64) -> i64 {
    let nearest = time.round();
    if (time - nearest).abs() <= 1e-9 * time.abs() { nearest as i64 } else { time as i64 }
}

/// Answers by moments: numbers, or times that are cut to whole units as pandas cuts them.
fn from_moments(
    states: &[ArrayRef],
    result: &DType,
    answer: impl Fn(&Moments) -> Option<f64>,
) -> Result<ArrayRef> {
    let moments = moments::read(states);
    let answers = moments.iter().map(answer);
    match result {
        DType::Timedelta(_) => times(answers.map(|v| v.map(ticks)).collect(), result),
        _ => numbers(answers, result),
    }
}

fn variance(moments: &Moments, ddof: u32) -> Option<f64> {
    let n = moments.n - i64::from(ddof);
    (n > 0).then(|| moments.powers[0] / n as f64)
}

/// Powers so small against the mean that they are but rounding errors of equal numbers.
fn is_constant(moments: &Moments) -> bool {
    let n = moments.n as f64;
    moments.powers[0] <= n * (moments.mean * f64::EPSILON).powi(2)
}

fn skewness(moments: &Moments) -> Option<f64> {
    let n = moments.n as f64;
    let [second, third, _] = moments.powers;
    if moments.n < 3 || is_constant(moments) {
        return None;
    }
    Some(n * (n - 1.0).sqrt() / (n - 2.0) * third / second.powf(1.5))
}

fn kurtosis(moments: &Moments) -> Option<f64> {
    let n = moments.n as f64;
    let [second, _, fourth] = moments.powers;
    if moments.n < 4 || is_constant(moments) {
        return None;
    }
    let adjustment = 3.0 * (n - 1.0).powi(2) / ((n - 2.0) * (n - 3.0));
    let numerator = n * (n + 1.0) * (n - 1.0) * fourth;
    Some(numerator / ((n - 2.0) * (n - 3.0) * second * second) - adjustment)
}
