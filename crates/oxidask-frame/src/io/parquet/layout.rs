//! How files become frames: which stored columns are columns and which are the index.

use std::sync::Arc;

use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::ParquetMetaData;
use serde::{Deserialize, Serialize};

use super::open_file::damaged;
use super::pandas::{Level, PandasMeta};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
use crate::scalar::Scalar;
use crate::schema::{Field, IndexSchema, Kind, Label, Schema};

/// Where the values of a column are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// In files, under this name.
    Stored(Arc<str>),
    /// In the names of folders: which of [`Layout::folders`].
    Folder(usize),
}

/// A column that folders' names give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Folder {
    /// Its key.
    pub key: Arc<str>,
    /// Its values: the categories, in order. All integers that 32 bits hold, or all texts.
    pub values: Vec<Scalar>,
}

/// How files become frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// What the frames are.
    pub schema: Arc<Schema>,
    /// Where the columns are, in their order.
    pub columns: Vec<Source>,
    /// Where the levels of the index are; none if it is counted.
    pub levels: Vec<Source>,
    /// What folders' names give.
    pub folders: Vec<Folder>,
}

/// Rows of one file: what a task reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The file.
    pub path: Arc<str>,
    /// Which of its row groups, in order.
    pub row_groups: Vec<usize>,
    /// How many rows they have.
    pub n_rows: u64,
    /// Bytes of their values, without compression.
    pub n_bytes: u64,
    /// The first label, and from one to the next, if the index is counted.
    pub labels: (i64, i64),
    /// Which value of each of [`Layout::folders`]; none where the file is in no such folder.
    pub folders: Vec<Option<u32>>,
}

/// The Arrow schema of a file, as its own metadata has it.
pub(super) fn arrow_schema(metadata: &ParquetMetaData, path: &str) -> Result<ArrowSchema> {
    let file = metadata.file_metadata();
    parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())
        .map_err(|error| damaged(path, &error))
}

/// How files like this one become frames. `n_nulls` says how many nulls a stored column has in all files.
pub(super) fn layout(
    metadata: &ParquetMetaData,
    path: &str,
    chosen: Option<&[String]>,
    folders: Vec<Folder>,
    n_nulls: &mut dyn FnMut(&str) -> Result<u64>,
) -> Result<Layout> {
    let pandas = PandasMeta::of(metadata, path)?;
    let arrow = arrow_schema(metadata, path)?;
    let mut dtype = |field: &ArrowField| dtype_of(field, &pandas, &mut *n_nulls);
    let (mut index, mut levels) = (IndexSchema::range(), Vec::new());
    let mut stored_levels = Vec::new();
    for level in &pandas.levels {
        match level {
            Level::Range { name, .. } if pandas.levels.len() == 1 => {
                index.levels[0].label = name.clone();
            }
            Level::Range { .. } => {
                return Err(FrameError::NoKernel(format!("a counted level of several in {path}")));
            }
            Level::Stored(name) => {
                let Ok(field) = arrow.field_with_name(name) else { continue };
                stored_levels.push(Field { label: pandas.level_name(name), dtype: dtype(field)? });
                levels.push(Source::Stored(name.as_str().into()));
            }
        }
    }
    if !stored_levels.is_empty() {
        index = IndexSchema { levels: stored_levels, is_range: false };
    }
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    let mut add = |source: Source, label: Label, dtype: DType| {
        fields.push(Field { label, dtype });
        columns.push(source);
    };
    let folder = |name: &str| folders.iter().position(|folder| *folder.key == *name);
    let folder_dtype = |at: usize| DType::Category {
        values: Box::new(match folders[at].values.first() {
            Some(Scalar::Int(_)) => DType::Number(Number::I32),
            _ => DType::Str,
        }),
        ordered: false,
    };
    let is_level = |name: &str| levels.contains(&Source::Stored(name.into()));
    if let Some(chosen) = chosen {
        for name in chosen {
            if let Ok(field) = arrow.field_with_name(name) {
                add(Source::Stored(name.as_str().into()), pandas.label(name), dtype(field)?);
            } else if let Some(at) = folder(name) {
                add(Source::Folder(at), name.as_str().into(), folder_dtype(at));
            } else {
                return Err(FrameError::Key(format!("{name} is not among the columns of {path}")));
            }
        }
    } else {
        for field in arrow.fields() {
            let name = field.name();
            if !is_level(name) && folder(name).is_none() {
                add(Source::Stored(name.as_str().into()), pandas.label(name), dtype(field)?);
            }
        }
        for (at, folder) in folders.iter().enumerate() {
            add(Source::Folder(at), Label::Str(folder.key.clone()), folder_dtype(at));
        }
    }
    let schema = Schema {
        kind: Kind::Frame,
        index,
        columns: fields,
        columns_name: pandas.columns_name.clone(),
    };
    Ok(Layout { schema: Arc::new(schema), columns, levels, folders })
}

/// What pandas makes of a stored column.
fn dtype_of(
    field: &ArrowField,
    pandas: &PandasMeta,
    n_nulls: &mut dyn FnMut(&str) -> Result<u64>,
) -> Result<DType> {
    let name = field.name();
    let none = || FrameError::NoKernel(format!("column {name} of {}", field.data_type()));
    let said = pandas.numpy_type(name);
    if matches!(said, "string" | "string[python]" | "string[pyarrow]") || said.contains("[pyarrow]")
    {
        return Err(FrameError::NoKernel(format!("column {name} of dtype {said}")));
    }
    let plain = DType::of_arrow(field.data_type(), false).ok_or_else(none)?;
    Ok(match plain {
        DType::Number(number) if said == DType::NullableNumber(number).to_string() => {
            DType::NullableNumber(number)
        }
        DType::Bool if said == "boolean" => DType::NullableBool,
        DType::Bool if field.is_nullable() && n_nulls(name)? > 0 => return Err(none()),
        DType::Number(number)
            if !number.is_float() && field.is_nullable() && n_nulls(name)? > 0 =>
        {
            DType::F64
        }
        DType::Datetime(unit, zone) => DType::Datetime(unit, zone),
        DType::Category { values, .. } => {
            if *values != DType::Str {
                return Err(none());
            }
            DType::Category { values, ordered: field.dict_is_ordered() == Some(true) }
        }
        other => other,
    })
}

/// The types to ask of the reader: texts as views, codes of categories as pandas has at most.
pub(super) fn read_schema(stored: &ArrowSchema) -> ArrowSchema {
    let field = |field: &Arc<ArrowField>| {
        let data_type = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Dictionary(_, values)
                if matches!(
                    **values,
                    DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
                ) =>
            {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            _ => return field.clone(),
        };
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    };
    ArrowSchema::new(stored.fields().iter().map(field).collect::<Vec<_>>())
}
