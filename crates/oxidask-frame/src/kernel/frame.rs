//! One partition: columns of Arrow arrays, and an index.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, UInt32Array};
use arrow_select::filter;

use super::{column, elementwise};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::schema::{Field, Schema};

/// The labels of rows.
#[derive(Clone, Debug)]
pub enum RowLabels {
    /// Counted: `start`, `start + step` and so on.
    Range {
        /// The first one.
        start: i64,
        /// From one to the next.
        step: i64,
    },
    /// Stored: an array for each level.
    Levels(Vec<ArrayRef>),
}

/// A partition of a dataframe, series or index.
#[derive(Clone, Debug)]
pub struct Frame {
    schema: Arc<Schema>,
    index: RowLabels,
    columns: Vec<ArrayRef>,
    n_rows: usize,
}

impl Frame {
    /// A frame of its parts.
    ///
    /// # Errors
    /// [`FrameError::Value`] if lengths or types disagree with one another or with the schema.
    pub fn new(
        schema: Arc<Schema>,
        index: RowLabels,
        columns: Vec<ArrayRef>,
        n_rows: usize,
    ) -> Result<Self> {
        let check = |field: &Field, array: &ArrayRef| {
            let matches = array.data_type() == &field.dtype.arrow() && array.len() == n_rows;
            if matches {
                return Ok(());
            }
            Err(FrameError::Value(format!(
                "{} of {} rows and dtype {} can't be {} rows of {}",
                field.label,
                n_rows,
                field.dtype,
                array.len(),
                array.data_type()
            )))
        };
        if columns.len() != schema.columns.len() {
            return Err(FrameError::Value(format!(
                "{} arrays for {} columns",
                columns.len(),
                schema.columns.len()
            )));
        }
        schema.columns.iter().zip(&columns).try_for_each(|(field, array)| check(field, array))?;
        match &index {
            RowLabels::Levels(levels) => {
                if schema.index.is_range || levels.len() != schema.index.levels.len() {
                    return Err(FrameError::Value("an index that is not the schema's".into()));
                }
                let fields = schema.index.levels.iter();
                fields.zip(levels).try_for_each(|(field, array)| check(field, array))?;
            }
            RowLabels::Range { .. } if !schema.index.is_range => {
                return Err(FrameError::Value("a counted index where a stored one is due".into()));
            }
            RowLabels::Range { .. } => {}
        }
        Ok(Self { schema, index, columns, n_rows })
    }

    /// A frame with the index 0, 1, 2 ...
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn with_range(schema: Arc<Schema>, columns: Vec<ArrayRef>, n_rows: usize) -> Result<Self> {
        Self::new(schema, RowLabels::Range { start: 0, step: 1 }, columns, n_rows)
    }

    /// What is known without the data.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The labels of rows.
    #[must_use]
    pub fn index(&self) -> &RowLabels {
        &self.index
    }

