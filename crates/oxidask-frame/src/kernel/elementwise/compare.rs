//! Comparisons: bits of truth, packed eight at a time.
//!
//! Missing values compare false, and `!=` true; where a nullable dtype takes part, they give null instead.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, StringViewArray};
use arrow_buffer::{BooleanBuffer, MutableBuffer, NullBuffer, ScalarBuffer};

use super::number::{Native, with_number};
use super::operand::{Operand, Values};
use super::{Binary, OperandType, binary_dtype, promote, times};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
use crate::kernel::column;
use crate::scalar::Scalar;

/// `left op right` for a comparison.
pub(super) fn compare(
    op: Binary,
    left: Operand<'_>,
    right: Operand<'_>,
    n_rows: usize,
) -> Result<ArrayRef> {
    let nullable = binary_dtype(op, left.kind(), right.kind())? == DType::NullableBool;
    let bits = truth(op, left, right, n_rows)?;
    if nullable {
        let known =
            NullBuffer::union(left.present(n_rows).as_ref(), right.present(n_rows).as_ref());
        return Ok(Arc::new(BooleanArray::new(bits, known)));
    }
    // NaN compares as it should by itself: only nulls need care.
    let nulls = NullBuffer::union(left.nulls(n_rows).as_ref(), right.nulls(n_rows).as_ref());
    let bits = match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => bits,
        Some(known) if op == Binary::Ne => &bits | &!known.inner(),
        Some(known) => &bits & known.inner(),
    };
    Ok(Arc::new(BooleanArray::new(bits, None)))
}

/// The bits of a comparison; what they are where a value is null is left open.
fn truth(
    op: Binary,
    left: Operand<'_>,
    right: Operand<'_>,
    n_rows: usize,
) -> Result<BooleanBuffer> {
    if left.is_missing() || right.is_missing() {
        return Ok(constant(op == Binary::Ne, n_rows));
    }
    let (Some(a), Some(b)) = (left.kind().dtype(), right.kind().dtype()) else {
        return Ok(constant(op == Binary::Ne, n_rows));
    };
    let is_number = |dtype: &DType| {
        dtype.number().is_some() || matches!(dtype, DType::Bool | DType::NullableBool)
    };
    match (&a, &b) {
        (DType::Category { .. }, _) => categories(op, left, right, n_rows),
        (_, DType::Category { .. }) => categories(op.mirrored(), right, left, n_rows),
        _ if is_number(&a) && is_number(&b) => Ok(numbers(op, left, right, n_rows)),
        (DType::Str, DType::Str) => words(op, left, right, n_rows),
        (DType::Datetime(_, a), DType::Datetime(_, b)) if a.is_some() != b.is_some() => {
            Ok(constant(op == Binary::Ne, n_rows))
        }
        (DType::Datetime(..), DType::Datetime(..)) | (DType::Timedelta(_), DType::Timedelta(_)) => {
            times::compared(op, left, right, n_rows)
        }
        (DType::Datetime(_, zone), DType::Str) => {
            let Operand::Scalar(Scalar::Str(text)) = right else {
                return Ok(constant(op == Binary::Ne, n_rows));
            };
            let value = times::of_text(text, zone.as_deref())?;
            truth(op, left, Operand::Scalar(&value), n_rows)
        }
        (DType::Str, DType::Datetime(..)) => truth(op.mirrored(), right, left, n_rows),
        // Values of different kinds are never equal.
        _ => Ok(constant(op == Binary::Ne, n_rows)),
    }
}

fn constant(value: bool, n_rows: usize) -> BooleanBuffer {
    if value { BooleanBuffer::new_set(n_rows) } else { BooleanBuffer::new_unset(n_rows) }
}

fn numbers(op: Binary, left: Operand<'_>, right: Operand<'_>, n_rows: usize) -> BooleanBuffer {
    let domain = match (left, right) {
        (Operand::Column(_, a), Operand::Column(_, b)) => match (a.number(), b.number()) {
            (Some(a), Some(b)) => exact(a, b),
            (one, other) => Some(one.or(other).unwrap_or(Number::U8)),
        },
        (Operand::Column(_, dtype), Operand::Scalar(value))
        | (Operand::Scalar(value), Operand::Column(_, dtype)) => beside(dtype.number(), value),
        (Operand::Scalar(_), Operand::Scalar(_)) => Some(Number::F64),
    };
    match domain {
        Some(number) => with_number!(number, T => {
            ordered(op, &left.numbers::<T>(), &right.numbers::<T>(), n_rows)
        }),
        None => {
            let (a, b) = (wide(left), wide(right));
            pack(n_rows, |row| holds(op, &a(row), &b(row)))
        }
    }
}

/// The dtype in which columns of two compare exactly; none if only wider integers do.
fn exact(a: Number, b: Number) -> Option<Number> {
    let common = promote::common(a, b);
    (common.is_float() == (a.is_float() || b.is_float())).then_some(common)
}

