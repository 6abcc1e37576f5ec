//! A block of lines as a frame, strictly by a plan.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, NullBufferBuilder};

use super::field::{self, Ends};
use super::options::{Parse, Plan, TimeForm, Words};
use super::split::{self, Block};
use crate::dtype::Number;
use crate::error::{FrameError, Result};
use crate::io::failed;
use crate::kernel::Frame;
use crate::schema::Schema;

/// Reads a block; `columns` chooses among the plan's. Rows are counted from 0.
///
/// # Errors
/// [`FrameError::Io`] if the file can't be read, [`FrameError::Parse`] with file, line and column if the text
/// is not what the plan says.
pub fn read_block(plan: &Plan, block: &Block, columns: Option<&[usize]>) -> Result<Frame> {
    let path = &*block.path;
    let io = |error| failed(path, error);
    let mut file = File::open(path).map_err(io)?;
    file.seek(SeekFrom::Start(block.start)).map_err(io)?;
    let n_bytes = block.end.saturating_sub(block.start);
    let mut bytes = Vec::with_capacity(usize::try_from(n_bytes).unwrap_or(0));
    file.take(n_bytes).read_to_end(&mut bytes).map_err(io)?;
    parse(plan, &bytes, columns).map_err(|wrong| match wrong {
        FrameError::Parse { line, reason, .. } => FrameError::Parse {
            path: path.to_owned(),
            line: line + split::lines_before(path, block.start),
            reason,
        },
        other => other,
    })
}

/// Reads lines; `columns` chooses among the plan's. Rows are counted from 0, lines in errors from 1.
///
/// # Errors
/// [`FrameError::Parse`] without a path if the text is not what the plan says.
pub fn parse(plan: &Plan, bytes: &[u8], columns: Option<&[usize]>) -> Result<Frame> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let reason = "the text is not UTF-8: give its encoding".to_owned();
        wrong(bytes, error.valid_up_to(), reason)
    })?;
    let all: Vec<usize> = (0..plan.columns.len()).collect();
    let columns = columns.unwrap_or(&all);
    let mut building: Vec<Option<Building>> = (0..plan.n_fields).map(|_| None).collect();
    let n_expected = bytes.len() / (plan.n_fields * 4).max(1);
    for &at in columns {
        let column = &plan.columns[at];
        building[column.field].get_or_insert_with(|| Building::new(column.parse, n_expected));
    }
    let (ends, words) = (Ends::of(&plan.options), Words::of(&plan.options));
    let n_rows = lines(plan, text, &mut building, &ends, &words)?;
    let mut made = Vec::with_capacity(columns.len());
    let mut done: Vec<Option<ArrayRef>> = vec![None; plan.n_fields];
    for &at in columns {
        let field = plan.columns[at].field;
        if let Some(building) = building[field].take() {
            done[field] = Some(building.finish());
        }
        made.extend(done[field].clone());
    }
    let fields = columns.iter().map(|&at| plan.schema.columns[at].clone()).collect();
    let schema = Schema { columns: fields, ..(*plan.schema).clone() };
    Frame::with_range(Arc::new(schema), made, n_rows)
}

/// Reads all lines into columns, and says how many there were.
fn lines(
    plan: &Plan,
    text: &str,
    building: &mut [Option<Building>],
    ends: &Ends,
    words: &Words,
) -> Result<usize> {
    let bytes = text.as_bytes();
    let skips_blank = plan.options.skip_blank_lines;
    let (mut at, mut n_rows) = (0, 0);
    while at < bytes.len() {
        if skips_blank && let Some(end) = ends.blank(bytes, at) {
            at = ends.after_line(bytes, end);
            continue;
        }
        let mut n_seen = 0;
        for column in building.iter_mut() {
            if n_seen > 0 {
                at += 1;
            }
            at = match column {
                Some(column) => column
                    .push(text, at, ends, words)
                    .map_err(|text| misfit(plan, bytes, at, n_seen, &text))?,
                None if ends.is_quoted(bytes, at) => ends.field(text, at).end,
                None => ends.next(bytes, at),
            };
            n_seen += 1;
            if bytes.get(at) != Some(&ends.sep()) {
                break;
            }
        }
        if bytes.get(at) == Some(&ends.sep()) {
            return Err(too_many(plan, text, at, ends));
        }
        for (field, column) in building.iter_mut().enumerate().skip(n_seen) {
            if let Some(column) = column
                && !column.push_missing()
            {
                return Err(misfit(plan, bytes, at, field, ""));
            }
        }
        at = ends.after_line(bytes, at);
        n_rows += 1;
    }
    Ok(n_rows)
}

