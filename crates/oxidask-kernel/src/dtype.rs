//! The dtypes that have native chunks. Any other dtype (strings, objects, structures) lives in
//! NumPy's own arrays, and `None` stands for it in plans.

use std::fmt;
use std::str::FromStr;

use half::f16;
use num_complex::Complex;
use serde::{Deserialize, Serialize};

use crate::error::ArrayError;

/// The base of a datetime's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "NumPy's units by name")]
pub enum TimeBase {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Milli,
    Micro,
    Nano,
    Pico,
    Femto,
    Atto,
    Generic,
}

/// The unit of a datetime: so many of a base unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimeUnit {
    /// The base unit.
    pub base: TimeBase,
    /// How many of it one step is.
    pub count: u32,
}

/// A dtype with native chunks, in the machine's byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "NumPy's dtypes by name")]
pub enum DType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
    C64,
    C128,
    Datetime(TimeUnit),
    Timedelta(TimeUnit),
}

/// The kinds of dtypes, in NumPy's letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `b`
    Bool,
    /// `u`
    Unsigned,
    /// `i`
    Signed,
    /// `f`
    Float,
    /// `c`
    Complex,
    /// `M`
    Datetime,
    /// `m`
    Timedelta,
}

const BASES: [(&str, TimeBase); 14] = [
    ("Y", TimeBase::Year),
    ("M", TimeBase::Month),
    ("W", TimeBase::Week),
    ("D", TimeBase::Day),
    ("h", TimeBase::Hour),
    ("m", TimeBase::Minute),
    ("s", TimeBase::Second),
    ("ms", TimeBase::Milli),
    ("us", TimeBase::Micro),
    ("ns", TimeBase::Nano),
    ("ps", TimeBase::Pico),
    ("fs", TimeBase::Femto),
    ("as", TimeBase::Atto),
    ("generic", TimeBase::Generic),
];

impl DType {
    /// Bytes of one element.
    #[must_use]
    pub fn itemsize(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 | Self::C64 => 8,
            Self::Datetime(_) | Self::Timedelta(_) => 8,
            Self::C128 => 16,
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::I8 | Self::I16 | Self::I32 | Self::I64 => Kind::Signed,
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => Kind::Unsigned,
            Self::F16 | Self::F32 | Self::F64 => Kind::Float,
            Self::C64 | Self::C128 => Kind::Complex,
            Self::Datetime(_) => Kind::Datetime,
            Self::Timedelta(_) => Kind::Timedelta,
        }
    }

    /// The unit of datetimes and timedeltas.
    #[must_use]
    pub fn unit(self) -> Option<TimeUnit> {
        match self {
            Self::Datetime(unit) | Self::Timedelta(unit) => Some(unit),
            _ => None,
        }
    }

    /// NumPy's type string in native byte order on little-endian machines, such as `<f8`.
    #[must_use]
    pub fn typestr(self) -> String {
        let unit = |letter: char, unit: TimeUnit| {
            let base = BASES.iter().find(|(_, base)| *base == unit.base).map_or("", |(s, _)| s);
            match (unit.base, unit.count) {
                (TimeBase::Generic, _) => format!("<{letter}8"),
                (_, 1) => format!("<{letter}8[{base}]"),
                (_, count) => format!("<{letter}8[{count}{base}]"),
            }
        };
        match self {
            Self::Bool => "|b1".into(),
            Self::I8 => "|i1".into(),
            Self::U8 => "|u1".into(),
            Self::I16 => "<i2".into(),
            Self::I32 => "<i4".into(),
            Self::I64 => "<i8".into(),
            Self::U16 => "<u2".into(),
            Self::U32 => "<u4".into(),
            Self::U64 => "<u8".into(),
            Self::F16 => "<f2".into(),
            Self::F32 => "<f4".into(),
            Self::F64 => "<f8".into(),
            Self::C64 => "<c8".into(),
            Self::C128 => "<c16".into(),
            Self::Datetime(u) => unit('M', u),
            Self::Timedelta(u) => unit('m', u),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bool => "bool",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::F16 => "float16",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::C64 => "complex64",
            Self::C128 => "complex128",
            Self::Datetime(_) | Self::Timedelta(_) => {
                return f.write_str(
                    &self.typestr()[1..].replace("M8", "datetime64").replace("m8", "timedelta64"),
                );
            }
        };
        f.write_str(name)
    }
}

impl FromStr for DType {
    type Err = ArrayError;

