//! One part of a table as a frame.
//!
//! A filter reads its own columns first; the others are read only where rows are left.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, RecordBatchReader,
    StringViewArray,
};
use arrow_buffer::BooleanBuffer;
use arrow_select::{concat, filter};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use rustc_hash::FxHashMap;

use super::convert;
use super::layout::{self, Folder, Layout, Part, Source};
use super::open_file::{OpenFile, damaged};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::{Frame, RowLabels};
use crate::scalar::Scalar;
use crate::schema::{Field, IndexSchema, Schema};

/// Which rows to keep.
pub struct RowFilter<'a> {
    /// The columns that it must see, by their positions in the layout.
    pub columns: &'a [usize],
    /// The rows to keep of a frame of just these columns.
    pub keep: &'a dyn Fn(&Frame) -> Result<BooleanArray>,
}

/// What to read.
pub struct Request<'a> {
    /// How files become frames.
    pub layout: &'a Layout,
    /// The rows.
    pub part: &'a Part,
    /// The columns, by their positions in the layout; all if none are named.
    pub columns: Option<&'a [usize]>,
    /// Whether the index is wanted. If not, rows are counted.
    pub with_index: bool,
    /// Which rows to keep.
    pub filter: Option<RowFilter<'a>>,
}

/// Reads a part.
///
/// # Errors
/// [`FrameError::Io`] if the file can't be read, [`FrameError::Value`] if it is damaged or has other columns
/// than the layout says, and those of the filter.
pub fn read(request: &Request<'_>) -> Result<Frame> {
    let Request { layout, part, .. } = *request;
    let reader = PartReader::open(part)?;
    let all: Vec<usize> = (0..layout.columns.len()).collect();
    let columns = request.columns.unwrap_or(&all);
    let with_levels = request.with_index && !layout.levels.is_empty();
    let index = match (with_levels, layout.levels.is_empty()) {
        (true, _) | (false, true) => layout.schema.index.clone(),
        (false, false) => IndexSchema::range(),
    };
    let fields = columns.iter().map(|&at| layout.schema.columns[at].clone()).collect();
    let mut schema = Schema { index, columns: fields, ..(*layout.schema).clone() };

    let (keep, seen) = match &request.filter {
        None => (None, FxHashMap::default()),
        Some(filter) => filtered(&reader, layout, filter)?,
    };
    let n_rows = keep.as_ref().map_or(reader.n_rows, BooleanArray::true_count);

    let mut wanted: Vec<(&Source, &Field)> =
        columns.iter().filter(|at| !seen.contains_key(*at)).map(|&at| column(layout, at)).collect();
    if with_levels {
        wanted.extend(layout.levels.iter().zip(&layout.schema.index.levels));
    }
    let mut arrays = reader.read(layout, &wanted, keep.as_ref())?.into_iter();
    let mut next = || arrays.next().ok_or_else(|| FrameError::Value("too few columns".into()));
    let mut made = Vec::with_capacity(columns.len());
    for at in columns {
        made.push(match (seen.get(at), &keep) {
            (Some(array), Some(keep)) => filter::filter(array, keep)?,
            (Some(array), None) => array.clone(),
            (None, _) => next()?,
        });
    }
    if with_levels {
        let levels = arrays.collect();
        return Frame::new(Arc::new(schema), RowLabels::Levels(levels), made, n_rows);
    }
    let (start, step) = part.labels;
    let Some(keep) = keep else {
        return Frame::new(Arc::new(schema), RowLabels::Range { start, step }, made, n_rows);
    };
    schema.index.is_range = false;
    let labels = keep.values().set_indices().map(|at| start + step * at as i64);
    let labels: ArrayRef = Arc::new(Int64Array::from_iter_values(labels));
    Frame::new(Arc::new(schema), RowLabels::Levels(vec![labels]), made, n_rows)
}

/// The rows that a filter keeps, if it drops any, with the columns that it had to see.
fn filtered(
    reader: &PartReader<'_>,
    layout: &Layout,
    filter: &RowFilter<'_>,
) -> Result<(Option<BooleanArray>, FxHashMap<usize, ArrayRef>)> {
    let wanted: Vec<_> = filter.columns.iter().map(|&at| column(layout, at)).collect();
    let arrays = reader.read(layout, &wanted, None)?;
    let fields = wanted.iter().map(|(_, field)| (*field).clone()).collect();
    let schema = Arc::new(Schema::frame(fields));
    let keep = (filter.keep)(&Frame::with_range(schema, arrays.clone(), reader.n_rows)?)?;
    let keep = match keep.null_count() {
        0 => keep,
        _ => filter::prep_null_mask_filter(&keep),
    };
    let drops = keep.true_count() < reader.n_rows;
    Ok((drops.then_some(keep), filter.columns.iter().copied().zip(arrays).collect()))
}

fn column(layout: &Layout, at: usize) -> (&Source, &Field) {
    (&layout.columns[at], &layout.schema.columns[at])
}

/// How many nulls a stored column has in a row group, by its data.
pub(super) fn count_nulls(path: &Arc<str>, row_group: usize, name: &str) -> Result<u64> {
    let part = Part {
        path: path.clone(),
        row_groups: vec![row_group],
        n_rows: 0,
        n_bytes: 0,
        labels: (0, 1),
        folders: Vec::new(),
    };
    let reader = PartReader::open(&part)?;
    let arrays = reader.stored(&[name], None)?;
    Ok(arrays.first().map_or(0, |array| array.null_count() as u64))
}

