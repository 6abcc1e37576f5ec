//! What pandas writes beside the data: which columns are the index, and dtypes that Parquet has no word for.
//!
//! The JSON under the key `pandas`, as pandas' developer documentation describes it ("Storing pandas DataFrame
//! objects in Apache Parquet format").

use parquet::file::metadata::ParquetMetaData;
use serde_json::{Value, json};

use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::schema::Label;

/// The key of it among a file's metadata.
pub(super) const KEY: &str = "pandas";

/// How Dask calls an index without a name.
const DASK_NO_NAME: &str = "__null_dask_index__";

/// One level of the index.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Level {
    /// Counted.
    Range { name: Label, start: i64, stop: i64, step: i64 },
    /// The column of this name in the file.
    Stored(String),
}

/// What pandas has said of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct PandasMeta {
    pub(super) levels: Vec<Level>,
    pub(super) columns_name: Label,
    columns: Vec<Column>,
    labels_are_numbers: bool,
}

#[derive(Clone, Debug)]
struct Column {
    stored: String,
    name: Value,
    numpy_type: String,
}

impl PandasMeta {
    /// What stands in a file; what pandas assumes if there is nothing.
    pub(super) fn of(metadata: &ParquetMetaData, path: &str) -> Result<Self> {
        let pairs = metadata.file_metadata().key_value_metadata();
        let text = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == KEY));
        let Some(text) = text.and_then(|pair| pair.value.as_deref()) else {
            return Ok(Self::default());
        };
        let value: Value = serde_json::from_str(text).map_err(|error| {
            FrameError::Value(format!("{path}: the metadata of pandas is no JSON: {error}"))
        })?;
        let list = |key: &str| value[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut meta = Self::default();
        match list("column_indexes") {
            [] => {}
            [only] => {
                meta.columns_name = label_of(&only["name"]);
                match only["pandas_type"].as_str() {
                    Some("int64") => meta.labels_are_numbers = true,
                    Some("unicode" | "string" | "empty") | None => {}
                    Some(other) => {
                        return Err(FrameError::NoKernel(format!("labels of {other} in {path}")));
                    }
                }
            }
            _ => return Err(FrameError::NoKernel(format!("labels of several levels in {path}"))),
        }
        meta.levels = list("index_columns").iter().filter_map(level_of).collect();
        for column in list("columns") {
            let stored = column["field_name"].as_str().or(column["name"].as_str());
            let Some(stored) = stored else { continue };
            meta.columns.push(Column {
                stored: stored.to_owned(),
                name: column["name"].clone(),
                numpy_type: column["numpy_type"].as_str().unwrap_or_default().to_owned(),
            });
        }
        Ok(meta)
    }

    fn column(&self, stored: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.stored == stored)
    }

    /// The label of a stored column.
    pub(super) fn label(&self, stored: &str) -> Label {
        let name = self.column(stored).and_then(|column| column.name.as_str()).unwrap_or(stored);
        match name.parse() {
            Ok(number) if self.labels_are_numbers => Label::Int(number),
            _ => name.into(),
        }
    }

    /// The name of a stored level of the index.
    pub(super) fn level_name(&self, stored: &str) -> Label {
        match self.column(stored).map(|column| &column.name) {
            Some(Value::String(name)) if name == DASK_NO_NAME => Label::None,
            Some(name @ (Value::String(_) | Value::Number(_))) => label_of(name),
            Some(_) => Label::None,
            None if stored == DASK_NO_NAME || stored.starts_with("__index_level_") => Label::None,
            None => stored.into(),
        }
    }

    /// The name that NumPy or pandas has for the dtype of a stored column; nothing if unsaid.
    pub(super) fn numpy_type(&self, stored: &str) -> &str {
        self.column(stored).map_or("", |column| &column.numpy_type)
    }
}

fn label_of(value: &Value) -> Label {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => number.as_i64().map_or(Label::None, Label::Int),
        _ => Label::None,
    }
}

