//! Which loop NumPy would choose: the dtypes that operands are cast to, and the result's.
//!
//! A ufunc has loops for a list of dtypes. The first one that all operands cast to safely is taken.

use smallvec::{SmallVec, smallvec};

use super::{Operand, Resolved, Ufunc, Weak, resolve_time};
use crate::dtype::{DType, Kind};
use crate::error::{ArrayError, Result};
use crate::kernel::cast::{Casting, can_cast};
use crate::promote::result_type;

/// What a loop gives.
#[derive(Clone, Copy)]
enum Gives {
    /// The dtype that it takes.
    Same,
    /// Booleans.
    Bool,
    /// Floats for complex numbers.
    RealPart,
    /// Floats beside 32-bit exponents.
    WithExponent,
    /// Bytes.
    Byte,
}

const INTS: &str = "bBhHiIlL";
const FLOATS: &str = "efd";
const INEXACT: &str = "efdFD";

fn dtype_of(letter: char) -> Option<DType> {
    Some(match letter {
        '?' => DType::Bool,
        'b' => DType::I8,
        'B' => DType::U8,
        'h' => DType::I16,
        'H' => DType::U16,
        'i' => DType::I32,
        'I' => DType::U32,
        'l' => DType::I64,
        'L' => DType::U64,
        'e' => DType::F16,
        'f' => DType::F32,
        'd' => DType::F64,
        'F' => DType::C64,
        'D' => DType::C128,
        _ => return None,
    })
}

/// The dtypes of a function's loops, in the order in which they are tried, and what they give.
fn loops(ufunc: Ufunc) -> (&'static [&'static str], Gives) {
    use Gives::{Bool, Byte, RealPart, Same, WithExponent};
    use Ufunc as U;
    match ufunc {
        U::Add | U::Multiply | U::Maximum | U::Minimum | U::Fmax | U::Fmin | U::Clip => {
            (&["?", INTS, INEXACT], Same)
        }
        U::Subtract
        | U::Negative
        | U::Positive
        | U::Sign
        | U::Conjugate
        | U::Square
        | U::Reciprocal
        | U::Power => (&[INTS, INEXACT], Same),
        U::TrueDivide
        | U::Exp
        | U::Exp2
        | U::Expm1
        | U::Log
        | U::Log2
        | U::Log10
        | U::Log1p
        | U::Sqrt
        | U::Sin
        | U::Cos
        | U::Tan
        | U::Arcsin
        | U::Arccos
        | U::Arctan
        | U::Sinh
        | U::Cosh
        | U::Tanh
        | U::Arcsinh
        | U::Arccosh
        | U::Arctanh
        | U::Rint => (&[INEXACT], Same),
        U::FloatPower => (&["dD"], Same),
        U::FloorDivide | U::Remainder | U::Fmod | U::Divmod => (&[INTS, FLOATS], Same),
        U::Absolute => (&["?", INTS, INEXACT], RealPart),
        U::Fabs
        | U::Cbrt
        | U::Arctan2
        | U::Hypot
        | U::Deg2rad
        | U::Rad2deg
        | U::Logaddexp
        | U::Logaddexp2
        | U::Copysign
        | U::Nextafter
        | U::Spacing
        | U::Modf
        | U::Heaviside => (&[FLOATS], Same),
        comparisons!()
        | U::LogicalAnd
        | U::LogicalOr
        | U::LogicalXor
        | U::LogicalNot
        | U::Isfinite
        | U::Isinf
        | U::Isnan
        | U::Isreal
        | U::Iscomplex => (&["?", INTS, INEXACT], Bool),
        U::BitwiseAnd | U::BitwiseOr | U::BitwiseXor | U::Invert => (&["?", INTS], Same),
        U::LeftShift | U::RightShift | U::Gcd | U::Lcm => (&[INTS], Same),
        U::BitwiseCount => (&[INTS], Byte),
        U::Isnat => (&[], Bool),
        U::Signbit => (&[FLOATS], Bool),
        U::Frexp => (&[FLOATS], WithExponent),
        U::Floor | U::Ceil | U::Trunc | U::Fix => (&["?", INTS, FLOATS], Same),
        U::NanToNum => (&["?", INTS, INEXACT], Same),
        U::Real | U::Imag => (&["?", INTS, INEXACT], RealPart),
        // Integers, as NumPy's Python code converts them first.
        U::Sinc => (&[INEXACT], Same),
        U::I0 => (&[FLOATS], Same),
        U::Angle => (&[INEXACT], RealPart),
        U::Ldexp | U::Where => (&[], Same),
    }
}

