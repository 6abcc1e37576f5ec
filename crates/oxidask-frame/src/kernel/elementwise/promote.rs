//! Which dtype an operator gives: pandas 3 over NumPy 2.
//!
//! Columns promote by NumPy's table; a scalar is weak and takes the kind of the column, if it fits. pandas adds
//! its own: nullable dtypes win over NumPy's, division by zero makes integers `float64`, and `&` of integers
//! stays with integers. Where pandas' dtype depends on the values (`int64 // int64` with a zero among
//! divisors), the one without the exception is given and the kernel refuses the exception.

use super::{Binary, OperandType, Unary};
use crate::dtype::{DType, Number, Unit};
use crate::error::{FrameError, Result};
use crate::scalar::Scalar;

/// The dtype of `left op right`, at least one of which is a column.
///
/// # Errors
/// [`FrameError::Type`] where pandas raises `TypeError`, `Overflow` for integers that don't fit the column's
/// dtype, [`FrameError::Unsupported`] for divisions of truth values, [`FrameError::NoKernel`] where pandas'
/// answer is no native column.
pub fn binary_dtype(op: Binary, left: OperandType<'_>, right: OperandType<'_>) -> Result<DType> {
    if let (OperandType::Scalar(_), OperandType::Scalar(_)) = (left, right) {
        return Err(FrameError::NoKernel(format!("{} of two scalars", op.sign())));
    }
    let sides = (Side::of(left), Side::of(right));
    if let (Side::Number(Numeric { weak: Some(Scalar::UInt(_)), .. }), other)
    | (other, Side::Number(Numeric { weak: Some(Scalar::UInt(_)), .. })) = &sides
        && !matches!(other, Side::Number(Numeric { number: Some(_), .. }))
    {
        return Err(FrameError::NoKernel(format!(
            "{} of {} and {}",
            op.sign(),
            left.name(),
            right.name()
        )));
    }
    if op.is_comparison() {
        return comparison(op, left, right, &sides);
    }
    match sides {
        (Side::Number(a), Side::Number(b)) => {
            if op.is_logic() {
                logic(op, left, right, a, b)
            } else {
                numbers(op, left, right, a, b)
            }
        }
        (Side::Str, Side::Str) if op == Binary::Add => Ok(DType::Str),
        (Side::Str, Side::Missing) | (Side::Missing, Side::Str) if op == Binary::Add => {
            Ok(DType::Str)
        }
        (Side::Str, Side::Number(n)) if op == Binary::Mul && n.repeats(left) => Ok(DType::Str),
        (Side::Number(n), Side::Str) if op == Binary::Mul && n.repeats(right) => Ok(DType::Str),
        (Side::Str, _) if op == Binary::Mod && matches!(left, OperandType::Scalar(_)) => {
            Err(FrameError::NoKernel("formatting of text".into()))
        }
        (Side::Datetime(..) | Side::Timedelta(_), _)
        | (_, Side::Datetime(..) | Side::Timedelta(_)) => times(op, left, right, &sides),
        (Side::Missing, Side::Number(n)) | (Side::Number(n), Side::Missing) => {
            missing(op, left, right, n)
        }
        (Side::Str, Side::Number(n)) | (Side::Number(n), Side::Str)
            if op.is_logic() && n.number.is_none() =>
        {
            Err(FrameError::NoKernel("logic of truth values and text".into()))
        }
        _ => Err(refused(op, left, right)),
    }
}

/// One operand among numbers.
#[derive(Clone, Copy, Debug)]
struct Numeric<'a> {
    /// None for truth values.
    number: Option<Number>,
    nullable: bool,
    weak: Option<&'a Scalar>,
}

impl Numeric<'_> {
    fn is_integer(&self) -> bool {
        self.number.is_some_and(|number| !number.is_float())
    }

    /// Whether text can be repeated so often: a column of it, since pandas refuses single words.
    fn repeats(&self, text: OperandType<'_>) -> bool {
        self.is_integer() && matches!(text, OperandType::Column(_))
    }

    fn is_zero(&self) -> bool {
        matches!(self.weak, Some(Scalar::Int(0) | Scalar::UInt(0) | Scalar::Bool(false)))
    }
}

