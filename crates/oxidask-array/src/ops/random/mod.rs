//! Blocks of random arrays: [`Random`] has numbers of a distribution, the others what their names
//! say.
#![expect(unsafe_code, reason = "tiles of raw memory")]

mod indices;
mod integers;

use std::borrow::Cow;
use std::slice::from_raw_parts_mut;

use half::f16;
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::{ArrayError, Result};
use crate::foreign::Call;
use crate::kernel::program::{Generator, Tile};
use crate::kernel::random::{Distribution, Key, Param, fill_f32, fill_f64, fill_i64};
use crate::kernel::{Chunk, Dims};
use crate::ops::source::{Bounds, region};
use crate::ops::{Block, Kernel, chunk, value};

pub use indices::{Choose, Draw, RandomIndices, RandomRows};
pub use integers::{IntegerBound, RandomIntegers};

/// A parameter of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Parameter {
    /// The same for every element.
    Scalar(f64),
    /// That input of the task: a block that broadcasts to the result's.
    Input(usize),
}

/// Blocks of random numbers: an element depends on its place in the whole array, not in its block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Random {
    /// Of which distribution.
    pub distribution: Distribution,
    /// Their parameters, in the distribution's order. Scalars have been checked.
    pub params: Vec<Parameter>,
    /// The array's seed.
    pub key: Key,
    /// `F64` or `F32`, `I64` for counts.
    pub dtype: DType,
    /// Axis by axis where the blocks start; the last entry is the array's extent.
    pub bounds: Vec<Bounds>,
}

/// A run of neighbours: where it starts in the array and in the block, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    element: u64,
    at: usize,
    len: usize,
}

/// The runs that a block consists of: as long as they can be.
fn runs(bounds: &[Bounds], start: &[usize], end: &[usize]) -> impl Iterator<Item = Run> {
    let extents: Dims = bounds.iter().map(|b| b.last().copied().unwrap_or(0)).collect();
    let block: Dims = start.iter().zip(end).map(|(start, end)| end - start).collect();
    // The innermost axes that the block has whole make one run with the axis before them.
    let mut outer = block.len();
    let mut len = 1;
    while outer > 0 {
        outer -= 1;
        len *= block[outer];
        if block[outer] != extents[outer] {
            break;
        }
    }
    let n_elements: usize = block.iter().product();
    let steps: Dims = (0..extents.len())
        .map(|axis| extents[axis + 1..].iter().copied().fold(1, usize::wrapping_mul))
        .collect();
    let first = element(start, &steps);
    let n_runs = n_elements.checked_div(len).unwrap_or(0);
    (0..n_runs).map(move |run| {
        let mut rest = run;
        let mut offset = first;
        for axis in (0..outer).rev() {
            offset = offset.wrapping_add((rest % block[axis] * steps[axis]) as u64);
            rest /= block[axis];
        }
        Run { element: offset, at: run * len, len }
    })
}

/// The shape of a block.
fn block_shape(bounds: &[Bounds], coords: &[u32]) -> Dims {
    let (start, end) = region(bounds, coords);
    start.iter().zip(&end).map(|(start, end)| end - start).collect()
}

/// Calls `fill` for every run of a block.
fn for_each_run(bounds: &[Bounds], coords: &[u32], fill: impl FnMut(Run)) {
    let (start, end) = region(bounds, coords);
    runs(bounds, &start, &end).for_each(fill);
}

fn element(index: &[usize], steps: &[usize]) -> u64 {
    index.iter().zip(steps).fold(0, |sum: usize, (i, step)| sum.wrapping_add(i.wrapping_mul(*step)))
        as u64
}

/// The elements of a block of parameters, as floats in row-major order.
fn parameters(chunk: &Chunk, shape: &[usize]) -> Result<Vec<f64>> {
    let chunk = chunk.broadcast_to(shape)?;
    let dtype = chunk.dtype();
    macro_rules! converted {
        ($x:ident => $float:expr) => {
            dispatch!(dtype, T in [i8, i16, i32, i64, u8, u16, u32, u64, f32] => {
                Ok(chunk.elements::<T>()?.iter().map(|&$x| $float).collect())
            }, else Err(ArrayError::Type(format!("a parameter of a distribution has dtype {dtype}"))))
        };
    }
    match dtype {
        DType::F64 => Ok(chunk.elements::<f64>()?.into_owned()),
        DType::F16 => Ok(chunk.elements::<f16>()?.iter().map(|x| x.to_f64()).collect()),
        DType::Bool => {
            let elements = chunk.elements::<crate::dtype::Bool>()?;
            Ok(elements.iter().map(|x| f64::from(x.0)).collect())
        }
        _ => converted!(x => x as f64),
    }
}

/// The numbers of a block of [`Random`], made tile by tile.
pub struct RandomTiles<'a> {
    random: &'a Random,
    params: Vec<Param<'a>>,
    /// Index of the block's first element in the array.
    first: u64,
    /// From an element to its neighbour along each axis.
    steps: SmallVec<[u64; 4]>,
}

