//! Random arrays: the same numbers whatever the chunks.

use oxidask_core::layer::{AxisMap, IndexMap};
use smallvec::SmallVec;

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::program::AxesMap;
use crate::kernel::random::{Distribution, IntegerRange, Key, Param, RowDistribution};
use crate::ops::random::{
    Choose, Draw, IntegerBound, Parameter, Random, RandomIndices, RandomIntegers, RandomRows,
};
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Chunks, Tuple};
use crate::plan::elementwise::index_map;

/// A parameter: a number, or an array that broadcasts to the result.
#[derive(Clone)]
pub enum Argument<T> {
    /// The same for all elements.
    Scalar(T),
    /// One for each element.
    Array(Array),
}

/// What all random arrays need.
#[derive(Clone)]
pub struct Seeded {
    /// The first part of the array's name.
    pub prefix: String,
    /// The seed.
    pub key: Key,
    /// The dtype of the elements.
    pub dtype: DType,
    /// The result's chunks.
    pub chunks: Chunks,
}

impl Seeded {
    /// An array cut to fit to the result's chunks, and which of its blocks a block reads.
    fn fitted(&self, array: &Array) -> Result<(Array, IndexMap)> {
        let (ndim, shape) = (self.chunks.ndim(), self.chunks.shape());
        let refuse = || {
            ArrayError::Value(format!(
                "a parameter of shape {} does not broadcast to {}",
                Tuple(&array.shape()),
                Tuple(&shape)
            ))
        };
        let first = ndim.checked_sub(array.ndim()).ok_or_else(refuse)?;
        let mut wanted: Vec<AxisChunks> = Vec::new();
        for (axis, &extent) in array.shape().iter().enumerate() {
            if extent == shape[first + axis] {
                wanted.push(self.chunks[first + axis].clone());
            } else if extent == 1 {
                wanted.push(AxisChunks::from([1]));
            } else {
                return Err(refuse());
            }
        }
        let array = array.rechunked(Chunks::new(wanted))?;
        let axes: AxesMap = (0..array.ndim()).map(|axis| Some((first + axis) as u8)).collect();
        let map = index_map(array.chunks(), &axes);
        Ok((array, map))
    }

    fn known(&self) -> Result<()> {
        self.chunks.require_known("random numbers")
    }
}

impl Array {
    /// Numbers of a distribution, with parameters in its order.
    ///
    /// # Errors
    /// If a parameter is out of its range or doesn't broadcast to the result.
    pub fn random(
        seeded: &Seeded,
        distribution: Distribution,
        arguments: &[Argument<f64>],
    ) -> Result<Self> {
        seeded.known()?;
        let mut inputs = Vec::new();
        let mut params = Vec::new();
        let mut scalars: SmallVec<[Option<f64>; 3]> = SmallVec::new();
        for argument in arguments {
            match argument {
                Argument::Scalar(x) => params.push(Parameter::Scalar(*x)),
                Argument::Array(array) => {
                    params.push(Parameter::Input(inputs.len()));
                    inputs.push(seeded.fitted(array)?);
                }
            }
            scalars.push(if let Argument::Scalar(x) = argument { Some(*x) } else { None });
        }
        distribution.check_known(&scalars)?;
        let bounds = seeded.chunks.all_bounds();
        let Seeded { prefix, key, dtype, chunks } = seeded.clone();
        let kernel = Random { distribution, params, key, dtype, bounds };
        if inputs.is_empty() {
            return Self::source(&prefix, kernel, chunks, dtype);
        }
        Self::layer(&prefix, kernel, inputs, chunks, Some(dtype))
    }

    /// Integers from `low` up to `high`, which is one of them if `endpoint`.
    ///
    /// # Errors
    /// If the range is empty or the dtype can't hold it, or a bound doesn't broadcast to the result.
    pub fn random_integers(
        seeded: &Seeded,
        low: &Argument<i128>,
        high: &Argument<i128>,
        endpoint: bool,
    ) -> Result<Self> {
        seeded.known()?;
        if let (Argument::Scalar(low), Argument::Scalar(high)) = (low, high) {
            IntegerRange::new(*low, *high, endpoint, seeded.dtype)?;
        }
        let mut inputs = Vec::new();
        let mut bound = |argument: &Argument<i128>| match argument {
            Argument::Scalar(x) => Ok(IntegerBound::Scalar(*x)),
            Argument::Array(array) => {
                inputs.push(seeded.fitted(array)?);
                Ok(IntegerBound::Input(inputs.len() - 1))
            }
        };
        let (low, high) = (bound(low)?, bound(high)?);
        let bounds = seeded.chunks.all_bounds();
        let Seeded { prefix, key, dtype, chunks } = seeded.clone();
        let kernel = RandomIntegers { low, high, endpoint, key, dtype, bounds };
        if inputs.is_empty() {
            return Self::source(&prefix, kernel, chunks, dtype);
        }
        Self::layer(&prefix, kernel, inputs, chunks, Some(dtype))
    }

    /// Rows of a distribution: `seeded.chunks` are those of the axes before the rows.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn random_rows(seeded: &Seeded, rows: RowDistribution) -> Result<Self> {
        seeded.known()?;
        rows.check()?;
        let bounds = seeded.chunks.all_bounds();
        let width = AxisChunks::from([rows.width()]);
        let chunks = seeded.chunks.iter().cloned().chain([width]).collect();
        let kernel = RandomRows { rows, key: seeded.key, bounds };
        Self::source(&seeded.prefix, kernel, chunks, seeded.dtype)
    }

    /// Indices of what is chosen.
    ///
    /// # Errors
    /// If more are to be drawn than there are, and none is put back.
    pub fn random_indices(seeded: &Seeded, draw: Draw) -> Result<Self> {
        seeded.known()?;
        let wanted = seeded.chunks.n_elements().unwrap_or_default();
        let there = match &draw {
            Draw::Permuted { n } => u128::from(*n),
            Draw::Weighted { .. } => u128::MAX,
            Draw::WeightedOnce { weights } => weights.iter().filter(|w| **w > 0.0).count() as u128,
        };
        if wanted > there {
            return Err(ArrayError::Value(format!(
                "Cannot take a larger sample than population when replace is False: {wanted} of \
                 {there}"
            )));
        }
        let kernel = RandomIndices { draw, key: seeded.key, bounds: seeded.chunks.all_bounds() };
        Self::source(&seeded.prefix, kernel, seeded.chunks.clone(), DType::I64)
    }

    /// The elements of the one-dimensional `source`, which every block takes whole, at the positions
    /// that this array has.
    ///
    /// # Errors
    /// If the source has other dimensions, or unknown chunks.
    pub fn picked_from(&self, prefix: &str, source: &Self) -> Result<Self> {
        if source.ndim() != 1 {
            return Err(ArrayError::Value("a must be one dimensional".into()));
        }
        let source = source.rechunked(Chunks::single(&source.shape()))?;
        let dtype = source.dtype();
        let whole = IndexMap::Axes([AxisMap::Fixed(0)].into_iter().collect());
        let inputs = vec![(self.clone(), IndexMap::Identity), (source, whole)];
        Self::layer(prefix, Choose, inputs, self.chunks().clone(), dtype)
    }
}

/// Numbers of parameters that are in memory already, checked before there is an array of them.
///
/// # Errors
/// If one of them is out of its range.
pub fn check_parameters(distribution: Distribution, params: &[Option<Param<'_>>]) -> Result<()> {
    params
        .iter()
        .enumerate()
        .filter_map(|(which, param)| Some((which, param.as_ref()?)))
        .try_for_each(|(which, param)| distribution.check_one(which, param))
}
