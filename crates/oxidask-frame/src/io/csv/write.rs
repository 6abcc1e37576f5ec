//! Frames as text, letter for letter as pandas' `to_csv` writes them.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use arrow_select::take;
use serde::{Deserialize, Serialize};

use super::field;
use crate::dtype::{DType, Unit};
use crate::error::{FrameError, Result};
use crate::io::failed;
use crate::kernel::Frame;
use crate::schema::{Field, Label};

/// How a frame is written as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvText {
    /// What parts fields.
    pub sep: char,
    /// What goes around fields that need it.
    pub quote: char,
    /// What ends lines.
    pub line_end: String,
    /// What stands for a missing value.
    pub na: String,
    /// Whether the first line has names.
    pub header: bool,
    /// Whether of several files only the first has them.
    pub header_once: bool,
    /// Whether the index is written.
    pub index: bool,
}

impl Default for CsvText {
    fn default() -> Self {
        Self {
            sep: ',',
            quote: '"',
            line_end: "\n".to_owned(),
            na: String::new(),
            header: true,
            header_once: false,
            index: true,
        }
    }
}

/// Writes a frame's text into a file, complete or not at all; or behind what is in it already, if `append`.
/// Gives the number of bytes.
///
/// # Errors
/// [`FrameError::Io`] if the file can't be written, and those of [`text`].
pub fn write(frame: &Frame, path: &str, options: &CsvText, append: bool) -> Result<u64> {
    let text = text(frame, options)?;
    let io = |error| failed(path, error);
    if append {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path).map_err(io)?;
        file.write_all(text.as_bytes()).map_err(io)?;
    } else {
        let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".").suffix(".csv.part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder.unwrap_or(Path::new("."))).map_err(io)?;
        file.write_all(text.as_bytes()).map_err(io)?;
        file.persist(path).map_err(|error| io(error.error))?;
    }
    Ok(text.len() as u64)
}

/// The text of a frame.
///
/// # Errors
/// [`FrameError::NoKernel`] for columns whose values only pandas knows how to write.
pub fn text(frame: &Frame, options: &CsvText) -> Result<String> {
    let schema = frame.schema();
    let levels = if options.index { frame.levels() } else { Vec::new() };
    let mut fields: Vec<&Field> = schema.index.levels.iter().take(levels.len()).collect();
    fields.extend(&schema.columns);
    let arrays: Vec<ArrayRef> = levels.iter().chain(frame.columns()).cloned().collect();
    let mut out = String::with_capacity(frame.n_rows() * fields.len() * 8);
    let alone = fields.len() == 1;
    if options.header {
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                out.push(options.sep);
            }
            match &field.label {
                Label::None => quoted("", alone, options, &mut out),
                Label::Str(text) => quoted(text, alone, options, &mut out),
                Label::Int(number) => quoted(&number.to_string(), alone, options, &mut out),
                Label::Tuple(_) => {
                    return Err(FrameError::NoKernel("writing labels of tuples".into()));
                }
            }
        }
        out.push_str(&options.line_end);
    }
    let writers = fields.iter().zip(&arrays).map(|(field, array)| Writer::new(field, array));
    let writers: Vec<Writer> = writers.collect::<Result<_>>()?;
    for row in 0..frame.n_rows() {
        for (at, writer) in writers.iter().enumerate() {
            if at > 0 {
                out.push(options.sep);
            }
            writer.write(row, alone, options, &mut out);
        }
        out.push_str(&options.line_end);
    }
    Ok(out)
}

/// Text, in quotes if it needs them.
fn quoted(text: &str, alone: bool, options: &CsvText, out: &mut String) {
    let special = |letter: char| {
        letter == options.sep || letter == options.quote || letter == '\n' || letter == '\r'
    };
    let needs = text.contains(special) || (alone && text.is_empty());
    if !needs {
        return out.push_str(text);
    }
    out.push(options.quote);
    for letter in text.chars() {
        if letter == options.quote {
            out.push(letter);
        }
        out.push(letter);
    }
    out.push(options.quote);
}

/// A column that is written.
struct Writer {
    array: ArrayRef,
    times: Option<TimeText>,
}

/// How times are written: as fine as the finest of the column needs.
struct TimeText {
    values: Vec<i64>,
    per_second: i64,
    with_time: bool,
    n_digits: usize,
}

