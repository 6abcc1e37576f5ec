//! NumPy's order of elements: NaN and NaT last, complex numbers by real then imaginary part.
//!
//! Most dtypes map to integers of their own size whose order is the same (keys), and all but complex
//! numbers to words, which registers sort.

use std::cmp::Ordering;

use half::f16;
use num_complex::Complex;

use super::vector::{self, Doubles, Ints, Word};
use super::words;
use crate::dtype::{Bool, Element};

/// Elements that sort.
pub trait Sortable: Element {
    /// Integers that order alike.
    type Key: Copy + Ord + Send;

    /// What [`Sortable::word`] gives.
    type Word: Word;

    /// Whether elements are words, which sort fast.
    const HAS_WORDS: bool = true;

    /// The integer of an element; of equal rank for elements that are equal (all NaNs are).
    fn key(self) -> Self::Key;

    /// The element as a word; NaN is no word.
    fn word(self) -> i64;

    /// The element of a word.
    fn from_word(word: i64) -> Self;

    /// The order of two elements.
    fn order(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }

    /// Whether it is NaN.
    fn is_nan(&self) -> bool {
        false
    }

    /// Sorts elements; equal ones are alike but for zeros' signs and NaNs' bits.
    fn sort(lane: &mut [Self]) {
        if !Self::HAS_WORDS || lane.len() <= FEW {
            lane.sort_unstable_by_key(|x| x.key());
            return;
        }
        if let Some(words) = words::in_place(lane) {
            let n = words::made_in_place::<Self>(words);
            vector::sort::<Self::Word>(&mut words[..n]);
            words::unmade_in_place::<Self>(words);
            return;
        }
        let mut words = vec![0; lane.len()];
        let n = words::make(lane, &mut words);
        vector::sort::<Self::Word>(&mut words[..n]);
        words::unmake(&words, lane);
    }
}

/// Elements that are better sorted where they are.
const FEW: usize = 16;

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl Sortable for $ty {
            type Key = $ty;
            // Registers compare doubles faster than 64-bit integers.
            type Word = Doubles;

            fn key(self) -> $ty {
                self
            }

            fn word(self) -> i64 {
                f64::from(self).to_bits() as i64
            }

            fn from_word(word: i64) -> $ty {
                f64::from_bits(word as u64) as $ty
            }
        }
    )*};
}

integers!(i8, i16, i32, u8, u16, u32);

impl Sortable for i64 {
    type Key = i64;
    type Word = Ints;

    fn key(self) -> i64 {
        self
    }

    fn word(self) -> i64 {
        self
    }

    fn from_word(word: i64) -> i64 {
        word
    }
}

impl Sortable for u64 {
    type Key = u64;
    type Word = Ints;

    fn key(self) -> u64 {
        self
    }

    fn word(self) -> i64 {
        self as i64 ^ i64::MIN
    }

    fn from_word(word: i64) -> u64 {
        (word ^ i64::MIN) as u64
    }
}

impl Sortable for Bool {
    type Key = u8;
    type Word = Doubles;

    fn key(self) -> u8 {
        self.0
    }

    fn word(self) -> i64 {
        self.0.word()
    }

    fn from_word(word: i64) -> Self {
        Self(u8::from_word(word))
    }
}

macro_rules! floats {
    ($($ty:ty, $int:ty, $zero:expr, $narrow:expr);*) => {$(
        impl Sortable for $ty {
            type Key = $int;
            type Word = Doubles;

            fn key(self) -> $int {
                if self.is_nan() {
                    return <$int>::MAX;
                }
                // Minus zero is zero. Negative numbers order by their complement.
                let bits = (self + $zero).to_bits() as $int;
                bits ^ (((bits >> (<$int>::BITS - 1)) as $int) & <$int>::MAX)
            }

            fn word(self) -> i64 {
                f64::from(self).to_bits() as i64
            }

            fn from_word(word: i64) -> $ty {
                $narrow(f64::from_bits(word as u64))
            }

            fn is_nan(&self) -> bool {
                <$ty>::is_nan(*self)
            }
        }
    )*};
}

floats!(
    f16, i16, f16::ZERO, f16::from_f64;
    f32, i32, 0.0, |x| x as f32;
    f64, i64, 0.0, |x| x
);

macro_rules! complex {
    ($($ty:ty, $int:ty);*) => {$(
        impl Sortable for Complex<$ty> {
            type Key = (bool, bool, $int, $int);
            type Word = Ints;
            const HAS_WORDS: bool = false;

            fn key(self) -> Self::Key {
                // Numbers without NaN come first, then those with NaN as their imaginary part.
                let (re, im) = (self.re.is_nan(), self.im.is_nan());
                (re, im, self.re.key(), self.im.key())
            }

            fn word(self) -> i64 {
                unreachable!("complex numbers have no words")
            }

            fn from_word(_: i64) -> Self {
                unreachable!("complex numbers have no words")
            }

            fn is_nan(&self) -> bool {
                self.re.is_nan() || self.im.is_nan()
            }
        }
    )*};
}

complex!(f32, i32; f64, i64);

/// A time as `i64`: not-a-time, the smallest number, is last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Time(pub i64);

impl Element for Time {
    const DTYPE: crate::dtype::DType = crate::dtype::DType::I64;
}

impl Sortable for Time {
    type Key = u64;
    type Word = Ints;

    fn key(self) -> u64 {
        // Wraps not-a-time round to the largest number.
        ((self.0 as u64) ^ (1 << 63)).wrapping_sub(1)
    }

    fn word(self) -> i64 {
        self.0.wrapping_sub(1)
    }

    fn from_word(word: i64) -> Self {
        Self(word.wrapping_add(1))
    }

    fn is_nan(&self) -> bool {
        self.0 == i64::MIN
    }
}

/// Runs a body with `$T` bound to the [`Sortable`] type of a dtype.
#[macro_export]
macro_rules! dispatch_sortable {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::dtype::DType::Datetime(_) | $crate::dtype::DType::Timedelta(_) => {
                type $T = $crate::kernel::sort::order::Time;
                $body
            }
            other => $crate::dispatch!(other, $T => $body),
        }
    };
}
