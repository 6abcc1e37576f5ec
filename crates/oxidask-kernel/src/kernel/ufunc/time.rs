//! Datetimes and timedeltas: 64-bit integers, the least of which is "not a time".
//!
//! Their units are equal, or as `resolve` says.

use super::divide::Divide;
use super::drive::{Loop, binary, binary_two, fast_binary, fast_unary, ternary, unary};
use super::select::find_copy;
use super::{Resolved, Ufunc};
use crate::dtype::{DType, Kind};

/// "Not a time".
const NAT: i64 = i64::MIN;

pub(super) fn find(ufunc: Ufunc, resolved: &Resolved) -> Option<Loop> {
    use Ufunc as U;
    let kind = |i: usize| resolved.args.get(i).map(|dtype| dtype.kind());
    Some(match ufunc {
        U::Add => fast_binary(|a: i64, b: i64| unless_nat(a, b, a.wrapping_add(b))),
        U::Subtract => fast_binary(|a: i64, b: i64| unless_nat(a, b, a.wrapping_sub(b))),
        U::Multiply => match (kind(0)?, kind(1)?) {
            (Kind::Float, _) => binary(|a: f64, b: i64| scaled(b, |b| a * b)),
            (_, Kind::Float) => binary(|a: i64, b: f64| scaled(a, |a| a * b)),
            (Kind::Timedelta, _) => {
                fast_binary(|a: i64, b: i64| if a == NAT { NAT } else { a.wrapping_mul(b) })
            }
            _ => fast_binary(|a: i64, b: i64| if b == NAT { NAT } else { a.wrapping_mul(b) }),
        },
        U::TrueDivide | U::FloorDivide => divide(ufunc, kind(1)?),
        U::Remainder => binary(|a: i64, b: i64| divmod(a, b).1),
        U::Divmod => binary_two(divmod),
        U::Negative => unary(|a: i64| a.wrapping_neg()),
        U::Absolute => unary(|a: i64| a.wrapping_abs()),
        U::Sign => unary(|a: i64| a.signum()),
        U::Isnan | U::Isnat => fast_unary(|a: i64| u8::from(a == NAT)),
        U::Isfinite => fast_unary(|a: i64| u8::from(a != NAT)),
        U::Isinf | U::Iscomplex => unary(|_: i64| 0_u8),
        U::Isreal => match kind(0)? {
            // The imaginary part, a datetime of 0, equals no number.
            Kind::Datetime => unary(|_: i64| 0_u8),
            _ => unary(|_: i64| 1_u8),
        },
        U::Imag => unary(|_: i64| 0_i64),
        U::NanToNum | U::Real => find_copy(DType::I64),
        U::Equal => fast_binary(|a: i64, b: i64| u8::from(a == b && a != NAT)),
        U::NotEqual => fast_binary(|a: i64, b: i64| u8::from(a != b || a == NAT)),
        U::Less => fast_binary(|a: i64, b: i64| u8::from(a < b && a != NAT)),
        U::LessEqual => fast_binary(|a: i64, b: i64| u8::from(a <= b && a != NAT)),
        U::Greater => fast_binary(|a: i64, b: i64| u8::from(a > b && b != NAT)),
        U::GreaterEqual => fast_binary(|a: i64, b: i64| u8::from(a >= b && b != NAT)),
        U::Maximum => fast_binary(|a: i64, b: i64| unless_nat(a, b, a.max(b))),
        // The least integer wins by itself.
        U::Minimum => fast_binary(|a: i64, b: i64| a.min(b)),
        // And loses by itself.
        U::Fmax => fast_binary(|a: i64, b: i64| a.max(b)),
        U::Fmin => binary(|a: i64, b: i64| if a == NAT || b == NAT { a.max(b) } else { a.min(b) }),
        U::Clip => ternary(|x: i64, low: i64, high: i64| unless_nat(x, low, x.max(low)).min(high)),
        _ => return None,
    })
}

#[inline(always)]
fn unless_nat(a: i64, b: i64, result: i64) -> i64 {
    if a == NAT || b == NAT { NAT } else { result }
}

/// A timedelta by a float: NaN, infinity and what is out of range are NaT.
#[inline(always)]
fn scaled(a: i64, f: impl Fn(f64) -> f64) -> i64 {
    let result = f(a as f64);
    let fits = result > -9_223_372_036_854_775_808.0 && result < 9_223_372_036_854_775_808.0;
    if a == NAT || !fits { NAT } else { result as i64 }
}

fn divide(ufunc: Ufunc, by: Kind) -> Loop {
    let floor = ufunc == Ufunc::FloorDivide;
    match by {
        Kind::Timedelta if floor => binary(|a: i64, b: i64| divmod(a, b).0),
        Kind::Timedelta => {
            binary(
                |a: i64, b: i64| {
                    if a == NAT || b == NAT { f64::NAN } else { a as f64 / b as f64 }
                },
            )
        }
        Kind::Float => binary(|a: i64, b: f64| scaled(a, |a| a / b)),
        // Towards zero, floor division or not.
        _ => binary(|a: i64, b: i64| if a == NAT || b == 0 { NAT } else { a.wrapping_div(b) }),
    }
}

fn divmod(a: i64, b: i64) -> (i64, i64) {
    if a == NAT || b == NAT || b == 0 { (0, NAT) } else { a.floor_divmod(b) }
}
