//! Blocks of rows, of indices of what is chosen, and of what they choose.

use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{block_shape, for_each_run};
use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::gather::{Picks, as_indices, gather};
use crate::kernel::random::{Key, Permutation, RowDistribution, fill_weighted, weighted_order};
use crate::kernel::{Chunk, Dims};
use crate::ops::source::Bounds;
use crate::ops::{Block, Kernel, chunk, value};

fn no_inputs() -> ArrayError {
    ArrayError::Unsupported("an op without inputs has no other form".into())
}

/// Blocks of random rows, which the last axis has whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RandomRows {
    /// What a row is.
    pub rows: RowDistribution,
    /// The array's seed.
    pub key: Key,
    /// Axis by axis where the blocks of rows start, without the last axis.
    pub bounds: Vec<Bounds>,
}

impl Kernel for RandomRows {
    fn name(&self) -> Cow<'_, str> {
        self.rows.name().into()
    }

    fn run(&self, _: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let coords = &block.coords[..self.bounds.len()];
        let width = self.rows.width();
        let mut shape = block_shape(&self.bounds, coords);
        shape.push(width);
        let floats = matches!(self.rows, RowDistribution::Dirichlet { .. });
        let mut result = Chunk::new(if floats { DType::F64 } else { DType::I64 }, &shape)?;
        if floats {
            let out = result.as_mut_slice::<f64>().unwrap_or_default();
            for_each_run(&self.bounds, coords, |run| {
                let out = &mut out[run.at * width..(run.at + run.len) * width];
                self.rows.fill_f64(&self.key, run.element, out);
            });
        } else {
            let out = result.as_mut_slice::<i64>().unwrap_or_default();
            for_each_run(&self.bounds, coords, |run| {
                let out = &mut out[run.at * width..(run.at + run.len) * width];
                self.rows.fill_i64(&self.key, run.element, out);
            });
        }
        Ok(value(result))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(no_inputs())
    }
}

/// How indices are drawn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Draw {
    /// A permutation of `0..n`, or its beginning: none is put back.
    Permuted {
        /// How many there are.
        n: u64,
    },
    /// By probabilities, of which these are the sums: all are put back.
    Weighted {
        /// The sums; the last one is 1.
        ends: Arc<[f64]>,
    },
    /// By weights: none is put back.
    WeightedOnce {
        /// The weights.
        weights: Arc<[f64]>,
    },
}

/// Blocks of indices of what is chosen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RandomIndices {
    /// How they are drawn.
    pub draw: Draw,
    /// The array's seed.
    pub key: Key,
    /// Axis by axis where the blocks start.
    pub bounds: Vec<Bounds>,
}

impl Kernel for RandomIndices {
    fn name(&self) -> Cow<'_, str> {
        "choice".into()
    }

    fn run(&self, _: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let shape = block_shape(&self.bounds, block.coords);
        let mut result = Chunk::new(DType::I64, &shape)?;
        let out = result.as_mut_slice::<i64>().unwrap_or_default();
        let mut runs = |fill: &mut dyn FnMut(u64, &mut [i64])| {
            for_each_run(&self.bounds, block.coords, |run| {
                fill(run.element, &mut out[run.at..run.at + run.len]);
            });
        };
        match &self.draw {
            Draw::Permuted { n } => {
                let permutation = Permutation::new(&self.key, *n);
                runs(&mut |start, out| permutation.fill(start, out));
            }
            Draw::Weighted { ends } => {
                runs(&mut |start, out| fill_weighted(ends, &self.key, start, out));
            }
            Draw::WeightedOnce { weights } => {
                let order = weighted_order(weights, &self.key);
                runs(&mut |start, out| {
                    out.copy_from_slice(&order[start as usize..start as usize + out.len()]);
                });
            }
        }
        Ok(value(result))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(no_inputs())
    }
}

/// Elements of a one-dimensional array, the second input, by the positions in the first.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Choose;

impl Kernel for Choose {
    fn name(&self) -> Cow<'_, str> {
        "choice".into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        let (positions, source) = (chunk(&inputs[0])?, chunk(&inputs[1])?);
        let shape: Dims = positions.shape().into();
        let locals: Vec<u32> = as_indices(&positions)?.iter().map(|&i| i as u32).collect();
        let slots = vec![0; locals.len()];
        let picked = gather(&[source], &[0], 0, Picks { slots: &slots, locals: &locals })?;
        Ok(value(picked.reshaped(&shape)?))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Ok(Call::new("numpy.take", [Arg::Input(1), Arg::Input(0)]))
    }
}