impl Generator for RandomTiles<'_> {
    unsafe fn fill(&self, tile: &Tile<'_>, out: *mut u8) {
        let at = |index: &[usize]| {
            let index = index.iter().zip(&self.steps);
            index.fold(self.first, |sum, (&i, &step)| {
                sum.wrapping_add((i as u64).wrapping_mul(step))
            })
        };
        let (start, random) = (at(tile.start), self.random);
        let step = if tile.rows > 1 { self.steps[tile.cross] } else { 0 };
        // Rows that follow each other in the array are one run.
        let together = tile.rows > 1 && step == tile.columns as u64;
        let (rows, columns) =
            if together { (1, tile.rows * tile.columns) } else { (tile.rows, tile.columns) };
        for row in 0..rows {
            let first = start.wrapping_add((row as u64).wrapping_mul(step));
            let size = random.dtype.itemsize();
            let out = out.wrapping_add(row * columns * size);
            let (of, params, key) = (random.distribution, &self.params[..], &random.key);
            // SAFETY: the caller's promise; `Random::tiles` has no other dtypes.
            unsafe {
                if random.dtype == DType::F64 {
                    fill_f64(of, params, key, first, from_raw_parts_mut(out.cast(), columns));
                } else {
                    fill_f32(of, params, key, first, from_raw_parts_mut(out.cast(), columns));
                }
            }
        }
    }
}

impl Random {
    /// Whether tiles of it can be made anywhere: its parameters are numbers, it has floats.
    #[must_use]
    pub fn is_tiled(&self) -> bool {
        let is_number = |param: &Parameter| matches!(param, Parameter::Scalar(_));
        matches!(self.dtype, DType::F64 | DType::F32) && self.params.iter().all(is_number)
    }

    /// The maker of a block's tiles; only if [`Random::is_tiled`].
    #[must_use]
    pub fn tiles(&self, block: &Block<'_>) -> RandomTiles<'_> {
        let (start, _) = region(&self.bounds, block.coords);
        let extents: Dims = self.bounds.iter().map(|b| b.last().copied().unwrap_or(0)).collect();
        let steps: Dims = (0..extents.len())
            .map(|axis| extents[axis + 1..].iter().copied().fold(1, usize::wrapping_mul))
            .collect();
        let params = self.params.iter().map(|param| match param {
            Parameter::Scalar(x) => Param::Scalar(*x),
            Parameter::Input(_) => Param::Scalar(f64::NAN),
        });
        RandomTiles {
            random: self,
            params: params.collect(),
            first: element(&start, &steps),
            steps: steps.iter().map(|&step| step as u64).collect(),
        }
    }

    fn fill<T: Element>(
        &self,
        block: &Block<'_>,
        arrays: &[Option<Vec<f64>>],
        fill: impl Fn(Distribution, &[Param<'_>], &Key, u64, &mut [T]),
    ) -> Result<Chunk> {
        let mut chunk = Chunk::new(T::DTYPE, &block_shape(&self.bounds, block.coords))?;
        let out = chunk.as_mut_slice::<T>().unwrap_or_default();
        let params: Vec<Param<'_>> = self
            .params
            .iter()
            .zip(arrays)
            .map(|(param, array)| match (param, array) {
                (_, Some(array)) => Param::Slice(array),
                (&Parameter::Scalar(x), None) => Param::Scalar(x),
                (Parameter::Input(_), None) => Param::Scalar(f64::NAN),
            })
            .collect();
        if arrays.iter().any(Option::is_some) {
            self.distribution.check(&params)?;
        }
        let mut of_run = params.clone();
        for_each_run(&self.bounds, block.coords, |run| {
            for (part, whole) in of_run.iter_mut().zip(&params) {
                *part = whole.part(run.at, run.len);
            }
            let out = &mut out[run.at..run.at + run.len];
            fill(self.distribution, &of_run, &self.key, run.element, out);
        });
        Ok(chunk)
    }
}

impl Kernel for Random {
    fn name(&self) -> Cow<'_, str> {
        self.distribution.name().into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let shape = block_shape(&self.bounds, block.coords);
        let array = |param: &Parameter| match *param {
            Parameter::Scalar(_) => Ok(None),
            Parameter::Input(i) => parameters(&chunk(&inputs[i])?, &shape).map(Some),
        };
        let arrays = self.params.iter().map(array).collect::<Result<Vec<_>>>()?;
        let counts = self.distribution.counts();
        Ok(value(match self.dtype {
            DType::I64 if counts => self.fill::<i64>(block, &arrays, fill_i64)?,
            DType::F64 if !counts => self.fill::<f64>(block, &arrays, fill_f64)?,
            DType::F32 if !counts => self.fill::<f32>(block, &arrays, fill_f32)?,
            dtype => {
                return Err(ArrayError::Type(format!(
                    "Unsupported dtype {dtype} for {}",
                    self.distribution.name()
                )));
            }
        }))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Type(
            "the parameters of a distribution must be arrays of numbers, such as numpy.ndarray"
                .into(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::source::bounds;

    #[test]
    fn runs_are_as_long_as_they_can_be() {
        let whole = [bounds(&[2, 1]), bounds(&[4]), bounds(&[5])];
        let all: Vec<_> = runs(&whole, &[2, 0, 0], &[3, 4, 5]).collect();
        assert_eq!(all, [Run { element: 40, at: 0, len: 20 }]);
        let cut = [bounds(&[2]), bounds(&[2, 2]), bounds(&[3, 2])];
        let all: Vec<_> = runs(&cut, &[0, 2, 3], &[2, 4, 5]).map(|run| run.element).collect();
        assert_eq!(all, [13, 18, 33, 38]);
        assert_eq!(runs(&cut, &[0, 2, 3], &[0, 4, 5]).count(), 0);
        assert_eq!(runs(&[], &[], &[]).collect::<Vec<_>>(), [Run { element: 0, at: 0, len: 1 }]);
    }
}
