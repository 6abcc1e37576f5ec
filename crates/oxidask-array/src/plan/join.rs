//! Joining arrays: along an axis that they have, or along a new one.
//!
//! One layer reads all arrays through windows: block `i` of the result is a block of the array in
//! whose window it lies. Nothing is copied but where dtypes or the other axes' chunks differ.

use oxidask_core::layer::{AxisMap, IndexMap};

use crate::error::{ArrayError, Result};
use crate::ops::join::Pick;
use crate::plan::array::{Array, normalize_axis};
use crate::plan::chunks::{AxisChunks, Chunks, Tuple, UNKNOWN, extent};
use crate::plan::unify::common_axis;

/// The arrays one after the other along `axis`, blocks as they are: their dtypes must agree.
///
/// With `allow_unknown`, extents that only computing tells are taken to fit where their blocks are
/// as many.
///
/// # Errors
/// [`ArrayError::Value`] if there are no arrays or their other axes don't fit, [`ArrayError::Axis`]
/// if there is no such axis.
pub fn concatenate(arrays: &[Array], axis: i64, allow_unknown: bool) -> Result<Array> {
    let Some(first) = arrays.first() else {
        return Err(ArrayError::Value("Need array(s) to concatenate".into()));
    };
    let ndim = first.ndim();
    let axis = normalize_axis(axis, ndim)?;
    check(arrays, axis, allow_unknown)?;
    if let [only] = arrays {
        return Ok(only.clone());
    }
    let common = |other: usize| -> Result<AxisChunks> {
        if other == axis {
            return Ok(arrays
                .iter()
                .flat_map(|array| array.chunks()[axis].iter().copied())
                .collect());
        }
        let candidates: Vec<&AxisChunks> =
            arrays.iter().map(|array| &array.chunks()[other]).collect();
        common_axis(&candidates)
    };
    let chunks: Chunks = (0..ndim).map(common).collect::<Result<_>>()?;
    let mut start = 0;
    let mut inputs = Vec::with_capacity(arrays.len());
    for array in arrays {
        let wanted = chunks.clone().with_axis(axis, array.chunks()[axis].clone());
        let cut = if same_cut(array.chunks(), &wanted) {
            array.clone()
        } else {
            array.rechunked(wanted)?
        };
        let maps: Box<[AxisMap]> = (0..ndim)
            .map(|a| {
                let a8 = a as u8;
                if a == axis { AxisMap::Window { axis: a8, start } } else { AxisMap::Same(a8) }
            })
            .collect();
        start += cut.chunks()[axis].len() as u32;
        inputs.push((cut, IndexMap::Axes(maps)));
    }
    // Where only NumPy knows one array's dtype, only NumPy knows the result's.
    let dtype = match arrays.iter().map(Array::dtype).collect::<Option<Vec<_>>>() {
        Some(dtypes) if dtypes.iter().any(|dtype| *dtype != dtypes[0]) => {
            return Err(ArrayError::NoKernel("arrays of different dtypes".into()));
        }
        Some(dtypes) => Some(dtypes[0]),
        None => None,
    };
    Array::layer("concatenate", Pick, inputs, chunks, dtype)
}

/// The arrays, all of one shape, along a new axis.
///
/// # Errors
/// As [`concatenate`].
pub fn stack(arrays: &[Array], axis: i64, allow_unknown: bool) -> Result<Array> {
    let Some(first) = arrays.first() else {
        return Err(ArrayError::Value("Need array(s) to stack".into()));
    };
    let shape = first.shape();
    let differs = |array: &&Array| {
        let other = array.shape();
        other.len() != shape.len()
            || other
                .iter()
                .zip(&shape)
                .any(|(&a, &b)| a != b || (!allow_unknown && (a == UNKNOWN || b == UNKNOWN)))
    };
    if let Some(array) = arrays[1..].iter().find(differs) {
        return Err(ArrayError::Value(format!(
            "Stacked arrays must have the same shape, got {} and {}",
            Tuple(&shape),
            Tuple(&array.shape())
        )));
    }
    let axis = normalize_axis(axis, first.ndim() + 1)?;
    let expanded: Vec<Array> =
        arrays.iter().map(|array| array.expand_dims(&[axis])).collect::<Result<_>>()?;
    concatenate(&expanded, axis as i64, true)
}

/// Whether blocks fit as they are, unknown ones to those that they meet.
fn same_cut(have: &Chunks, want: &Chunks) -> bool {
    have.iter().zip(want.iter()).all(|(have, want)| {
        have.len() == want.len()
            && have.iter().zip(want.iter()).all(|(&a, &b)| a == b || a == UNKNOWN || b == UNKNOWN)
    })
}

fn check(arrays: &[Array], axis: usize, allow_unknown: bool) -> Result<()> {
    let first = &arrays[0];
    let shapes = || {
        let mut shapes: Vec<_> =
            arrays.iter().take(8).map(|a| Tuple(&a.shape()).to_string()).collect();
        if arrays.len() > shapes.len() {
            shapes.push("...".into());
        }
        shapes.join(", ")
    };
    for array in &arrays[1..] {
        if array.ndim() != first.ndim() {
            return Err(ArrayError::Value(format!(
                "all the input arrays must have same number of dimensions, got shapes {}",
                shapes()
            )));
        }
        for other in (0..first.ndim()).filter(|&other| other != axis) {
            let (a, b) = (extent(&first.chunks()[other]), extent(&array.chunks()[other]));
            if a == UNKNOWN || b == UNKNOWN {
                if allow_unknown {
                    continue;
                }
                return Err(ArrayError::Value(format!(
                    "Tried to concatenate arrays with unknown shape {}.\n\nTwo solutions:\n  \
                     1. Force concatenation pass allow_unknown_chunksizes=True.\n  2. Compute \
                     shapes with [x.compute_chunk_sizes() for x in seq]",
                    Tuple(&array.shape())
                )));
            }
            if a != b {
                return Err(ArrayError::Value(format!(
                    "all the input array dimensions except for the concatenation axis must match \
                     exactly, got shapes {} along axis {axis}",
                    shapes()
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::kernel::Chunk;
    use crate::ops::source::Full;

    fn full(value: i64, axes: &[&[usize]]) -> Array {
        let chunks: Chunks = axes.iter().copied().collect();
        let kernel = Full { value: Chunk::scalar(value).unwrap(), bounds: chunks.all_bounds() };
        Array::source("full", kernel, chunks, DType::I64).unwrap()
    }

    #[test]
    fn arrays_keep_their_blocks() {
        let joined =
            concatenate(&[full(1, &[&[2, 3], &[4]]), full(2, &[&[5], &[4]])], 0, false).unwrap();
        assert_eq!(joined.chunks().to_string(), "((2, 3, 5), (4,))");
        let stacked = stack(&[full(1, &[&[2, 3]]), full(2, &[&[2, 3]])], -1, false).unwrap();
        assert_eq!(stacked.chunks().to_string(), "((2, 3), (1, 1))");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (a, b) = (full(1, &[&[2], &[4]]), full(2, &[&[2], &[5]]));
        assert!(concatenate(&[a.clone(), b.clone()], 0, false).is_err());
        assert!(stack(&[a.clone(), b], 0, false).is_err());
        assert!(matches!(concatenate(&[a], 2, false), Err(ArrayError::Axis { .. })));
        let unknown = full(1, &[&[2], &[UNKNOWN]]);
        let pair = [full(1, &[&[2], &[4]]), unknown];
        assert!(concatenate(&pair, 0, false).is_err());
        assert_eq!(concatenate(&pair, 0, true).unwrap().chunks().to_string(), "((2, 2), (4,))");
    }
}
