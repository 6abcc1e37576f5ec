//! Tables of files, and files of tables.

use oxidask_frame::io::csv::{CsvOptions, CsvText, Header};
use oxidask_frame::io::parquet::{Compression, Dataset, Grouping, Part, WriteOptions, summarise};
use oxidask_frame::io::predicate::{Compare, Predicate, Statistics, Test};
use oxidask_frame::ops::files::Form;
use oxidask_frame::plan::Table;
use oxidask_frame::scalar::Scalar;
use oxidask_frame::schema::Label;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::FrameExpr;
use super::labels::{IntoPython, PyLabel, dtype_named, scalar_of, scalar_to_python};
use crate::array::NoKernel;

/// Text tables. `options` are those of `pandas.read_csv` that have native forms, by their names.
#[pyfunction]
#[pyo3(signature = (paths, options, block_bytes=None, sample=None))]
pub(crate) fn frame_read_csv(
    py: Python<'_>,
    paths: Vec<String>,
    options: &Bound<'_, PyDict>,
    block_bytes: Option<u64>,
    sample: Option<usize>,
) -> PyResult<FrameExpr> {
    let options = csv_options(options)?;
    let table = py.detach(|| Table::read_csv(&paths, &options, block_bytes, sample));
    table.py().map(FrameExpr)
}

fn csv_options(said: &Bound<'_, PyDict>) -> PyResult<CsvOptions> {
    let mut options = CsvOptions::default();
    let labels = |value: &Bound<'_, PyAny>| -> PyResult<Vec<_>> {
        let labels: Vec<PyLabel> = value.extract()?;
        Ok(labels.into_iter().map(|PyLabel(label)| label).collect())
    };
    for (name, value) in said {
        let name: String = name.extract()?;
        match name.as_str() {
            "sep" | "delimiter" => {
                let sep: String = value.extract()?;
                let [sep] = sep.as_bytes() else {
                    return Err(NoKernel::new_err(format!("fields parted by {sep:?}")));
                };
                options.sep = *sep;
            }
            "header" => {
                options.header = match value.extract::<Option<usize>>()? {
                    Some(line) => Header::Line(line),
                    None => Header::None,
                };
            }
            "names" => options.names = Some(labels(&value)?),
            "usecols" => options.usecols = Some(labels(&value)?),
            "parse_dates" => options.parse_dates = labels(&value)?,
            "dtype" => {
                for item in value.cast::<PyDict>()?.iter() {
                    let (PyLabel(label), dtype): (PyLabel, String) =
                        (item.0.extract()?, item.1.extract()?);
                    let dtype = dtype_named(&dtype)
                        .ok_or_else(|| NoKernel::new_err(format!("columns of dtype {dtype}")))?;
                    options.dtypes.push((label, dtype));
                }
            }
            "na_values" => options.na_values = value.extract()?,
            "keep_default_na" => options.keep_default_na = value.extract()?,
            "true_values" => options.true_values = value.extract()?,
            "false_values" => options.false_values = value.extract()?,
            "skiprows" => options.skip_rows = value.extract()?,
            "skip_blank_lines" => options.skip_blank_lines = value.extract()?,
            other => return Err(NoKernel::new_err(format!("the option {other}"))),
        }
    }
    Ok(options)
}

/// A Parquet data set, a partition for each `split`: `"files"`, `"row-groups"`, or so many bytes, without those of which
/// statistics say that no row meets `filters`: alternatives of conditions `(label, operator, value)`. `endings` chooses
/// among the files of folders. Gives the table, of each partition `(path, bounds or None, bytes, folders)`, bounds of the
/// column `ordered` or else of the index, and the values of columns that folders name.
#[pyfunction]
#[pyo3(signature = (paths, split, filters=None, endings=None, ordered=None))]
pub(crate) fn frame_read_parquet<'py>(
    py: Python<'py>,
    paths: Vec<String>,
    split: &Bound<'py, PyAny>,
    filters: Option<Vec<Vec<Condition>>>,
    endings: Option<Vec<String>>,
    ordered: Option<PyLabel>,
) -> PyResult<(FrameExpr, Bound<'py, PyList>, Bound<'py, PyDict>)> {
    let grouping = match split.extract::<u64>() {
        Ok(n_bytes) => Grouping::Bytes(n_bytes),
        Err(_) => match split.extract::<String>()?.as_str() {
            "files" => Grouping::Files,
            "row-groups" => Grouping::RowGroups,
            other => {
                return Err(PyValueError::new_err(format!("no way to split is called {other:?}")));
            }
        },
    };
    let (table, data, parts) = py
        .detach(|| {
            let data = Dataset::open_ending(&paths, None, endings.as_deref())?;
            let predicate = filters.map(|filters| predicate(&data, filters));
            let table = Table::read_parquet(&data, grouping, predicate.as_ref())?;
            let parts = data.parts(grouping, predicate.as_ref());
            Ok((table, data, parts))
        })
        .py()?;
    let told = PyList::empty(py);
    for part in &parts {
        let bounds = match bounds(&data, part, ordered.as_ref().map(|PyLabel(label)| label)) {
            Some((low, high)) => Some((scalar_to_python(py, &low)?, scalar_to_python(py, &high)?)),
            None => None,
        };
        told.append((&*part.path, bounds, part.n_bytes, part.folders.clone()))?;
    }
    let folders = PyDict::new(py);
    for folder in &data.layout.folders {
        let values = folder.values.iter().map(|value| scalar_to_python(py, value));
        folders.set_item(&*folder.key, values.collect::<PyResult<Vec<_>>>()?)?;
    }
    Ok((FrameExpr(table), told, folders))
}