fn level_of(value: &Value) -> Option<Level> {
    match value {
        Value::String(stored) => Some(Level::Stored(stored.clone())),
        Value::Object(range) if range.get("kind")?.as_str() == Some("range") => {
            Some(Level::Range {
                name: label_of(range.get("name")?),
                start: range.get("start")?.as_i64()?,
                stop: range.get("stop")?.as_i64()?,
                step: range.get("step")?.as_i64()?,
            })
        }
        _ => None,
    }
}

/// A column of a file that is written.
pub(super) struct Written<'a> {
    pub(super) label: &'a Label,
    pub(super) stored: &'a str,
    pub(super) dtype: &'a DType,
    pub(super) n_categories: usize,
}

/// The JSON for a file of these columns, with stored levels last among them.
pub(super) fn encode(levels: &[Level], columns_name: &Label, columns: &[Written<'_>]) -> String {
    let level = |level: &Level| match level {
        Level::Stored(stored) => json!(stored),
        Level::Range { name, start, stop, step } => json!({
            "kind": "range", "name": json_of(name), "start": start, "stop": stop, "step": step,
        }),
    };
    let is_stored_level = |stored: &str| levels.contains(&Level::Stored(stored.to_owned()));
    let mut data = columns.iter().filter(|column| !is_stored_level(column.stored)).peekable();
    let numbers = data.peek().is_some() && data.all(|column| matches!(column.label, Label::Int(_)));
    let (pandas_type, numpy_type) = if numbers { ("int64", "int64") } else { ("unicode", "str") };
    let encoding = if numbers { Value::Null } else { json!({ "encoding": "UTF-8" }) };
    let name = |column: &Written<'_>| match column.label {
        Label::Int(number) => json!(number.to_string()),
        label => json_of(label),
    };
    let column = |column: &Written<'_>| {
        let (pandas_type, numpy_type, metadata) = types(column);
        json!({
            "name": name(column), "field_name": column.stored, "pandas_type": pandas_type,
            "numpy_type": numpy_type, "metadata": metadata,
        })
    };
    json!({
        "index_columns": levels.iter().map(level).collect::<Vec<_>>(),
        "column_indexes": [{
            "name": json_of(columns_name), "field_name": json_of(columns_name),
            "pandas_type": pandas_type, "numpy_type": numpy_type, "metadata": encoding,
        }],
        "columns": columns.iter().map(column).collect::<Vec<_>>(),
        "attributes": {},
        "creator": { "library": "oxidask", "version": env!("CARGO_PKG_VERSION") },
        "pandas_version": "3.0.0",
    })
    .to_string()
}

fn json_of(label: &Label) -> Value {
    match label {
        Label::Str(text) => json!(&**text),
        Label::Int(number) => json!(number),
        Label::None | Label::Tuple(_) => Value::Null,
    }
}

/// `pandas_type`, `numpy_type` and `metadata` of a column.
fn types(column: &Written<'_>) -> (String, String, Value) {
    let same = |name: String| (name.clone(), name, Value::Null);
    match column.dtype {
        DType::Number(number) => same(number.name().to_owned()),
        DType::Bool => same("bool".to_owned()),
        DType::NullableNumber(number) => {
            (number.name().to_owned(), column.dtype.to_string(), Value::Null)
        }
        DType::NullableBool => ("bool".to_owned(), "boolean".to_owned(), Value::Null),
        DType::Str => ("unicode".to_owned(), "str".to_owned(), Value::Null),
        DType::Datetime(unit, None) => {
            ("datetime".to_owned(), format!("datetime64[{}]", unit.name()), Value::Null)
        }
        DType::Datetime(unit, Some(zone)) => (
            "datetimetz".to_owned(),
            format!("datetime64[{}]", unit.name()),
            json!({ "timezone": &**zone }),
        ),
        DType::Timedelta(unit) => {
            ("timedelta".to_owned(), format!("timedelta64[{}]", unit.name()), Value::Null)
        }
        DType::Category { ordered, .. } => (
            "categorical".to_owned(),
            "int32".to_owned(),
            json!({ "num_categories": column.n_categories, "ordered": ordered }),
        ),
    }
}
