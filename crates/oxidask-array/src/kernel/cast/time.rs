//! Conversions of datetimes and timedeltas: to other units, from and to numbers.

use super::numbers;
use crate::dispatch;
use crate::dtype::{Bool, DType, Kind, TimeBase, TimeUnit};
use crate::kernel::ufunc::LoopFn;
use crate::kernel::ufunc::drive::{fast_unary, unary};
use crate::promote::base_factor;

/// "Not a time".
const NAT: i64 = i64::MIN;

/// The conversion, one side of which is a time. `None` for calendar units.
pub(super) fn find(from: DType, to: DType) -> Option<LoopFn> {
    match (from.unit(), to.unit()) {
        (Some(a), Some(b)) => between_units(a, b),
        // From numbers: NaN is NaT, as the conversion to integers gives it.
        (None, Some(_)) => Some(numbers::find_or_copy(from, DType::I64)),
        // To floats: NaT is NaN.
        (Some(_), None) => Some(match to.kind() {
            Kind::Float | Kind::Complex => to_float(to)?,
            Kind::Bool => unary(|a: i64| Bool(u8::from(a != 0))).function,
            _ => numbers::find_or_copy(DType::I64, to),
        }),
        (None, None) => None,
    }
}

fn to_float(to: DType) -> Option<LoopFn> {
    dispatch!(to, T in [f32, f64] => Some(unary(|a: i64| if a == NAT { T::NAN } else { a as T }).function),
        else Some(numbers::find_or_copy(DType::I64, to)))
}

/// Multiplies or divides (towards the past) by a factor that is known beforehand for the units in
/// use; NumPy converts the others.
fn between_units(from: TimeUnit, to: TimeUnit) -> Option<LoopFn> {
    if from == to || from.base == TimeBase::Generic {
        return Some(numbers::copy(DType::I64));
    }
    let (num, den) = if from.base <= to.base {
        (base_factor(from.base, to.base)?, 1)
    } else {
        (1, base_factor(to.base, from.base)?)
    };
    let num = num.checked_mul(u64::from(from.count))?;
    let den = den.checked_mul(u64::from(to.count))?;
    match (num, den) {
        _ if num == den => Some(numbers::copy(DType::I64)),
        _ if num % den == 0 => multiply(num / den),
        _ if den % num == 0 => divide(den / num),
        _ => None,
    }
}

macro_rules! factors {
    ($factor:expr, $F:ident => $body:expr; $($value:literal)*) => {
        match $factor {
            $($value => { const $F: i64 = $value; Some($body) })*
            _ => None,
        }
    };
}

macro_rules! usual_factors {
    ($factor:expr, $F:ident => $body:expr) => {
        factors!($factor, $F => $body;
            7 12 24 60 168 1_000 1_440 3_600 10_080 86_400 604_800 1_000_000 60_000 3_600_000
            86_400_000 604_800_000 60_000_000 3_600_000_000 86_400_000_000 604_800_000_000
            1_000_000_000 60_000_000_000 3_600_000_000_000 86_400_000_000_000 604_800_000_000_000)
    };
}

fn multiply(factor: u64) -> Option<LoopFn> {
    usual_factors!(factor, F => fast_unary(|a: i64| {
        if a == NAT { NAT } else { a.wrapping_mul(F) }
    }).function)
}

fn divide(factor: u64) -> Option<LoopFn> {
    usual_factors!(factor, F => unary(|a: i64| {
        if a == NAT { NAT } else { a.div_euclid(F) }
    }).function)
}