    /// Reads NumPy's type strings (`<f8`, `|b1`, `=i4`, `<M8[ns]`).
    fn from_str(text: &str) -> Result<Self, ArrayError> {
        let refuse = || ArrayError::NoKernel(format!("dtype {text}"));
        let body = match text.as_bytes().first() {
            Some(b'<' | b'|' | b'=') => &text[1..],
            // Big-endian data is NumPy's.
            _ => return Err(refuse()),
        };
        Ok(match body {
            "b1" => Self::Bool,
            "i1" => Self::I8,
            "i2" => Self::I16,
            "i4" => Self::I32,
            "i8" => Self::I64,
            "u1" => Self::U8,
            "u2" => Self::U16,
            "u4" => Self::U32,
            "u8" => Self::U64,
            "f2" => Self::F16,
            "f4" => Self::F32,
            "f8" => Self::F64,
            "c8" => Self::C64,
            "c16" => Self::C128,
            "M8" => Self::Datetime(TimeUnit { base: TimeBase::Generic, count: 1 }),
            "m8" => Self::Timedelta(TimeUnit { base: TimeBase::Generic, count: 1 }),
            _ => {
                let unit = body.get(2..).and_then(|unit| unit.strip_prefix('[')?.strip_suffix(']'));
                let unit = unit.ok_or_else(refuse)?;
                let digits = unit.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
                let count =
                    if digits == 0 { 1 } else { unit[..digits].parse().map_err(|_| refuse())? };
                let base = BASES.iter().find(|(name, _)| *name == &unit[digits..]);
                let unit = TimeUnit { base: base.ok_or_else(refuse)?.1, count };
                match &body[..2] {
                    "M8" => Self::Datetime(unit),
                    "m8" => Self::Timedelta(unit),
                    _ => return Err(refuse()),
                }
            }
        })
    }
}

/// A Rust type that is the element of some dtype. Datetimes and timedeltas are `i64`.
pub trait Element: Copy + Send + Sync + PartialEq + Default + 'static {
    /// The dtype of which it is the element.
    const DTYPE: DType;
}

/// A boolean of NumPy's: one byte, 0 or 1. Rust's `bool` may not be read from foreign bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Bool(pub u8);

macro_rules! elements {
    ($($ty:ty => $dtype:ident),* $(,)?) => {
        $(impl Element for $ty { const DTYPE: DType = DType::$dtype; })*
    };
}

elements! {
    Bool => Bool, i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32,
    u64 => U64, f16 => F16, f32 => F32, f64 => F64, Complex<f32> => C64, Complex<f64> => C128,
}

/// Runs a body with `$T` bound to the element type of a dtype: datetimes run as `i64`.
///
/// `dispatch!(chunk.dtype(), T => fill::<T>(chunk))`. With a list, only those types are compiled
/// in, and the body after `else` runs for the others:
/// `dispatch!(dtype, T in [f32, f64] => body, else fallback)`.
#[macro_export]
macro_rules! dispatch {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::dtype::DType::Bool => { type $T = $crate::dtype::Bool; $body }
            $crate::dtype::DType::I8 => { type $T = i8; $body }
            $crate::dtype::DType::I16 => { type $T = i16; $body }
            $crate::dtype::DType::I32 => { type $T = i32; $body }
            $crate::dtype::DType::I64 => { type $T = i64; $body }
            $crate::dtype::DType::U8 => { type $T = u8; $body }
            $crate::dtype::DType::U16 => { type $T = u16; $body }
            $crate::dtype::DType::U32 => { type $T = u32; $body }
            $crate::dtype::DType::U64 => { type $T = u64; $body }
            $crate::dtype::DType::F16 => { type $T = half::f16; $body }
            $crate::dtype::DType::F32 => { type $T = f32; $body }
            $crate::dtype::DType::F64 => { type $T = f64; $body }
            $crate::dtype::DType::C64 => { type $T = num_complex::Complex<f32>; $body }
            $crate::dtype::DType::C128 => { type $T = num_complex::Complex<f64>; $body }
            $crate::dtype::DType::Datetime(_) | $crate::dtype::DType::Timedelta(_) => { type $T = i64; $body }
        }
    };
    ($dtype:expr, $T:ident in [$($ty:ty),* $(,)?] => $body:expr, else $other:expr) => {{
        let dtype = $dtype;
        $(if dtype == <$ty as $crate::dtype::Element>::DTYPE { type $T = $ty; $body } else)*
        { $other }
    }};
}
