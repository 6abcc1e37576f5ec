//! Integers in a range, each as likely as the others.
//!
//! D. Lemire, *Fast random integer generation in an interval*, ACM TOMACS 29, 2019: the upper half of
//! a word's product with the number of integers, drawn again where that would favour some.

use super::ars::Ars;
use super::key::Key;
use super::stream::Stream;
use crate::dtype::{Bool, DType};
use crate::error::{ArrayError, Result};

/// The integers `low, low + 1, ..., low + span`, in 64 bits that wrap around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegerRange {
    /// The lowest.
    pub low: u64,
    /// How many are above it.
    pub span: u64,
}

impl IntegerRange {
    /// The integers of `dtype` from `low` up to `high`, which is one of them if `endpoint`.
    ///
    /// # Errors
    /// If the range is empty or the dtype can't hold it, or it is no dtype of integers.
    pub fn new(low: i128, high: i128, endpoint: bool, dtype: DType) -> Result<Self> {
        let (least, most) = limits(dtype)?;
        let wrong = |text: String| Err(ArrayError::Value(text));
        if low < least {
            return wrong(format!("low is out of bounds for {dtype}: {low}"));
        }
        let last = if endpoint { high } else { high - 1 };
        if last > most {
            return wrong(format!("high is out of bounds for {dtype}: {high}"));
        }
        if low > last {
            let relation = if endpoint { ">" } else { ">=" };
            return wrong(format!("low {relation} high: low is {low} and high is {high}"));
        }
        Ok(Self { low: low as u64, span: (last - low) as u64 })
    }
}

/// The least and the greatest integer of a dtype.
fn limits(dtype: DType) -> Result<(i128, i128)> {
    Ok(match dtype {
        DType::Bool => (0, 1),
        DType::I8 => (i8::MIN.into(), i8::MAX.into()),
        DType::I16 => (i16::MIN.into(), i16::MAX.into()),
        DType::I32 => (i32::MIN.into(), i32::MAX.into()),
        DType::I64 => (i64::MIN.into(), i64::MAX.into()),
        DType::U8 => (0, u8::MAX.into()),
        DType::U16 => (0, u16::MAX.into()),
        DType::U32 => (0, u32::MAX.into()),
        DType::U64 => (0, u64::MAX.into()),
        _ => return Err(ArrayError::Type(format!("Unsupported dtype {dtype} for integers"))),
    })
}

/// An element of a dtype of integers.
pub trait Integer: Copy {
    /// The integer of these low bits.
    fn from_bits(bits: u64) -> Self;
}

macro_rules! integers {
    ($($ty:ty),*) => {
        $(impl Integer for $ty {
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                bits as Self
            }
        })*
    };
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Integer for Bool {
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        Self(bits as u8 & 1)
    }
}

/// Fills `out` with the elements `start..` of an array of integers, of which element `i` of the run
/// lies in `range(i)`.
pub fn fill_integers<T: Integer>(
    range: impl Fn(usize) -> IntegerRange,
    key: &Key,
    start: u64,
    out: &mut [T],
) {
    const PIECE: usize = 512;
    let generator = key.generator();
    let mut words = [0; PIECE];
    for (piece, out) in out.chunks_mut(PIECE).enumerate() {
        let from = piece * PIECE;
        let first = start.wrapping_add(from as u64);
        let words = &mut words[..out.len()];
        generator.words(first, words);
        for (i, (out, &mut word)) in out.iter_mut().zip(words).enumerate() {
            let range = range(from + i);
            let element = first.wrapping_add(i as u64);
            let above = below(range.span.wrapping_add(1), word, &generator, element);
            *out = T::from_bits(range.low.wrapping_add(above));
        }
    }
}

/// An integer below `n`, where 0 stands for 2^64, from the element's word.
#[inline(always)]
fn below(n: u64, word: u64, generator: &Ars, element: u64) -> u64 {
    if n == 0 {
        return word;
    }
    let product = u128::from(word) * u128::from(n);
    if product as u64 >= n {
        (product >> 64) as u64
    } else {
        below_slowly(n, product, generator, element)
    }
}

#[cold]
#[inline(never)]
fn below_slowly(n: u64, product: u128, generator: &Ars, element: u64) -> u64 {
    below_from(n, product, &mut Stream::of(generator, element))
}

fn below_from(n: u64, mut product: u128, stream: &mut Stream<'_>) -> u64 {
    // The first 2^64 mod n products of each value are the ones too many.
    let too_many = n.wrapping_neg() % n;
    while (product as u64) < too_many {
        product = u128::from(stream.word()) * u128::from(n);
    }
    (product >> 64) as u64
}

/// An integer below `n > 0` from a stream.
pub(super) fn draw_below(n: u64, stream: &mut Stream<'_>) -> u64 {
    let product = u128::from(stream.word()) * u128::from(n);
    below_from(n, product, stream)
}
