//! Sorts of blocks, and the steps that sort an axis of many blocks: see
//! [`crate::kernel::sort::splitting`].

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::dtype::Bool;
use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::sort::{self, splitting, unique};
use crate::kernel::{Chunk, search};
use crate::ops::assemble::concatenate_grid;
use crate::ops::source::Bounds;
use crate::ops::{Block, Kernel, Parts, chunk, chunks, value};

/// What is done with blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Sort {
    /// The lanes along an axis, sorted.
    Sort {
        /// The axis.
        axis: usize,
    },
    /// The order that sorts them.
    Argsort {
        /// The axis.
        axis: usize,
    },
    /// Of one 1-d block: parts, the sorted elements and where they were in the whole array.
    SortPlaced {
        /// Where the blocks start.
        bounds: Bounds,
    },
    /// The largest (or smallest) elements of blocks put together along an axis.
    Topk {
        /// How many; negative for the smallest.
        k: i64,
        /// The axis.
        axis: usize,
    },
    /// Parts: as [`Self::Topk`] with the places of the elements in the whole array. The inputs are
    /// one block, or such parts.
    ArgTopk {
        /// How many; negative for the smallest.
        k: i64,
        /// The axis.
        axis: usize,
        /// Where the blocks start along the axis, if the input is one block.
        bounds: Option<Bounds>,
    },
    /// Every so-many-th element of a sorted block.
    Sample {
        /// Extents of the blocks.
        strides: Vec<usize>,
    },
    /// Parts: of all samples, elements around each wanted rank, and which of those are there.
    Brackets {
        /// Extents of the blocks.
        lengths: Vec<usize>,
        /// Strides of the samples.
        strides: Vec<usize>,
        /// Where blocks of the result start.
        ranks: Vec<usize>,
    },
    /// Parts: of a sorted block and the brackets, the places of the brackets, then the elements
    /// in each.
    Candidates,
    /// Of all candidates: where each block (row) is cut for each rank, between 0 and its extent.
    Cuts {
        /// Extents of the blocks.
        lengths: Vec<usize>,
        /// Where blocks of the result start.
        ranks: Vec<usize>,
    },
    /// Parts: a sorted block (or its parts) cut as the second input says.
    Cut,
    /// One part of every input, merged.
    Merge,
    /// As [`Self::Merge`] of pieces which are parts of elements and places: the places.
    MergePlaces,
}

/// The sorted elements of a block, which may be parts of elements and places.
fn elements(block: &Value) -> Result<Chunk> {
    match block.downcast_ref::<Parts>() {
        Some(parts) => part(&parts.0, 0),
        None => chunk(block),
    }
}

fn part(parts: &[Value], index: usize) -> Result<Chunk> {
    chunk(parts.get(index).ok_or_else(|| ArrayError::Value(format!("no part {index}")))?)
}

fn parts_of(whole: &Value) -> Result<&[Value]> {
    let parts = whole.downcast_ref::<Parts>();
    let no_parts = || ArrayError::NoKernel(whole.payload().type_name().into_owned());
    Ok(&parts.ok_or_else(no_parts)?.0)
}

fn parts(values: impl IntoIterator<Item = Value>) -> Value {
    Value::new(Parts(values.into_iter().collect()))
}

fn numbers(chunk: &Chunk) -> Result<Vec<usize>> {
    Ok(chunk.elements::<i64>()?.iter().map(|&x| x as usize).collect())
}

/// Places within a block as places in the whole array.
fn shifted(places: &Chunk, start: usize) -> Result<Chunk> {
    let shifted: Vec<i64> = places.elements::<i64>()?.iter().map(|&i| i + start as i64).collect();
    Chunk::from_slice(&shifted, places.shape())
}

fn taken(source: &Chunk, places: &Chunk, axis: usize) -> Result<Chunk> {
    crate::kernel::sort::take_along(source, places, axis)
}

fn arg_topk(
    inputs: &[Value],
    block: &Block<'_>,
    (k, axis): (i64, usize),
    bounds: Option<&Bounds>,
) -> Result<Value> {
    let (values, places) = match bounds {
        Some(bounds) => {
            let block_of = chunk(&inputs[0])?;
            let places = sort::argtopk(&block_of, k, axis)?;
            let start = bounds[block.coords[axis] as usize];
            (taken(&block_of, &places, axis)?, shifted(&places, start)?)
        }
        None => {
            let all = inputs.iter().map(parts_of).collect::<Result<Vec<_>>>()?;
            let joined = |index: usize| {
                let blocks = all.iter().map(|p| part(p, index)).collect::<Result<Vec<_>>>()?;
                concatenate_grid(&blocks, &along(blocks[0].ndim(), axis, blocks.len()))
            };
            let (values, places) = (joined(0)?, joined(1)?);
            let best = sort::argtopk(&values, k, axis)?;
            (taken(&values, &best, axis)?, taken(&places, &best, axis)?)
        }
    };
    Ok(parts([value(values), value(places)]))
}

