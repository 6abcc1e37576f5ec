//! What floating point numbers are made of: signs, exponents, neighbours, roundings.

use half::f16;

use super::drive::{
    Loop, binary, fast_binary, fast_unary, half_binary, half_unary, unary, unary_two,
};
use super::select::find_copy;
use super::{Resolved, Ufunc};
use crate::dispatch;
use crate::dtype::{DType, Kind};

pub(super) fn find(ufunc: Ufunc, resolved: &Resolved) -> Option<Loop> {
    use Ufunc as U;
    let dtype = resolved.args[0];
    if dtype.kind() < Kind::Float {
        return of_integers(ufunc, dtype);
    }
    match ufunc {
        U::Isfinite | U::Isinf | U::Isnan | U::Signbit => test(ufunc, dtype),
        U::Isreal => Some(constant(dtype, true)),
        U::Iscomplex => Some(constant(dtype, false)),
        U::Copysign | U::Nextafter | U::Heaviside => two(ufunc, dtype),
        U::Spacing => Some(dispatch!(dtype, T in [f32, f64] => unary(|a: T| a.spacing()),
        // NumPy's halves look up, not away from zero.
        else unary(|a: f16| {
            if a.is_finite() { a.next_after(f16::INFINITY) - a } else { f16::NAN }
        }))),
        U::Ldexp => ldexp(dtype, resolved.args[1]),
        U::Frexp => Some(dispatch!(dtype, T in [f32, f64] => unary_two(|a: T| a.frexp()),
        else unary_two(|a: f16| {
            let (mantissa, exponent) = a.to_f32().frexp();
            (f16::from_f32(mantissa), exponent)
        }))),
        U::Modf => Some(dispatch!(dtype, T in [f32, f64] => unary_two(|a: T| a.modf()),
        else unary_two(|a: f16| {
            let (fraction, whole) = a.to_f32().modf();
            (f16::from_f32(fraction), f16::from_f32(whole))
        }))),
        U::Floor | U::Ceil | U::Trunc | U::Fix | U::Rint => round(ufunc, dtype),
        U::NanToNum => Some(match dtype {
            DType::F16 => unary(|a: f16| a.without_nan()),
            _ => dispatch!(dtype, T in [f32, f64] => fast_unary(|a: T| a.without_nan()),
                else return None),
        }),
        U::Real => Some(find_copy(dtype)),
        U::Imag => imag(dtype),
        U::Angle => angle(dtype),
        _ => None,
    }
}

fn of_integers(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    use Ufunc as U;
    Some(match ufunc {
        U::Isfinite | U::Isreal => constant(dtype, true),
        U::Isinf | U::Isnan | U::Iscomplex => constant(dtype, false),
        U::Floor | U::Ceil | U::Trunc | U::Fix | U::NanToNum | U::Real => find_copy(dtype),
        U::Imag => return imag(dtype),
        _ => return None,
    })
}

/// The same truth for every element.
fn constant(dtype: DType, truth: bool) -> Loop {
    match (dtype.itemsize(), truth) {
        (1, true) => unary(|_: u8| 1_u8),
        (1, false) => unary(|_: u8| 0_u8),
        (2, true) => unary(|_: u16| 1_u8),
        (2, false) => unary(|_: u16| 0_u8),
        (4, true) => unary(|_: u32| 1_u8),
        (4, false) => unary(|_: u32| 0_u8),
        (_, true) => unary(|_: u64| 1_u8),
        (_, false) => unary(|_: u64| 0_u8),
    }
}

fn imag(dtype: DType) -> Option<Loop> {
    Some(match dtype.itemsize() {
        1 => unary(|_: u8| 0_u8),
        2 => unary(|_: u16| 0_u16),
        4 => unary(|_: u32| 0_u32),
        8 => unary(|_: u64| 0_u64),
        _ => return None,
    })
}

fn test(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    macro_rules! by {
        ($name:ident) => {
            Some(dispatch!(dtype, T in [f32, f64] => fast_unary(|a: T| u8::from(a.$name())),
                else dispatch!(dtype, T in [f16] => unary(|a: T| u8::from(a.$name())),
                else return None)))
        };
    }
    match ufunc {
        Ufunc::Isfinite => by!(is_finite),
        Ufunc::Isinf => by!(is_infinite),
        Ufunc::Isnan => by!(is_nan),
        _ => by!(is_sign_negative),
    }
}

fn two(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    match ufunc {
        Ufunc::Copysign => Some(match dtype {
            DType::F16 => binary(|a: u16, b: u16| a & 0x7fff | b & 0x8000),
            _ => dispatch!(dtype, T in [f32, f64] => fast_binary(|a: T, b: T| a.copysign(b)),
                else return None),
        }),
        Ufunc::Nextafter => Some(dispatch!(dtype, T in [f16, f32, f64]
            => binary(|a: T, b: T| a.next_after(b)), else return None)),
        _ => Some(match dtype {
            DType::F16 => half_binary(heaviside_32),
            DType::F32 => binary(heaviside_32),
            _ => binary(|x: f64, at_zero: f64| {
                if x.is_nan() {
                    x
                } else if x == 0.0 {
                    at_zero
                } else {
                    f64::from(u8::from(x > 0.0))
                }
            }),
        }),
    }
}

fn heaviside_32(x: f32, at_zero: f32) -> f32 {
    if x.is_nan() {
        x
    } else if x == 0.0 {
        at_zero
    } else {
        f32::from(u8::from(x > 0.0))
    }
}

