//! Loops of complex numbers.
//!
//! They compare by real parts first. A NaN in either part makes a number NaN.

use num_complex::Complex;

use super::Ufunc;
use super::drive::{Loop, binary, fast_binary, fast_unary, ternary, unary};
use super::float::Anatomy;
use crate::dtype::DType;
use crate::kernel::math::complex::ComplexMath;

pub(super) fn find(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    match dtype {
        DType::C64 => f32::loops(ufunc),
        DType::C128 => f64::loops(ufunc),
        _ => None,
    }
}

/// The parts' type.
trait Part {
    fn loops(ufunc: Ufunc) -> Option<Loop>;
    fn arithmetic(ufunc: Ufunc) -> Option<Loop>;
    fn elementary(ufunc: Ufunc) -> Option<Loop>;
    fn choices(ufunc: Ufunc) -> Option<Loop>;
    fn tests(ufunc: Ufunc) -> Option<Loop>;
}

macro_rules! part {
    ($t:ty) => {
        impl Part for $t {
            fn loops(ufunc: Ufunc) -> Option<Loop> {
                Self::arithmetic(ufunc)
                    .or_else(|| Self::tests(ufunc))
                    .or_else(|| Self::choices(ufunc))
                    .or_else(|| Self::elementary(ufunc))
            }

            fn arithmetic(ufunc: Ufunc) -> Option<Loop> {
                type C = Complex<$t>;
                Some(match ufunc {
                    Ufunc::Add => fast_binary(|a: C, b: C| a + b),
                    Ufunc::Subtract => fast_binary(|a: C, b: C| a - b),
                    Ufunc::Multiply => fast_binary(|a: C, b: C| a * b),
                    Ufunc::Square => fast_unary(|a: C| a * a),
                    Ufunc::TrueDivide => binary(|a: C, b: C| quotient!(a, b)),
                    Ufunc::Reciprocal => unary(|a: C| reciprocal!($t, a)),
                    Ufunc::Negative => fast_unary(|a: C| C::new(-a.re, -a.im)),
                    Ufunc::Conjugate => fast_unary(|a: C| C::new(a.re, -a.im)),
                    Ufunc::Absolute => unary(|a: C| a.re.hypot(a.im)),
                    Ufunc::Sign => unary(|a: C| sign!($t, a)),
                    Ufunc::Real => fast_unary(|a: C| a.re),
                    Ufunc::Imag => fast_unary(|a: C| a.im),
                    Ufunc::Angle => unary(|a: C| a.im.atan2(a.re)),
                    Ufunc::Rint => {
                        unary(|a: C| C::new(a.re.round_ties_even(), a.im.round_ties_even()))
                    }
                    Ufunc::NanToNum => unary(|a: C| C::new(a.re.without_nan(), a.im.without_nan())),
                    _ => return None,
                })
            }

            fn tests(ufunc: Ufunc) -> Option<Loop> {
                type C = Complex<$t>;
                Some(match ufunc {
                    Ufunc::Isfinite => unary(|a: C| u8::from(a.re.is_finite() && a.im.is_finite())),
                    Ufunc::Isinf => unary(|a: C| u8::from(a.re.is_infinite() || a.im.is_infinite())),
                    Ufunc::Isnan => unary(|a: C| u8::from(a.re.is_nan() || a.im.is_nan())),
                    Ufunc::Isreal => unary(|a: C| u8::from(a.im == 0.0)),
                    Ufunc::Iscomplex => unary(|a: C| u8::from(a.im != 0.0)),
                    Ufunc::LogicalNot => unary(|a: C| u8::from(!truth!(a))),
                    Ufunc::LogicalAnd => binary(|a: C, b: C| u8::from(truth!(a) & truth!(b))),
                    Ufunc::LogicalOr => binary(|a: C, b: C| u8::from(truth!(a) | truth!(b))),
                    Ufunc::LogicalXor => binary(|a: C, b: C| u8::from(truth!(a) ^ truth!(b))),
                    Ufunc::Equal => fast_binary(|a: C, b: C| u8::from((a.re == b.re) & (a.im == b.im))),
                    Ufunc::NotEqual => {
                        fast_binary(|a: C, b: C| u8::from((a.re != b.re) | (a.im != b.im)))
                    }
                    Ufunc::Less => binary(|a: C, b: C| u8::from(before!(a, b, <))),
                    Ufunc::LessEqual => binary(|a: C, b: C| u8::from(before!(a, b, <=))),
                    Ufunc::Greater => binary(|a: C, b: C| u8::from(before!(b, a, <))),
                    Ufunc::GreaterEqual => binary(|a: C, b: C| u8::from(before!(b, a, <=))),
                    _ => return None,
                })
            }

            fn choices(ufunc: Ufunc) -> Option<Loop> {
                type C = Complex<$t>;
                Some(match ufunc {
                    Ufunc::Maximum => {
                        binary(|a: C, b: C| if nan!(a) || before!(b, a, <=) { a } else { b })
                    }
                    Ufunc::Minimum => {
                        binary(|a: C, b: C| if nan!(a) || before!(a, b, <=) { a } else { b })
                    }
                    Ufunc::Fmax => {
                        binary(|a: C, b: C| if nan!(b) || before!(b, a, <=) { a } else { b })
                    }
                    Ufunc::Fmin => {
                        binary(|a: C, b: C| if nan!(b) || before!(a, b, <=) { a } else { b })
                    }
                    Ufunc::Clip => ternary(|x: C, low: C, high: C| {
                        let x = if nan!(x) || before!(low, x, <) { x } else { low };
                        if nan!(x) || before!(x, high, <) { x } else { high }
                    }),
                    _ => return None,
                })
            }

            fn elementary(ufunc: Ufunc) -> Option<Loop> {
                type C = Complex<$t>;
                Some(match ufunc {
                    Ufunc::Power | Ufunc::FloatPower => binary(|a: C, b: C| power!($t, a, b)),
                    Ufunc::Exp => unary(|a: C| a.c_exp()),
                    Ufunc::Exp2 => unary(|a: C| (a * <$t>::ln(2.0)).c_exp()),
                    Ufunc::Expm1 => unary(|a: C| {
                        // exp(x) cos(y) - 1, without cancellation.
                        let sine = (a.im / 2.0).sin();
                        let re = a.re.exp_m1() * a.im.cos() - 2.0 * sine * sine;
                        C::new(re, a.re.exp() * a.im.sin())
                    }),
                    Ufunc::Log => unary(|a: C| a.c_log()),
                    Ufunc::Log2 => unary(|a: C| scaled!(a.c_log(), <$t>::log2(std::f64::consts::E as $t))),
                    Ufunc::Log10 => {
                        unary(|a: C| scaled!(a.c_log(), <$t>::log10(std::f64::consts::E as $t)))
                    }
                    Ufunc::Log1p => unary(|a: C| {
                        let length = (a.re + 1.0).hypot(a.im);
                        C::new(length.ln(), a.im.atan2(a.re + 1.0))
                    }),
                    Ufunc::Sqrt => unary(|a: C| a.c_sqrt()),
                    Ufunc::Sin => unary(|a: C| a.c_sin()),
                    Ufunc::Cos => unary(|a: C| a.c_cos()),
                    Ufunc::Tan => unary(|a: C| a.c_tan()),
                    Ufunc::Arcsin => unary(|a: C| a.c_asin()),
                    Ufunc::Arccos => unary(|a: C| a.c_acos()),
                    Ufunc::Arctan => unary(|a: C| a.c_atan()),
                    Ufunc::Sinh => unary(|a: C| a.c_sinh()),
                    Ufunc::Cosh => unary(|a: C| a.c_cosh()),
                    Ufunc::Tanh => unary(|a: C| a.c_tanh()),
                    Ufunc::Arcsinh => unary(|a: C| a.c_asinh()),
                    Ufunc::Arccosh => unary(|a: C| a.c_acosh()),
                    Ufunc::Arctanh => unary(|a: C| a.c_atanh()),
                    Ufunc::Sinc => unary(|a: C| {
                        let x = a * (std::f64::consts::PI as $t);
                        if truth!(a) {
                            let sine = x.c_sin();
                            quotient!(sine, x)
                        } else {
                            C::new(1.0, 0.0)
                        }
                    }),
                    _ => return None,
                })
            }
        }
    };
}

