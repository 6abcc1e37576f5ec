//! Loops of functions that have a fast form for ordinary arguments.
//!
//! A block is computed without branches, whatever its numbers; if some were not ordinary (huge,
//! subnormal, infinite, NaN), these are computed again, one by one.
#![expect(unsafe_code, reason = "loops over raw memory")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use half::f16;

use super::drive::{Body, Loop, half_binary, plain, versioned};
use crate::dtype::DType;
use crate::kernel::math::{Function, PairFunction};

/// Elements of a block.
pub(super) const BLOCK: usize = 256;

/// The loop of a function of one number.
pub(super) fn one<F: Function>(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => plain::<Half<F>>(),
        DType::F32 => versioned::<One<F, f32>>(),
        DType::F64 => versioned::<One<F, f64>>(),
        _ => return None,
    })
}

/// The loop of a function of two numbers.
pub(super) fn pair<F: PairFunction>(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => half_binary(F::exact_single),
        DType::F32 => versioned::<Pair<F, f32>>(),
        DType::F64 => versioned::<Pair<F, f64>>(),
        _ => return None,
    })
}

/// A floating point type: which form of a function is its own.
pub(super) trait Real: Copy + PartialEq {
    fn is_ordinary<F: Function>(self) -> bool;
    fn fast<F: Function>(self) -> Self;
    fn exact<F: Function>(self) -> Self;
    fn fast_pair<F: PairFunction>(self, other: Self) -> (Self, bool);
    fn exact_pair<F: PairFunction>(self, other: Self) -> Self;
}

impl Real for f64 {
    #[inline(always)]
    fn is_ordinary<F: Function>(self) -> bool {
        F::is_ordinary(self)
    }

    #[inline(always)]
    fn fast<F: Function>(self) -> Self {
        F::fast(self)
    }

    fn exact<F: Function>(self) -> Self {
        F::exact(self)
    }

    #[inline(always)]
    fn fast_pair<F: PairFunction>(self, other: Self) -> (Self, bool) {
        F::fast(self, other)
    }

    fn exact_pair<F: PairFunction>(self, other: Self) -> Self {
        F::exact(self, other)
    }
}

impl Real for f32 {
    #[inline(always)]
    fn is_ordinary<F: Function>(self) -> bool {
        F::is_ordinary(self.into())
    }

    #[inline(always)]
    fn fast<F: Function>(self) -> Self {
        F::fast(self.into()) as Self
    }

    fn exact<F: Function>(self) -> Self {
        F::exact_single(self)
    }

    #[inline(always)]
    fn fast_pair<F: PairFunction>(self, other: Self) -> (Self, bool) {
        let (result, holds) = F::fast_single(self.into(), other.into());
        (result as Self, holds)
    }

    fn exact_pair<F: PairFunction>(self, other: Self) -> Self {
        F::exact_single(self, other)
    }
}

struct One<F, T>(PhantomData<(F, T)>);

impl<F: Function, T: Real> Body for One<F, T> {
    const ARGS: &'static [usize] = &[size_of::<T>()];
    const OUTS: &'static [usize] = &[size_of::<T>()];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        let (x, out) = (args[0].cast::<T>(), outs[0].cast::<MaybeUninit<T>>());
        // SAFETY: both have `n` elements, and the output is not the argument.
        let (x, out) =
            unsafe { (std::slice::from_raw_parts(x, n), std::slice::from_raw_parts_mut(out, n)) };
        for (x, out) in x.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
            let mut odd = !FMA;
            if FMA {
                for (x, out) in x.iter().zip(out.iter_mut()) {
                    odd |= !x.is_ordinary::<F>();
                    out.write(x.fast::<F>());
                }
            }
            if odd {
                for (x, out) in x.iter().zip(out) {
                    if !FMA || !x.is_ordinary::<F>() {
                        out.write(x.exact::<F>());
                    }
                }
            }
        }
    }
}

struct Half<F>(PhantomData<F>);

impl<F: Function> Body for Half<F> {
    const ARGS: &'static [usize] = &[2];
    const OUTS: &'static [usize] = &[2];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        let (x, out) = (args[0].cast::<f16>(), outs[0].cast::<f16>());
        for i in 0..n {
            // SAFETY: both have `n` elements.
            unsafe {
                let result = F::exact_single(x.add(i).read().to_f32());
                out.add(i).write(f16::from_f32(result));
            }
        }
    }
}

struct Pair<F, T>(PhantomData<(F, T)>);

impl<F: PairFunction, T: Real> Body for Pair<F, T> {
    const ARGS: &'static [usize] = &[size_of::<T>(); 2];
    const OUTS: &'static [usize] = &[size_of::<T>()];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        // SAFETY: all have `n` elements, and the output is none of the arguments.
        for (x, y, out) in unsafe { pair_blocks::<T>(args, outs, n) } {
            pair_block::<F, T, FMA>(x, y, out);
        }
    }
}

/// The blocks of two arguments and an output.
///
/// # Safety
/// All must have `n` elements of the type, and the output must be none of the arguments.
#[inline(always)]
pub(super) unsafe fn pair_blocks<'a, T: 'a>(
    args: &[*const u8],
    outs: &[*mut u8],
    n: usize,
) -> impl Iterator<Item = (&'a [T], &'a [T], &'a mut [MaybeUninit<T>])> {
    let (x, y) = (args[0].cast::<T>(), args[1].cast::<T>());
    let out = outs[0].cast::<MaybeUninit<T>>();
    // SAFETY: the caller's promise.
    let (x, y, out) = unsafe {
        (
            std::slice::from_raw_parts(x, n),
            std::slice::from_raw_parts(y, n),
            std::slice::from_raw_parts_mut(out, n),
        )
    };
    let blocks = x.chunks(BLOCK).zip(y.chunks(BLOCK)).zip(out.chunks_mut(BLOCK));
    blocks.map(|((x, y), out)| (x, y, out))
}

/// One block of a function of two numbers.
#[inline(always)]
pub(super) fn pair_block<F: PairFunction, T: Real, const FMA: bool>(
    x: &[T],
    y: &[T],
    out: &mut [MaybeUninit<T>],
) {
    let mut odd = !FMA;
    if FMA {
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            let (result, holds) = x.fast_pair::<F>(*y);
            odd |= !holds;
            out.write(result);
        }
    }
    if odd {
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            if !FMA || !x.fast_pair::<F>(*y).1 {
                out.write(x.exact_pair::<F>(*y));
            }
        }
    }
}
