//! What stands between square brackets, checked against a shape: NumPy's rules and errors.
//!
//! The result says what happens to each axis of the array, and in which order the axes of the
//! outcome come. [`crate::plan::slice`] and [`crate::plan::take`] turn it into blocks.

use std::sync::Arc;

use crate::error::{ArrayError, Result};
use crate::kernel::Dims;
use crate::kernel::chunk::{contiguous_strides, n_elements};
use crate::plan::chunks::{Tuple, UNKNOWN};
use crate::plan::unify::broadcast_shapes;

/// One index as a user writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Index {
    /// An integer; negative ones count from the end.
    Int(i64),
    /// `start:stop:step`.
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// `None`.
    NewAxis,
    /// `...`
    Ellipsis,
    /// An array of integers of this shape.
    Ints(Dims, Arc<[i64]>),
    /// An array of booleans of this shape.
    Bools(Dims, Arc<[bool]>),
}

/// What happens to one axis of the array.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisIndex {
    /// It is taken at one index, and gone.
    At(usize),
    /// Elements `start, start + step, ...`, so many of them.
    Range(Range),
    /// It is gathered: the coordinates are the array of this number in [`Normal::points`].
    Points(usize),
}

/// Some elements of an axis at equal distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first element.
    pub start: usize,
    /// To the next one.
    pub step: isize,
    /// How many; [`UNKNOWN`] for all of an axis of unknown extent.
    pub len: usize,
}

impl Range {
    /// All of an axis.
    #[must_use]
    pub fn all(extent: usize) -> Self {
        Self { start: 0, step: 1, len: extent }
    }

    /// Whether it is all of an axis, in order.
    #[must_use]
    pub fn is_all(&self, extent: usize) -> bool {
        self.len == extent && (extent == 0 || (self.start == 0 && (self.step == 1 || extent == 1)))
    }
}

/// One or more axes of the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutAxis {
    /// An axis of the array.
    Axis(usize),
    /// A new axis of this extent (1, or 0 for `False`).
    New(usize),
    /// The axes of the index arrays.
    Points,
}

/// Indices checked against a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    /// What happens to each axis.
    pub axes: Vec<AxisIndex>,
    /// The axes of the outcome.
    pub out: Vec<OutAxis>,
    /// The index arrays, broadcast to one shape and flattened, none negative.
    pub points: Vec<Arc<[usize]>>,
    /// Their shape.
    pub points_shape: Dims,
}

impl Normal {
    /// Whether the outcome is the array itself.
    #[must_use]
    pub fn is_identity(&self, shape: &[usize]) -> bool {
        let whole = |(axis, &n): (&AxisIndex, &usize)| match axis {
            AxisIndex::Range(range) => range.is_all(n),
            _ => false,
        };
        self.axes.iter().zip(shape).all(whole)
            && self.out.iter().enumerate().all(|(i, out)| *out == OutAxis::Axis(i))
    }
}

/// How many axes of the array an index takes.
fn n_axes(index: &Index) -> usize {
    match index {
        Index::NewAxis | Index::Ellipsis => 0,
        Index::Bools(shape, _) => shape.len(),
        _ => 1,
    }
}

/// Checks indices against a shape.
///
/// # Errors
/// NumPy's `IndexError`s; a `ValueError` where an unknown extent would have to be known.
pub fn normalize(indices: &[Index], shape: &[usize]) -> Result<Normal> {
    let taken: usize = indices.iter().map(n_axes).sum();
    if taken > shape.len() {
        return Err(ArrayError::Index(format!(
            "too many indices for array: array is {}-dimensional, but {taken} were indexed",
            shape.len()
        )));
    }
    if indices.iter().filter(|index| **index == Index::Ellipsis).count() > 1 {
        return Err(ArrayError::Index("an index can only have a single ellipsis ('...')".into()));
    }
    let mut state = Normalizing::new(shape);
    let missing = shape.len() - taken;
    for index in indices {
        match index {
            Index::Ellipsis => state.whole_axes(missing),
            _ => state.push(index)?,
        }
    }
    state.whole_axes(shape.len() - state.axes.len());
    state.finish()
}

