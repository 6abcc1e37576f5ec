//! Dtypes as pandas means them, and the Arrow arrays that hold their values.
//!
//! Arrow tells how values lie in memory; a [`DType`] tells what pandas calls the column, and so what a missing
//! value is:
//!
//! | dtype | array | missing |
//! |---|---|---|
//! | `bool`, `int8` ... `uint64` | boolean, primitive | can't be |
//! | `float32`, `float64` | primitive without nulls | NaN |
//! | `str` | string view | null, shown as NaN |
//! | `Int64`, `Float64`, `boolean` (nullable) | primitive, boolean | null, shown as NA |
//! | `datetime64[unit(, tz)]`, `timedelta64[unit]` | timestamp, duration | null, shown as NaT |
//! | `category` | dictionary with 32-bit keys | null, shown as NaN |

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

/// A kind of numbers, of NumPy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Number {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
}

/// How fine a time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Unit {
    Second,
    Milli,
    Micro,
    Nano,
}

/// The dtype of a native column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DType {
    /// `bool`.
    Bool,
    /// NumPy's numbers.
    Number(Number),
    /// pandas' nullable numbers: `Int64` and its like.
    NullableNumber(Number),
    /// pandas' nullable `boolean`.
    NullableBool,
    /// Text: pandas 3's `str`.
    Str,
    /// Times, with a time zone by its name or without.
    Datetime(Unit, Option<Arc<str>>),
    /// Differences of times.
    Timedelta(Unit),
    /// Few values, by number.
    Category {
        /// The dtype of the values.
        values: Box<DType>,
        /// Whether they compare by their order among the categories.
        ordered: bool,
    },
}

impl Number {
    /// NumPy's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// Whether it is a floating point number.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Whether it is an integer without a sign.
    #[must_use]
    pub fn is_unsigned(self) -> bool {
        matches!(self, Self::U8 | Self::U16 | Self::U32 | Self::U64)
    }

    /// Bytes of a value.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// The Arrow type of its arrays.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::I8 => DataType::Int8,
            Self::I16 => DataType::Int16,
            Self::I32 => DataType::Int32,
            Self::I64 => DataType::Int64,
            Self::U8 => DataType::UInt8,
            Self::U16 => DataType::UInt16,
            Self::U32 => DataType::UInt32,
            Self::U64 => DataType::UInt64,
            Self::F32 => DataType::Float32,
            Self::F64 => DataType::Float64,
        }
    }
}

impl Unit {
    /// NumPy's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Milli => "ms",
            Self::Micro => "us",
            Self::Nano => "ns",
        }
    }

    /// Arrow's unit.
    #[must_use]
    pub fn arrow(self) -> TimeUnit {
        match self {
            Self::Second => TimeUnit::Second,
            Self::Milli => TimeUnit::Millisecond,
            Self::Micro => TimeUnit::Microsecond,
            Self::Nano => TimeUnit::Nanosecond,
        }
    }

    /// How many of it make a second.
    #[must_use]
    pub fn per_second(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Milli => 1_000,
            Self::Micro => 1_000_000,
            Self::Nano => 1_000_000_000,
        }
    }

    fn of(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::Second => Self::Second,
            TimeUnit::Millisecond => Self::Milli,
            TimeUnit::Microsecond => Self::Micro,
            TimeUnit::Nanosecond => Self::Nano,
        }
    }
}

impl DType {
    /// `int64`.
    pub const I64: Self = Self::Number(Number::I64);
    /// `float64`.
    pub const F64: Self = Self::Number(Number::F64);

    /// The Arrow type of its arrays.
    #[must_use]
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Bool | Self::NullableBool => DataType::Boolean,
            Self::Number(number) | Self::NullableNumber(number) => number.arrow(),
            Self::Str => DataType::Utf8View,
            Self::Datetime(unit, zone) => DataType::Timestamp(unit.arrow(), zone.clone()),
            Self::Timedelta(unit) => DataType::Duration(unit.arrow()),
            Self::Category { values, .. } => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(values.arrow()))
            }
        }
    }

    /// What pandas calls columns of an Arrow type that comes without a word of pandas: integers
    /// are NumPy's only if there are no nulls among them.
    #[must_use]
    pub fn of_arrow(data_type: &DataType, has_nulls: bool) -> Option<Self> {
        let integer = |number| Some(if has_nulls { Self::F64 } else { Self::Number(number) });
        match data_type {
            DataType::Boolean if !has_nulls => Some(Self::Bool),
            DataType::Int8 => integer(Number::I8),
            DataType::Int16 => integer(Number::I16),
            DataType::Int32 => integer(Number::I32),
            DataType::Int64 => integer(Number::I64),
            DataType::UInt8 => integer(Number::U8),
            DataType::UInt16 => integer(Number::U16),
            DataType::UInt32 => integer(Number::U32),
            DataType::UInt64 => integer(Number::U64),
            DataType::Float32 => Some(Self::Number(Number::F32)),
            DataType::Float64 => Some(Self::F64),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Str),
            DataType::Timestamp(unit, zone) => Some(Self::Datetime(Unit::of(*unit), zone.clone())),
            DataType::Duration(unit) => Some(Self::Timedelta(Unit::of(*unit))),
            DataType::Dictionary(_, values) => Some(Self::Category {
                values: Box::new(Self::of_arrow(values, false)?),
                ordered: false,
            }),
            _ => None,
        }
    }

    /// Whether a column can lack values.
    #[must_use]
    pub fn can_miss(&self) -> bool {
        !matches!(self, Self::Bool) && !matches!(self, Self::Number(n) if !n.is_float())
    }

    /// The number that its values are, nullable or not.
    #[must_use]
    pub fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) | Self::NullableNumber(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether it is one of floating point numbers, whose NaN is missing too.
    #[must_use]
    pub fn is_float(&self) -> bool {
        self.number().is_some_and(Number::is_float)
    }
}

impl From<Number> for DType {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Number(number) => f.write_str(number.name()),
            Self::NullableNumber(number) => {
                let name = number.name();
                let n_capitals = if number.is_unsigned() { 2 } else { 1 };
                let (head, tail) = name.split_at(n_capitals);
                write!(f, "{}{tail}", head.to_uppercase())
            }
            Self::NullableBool => f.write_str("boolean"),
            Self::Str => f.write_str("str"),
            Self::Datetime(unit, None) => write!(f, "datetime64[{}]", unit.name()),
            Self::Datetime(unit, Some(zone)) => write!(f, "datetime64[{}, {zone}]", unit.name()),
            Self::Timedelta(unit) => write!(f, "timedelta64[{}]", unit.name()),
            Self::Category { .. } => f.write_str("category"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_pandas() {
        let name = |dtype: DType| dtype.to_string();
        assert_eq!(name(DType::NullableNumber(Number::U8)), "UInt8");
        assert_eq!(name(DType::NullableNumber(Number::F32)), "Float32");
        assert_eq!(
            name(DType::Datetime(Unit::Milli, Some("Europe/Vienna".into()))),
            "datetime64[ms, Europe/Vienna]"
        );
    }
}
