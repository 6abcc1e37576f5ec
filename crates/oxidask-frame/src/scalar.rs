//! One value, apart from any column.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dtype::{DType, Number, Unit};

/// A value that a column might hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scalar {
    /// A missing value: `None`, `NaN`, `NaT` or `NA`, as the column that it meets has it.
    Missing,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer that is too large for a sign.
    UInt(u64),
    /// A floating point number. NaN is [`Scalar::Missing`].
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// A time since 1970 in UTC, with the time zone it is shown in.
    Datetime(i64, Unit, Option<Arc<str>>),
    /// A difference of times.
    Timedelta(i64, Unit),
}

impl Scalar {
    /// The dtype of a column of such values; none for a missing one.
    #[must_use]
    pub fn dtype(&self) -> Option<DType> {
        Some(match self {
            Self::Missing => return None,
            Self::Bool(_) => DType::Bool,
            Self::Int(_) => DType::I64,
            Self::UInt(_) => DType::Number(Number::U64),
            Self::Float(_) => DType::F64,
            Self::Str(_) => DType::Str,
            Self::Datetime(_, unit, zone) => DType::Datetime(*unit, zone.clone()),
            Self::Timedelta(_, unit) => DType::Timedelta(*unit),
        })
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("NA"),
            Self::Bool(value) => f.write_str(if *value { "True" } else { "False" }),
            Self::Int(value) => write!(f, "{value}"),
            Self::UInt(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Str(value) => write!(f, "'{value}'"),
            Self::Datetime(value, unit, _) => write!(f, "{value} {} since 1970", unit.name()),
            Self::Timedelta(value, unit) => write!(f, "{value} {}", unit.name()),
        }
    }
}
