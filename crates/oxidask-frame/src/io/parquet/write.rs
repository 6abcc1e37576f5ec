//! A frame as one file, complete or not there at all.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, DurationMillisecondType, DurationSecondType, Float32Type, Float64Type,
    TimestampMillisecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch};
use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema, TimeUnit};
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{BrotliLevel, Compression as Codec, GzipLevel, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use super::pandas::{self, Level, Written};
use crate::dtype::{DType, Unit};
use crate::error::{FrameError, Result};
use crate::io::failed;
use crate::kernel::{Frame, RowLabels, column};
use crate::schema::Label;

/// How values are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Compression {
    None,
    #[default]
    Snappy,
    Lz4,
    Gzip(Option<u32>),
    Brotli(Option<u32>),
    Zstd(Option<i32>),
}

/// How a file is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteOptions {
    /// How values are packed.
    pub compression: Compression,
    /// The most rows of a row group.
    pub row_group_rows: usize,
    /// Whether the index is written.
    pub with_index: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { compression: Compression::default(), row_group_rows: 1 << 20, with_index: true }
    }
}

/// Writes a frame under a name of its own, and then calls it `path`: nobody sees half a file, and a file of
/// this name stays as it was if writing fails. Gives the size in bytes.
///
/// # Errors
/// [`FrameError::Io`] if the file can't be written, [`FrameError::Value`] if labels repeat or an option is
/// outside of its range, [`FrameError::NoKernel`] if a label is neither text nor, like all others, a number.
pub fn write(frame: &Frame, path: &str, options: &WriteOptions) -> Result<u64> {
    let columns = stored_columns(frame, options.with_index)?;
    let (batch, properties) = prepared(frame, &columns, options)?;
    let target = Path::new(path);
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".parquet.part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder).map_err(|error| failed(path, error))?;
    let written = |error: parquet::errors::ParquetError| failed(path, error);
    let writer_options =
        ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer =
        ArrowWriter::try_new_with_options(file, batch.schema(), writer_options).map_err(written)?;
    writer.write(&batch).map_err(written)?;
    let file = writer.into_inner().map_err(written)?;
    let size = file.as_file().metadata().map(|metadata: fs::Metadata| metadata.len());
    file.persist(target).map_err(|error| failed(path, error.error))?;
    size.map_err(|error| failed(path, error))
}

/// A column as it goes into the file.
struct Stored<'a> {
    name: String,
    label: &'a Label,
    dtype: &'a DType,
    array: ArrayRef,
    is_level: bool,
}

fn stored_columns(frame: &Frame, with_index: bool) -> Result<Vec<Stored<'_>>> {
    let schema = frame.schema();
    let mut columns: Vec<Stored<'_>> = Vec::new();
    for (field, array) in schema.columns.iter().zip(frame.columns()) {
        let name = match &field.label {
            Label::Str(text) => text.to_string(),
            Label::Int(number) => number.to_string(),
            other => return Err(FrameError::NoKernel(format!("writing a column called {other}"))),
        };
        if columns.iter().any(|known| known.name == name) {
            return Err(FrameError::Value(format!(
                "Duplicate column names found: {}. Rename columns so that each has a name of its own",
                schema.labels()
            )));
        }
        columns.push(Stored {
            name,
            label: &field.label,
            dtype: &field.dtype,
            array: stored_array(array, &field.dtype)?,
            is_level: false,
        });
    }
    let n_numbers = columns.iter().filter(|column| matches!(column.label, Label::Int(_))).count();
    if n_numbers != 0 && n_numbers != columns.len() {
        return Err(FrameError::NoKernel("writing labels of which some are numbers".into()));
    }
    if let (true, RowLabels::Levels(levels)) = (with_index, frame.index()) {
        for (at, (field, array)) in schema.index.levels.iter().zip(levels).enumerate() {
            let name = match &field.label {
                Label::Str(text) if columns.iter().all(|known| known.name != **text) => {
                    text.to_string()
                }
                _ => format!("__index_level_{at}__"),
            };
            columns.push(Stored {
                name,
                label: &field.label,
                dtype: &field.dtype,
                array: stored_array(array, &field.dtype)?,
                is_level: true,
            });
        }
    }
    Ok(columns)
}