/// The dtype in which a column compares with a scalar.
fn beside(column: Option<Number>, value: &Scalar) -> Option<Number> {
    match (column, value) {
        (Some(number), Scalar::Float(_)) if !number.is_float() => Some(Number::F64),
        (Some(number), _) => promote::fits(value, number).then_some(number),
        (None, Scalar::Bool(_)) => Some(Number::U8),
        (None, Scalar::Float(_)) => Some(Number::F64),
        (None, Scalar::UInt(_)) => Some(Number::U64),
        (None, _) => Some(Number::I64),
    }
}

/// The integers of an operand, wide enough for all.
fn wide(operand: Operand<'_>) -> Box<dyn Fn(usize) -> i128> {
    let unsigned = match operand.kind() {
        OperandType::Column(dtype) => dtype.number().is_some_and(Number::is_unsigned),
        OperandType::Scalar(value) => matches!(value, Scalar::UInt(_)),
    };
    if unsigned {
        let values = operand.numbers::<u64>();
        Box::new(move |row| values.at(row).into())
    } else {
        let values = operand.numbers::<i64>();
        Box::new(move |row| values.at(row).into())
    }
}

#[inline]
fn holds<T: PartialOrd + ?Sized>(op: Binary, a: &T, b: &T) -> bool {
    match op {
        Binary::Eq => a == b,
        Binary::Ne => a != b,
        Binary::Lt => a < b,
        Binary::Le => a <= b,
        Binary::Gt => a > b,
        _ => a >= b,
    }
}

/// Compares values that have an order.
pub(super) fn ordered<T: Native>(
    op: Binary,
    a: &Values<T>,
    b: &Values<T>,
    n_rows: usize,
) -> BooleanBuffer {
    match op {
        Binary::Eq => packed(a, b, n_rows, |a, b| a == b),
        Binary::Ne => packed(a, b, n_rows, |a, b| a != b),
        Binary::Lt => packed(a, b, n_rows, |a, b| a < b),
        Binary::Le => packed(a, b, n_rows, |a, b| a <= b),
        Binary::Gt => packed(a, b, n_rows, |a, b| a > b),
        _ => packed(a, b, n_rows, |a, b| a >= b),
    }
}

fn packed<T: Native>(
    a: &Values<T>,
    b: &Values<T>,
    n_rows: usize,
    f: impl Fn(T, T) -> bool,
) -> BooleanBuffer {
    match (a, b) {
        (Values::Many(a), Values::Many(b)) => {
            let (a, b) = (&a[..n_rows], &b[..n_rows]);
            pack(n_rows, |row| f(a[row], b[row]))
        }
        (Values::Many(a), Values::One(b)) => pack_each(a, |a| f(a, *b)),
        (Values::One(a), Values::Many(b)) => pack_each(b, |b| f(*a, b)),
        (Values::One(a), Values::One(b)) => constant(f(*a, *b), n_rows),
    }
}

/// Bits of a test of each value. The compiler compares several at a time, since the bytes are apart.
pub(in crate::kernel) fn pack_each<T: Native>(
    values: &ScalarBuffer<T>,
    f: impl Fn(T) -> bool,
) -> BooleanBuffer {
    let mut bits = MutableBuffer::with_capacity(values.len().div_ceil(8) + 8);
    let chunks = values.chunks_exact(64);
    let rest = chunks.remainder();
    for chunk in chunks {
        let mut bytes = [0_u8; 64];
        for (byte, value) in bytes.iter_mut().zip(chunk) {
            *byte = u8::from(f(*value));
        }
        bits.push(gathered(&bytes));
    }
    let mut last = 0_u64;
    for (at, value) in rest.iter().enumerate() {
        last |= u64::from(f(*value)) << at;
    }
    bits.push(last);
    BooleanBuffer::new(bits.into(), 0, values.len())
}

/// Bits of a test of each row.
pub(in crate::kernel) fn pack(n_rows: usize, f: impl Fn(usize) -> bool) -> BooleanBuffer {
    let mut bits = MutableBuffer::with_capacity(n_rows.div_ceil(8) + 8);
    let n_full = n_rows / 64 * 64;
    for start in (0..n_full).step_by(64) {
        let mut bytes = [0_u8; 64];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from(f(start + at));
        }
        bits.push(gathered(&bytes));
    }
    let mut last = 0_u64;
    for row in n_full..n_rows {
        last |= u64::from(f(row)) << (row - n_full);
    }
    bits.push(last);
    BooleanBuffer::new(bits.into(), 0, n_rows)
}

/// 64 bytes of 0 or 1 as bits, the first lowest.
#[inline]
fn gathered(bytes: &[u8; 64]) -> u64 {
    let mut word = 0;
    for (at, eight) in bytes.chunks_exact(8).enumerate() {
        let mut lanes = [0; 8];
        lanes.copy_from_slice(eight);
        // The product moves bit 0 of byte i to bit 56 + i.
        let top = u64::from_le_bytes(lanes).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= top << (8 * at);
    }
    word
}