fn round(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    macro_rules! by {
        ($name:ident) => {
            Some(match dtype {
                DType::F16 => half_unary(|a| a.$name()),
                _ => dispatch!(dtype, T in [f32, f64] => fast_unary(|a: T| a.$name()),
                    else return None),
            })
        };
    }
    match ufunc {
        Ufunc::Floor => by!(floor),
        Ufunc::Ceil => by!(ceil),
        Ufunc::Rint => by!(round_ties_even),
        _ => by!(trunc),
    }
}

/// The angle of a real number: 0, or pi for negative ones.
fn angle(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => half_unary(|a| 0.0_f32.atan2(a)),
        _ => dispatch!(dtype, T in [f32, f64] => unary(|a: T| T::atan2(0.0, a)),
            else return None),
    })
}

fn ldexp(float: DType, exponent: DType) -> Option<Loop> {
    macro_rules! by {
        ($e:ty) => {
            Some(dispatch!(float, T in [f32, f64] => binary(|a: T, e: $e| a.ldexp(e.into())),
                else binary(|a: f16, e: $e| f16::from_f64(a.to_f64().ldexp(e.into())))))
        };
    }
    match exponent {
        DType::I32 => by!(i32),
        DType::I64 => by!(i64),
        _ => None,
    }
}

/// The anatomy of a floating point number.
pub(super) trait Anatomy: Copy {
    /// The next number towards another.
    fn next_after(self, towards: Self) -> Self;
    /// The distance to the next number away from zero, with the sign.
    fn spacing(self) -> Self;
    /// With the largest finite numbers for infinities, and 0 for NaN.
    fn without_nan(self) -> Self;
}

/// What half precision does in single.
pub(super) trait Exponent: Copy {
    /// A mantissa in `[0.5, 1)` and an exponent.
    fn frexp(self) -> (Self, i32);
    /// The fraction and the whole, each with the sign.
    fn modf(self) -> (Self, Self);
    /// By a power of two.
    fn ldexp(self, exponent: i64) -> Self;
}

macro_rules! anatomy {
    ($($t:ty, $bits:ty, $sign:literal, $tie:expr;)*) => { $(impl Anatomy for $t {
        fn next_after(self, towards: Self) -> Self {
            if self.is_nan() || towards.is_nan() {
                return if self.is_nan() { self } else { towards };
            }
            if self == towards {
                return $tie(self, towards);
            }
            let sign: $bits = $sign;
            let bits = self.to_bits();
            if bits & !sign == 0 {
                return Self::from_bits(towards.to_bits() & sign | 1);
            }
            // Away from zero the bits count up.
            let away = (towards > self) == (bits & sign == 0);
            Self::from_bits(if away { bits + 1 } else { bits - 1 })
        }

        fn spacing(self) -> Self {
            if !self.is_finite() {
                return Self::NAN;
            }
            let sign: $bits = $sign;
            let next = Self::from_bits(self.to_bits() + 1);
            if self.to_bits() & !sign == 0 { next } else { next - self }
        }

        #[inline(always)]
        fn without_nan(self) -> Self {
            if self.is_nan() {
                Self::from_bits(0)
            } else if self > Self::MAX {
                Self::MAX
            } else if self < Self::MIN {
                Self::MIN
            } else {
                self
            }
        }
    })* };
}

anatomy! {
    f16, u16, 0x8000, |own, _| own;
    f32, u32, 0x8000_0000, |_, towards| towards;
    f64, u64, 0x8000_0000_0000_0000, |_, towards| towards;
}

impl Exponent for f64 {
    fn frexp(self) -> (Self, i32) {
        if self == 0.0 || !self.is_finite() {
            return (self, 0);
        }
        let subnormal = self.abs() < Self::MIN_POSITIVE;
        let scaled = if subnormal { self * 18_014_398_509_481_984.0 } else { self };
        let bits = scaled.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as i32 - 1022 - if subnormal { 54 } else { 0 };
        (Self::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent)
    }

    fn modf(self) -> (Self, Self) {
        let whole = self.trunc();
        let fraction = if self.is_infinite() { 0.0 } else { self - whole };
        (fraction.copysign(self), whole)
    }

    fn ldexp(self, exponent: i64) -> Self {
        if self == 0.0 || !self.is_finite() {
            return self;
        }
        // Only the last factor may round: the mantissa takes all but the end of the way at once.
        let (mantissa, own) = self.frexp();
        let exponent = exponent.clamp(-2500, 2500) as i32 + own;
        match exponent {
            1025.. => mantissa * f64::MAX * 4.0,
            ..-1200 => mantissa * f64::MIN_POSITIVE * f64::MIN_POSITIVE,
            -1021..=1023 => mantissa * power_of_two(exponent),
            _ => mantissa * power_of_two(exponent / 2) * power_of_two(exponent - exponent / 2),
        }
    }
}

/// `2 ** exponent` for normal results.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

impl Exponent for f32 {
    fn frexp(self) -> (Self, i32) {
        let (mantissa, exponent) = f64::from(self).frexp();
        (mantissa as Self, exponent)
    }

    fn modf(self) -> (Self, Self) {
        let whole = self.trunc();
        let fraction = if self.is_infinite() { 0.0 } else { self - whole };
        (fraction.copysign(self), whole)
    }

    fn ldexp(self, exponent: i64) -> Self {
        f64::from(self).ldexp(exponent.clamp(-700, 700)) as Self
    }
}
