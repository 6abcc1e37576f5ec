//! Conversions of datetimes and timedeltas: to other units, from and to numbers.
//!
//! Only between times of one kind do units count: timedeltas to datetimes, and times from and to
//! numbers, are integers as they are.

use super::numbers;
use crate::dtype::{Bool, DType, TimeBase, TimeUnit};
use crate::kernel::ufunc::LoopFn;
use crate::kernel::ufunc::drive::{fast_unary, unary};
use crate::promote::base_factor;

/// "Not a time".
const NAT: i64 = i64::MIN;

/// The conversion, one side of which is a time. `None` for calendar units.
pub(super) fn find(from: DType, to: DType) -> Option<LoopFn> {
    match (from, to) {
        (DType::Datetime(a), DType::Datetime(b)) | (DType::Timedelta(a), DType::Timedelta(b)) => {
            between_units(a, b)
        }
        (_, DType::Bool) => Some(unary(|a: i64| Bool(u8::from(a != 0))).function),
        // All others count the integer of the time, whatever its unit.
        _ => Some(numbers::find_or_copy(integer(from), integer(to))),
    }
}

fn integer(dtype: DType) -> DType {
    if dtype.unit().is_some() { DType::I64 } else { dtype }
}

/// Multiplies or divides (towards the past) by a factor that is known beforehand for the units in
/// use; NumPy converts the others.
fn between_units(from: TimeUnit, to: TimeUnit) -> Option<LoopFn> {
    if from == to || from.base == TimeBase::Generic || to.base == TimeBase::Generic {
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

#[cfg(test)]
#[expect(unsafe_code, reason = "loops take raw memory")]
mod tests {
    use super::*;

    fn converted(from: DType, to: DType, values: &[i64]) -> Vec<i64> {
        let mut out = vec![0_i64; values.len()];
        let cast = find(from, to).unwrap();
        // SAFETY: both have as many elements of eight bytes.
        unsafe { cast(&[values.as_ptr().cast()], &[out.as_mut_ptr().cast()], values.len()) };
        out
    }

    #[test]
    fn units_change_and_nat_stays() {
        let unit = |base| TimeUnit { base, count: 1 };
        let days = DType::Datetime(unit(TimeBase::Day));
        let seconds = DType::Datetime(unit(TimeBase::Second));
        assert_eq!(converted(days, seconds, &[1, NAT, -1]), [86_400, NAT, -86_400]);
        assert_eq!(converted(seconds, days, &[86_399, NAT, -1]), [0, NAT, -1]);
        let years = DType::Datetime(unit(TimeBase::Year));
        assert!(find(years, days).is_none());
        let delta = DType::Timedelta(unit(TimeBase::Second));
        assert_eq!(converted(days, delta, &[3]), [3]);
    }
}
