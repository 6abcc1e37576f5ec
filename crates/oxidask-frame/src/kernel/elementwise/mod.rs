//! Elementwise operations: operators of one and two operands, casts, filling of what is missing.
//!
//! Each has two halves: a function `..._dtype`, which says what pandas' result would be without looking at
//! data, and the kernel itself, whose result is of that dtype. Scalars are weak, as in NumPy 2: they take the
//! column's dtype where they fit. Read `promote` first, then `arithmetic`.
//!
//! What has no kernel gives [`FrameError::NoKernel`](crate::error::FrameError): pandas does it then.

mod arithmetic;
mod cast;
mod choose;
mod compare;
mod fill;
mod logic;
mod membership;
mod number;
mod operand;
mod promote;
mod text;
mod times;
mod unary;

use arrow_array::ArrayRef;
use serde::{Deserialize, Serialize};

use crate::dtype::DType;
use crate::error::Result;

pub use cast::{cast, cast_dtype};
pub use choose::{choose, clip, clip_dtype, where_dtype};
pub(in crate::kernel) use compare::pack;
pub use fill::{fillna, fillna_dtype};
pub use membership::{is_in, is_in_dtype};
pub(in crate::kernel) use number::{Native, array as number_array, with_number};
pub(in crate::kernel) use operand::ticks;
pub use operand::{Operand, OperandType};
pub use promote::{binary_dtype, unary_dtype};
pub(in crate::kernel) use times::{of_ticks, relabelled};
pub use unary::unary;

/// An operator of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Binary {
    Add,
    Sub,
    Mul,
    TrueDiv,
    FloorDiv,
    Mod,
    Pow,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Xor,
}

impl Binary {
    /// Python's sign.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::TrueDiv => "/",
            Self::FloorDiv => "//",
            Self::Mod => "%",
            Self::Pow => "**",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
        }
    }

    /// Whether it compares.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// Whether it is one of `&`, `|` and `^`.
    #[must_use]
    pub fn is_logic(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Xor)
    }

    /// The comparison with operands exchanged.
    #[must_use]
    pub(crate) fn mirrored(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            other => other,
        }
    }
}

/// An operator of one operand, or a function of NumPy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are NumPy's")]
pub enum Unary {
    Neg,
    Pos,
    Abs,
    Not,
    IsNa,
    NotNa,
    /// To so many decimals, halves to even.
    Round(i32),
    Floor,
    Ceil,
    Trunc,
    Rint,
    Sign,
    Square,
    Sqrt,
    Cbrt,
    Exp,
    Exp2,
    Expm1,
    Log,
    Log2,
    Log10,
    Log1p,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Degrees,
    Radians,
    IsFinite,
    IsInf,
    IsNan,
}

/// `left op right`, row by row: `n_rows` of them, as long as each column.
///
/// # Errors
/// As [`binary_dtype`]; and [`FrameError::Value`](crate::error::FrameError) for columns of other lengths and
/// integers to negative powers, `Overflow` for times out of range, `Unsupported` for integers divided by
/// zeros, whose dtype pandas changes.
pub fn binary(
    op: Binary,
    left: Operand<'_>,
    right: Operand<'_>,
    n_rows: usize,
) -> Result<ArrayRef> {
    let dtype = binary_dtype(op, left.kind(), right.kind())?;
    left.check_rows(n_rows)?;
    right.check_rows(n_rows)?;
    if op.is_comparison() {
        return compare::compare(op, left, right, n_rows);
    }
    match &dtype {
        DType::Str => text::binary(op, left, right, n_rows),
        _ if left.is_time() || right.is_time() => times::binary(op, left, right, &dtype, n_rows),
        DType::Bool | DType::NullableBool => logic::logic(op, left, right, &dtype, n_rows),
        _ => arithmetic::arithmetic(op, left, right, &dtype, n_rows),
    }
}