/// An error at a place; its path is added by who knows it.
fn wrong(bytes: &[u8], at: usize, reason: String) -> FrameError {
    let line = memchr::memchr_iter(b'\n', &bytes[..at]).count() as u64 + 1;
    FrameError::Parse { path: String::new(), line, reason }
}

fn too_many(plan: &Plan, text: &str, at: usize, ends: &Ends) -> FrameError {
    let (bytes, mut end, mut n_seen) = (text.as_bytes(), at, plan.n_fields);
    while bytes.get(end) == Some(&ends.sep()) {
        end = ends.field(text, end + 1).end;
        n_seen += 1;
    }
    wrong(bytes, at, format!("Expected {} fields, saw {n_seen}", plan.n_fields))
}

fn misfit(plan: &Plan, bytes: &[u8], at: usize, field: usize, text: &str) -> FrameError {
    let mut columns = plan.columns.iter().zip(&plan.schema.columns);
    let Some((_, column)) = columns.find(|(column, _)| column.field == field) else {
        return wrong(bytes, at, format!("field {field} is not of its column"));
    };
    let (label, dtype) = (&column.label, &column.dtype);
    let (what, remedy) = if text.is_empty() {
        ("a missing value".to_owned(), "float64")
    } else {
        (format!("'{text}'"), "str")
    };
    wrong(
        bytes,
        at,
        format!(
            "{what} in column {label} of {dtype}, which the beginning of the first file had: \
             give its dtype, dtype={{{label}: '{remedy}'}}, or a larger sample"
        ),
    )
}

/// A column in the making.
enum Building {
    Integer { values: Vec<i64>, number: Number, nulls: Option<NullBufferBuilder> },
    Unsigned { values: Vec<u64>, nulls: Option<NullBufferBuilder> },
    Float { values: Vec<f64>, number: Number },
    Bool { values: BooleanBufferBuilder, nulls: Option<NullBufferBuilder> },
    Text(StringViewBuilder),
    Time { values: Vec<i64>, nulls: NullBufferBuilder, form: TimeForm },
}

impl Building {
    fn new(parse: Parse, n: usize) -> Self {
        let nulls = |nullable: bool| nullable.then(|| NullBufferBuilder::new(n));
        match parse {
            Parse::Integer(Number::U64, nullable) => {
                Self::Unsigned { values: Vec::with_capacity(n), nulls: nulls(nullable) }
            }
            Parse::Integer(number, nullable) => {
                Self::Integer { values: Vec::with_capacity(n), number, nulls: nulls(nullable) }
            }
            Parse::Float(number) => Self::Float { values: Vec::with_capacity(n), number },
            Parse::Bool(nullable) => {
                Self::Bool { values: BooleanBufferBuilder::new(n), nulls: nulls(nullable) }
            }
            Parse::Text => Self::Text(StringViewBuilder::with_capacity(n)),
            Parse::Time(form) => {
                Self::Time { values: Vec::with_capacity(n), nulls: NullBufferBuilder::new(n), form }
            }
        }
    }

    /// Takes the field that begins here, and says where it ends; or gives back a field that does not fit, empty
    /// if it is a missing value.
    #[inline]
    fn push(&mut self, text: &str, at: usize, ends: &Ends, words: &Words) -> Result<usize, String> {
        match self {
            Self::Integer { values, number, nulls } => {
                if let Some((value, end)) = field::short_integer(text.as_bytes(), at, ends)
                    && fits(value, *number)
                {
                    values.push(value);
                    if let Some(nulls) = nulls {
                        nulls.append_non_null();
                    }
                    return Ok(end);
                }
            }
            Self::Float { values, .. } => {
                if let Some((value, end)) = field::short_float(text.as_bytes(), at, ends) {
                    values.push(value);
                    return Ok(end);
                }
            }
            _ => {}
        }
        let found = ends.field(text, at);
        if words.is_missing(found.text.as_bytes()) {
            return if self.push_missing() { Ok(found.end) } else { Err(String::new()) };
        }
        if self.push_text(&found.text, words) {
            Ok(found.end)
        } else {
            Err(found.text.into_owned())
        }
    }