struct Normalizing<'a> {
    shape: &'a [usize],
    axes: Vec<AxisIndex>,
    out: Vec<OutAxis>,
    /// Index arrays by axis, with their shapes.
    arrays: Vec<(Dims, Vec<usize>)>,
    /// Where in `out` the first index array or integer came, and whether others came apart from it.
    advanced: Option<usize>,
    apart: bool,
    n_scalar_masks: usize,
}

impl<'a> Normalizing<'a> {
    fn new(shape: &'a [usize]) -> Self {
        Self {
            shape,
            axes: Vec::new(),
            out: Vec::new(),
            arrays: Vec::new(),
            advanced: None,
            apart: false,
            n_scalar_masks: 0,
        }
    }

    fn whole_axes(&mut self, n: usize) {
        for _ in 0..n {
            let axis = self.axes.len();
            self.axes.push(AxisIndex::Range(Range::all(self.shape[axis])));
            self.out.push(OutAxis::Axis(axis));
        }
    }

    /// Integers and index arrays belong together; NumPy asks whether anything comes between them.
    fn mark_advanced(&mut self) {
        match self.advanced {
            None => self.advanced = Some(self.out.len()),
            Some(at) => self.apart |= at != self.out.len(),
        }
    }

    fn push(&mut self, index: &Index) -> Result<()> {
        let axis = self.axes.len();
        match index {
            Index::Ellipsis => {}
            Index::NewAxis => self.out.push(OutAxis::New(1)),
            Index::Slice(start, stop, step) => {
                let range = slice_range((*start, *stop, *step), self.shape[axis])?;
                self.axes.push(AxisIndex::Range(range));
                self.out.push(OutAxis::Axis(axis));
            }
            Index::Int(i) => {
                self.mark_advanced();
                self.axes.push(AxisIndex::At(position(*i, axis, self.shape[axis])?));
            }
            Index::Ints(shape, values) if shape.is_empty() => {
                return self.push(&Index::Int(values.first().copied().unwrap_or(0)));
            }
            Index::Ints(shape, values) => {
                self.mark_advanced();
                let n = self.shape[axis];
                let values = values.iter().map(|&i| position(i, axis, n)).collect::<Result<_>>()?;
                self.push_array(shape.clone(), values);
            }
            Index::Bools(shape, values) if shape.is_empty() => {
                self.n_scalar_masks += 1;
                let n = usize::from(values.first().copied().unwrap_or(false));
                self.out.push(OutAxis::New(n));
            }
            Index::Bools(shape, values) => {
                self.mark_advanced();
                self.push_mask(shape, values)?;
            }
        }
        Ok(())
    }

    fn push_array(&mut self, shape: Dims, values: Vec<usize>) {
        self.axes.push(AxisIndex::Points(self.arrays.len()));
        self.arrays.push((shape, values));
    }

