//! From the function of one element to a loop over memory, in versions for several processors.
//!
//! A loop that matters is compiled three times from one generic body: for the processors of today
//! (AVX-512), for those since 2013 (AVX2 with fused multiply-add) and for any. Which one runs is
//! found out once. Rare loops exist only in the version for any processor.
#![expect(unsafe_code, reason = "loops over raw memory, in versions for several processors")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use half::f16;

use crate::error::Result;
use crate::kernel::processor::{Level, level};

/// Contiguous, aligned arrays of `n` elements of the loop's dtypes. An output may be one of the
/// arguments (the whole of it), if its elements have the same size.
pub type LoopFn = unsafe fn(args: &[*const u8], outs: &[*mut u8], n: usize);

/// Looks at the arguments before the loop runs.
pub type CheckFn = unsafe fn(args: &[*const u8], n: usize) -> Result<()>;

/// A loop.
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    /// Computes.
    pub function: LoopFn,
    /// Refuses values that have no result. To be called first, where there is one.
    pub check: Option<CheckFn>,
}

impl Loop {
    pub(crate) const fn new(function: LoopFn) -> Self {
        Self { function, check: None }
    }

    /// Checks and computes.
    ///
    /// # Errors
    /// If there is no result for some values, such as an integer to a negative integer power.
    ///
    /// # Safety
    /// As [`LoopFn`] says: as many pointers as the function has operands and outputs, each to `n`
    /// elements of the loop's dtype.
    pub unsafe fn run(&self, args: &[*const u8], outs: &[*mut u8], n: usize) -> Result<()> {
        if let Some(check) = self.check {
            // SAFETY: the caller's promise.
            unsafe { check(args, n)? };
        }
        // SAFETY: the caller's promise.
        unsafe { (self.function)(args, outs, n) };
        Ok(())
    }
}

/// Whether the version for any processor has fused multiply-add.
const BASE_FMA: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// The body of a loop, compiled into each version. Its outputs are none of its arguments.
pub(crate) trait Body {
    /// Bytes of the elements of each argument.
    const ARGS: &'static [usize];
    /// Bytes of the elements of each output.
    const OUTS: &'static [usize];

    /// Computes `n` elements. `FMA`: there is an instruction for fused multiply-add.
    ///
    /// # Safety
    /// As [`LoopFn`], but no output is an argument.
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize);
}

/// Bytes of each output that are computed at once if it is one of the arguments.
const SCRATCH: usize = 2048;

/// Runs a loop an output of which is one of its arguments: piece by piece through memory of its own,
/// because a body may read its arguments again, and vectorises best without such knots.
#[cold]
#[inline(never)]
unsafe fn in_place(
    function: LoopFn,
    sizes: (&[usize], &[usize]),
    args: &[*const u8],
    outs: &[*mut u8],
    n: usize,
) {
    let mut scratch = [MaybeUninit::<[u64; SCRATCH / 8]>::uninit(); 2];
    let step = SCRATCH / 16;
    for at in (0..n).step_by(step) {
        let len = step.min(n - at);
        let mut from = [std::ptr::null(); 3];
        for (i, size) in sizes.0.iter().enumerate() {
            // SAFETY: `at` is below the arguments' `n`.
            from[i] = unsafe { args[i].add(at * size) };
        }
        let mut to = [std::ptr::null_mut(); 2];
        for i in 0..sizes.1.len() {
            to[i] = scratch[i].as_mut_ptr().cast::<u8>();
        }
        // SAFETY: the pointers have `len` elements each; scratch is no argument, and is large
        // enough for `step` elements of 16 bytes.
        unsafe { function(&from[..sizes.0.len()], &to[..sizes.1.len()], len) };
        for (i, size) in sizes.1.iter().enumerate() {
            // SAFETY: the loop wrote `len` elements, and there are as many at `at`.
            unsafe { to[i].copy_to_nonoverlapping(outs[i].add(at * size), len * size) };
        }
    }
}

/// Whether an output is one of the arguments. Few of either: no loop is worth its code.
#[inline(never)]
fn is_in_place(args: &[*const u8], outs: &[*mut u8]) -> bool {
    outs.iter().any(|out| args.contains(&out.cast_const()))
}

/// Runs a body, or the loop that it is the body of on memory apart.
#[inline(always)]
unsafe fn drive<B: Body, const FMA: bool>(
    function: LoopFn,
    args: &[*const u8],
    outs: &[*mut u8],
    n: usize,
) {
    const { assert!(B::ARGS.len() <= 3 && B::OUTS.len() <= 2, "more operands than loops have") };
    if is_in_place(args, outs) {
        // SAFETY: the caller's promise.
        unsafe { in_place(function, (B::ARGS, B::OUTS), args, outs, n) }
    } else {
        // SAFETY: the caller's promise, and no output is an argument.
        unsafe { B::run::<FMA>(args, outs, n) }
    }
}

