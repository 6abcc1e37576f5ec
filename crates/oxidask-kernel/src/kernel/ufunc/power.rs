//! Powers.
//!
//! Integers wrap around and refuse negative exponents.
#![expect(unsafe_code, reason = "a check over raw memory")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::{Div, Mul};

use super::drive::{Body, Loop, binary, half_binary, versioned};
use super::guarded::{BLOCK, Real, pair_block};
use crate::dispatch;
use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::math::power::Power;

pub(super) fn find(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => half_binary(f32::powf),
        DType::F32 => versioned::<Powers<f32>>(),
        DType::F64 => versioned::<Powers<f64>>(),
        _ => dispatch!(dtype, T in [u8, u16, u32, u64] => binary(|a: T, b: T| a.wrapping_power(b)),
            else dispatch!(dtype, T in [i8, i16, i32, i64] => Loop {
                check: Some(refuse_negative::<T>),
                ..binary(|a: T, b: T| a.wrapping_power(b))
            }, else return None)),
    })
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
        let (x, y, out) = (args[0].cast::<T>(), args[1].cast::<T>(), outs[0].cast::<T>());
        let mut at = 0;
        while at < n {
            let len = BLOCK.min(n - at);
            // SAFETY: all have `n` elements, and the output is none of the arguments.
            let (x, y, out) = unsafe {
                let out = out.add(at).cast::<MaybeUninit<T>>();
                (
                    std::slice::from_raw_parts(x.add(at), len),
                    std::slice::from_raw_parts(y.add(at), len),
                    std::slice::from_raw_parts_mut(out, len),
                )
            };
            let same = y.iter().fold(true, |same, exponent| same & (*exponent == y[0]));
            if !same || !by_products(x, y[0], out) {
                pair_block::<Power, T, FMA>(x, y, out);
            }
            at += len;
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

trait WrappingPower: Copy {
    fn wrapping_power(self, exponent: Self) -> Self;
}

macro_rules! power {
    ($($t:ty)*) => { $(impl WrappingPower for $t {
        /// By repeated squaring; the bits of the exponent, lowest first, say which squares count.
        fn wrapping_power(self, exponent: Self) -> Self {
            let (mut base, mut left, mut result) = (self, exponent, 1);
            while left != 0 {
                if left & 1 != 0 {
                    result = Self::wrapping_mul(result, base);
                }
                base = base.wrapping_mul(base);
                left >>= 1;
            }
            result
        }
    })* };
}

power!(u8 u16 u32 u64 i8 i16 i32 i64);
