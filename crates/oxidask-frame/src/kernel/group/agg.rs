//! The aggregates, the dtypes of their answers, and the parts that their states are made of.

use serde::{Deserialize, Serialize};

use super::part::{Part, Wide};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};

/// An aggregate: one value of many. Missing values are skipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Agg {
    /// The sum; missing where fewer than `min_count` values are there. Integers wrap.
    Sum {
        /// How many values must be there.
        min_count: u32,
    },
    /// The product, likewise.
    Prod {
        /// How many values must be there.
        min_count: u32,
    },
    /// The number of values.
    Count,
    /// The number of rows.
    Size,
    /// The arithmetic mean.
    Mean,
    /// The variance.
    Var {
        /// What is taken from the number of values to divide by.
        ddof: u32,
    },
    /// The standard deviation.
    Std {
        /// As of the variance.
        ddof: u32,
    },
    /// The standard error of the mean.
    Sem {
        /// As of the variance.
        ddof: u32,
    },
    /// The skewness, without bias.
    Skew,
    /// The excess kurtosis, without bias.
    Kurt,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The first value that is there.
    First,
    /// The last value that is there.
    Last,
    /// Whether any value is true.
    Any,
    /// Whether all values are true.
    All,
    /// The number of different values.
    NUnique {
        /// Whether missing values are none.
        dropna: bool,
    },
    /// The middle value, or the mean of the two in the middle.
    Median,
    /// The value below which this share of values lies, by linear interpolation.
    Quantile(f64),
    /// The position of the first least value among the rows; missing if no value is there.
    IdxMin,
    /// The position of the first greatest value among the rows; missing if no value is there.
    IdxMax,
    /// Another aggregate that is missing where a value is (`skipna=False`).
    Strict(Box<Agg>),
}

/// What a column's values are to arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Bool,
    Int,
    UInt,
    Float,
    Datetime,
    Timedelta,
    Str,
    Category { ordered: bool },
}

impl Class {
    pub(super) fn of(dtype: &DType) -> Self {
        match dtype {
            DType::Bool | DType::NullableBool => Self::Bool,
            DType::Number(n) | DType::NullableNumber(n) if n.is_float() => Self::Float,
            DType::Number(n) | DType::NullableNumber(n) if n.is_unsigned() => Self::UInt,
            DType::Number(_) | DType::NullableNumber(_) => Self::Int,
            DType::Str => Self::Str,
            DType::Datetime(..) => Self::Datetime,
            DType::Timedelta(_) => Self::Timedelta,
            DType::Category { ordered, .. } => Self::Category { ordered: *ordered },
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Bool | Self::Int | Self::UInt | Self::Float)
    }

    fn is_time(self) -> bool {
        matches!(self, Self::Datetime | Self::Timedelta)
    }

    /// What sums are counted in.
    pub(super) fn wide(self) -> Wide {
        match self {
            Self::UInt => Wide::UInt,
            Self::Float => Wide::Float,
            _ => Wide::Int,
        }
    }
}

impl Agg {
    /// pandas' name of the method.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sum { .. } => "sum",
            Self::Prod { .. } => "prod",
            Self::Count => "count",
            Self::Size => "size",
            Self::Mean => "mean",
            Self::Var { .. } => "var",
            Self::Std { .. } => "std",
            Self::Sem { .. } => "sem",
            Self::Skew => "skew",
            Self::Kurt => "kurt",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
            Self::Any => "any",
            Self::All => "all",
            Self::NUnique { .. } => "nunique",
            Self::Median => "median",
            Self::Quantile(_) => "quantile",
            Self::IdxMin => "idxmin",
            Self::IdxMax => "idxmax",
            Self::Strict(inner) => inner.name(),
        }
    }

    /// Whether it has no states: all rows of a group must come together, and [`super::aggregate`] answers.
    #[must_use]
    pub fn needs_whole_groups(&self) -> bool {
        match self {
            Self::NUnique { .. }
            | Self::Median
            | Self::Quantile(_)
            | Self::IdxMin
            | Self::IdxMax => true,
            Self::Strict(inner) => inner.needs_whole_groups(),
            _ => false,
        }
    }

    fn refused(&self, dtype: &DType) -> FrameError {
        FrameError::Type(format!("dtype '{dtype}' does not support operation '{}'", self.name()))
    }
}

/// The nullable or NumPy's dtype of a number, as that of the column.
pub(super) fn like(dtype: &DType, number: Number) -> DType {
    match dtype {
        DType::NullableNumber(_) | DType::NullableBool => DType::NullableNumber(number),
        _ => DType::Number(number),
    }
}

/// The dtype of means: as wide as the numbers, if these are no integers.
pub(super) fn float_like(dtype: &DType) -> DType {
    match dtype.number() {
        Some(Number::F32) => like(dtype, Number::F32),
        _ => like(dtype, Number::F64),
    }
}