unsafe fn base<B: Body>(args: &[*const u8], outs: &[*mut u8], n: usize) {
    // SAFETY: the caller's promise.
    unsafe { drive::<B, BASE_FMA>(base::<B>, args, outs, n) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt")]
unsafe fn avx2<B: Body>(args: &[*const u8], outs: &[*mut u8], n: usize) {
    // SAFETY: the caller's promise.
    unsafe { drive::<B, true>(avx2::<B>, args, outs, n) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt"
)]
unsafe fn avx512<B: Body>(args: &[*const u8], outs: &[*mut u8], n: usize) {
    // SAFETY: the caller's promise.
    unsafe { drive::<B, true>(avx512::<B>, args, outs, n) }
}

/// The version of a body for any processor.
pub(crate) fn plain<B: Body>() -> Loop {
    Loop::new(base::<B>)
}

/// The version of a body for this processor.
pub(crate) fn versioned<B: Body>() -> Loop {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => Loop::new(avx512::<B>),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => Loop::new(avx2::<B>),
        _ => plain::<B>(),
    }
}

/// A closure that captures nothing, from nothing but its type.
#[inline(always)]
fn conjured<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0, "a loop's function captures nothing") };
    // SAFETY: a value without size is read from no memory; the type has values, because the
    // constructor of the loop was given one.
    unsafe { NonNull::<F>::dangling().read() }
}

struct Unary<A, O, F>(PhantomData<(A, O, F)>);

impl<A: Copy, O: Copy, F: Fn(A) -> O + Copy> Body for Unary<A, O, F> {
    const ARGS: &'static [usize] = &[size_of::<A>()];
    const OUTS: &'static [usize] = &[size_of::<O>()];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        let f = conjured::<F>();
        let (a, out) = (args[0].cast::<A>(), outs[0].cast::<O>());
        for i in 0..n {
            // SAFETY: both have `n` elements.
            unsafe { out.add(i).write(f(a.add(i).read())) };
        }
    }
}

struct Binary<A, B, O, F>(PhantomData<(A, B, O, F)>);

impl<A: Copy, B: Copy, O: Copy, F: Fn(A, B) -> O + Copy> Body for Binary<A, B, O, F> {
    const ARGS: &'static [usize] = &[size_of::<A>(), size_of::<B>()];
    const OUTS: &'static [usize] = &[size_of::<O>()];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        let f = conjured::<F>();
        let (a, b, out) = (args[0].cast::<A>(), args[1].cast::<B>(), outs[0].cast::<O>());
        for i in 0..n {
            // SAFETY: all have `n` elements.
            unsafe { out.add(i).write(f(a.add(i).read(), b.add(i).read())) };
        }
    }
}

struct Ternary<A, B, O, F>(PhantomData<(A, B, O, F)>);

impl<A: Copy, B: Copy, O: Copy, F: Fn(A, B, B) -> O + Copy> Body for Ternary<A, B, O, F> {
    const ARGS: &'static [usize] = &[size_of::<A>(), size_of::<B>(), size_of::<B>()];
    const OUTS: &'static [usize] = &[size_of::<O>()];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        let f = conjured::<F>();
        let (a, b, c) = (args[0].cast::<A>(), args[1].cast::<B>(), args[2].cast::<B>());
        let out = outs[0].cast::<O>();
        for i in 0..n {
            // SAFETY: all have `n` elements.
            unsafe { out.add(i).write(f(a.add(i).read(), b.add(i).read(), c.add(i).read())) };
        }
    }
}

struct UnaryTwo<A, O, P, F>(PhantomData<(A, O, P, F)>);

impl<A: Copy, O: Copy, P: Copy, F: Fn(A) -> (O, P) + Copy> Body for UnaryTwo<A, O, P, F> {
    const ARGS: &'static [usize] = &[size_of::<A>()];
    const OUTS: &'static [usize] = &[size_of::<O>(), size_of::<P>()];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        let f = conjured::<F>();
        let a = args[0].cast::<A>();
        let (first, second) = (outs[0].cast::<O>(), outs[1].cast::<P>());
        for i in 0..n {
            // SAFETY: all have `n` elements.
            unsafe {
                let (o, p) = f(a.add(i).read());
                first.add(i).write(o);
                second.add(i).write(p);
            }
        }
    }
}