    /// A mask is as many index arrays as it has axes: where it is true.
    fn push_mask(&mut self, shape: &[usize], values: &[bool]) -> Result<()> {
        let first = self.axes.len();
        for (i, &n) in shape.iter().enumerate() {
            let extent = self.shape[first + i];
            if extent == UNKNOWN {
                return Err(unknown_extent(self.shape));
            }
            if extent != n {
                return Err(ArrayError::Index(format!(
                    "boolean index did not match indexed array along axis {}; size of axis is \
                     {extent} but size of corresponding boolean axis is {n}",
                    first + i
                )));
            }
        }
        let strides = contiguous_strides(shape, 1);
        let hits: Vec<usize> =
            values.iter().enumerate().filter_map(|(i, &hit)| hit.then_some(i)).collect();
        for (&n, &stride) in shape.iter().zip(&strides) {
            let along = hits.iter().map(|i| i / stride.unsigned_abs().max(1) % n.max(1)).collect();
            self.push_array(Dims::from_slice(&[hits.len()]), along);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Normal> {
        if self.arrays.is_empty() {
            return Ok(Normal {
                axes: self.axes,
                out: self.out,
                points: Vec::new(),
                points_shape: Dims::new(),
            });
        }
        if self.n_scalar_masks > 0 {
            return Err(ArrayError::Unsupported(
                "a single boolean beside index arrays; use x[None] or x[:0] instead of it".into(),
            ));
        }
        let shapes: Vec<Vec<usize>> = self.arrays.iter().map(|(shape, _)| shape.to_vec()).collect();
        let common = broadcast_shapes(&shapes).map_err(|_| {
            let all: Vec<_> = shapes.iter().map(|s| Tuple(s).to_string()).collect();
            ArrayError::Index(format!(
                "shape mismatch: indexing arrays could not be broadcast together with shapes {}",
                all.join(" ")
            ))
        })?;
        let points =
            self.arrays.iter().map(|(shape, values)| stretched(values, shape, &common)).collect();
        let at = if self.apart { 0 } else { self.advanced.unwrap_or(0) };
        self.out.insert(at, OutAxis::Points);
        Ok(Normal { axes: self.axes, out: self.out, points, points_shape: common.into() })
    }
}

/// Values of `shape` broadcast to `common`, flat.
fn stretched(values: &[usize], shape: &[usize], common: &[usize]) -> Arc<[usize]> {
    if shape == common {
        return values.into();
    }
    let new = common.len() - shape.len();
    let strides = contiguous_strides(shape, 1);
    let mut coords = Dims::from_elem(0, common.len());
    let n = n_elements(common);
    let mut flat = Vec::with_capacity(n);
    for _ in 0..n {
        let offset: usize = (0..shape.len())
            .map(|a| if shape[a] == 1 { 0 } else { coords[new + a] * strides[a].unsigned_abs() })
            .sum();
        flat.push(values[offset]);
        for axis in (0..common.len()).rev() {
            coords[axis] += 1;
            if coords[axis] < common[axis] {
                break;
            }
            coords[axis] = 0;
        }
    }
    flat.into()
}

fn unknown_extent(shape: &[usize]) -> ArrayError {
    ArrayError::Value(format!(
        "Array chunk size or shape is unknown. shape: {}\n\nPossible solution with \
         x.compute_chunk_sizes()",
        Tuple(shape)
    ))
}

/// The position that an integer means on an axis.
///
/// # Errors
/// NumPy's `IndexError`, or a `ValueError` if the extent is unknown.
pub fn position(index: i64, axis: usize, extent: usize) -> Result<usize> {
    if extent == UNKNOWN {
        return Err(unknown_extent(&[UNKNOWN]));
    }
    let n = extent as i64;
    if index < -n || index >= n {
        return Err(ArrayError::Index(format!(
            "index {index} is out of bounds for axis {axis} with size {extent}"
        )));
    }
    Ok(if index < 0 { index + n } else { index } as usize)
}

/// The elements that a slice takes of an axis.
///
/// # Errors
/// If the step is zero, or the extent unknown and the slice is not the whole axis.
pub fn slice_range(
    (start, stop, step): (Option<i64>, Option<i64>, Option<i64>),
    extent: usize,
) -> Result<Range> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(ArrayError::Value("slice step cannot be zero".into()));
    }
    if extent == UNKNOWN {
        return match (start, stop, step) {
            (None | Some(0), None, 1) => Ok(Range::all(UNKNOWN)),
            _ => Err(unknown_extent(&[UNKNOWN])),
        };
    }
    let n = extent as i64;
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let clip =
        |bound: i64| (if bound < 0 { bound.saturating_add(n) } else { bound }).clamp(low, high);
    let start = start.map_or(if step > 0 { low } else { high }, clip);
    let stop = stop.map_or(if step > 0 { high } else { low }, clip);
    let distance = if step > 0 { stop - start } else { start - stop };
    let len =
        if distance <= 0 { 0 } else { ((distance - 1) as u64 / step.unsigned_abs() + 1) as usize };
    // One element has no step, and none has no place.
    Ok(match len {
        0 => Range { start: 0, step: 1, len },
        1 => Range { start: start as usize, step: 1, len },
        _ => Range { start: start as usize, step: step as isize, len },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(shape: &[usize], values: &[i64]) -> Index {
        Index::Ints(shape.into(), values.into())
    }

    fn all() -> Index {
        Index::Slice(None, None, None)
    }

    fn error(indices: &[Index], shape: &[usize]) -> String {
        normalize(indices, shape).unwrap_err().to_string()
    }

    #[test]
    fn slices_are_clipped_as_python_does() {
        let range = |start, stop, step, n| {
            let r = slice_range((start, stop, step), n).unwrap();
            (r.start, r.step, r.len)
        };
        assert_eq!(range(None, None, Some(-1), 5), (4, -1, 5));
        assert_eq!(range(Some(-2), None, None, 5), (3, 1, 2));
        assert_eq!(range(Some(10), Some(1), Some(-2), 5), (4, -2, 2));
        assert_eq!(range(Some(3), Some(1), None, 5), (0, 1, 0));
        assert_eq!(range(Some(i64::MIN), Some(i64::MAX), Some(i64::MAX), 5), (0, 1, 1));
        assert_eq!(range(Some(i64::MAX), Some(i64::MIN), Some(i64::MIN), 5), (4, 1, 1));
        assert!(slice_range((None, None, Some(0)), 5).is_err());
        assert!(slice_range((Some(1), None, None), UNKNOWN).is_err());
    }

    #[test]
    fn index_arrays_with_a_slice_between_go_first() {
        let normal = normalize(&[Index::Int(0), all(), ints(&[2], &[1, -1])], &[4, 5, 6]).unwrap();
        assert_eq!(normal.out, [OutAxis::Points, OutAxis::Axis(1)]);
        assert_eq!(&*normal.points[0], [1, 5]);
        let normal = normalize(
            &[Index::NewAxis, ints(&[2], &[0, 2]), Index::Ellipsis, Index::Int(-1)],
            &[4, 5, 6],
        );
        assert_eq!(normal.unwrap().out, [OutAxis::Points, OutAxis::New(1), OutAxis::Axis(1)]);
        let normal = normalize(&[all(), Index::Int(0), ints(&[2], &[1, 2])], &[4, 5, 6]).unwrap();
        assert_eq!(normal.out, [OutAxis::Axis(0), OutAxis::Points]);
    }

    #[test]
    fn index_arrays_broadcast_and_masks_are_positions() {
        let normal = normalize(&[ints(&[2, 1], &[0, 1]), ints(&[3], &[0, 1, 2])], &[4, 5]).unwrap();
        assert_eq!(normal.points_shape.as_slice(), [2, 3]);
        assert_eq!(&*normal.points[0], [0, 0, 0, 1, 1, 1]);
        assert_eq!(&*normal.points[1], [0, 1, 2, 0, 1, 2]);
        let mask = Index::Bools([2, 2].into_iter().collect(), [true, false, true, true].into());
        let normal = normalize(&[mask], &[2, 2, 3]).unwrap();
        assert_eq!(&*normal.points[0], [0, 1, 1]);
        assert_eq!(&*normal.points[1], [0, 0, 1]);
        assert_eq!(normal.out, [OutAxis::Points, OutAxis::Axis(2)]);
    }

    #[test]
    fn errors_are_numpys() {
        assert_eq!(
            error(&[Index::Int(6)], &[5]),
            "index 6 is out of bounds for axis 0 with size 5"
        );
        assert_eq!(
            error(&[Index::Int(0), Index::Int(0)], &[5]),
            "too many indices for array: array is 1-dimensional, but 2 were indexed"
        );
        assert!(error(&[Index::Ellipsis, Index::Ellipsis], &[5]).contains("single ellipsis"));
        assert!(error(&[ints(&[1], &[-6])], &[5]).contains("index -6 is out of bounds"));
        assert!(
            error(&[ints(&[2], &[0, 0]), ints(&[3], &[0, 0, 0])], &[5, 5]).contains("(2,) (3,)")
        );
        let short = Index::Bools([1].into_iter().collect(), [true].into());
        assert!(error(&[short], &[2]).contains("size of axis is 2"));
        assert!(error(&[Index::Int(0)], &[UNKNOWN]).contains("compute_chunk_sizes"));
    }

    #[test]
    fn identities_are_seen() {
        let same = |indices: &[Index]| normalize(indices, &[5, 4]).unwrap().is_identity(&[5, 4]);
        assert!(same(&[]) && same(&[Index::Ellipsis]));
        assert!(same(&[Index::Slice(Some(0), Some(9), Some(1)), all()]));
        assert!(!same(&[Index::NewAxis]) && !same(&[Index::Slice(None, None, Some(-1))]));
    }
}