    /// The columns, in the order of the schema.
    #[must_use]
    pub fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// The number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Bytes of memory that the arrays take, as far as they are of this frame.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        let levels = match &self.index {
            RowLabels::Levels(levels) => &levels[..],
            RowLabels::Range { .. } => &[],
        };
        levels.iter().chain(&self.columns).map(|array| array.get_array_memory_size()).sum()
    }

    /// The levels of the index as arrays; a counted one is written out.
    #[must_use]
    pub fn levels(&self) -> Vec<ArrayRef> {
        match &self.index {
            RowLabels::Levels(levels) => levels.clone(),
            RowLabels::Range { start, step } => {
                let labels = (0..self.n_rows as i64).map(|i| start + i * step);
                vec![Arc::new(Int64Array::from_iter_values(labels))]
            }
        }
    }

    /// The same rows with their index written out.
    #[must_use]
    pub fn with_stored_index(&self) -> Self {
        if !self.schema.index.is_range {
            return self.clone();
        }
        let mut schema = (*self.schema).clone();
        schema.index.is_range = false;
        Self {
            schema: Arc::new(schema),
            index: RowLabels::Levels(self.levels()),
            columns: self.columns.clone(),
            n_rows: self.n_rows,
        }
    }

    /// Other columns over the same rows.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn with_columns(&self, schema: Arc<Schema>, columns: Vec<ArrayRef>) -> Result<Self> {
        Self::new(schema, self.index.clone(), columns, self.n_rows)
    }

    /// Rows `start..start + len`, without a copy.
    #[must_use]
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let start = start.min(self.n_rows);
        let len = len.min(self.n_rows - start);
        let index = match &self.index {
            RowLabels::Range { start: first, step } => {
                RowLabels::Range { start: first + step * start as i64, step: *step }
            }
            RowLabels::Levels(levels) => {
                RowLabels::Levels(levels.iter().map(|level| level.slice(start, len)).collect())
            }
        };
        let columns = self.columns.iter().map(|column| column.slice(start, len)).collect();
        Self { schema: self.schema.clone(), index, columns, n_rows: len }
    }

    /// The rows for which `mask` is true; null counts as false. The index is written out.
    ///
    /// # Errors
    /// [`FrameError::Value`] if the mask is of another length.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Self> {
        let chosen = filter::FilterBuilder::new(mask).optimize().build();
        self.map_arrays(chosen.count(), |array| {
            let some = chosen.filter(array)?;
            // Categories are kept, though no row has any.
            Ok(if some.is_empty() { array.slice(0, 0) } else { some })
        })
    }

    /// The rows at these positions, in this order; the index is written out. Null positions give missing
    /// values, which the dtypes of the columns must allow.
    ///
    /// # Errors
    /// [`FrameError::Value`] if there are too many rows for what the columns hold.
    ///
    /// # Panics
    /// If a position is outside.
    pub fn take(&self, positions: &UInt32Array) -> Result<Self> {
        self.map_arrays(positions.len(), |array| column::take(array, positions))
    }

    fn map_arrays(
        &self,
        n_rows: usize,
        map: impl Fn(&dyn Array) -> Result<ArrayRef>,
    ) -> Result<Self> {
        let stored = self.with_stored_index();
        let levels = stored.levels().iter().map(|level| map(level)).collect::<Result<_>>()?;
        let columns = self.columns.iter().map(|column| map(column)).collect::<Result<_>>()?;
        Ok(Self { schema: stored.schema, index: RowLabels::Levels(levels), columns, n_rows })
    }

    /// The rows of all, one frame after the other; counted indexes that follow on one another stay
    /// counted.
    ///
    /// # Errors
    /// [`FrameError::Value`] if there is none, or if schemas differ.
    pub fn concat(frames: &[Self]) -> Result<Self> {
        let Some(first) = frames.first() else {
            return Err(FrameError::Value("no frames to concatenate".into()));
        };
        if frames.len() == 1 {
            return Ok(first.clone());
        }
        let n_rows = frames.iter().map(|frame| frame.n_rows).sum();
        let widened = widened(frames)?;
        let frames = widened.as_deref().unwrap_or(frames);
        let first = &frames[0];
        let (schema, index) = match range_over(frames) {
            Some(range) => (first.schema.clone(), range),
            None => {
                let stored: Vec<Self> = frames.iter().map(Self::with_stored_index).collect();
                let levels: Vec<Vec<ArrayRef>> = stored.iter().map(Self::levels).collect();
                let joined = (0..first.schema.index.levels.len())
                    .map(|at| column::concat(levels.iter().map(|levels| &levels[at])))
                    .collect::<Result<_>>()?;
                (stored[0].schema.clone(), RowLabels::Levels(joined))
            }
        };
        let columns = (0..first.columns.len())
            .map(|at| {
                let parts = frames.iter().map(|frame| {
                    frame.columns.get(at).ok_or_else(|| {
                        FrameError::Value("frames of different columns to concatenate".into())
                    })
                });
                column::concat(parts.collect::<Result<Vec<_>>>()?.into_iter())
            })
            .collect::<Result<_>>()?;
        Self::new(schema, index, columns, n_rows)
    }
}