impl Writer {
    fn new(field: &Field, array: &ArrayRef) -> Result<Self> {
        let array = match &field.dtype {
            DType::Category { values, .. } if **values == DType::Str => {
                let codes = array.as_dictionary::<Int32Type>();
                take::take(codes.values(), codes.keys(), None)?
            }
            DType::Timedelta(_) | DType::Datetime(_, Some(_)) | DType::Category { .. } => {
                return Err(FrameError::no_kernel("writing", &field.dtype));
            }
            _ => array.clone(),
        };
        let times = match &field.dtype {
            DType::Datetime(unit, None) => Some(TimeText::of(&array, *unit)?),
            _ => None,
        };
        Ok(Self { array, times })
    }

    fn write(&self, row: usize, alone: bool, options: &CsvText, out: &mut String) {
        let array = &*self.array;
        if array.is_null(row) {
            return quoted(&options.na, alone, options, out);
        }
        if let Some(times) = &self.times {
            return times.write(row, out);
        }
        macro_rules! integer {
            ($of:ty) => {{
                // A string takes what is written to it.
                let _ = write!(out, "{}", array.as_primitive::<$of>().value(row));
            }};
        }
        let mut float = |digits: String, is_nan: bool| match is_nan {
            true => quoted(&options.na, alone, options, out),
            false => python_float(&digits, out),
        };
        match array.data_type() {
            DataType::Boolean => {
                out.push_str(if array.as_boolean().value(row) { "True" } else { "False" })
            }
            DataType::Int8 => integer!(Int8Type),
            DataType::Int16 => integer!(Int16Type),
            DataType::Int32 => integer!(Int32Type),
            DataType::Int64 => integer!(Int64Type),
            DataType::UInt8 => integer!(UInt8Type),
            DataType::UInt16 => integer!(UInt16Type),
            DataType::UInt32 => integer!(UInt32Type),
            DataType::UInt64 => integer!(UInt64Type),
            DataType::Float64 => {
                let value = array.as_primitive::<Float64Type>().value(row);
                float(format!("{value:e}"), value.is_nan());
            }
            DataType::Float32 => {
                let value = array.as_primitive::<Float32Type>().value(row);
                float(format!("{value:e}"), value.is_nan());
            }
            _ => quoted(array.as_string_view().value(row), alone, options, out),
        }
    }
}

/// Digits and power of ten, as Rust writes them, in the form of Python's `repr`.
fn python_float(digits: &str, out: &mut String) {
    let Some((mantissa, power)) = digits.split_once('e') else {
        return out.push_str(digits);
    };
    let power: i32 = power.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|letter| *letter != '.').collect();
    out.push_str(sign);
    if !(-4..16).contains(&power) {
        out.push_str(mantissa);
        let _ = write!(out, "e{}{:02}", if power < 0 { '-' } else { '+' }, power.unsigned_abs());
    } else if power < 0 {
        out.push_str("0.");
        (1..-power).for_each(|_| out.push('0'));
        out.push_str(&digits);
    } else {
        let whole = power as usize + 1;
        out.push_str(&digits[..whole.min(digits.len())]);
        (digits.len()..whole).for_each(|_| out.push('0'));
        out.push('.');
        out.push_str(digits.get(whole..).filter(|rest| !rest.is_empty()).unwrap_or("0"));
    }
}

impl TimeText {
    fn of(array: &ArrayRef, unit: Unit) -> Result<Self> {
        let per_second = unit.per_second();
        let values: Vec<i64> =
            arrow_array::cast::downcast_array::<arrow_array::Int64Array>(&arrow_array::make_array(
                array.to_data().into_builder().data_type(DataType::Int64).build()?,
            ))
            .values()
            .to_vec();
        let mut all = Self { values, per_second, with_time: false, n_digits: 0 };
        for (row, value) in all.values.iter().enumerate() {
            if array.is_null(row) {
                continue;
            }
            all.with_time |= value % (per_second * 86_400) != 0;
            let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
            let n_digits = match nanos {
                0 => 0,
                _ if nanos % 1_000_000 == 0 => 3,
                _ if nanos % 1_000 == 0 => 6,
                _ => 9,
            };
            all.n_digits = all.n_digits.max(n_digits);
        }
        Ok(all)
    }

    fn write(&self, row: usize, out: &mut String) {
        let value = self.values[row];
        let seconds = value.div_euclid(self.per_second);
        let (year, month, day) = field::date(seconds.div_euclid(86_400));
        let _ = write!(out, "{year:04}-{month:02}-{day:02}");
        if !self.with_time {
            return;
        }
        let second = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let _ = write!(out, " {hour:02}:{minute:02}:{second:02}");
        if self.n_digits > 0 {
            let nanos = value.rem_euclid(self.per_second) * (1_000_000_000 / self.per_second);
            let fraction = nanos / 10_i64.pow(9 - self.n_digits as u32);
            let _ = write!(out, ".{fraction:0width$}", width = self.n_digits);
        }
    }
}
