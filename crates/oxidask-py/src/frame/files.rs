//! Tables of files, and files of tables.

use oxidask_frame::io::csv::{CsvOptions, CsvText, Header};
use oxidask_frame::io::parquet::{Compression, Dataset, Grouping, WriteOptions};
use oxidask_frame::io::predicate::Statistics;
use oxidask_frame::ops::files::Form;
use oxidask_frame::plan::Table;
use oxidask_frame::scalar::Scalar;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::FrameExpr;
use super::labels::{IntoPython, PyLabel, dtype_named, scalar_to_python};
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

/// A Parquet data set, a partition for each `split`: `"files"`, `"row-groups"`, or so many bytes. Gives the table, and
/// the least and greatest label of each partition where footers tell them.
#[pyfunction]
#[pyo3(signature = (paths, columns, split))]
pub(crate) fn frame_read_parquet<'py>(
    py: Python<'py>,
    paths: Vec<String>,
    columns: Option<Vec<String>>,
    split: &Bound<'py, PyAny>,
) -> PyResult<(FrameExpr, Bound<'py, PyList>)> {
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
    let (table, bounds) = py
        .detach(|| {
            let data = Dataset::open(&paths, columns.as_deref())?;
            let table = Table::read_parquet(&data, grouping, None)?;
            let bounds: Vec<Option<(Scalar, Scalar)>> = match data.layout.levels.len() {
                0 => data
                    .parts(grouping, None)
                    .iter()
                    .map(|part| {
                        let (start, step) = part.labels;
                        let last = start + step * (part.n_rows as i64 - 1).max(0);
                        Some((Scalar::Int(start), Scalar::Int(last)))
                    })
                    .collect(),
                1 => data
                    .parts(grouping, None)
                    .iter()
                    .map(|part| match data.level_statistics(part, 0) {
                        Statistics { min: Some(min), max: Some(max), .. } => Some((min, max)),
                        _ => None,
                    })
                    .collect(),
                _ => Vec::new(),
            };
            Ok((table, bounds))
        })
        .py()?;
    let list = PyList::empty(py);
    for pair in bounds {
        match pair {
            Some((low, high)) => {
                list.append((scalar_to_python(py, &low)?, scalar_to_python(py, &high)?))?;
            }
            None => list.append(py.None())?,
        }
    }
    Ok((FrameExpr(table), list))
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
