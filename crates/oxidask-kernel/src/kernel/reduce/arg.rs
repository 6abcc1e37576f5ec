//! Where the least and the greatest elements are.
//!
//! A state is two chunks: the values, and their places along the axis (or in the flattened array) of
//! the whole array. Of equal values the first counts; NaN comes before all, unless it is skipped:
//! then a lane of nothing else has the place -1.

use crate::dispatch;
use crate::dtype::Kind;
use crate::error::{ArrayError, Result};
use crate::kernel::reduce::fold::{Extreme, Ordered, Time};
use crate::kernel::reduce::folder::run;
use crate::kernel::{Chunk, Dims, lanes};

/// The place of a block: where it starts in the whole array, and that array's shape.
pub struct Place<'a> {
    /// Coordinates of the first element.
    pub start: &'a [usize],
    /// Extents of the array.
    pub shape: &'a [usize],
}

/// What counts as best.
#[derive(Clone, Copy)]
pub(super) struct Best {
    pub(super) max: bool,
    pub(super) skip_nan: bool,
}

/// The state of a block: over `axis`, or over all of them.
pub(super) fn partial(
    chunk: &Chunk,
    axis: Option<usize>,
    place: &Place<'_>,
    best: Best,
) -> Result<Vec<Chunk>> {
    let dtype = chunk.dtype();
    let is_time = matches!(dtype.kind(), Kind::Datetime | Kind::Timedelta);
    let (values, index) = if is_time {
        lanes_of::<Time>(chunk, axis, best)?
    } else {
        dispatch!(dtype, T => lanes_of::<T>(chunk, axis, best)?)
    };
    let mut shape = Dims::from(chunk.shape());
    let index: Vec<i64> = match axis {
        Some(axis) => {
            shape[axis] = usize::from(shape[axis] > 0);
            index
                .into_iter()
                .map(|at| at.map_or(-1, |at| (at + place.start[axis]) as i64))
                .collect()
        }
        None => {
            let block = shape.clone();
            shape.iter_mut().for_each(|n| *n = usize::from(*n > 0));
            index.into_iter().map(|at| at.map_or(-1, |at| global(at, &block, place))).collect()
        }
    };
    let empty = shape.contains(&0);
    let index = if empty { Vec::new() } else { index };
    let values = if empty { Chunk::new(dtype, &shape)? } else { values.reshaped(&shape)? };
    Ok(vec![values.reinterpreted(dtype), Chunk::from_slice(&index, &shape)?])
}

/// The index in the flattened array of the element `at` of a block.
fn global(mut at: usize, block: &[usize], place: &Place<'_>) -> i64 {
    let (mut index, mut step) = (0, 1);
    for axis in (0..block.len()).rev() {
        index += (at % block[axis] + place.start[axis]) * step;
        at /= block[axis];
        step *= place.shape[axis];
    }
    index as i64
}

/// The best element of every lane, and its place in the lane; `None` if there is none.
fn lanes_of<T: Ordered>(
    chunk: &Chunk,
    axis: Option<usize>,
    best: Best,
) -> Result<(Chunk, Vec<Option<usize>>)> {
    let find = match (best.max, best.skip_nan) {
        (false, false) => first_best::<T, false, false>,
        (false, true) => first_best::<T, false, true>,
        (true, false) => first_best::<T, true, false>,
        (true, true) => first_best::<T, true, true>,
    };
    let lanes = match axis {
        Some(axis) => lanes::gathered(chunk, axis)?,
        None => chunk.reshaped(&[chunk.len()])?.to_contiguous()?,
    };
    let n = lanes.shape().last().copied().unwrap_or(1);
    let (mut values, mut index) = (Vec::new(), Vec::new());
    if n > 0 {
        for lane in lanes.elements::<T>()?.chunks_exact(n) {
            let (value, at) = find(lane);
            values.push(value);
            index.push(at);
        }
    }
    Ok((Chunk::from_slice(&values, &[values.len()])?, index))
}

fn first_best<T: Ordered, const MAX: bool, const SKIP: bool>(lane: &[T]) -> (T, Option<usize>) {
    let value = run::<Extreme<T, MAX, SKIP>>(lane);
    let at = if Ordered::is_nan(value) && SKIP {
        None
    } else if Ordered::is_nan(value) {
        lane.iter().position(|&x| Ordered::is_nan(x))
    } else {
        lane.iter().position(|&x| x == value)
    };
    (value, at)
}

/// Joins the states of several blocks.
pub(super) fn merge(states: &[Vec<Chunk>], best: Best) -> Result<Vec<Chunk>> {
    let dtype = states[0][0].dtype();
    if matches!(dtype.kind(), Kind::Datetime | Kind::Timedelta) {
        return merged::<Time>(states, best);
    }
    dispatch!(dtype, T => merged::<T>(states, best))
}

fn merged<T: Ordered>(states: &[Vec<Chunk>], best: Best) -> Result<Vec<Chunk>> {
    let first = states.iter().find(|state| !state[0].is_empty()).unwrap_or(&states[0]);
    let (dtype, shape) = (first[0].dtype(), Dims::from(first[0].shape()));
    let mut values = first[0].elements::<T>()?.into_owned();
    let mut index = first[1].elements::<i64>()?.into_owned();
    for state in states.iter().filter(|state| !state[0].is_empty()) {
        let others = state[0].elements::<T>()?;
        let places = state[1].elements::<i64>()?;
        for at in 0..values.len().min(others.len()) {
            let (here, there) = ((values[at], index[at]), (others[at], places[at]));
            if is_better(there, here, best) {
                (values[at], index[at]) = there;
            }
        }
    }
    let values = Chunk::from_slice(&values, &shape)?.reinterpreted(dtype);
    Ok(vec![values, Chunk::from_slice(&index, &shape)?])
}

fn is_better<T: Ordered>((a, i): (T, i64), (b, j): (T, i64), best: Best) -> bool {
    if best.skip_nan && (i < 0 || j < 0) {
        return i >= 0 && j < 0;
    }
    match (a.is_nan(), b.is_nan()) {
        (true, true) => i < j,
        (true, false) => true,
        (false, true) => false,
        (false, false) if best.max && b.below(a) || !best.max && a.below(b) => true,
        (false, false) => !(a.below(b) || b.below(a)) && i < j,
    }
}

/// The places of merged states.
///
/// # Errors
/// If there was nothing in a lane.
pub(super) fn finish(state: &[Chunk], best: Best) -> Result<Chunk> {
    let index = &state[1];
    if best.skip_nan && index.elements::<i64>()?.contains(&-1) {
        return Err(ArrayError::Value("All-NaN slice encountered".into()));
    }
    Ok(index.clone())
}
