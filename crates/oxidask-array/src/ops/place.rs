//! Blocks written into one result as they come.
#![expect(unsafe_code, reason = "blocks of one result are written in parallel")]

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use oxidask_core::layer::unravel;
use oxidask_core::op::{Op, TaskContext, TaskError};
use oxidask_core::value::{Native, Value};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::{Chunk, Dims, cast, copy};
use crate::ops::source::{Bounds, region};
use crate::ops::{chunk, value};

/// A result in the making.
#[derive(Clone)]
pub struct Target(Arc<TargetState>);

struct TargetState {
    chunk: Chunk,
    /// Blocks that no native chunk can hold: the result then is Python's to make.
    foreign: Mutex<Vec<(Box<[u32]>, Value)>>,
}

impl Target {
    /// Memory for a result.
    ///
    /// # Errors
    /// If there is not enough.
    pub fn new(dtype: DType, shape: &[usize]) -> Result<Self> {
        let chunk = Chunk::new(dtype, shape)?;
        Ok(Self(Arc::new(TargetState { chunk, foreign: Mutex::default() })))
    }
}

/// Writes a block to its place. It lives in this process only.
pub struct Place {
    /// Where to.
    pub target: Target,
    /// Axis by axis where blocks start.
    pub bounds: Vec<Bounds>,
    /// Blocks along each axis.
    pub grid: Box<[u32]>,
}

impl Place {
    fn place(&self, input: &Value, coords: &[u32]) -> Result<()> {
        let (start, end) = region(&self.bounds, coords);
        let shape: Dims = start.iter().zip(&end).map(|(start, end)| end - start).collect();
        let mut block = chunk(input)?;
        if block.shape() != shape.as_slice() {
            let what = format!("a block of shape {:?} where {shape:?} was said", block.shape());
            return Err(ArrayError::NoKernel(what));
        }
        let target = &self.target.0.chunk;
        if block.dtype() != target.dtype() {
            if !cast::can_cast(block.dtype(), target.dtype(), cast::Casting::SameKind) {
                return Err(ArrayError::NoKernel("a block of another dtype".into()));
            }
            block = cast::cast_chunk(&block, target.dtype())?;
        }
        // SAFETY: every task writes the region of its own block, and the result is read only
        // after all of them.
        unsafe { copy::copy_into(&block, target, &start) }
    }
}

impl Op for Place {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        let mut coords = Vec::new();
        unravel(ctx.block, &self.grid, &mut coords);
        match self.place(&inputs[0], &coords) {
            Ok(()) => {}
            Err(ArrayError::NoKernel(_)) => {
                let mut foreign = self.target.0.foreign.lock().unwrap_or_else(|e| e.into_inner());
                foreign.push((coords.into(), inputs[0].clone()));
            }
            Err(error) => return Err(TaskError::raised(error)),
        }
        Ok(Value::new(Native(())))
    }

    fn name(&self) -> Cow<'_, str> {
        "place".into()
    }
}

/// Blocks that had to be left out of a native result, by their place in the grid; the others lie in
/// the chunk.
pub struct Leftover {
    /// The result, with holes.
    pub chunk: Chunk,
    /// What belongs into the holes.
    pub blocks: Vec<(Box<[u32]>, Value)>,
    /// Axis by axis where blocks start, and the end of the last.
    pub bounds: Vec<Bounds>,
}

/// Gives the result once all blocks are in place.
pub struct Gathered {
    /// Where they are.
    pub target: Target,
    /// Axis by axis where blocks start.
    pub bounds: Vec<Bounds>,
}

impl Op for Gathered {
    fn call(&self, _: &mut [Value], _: &TaskContext<'_>) -> Result<Value, TaskError> {
        let mut foreign = self.target.0.foreign.lock().unwrap_or_else(|e| e.into_inner());
        let blocks = std::mem::take(&mut *foreign);
        let chunk = self.target.0.chunk.clone();
        if blocks.is_empty() {
            return Ok(value(chunk));
        }
        Ok(Value::new(Native(Leftover { chunk, blocks, bounds: self.bounds.clone() })))
    }

    fn name(&self) -> Cow<'_, str> {
        "gather".into()
    }
}
