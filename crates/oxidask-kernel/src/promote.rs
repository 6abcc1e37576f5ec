//! Which dtype holds several: NumPy's promotion of dtypes and of Python's own scalars (NEP 50).

use std::cmp::Reverse;

use crate::dtype::{DType, Kind, TimeBase, TimeUnit};
use crate::error::{ArrayError, Result};

/// The type of a Python scalar, which yields to the dtypes of arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weak {
    /// `bool`, no weaker than NumPy's booleans.
    Bool,
    /// `int`
    Int,
    /// `float`
    Float,
    /// `complex`
    Complex,
}

/// An operand, as far as the dtype of a result depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operand {
    /// Its dtype; that of a Python scalar by itself if `weak`.
    pub dtype: DType,
    /// Which Python scalar it is, if it is one.
    pub weak: Option<Weak>,
}

impl Operand {
    /// An array, or a scalar of NumPy's.
    #[must_use]
    pub fn strong(dtype: DType) -> Self {
        Self { dtype, weak: None }
    }

    /// A scalar of Python's.
    #[must_use]
    pub fn weak(weak: Weak) -> Self {
        Self { dtype: weak.default_dtype(), weak: Some(weak) }
    }
}

impl Weak {
    /// The dtype of an array of nothing but such scalars.
    #[must_use]
    pub fn default_dtype(self) -> DType {
        match self {
            Self::Bool => DType::Bool,
            Self::Int => DType::I64,
            Self::Float => DType::F64,
            Self::Complex => DType::C128,
        }
    }

    /// The dtype that such a scalar takes beside arrays that promote to `dtype`.
    ///
    /// # Errors
    /// If there is none, as for a `float` beside datetimes.
    pub fn beside(self, dtype: DType) -> Result<DType> {
        let kind = dtype.kind();
        match (self, kind) {
            (Self::Int, Kind::Signed | Kind::Unsigned | Kind::Float | Kind::Complex) => Ok(dtype),
            (Self::Float, Kind::Float | Kind::Complex) => Ok(dtype),
            (Self::Complex, Kind::Complex) => Ok(dtype),
            (Self::Complex, Kind::Float) => {
                Ok(if dtype == DType::F64 { DType::C128 } else { DType::C64 })
            }
            _ => promote(dtype, self.default_dtype()),
        }
    }
}

/// The dtype that holds the values of both.
///
/// # Errors
/// If there is none, such as for datetimes and numbers.
pub fn promote(a: DType, b: DType) -> Result<DType> {
    if a == b {
        return Ok(a);
    }
    let refuse = || {
        ArrayError::Type(format!(
            "no dtype holds both {a} and {b}: convert one of them with astype first"
        ))
    };
    match (a, b) {
        (DType::Datetime(u), DType::Datetime(v) | DType::Timedelta(v))
        | (DType::Timedelta(v), DType::Datetime(u)) => {
            Ok(DType::Datetime(common_unit(u, v, false)?))
        }
        (DType::Timedelta(u), DType::Timedelta(v)) => {
            Ok(DType::Timedelta(common_unit(u, v, true)?))
        }
        (DType::Timedelta(unit), other) | (other, DType::Timedelta(unit)) => match other.kind() {
            Kind::Bool | Kind::Signed | Kind::Unsigned if other != DType::U64 => {
                Ok(DType::Timedelta(unit))
            }
            _ => Err(refuse()),
        },
        (DType::Datetime(_), _) | (_, DType::Datetime(_)) => Err(refuse()),
        _ => Ok(promote_numbers(a, b)),
    }
}

fn promote_numbers(a: DType, b: DType) -> DType {
    let (low, high) = if a.kind() <= b.kind() { (a, b) } else { (b, a) };
    match (low.kind(), high.kind()) {
        (Kind::Bool, _) => high,
        (x, y) if x == y => {
            if low.itemsize() >= high.itemsize() {
                low
            } else {
                high
            }
        }
        (Kind::Unsigned, Kind::Signed) => {
            if high.itemsize() > low.itemsize() {
                high
            } else {
                match low.itemsize() {
                    1 => DType::I16,
                    2 => DType::I32,
                    4 => DType::I64,
                    _ => DType::F64,
                }
            }
        }
        (Kind::Unsigned | Kind::Signed, Kind::Float) => float_for(low).max_float(high),
        (_, _) => {
            let float = if low.kind() == Kind::Float { low } else { float_for(low) };
            if float == DType::F64 || high == DType::C128 { DType::C128 } else { DType::C64 }
        }
    }
}

/// The smallest floating point dtype that NumPy deems to hold an integer dtype.
fn float_for(integer: DType) -> DType {
    match integer.itemsize() {
        1 => DType::F16,
        2 => DType::F32,
        _ => DType::F64,
    }
}

impl DType {
    fn max_float(self, other: Self) -> Self {
        if self.itemsize() >= other.itemsize() { self } else { other }
    }
}

