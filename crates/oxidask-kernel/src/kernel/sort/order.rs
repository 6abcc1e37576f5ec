//! NumPy's order of elements: NaN and NaT last, complex numbers by real then imaginary part.
//!
//! Most dtypes map to integers of their own size whose order is the same, so that sorts run on
//! integers.

use std::cmp::Ordering;

use half::f16;
use num_complex::Complex;

use crate::dtype::{Bool, Element};

/// Elements that sort.
pub trait Sortable: Element {
    /// Integers that order alike.
    type Key: Copy + Ord + Send;

    /// The integer of an element; of equal rank for elements that are equal (all NaNs are).
    fn key(self) -> Self::Key;

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
        lane.sort_unstable_by_key(|x| x.key());
    }

    /// Sorts elements that come in sorted runs of these lengths.
    fn merge(lane: &mut [Self], lengths: &[usize]) {
        let _ = lengths;
        // The standard library's stable sort finds the runs and merges them.
        lane.sort_by_key(|x| x.key());
    }
}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl Sortable for $ty {
            type Key = $ty;

            fn key(self) -> $ty {
                self
            }

            fn sort(lane: &mut [Self]) {
                lane.sort_unstable();
            }
        }
    )*};
}

integers!(i8, i16, u8, u16, u64);

macro_rules! widened {
    ($($ty:ty),*) => {$(
        impl Sortable for $ty {
            type Key = $ty;

            fn key(self) -> $ty {
                self
            }

            fn sort(lane: &mut [Self]) {
                widened(lane, |x| i64::from(x), |x| x as $ty, super::vector::sort);
            }

            fn merge(lane: &mut [Self], lengths: &[usize]) {
                let merge = |wide: &mut [i64]| super::vector::merge(wide, lengths);
                widened(lane, |x| i64::from(x), |x| x as $ty, merge);
            }
        }
    )*};
}

widened!(i32, u32);

/// Puts 64-bit integers of the same order into order, which vector registers do many times faster
/// than the standard library sorts 32-bit ones.
fn widened<T: Copy>(
    lane: &mut [T],
    widen: impl Fn(T) -> i64,
    narrow: impl Fn(i64) -> T,
    order: impl Fn(&mut [i64]),
) {
    let mut wide: Vec<i64> = lane.iter().map(|&x| widen(x)).collect();
    order(&mut wide);
    lane.iter_mut().zip(wide).for_each(|(x, y)| *x = narrow(y));
}

/// The integer of the double of the same value; any NaN is above all numbers.
fn widened_single(x: f32) -> i64 {
    if f32::is_nan(x) { i64::MAX } else { flip(f64::from(x).to_bits() as i64) }
}

fn narrowed_single(wide: i64) -> f32 {
    if wide == i64::MAX { f32::NAN } else { f64::from_bits(flip(wide) as u64) as f32 }
}

impl Sortable for i64 {
    type Key = i64;

    fn key(self) -> i64 {
        self
    }

    fn sort(lane: &mut [Self]) {
        super::vector::sort(lane);
    }

    fn merge(lane: &mut [Self], lengths: &[usize]) {
        super::vector::merge(lane, lengths);
    }
}

impl Sortable for Bool {
    type Key = u8;

    fn key(self) -> u8 {
        self.0
    }
}

macro_rules! floats {
    ($($ty:ty, $int:ty, $zero:expr $(, $sort:item)*);*) => {$(
        impl Sortable for $ty {
            type Key = $int;

            fn key(self) -> $int {
                if self.is_nan() {
                    return <$int>::MAX;
                }
                // Minus zero is zero. Negative numbers order by their complement.
                let bits = (self + $zero).to_bits() as $int;
                bits ^ (((bits >> (<$int>::BITS - 1)) as $int) & <$int>::MAX)
            }

            fn is_nan(&self) -> bool {
                <$ty>::is_nan(*self)
            }

            $($sort)*
        }
    )*};
}

floats!(f16, i16, f16::ZERO; f32, i32, 0.0, fn sort(lane: &mut [Self]) {
    widened(lane, widened_single, narrowed_single, super::vector::sort);
}, fn merge(lane: &mut [Self], lengths: &[usize]) {
    let merge = |wide: &mut [i64]| super::vector::merge(wide, lengths);
    widened(lane, widened_single, narrowed_single, merge);
}; f64, i64, 0.0, fn sort(lane: &mut [Self]) {
    // NaNs go last; the others sort as integers, in their own memory.
    let has_nan = lane.iter().filter(|x| f64::is_nan(**x)).count() > 0;
    let mut n = lane.len();
    let mut at = if has_nan { 0 } else { n };
    while at < n {
        if f64::is_nan(lane[at]) {
            n -= 1;
            lane.swap(at, n);
        } else {
            at += 1;
        }
    }
    let integers = as_integers(&mut lane[..n]);
    integers.iter_mut().for_each(|bits| *bits = flip(*bits));
    super::vector::sort(integers);
    integers.iter_mut().for_each(|bits| *bits = flip(*bits));
}, fn merge(lane: &mut [Self], lengths: &[usize]) {
    // With one NaN for all, its bits order after those of any number.
    lane.iter_mut().filter(|x| f64::is_nan(**x)).for_each(|x| *x = f64::from_bits(0x7ff8 << 48));
    let integers = as_integers(lane);
    integers.iter_mut().for_each(|bits| *bits = flip(*bits));
    super::vector::merge(integers, lengths);
    integers.iter_mut().for_each(|bits| *bits = flip(*bits));
});

/// Bits of a floating point number as an integer of the same order, and back.
fn flip(bits: i64) -> i64 {
    // Not `bits >> 63`: vectors of 64-bit integers shift in no sign.
    let sign = ((bits as u64) >> 63).wrapping_neg() as i64;
    bits ^ (sign & i64::MAX)
}

/// The bits of floating point numbers.
fn as_integers(lane: &mut [f64]) -> &mut [i64] {
    #[expect(unsafe_code, reason = "plain data of one size")]
    // SAFETY: both types have the same size and alignment, and any bits are valid for both.
    unsafe {
        std::slice::from_raw_parts_mut(lane.as_mut_ptr().cast(), lane.len())
    }
}

macro_rules! complex {
    ($($ty:ty, $int:ty);*) => {$(
        impl Sortable for Complex<$ty> {
            type Key = (bool, bool, $int, $int);

            fn key(self) -> Self::Key {
                // Numbers without NaN come first, then those with NaN as their imaginary part.
                let (re, im) = (self.re.is_nan(), self.im.is_nan());
                (re, im, self.re.key(), self.im.key())
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

    fn key(self) -> u64 {
        // Wraps not-a-time round to the largest number.
        ((self.0 as u64) ^ (1 << 63)).wrapping_sub(1)
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
