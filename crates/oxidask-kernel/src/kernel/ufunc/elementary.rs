//! The elementary functions of real numbers.

use super::Ufunc;
use super::drive::{Loop, binary, fast_unary, half_binary, half_unary, unary};
use super::guarded::{one, pair};
use crate::dispatch;
use crate::dtype::DType;
use crate::kernel::math::angle::{Arctan, Arctan2, Cos, Sin, Tan};
use crate::kernel::math::division::Hypot;
use crate::kernel::math::elementary::{Cosh, Exp, Exp2, Expm1, Sinh, Tanh};
use crate::kernel::math::inverse::{Arccos, Arccosh, Arcsin, Arcsinh, Arctanh};
use crate::kernel::math::logarithm::{Log, Log1p, Log2, Log10};
use crate::kernel::math::special::{Special, half_sinc};

pub(super) fn find(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    find_vectorised(ufunc, dtype).or_else(|| find_scalar(ufunc, dtype))
}

fn find_vectorised(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    match ufunc {
        Ufunc::Exp => one::<Exp>(dtype),
        Ufunc::Exp2 => one::<Exp2>(dtype),
        Ufunc::Expm1 => one::<Expm1>(dtype),
        Ufunc::Log => one::<Log>(dtype),
        Ufunc::Log2 => one::<Log2>(dtype),
        Ufunc::Log10 => one::<Log10>(dtype),
        Ufunc::Log1p => one::<Log1p>(dtype),
        Ufunc::Sin => one::<Sin>(dtype),
        Ufunc::Cos => one::<Cos>(dtype),
        Ufunc::Tan => one::<Tan>(dtype),
        Ufunc::Arctan => one::<Arctan>(dtype),
        Ufunc::Sinh => one::<Sinh>(dtype),
        Ufunc::Cosh => one::<Cosh>(dtype),
        Ufunc::Tanh => one::<Tanh>(dtype),
        Ufunc::Arcsin => one::<Arcsin>(dtype),
        Ufunc::Arccos => one::<Arccos>(dtype),
        Ufunc::Arcsinh => one::<Arcsinh>(dtype),
        Ufunc::Arccosh => one::<Arccosh>(dtype),
        Ufunc::Arctanh => one::<Arctanh>(dtype),
        Ufunc::Arctan2 => pair::<Arctan2>(dtype),
        Ufunc::Hypot => pair::<Hypot>(dtype),
        _ => None,
    }
}

fn find_scalar(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
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
        U::Cbrt => one!(cbrt),
        U::Deg2rad => one!(in_radians),
        U::Rad2deg => one!(in_degrees),
        U::Sinc if dtype == DType::F16 => Some(unary(half_sinc)),
        U::Sinc => one!(sinc),
        U::I0 => one!(bessel_i0),
        U::Logaddexp => two!(logaddexp),
        U::Logaddexp2 => two!(logaddexp2),
        _ => None,
    }
}
