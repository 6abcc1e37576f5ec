//! Contractions of blocks: the products of a row of blocks with a column of blocks, summed in one
//! task; and sums of partial products.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::Chunk;
use crate::kernel::matmul::{Contraction, Label};
use crate::ops::{Block, Kernel, chunks, value};

/// The contraction of two operands, each given as a grid of blocks along the axes that are summed.
/// The inputs are the left operand's blocks, row-major, then the right one's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contract {
    /// Labels of the left operand's axes.
    pub a: Vec<Label>,
    /// Labels of the right operand's axes.
    pub b: Vec<Label>,
    /// Labels of the result's axes.
    pub out: Vec<Label>,
    /// Whether the result has one more axis of extent 1 in front: it is one of several partial
    /// products.
    pub partial: bool,
    /// For several summed axes which cross in the operands: the place, among the right operand's
    /// blocks, of the partner of each of the left one's. Empty where they stand in one order.
    pub partners: Vec<u32>,
}

impl Contract {
    fn pairs<T: Clone>(&self, inputs: &[T]) -> Result<Vec<(T, T)>> {
        let (left, right) = inputs.split_at(inputs.len() / 2);
        let partner = |i: usize| self.partners.get(i).map_or(i, |&j| j as usize);
        let pair = |(i, a): (usize, &T)| Some((a.clone(), right.get(partner(i))?.clone()));
        let pairs: Option<Vec<(T, T)>> = left.iter().enumerate().map(pair).collect();
        pairs.filter(|_| left.len() == right.len()).ok_or_else(|| {
            ArrayError::Value(format!("{} blocks don't pair for a contraction", inputs.len()))
        })
    }
}

impl Kernel for Contract {
    fn name(&self) -> Cow<'_, str> {
        "contract".into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        let pairs = self.pairs(&chunks(inputs)?)?;
        let out = Contraction::new(&self.a, &self.b, &self.out)?.run(&pairs)?;
        Ok(value(if self.partial { out.expanded(0) } else { out }))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        let labels = |labels: &[Label]| {
            Arg::List(labels.iter().map(|&label| Arg::Int(label.into())).collect())
        };
        let partners = self.partners.iter().map(|&i| Arg::Int(i.into())).collect();
        Ok(Call::new(
            "oxidask.array._numpy_linalg.contract",
            [labels(&self.a), labels(&self.b), labels(&self.out), Arg::Rest(0)],
        )
        .with("partial", Arg::Bool(self.partial))
        .with("partners", Arg::List(partners)))
    }
}

/// The sum of blocks of one shape (rows of counts may differ in length); their first axis, of extent 1, goes if `squeeze`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddBlocks {
    /// Whether the first axis goes.
    pub squeeze: bool,
}

/// 2-d counts of one row each, all as long as the longest.
fn padded(blocks: Vec<Chunk>) -> Result<Vec<Chunk>> {
    let extent = |block: &Chunk| if block.ndim() == 2 { block.shape()[1] } else { 0 };
    let longest = blocks.iter().map(extent).max().unwrap_or(0);
    if blocks.iter().all(|block| extent(block) == longest) {
        return Ok(blocks);
    }
    let pad = |block: Chunk| {
        let zeros = Chunk::zeros(block.dtype(), &[block.shape()[0], longest - extent(&block)])?;
        crate::ops::assemble::concatenate_grid(&[block, zeros], &[1, 2])
    };
    blocks.into_iter().map(pad).collect()
}

fn sum(blocks: &[Chunk]) -> Result<Chunk> {
    let [first, rest @ ..] = blocks else {
        return Err(ArrayError::Value("a sum of no blocks".into()));
    };
    let mut total = first.to_contiguous()?;
    for block in rest {
        total = crate::kernel::matmul::add(total, block)?;
    }
    Ok(total)
}

impl Kernel for AddBlocks {
    fn name(&self) -> Cow<'_, str> {
        "add-blocks".into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        let total = sum(&padded(chunks(inputs)?)?)?;
        Ok(value(if self.squeeze { total.at(0, 0) } else { total }))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Ok(Call::new(
            "oxidask.array._numpy_linalg.add_blocks",
            [Arg::Bool(self.squeeze), Arg::Rest(0)],
        ))
    }
}