/// A grid of `n` blocks along one axis.
fn along(ndim: usize, axis: usize, n: usize) -> Vec<usize> {
    (0..ndim).map(|a| if a == axis { n } else { 1 }).collect()
}

fn brackets(
    inputs: &mut [Value],
    lengths: &[usize],
    strides: &[usize],
    ranks: &[usize],
) -> Result<Value> {
    let (bounds, there) = splitting::brackets(&chunks(inputs)?, lengths, strides, ranks)?;
    let flags: Vec<Bool> = there.iter().flatten().map(|&flag| Bool(flag.into())).collect();
    let flags = Chunk::from_slice(&flags, &[ranks.len(), 2])?;
    Ok(parts([value(bounds), value(flags)]))
}

fn candidates(inputs: &[Value]) -> Result<Value> {
    let sorted = elements(&inputs[0])?;
    let bracket = parts_of(&inputs[1])?;
    let flags = part(bracket, 1)?;
    let flags = flags.elements::<Bool>()?;
    let there: Vec<[bool; 2]> = flags.chunks(2).map(|f| [f[0].0 != 0, f[1].0 != 0]).collect();
    let places = splitting::candidates(&sorted, &part(bracket, 0)?, &there)?;
    let flat: Vec<i64> = places.iter().flatten().map(|&place| place as i64).collect();
    let mut out = vec![value(Chunk::from_slice(&flat, &[places.len(), 4])?)];
    for [_, from, to, _] in places {
        // Copied: a view would keep the whole block.
        let inside = sorted.sliced(0, from, 1, to - from);
        out.push(value(crate::kernel::copy::contiguous_copy(&inside)?));
    }
    Ok(parts(out))
}

fn cuts(inputs: &[Value], lengths: &[usize], ranks: &[usize]) -> Result<Value> {
    let all = inputs.iter().map(parts_of).collect::<Result<Vec<_>>>()?;
    let places = all.iter().map(|p| numbers(&part(p, 0)?)).collect::<Result<Vec<_>>>()?;
    let mut table = vec![vec![0]; all.len()];
    for (i, &rank) in ranks.iter().enumerate() {
        let at: Vec<splitting::Places> =
            places.iter().map(|p| [p[4 * i], p[4 * i + 1], p[4 * i + 2], p[4 * i + 3]]).collect();
        let inside = all.iter().map(|p| part(p, i + 1)).collect::<Result<Vec<_>>>()?;
        let cuts = splitting::cuts(rank, &at, &inside)?;
        table.iter_mut().zip(cuts).for_each(|(row, cut)| row.push(cut as i64));
    }
    table.iter_mut().zip(lengths).for_each(|(row, &n)| row.push(n as i64));
    Ok(value(Chunk::from_slice(&table.concat(), &[table.len(), ranks.len() + 2])?))
}

fn cut(inputs: &[Value], block: u32) -> Result<Value> {
    let cuts = numbers(&chunk(&inputs[1])?.at(0, block as usize))?;
    let pieces = |whole: &Chunk| -> Vec<Value> {
        cuts.windows(2).map(|at| value(whole.sliced(0, at[0], 1, at[1] - at[0]))).collect()
    };
    if let Some(both) = inputs[0].downcast_ref::<Parts>() {
        let (values, places) = (pieces(&part(&both.0, 0)?), pieces(&part(&both.0, 1)?));
        return Ok(parts(values.into_iter().zip(places).map(|(x, i)| parts([x, i]))));
    }
    Ok(parts(pieces(&chunk(&inputs[0])?)))
}