/// The dtype of an aggregate's answers over a column.
///
/// As pandas has it but where pandas looks at the values: sums of `int8` are `int64` here, whether they would
/// fit or not.
///
/// # Errors
/// [`FrameError::Type`] where pandas raises `TypeError`, [`FrameError::NoKernel`] where it must compute.
pub fn agg_dtype(agg: &Agg, dtype: &DType) -> Result<DType> {
    let class = Class::of(dtype);
    let refused = || Err(agg.refused(dtype));
    Ok(match agg {
        Agg::Sum { min_count } | Agg::Prod { min_count } => {
            let is_sum = matches!(agg, Agg::Sum { .. });
            match class {
                Class::Float => dtype.clone(),
                Class::Timedelta if is_sum => dtype.clone(),
                Class::Str if is_sum => return Err(FrameError::no_kernel("sum", dtype)),
                _ if !class.is_number() => return refused(),
                // pandas' answer is of float64 if any group has too few values, and of integers if none has.
                _ if *min_count > 1 && !dtype.can_miss() => {
                    return Err(FrameError::no_kernel("sums with min_count", dtype));
                }
                Class::UInt => like(dtype, Number::U64),
                _ => like(dtype, Number::I64),
            }
        }
        Agg::Count | Agg::Size => like(dtype, Number::I64),
        Agg::IdxMin | Agg::IdxMax if class == Class::Category { ordered: false } => {
            return refused();
        }
        Agg::NUnique { .. } | Agg::IdxMin | Agg::IdxMax => DType::I64,
        Agg::Mean | Agg::Median | Agg::Quantile(_) if class.is_time() => dtype.clone(),
        Agg::Quantile(_) if *dtype == DType::Bool => return refused(),
        Agg::Quantile(_) if *dtype == DType::Number(Number::F32) => DType::F64,
        Agg::Std { .. } | Agg::Sem { .. } => match dtype {
            DType::Datetime(unit, _) | DType::Timedelta(unit) => DType::Timedelta(*unit),
            _ if class.is_number() => float_like(dtype),
            _ => return refused(),
        },
        Agg::Mean | Agg::Median | Agg::Quantile(_) | Agg::Var { .. } | Agg::Skew | Agg::Kurt => {
            if !class.is_number() {
                return refused();
            }
            float_like(dtype)
        }
        Agg::Min | Agg::Max if class == Class::Category { ordered: false } => return refused(),
        Agg::Min | Agg::Max | Agg::First | Agg::Last => dtype.clone(),
        Agg::Any | Agg::All => match dtype {
            DType::Datetime(..) => return refused(),
            DType::NullableNumber(_) | DType::NullableBool => DType::NullableBool,
            DType::Category { .. } => return Err(FrameError::no_kernel(agg.name(), dtype)),
            _ => DType::Bool,
        },
        Agg::Strict(inner) => {
            let plain = agg_dtype(inner, dtype)?;
            let can_say_missing = plain.can_miss() || !dtype.can_miss();
            if !can_say_missing || matches!(**inner, Agg::Strict(_)) {
                return Err(FrameError::no_kernel("skipna=False", dtype));
            }
            plain
        }
    })
}

/// The parts of an aggregate's state.
pub(super) fn parts(agg: &Agg, dtype: &DType) -> Result<Vec<Part>> {
    agg_dtype(agg, dtype)?;
    let class = Class::of(dtype);
    let counted = |part: Part, min_count: u32| match min_count {
        0 => vec![part],
        _ => vec![part, Part::Count],
    };
    Ok(match agg {
        Agg::Sum { min_count } => counted(Part::Sum(class.wide()), *min_count),
        Agg::Prod { min_count } => counted(Part::Prod(class.wide()), *min_count),
        Agg::Count => vec![Part::Count],
        Agg::Size => vec![Part::Rows],
        Agg::Mean if class.is_time() => vec![Part::UpperHalves, Part::LowerHalves, Part::Count],
        Agg::Mean => vec![Part::Sum(Wide::Float), Part::Count],
        Agg::Var { .. } | Agg::Std { .. } | Agg::Sem { .. } => vec![Part::Moments(2)],
        Agg::Skew => vec![Part::Moments(3)],
        Agg::Kurt => vec![Part::Moments(4)],
        Agg::Min => vec![Part::Min],
        Agg::Max => vec![Part::Max],
        Agg::First => vec![Part::First],
        Agg::Last => vec![Part::Last],
        Agg::Any => vec![Part::Any],
        Agg::All => vec![Part::All],
        Agg::Strict(inner) => {
            let mut inner = parts(inner, dtype)?;
            inner.push(Part::Missing);
            inner
        }
        Agg::NUnique { .. } | Agg::Median | Agg::Quantile(_) | Agg::IdxMin | Agg::IdxMax => {
            return Err(FrameError::NoKernel(format!("states of {}", agg.name())));
        }
    })
}