fn prepared(
    frame: &Frame,
    columns: &[Stored<'_>],
    options: &WriteOptions,
) -> Result<(RecordBatch, WriterProperties)> {
    let field = |column: &Stored<'_>, data_type: DataType| {
        let ordered = matches!(column.dtype, DType::Category { ordered: true, .. });
        let field = ArrowField::new(&column.name, data_type, true);
        Arc::new(field.with_dict_is_ordered(ordered))
    };
    let fields: Vec<_> =
        columns.iter().map(|column| field(column, column.array.data_type().clone())).collect();
    let told: Vec<_> =
        columns.iter().map(|column| field(column, told_type(column.array.data_type()))).collect();
    let levels = match frame.index() {
        _ if !options.with_index => Vec::new(),
        RowLabels::Range { start, step } => vec![Level::Range {
            name: frame.schema().index.levels[0].label.clone(),
            start: *start,
            stop: start + step * frame.n_rows() as i64,
            step: *step,
        }],
        RowLabels::Levels(_) => {
            let levels = columns.iter().filter(|column| column.is_level);
            levels.map(|column| Level::Stored(column.name.clone())).collect()
        }
    };
    let written: Vec<Written<'_>> = columns
        .iter()
        .map(|column| Written {
            label: column.label,
            stored: &column.name,
            dtype: column.dtype,
            n_categories: column.array.as_any_dictionary_opt().map_or(0, |d| d.values().len()),
        })
        .collect();
    let json = pandas::encode(&levels, &frame.schema().columns_name, &written);
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("oxidask {}", env!("CARGO_PKG_VERSION")))
        .set_compression(codec(options.compression)?)
        .set_max_row_group_row_count(Some(options.row_group_rows.max(1)))
        .set_key_value_metadata(Some(vec![KeyValue::new(pandas::KEY.to_owned(), json)]))
        .build();
    add_encoded_arrow_schema_to_metadata(&ArrowSchema::new(told), &mut properties);
    let arrays = columns.iter().map(|column| column.array.clone()).collect();
    let count = arrow_array::RecordBatchOptions::new().with_row_count(Some(frame.n_rows()));
    let schema = Arc::new(ArrowSchema::new(fields));
    Ok((RecordBatch::try_new_with_options(schema, arrays, &count)?, properties))
}

fn codec(compression: Compression) -> Result<Codec> {
    let level = |error: parquet::errors::ParquetError| FrameError::Value(error.to_string());
    Ok(match compression {
        Compression::None => Codec::UNCOMPRESSED,
        Compression::Snappy => Codec::SNAPPY,
        Compression::Lz4 => Codec::LZ4_RAW,
        Compression::Gzip(None) => Codec::GZIP(GzipLevel::default()),
        Compression::Gzip(Some(n)) => Codec::GZIP(GzipLevel::try_new(n).map_err(level)?),
        Compression::Brotli(None) => Codec::BROTLI(BrotliLevel::default()),
        Compression::Brotli(Some(n)) => Codec::BROTLI(BrotliLevel::try_new(n).map_err(level)?),
        Compression::Zstd(None) => Codec::ZSTD(ZstdLevel::default()),
        Compression::Zstd(Some(n)) => Codec::ZSTD(ZstdLevel::try_new(n).map_err(level)?),
    })
}

/// What the file says that a column is: other readers know texts, not all of them views.
fn told_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::LargeUtf8,
        DataType::Dictionary(key, values) => {
            let values = match **values {
                DataType::Utf8View => DataType::Utf8,
                ref other => other.clone(),
            };
            DataType::Dictionary(key.clone(), Box::new(values))
        }
        other => other.clone(),
    }
}

/// The array to write: NaN as null, as pandas writes it; seconds as milliseconds, which is the coarsest that
/// Parquet has.
fn stored_array(array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    fn nan_as_null<T: ArrowPrimitiveType>(array: &ArrayRef) -> ArrayRef {
        match column::present(array) {
            Some(present) => {
                let values = array.as_primitive::<T>().values().clone();
                Arc::new(PrimitiveArray::<T>::new(values, Some(present)))
            }
            None => array.clone(),
        }
    }
    Ok(match (dtype, array.data_type()) {
        (DType::Number(_), DataType::Float64) => nan_as_null::<Float64Type>(array),
        (DType::Number(_), DataType::Float32) => nan_as_null::<Float32Type>(array),
        (DType::Datetime(Unit::Second, zone), _) => {
            let seconds = array.as_primitive::<TimestampSecondType>();
            let millis = seconds.unary::<_, TimestampMillisecondType>(|value| value * 1000);
            Arc::new(millis.with_timezone_opt(zone.clone()))
        }
        (DType::Timedelta(Unit::Second), DataType::Duration(TimeUnit::Second)) => {
            let seconds = array.as_primitive::<DurationSecondType>();
            Arc::new(seconds.unary::<_, DurationMillisecondType>(|value| value * 1000))
        }
        (DType::Category { .. }, _) => {
            return Err(FrameError::NoKernel("writing a column of category".into()));
        }
        _ => array.clone(),
    })
}
