//! Blocks of ranges and of diagonals: see [`crate::kernel::sequence`].

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::foreign::Call;
use crate::kernel::Dims;
use crate::kernel::sequence::{self, Band, Numbers};
use crate::ops::source::{Bounds, region};
use crate::ops::{Block, Kernel, value};

/// Numbers that follow from the position along an axis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sequence {
    /// The numbers.
    pub numbers: Numbers,
    /// The axis along which they run.
    pub axis: usize,
    /// The dtype.
    pub dtype: DType,
    /// Axis by axis where the blocks start.
    pub bounds: Vec<Bounds>,
}

impl Kernel for Sequence {
    fn name(&self) -> Cow<'_, str> {
        "arange".into()
    }

    fn run(&self, _: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let (start, end) = region(&self.bounds, block.coords);
        let shape: Dims = start.iter().zip(&end).map(|(start, end)| end - start).collect();
        let mut chunk =
            sequence::numbers(self.numbers, start[self.axis], shape[self.axis], self.dtype)?;
        for axis in 0..shape.len() {
            if axis != self.axis {
                chunk = chunk.expanded(axis);
            }
        }
        Ok(value(chunk.broadcast_to(&shape)?))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported("ranges have no other form".into()))
    }
}

/// A matrix of ones on a diagonal, or below.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Diagonal {
    /// Which elements are one.
    pub band: Band,
    /// How far the diagonal lies above the main one.
    pub k: i64,
    /// The dtype.
    pub dtype: DType,
    /// Where the blocks of the rows and of the columns start.
    pub bounds: Vec<Bounds>,
}

impl Kernel for Diagonal {
    fn name(&self) -> Cow<'_, str> {
        match self.band {
            Band::On => "eye".into(),
            Band::Below => "tri".into(),
        }
    }

    fn run(&self, _: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let (start, end) = region(&self.bounds, block.coords);
        let (rows, columns) = ((start[0], end[0]), (start[1], end[1]));
        Ok(value(sequence::band(self.band, self.k, rows, columns, self.dtype)?))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported("diagonals have no other form".into()))
    }
}
