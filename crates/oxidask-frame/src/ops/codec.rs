//! Partitions as bytes: a header, and the buffers of their arrays as they lie in memory.

use std::panic::AssertUnwindSafe;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, DictionaryArray, StringViewArray, make_array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_data::ArrayData;
use arrow_schema::DataType;
use oxidask_core::value::Region;
use serde::{Deserialize, Serialize};

use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::{Frame, RowLabels};
use crate::schema::Schema;

/// How an array lies in its buffers.
#[derive(Serialize, Deserialize)]
struct Piece {
    n_rows: u64,
    has_nulls: bool,
    body: Body,
}

#[derive(Serialize, Deserialize)]
enum Body {
    /// Bits.
    Bool,
    /// Numbers and times.
    Primitive,
    /// Text: the views, and so many buffers that they look into.
    Text(u32),
    /// Numbers of categories, and these.
    Category(Box<Piece>),
}

/// Where a frame's index is.
#[derive(Serialize, Deserialize)]
enum Labels {
    Range(i64, i64),
    Levels,
}

#[derive(Serialize, Deserialize)]
struct Header {
    schema: Schema,
    labels: Labels,
    n_rows: u64,
    pieces: Vec<Piece>,
}

/// The header and the buffers of a frame, which are not copied unless only a part of them is the frame's.
///
/// # Errors
/// [`FrameError::Unsupported`] if an array is of a type that no dtype has.
pub fn encode(frame: &Frame) -> Result<(Vec<u8>, Vec<Buffer>)> {
    let mut buffers = Vec::new();
    let (labels, levels) = match frame.index() {
        RowLabels::Range { start, step } => (Labels::Range(*start, *step), Vec::new()),
        RowLabels::Levels(levels) => (Labels::Levels, levels.clone()),
    };
    let arrays = levels.iter().chain(frame.columns());
    let pieces = arrays.map(|array| piece(array, &mut buffers)).collect::<Result<_>>()?;
    let header = Header {
        schema: (**frame.schema()).clone(),
        labels,
        n_rows: frame.n_rows() as u64,
        pieces,
    };
    let header = postcard::to_allocvec(&header).map_err(|error| bad(&error.to_string()))?;
    Ok((header, buffers))
}

fn piece(array: &ArrayRef, buffers: &mut Vec<Buffer>) -> Result<Piece> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    buffers.extend(nulls.map(|nulls| nulls.inner().sliced()));
    let body = match array.data_type() {
        DataType::Boolean => {
            buffers.push(array.as_boolean().values().sliced());
            Body::Bool
        }
        DataType::Utf8View => {
            let text = array.as_string_view();
            let held: usize = text.data_buffers().iter().map(Buffer::len).sum();
            let is_sparse = held > 2 * text.total_buffer_bytes_used() + 4096;
            let text = if is_sparse { text.gc() } else { text.clone() };
            buffers.push(text.views().inner().clone());
            buffers.extend(text.data_buffers().iter().cloned());
            Body::Text(text.data_buffers().len() as u32)
        }
        DataType::Dictionary(key, _) if **key == DataType::Int32 => {
            let category = array.as_dictionary::<Int32Type>();
            buffers.push(category.keys().values().inner().clone());
            Body::Category(Box::new(piece(category.values(), buffers)?))
        }
        other if other.is_primitive() => {
            let data = array.to_data();
            let size = other.primitive_width().unwrap_or(1);
            let (start, len) = (data.offset() * size, data.len() * size);
            buffers.push(data.buffers()[0].slice_with_length(start, len));
            Body::Primitive
        }
        other => return Err(FrameError::Unsupported(format!("columns of {other} have no bytes"))),
    };
    Ok(Piece { n_rows: array.len() as u64, has_nulls: nulls.is_some(), body })
}

/// The frame of a header and of memory, which is not copied if it lies as it must.
///
/// # Errors
/// [`FrameError::Value`] if they are not of a frame.
pub fn decode(header: &[u8], regions: Vec<Box<dyn Region>>) -> Result<Frame> {
    let header: Header = postcard::from_bytes(header).map_err(|error| bad(&error.to_string()))?;
    let mut buffers = regions.into_iter().map(buffer_of);
    let mut pieces = header.pieces.iter();
    let schema = Arc::new(header.schema);
    let mut next = |dtype: &DType| {
        let piece = pieces.next().ok_or_else(|| bad("a column is missing"))?;
        array(piece, dtype, &mut buffers)
    };
    let index = match header.labels {
        Labels::Range(start, step) => RowLabels::Range { start, step },
        Labels::Levels => {
            let fields = schema.index.levels.iter();
            RowLabels::Levels(fields.map(|field| next(&field.dtype)).collect::<Result<_>>()?)
        }
    };
    let columns = schema.columns.iter().map(|field| next(&field.dtype)).collect::<Result<_>>()?;
    Frame::new(schema.clone(), index, columns, header.n_rows as usize)
}