/// The least and the greatest value of a column in a part, or else of the index, if footers tell.
fn bounds(data: &Dataset, part: &Part, column: Option<&Label>) -> Option<(Scalar, Scalar)> {
    let of = |known| match known {
        Statistics { min: Some(min), max: Some(max), .. } => Some((min, max)),
        _ => None,
    };
    let n_columns = data.layout.columns.len();
    if let Some(column) = column {
        let at = data.position(column)?;
        return match at.checked_sub(n_columns) {
            Some(level) => of(data.level_statistics(part, level)),
            None => of(data.statistics(part, at)),
        };
    }
    match data.layout.levels.len() {
        0 => {
            let (start, step) = part.labels;
            let last = start + step * (part.n_rows as i64 - 1).max(0);
            Some((Scalar::Int(start), Scalar::Int(last)))
        }
        1 => of(data.level_statistics(part, 0)),
        _ => None,
    }
}

/// A condition on a column; none on the value if no native scalar is like it.
pub(crate) struct Condition(Label, Option<Test>);

impl<'a, 'py> FromPyObject<'a, 'py> for Condition {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let (PyLabel(label), op, value): (PyLabel, String, Bound<'_, PyAny>) = object.extract()?;
        let compare = |compare| scalar_of(&value).map(|value| Test::Compare(compare, value));
        let test = match op.as_str() {
            "=" | "==" => compare(Compare::Eq),
            "!=" => compare(Compare::Ne),
            "<" => compare(Compare::Lt),
            "<=" => compare(Compare::Le),
            ">" => compare(Compare::Gt),
            ">=" => compare(Compare::Ge),
            "in" => {
                let values = value.try_iter()?.map(|item| Ok(scalar_of(&item?)));
                let values: Option<Vec<Scalar>> = values.collect::<PyResult<_>>()?;
                values.map(Test::IsIn)
            }
            _ => None,
        };
        Ok(Self(label, test))
    }
}

/// What is asked of rows, so far as it can be told from statistics.
fn predicate(data: &Dataset, filters: Vec<Vec<Condition>>) -> Predicate {
    let test = |Condition(label, test)| Some(Predicate::Column(data.position(&label)?, test?));
    let all = |tests: Vec<Condition>| Predicate::All(tests.into_iter().filter_map(test).collect());
    Predicate::Any(filters.into_iter().map(all).collect())
}

/// Writes `_metadata` and `_common_metadata` of files by their paths in a folder.
#[pyfunction]
pub(crate) fn parquet_summary(py: Python<'_>, folder: &str, files: Vec<String>) -> PyResult<()> {
    py.detach(|| summarise(folder, &files)).py()
}

/// A table that writes a file of each partition when it is computed: `form` is `"csv"` or `"parquet"`, `options` those
/// of pandas that have native forms.
#[pyfunction]
pub(crate) fn frame_write(
    expr: &Bound<'_, FrameExpr>,
    paths: Vec<String>,
    form: &str,
    options: &Bound<'_, PyDict>,
) -> PyResult<FrameExpr> {
    let form = match form {
        "csv" => Form::Csv(csv_text(options)?),
        "parquet" => Form::Parquet(parquet_options(options)?),
        other => {
            return Err(PyValueError::new_err(format!("no kind of files is called {other:?}")));
        }
    };
    let paths = paths.into_iter().map(Into::into).collect();
    expr.get().0.write(paths, form).py().map(FrameExpr)
}

fn csv_text(said: &Bound<'_, PyDict>) -> PyResult<CsvText> {
    let mut options = CsvText::default();
    for (name, value) in said {
        match name.extract::<String>()?.as_str() {
            "sep" => options.sep = value.extract()?,
            "na_rep" => options.na = value.extract()?,
            "header" => options.header = value.extract()?,
            "header_once" => options.header_once = value.extract()?,
            "index" => options.index = value.extract()?,
            "quotechar" => options.quote = value.extract()?,
            "lineterminator" => options.line_end = value.extract()?,
            other => return Err(NoKernel::new_err(format!("the option {other}"))),
        }
    }
    Ok(options)
}

fn parquet_options(said: &Bound<'_, PyDict>) -> PyResult<WriteOptions> {
    let mut options = WriteOptions::default();
    for (name, value) in said {
        match name.extract::<String>()?.as_str() {
            "compression" => {
                options.compression = match value.extract::<Option<String>>()?.as_deref() {
                    None => Compression::None,
                    Some("snappy") => Compression::Snappy,
                    Some("lz4") => Compression::Lz4,
                    Some("gzip") => Compression::Gzip(None),
                    Some("brotli") => Compression::Brotli(None),
                    Some("zstd") => Compression::Zstd(None),
                    Some(other) => {
                        return Err(NoKernel::new_err(format!("compression by {other}")));
                    }
                };
            }
            "index" => options.with_index = value.extract()?,
            "row_group_size" => options.row_group_rows = value.extract()?,
            other => return Err(NoKernel::new_err(format!("the option {other}"))),
        }
    }
    Ok(options)
}