struct BinaryTwo<A, O, F>(PhantomData<(A, O, F)>);

impl<A: Copy, O: Copy, F: Fn(A, A) -> (O, O) + Copy> Body for BinaryTwo<A, O, F> {
    const ARGS: &'static [usize] = &[size_of::<A>(), size_of::<A>()];
    const OUTS: &'static [usize] = &[size_of::<O>(), size_of::<O>()];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        let f = conjured::<F>();
        let (a, b) = (args[0].cast::<A>(), args[1].cast::<A>());
        let (first, second) = (outs[0].cast::<O>(), outs[1].cast::<O>());
        for i in 0..n {
            // SAFETY: all have `n` elements.
            unsafe {
                let (o, p) = f(a.add(i).read(), b.add(i).read());
                first.add(i).write(o);
                second.add(i).write(p);
            }
        }
    }
}

/// A rare loop of one argument.
pub(crate) fn unary<A: Copy, O: Copy, F: Fn(A) -> O + Copy>(_: F) -> Loop {
    plain::<Unary<A, O, F>>()
}

/// A loop of one argument that matters.
pub(crate) fn fast_unary<A: Copy, O: Copy, F: Fn(A) -> O + Copy>(_: F) -> Loop {
    versioned::<Unary<A, O, F>>()
}

/// A rare loop of two arguments.
pub(crate) fn binary<A: Copy, B: Copy, O: Copy, F: Fn(A, B) -> O + Copy>(_: F) -> Loop {
    plain::<Binary<A, B, O, F>>()
}

/// A loop of two arguments that matters.
pub(crate) fn fast_binary<A: Copy, B: Copy, O: Copy, F: Fn(A, B) -> O + Copy>(_: F) -> Loop {
    versioned::<Binary<A, B, O, F>>()
}

/// A rare loop of three arguments, the latter two alike.
pub(crate) fn ternary<A: Copy, B: Copy, O: Copy, F: Fn(A, B, B) -> O + Copy>(_: F) -> Loop {
    plain::<Ternary<A, B, O, F>>()
}

/// A loop of three arguments, the latter two alike, that matters.
pub(crate) fn fast_ternary<A: Copy, B: Copy, O: Copy, F: Fn(A, B, B) -> O + Copy>(_: F) -> Loop {
    versioned::<Ternary<A, B, O, F>>()
}

/// A loop of one argument and two outputs.
pub(crate) fn unary_two<A: Copy, O: Copy, P: Copy, F: Fn(A) -> (O, P) + Copy>(_: F) -> Loop {
    plain::<UnaryTwo<A, O, P, F>>()
}

/// A loop of two arguments and two outputs.
pub(crate) fn binary_two<A: Copy, O: Copy, F: Fn(A, A) -> (O, O) + Copy>(_: F) -> Loop {
    plain::<BinaryTwo<A, O, F>>()
}

struct Half<F>(PhantomData<F>);

impl<F: Fn(f32) -> f32 + Copy> Body for Half<F> {
    const ARGS: &'static [usize] = &[2];
    const OUTS: &'static [usize] = &[2];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        let f = conjured::<F>();
        let (a, out) = (args[0].cast::<f16>(), outs[0].cast::<f16>());
        for i in 0..n {
            // SAFETY: both have `n` elements.
            unsafe { out.add(i).write(f16::from_f32(f(a.add(i).read().to_f32()))) };
        }
    }
}

struct HalfBinary<F>(PhantomData<F>);

impl<F: Fn(f32, f32) -> f32 + Copy> Body for HalfBinary<F> {
    const ARGS: &'static [usize] = &[2, 2];
    const OUTS: &'static [usize] = &[2];

    #[inline(always)]
    unsafe fn run<const FMA: bool>(args: &[*const u8], outs: &[*mut u8], n: usize) {
        let f = conjured::<F>();
        let (a, b) = (args[0].cast::<f16>(), args[1].cast::<f16>());
        let out = outs[0].cast::<f16>();
        for i in 0..n {
            // SAFETY: all have `n` elements.
            unsafe {
                let (x, y) = (a.add(i).read().to_f32(), b.add(i).read().to_f32());
                out.add(i).write(f16::from_f32(f(x, y)));
            }
        }
    }
}

/// A loop of one half-precision argument, computed in single precision.
pub(crate) fn half_unary<F: Fn(f32) -> f32 + Copy>(_: F) -> Loop {
    plain::<Half<F>>()
}

/// A loop of two half-precision arguments, computed in single precision.
pub(crate) fn half_binary<F: Fn(f32, f32) -> f32 + Copy>(_: F) -> Loop {
    plain::<HalfBinary<F>>()
}
