//! Reductions of programs that read an array and its transpose: two blocks by one task.
//!
//! Of `(x + x.T).sum()`, blocks `(i, j)` and `(j, i)` read the same two blocks of `x`. Where both
//! axes are reduced, the task on or above the diagonal gives the state of both, from tiles that are
//! read, and transposed, once. The task below gives nothing, which merges know.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::Call;
use crate::kernel::program::{Feed, Program, Register};
use crate::kernel::reduce::Place;
use crate::ops::reduce::{Partial, merged, state_value};
use crate::ops::{Block, Kernel, chunk};

/// The states of two blocks, on either side of a diagonal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PairedPartial {
    /// What one block alone is reduced by; its inputs come first.
    pub partial: Partial,
    /// The axes that the twins' coordinates change.
    pub axes: (usize, usize),
    /// What both blocks compute, under the axes of the one above the diagonal.
    pub program: Program,
    /// The registers of the two values.
    pub results: [Register; 2],
    /// Which of the inputs the block below the diagonal reads, in the order of `partial`.
    pub twins: Vec<u32>,
}

impl PairedPartial {
    fn both(&self, inputs: &[Value], block: &Block<'_>) -> Result<Value> {
        let feed = |input| Ok(Feed::Chunk(chunk(input)?));
        let feeds = inputs.iter().map(feed).collect::<Result<Vec<_>>>()?;
        let place = Place { start: &[], shape: &[] };
        let extents = self.partial.elements.extents(block);
        let (reduction, reduced) = (self.partial.reduction, &self.partial.reduced);
        let program = &self.program;
        let state =
            reduction.partial_of(program, &self.results, &feeds, &extents, reduced, &place)?;
        Ok(state_value(state))
    }

    /// Each block on its own, for inputs that are no native chunks.
    fn one_by_one(&self, inputs: &[Value], block: &Block<'_>) -> Result<Value> {
        let (a, b) = self.axes;
        let mut coords = block.coords.to_vec();
        coords.swap(a, b);
        let mut twins: Vec<Value> =
            self.twins.iter().map(|&at| inputs[at as usize].clone()).collect();
        let mut own: Vec<Value> = inputs[..twins.len()].to_vec();
        let states = [
            self.partial.run(&mut own, block)?,
            self.partial.run(&mut twins, &Block { coords: &coords, ..*block })?,
        ];
        Ok(state_value(merged(self.partial.reduction, &states)?))
    }
}

impl Kernel for PairedPartial {
    fn name(&self) -> Cow<'_, str> {
        self.partial.name()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let (row, column) = (block.coords[self.axes.0], block.coords[self.axes.1]);
        if row == column {
            return self.partial.run(&mut inputs[..self.twins.len()], block);
        }
        if row > column {
            return Ok(state_value(Vec::new()));
        }
        match self.both(inputs, block) {
            Err(ArrayError::NoKernel(_)) => self.one_by_one(inputs, block),
            state => state,
        }
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        self.partial.call(block)
    }
}