/// The frames with floating point numbers in the columns and levels that are such in some of them and integers in others,
/// as where some partitions miss a value; none if there are no such columns.
fn widened(frames: &[Frame]) -> Result<Option<Vec<Frame>>> {
    fn mixed(frames: &[Frame], fields: fn(&Schema) -> &[Field]) -> Vec<usize> {
        let first = fields(&frames[0].schema);
        let is_mixed = |at: &usize| {
            let dtype = &first[*at].dtype;
            let mut others = frames.iter().filter_map(|frame| fields(&frame.schema).get(*at));
            matches!(dtype, DType::Number(_))
                && others.any(|f| f.dtype != *dtype && matches!(f.dtype, DType::Number(_)))
        };
        (0..first.len()).filter(is_mixed).collect()
    }
    fn widen(fields: &mut [Field], arrays: &mut [ArrayRef], mixed: &[usize]) -> Result<()> {
        for &at in mixed {
            if let (Some(field), Some(array)) = (fields.get_mut(at), arrays.get_mut(at)) {
                *array = elementwise::cast(array, &field.dtype, &DType::F64)?;
                field.dtype = DType::F64;
            }
        }
        Ok(())
    }
    let columns = mixed(frames, |schema| &schema.columns);
    let levels = mixed(frames, |schema| &schema.index.levels);
    if columns.is_empty() && levels.is_empty() {
        return Ok(None);
    }
    let widened = frames.iter().map(|frame| {
        let mut frame = if levels.is_empty() { frame.clone() } else { frame.with_stored_index() };
        let mut schema = (*frame.schema).clone();
        widen(&mut schema.columns, &mut frame.columns, &columns)?;
        if let RowLabels::Levels(arrays) = &mut frame.index {
            widen(&mut schema.index.levels, arrays, &levels)?;
        }
        Frame::new(schema.into(), frame.index, frame.columns, frame.n_rows)
    });
    widened.collect::<Result<_>>().map(Some)
}

/// The counted index of several frames, if theirs follow on one another.
fn range_over(frames: &[Frame]) -> Option<RowLabels> {
    let mut next: Option<(i64, i64)> = None;
    let mut range = None;
    for frame in frames {
        let RowLabels::Range { start, step } = frame.index else { return None };
        if frame.n_rows == 0 {
            continue;
        }
        match next {
            Some((expected, same)) if expected != start || same != step => return None,
            _ => {}
        }
        range.get_or_insert(RowLabels::Range { start, step });
        next = Some((start + step * frame.n_rows as i64, step));
    }
    range.or_else(|| frames.first().map(|frame| frame.index.clone()))
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;

    use super::*;

    fn numbers(start: i64, values: &[i64]) -> Frame {
        let schema = Arc::new(Schema::frame(vec![Field::new("x", DType::I64)]));
        let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        Frame::new(schema, RowLabels::Range { start, step: 1 }, vec![column], values.len()).unwrap()
    }

    fn labels(frame: &Frame) -> Vec<i64> {
        frame.levels()[0].as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn counted_indexes_that_follow_stay_counted() {
        let both = Frame::concat(&[numbers(0, &[5, 6]), numbers(2, &[7])]).unwrap();
        assert!(both.schema().index.is_range);
        let apart = Frame::concat(&[numbers(0, &[5, 6]), numbers(0, &[7])]).unwrap();
        assert!(!apart.schema().index.is_range);
        assert_eq!(labels(&apart), [0, 1, 0]);
    }

    #[test]
    fn rows_keep_their_labels() {
        let frame = numbers(10, &[1, 2, 3, 4]);
        assert_eq!(labels(&frame.slice(1, 2)), [11, 12]);
        let odd = frame.filter(&BooleanArray::from(vec![true, false, true, false])).unwrap();
        assert_eq!((labels(&odd), odd.n_rows()), (vec![10, 12], 2));
        let turned = frame.take(&UInt32Array::from(vec![3, 0])).unwrap();
        assert_eq!(labels(&turned), [13, 10]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let schema = Arc::new(Schema::frame(vec![Field::new("x", DType::F64)]));
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let error = Frame::with_range(schema, vec![column], 1).unwrap_err();
        assert!(error.to_string().contains("float64"), "{error}");
    }
}
