//! Advanced indexing by blocks: elements picked from the blocks that have them.

use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::gather::{Picks, gather};
use crate::kernel::{Chunk, Dims};
use crate::ops::{Block, Kernel, chunks, value};

/// Picks from the inputs along some axes; the tables have an entry for each block along one axis of
/// the output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Take {
    /// The axes of the input that are gathered, ascending.
    pub axes: Dims,
    /// Where the picks' axes come in the output.
    pub at: u8,
    /// Extents of the picks' axes after the first.
    pub tail: Dims,
    /// Extents of the blocks along the first of the picks' axes.
    pub rows: Arc<[usize]>,
    /// Where the picks of each block end.
    pub ends: Arc<[usize]>,
    /// Which input each pick is from.
    pub slots: Arc<[u32]>,
    /// Its position there: one for each axis that is gathered.
    pub locals: Arc<[u32]>,
}

impl Take {
    /// The picks of a block.
    fn picks(&self, coords: &[u32]) -> Picks<'_> {
        let block = coords[self.at as usize] as usize;
        let start = if block == 0 { 0 } else { self.ends[block - 1] };
        let end = self.ends[block];
        let n = self.axes.len();
        Picks { slots: &self.slots[start..end], locals: &self.locals[start * n..end * n] }
    }

    /// The extents of the picks' axes in a block.
    fn shape(&self, coords: &[u32]) -> Dims {
        let first = self.rows[coords[self.at as usize] as usize];
        std::iter::once(first).chain(self.tail.iter().copied()).collect()
    }
}

/// The picks as a slice of the only source, if they are one and most of it.
fn as_view(sources: &[Chunk], axes: &[usize], at: usize, picks: Picks<'_>) -> Option<Chunk> {
    let ([source], [axis]) = (sources, axes) else { return None };
    let (&first, extent) = (picks.locals.first()?, source.shape()[*axis]);
    let ascending = picks.locals.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let last = first as usize + picks.locals.len();
    if !ascending || last > extent || picks.locals.len() * 2 < extent || at != *axis {
        return None;
    }
    Some(source.sliced(*axis, first as usize, 1, picks.locals.len()))
}

impl Kernel for Take {
    fn name(&self) -> Cow<'_, str> {
        "take".into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let sources = chunks(inputs)?;
        let picks = self.picks(block.coords);
        let at = usize::from(self.at);
        let picked = match as_view(&sources, &self.axes, at, picks) {
            Some(view) => view,
            None => gather(&sources, &self.axes, at, picks)?,
        };
        if self.tail.is_empty() {
            return Ok(value(picked));
        }
        let mut shape = Dims::from(picked.shape());
        shape.remove(at);
        shape.insert_many(at, self.shape(block.coords));
        Ok(value(picked.reshaped(&shape)?))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let picks = self.picks(block.coords);
        let array = |n: &[u32]| -> Result<Arg> {
            let wide: Vec<i64> = n.iter().map(|&i| i.into()).collect();
            Ok(Arg::Chunk(Chunk::from_slice(&wide, &[wide.len()])?))
        };
        let ints = |dims: &[usize]| Arg::Tuple(dims.iter().map(|&n| Arg::Int(n as i64)).collect());
        let args = [
            Arg::Rest(0),
            ints(&self.axes),
            Arg::Int(self.at.into()),
            ints(&self.shape(block.coords)),
            array(picks.slots)?,
            array(picks.locals)?,
        ];
        Ok(Call::new("oxidask.array._numpy_indexing.gather", args))
    }
}

/// Picks by an array that is computed itself: the first input has the indices, the others are all
/// the blocks along the axis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TakeBy {
    /// The axis of the input that is gathered.
    pub axis: u8,
}

impl Kernel for TakeBy {
    fn name(&self) -> Cow<'_, str> {
        "take".into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        let all = chunks(inputs)?;
        let [indices, sources @ ..] = all.as_slice() else {
            return Err(ArrayError::Value("a take needs indices".into()));
        };
        let axis = usize::from(self.axis);
        let indices = crate::kernel::gather::as_indices(indices)?;
        let mut ends = Vec::with_capacity(sources.len());
        let mut total = 0;
        for source in sources {
            total += source.shape()[axis];
            ends.push(total);
        }
        let (mut slots, mut locals) = (Vec::new(), Vec::new());
        for index in indices {
            let position = crate::plan::index::position(index, axis, total)?;
            let slot = ends.partition_point(|&end| end <= position);
            slots.push(slot as u32);
            locals.push((position - (ends[slot] - sources[slot].shape()[axis])) as u32);
        }
        Ok(value(gather(sources, &[axis], axis, Picks { slots: &slots, locals: &locals })?))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        let args = [Arg::Input(0), Arg::Rest(1), Arg::Int(self.axis.into())];
        Ok(Call::new("oxidask.array._numpy_indexing.take_by", args))
    }
}