/// The file of a part, open.
struct PartReader<'a> {
    part: &'a Part,
    file: OpenFile,
    metadata: ArrowReaderMetadata,
    n_rows: usize,
}

impl<'a> PartReader<'a> {
    fn open(part: &'a Part) -> Result<Self> {
        let path = &*part.path;
        let file = OpenFile::open(path)?;
        let damaged = |error| damaged(path, &error);
        let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(damaged)?;
        let schema = layout::read_schema(plain.schema());
        let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
        let metadata =
            ArrowReaderMetadata::try_new(plain.metadata().clone(), options).map_err(damaged)?;
        let groups = metadata.metadata().row_groups();
        if let Some(at) = part.row_groups.iter().find(|&&at| at >= groups.len()) {
            return Err(FrameError::Value(format!(
                "{path} has no row group {at} any more: it was written anew since it was opened"
            )));
        }
        let n_rows = part.row_groups.iter().map(|&at| groups[at].num_rows() as usize).sum();
        Ok(Self { part, file, metadata, n_rows })
    }

    /// Columns as dtypes have them.
    fn read(
        &self,
        layout: &Layout,
        wanted: &[(&Source, &Field)],
        keep: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let mut names: Vec<&str> = Vec::new();
        for (source, _) in wanted {
            if let Source::Stored(name) = source
                && !names.contains(&&**name)
            {
                names.push(name);
            }
        }
        let stored = self.stored(&names, keep)?;
        let n_rows = keep.map_or(self.n_rows, BooleanArray::true_count);
        let made = wanted.iter().map(|(source, field)| match source {
            Source::Stored(name) => {
                let at = names.iter().position(|known| *known == &**name).unwrap_or(0);
                self.converted(&stored[at], field)
            }
            Source::Folder(at) => {
                folder_column(&layout.folders[*at], self.part.folders[*at], &field.dtype, n_rows)
            }
        });
        made.collect()
    }

    fn converted(&self, array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
        let path = &self.part.path;
        let converted = convert::to_dtype(array, &field.dtype).map_err(|error| {
            FrameError::Value(format!("column {} of {path}: {error}", field.label))
        })?;
        converted.ok_or_else(|| {
            FrameError::Value(format!(
                "column {} is {} in {path} and {} in the files before it: convert the file, or read \
                 it by itself",
                field.label,
                array.data_type(),
                field.dtype
            ))
        })
    }

    /// Stored columns as the file has them, in this order.
    fn stored(&self, names: &[&str], keep: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let path = &*self.part.path;
        let schema = self.metadata.schema();
        let roots = names.iter().map(|name| {
            schema.index_of(name).map_err(|_| {
                FrameError::Value(format!(
                    "column '{name}' is not in {path}, though in other files"
                ))
            })
        });
        let roots: Vec<usize> = roots.collect::<Result<_>>()?;
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots.iter().copied());
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.file.clone(),
            self.metadata.clone(),
        )
        .with_projection(mask)
        .with_row_groups(self.part.row_groups.clone())
        .with_batch_size(self.n_rows.max(1));
        if let Some(keep) = keep {
            builder = builder.with_row_selection(selection(keep.values()));
        }
        let reader = builder.build().map_err(|error| damaged(path, &error))?;
        let schema = reader.schema();
        let mut batches = Vec::new();
        for batch in reader {
            batches.push(batch.map_err(|error| FrameError::Damaged {
                path: path.to_owned(),
                reason: error.to_string(),
            })?);
        }
        let array = |name: &&str| {
            let at = schema.index_of(name)?;
            let arrays: Vec<&dyn Array> = batches.iter().map(|batch| &**batch.column(at)).collect();
            match &arrays[..] {
                [] => Ok(arrow_array::new_empty_array(schema.field(at).data_type())),
                [_] => Ok(batches[0].column(at).clone()),
                several => Ok(concat::concat(several)?),
            }
        };
        names.iter().map(array).collect()
    }
}

/// The rows to keep, in the form that is faster to read by: runs if they are long.
fn selection(keep: &BooleanBuffer) -> RowSelection {
    RowSelection::from_filters(&[BooleanArray::new(keep.clone(), None)])
}

/// The column that a folder's name gives.
fn folder_column(
    folder: &Folder,
    value: Option<u32>,
    dtype: &DType,
    n_rows: usize,
) -> Result<ArrayRef> {
    let DType::Category { values, .. } = dtype else {
        return Err(FrameError::Value(format!("folders' names as {dtype}")));
    };
    let values: ArrayRef = if **values == DType::Str {
        let text = |value: &'_ Scalar| match value {
            Scalar::Str(text) => text.to_string(),
            other => other.to_string(),
        };
        Arc::new(StringViewArray::from_iter_values(folder.values.iter().map(text)))
    } else {
        let number = |value: &Scalar| match value {
            Scalar::Int(number) => *number as i32,
            _ => 0,
        };
        Arc::new(Int32Array::from_iter_values(folder.values.iter().map(number)))
    };
    let codes = match value {
        Some(code) => Int32Array::from_value(code as i32, n_rows),
        None => Int32Array::new_null(n_rows),
    };
    Ok(Arc::new(DictionaryArray::try_new(codes, values)?))
}
