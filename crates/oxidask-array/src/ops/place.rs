//! Blocks written into one result as they come.
#![expect(unsafe_code, reason = "blocks of one result are written in parallel")]

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use oxidask_core::layer::unravel;
use oxidask_core::op::{Op, TaskContext, TaskError};
use oxidask_core::value::{Native, Value};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::program::{AxesOrder, Feed, Program};
use crate::kernel::{Chunk, Dims, cast, copy};
use crate::ops::elementwise::Elementwise;
use crate::ops::source::{Bounds, region};
use crate::ops::{AnyKernel, KernelOp, buckets, chunk, chunks, value};

/// A result in the making.
#[derive(Clone)]
pub struct Target(Arc<TargetState>);

struct TargetState {
    /// Taken out once all blocks are in it.
    chunk: Mutex<Option<Chunk>>,
    /// Blocks that no native chunk can hold: the result then is Python's to make.
    foreign: Mutex<Vec<(Box<[u32]>, Value)>>,
}

impl Target {
    /// Memory for a result, whose axes lie in `order`, outermost first.
    ///
    /// # Errors
    /// If there is not enough.
    pub fn new(dtype: DType, shape: &[usize], order: &[u8]) -> Result<Self> {
        let extents: Dims = order.iter().map(|&axis| shape[axis as usize]).collect();
        let mut places: Dims = extents.iter().map(|_| 0).collect();
        for (place, &axis) in order.iter().enumerate() {
            places[axis as usize] = place;
        }
        let chunk = Chunk::new(dtype, &extents)?.permuted(&places);
        let chunk = Mutex::new(Some(chunk));
        Ok(Self(Arc::new(TargetState { chunk, foreign: Mutex::default() })))
    }

    fn chunk(&self) -> Result<Chunk> {
        let chunk = self.0.chunk.lock().unwrap_or_else(|e| e.into_inner());
        chunk.clone().ok_or_else(|| ArrayError::Value("the result was taken already".into()))
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
        let target = self.target.chunk()?;
        if block.dtype() != target.dtype() {
            if !cast::can_cast(block.dtype(), target.dtype(), cast::Casting::SameKind) {
                return Err(ArrayError::NoKernel("a block of another dtype".into()));
            }
            block = cast::cast_chunk(&block, target.dtype())?;
        }
        // SAFETY: every task writes the region of its own block, and the result is read only
        // after all of them.
        unsafe { copy::copy_into(&block, &target, &start) }
    }

    /// A block that was computed in its place; if there is no kernel for that, the one that `op`
    /// gives is placed.
    fn or_by(
        &self,
        op: &dyn Op,
        placed: Result<()>,
        inputs: &mut [Value],
        ctx: &TaskContext<'_>,
    ) -> Result<Value, TaskError> {
        match placed {
            Ok(()) => Ok(Value::new(Native(()))),
            Err(ArrayError::NoKernel(_)) => self.call(&mut [op.call(inputs, ctx)?], ctx),
            Err(error) => Err(TaskError::raised(error)),
        }
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

/// Computes the blocks of a program straight into their places.
pub struct PlaceProgram {
    /// What gives the blocks where the program can't run on the inputs.
    pub op: Arc<dyn Op>,
    /// The program, its output's axes in the order in which the target's lie in memory.
    pub program: Program,
    /// That order, outermost first.
    pub order: AxesOrder,
    /// Where blocks go.
    pub place: Place,
}

impl PlaceProgram {
    /// The program of an op that computes something of its inputs and nothing else, and the order
    /// of axes that suits it.
    #[must_use]
    pub fn of(op: &dyn Op) -> Option<(Program, AxesOrder)> {
        let op = op.as_any()?.downcast_ref::<KernelOp>()?;
        let AnyKernel::Elementwise(Elementwise { program, made, .. }) = &op.kernel else {
            return None;
        };
        if program.is_view() || !made.is_empty() {
            return None;
        }
        let usual = || (0..program.ndim as u8).collect();
        let order: AxesOrder = program.layout().unwrap_or_else(usual);
        Some((program.reordered(&order), order))
    }

    fn run(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<()> {
        let mut coords = Vec::new();
        unravel(ctx.block, &self.place.grid, &mut coords);
        let (start, end) = region(&self.place.bounds, &coords);
        let axes: Dims = self.order.iter().map(|&axis| axis as usize).collect();
        let from: Dims = axes.iter().map(|&axis| start[axis]).collect();
        let shape: Dims = axes.iter().map(|&axis| end[axis] - start[axis]).collect();
        let known: Vec<Option<usize>> = shape.iter().copied().map(Some).collect();
        let feeds: Vec<Feed<'_>> = chunks(inputs)?.into_iter().map(Feed::Chunk).collect();
        let target = self.place.target.chunk()?.permuted(&axes);
        // SAFETY: every task writes the region of its own block, and the result is read only
        // after all of them.
        unsafe { self.program.evaluate_into(&feeds, &known, &target, (&from, &shape)) }
    }
}

impl Op for PlaceProgram {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        let placed = self.run(inputs, ctx);
        self.place.or_by(&*self.op, placed, inputs, ctx)
    }

    fn name(&self) -> Cow<'_, str> {
        self.op.name()
    }
}

/// Sorts the blocks of a sorted whole in their places.
pub struct PlaceSorted {
    /// What gives the blocks where this can't.
    pub op: Arc<dyn Op>,
    /// The bounds of the blocks.
    pub bounds: Bounds,
    /// Where blocks go.
    pub place: Place,
}

impl PlaceSorted {
    fn run(&self, inputs: &[Value], block: u32) -> Result<()> {
        let at = block as usize;
        let target = self.place.target.chunk()?;
        // SAFETY: every task writes the region of its own block, and the result is read only
        // after all of them.
        unsafe { buckets::sorted_to(inputs, self.bounds[at]..self.bounds[at + 1], &target) }
    }
}

impl Op for PlaceSorted {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        let placed = self.run(inputs, ctx.block);
        self.place.or_by(&*self.op, placed, inputs, ctx)
    }

    fn name(&self) -> Cow<'_, str> {
        self.op.name()
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
        let chunk = self.target.chunk().map_err(TaskError::raised)?;
        // Whoever gets the result is the only one to hold it.
        self.target.0.chunk.lock().unwrap_or_else(|e| e.into_inner()).take();
        if blocks.is_empty() {
            return Ok(value(chunk));
        }
        Ok(Value::new(Native(Leftover { chunk, blocks, bounds: self.bounds.clone() })))
    }

    fn name(&self) -> Cow<'_, str> {
        "gather".into()
    }
}
