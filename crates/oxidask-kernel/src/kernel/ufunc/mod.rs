//! The elementwise functions: NumPy's ufuncs by name, the dtypes that they run on, and their loops.
//!
//! [`resolve`] says which dtypes NumPy would compute in, [`find`] gives the loop for them: a plain
//! function over contiguous memory, one of up to three that were compiled for different processors.
//! Casting operands, tiling and broadcasting are the caller's. [`drive`] turns an element's function
//! into a loop; every other module holds the element functions of one family.

/// Those that compare two numbers, as a pattern.
macro_rules! comparisons {
    () => {
        $crate::kernel::ufunc::Ufunc::Equal
            | $crate::kernel::ufunc::Ufunc::NotEqual
            | $crate::kernel::ufunc::Ufunc::Less
            | $crate::kernel::ufunc::Ufunc::LessEqual
            | $crate::kernel::ufunc::Ufunc::Greater
            | $crate::kernel::ufunc::Ufunc::GreaterEqual
    };
}

pub mod drive;
mod resolve;
mod resolve_time;

mod arith;
mod bits;
mod compare;
mod complex;
mod divide;
mod elementary;
mod float;
mod guarded;
mod power;
mod select;
mod time;

#[cfg(test)]
#[expect(unsafe_code, reason = "loops take raw memory")]
mod tests;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

pub use self::drive::{CheckFn, Loop, LoopFn};
pub use self::resolve::resolve;
use crate::dtype::{DType, Kind};
pub use crate::promote::{Operand, Weak};

macro_rules! ufuncs {
    ($($variant:ident $name:literal $n_args:literal $n_outputs:literal)*) => {
        /// An elementwise function: each ufunc of NumPy's, and a few functions that are no ufuncs
        /// there but could be.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "NumPy's functions by name")]
        pub enum Ufunc { $($variant,)* }

        impl Ufunc {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// NumPy's name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How many operands it takes.
            #[must_use]
            pub fn n_args(self) -> usize {
                match self { $(Self::$variant => $n_args,)* }
            }

            /// How many arrays it gives.
            #[must_use]
            pub fn n_outputs(self) -> usize {
                match self { $(Self::$variant => $n_outputs,)* }
            }

            fn from_own_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

ufuncs! {
    Add "add" 2 1
    Subtract "subtract" 2 1
    Multiply "multiply" 2 1
    TrueDivide "true_divide" 2 1
    FloorDivide "floor_divide" 2 1
    Remainder "remainder" 2 1
    Fmod "fmod" 2 1
    Divmod "divmod" 2 2
    Power "power" 2 1
    FloatPower "float_power" 2 1
    Negative "negative" 1 1
    Positive "positive" 1 1
    Absolute "absolute" 1 1
    Fabs "fabs" 1 1
    Sign "sign" 1 1
    Conjugate "conjugate" 1 1
    Exp "exp" 1 1
    Exp2 "exp2" 1 1
    Expm1 "expm1" 1 1
    Log "log" 1 1
    Log2 "log2" 1 1
    Log10 "log10" 1 1
    Log1p "log1p" 1 1
    Sqrt "sqrt" 1 1
    Cbrt "cbrt" 1 1
    Square "square" 1 1
    Reciprocal "reciprocal" 1 1
    Sin "sin" 1 1
    Cos "cos" 1 1
    Tan "tan" 1 1
    Arcsin "arcsin" 1 1
    Arccos "arccos" 1 1
    Arctan "arctan" 1 1
    Arctan2 "arctan2" 2 1
    Hypot "hypot" 2 1
    Sinh "sinh" 1 1
    Cosh "cosh" 1 1
    Tanh "tanh" 1 1
    Arcsinh "arcsinh" 1 1
    Arccosh "arccosh" 1 1
    Arctanh "arctanh" 1 1
    Deg2rad "deg2rad" 1 1
    Rad2deg "rad2deg" 1 1
    Logaddexp "logaddexp" 2 1
    Logaddexp2 "logaddexp2" 2 1
    Equal "equal" 2 1
    NotEqual "not_equal" 2 1
    Less "less" 2 1
    LessEqual "less_equal" 2 1
    Greater "greater" 2 1
    GreaterEqual "greater_equal" 2 1
    LogicalAnd "logical_and" 2 1
    LogicalOr "logical_or" 2 1
    LogicalXor "logical_xor" 2 1
    LogicalNot "logical_not" 1 1
    BitwiseAnd "bitwise_and" 2 1
    BitwiseOr "bitwise_or" 2 1
    BitwiseXor "bitwise_xor" 2 1
    Invert "invert" 1 1
    LeftShift "left_shift" 2 1
    RightShift "right_shift" 2 1
    BitwiseCount "bitwise_count" 1 1
    Maximum "maximum" 2 1
    Minimum "minimum" 2 1
    Fmax "fmax" 2 1
    Fmin "fmin" 2 1
    Isfinite "isfinite" 1 1
    Isinf "isinf" 1 1
    Isnan "isnan" 1 1
    Isnat "isnat" 1 1
    Signbit "signbit" 1 1
    Copysign "copysign" 2 1
    Nextafter "nextafter" 2 1
    Spacing "spacing" 1 1
    Ldexp "ldexp" 2 1
    Frexp "frexp" 1 2
    Modf "modf" 1 2
    Floor "floor" 1 1
    Ceil "ceil" 1 1
    Trunc "trunc" 1 1
    Rint "rint" 1 1
    Heaviside "heaviside" 2 1
    Gcd "gcd" 2 1
    Lcm "lcm" 2 1
    Fix "fix" 1 1
    Sinc "sinc" 1 1
    I0 "i0" 1 1
    NanToNum "nan_to_num" 1 1
    Real "real" 1 1
    Imag "imag" 1 1
    Angle "angle" 1 1
    Isreal "isreal" 1 1
    Iscomplex "iscomplex" 1 1
    Clip "clip" 3 1
    Where "where" 3 1
}

impl Ufunc {
    /// The function of this NumPy name, aliases included.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "divide" => Self::TrueDivide,
            "mod" => Self::Remainder,
            "pow" => Self::Power,
            "abs" => Self::Absolute,
            "conj" => Self::Conjugate,
            "degrees" => Self::Rad2deg,
            "radians" => Self::Deg2rad,
            "asin" => Self::Arcsin,
            "acos" => Self::Arccos,
            "atan" => Self::Arctan,
            "atan2" => Self::Arctan2,
            "asinh" => Self::Arcsinh,
            "acosh" => Self::Arccosh,
            "atanh" => Self::Arctanh,
            "bitwise_not" | "bitwise_invert" => Self::Invert,
            "bitwise_left_shift" => Self::LeftShift,
            "bitwise_right_shift" => Self::RightShift,
            _ => return Self::from_own_name(name),
        })
    }
}