#[derive(Clone, Debug)]
enum Side<'a> {
    Number(Numeric<'a>),
    Str,
    Datetime(Unit, Option<&'a str>),
    Timedelta(Unit),
    Category { ordered: bool },
    Missing,
}

impl<'a> Side<'a> {
    fn of(operand: OperandType<'a>) -> Self {
        let number = |number, nullable, weak| Self::Number(Numeric { number, nullable, weak });
        match operand {
            OperandType::Column(dtype) => match dtype {
                DType::Bool => number(None, false, None),
                DType::NullableBool => number(None, true, None),
                DType::Number(n) => number(Some(*n), false, None),
                DType::NullableNumber(n) => number(Some(*n), true, None),
                DType::Str => Self::Str,
                DType::Datetime(unit, zone) => Self::Datetime(*unit, zone.as_deref()),
                DType::Timedelta(unit) => Self::Timedelta(*unit),
                DType::Category { ordered, .. } => Self::Category { ordered: *ordered },
            },
            OperandType::Scalar(value) => match value {
                Scalar::Missing => Self::Missing,
                Scalar::Bool(_) => number(None, false, Some(value)),
                Scalar::Int(_) => number(Some(Number::I64), false, Some(value)),
                Scalar::UInt(_) => number(Some(Number::U64), false, Some(value)),
                Scalar::Float(_) => number(Some(Number::F64), false, Some(value)),
                Scalar::Str(_) => Self::Str,
                Scalar::Datetime(_, unit, zone) => Self::Datetime(*unit, zone.as_deref()),
                Scalar::Timedelta(_, unit) => Self::Timedelta(*unit),
            },
        }
    }
}

/// pandas' `TypeError`.
fn refused(op: Binary, left: OperandType<'_>, right: OperandType<'_>) -> FrameError {
    FrameError::Type(format!(
        "unsupported operand types for {}: {} and {}",
        op.sign(),
        left.name(),
        right.name()
    ))
}

fn nullable_or(number: Option<Number>, nullable: bool) -> DType {
    match (number, nullable) {
        (None, false) => DType::Bool,
        (None, true) => DType::NullableBool,
        (Some(number), false) => DType::Number(number),
        (Some(number), true) => DType::NullableNumber(number),
    }
}

/// NumPy's common dtype of two columns of numbers.
#[must_use]
pub(super) fn common(a: Number, b: Number) -> Number {
    use Number::{F32, F64, I16, I32, I64, U64};
    match (a.is_float(), b.is_float()) {
        (true, true) => a.max(b),
        (true, false) | (false, true) => {
            let (float, integer) = if a.is_float() { (a, b) } else { (b, a) };
            if float == F32 && integer.size() <= 2 { F32 } else { F64 }
        }
        (false, false) if a.is_unsigned() == b.is_unsigned() => {
            if a.size() >= b.size() {
                a
            } else {
                b
            }
        }
        (false, false) => {
            let (unsigned, signed) = if a.is_unsigned() { (a, b) } else { (b, a) };
            match unsigned {
                U64 => F64,
                _ if signed.size() > unsigned.size() => signed,
                _ => match unsigned.size() {
                    1 => I16,
                    2 => I32,
                    _ => I64,
                },
            }
        }
    }
}

/// Whether an integer can be one of the column's.
pub(super) fn fits(value: &Scalar, number: Number) -> bool {
    let value = match value {
        Scalar::Int(value) => i128::from(*value),
        Scalar::UInt(value) => i128::from(*value),
        _ => return true,
    };
    let bits = 8 * number.size() as u32;
    match number {
        _ if number.is_float() => true,
        _ if number.is_unsigned() => (0..1_i128 << bits).contains(&value),
        _ => (-(1_i128 << (bits - 1))..1_i128 << (bits - 1)).contains(&value),
    }
}

/// The dtype that both are brought to; none if both are truth values.
fn meet(a: Numeric<'_>, b: Numeric<'_>) -> Result<Option<Number>> {
    let (column, scalar) = match (a.weak, b.weak) {
        (None, None) => {
            return Ok(match (a.number, b.number) {
                (Some(a), Some(b)) => Some(common(a, b)),
                (one, other) => one.or(other),
            });
        }
        (None, Some(scalar)) => (a, scalar),
        (Some(scalar), _) => (b, scalar),
    };
    let weak = if a.weak.is_some() { a.number } else { b.number };
    Ok(match (column.number, weak) {
        (column, None) => column,
        (None, weak) => weak,
        (Some(column), Some(weak)) if column.is_float() || !weak.is_float() => {
            if !fits(scalar, column) {
                return Err(FrameError::Overflow(format!(
                    "Python integer {scalar} out of bounds for {}",
                    column.name()
                )));
            }
            Some(column)
        }
        _ => Some(Number::F64),
    })
}

fn numbers(
    op: Binary,
    left: OperandType<'_>,
    right: OperandType<'_>,
    a: Numeric<'_>,
    b: Numeric<'_>,
) -> Result<DType> {
    let nullable = a.nullable || b.nullable;
    let unsupported = || {
        Err(FrameError::Unsupported(format!(
            "operator {} is not implemented for bool dtypes: cast one side with astype('int64')",
            op.sign()
        )))
    };
    if op == Binary::TrueDiv {
        return match (a.number, b.number) {
            (None, None) => unsupported(),
            _ => {
                let number = meet(a, b).ok().flatten().filter(|number| number.is_float());
                Ok(nullable_or(Some(number.unwrap_or(Number::F64)), nullable))
            }
        };
    }
    let Some(number) = meet(a, b)? else {
        return match op {
            Binary::Add | Binary::Mul => Ok(nullable_or(None, nullable)),
            Binary::Sub => Err(refused(op, left, right)),
            Binary::Mod if b.is_zero() => Err(FrameError::NoKernel("% of bool by False".into())),
            Binary::Mod => Ok(nullable_or(Some(Number::I8), nullable)),
            _ => unsupported(),
        };
    };
    match op {
        Binary::FloorDiv | Binary::Mod => {
            let divisor_is_bool = b.number.is_none();
            if nullable && divisor_is_bool {
                return Err(FrameError::NoKernel("division by nullable truth values".into()));
            }
            let widened = b.is_zero() && !nullable && !number.is_float();
            Ok(nullable_or(Some(if widened { Number::F64 } else { number }), nullable))
        }
        Binary::Pow => {
            let of_bool = a.number.is_none() && b.weak.is_some();
            if of_bool && b.is_integer() {
                return Err(FrameError::NoKernel("powers of truth values".into()));
            }
            if let (Some(Scalar::Int(exponent)), false) = (b.weak, number.is_float())
                && *exponent < 0
            {
                return Err(FrameError::Value(
                    "Integers to negative integer powers are not allowed.".into(),
                ));
            }
            Ok(nullable_or(Some(number), nullable))
        }
        _ => Ok(nullable_or(Some(number), nullable)),
    }
}

fn missing(
    op: Binary,
    left: OperandType<'_>,
    right: OperandType<'_>,
    column: Numeric<'_>,
) -> Result<DType> {
    let is_float = column.number.is_some_and(Number::is_float);
    match (column.nullable, column.number) {
        (true, None) if op.is_logic() => Ok(DType::NullableBool),
        _ if op.is_logic() => Err(FrameError::NoKernel(format!(
            "{} of {} and {}",
            op.sign(),
            left.name(),
            right.name()
        ))),
        (false, _) => Ok(DType::Number(column.number.filter(|_| is_float).unwrap_or(Number::F64))),
        (true, Some(_)) if op == Binary::TrueDiv && !is_float => {
            Ok(DType::NullableNumber(Number::F64))
        }
        (true, Some(number)) => Ok(DType::NullableNumber(number)),
        (true, None) => Err(FrameError::NoKernel("arithmetic of boolean and NA".into())),
    }
}

fn logic(
    op: Binary,
    left: OperandType<'_>,
    right: OperandType<'_>,
    a: Numeric<'_>,
    b: Numeric<'_>,
) -> Result<DType> {
    let nullable = a.nullable || b.nullable;
    match (a.number, b.number) {
        (None, None) => Ok(nullable_or(None, nullable)),
        (Some(_), Some(_)) if a.is_integer() && b.is_integer() => match meet(a, b)? {
            Some(number) if !number.is_float() => Ok(nullable_or(Some(number), nullable)),
            _ => Err(FrameError::NoKernel("logic of int64 and uint64".into())),
        },
        (Some(_), Some(_)) => Err(refused(op, left, right)),
        _ => Err(FrameError::NoKernel(format!(
            "{} of {} and {}",
            op.sign(),
            left.name(),
            right.name()
        ))),
    }
}

fn times(
    op: Binary,
    left: OperandType<'_>,
    right: OperandType<'_>,
    sides: &(Side<'_>, Side<'_>),
) -> Result<DType> {
    use Side::{Datetime, Missing, Number, Timedelta};
    let when = |unit: Unit, zone: &Option<&str>| DType::Datetime(unit, zone.map(Into::into));
    let scales = |n: &Numeric<'_>| n.number.is_some();
    Ok(match (op, &sides.0, &sides.1) {
        (Binary::Add, Datetime(a, zone), Timedelta(b))
        | (Binary::Add, Timedelta(a), Datetime(b, zone))
        | (Binary::Sub, Datetime(a, zone), Timedelta(b)) => when(*a.max(b), zone),
        (Binary::Add | Binary::Sub | Binary::Mod, Timedelta(a), Timedelta(b)) => {
            DType::Timedelta(*a.max(b))
        }
        (Binary::Sub, Datetime(a, left), Datetime(b, right))
            if left.is_some() == right.is_some() =>
        {
            DType::Timedelta(*a.max(b))
        }
        (Binary::Add, Datetime(unit, zone), Missing)
        | (Binary::Add, Missing, Datetime(unit, zone)) => when(*unit, zone),
        (Binary::Sub, Datetime(unit, _), Missing)
        | (Binary::Sub, Missing, Datetime(unit, _))
        | (Binary::Add | Binary::Sub, Timedelta(unit), Missing)
        | (Binary::Add | Binary::Sub, Missing, Timedelta(unit)) => DType::Timedelta(*unit),
        (Binary::Mul, Timedelta(unit), Number(n)) | (Binary::Mul, Number(n), Timedelta(unit))
            if scales(n) =>
        {
            DType::Timedelta(*unit)
        }
        (Binary::TrueDiv, Timedelta(unit), Number(n)) if scales(n) => DType::Timedelta(*unit),
        (Binary::FloorDiv | Binary::Mod, Timedelta(unit), Number(n)) if scales(n) => {
            return Err(FrameError::no_kernel(op.sign(), &DType::Timedelta(*unit)));
        }
        (Binary::TrueDiv, Timedelta(_), Timedelta(_)) => DType::F64,
        (Binary::FloorDiv, Timedelta(unit), Timedelta(_)) | (_, Timedelta(unit), Missing) => {
            // pandas gives int64, and float64 where a value is missing.
            return Err(FrameError::no_kernel(op.sign(), &DType::Timedelta(*unit)));
        }
        _ => return Err(refused(op, left, right)),
    })
}

fn comparison(
    op: Binary,
    left: OperandType<'_>,
    right: OperandType<'_>,
    sides: &(Side<'_>, Side<'_>),
) -> Result<DType> {
    let equality = matches!(op, Binary::Eq | Binary::Ne);
    let is_nullable = |side: &Side<'_>| matches!(side, Side::Number(n) if n.nullable);
    let nullable = is_nullable(&sides.0) || is_nullable(&sides.1);
    let truth = nullable_or(None, nullable);
    match sides {
        (Side::Number(_), Side::Number(_)) | (Side::Str, Side::Str) => Ok(truth),
        (Side::Timedelta(_), Side::Timedelta(_)) => Ok(truth),
        (Side::Datetime(_, a), Side::Datetime(_, b)) if a.is_some() == b.is_some() => Ok(truth),
        (Side::Datetime(_, zone), Side::Str) | (Side::Str, Side::Datetime(_, zone)) => {
            match (left, right) {
                (OperandType::Scalar(Scalar::Str(text)), _)
                | (_, OperandType::Scalar(Scalar::Str(text))) => {
                    super::times::of_text(text, *zone).map(|_| truth)
                }
                _ if equality => Ok(truth),
                _ => Err(refused(op, left, right)),
            }
        }
        (Side::Timedelta(_), Side::Str) | (Side::Str, Side::Timedelta(_))
            if matches!(left, OperandType::Scalar(_))
                || matches!(right, OperandType::Scalar(_)) =>
        {
            Err(FrameError::NoKernel("timedeltas in words".into()))
        }
        (Side::Category { ordered }, _) | (_, Side::Category { ordered }) => {
            if equality || *ordered { Ok(truth) } else { Err(refused(op, left, right)) }
        }
        (Side::Missing, other) | (other, Side::Missing) => match other {
            Side::Datetime(..) | Side::Timedelta(_) if !equality => {
                // NaT compares false with everything, None is refused: a scalar doesn't tell them apart.
                Err(FrameError::NoKernel(format!("{} of times and NA", op.sign())))
            }
            _ => Ok(truth),
        },
        // Which side is nullable decides, and columns differ from scalars.
        _ if nullable => Err(FrameError::NoKernel(format!(
            "{} of {} and {}",
            op.sign(),
            left.name(),
            right.name()
        ))),
        _ if equality => Ok(truth),
        _ => Err(refused(op, left, right)),
    }
}

/// The dtype of a function of one column.
///
/// # Errors
/// As [`binary_dtype`].
pub fn unary_dtype(op: Unary, dtype: &DType) -> Result<DType> {
    let (number, nullable) = match dtype {
        DType::Bool => (None, false),
        DType::NullableBool => (None, true),
        DType::Number(number) => (Some(*number), false),
        DType::NullableNumber(number) => (Some(*number), true),
        _ => return unary_of_others(op, dtype),
    };
    let is_float = number.is_some_and(Number::is_float);
    let refused =
        || Err(FrameError::Type(format!("{op:?} of a column of {dtype} is not supported")));
    match op {
        Unary::IsNa | Unary::NotNa => Ok(DType::Bool),
        Unary::Abs | Unary::Pos => Ok(dtype.clone()),
        Unary::Neg if number.is_none() && nullable => refused(),
        Unary::Neg => Ok(dtype.clone()),
        Unary::Not if is_float => refused(),
        Unary::Not => Ok(dtype.clone()),
        Unary::Round(decimals) => match number {
            Some(_) if is_float || decimals >= 0 => Ok(dtype.clone()),
            _ => Err(FrameError::no_kernel("round", dtype)),
        },
        Unary::IsFinite | Unary::IsInf | Unary::IsNan => match number {
            Some(_) if !nullable => Ok(DType::Bool),
            _ => Err(FrameError::no_kernel("tests", dtype)),
        },
        _ if number.is_none() => Err(FrameError::no_kernel("functions", dtype)),
        Unary::Floor | Unary::Ceil | Unary::Trunc | Unary::Sign | Unary::Square => {
            Ok(dtype.clone())
        }
        // NumPy makes half floats of bytes.
        _ => match number {
            Some(Number::I8 | Number::U8) | None => Err(FrameError::no_kernel("functions", dtype)),
            Some(Number::I16 | Number::U16 | Number::F32) => {
                Ok(nullable_or(Some(Number::F32), nullable))
            }
            Some(_) => Ok(nullable_or(Some(Number::F64), nullable)),
        },
    }
}

fn unary_of_others(op: Unary, dtype: &DType) -> Result<DType> {
    match (op, dtype) {
        (Unary::IsNa | Unary::NotNa, _) => Ok(DType::Bool),
        (Unary::Neg | Unary::Abs | Unary::Pos, DType::Timedelta(_)) => Ok(dtype.clone()),
        _ => Err(FrameError::Type(format!("{op:?} of a column of {dtype} is not supported"))),
    }
}