impl Kernel for Sort {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Sort { .. } => "sort",
            Self::Argsort { .. } | Self::SortPlaced { .. } => "argsort",
            Self::Topk { .. } => "topk",
            Self::ArgTopk { .. } => "argtopk",
            Self::Sample { .. } => "sort-sample",
            Self::Brackets { .. } => "sort-brackets",
            Self::Candidates => "sort-candidates",
            Self::Cuts { .. } => "sort-cuts",
            Self::Cut => "sort-cut",
            Self::Merge | Self::MergePlaces => "sort-merge",
        }
        .into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let pick = |inputs: &[Value]| -> Result<Vec<Value>> {
            let at = block.coords[0] as usize;
            let piece = |input: &Value| Some(input.downcast_ref::<Parts>()?.0.get(at)?.clone());
            inputs
                .iter()
                .map(|input| piece(input).ok_or_else(|| ArrayError::Value("no piece".into())))
                .collect()
        };
        Ok(match self {
            Self::Sort { axis } => {
                let whole = chunk(&inputs[0])?;
                // Frees the input's handle, so that the sort may run in place.
                inputs.iter_mut().for_each(|input| *input = Value::new(Parts(Vec::new())));
                value(sort::sort(whole, *axis)?)
            }
            Self::Argsort { axis } => value(sort::argsort(&chunk(&inputs[0])?, *axis)?),
            Self::SortPlaced { bounds } => {
                let whole = chunk(&inputs[0])?;
                let order = sort::argsort(&whole, 0)?;
                let places = shifted(&order, bounds[block.coords[0] as usize])?;
                parts([value(taken(&whole, &order, 0)?), value(places)])
            }
            Self::Topk { k, axis } => {
                let blocks = chunks(inputs)?;
                let grid = along(blocks[0].ndim(), *axis, blocks.len());
                value(sort::topk(&concatenate_grid(&blocks, &grid)?, *k, *axis)?)
            }
            Self::ArgTopk { k, axis, bounds } => {
                arg_topk(inputs, block, (*k, *axis), bounds.as_ref())?
            }
            Self::Sample { strides } => {
                let stride = strides[block.coords[0] as usize];
                value(splitting::sample(&elements(&inputs[0])?, stride)?)
            }
            Self::Brackets { lengths, strides, ranks } => {
                brackets(inputs, lengths, strides, ranks)?
            }
            Self::Candidates => candidates(inputs)?,
            Self::Cuts { lengths, ranks } => cuts(inputs, lengths, ranks)?,
            Self::Cut => cut(inputs, block.coords[0])?,
            Self::Merge => value(sort::merge(&chunks(&mut pick(inputs)?)?)?),
            Self::MergePlaces => {
                let pieces = pick(inputs)?;
                let pieces = pieces.iter().map(parts_of).collect::<Result<Vec<_>>>()?;
                let runs = pieces.iter().map(|p| part(p, 0)).collect::<Result<Vec<_>>>()?;
                let places = pieces.iter().map(|p| part(p, 1)).collect::<Result<Vec<_>>>()?;
                value(sort::merge_with(&runs, &places)?.1)
            }
        })
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        let module = "oxidask.array._numpy_linalg";
        let x = Arg::Input(0);
        Ok(match self {
            Self::Sort { axis } => {
                Call::new("numpy.sort", [x]).with("axis", Arg::Int(*axis as i64))
            }
            Self::Argsort { axis } => Call::new("numpy.argsort", [x])
                .with("axis", Arg::Int(*axis as i64))
                .with("kind", Arg::Text("stable".into())),
            Self::Topk { k, axis } => Call::new(
                format!("{module}.topk"),
                [Arg::Int(*k), Arg::Int(*axis as i64), Arg::Rest(0)],
            ),
            _ => {
                return Err(ArrayError::Unsupported(format!(
                    "{} of such blocks; rechunk the axis to one block, or map_blocks NumPy's",
                    self.name()
                )));
            }
        })
    }
}

/// Distinct elements of blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Unique {
    /// Parts: the distinct elements of one 1-d block, first places and counts.
    Block {
        /// Where the blocks start.
        bounds: Bounds,
    },
    /// Such parts of many blocks put together.
    Merge,
    /// For each element of the first input its place among the distinct ones, the second input.
    Inverse,
}

impl Kernel for Unique {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Block { .. } => "unique",
            Self::Merge => "unique-merge",
            Self::Inverse => "unique-inverse",
        }
        .into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let found = match self {
            Self::Block { bounds } => {
                let mut found = unique::unique(&chunk(&inputs[0])?)?;
                found.index = shifted(&found.index, bounds[block.coords[0] as usize])?;
                found
            }
            Self::Merge => {
                let all = inputs.iter().map(|i| parts_of(i)).collect::<Result<Vec<_>>>()?;
                let joined = |index: usize| {
                    let runs = all.iter().map(|p| part(p, index)).collect::<Result<Vec<_>>>()?;
                    crate::kernel::lanes::joined(&runs)
                };
                unique::merged(&joined(0)?, &joined(1)?, &joined(2)?)?
            }
            Self::Inverse => {
                let (x, among) = (chunk(&inputs[0])?, chunk(&inputs[1])?);
                return Ok(value(search::searchsorted(&among, &x, search::Side::Left)?));
            }
        };
        Ok(parts([value(found.values), value(found.index), value(found.counts)]))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let module = "oxidask.array._numpy_linalg";
        Ok(match self {
            Self::Block { bounds } => {
                let start = bounds[block.coords[0] as usize];
                Call::new(format!("{module}.unique"), [Arg::Input(0), Arg::Int(start as i64)])
            }
            Self::Merge => Call::new(format!("{module}.unique_merge"), [Arg::Rest(0)]),
            Self::Inverse => Call::new("numpy.searchsorted", [Arg::Input(1), Arg::Input(0)]),
        })
    }
}
