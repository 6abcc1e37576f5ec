//! Places in sorted arrays, bins and counts, of blocks.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::foreign::{Arg, Call};
use crate::kernel::Chunk;
use crate::kernel::search::{self, Side};
use crate::ops::{Block, Kernel, chunk, chunks, value};

/// What is looked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Search {
    /// Places of the second input's elements in the first, which is sorted. The result has a
    /// first axis of extent 1.
    Sorted(Side),
    /// Bins of the elements.
    Digitize {
        /// The edges.
        bins: Chunk,
        /// Which end of a bin belongs to it.
        right: bool,
    },
    /// Counts of numbers, or sums of the second input. The result has a first axis of extent 1.
    Bincount {
        /// Least number of bins.
        minlength: usize,
    },
    /// Counts by edges, or sums of the second input. The result has a first axis of extent 1.
    Histogram {
        /// The edges.
        edges: Vec<f64>,
    },
    /// Whether elements are among the sorted ones of this chunk.
    IsIn {
        /// Sorted elements.
        among: Chunk,
        /// Whether they are not.
        invert: bool,
    },
}

impl Kernel for Search {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Sorted(_) => "searchsorted",
            Self::Digitize { .. } => "digitize",
            Self::Bincount { .. } => "bincount",
            Self::Histogram { .. } => "histogram",
            Self::IsIn { .. } => "isin",
        }
        .into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        let x = chunk(&inputs[0])?;
        let second = || inputs.get(1).map(chunk).transpose();
        Ok(value(match self {
            Self::Sorted(side) => {
                let inputs = chunks(inputs)?;
                search::searchsorted(&x, &inputs[1], *side)?.expanded(0)
            }
            Self::Digitize { bins, right } => search::digitize(&x, bins, *right)?,
            Self::Bincount { minlength } => {
                search::bincount(&x, second()?.as_ref(), *minlength)?.expanded(0)
            }
            Self::Histogram { edges } => {
                search::histogram(&x, edges, second()?.as_ref())?.expanded(0)
            }
            Self::IsIn { among, invert } => search::isin(&x, among, *invert)?,
        }))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        let x = Arg::Input(0);
        Ok(match self {
            Self::Sorted(side) => {
                let side = if *side == Side::Left { "left" } else { "right" };
                Call::new("oxidask.array._numpy_linalg.searchsorted", [x, Arg::Input(1)])
                    .with("side", Arg::Text(side.into()))
            }
            Self::Digitize { bins, right } => {
                Call::new("numpy.digitize", [x, Arg::Chunk(bins.clone())])
                    .with("right", Arg::Bool(*right))
            }
            Self::Bincount { minlength } => Call::new(
                "oxidask.array._numpy_linalg.bincount",
                [Arg::Int(*minlength as i64), Arg::Rest(0)],
            ),
            Self::Histogram { edges } => {
                let edges = Arg::Chunk(Chunk::from_slice(edges, &[edges.len()])?);
                Call::new("oxidask.array._numpy_linalg.histogram", [edges, Arg::Rest(0)])
            }
            Self::IsIn { among, invert } => Call::new("numpy.isin", [x, Arg::Chunk(among.clone())])
                .with("invert", Arg::Bool(*invert)),
        })
    }
}