/// The dtypes that NumPy would compute in.
///
/// # Errors
/// [`ArrayError::Type`] where NumPy raises.
pub fn resolve(ufunc: Ufunc, args: &[Operand]) -> Result<Resolved> {
    if args.len() != ufunc.n_args() {
        return Err(ArrayError::Type(format!(
            "{} takes {} operands, not {}",
            ufunc.name(),
            ufunc.n_args(),
            args.len()
        )));
    }
    if ufunc == Ufunc::Where {
        let dtype = result_type(&args[1..])?;
        return Ok(Resolved { args: smallvec![DType::Bool, dtype, dtype], outs: smallvec![dtype] });
    }
    let is_time = |arg: &Operand| matches!(arg.dtype.kind(), Kind::Datetime | Kind::Timedelta);
    if args.iter().any(is_time) {
        return resolve_time::resolve(ufunc, args);
    }
    let dtypes = strong_dtypes(ufunc, args)?;
    match ufunc {
        Ufunc::Subtract if dtypes.iter().all(|&dtype| dtype == DType::Bool) => {
            Err(ArrayError::Type(
                "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, \
                 the `^` operator, or the logical_xor function instead"
                    .into(),
            ))
        }
        Ufunc::Negative if dtypes[0] == DType::Bool => Err(ArrayError::Type(
            "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator \
             or the logical_not function instead."
                .into(),
        )),
        Ufunc::Positive | Ufunc::Sign | Ufunc::Gcd | Ufunc::Lcm
            if dtypes.iter().all(|&dtype| dtype == DType::Bool) =>
        {
            Err(no_loop(ufunc, &dtypes))
        }
        Ufunc::Ldexp => resolve_ldexp(&dtypes),
        Ufunc::TrueDivide if dtypes.iter().all(|dtype| is_integer(*dtype)) => {
            Ok(all(ufunc, DType::F64, Gives::Same))
        }
        Ufunc::Sinc | Ufunc::I0 if is_integer(dtypes[0]) => Ok(all(ufunc, DType::F64, Gives::Same)),
        Ufunc::Angle if dtypes[0] == DType::Bool => Ok(all(ufunc, DType::F64, Gives::Same)),
        // Truth needs no common dtype.
        Ufunc::LogicalAnd | Ufunc::LogicalOr | Ufunc::LogicalXor
            if dtypes.iter().any(|&dtype| dtype != dtypes[0]) =>
        {
            Ok(all(ufunc, DType::Bool, Gives::Bool))
        }
        _ => resolve_number(ufunc, &dtypes),
    }
}

fn is_integer(dtype: DType) -> bool {
    dtype.kind() <= Kind::Signed
}

/// The dtypes of the operands, with those that Python's scalars take beside the arrays.
fn strong_dtypes(ufunc: Ufunc, args: &[Operand]) -> Result<SmallVec<[DType; 3]>> {
    if let (Ufunc::Ldexp, [number, exponent]) = (ufunc, args) {
        // The first loop that takes a Python int beside an array is that of half precision.
        let is_weak = number.weak == Some(Weak::Int) && exponent.weak.is_none();
        let float = if is_weak { DType::F16 } else { number.dtype };
        return Ok(smallvec![float, exponent.dtype]);
    }
    if args.iter().all(|arg| arg.weak.is_none()) {
        return Ok(args.iter().map(|arg| arg.dtype).collect());
    }
    // A weak operand takes the dtype of the whole; `beside` the strong ones alone would give an
    // int less than a float next to it.
    let common = result_type(args)?;
    let strong = |arg: &Operand| match arg.weak {
        None | Some(Weak::Bool) => arg.dtype,
        Some(_) => common,
    };
    Ok(args.iter().map(strong).collect())
}

fn resolve_number(ufunc: Ufunc, dtypes: &[DType]) -> Result<Resolved> {
    let (lists, gives) = loops(ufunc);
    let fits = |to: &DType| dtypes.iter().all(|&from| can_cast(from, *to, Casting::Safe));
    let letters = lists.iter().flat_map(|list| list.chars());
    let found = letters.filter_map(dtype_of).find(fits).ok_or_else(|| no_loop(ufunc, dtypes))?;
    Ok(all(ufunc, found, gives))
}

/// A loop whose operands have one dtype.
fn all(ufunc: Ufunc, dtype: DType, gives: Gives) -> Resolved {
    let out = match gives {
        Gives::Same | Gives::WithExponent => dtype,
        Gives::Bool => DType::Bool,
        Gives::Byte => DType::U8,
        Gives::RealPart => real_part(dtype),
    };
    let mut outs: SmallVec<[DType; 2]> = smallvec![out; ufunc.n_outputs()];
    if matches!(gives, Gives::WithExponent) {
        outs[1] = DType::I32;
    }
    Resolved { args: smallvec![dtype; ufunc.n_args()], outs }
}

/// The dtype of the parts of complex numbers; others as they are.
fn real_part(dtype: DType) -> DType {
    match dtype {
        DType::C64 => DType::F32,
        DType::C128 => DType::F64,
        _ => dtype,
    }
}

/// A float and an exponent of 32 or 64 bits.
fn resolve_ldexp(dtypes: &[DType]) -> Result<Resolved> {
    let fits = |from: DType, to: DType| can_cast(from, to, Casting::Safe);
    let floats = [DType::F16, DType::F32, DType::F64];
    let float = floats.into_iter().find(|&to| fits(dtypes[0], to));
    let exponent = [DType::I32, DType::I64].into_iter().find(|&to| fits(dtypes[1], to));
    let (Some(float), Some(exponent)) = (float, exponent) else {
        return Err(no_loop(Ufunc::Ldexp, dtypes));
    };
    Ok(Resolved { args: smallvec![float, exponent], outs: smallvec![float] })
}

pub(super) fn no_loop(ufunc: Ufunc, dtypes: &[DType]) -> ArrayError {
    let names: Vec<String> = dtypes.iter().map(ToString::to_string).collect();
    ArrayError::Type(format!(
        "ufunc '{}' is not supported for operands of dtype {}: convert them with astype first",
        ufunc.name(),
        names.join(" and ")
    ))
}
