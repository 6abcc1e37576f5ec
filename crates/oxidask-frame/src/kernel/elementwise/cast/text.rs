//! Casts from text and to it.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray};
use arrow_buffer::NullBuffer;

use super::super::number::{self, Native, with_number};
use super::super::operand::numbers_as;
use super::super::times;
use crate::dtype::{DType, Number, Unit};
use crate::error::{FrameError, Result};
use crate::kernel::{calendar, column};

/// Numbers as Python writes them.
pub(super) fn of_numbers(array: &ArrayRef, from: &DType) -> Result<ArrayRef> {
    let known = column::present(array);
    let mut built = StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    let Some(number) = from.number() else {
        let bits = array.as_boolean().values();
        let words = (0..array.len()).map(|row| {
            let is_known = known.as_ref().is_none_or(|known| known.is_valid(row));
            is_known.then(|| if bits.value(row) { "True" } else { "False" })
        });
        return Ok(Arc::new(words.collect::<StringViewArray>()));
    };
    with_number!(number, T => {
        for (row, value) in numbers_as::<T>(array).iter().enumerate() {
            if known.as_ref().is_some_and(|known| known.is_null(row)) {
                built.append_null();
                continue;
            }
            text.clear();
            if T::IS_FLOAT {
                write_float(&mut text, value.to_f64());
            } else {
                // Writing to a string can't fail.
                let _ = write!(text, "{value:?}");
            }
            built.append_value(&text);
        }
    });
    Ok(Arc::new(built.finish()))
}

/// A number as Python's `repr` has it: as few digits as tell it from its neighbours.
pub(in crate::kernel) fn write_float(text: &mut String, value: f64) {
    if value.is_infinite() {
        text.push_str(if value > 0.0 { "inf" } else { "-inf" });
        return;
    }
    let start = text.len();
    let _ = write!(text, "{value:?}");
    // Rust writes 1e-5 where Python writes 1e-05, and 1e16 for 1e+16.
    if let Some(at) = text[start..].find('e') {
        let exponent = text.split_off(start + at + 1);
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent.as_str()),
        };
        let _ = write!(text, "{sign}{digits:0>2}");
    }
}

/// Text as numbers. What isn't plainly one is left to pandas, which knows what to say about it.
pub(super) fn to_numbers(array: &ArrayRef, to: &DType) -> Result<ArrayRef> {
    let texts = array.as_string_view();
    let nullable = matches!(to, DType::NullableNumber(_));
    let Some(number) = to.number() else {
        return Err(FrameError::NoKernel(format!("a cast of str to {to}")));
    };
    if texts.null_count() > 0 && !nullable && !number.is_float() {
        return Err(FrameError::Value("cannot convert float NaN to integer".into()));
    }
    let unread = |text: &str| FrameError::NoKernel(format!("'{text}' as {to}"));
    with_number!(number, T => {
        let mut values = Vec::with_capacity(texts.len());
        for text in texts {
            values.push(match text {
                None => T::MISSING,
                Some(text) => read::<T>(text, number).ok_or_else(|| unread(text))?,
            });
        }
        let known = if nullable { texts.nulls().cloned() } else { None };
        Ok(number::array::<T>(values.into(), known))
    })
}

fn read<T: Native>(text: &str, number: Number) -> Option<T> {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if number.is_float() {
        let plain = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
        return if plain { text.parse().ok().map(T::of_f64) } else { None };
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i128 = text.parse().ok()?;
    let there = if value < 0 {
        T::of_i64(i64::try_from(value).ok()?)
    } else {
        T::of_u64(u64::try_from(value).ok()?)
    };
    let back = if number == Number::U64 {
        i128::from(there.to_i64_wrapping() as u64)
    } else {
        i128::from(there.to_i64_wrapping())
    };
    (back == value).then_some(there)
}

/// Text of ISO 8601 as times. pandas takes the first as the pattern of all: so must they be alike.
pub(super) fn to_datetime(array: &ArrayRef, unit: Unit) -> Result<ArrayRef> {
    let texts = array.as_string_view();
    let dtype = DType::Datetime(unit, None);
    let mut pattern = None;
    let mut ticks = Vec::with_capacity(texts.len());
    for text in texts {
        let Some(text) = text else {
            ticks.push(0);
            continue;
        };
        let unread = || FrameError::NoKernel(format!("'{text}' as {dtype}"));
        let instant = calendar::parse_iso(text).ok_or_else(unread)?;
        if *pattern.get_or_insert(text.len()) != text.len() {
            return Err(unread());
        }
        let fraction = i64::from(instant.nanos) / (1_000_000_000 / unit.per_second());
        let value = instant.seconds.checked_mul(unit.per_second());
        ticks.push(value.and_then(|value| value.checked_add(fraction)).ok_or_else(unread)?);
    }
    let known = texts.nulls().map(|nulls| NullBuffer::new(nulls.inner().clone()));
    Ok(times::of_ticks(ticks.into(), known, &dtype))
}