fn array(
    piece: &Piece,
    dtype: &DType,
    buffers: &mut impl Iterator<Item = Buffer>,
) -> Result<ArrayRef> {
    let n_rows = piece.n_rows as usize;
    let mut next = |n_bytes: usize| {
        let buffer = buffers.next().ok_or_else(|| bad("a buffer is missing"))?;
        if buffer.len() < n_bytes {
            return Err(bad(&format!("{} bytes where {n_bytes} are due", buffer.len())));
        }
        Ok(buffer)
    };
    let bits = n_rows.div_ceil(8);
    let nulls = match piece.has_nulls {
        true => Some(NullBuffer::new(BooleanBuffer::new(next(bits)?, 0, n_rows))),
        false => None,
    };
    Ok(match (&piece.body, dtype) {
        (Body::Bool, DType::Bool | DType::NullableBool) => {
            Arc::new(BooleanArray::new(BooleanBuffer::new(next(bits)?, 0, n_rows), nulls))
        }
        (Body::Text(n_data), DType::Str) => {
            let views = ScalarBuffer::<u128>::new(aligned(next(n_rows * 16)?, 16), 0, n_rows);
            let data: Vec<Buffer> = (0..*n_data).map(|_| next(0)).collect::<Result<_>>()?;
            Arc::new(StringViewArray::try_new(views, data, nulls)?)
        }
        (Body::Category(values), DType::Category { values: dtype, .. }) => {
            let keys = ScalarBuffer::<i32>::new(aligned(next(n_rows * 4)?, 4), 0, n_rows);
            let keys = arrow_array::Int32Array::try_new(keys, nulls)?;
            let values = array(values, dtype, buffers)?;
            Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values)?)
        }
        (Body::Primitive, dtype) => {
            let data_type = dtype.arrow();
            let width = data_type.primitive_width().ok_or_else(|| bad("a column of numbers"))?;
            let values = aligned(next(n_rows * width)?, width);
            let data = ArrayData::builder(data_type).len(n_rows).add_buffer(values).nulls(nulls);
            make_array(data.build()?)
        }
        _ => return Err(bad("a column is of another type than the schema says")),
    })
}

/// A buffer at an address that its items may have: a copy if need be.
fn aligned(buffer: Buffer, size: usize) -> Buffer {
    if (buffer.as_ptr() as usize).is_multiple_of(size) {
        buffer
    } else {
        Buffer::from_slice_ref(buffer.as_slice())
    }
}

/// The memory of a region, which is not copied.
#[expect(unsafe_code, reason = "memory that stays where it is in a box")]
fn buffer_of(region: Box<dyn Region>) -> Buffer {
    let len = region.bytes().len();
    let Some(start) = NonNull::new(region.bytes().as_ptr().cast_mut()) else {
        return Buffer::from(&[][..]);
    };
    if len == 0 {
        return Buffer::from(&[][..]);
    }
    // SAFETY: a region's bytes stay where they are while it lives, and the buffer holds it.
    unsafe { Buffer::from_custom_allocation(start, len, Arc::new(AssertUnwindSafe(region))) }
}

fn bad(reason: &str) -> FrameError {
    FrameError::Value(format!("these bytes are no partition: {reason}"))
}

/// Serialises a frame inside other things: the header, then all buffers.
pub mod inline {
    use oxidask_core::value::Region;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

    use crate::kernel::Frame;

    /// Writes a frame.
    ///
    /// # Errors
    /// If it has no byte form.
    pub fn serialize<S: Serializer>(frame: &Frame, serializer: S) -> Result<S::Ok, S::Error> {
        let (header, buffers) = super::encode(frame).map_err(ser::Error::custom)?;
        let buffers: Vec<&[u8]> = buffers.iter().map(|buffer| buffer.as_slice()).collect();
        (header, buffers).serialize(serializer)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// If the bytes are of none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Frame, D::Error> {
        let (header, buffers): (Vec<u8>, Vec<Vec<u8>>) = Deserialize::deserialize(deserializer)?;
        let regions = buffers.into_iter().map(|buffer| Box::new(buffer) as Box<dyn Region>);
        super::decode(&header, regions.collect()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Float64Array;

    use super::*;
    use crate::schema::{Field, Label};

    #[test]
    fn parts_of_columns_of_all_kinds_come_back() {
        let category = DType::Category { values: Box::new(DType::Str), ordered: false };
        let schema = Schema::frame(vec![
            Field::new("f", DType::F64),
            Field::new("b", DType::Bool),
            Field::new("s", DType::Str),
            Field::new("c", category),
        ])
        .with_index(vec![Field { label: Label::None, dtype: DType::Str }]);
        let text = ["a", "a text of more than twelve bytes", "", "x", "y"];
        let strings = |n: usize| -> ArrayRef {
            let items = (0..n).map(|i| (i % 7 != 3).then(|| text[i % 5]));
            Arc::new(StringViewArray::from_iter(items))
        };
        let n = 100;
        let codes = arrow_array::Int32Array::from_iter(
            (0..n).map(|i| (i % 9 != 0).then_some(i as i32 % 5)),
        );
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from_iter_values((0..n).map(|i| i as f64))),
            Arc::new(BooleanArray::from_iter((0..n).map(|i| Some(i % 3 == 0)))),
            strings(n),
            Arc::new(
                DictionaryArray::<Int32Type>::try_new(
                    codes,
                    Arc::new(StringViewArray::from_iter_values(text)),
                )
                .unwrap(),
            ),
        ];
        let frame =
            Frame::new(Arc::new(schema), RowLabels::Levels(vec![strings(n)]), columns, n).unwrap();
        let part = frame.slice(13, 50);
        let (header, buffers) = encode(&part).unwrap();
        let regions = buffers.iter().map(|buffer| Box::new(buffer.to_vec()) as Box<dyn Region>);
        let back = decode(&header, regions.collect()).unwrap();
        assert_eq!(back.columns(), part.columns());
        assert_eq!(back.levels(), part.levels());
        assert!(decode(&header[..header.len() / 2], Vec::new()).is_err());
        assert!(decode(&header, Vec::new()).is_err());
    }
}