fn words(
    op: Binary,
    left: Operand<'_>,
    right: Operand<'_>,
    n_rows: usize,
) -> Result<BooleanBuffer> {
    Ok(match (left, right) {
        (Operand::Column(a, _), Operand::Column(b, _)) => {
            let (a, b) = (a.as_string_view(), b.as_string_view());
            pack(n_rows, |row| holds(op, text(a, row), text(b, row)))
        }
        (Operand::Column(a, _), Operand::Scalar(Scalar::Str(b))) => beside_word(op, a, b),
        (Operand::Scalar(Scalar::Str(a)), Operand::Column(b, _)) => {
            beside_word(op.mirrored(), b, a)
        }
        _ => return Err(FrameError::NoKernel("comparison of texts".into())),
    })
}

/// Bytes of a row: they compare as the characters do.
#[inline]
fn text(array: &StringViewArray, row: usize) -> &[u8] {
    array.value(row).as_bytes()
}

fn beside_word(op: Binary, column: &ArrayRef, word: &str) -> BooleanBuffer {
    let column = column.as_string_view();
    let equality = matches!(op, Binary::Eq | Binary::Ne);
    if !equality {
        return pack(column.len(), |row| holds(op, text(column, row), word.as_bytes()));
    }
    let wanted = op == Binary::Eq;
    let views = column.views();
    if let Ok(len) = u32::try_from(word.len()) {
        // Short texts lie within the view: length, then bytes, then zeros.
        let mut view = [0_u8; 16];
        view[..4].copy_from_slice(&len.to_le_bytes());
        let n_inline = word.len().min(if word.len() <= 12 { 12 } else { 4 });
        view[4..4 + n_inline].copy_from_slice(&word.as_bytes()[..n_inline]);
        let target = u128::from_le_bytes(view);
        if word.len() <= 12 {
            return pack(views.len(), |row| (views[row] == target) == wanted);
        }
        let head = target as u64;
        return pack(views.len(), |row| {
            (views[row] as u64 == head && text(column, row) == word.as_bytes()) == wanted
        });
    }
    constant(!wanted, column.len())
}

/// A column of categories beside anything else.
fn categories(
    op: Binary,
    column: Operand<'_>,
    other: Operand<'_>,
    n_rows: usize,
) -> Result<BooleanBuffer> {
    let Operand::Column(array, DType::Category { values: dtype, ordered }) = column else {
        return Err(FrameError::NoKernel("categories that are no column".into()));
    };
    let dictionary = array.as_dictionary::<Int32Type>();
    let values = dictionary.values();
    let equality = matches!(op, Binary::Eq | Binary::Ne);
    match other {
        Operand::Scalar(_) if equality => {
            let of_values = truth(op, Operand::Column(values, dtype), other, values.len())?;
            Ok(pack(n_rows, |row| {
                let code = dictionary.keys().value(row);
                usize::try_from(code)
                    .is_ok_and(|code| code < of_values.len() && of_values.value(code))
            }))
        }
        Operand::Scalar(_) => {
            let found = truth(Binary::Eq, Operand::Column(values, dtype), other, values.len())?;
            let Some(code) = found.set_indices().next() else {
                return Err(FrameError::Type(format!(
                    "{} with {}, which is none of the categories",
                    op.sign(),
                    other.kind().name()
                )));
            };
            let codes = Values::Many(dictionary.keys().values().clone());
            Ok(self::ordered(op, &codes, &Values::One(code as i32), n_rows))
        }
        Operand::Column(right, DType::Category { ordered: other_ordered, .. }) => {
            let right = right.as_dictionary::<Int32Type>();
            let same = values.to_data() == right.values().to_data();
            if !same || ordered != other_ordered {
                return Err(FrameError::NoKernel("comparison of other categories".into()));
            }
            let codes = |keys: &ScalarBuffer<i32>| Values::Many(keys.clone());
            let (a, b) = (codes(dictionary.keys().values()), codes(right.keys().values()));
            Ok(self::ordered(op, &a, &b, n_rows))
        }
        Operand::Column(..) if equality => {
            let positions = positions(dictionary.keys());
            let plain = column::take(values, &positions)?;
            truth(op, Operand::Column(&plain, dtype), other, n_rows)
        }
        Operand::Column(..) => {
            Err(FrameError::NoKernel("comparison of categories and a column".into()))
        }
    }
}

/// Codes as positions among the categories, null where the value is missing.
pub(super) fn positions(keys: &arrow_array::Int32Array) -> arrow_array::UInt32Array {
    keys.iter().map(|code| code.and_then(|code| u32::try_from(code).ok())).collect()
}
