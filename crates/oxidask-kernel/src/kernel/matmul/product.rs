//! The product of two strided matrices into a row-major one: through faer for floating point, by a
//! plain loop over rows for integers and booleans.
#![expect(unsafe_code, reason = "matrices as views of strided memory")]

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use num_complex::Complex;

use crate::dtype::{Bool, Element};

/// A strided matrix; strides count elements.
pub struct Matrix<T> {
    /// The first element.
    pub start: *const T,
    /// Rows and columns.
    pub n: [usize; 2],
    /// Distances between rows and between columns.
    pub strides: [isize; 2],
}

/// Elements of which matrix products are.
pub trait Product: Element {
    /// Whether the rows of the right operand must be dense.
    const DENSE_RIGHT: bool;

    /// `target = a @ b`, or `target += a @ b`. The target is row-major and dense.
    ///
    /// # Safety
    /// The matrices must be valid for reads, the target for writes, and nobody else may use it.
    unsafe fn product(target: *mut Self, a: &Matrix<Self>, b: &Matrix<Self>, add: bool);

    /// The sum of two elements.
    fn plus(self, other: Self) -> Self;
}

macro_rules! through_faer {
    ($($ty:ty: $one:expr),*) => {$(
        impl Product for $ty {
            const DENSE_RIGHT: bool = false;

            unsafe fn product(target: *mut Self, a: &Matrix<Self>, b: &Matrix<Self>, add: bool) {
                let ([m, k], n) = (a.n, b.n[1]);
                // SAFETY: the caller's views, in faer's words.
                let (out, a, b) = unsafe {
                    (
                        MatMut::from_raw_parts_mut(target, m, n, n as isize, 1),
                        MatRef::from_raw_parts(a.start, m, k, a.strides[0], a.strides[1]),
                        MatRef::from_raw_parts(b.start, k, n, b.strides[0], b.strides[1]),
                    )
                };
                let accum = if add { Accum::Add } else { Accum::Replace };
                matmul(out, accum, a, b, $one, Par::Seq);
            }

            fn plus(self, other: Self) -> Self {
                self + other
            }
        }
    )*};
}

through_faer!(f32: 1.0, f64: 1.0, Complex<f32>: Complex::ONE, Complex<f64>: Complex::ONE);

/// Rows of the right operand that are reused while they are in the cache.
const STRIP: usize = 64;

macro_rules! by_rows {
    ($($ty:ty: $unit:expr, |$acc:ident, $x:ident, $y:ident| $body:expr),* $(,)?) => {$(
        impl Product for $ty {
            const DENSE_RIGHT: bool = true;

            unsafe fn product(target: *mut Self, a: &Matrix<Self>, b: &Matrix<Self>, add: bool) {
                let ([m, k], n) = (a.n, b.n[1]);
                // SAFETY: the caller's target.
                let out = unsafe { std::slice::from_raw_parts_mut(target, m * n) };
                if !add {
                    out.fill(Self::default());
                }
                for from in (0..k).step_by(STRIP) {
                    for (i, row) in out.chunks_exact_mut(n).enumerate() {
                        for j in from..k.min(from + STRIP) {
                            let at = i as isize * a.strides[0] + j as isize * a.strides[1];
                            // SAFETY: inside of the caller's views, whose rows are dense.
                            let ($x, right) = unsafe {
                                let right = b.start.offset(j as isize * b.strides[0]);
                                (*a.start.offset(at), std::slice::from_raw_parts(right, n))
                            };
                            for ($acc, &$y) in row.iter_mut().zip(right) {
                                *$acc = $body;
                            }
                        }
                    }
                }
            }

            fn plus(self, other: Self) -> Self {
                let ($acc, $x, $y): (&Self, Self, Self) = (&self, $unit, other);
                $body
            }
        }
    )*};
    ($($ty:ident)*) => {
        by_rows!($($ty: 1, |acc, x, y| acc.wrapping_add(x.wrapping_mul(y))),*);
    };
}

by_rows!(i8 i16 i32 i64 u8 u16 u32 u64);
by_rows!(Bool: Bool(1), |acc, x, y| Bool(acc.0 | (x.0 & y.0)));