/// The dtypes of a loop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resolved {
    /// What the loop takes: operands of other dtypes are cast to these first.
    pub args: SmallVec<[DType; 3]>,
    /// What the loop gives.
    pub outs: SmallVec<[DType; 2]>,
}

/// The loop of a function on these dtypes, in the version for this processor. `None` if it has none.
#[must_use]
pub fn find(ufunc: Ufunc, resolved: &Resolved) -> Option<Loop> {
    use Ufunc as U;
    let dtype = *resolved.args.first()?;
    let is_time = |dtype: &DType| matches!(dtype.kind(), Kind::Datetime | Kind::Timedelta);
    match ufunc {
        U::Where => return select::find_where(*resolved.args.get(1)?),
        U::Positive => return Some(select::find_copy(dtype)),
        _ if resolved.args.iter().any(is_time) => return time::find(ufunc, resolved),
        _ if dtype.kind() == Kind::Complex => {
            if let Some(found) = complex::find(ufunc, dtype) {
                return Some(found);
            }
        }
        _ => {}
    }
    match ufunc {
        U::Add
        | U::Subtract
        | U::Multiply
        | U::Square
        | U::Negative
        | U::Absolute
        | U::Fabs
        | U::Sign
        | U::Conjugate => arith::find(ufunc, dtype),
        U::TrueDivide
        | U::FloorDivide
        | U::Remainder
        | U::Fmod
        | U::Divmod
        | U::Reciprocal
        | U::Gcd
        | U::Lcm => divide::find(ufunc, dtype),
        U::Power | U::FloatPower => power::find(dtype),
        comparisons!() | U::Maximum | U::Minimum | U::Fmax | U::Fmin | U::Clip => {
            compare::find(ufunc, dtype)
        }
        U::LogicalAnd
        | U::LogicalOr
        | U::LogicalXor
        | U::LogicalNot
        | U::BitwiseAnd
        | U::BitwiseOr
        | U::BitwiseXor
        | U::Invert
        | U::LeftShift
        | U::RightShift
        | U::BitwiseCount => bits::find(ufunc, dtype),
        U::Isfinite
        | U::Isinf
        | U::Isnan
        | U::Signbit
        | U::Copysign
        | U::Nextafter
        | U::Spacing
        | U::Ldexp
        | U::Frexp
        | U::Modf
        | U::Floor
        | U::Ceil
        | U::Trunc
        | U::Fix
        | U::Rint
        | U::Heaviside
        | U::NanToNum
        | U::Real
        | U::Imag
        | U::Angle
        | U::Isreal
        | U::Iscomplex => float::find(ufunc, resolved),
        _ => elementary::find(ufunc, dtype),
    }
}