/// The dtype of a computation with these operands, Python's scalars yielding to arrays.
///
/// # Errors
/// If no dtype holds them all, or there are no operands.
pub fn result_type(operands: &[Operand]) -> Result<DType> {
    let strong = operands.iter().filter(|operand| operand.weak.is_none_or(|w| w == Weak::Bool));
    // Complex numbers before floats before integers, whatever their order: promotion of three
    // dtypes is not associative otherwise (int8, uint8, float16).
    let mut dtypes: Vec<DType> = strong.map(|operand| operand.dtype).collect();
    dtypes.sort_by_key(|dtype| Reverse(dtype.kind()));
    let weak = operands.iter().filter_map(|operand| operand.weak).max();
    let Some(strong) = dtypes.into_iter().map(Ok).reduce(|a, b| promote(a?, b?)).transpose()?
    else {
        return weak
            .map(Weak::default_dtype)
            .ok_or_else(|| ArrayError::Value("at least one array or dtype is required".into()));
    };
    match weak {
        Some(weak) => weak.beside(strong),
        None => Ok(strong),
    }
}

/// How many of the next smaller unit make one: weeks to attoseconds.
const STEPS: [(TimeBase, u64); 11] = [
    (TimeBase::Week, 7),
    (TimeBase::Day, 24),
    (TimeBase::Hour, 60),
    (TimeBase::Minute, 60),
    (TimeBase::Second, 1000),
    (TimeBase::Milli, 1000),
    (TimeBase::Micro, 1000),
    (TimeBase::Nano, 1000),
    (TimeBase::Pico, 1000),
    (TimeBase::Femto, 1000),
    (TimeBase::Atto, 1),
];

/// How many `to` make one `from`, `None` if that is no fixed number or too large.
pub(crate) fn base_factor(from: TimeBase, to: TimeBase) -> Option<u64> {
    match (from, to) {
        _ if from == to => Some(1),
        (TimeBase::Year, TimeBase::Month) => Some(12),
        (TimeBase::Year | TimeBase::Month | TimeBase::Generic, _) | (_, TimeBase::Generic) => None,
        _ if from > to => None,
        _ => STEPS
            .iter()
            .filter(|(base, _)| (from..to).contains(base))
            .try_fold(1_u64, |factor, (_, step)| factor.checked_mul(*step)),
    }
}

/// The coarsest unit that divides both. `strict`: years and months have no length in days.
fn common_unit(a: TimeUnit, b: TimeUnit, strict: bool) -> Result<TimeUnit> {
    if a.base == TimeBase::Generic {
        return Ok(b);
    }
    if b.base == TimeBase::Generic {
        return Ok(a);
    }
    let (coarse, fine) = if a.base <= b.base { (a, b) } else { (b, a) };
    let calendar = |unit: TimeUnit| unit.base <= TimeBase::Month;
    if calendar(coarse) != calendar(fine) {
        if strict {
            return Err(ArrayError::Type(format!(
                "{} and {} have no common unit: years and months have no fixed length",
                DType::Timedelta(a),
                DType::Timedelta(b)
            )));
        }
        return Ok(fine);
    }
    let overflow = || {
        ArrayError::Value(format!(
            "the common unit of {} and {} is out of range",
            DType::Timedelta(a),
            DType::Timedelta(b)
        ))
    };
    let factor = base_factor(coarse.base, fine.base).ok_or_else(overflow)?;
    let steps = u64::from(coarse.count).checked_mul(factor).ok_or_else(overflow)?;
    let count = gcd(steps, u64::from(fine.count));
    Ok(TimeUnit { base: fine.base, count: u32::try_from(count).map_err(|_| overflow())? })
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_promote_as_in_numpy() {
        use DType as D;
        for (a, b, both) in [
            (D::I8, D::U8, D::I16),
            (D::I64, D::U64, D::F64),
            (D::I16, D::F16, D::F32),
            (D::I64, D::F32, D::F64),
            (D::F64, D::C64, D::C128),
            (D::I32, D::C64, D::C128),
            (D::Bool, D::F16, D::F16),
        ] {
            assert_eq!(promote(a, b).unwrap(), both);
            assert_eq!(promote(b, a).unwrap(), both);
        }
    }

    #[test]
    fn scalars_of_python_yield() {
        let of = |dtype, weak| result_type(&[Operand::strong(dtype), Operand::weak(weak)]).unwrap();
        assert_eq!(of(DType::U8, Weak::Int), DType::U8);
        assert_eq!(of(DType::Bool, Weak::Int), DType::I64);
        assert_eq!(of(DType::F16, Weak::Float), DType::F16);
        assert_eq!(of(DType::I8, Weak::Float), DType::F64);
        assert_eq!(of(DType::F32, Weak::Complex), DType::C64);
        assert_eq!(result_type(&[Operand::weak(Weak::Int)]).unwrap(), DType::I64);
    }

    #[test]
    fn three_promote_whatever_their_order() {
        let [a, b, c] = [DType::I8, DType::U8, DType::F16].map(Operand::strong);
        for order in [[a, b, c], [c, a, b], [b, c, a]] {
            assert_eq!(result_type(&order).unwrap(), DType::F16);
        }
    }

    #[test]
    fn units_meet_in_the_finer_one() {
        let unit = |base, count| TimeUnit { base, count };
        let delta = |base, count| DType::Timedelta(unit(base, count));
        let both = promote(delta(TimeBase::Minute, 1), delta(TimeBase::Second, 7)).unwrap();
        assert_eq!(both, delta(TimeBase::Second, 1));
        assert!(promote(delta(TimeBase::Year, 1), delta(TimeBase::Day, 1)).is_err());
        let date = DType::Datetime(unit(TimeBase::Year, 1));
        let day = DType::Datetime(unit(TimeBase::Day, 1));
        assert_eq!(promote(date, day).unwrap(), day);
        assert!(promote(date, DType::I64).is_err());
    }
}
