//! Views: parts of a block along its axes, without a copy.

use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::Chunk;
use crate::ops::{Block, Kernel, chunk, value};

/// A part of one block along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The first element.
    pub start: usize,
    /// To the next one.
    pub step: isize,
    /// How many.
    pub len: usize,
}

/// What is read of one axis of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RegionAxis {
    /// One index; the axis is gone.
    At(usize),
    /// By block along this axis of the result: elements of the source's axis.
    Along(u8, Arc<[Cut]>),
}

impl RegionAxis {
    /// The range that a block is read from, and the step through what was read (0: the only
    /// element, without the axis).
    #[must_use]
    pub fn range(&self, coords: &[u32]) -> (usize, usize, isize) {
        match self {
            Self::At(index) => (*index, index + 1, 0),
            Self::Along(place, cuts) => {
                let Cut { start, step, len } = cuts[coords[*place as usize] as usize];
                if len == 0 {
                    return (start, start, 1);
                }
                let last = (start as isize + step * (len as isize - 1)) as usize;
                (start.min(last), start.max(last) + 1, step)
            }
        }
    }
}

/// What happens to one axis of the input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SliceAxis {
    /// Taken at this index, and gone.
    At(usize),
    /// Left as it is.
    All,
    /// Cut, by block along this axis of the output.
    Cuts(u8, Arc<[Cut]>),
}

/// A part of a block along every axis, with new axes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slice {
    /// Axis by axis of the input.
    pub axes: Vec<SliceAxis>,
    /// New axes of the output: their places in ascending order, and extents (1, or 0).
    pub new: Vec<(u8, u8)>,
}

impl Slice {
    fn view(&self, source: &Chunk, coords: &[u32]) -> Result<Chunk> {
        if source.ndim() != self.axes.len() {
            return Err(ArrayError::Value(format!(
                "a block of shape {:?} has not the {} axes that its array has",
                source.shape(),
                self.axes.len()
            )));
        }
        let mut view = source.clone();
        for (axis, what) in self.axes.iter().enumerate().rev() {
            let extent = view.shape()[axis];
            let outside = |at: isize| {
                ArrayError::Value(format!(
                    "a block of shape {:?} is smaller than its chunks said: there is no element \
                     {at} on axis {axis}",
                    source.shape()
                ))
            };
            match what {
                SliceAxis::All => {}
                SliceAxis::At(i) if *i < extent => view = view.at(axis, *i),
                SliceAxis::At(i) => return Err(outside(*i as isize)),
                SliceAxis::Cuts(place, cuts) => {
                    let cut = cuts[coords[*place as usize] as usize];
                    let last = cut.start as isize + cut.step * (cut.len as isize - 1);
                    if cut.len > 0 && (cut.start >= extent || last >= extent as isize || last < 0) {
                        return Err(outside(last.max(cut.start as isize)));
                    }
                    view = view.sliced(axis, cut.start, cut.step, cut.len);
                }
            }
        }
        for &(axis, extent) in &self.new {
            view = view.expanded(axis.into());
            if extent == 0 {
                view = view.sliced(axis.into(), 0, 1, 0);
            }
        }
        Ok(view)
    }
}

impl Kernel for Slice {
    fn name(&self) -> Cow<'_, str> {
        "getitem".into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let [source] = inputs else {
            return Err(ArrayError::Value("a slice is of one block".into()));
        };
        Ok(value(self.view(&chunk(source)?, block.coords)?))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let mut index: Vec<Arg> = Vec::new();
        let mut new = self.new.iter().peekable();
        let mut place = 0;
        for axis in &self.axes {
            // Axes that go have no place in the output.
            while let Some((_, extent)) = new.next_if(|(at, _)| usize::from(*at) == place) {
                if *extent == 0 {
                    return Err(ArrayError::Unsupported("x[False] of this kind of chunk".into()));
                }
                index.push(Arg::None);
                place += 1;
            }
            index.push(match axis {
                SliceAxis::At(i) => Arg::Int(*i as i64),
                SliceAxis::All => Arg::Slice(None, None, None),
                SliceAxis::Cuts(at, cuts) => slice_arg(cuts[block.coords[*at as usize] as usize]),
            });
            place += usize::from(!matches!(axis, SliceAxis::At(_)));
        }
        index.extend(new.map(|_| Arg::None));
        let args = [Arg::Input(0), Arg::Tuple(index)];
        Ok(Call::new("oxidask.array._numpy_indexing.getitem", args))
    }
}

/// A cut as Python's slice.
pub(crate) fn slice_arg(cut: Cut) -> Arg {
    let (start, step) = (cut.start as i64, cut.step as i64);
    let stop = start + step * cut.len as i64;
    // Minus one would count from the end.
    Arg::Slice(Some(start), (stop >= 0).then_some(stop), Some(step))
}
