//! Powers.
//!
//! Integers wrap around and refuse negative exponents.
#![expect(unsafe_code, reason = "a check over raw memory")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::{Div, Mul};

use super::arith::unsigned;
use super::drive::{Body, CheckFn, Loop, half_binary, versioned};
use super::guarded::{BLOCK, Real, pair_block, pair_blocks};
use crate::dispatch;
use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::math::power::Power;

pub(super) fn find(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => half_binary(f32::powf),
        DType::F32 => versioned::<Powers<f32>>(),
        DType::F64 => versioned::<Powers<f64>>(),
        // Signed ones have the same bits.
        _ => Loop {
            check: refusal(dtype),
            ..dispatch!(unsigned(dtype), T in [u8, u16, u32, u64] => versioned::<IntegerPowers<T>>(),
                else return None)
        },
    })
}

fn refusal(dtype: DType) -> Option<CheckFn> {
    dispatch!(dtype, T in [i8, i16, i32, i64] => Some(refuse_negative::<T>), else None)
}

/// A floating point type with square roots.
trait Root: Real + From<f32> + Mul<Output = Self> + Div<Output = Self> {
    /// The power of one half: zero has no sign, and that of negative infinity is infinity.
    fn root(self) -> Self;
}

impl Root for f64 {
    #[inline(always)]
    fn root(self) -> Self {
        if self == Self::NEG_INFINITY { Self::INFINITY } else { (self + 0.0).sqrt() }
    }
}

impl Root for f32 {
    #[inline(always)]
    fn root(self) -> Self {
        if self == Self::NEG_INFINITY { Self::INFINITY } else { (self + 0.0).sqrt() }
    }
}

struct Powers<T>(PhantomData<T>);

impl<T: Root> Body for Powers<T> {
    const ARGS: &'static [usize] = &[size_of::<T>(); 2];
    const OUTS: &'static [usize] = &[size_of::<T>()];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        // SAFETY: all have `n` elements, and the output is none of the arguments.
        for (x, y, out) in unsafe { pair_blocks::<T>(args, outs, n) } {
            let same = y.iter().fold(true, |same, exponent| same & (*exponent == y[0]));
            if !same || !by_products(x, y[0], out) {
                pair_block::<Power, T, FMA>(x, y, out);
            }
        }
    }
}

#[inline(always)]
fn map<T: Root>(x: &[T], out: &mut [MaybeUninit<T>], f: impl Fn(T) -> T) {
    for (out, x) in out.iter_mut().zip(x) {
        out.write(f(*x));
    }
}

/// Powers of which a few products make better work. Says whether the exponent is such a one.
#[inline(always)]
fn by_products<T: Root>(x: &[T], exponent: T, out: &mut [MaybeUninit<T>]) -> bool {
    let is = |value: f32| exponent == T::from(value);
    let one = T::from(1.0);
    if is(2.0) {
        map(x, out, |x| x * x);
    } else if is(0.5) {
        map(x, out, T::root);
    } else if is(3.0) {
        map(x, out, |x| x * x * x);
    } else if is(4.0) {
        map(x, out, |x| (x * x) * (x * x));
    } else if is(-1.0) {
        map(x, out, |x| one / x);
    } else if is(1.0) {
        map(x, out, |x| x);
    } else if is(0.0) {
        map(x, out, |_| one);
    } else {
        return false;
    }
    true
}

/// # Safety
/// The second argument has `n` elements.
unsafe fn refuse_negative<T: PartialOrd + Default>(args: &[*const u8], n: usize) -> Result<()> {
    // SAFETY: the caller's promise.
    let exponents = unsafe { std::slice::from_raw_parts(args[1].cast::<T>(), n) };
    let zero = T::default();
    if exponents.iter().fold(false, |any, exponent| any | (*exponent < zero)) {
        return Err(ArrayError::Value(
            "Integers to negative integer powers are not allowed.".into(),
        ));
    }
    Ok(())
}

/// An unsigned integer.
trait WrappingPower: Copy + PartialEq + Default {
    /// The product, wrapped around.
    fn times(self, other: Self) -> Self;
    /// The lowest bit, and the others.
    fn split_bit(self) -> (bool, Self);
    fn one() -> Self;

    /// By repeated squaring; the bits of the exponent, lowest first, say which squares count.
    #[inline(always)]
    fn wrapping_power(self, exponent: Self) -> Self {
        let (mut base, mut left, mut result) = (self, exponent, Self::one());
        while left != Self::default() {
            let (counts, rest) = left.split_bit();
            if counts {
                result = result.times(base);
            }
            base = base.times(base);
            left = rest;
        }
        result
    }
}

macro_rules! power {
    ($($t:ty)*) => { $(impl WrappingPower for $t {
        #[inline(always)]
        fn times(self, other: Self) -> Self {
            self.wrapping_mul(other)
        }

        #[inline(always)]
        fn split_bit(self) -> (bool, Self) {
            (self & 1 != 0, self >> 1)
        }

        #[inline(always)]
        fn one() -> Self {
            1
        }
    })* };
}

power!(u8 u16 u32 u64);

struct IntegerPowers<T>(PhantomData<T>);

impl<T: WrappingPower> Body for IntegerPowers<T> {
    const ARGS: &'static [usize] = &[size_of::<T>(); 2];
    const OUTS: &'static [usize] = &[size_of::<T>()];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        // SAFETY: all have `n` elements, and the output is none of the arguments.
        for (x, y, out) in unsafe { pair_blocks::<T>(args, outs, n) } {
            let same = y.iter().fold(true, |same, exponent| same & (*exponent == y[0]));
            if same {
                one_power(x, y[0], out);
            } else {
                for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
                    out.write(x.wrapping_power(*y));
                }
            }
        }
    }
}

/// The same power of a block: all squares at once.
#[inline(always)]
fn one_power<T: WrappingPower>(x: &[T], exponent: T, out: &mut [MaybeUninit<T>]) {
    let (mut base, mut result) = ([T::default(); BLOCK], [T::one(); BLOCK]);
    base[..x.len()].copy_from_slice(x);
    let mut left = exponent;
    while left != T::default() {
        let (counts, rest) = left.split_bit();
        if counts {
            for (result, base) in result.iter_mut().zip(&base) {
                *result = result.times(*base);
            }
        }
        for base in &mut base {
            *base = base.times(*base);
        }
        left = rest;
    }
    for (out, result) in out.iter_mut().zip(result) {
        out.write(result);
    }
}