    /// Takes a field that is not missing; whether it fits.
    fn push_text(&mut self, text: &str, words: &Words) -> bool {
        match self {
            Self::Integer { values, number, nulls } => {
                let value = field::integer(text).and_then(|value| i64::try_from(value).ok());
                let Some(value) = value.filter(|value| fits(*value, *number)) else { return false };
                values.push(value);
                nulls.iter_mut().for_each(NullBufferBuilder::append_non_null);
            }
            Self::Unsigned { values, nulls } => {
                let value = field::integer(text).and_then(|value| u64::try_from(value).ok());
                let Some(value) = value else { return false };
                values.push(value);
                nulls.iter_mut().for_each(NullBufferBuilder::append_non_null);
            }
            Self::Float { values, .. } => {
                let Some(value) = field::float(text) else { return false };
                values.push(value);
            }
            Self::Bool { values, nulls } => {
                let Some(value) = words.truth(text) else { return false };
                values.append(value);
                nulls.iter_mut().for_each(NullBufferBuilder::append_non_null);
            }
            Self::Text(values) => values.append_value(text),
            Self::Time { values, nulls, form } => {
                let Some((_, micros)) = field::time(text).filter(|(found, _)| found == form) else {
                    return false;
                };
                values.push(micros);
                nulls.append_non_null();
            }
        }
        true
    }

    /// Takes a missing value; whether the column can have one.
    fn push_missing(&mut self) -> bool {
        match self {
            Self::Integer { values, nulls: Some(nulls), .. } => {
                values.push(0);
                nulls.append_null();
            }
            Self::Unsigned { values, nulls: Some(nulls) } => {
                values.push(0);
                nulls.append_null();
            }
            Self::Bool { values, nulls: Some(nulls) } => {
                values.append(false);
                nulls.append_null();
            }
            Self::Float { values, .. } => values.push(f64::NAN),
            Self::Text(values) => values.append_null(),
            Self::Time { values, nulls, .. } => {
                values.push(0);
                nulls.append_null();
            }
            Self::Integer { .. } | Self::Unsigned { .. } | Self::Bool { .. } => return false,
        }
        true
    }

    fn finish(self) -> ArrayRef {
        let built = |nulls: Option<NullBufferBuilder>| nulls.and_then(|mut nulls| nulls.finish());
        match self {
            Self::Integer { values, number, nulls } => narrow(values, number, built(nulls)),
            Self::Unsigned { values, nulls } => {
                Arc::new(PrimitiveArray::<UInt64Type>::new(values.into(), built(nulls)))
            }
            Self::Float { values, number: Number::F32 } => {
                let values = values.iter().map(|value| *value as f32);
                Arc::new(PrimitiveArray::<Float32Type>::from_iter_values(values))
            }
            Self::Float { values, .. } => {
                Arc::new(PrimitiveArray::<Float64Type>::new(values.into(), None))
            }
            Self::Bool { mut values, nulls } => {
                Arc::new(BooleanArray::new(values.finish(), built(nulls)))
            }
            Self::Text(mut values) => Arc::new(values.finish()),
            Self::Time { values, mut nulls, .. } => Arc::new(PrimitiveArray::<
                TimestampMicrosecondType,
            >::new(
                values.into(), nulls.finish()
            )),
        }
    }
}

/// Whether an integer is one of these numbers.
#[inline]
fn fits(value: i64, number: Number) -> bool {
    match number {
        Number::I8 => i8::try_from(value).is_ok(),
        Number::I16 => i16::try_from(value).is_ok(),
        Number::I32 => i32::try_from(value).is_ok(),
        Number::U8 => u8::try_from(value).is_ok(),
        Number::U16 => u16::try_from(value).is_ok(),
        Number::U32 => u32::try_from(value).is_ok(),
        Number::U64 => value >= 0,
        Number::I64 | Number::F32 | Number::F64 => true,
    }
}

/// Integers, which fit, as the array of their kind.
fn narrow(values: Vec<i64>, number: Number, nulls: Option<NullBuffer>) -> ArrayRef {
    fn to<T: ArrowPrimitiveType>(
        values: &[i64],
        nulls: Option<NullBuffer>,
        of: fn(i64) -> T::Native,
    ) -> ArrayRef {
        let values: Vec<T::Native> = values.iter().map(|&value| of(value)).collect();
        Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
    }
    match number {
        Number::I8 => to::<Int8Type>(&values, nulls, |value| value as i8),
        Number::I16 => to::<Int16Type>(&values, nulls, |value| value as i16),
        Number::I32 => to::<Int32Type>(&values, nulls, |value| value as i32),
        Number::U8 => to::<UInt8Type>(&values, nulls, |value| value as u8),
        Number::U16 => to::<UInt16Type>(&values, nulls, |value| value as u16),
        Number::U32 => to::<UInt32Type>(&values, nulls, |value| value as u32),
        Number::U64 | Number::I64 | Number::F32 | Number::F64 => {
            Arc::new(PrimitiveArray::<Int64Type>::new(values.into(), nulls))
        }
    }
}