macro_rules! truth {
    ($a:expr) => {
        ($a.re != 0.0) | ($a.im != 0.0)
    };
}

macro_rules! nan {
    ($a:expr) => {
        ($a.re.is_nan() || $a.im.is_nan())
    };
}

/// Whether `$a` comes before `$b`; numbers with NaN parts come before none, but their other parts
/// still count where they differ.
macro_rules! before {
    ($a:expr, $b:expr, $op:tt) => {{
        let (a, b) = ($a, $b);
        if a.re == b.re {
            a.im $op b.im
        } else {
            a.re < b.re && !a.im.is_nan() && !b.im.is_nan()
        }
    }};
}

/// Smith's division ("Algorithm 116: Complex division", CACM 5, 1962): the larger part of the
/// divisor is divided out first, so that squares don't overflow.
macro_rules! quotient {
    ($a:expr, $b:expr) => {{
        let (a, b) = ($a, $b);
        if b.re.abs() >= b.im.abs() {
            if b.re == 0.0 && b.im == 0.0 {
                C::new(a.re / b.re.abs(), a.im / b.re.abs())
            } else {
                let ratio = b.im / b.re;
                let scale = 1.0 / (b.re + b.im * ratio);
                C::new((a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale)
            }
        } else {
            let ratio = b.re / b.im;
            let scale = 1.0 / (b.re * ratio + b.im);
            C::new((a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale)
        }
    }};
}

macro_rules! reciprocal {
    ($t:ty, $a:expr) => {{
        let a: Complex<$t> = $a;
        if a.im.abs() <= a.re.abs() {
            let ratio = a.im / a.re;
            let scale = a.re + a.im * ratio;
            C::new(1.0 / scale, -ratio / scale)
        } else {
            let ratio = a.re / a.im;
            let scale = a.re * ratio + a.im;
            C::new(ratio / scale, -1.0 / scale)
        }
    }};
}

/// The number of length one in the same direction.
macro_rules! sign {
    ($t:ty, $a:expr) => {{
        let a: Complex<$t> = $a;
        let length = a.re.hypot(a.im);
        if length.is_nan() {
            C::new(<$t>::NAN, <$t>::NAN)
        } else if length.is_infinite() {
            match (a.re.is_infinite(), a.im.is_infinite()) {
                (true, true) => C::new(<$t>::NAN, <$t>::NAN),
                (true, false) => C::new(a.re.signum(), 0.0),
                _ => C::new(0.0, a.im.signum()),
            }
        } else if length == 0.0 {
            C::new(0.0, 0.0)
        } else {
            C::new(a.re / length, a.im / length)
        }
    }};
}

macro_rules! scaled {
    ($a:expr, $by:expr) => {{
        let a = $a;
        C::new(a.re * $by, a.im * $by)
    }};
}

/// Zeros and small whole exponents are exact; the C library does the others.
macro_rules! power {
    ($t:ty, $a:expr, $b:expr) => {{
        let (a, b): (C, C) = ($a, $b);
        if b.re == 0.0 && b.im == 0.0 {
            C::new(1.0, 0.0)
        } else if a.re == 0.0 && a.im == 0.0 {
            if b.re > 0.0 { C::new(0.0, 0.0) } else { C::new(<$t>::NAN, <$t>::NAN) }
        } else if b.im == 0.0 && b.re.abs() < 100.0 && b.re == b.re.trunc() {
            let mut left = b.re.abs() as u32;
            let mut base = a;
            while left & 1 == 0 {
                base = base * base;
                left >>= 1;
            }
            // As NumPy: but for the first three powers, the product begins with one, which matters to
            // infinities.
            let first = (1.0..=3.0).contains(&b.re);
            let mut result = if first { base } else { C::new(1.0, 0.0) * base };
            left >>= 1;
            while left != 0 {
                base = base * base;
                if left & 1 != 0 {
                    result *= base;
                }
                left >>= 1;
            }
            if b.re < 0.0 { quotient!(C::new(1.0, 0.0), result) } else { result }
        } else {
            a.c_pow(b)
        }
    }};
}

part!(f32);
part!(f64);
