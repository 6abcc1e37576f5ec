//! Blocks that come from nowhere: of arrays in memory, and of one value.

use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::{Chunk, Dims};
use crate::ops::{Block, Kernel, value};

/// Where the blocks of an axis start: one more entry than there are blocks.
pub type Bounds = Arc<[usize]>;

/// The bounds of blocks of these extents.
#[must_use]
pub fn bounds(extents: &[usize]) -> Bounds {
    let mut at = 0;
    std::iter::once(0)
        .chain(extents.iter().map(|&extent| {
            at += extent;
            at
        }))
        .collect()
}

/// Start and end of a block along every axis.
#[must_use]
pub fn region(bounds: &[Bounds], coords: &[u32]) -> (Dims, Dims) {
    let at = |offset: usize| {
        coords.iter().zip(bounds).map(move |(&c, b)| b[c as usize + offset]).collect()
    };
    (at(0), at(1))
}

/// Views of one array in memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FromChunk {
    /// The array.
    pub array: Chunk,
    /// Axis by axis where its blocks start.
    pub bounds: Vec<Bounds>,
}

impl Kernel for FromChunk {
    fn name(&self) -> Cow<'_, str> {
        "array".into()
    }

    fn run(&self, _: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let (start, end) = region(&self.bounds, block.coords);
        let mut view = self.array.clone();
        for axis in 0..view.ndim() {
            view = view.sliced(axis, start[axis], 1, end[axis] - start[axis]);
        }
        Ok(value(view))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported("views of memory have no other form".into()))
    }
}

/// One value everywhere: a chunk of strides zero.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Full {
    /// The value, a 0-d chunk.
    pub value: Chunk,
    /// Axis by axis where the blocks start.
    pub bounds: Vec<Bounds>,
}

impl Kernel for Full {
    fn name(&self) -> Cow<'_, str> {
        "full".into()
    }

    fn run(&self, _: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let (start, end) = region(&self.bounds, block.coords);
        let shape: Dims = start.iter().zip(&end).map(|(start, end)| end - start).collect();
        Ok(value(self.value.broadcast_to(&shape)?))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let (start, end) = region(&self.bounds, block.coords);
        let shape = start.iter().zip(&end).map(|(start, end)| Arg::Int((end - start) as i64));
        let args = [Arg::Tuple(shape.collect()), Arg::Chunk(self.value.clone())];
        Ok(Call::new("numpy.full", args))
    }
}
