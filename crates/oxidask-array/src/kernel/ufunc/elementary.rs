//! The elementary functions of real numbers.

use super::Ufunc;
use super::drive::{Loop, binary, fast_unary, half_binary, half_unary, unary};
use crate::dispatch;
use crate::dtype::DType;
use crate::kernel::math::special::Special;

pub(super) fn find(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    use Ufunc as U;
    macro_rules! one {
        ($name:ident) => {
            match dtype {
                DType::F16 => Some(half_unary(|a| a.$name())),
                _ => Some(dispatch!(dtype, T in [f32, f64] => unary(|a: T| a.$name()),
                    else return None)),
            }
        };
    }
    macro_rules! two {
        ($name:ident) => {
            match dtype {
                DType::F16 => Some(half_binary(|a, b| a.$name(b))),
                _ => Some(dispatch!(dtype, T in [f32, f64] => binary(|a: T, b: T| a.$name(b)),
                    else return None)),
            }
        };
    }
    match ufunc {
        U::Sqrt => match dtype {
            DType::F16 => Some(half_unary(f32::sqrt)),
            _ => Some(dispatch!(dtype, T in [f32, f64] => fast_unary(|a: T| a.sqrt()),
                else return None)),
        },
        U::Exp => one!(exp),
        U::Exp2 => one!(exp2),
        U::Expm1 => one!(exp_m1),
        U::Log => one!(ln),
        U::Log2 => one!(log2),
        U::Log10 => one!(log10),
        U::Log1p => one!(ln_1p),
        U::Cbrt => one!(cbrt),
        U::Sin => one!(sin),
        U::Cos => one!(cos),
        U::Tan => one!(tan),
        U::Arcsin => one!(asin),
        U::Arccos => one!(acos),
        U::Arctan => one!(atan),
        U::Sinh => one!(sinh),
        U::Cosh => one!(cosh),
        U::Tanh => one!(tanh),
        U::Arcsinh => one!(asinh),
        U::Arccosh => one!(acosh),
        U::Arctanh => one!(atanh),
        U::Deg2rad => one!(in_radians),
        U::Rad2deg => one!(in_degrees),
        U::Sinc => one!(sinc),
        U::I0 => one!(bessel_i0),
        U::Arctan2 => two!(atan2),
        U::Hypot => two!(hypot),
        U::Logaddexp => two!(logaddexp),
        U::Logaddexp2 => two!(logaddexp2),
        _ => None,
    }
}
