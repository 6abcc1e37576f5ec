//! Fused elementwise programs, run tile by tile.
//!
//! A [`Program`] is a run of ufuncs and casts over registers. Its inputs are strided chunks whose
//! axes are mapped to the output's, so that transposes, new axes and broadcasts cost nothing of
//! their own. A tile is a few thousand elements; its registers stay in the cache, so that a program
//! of many steps reads its inputs and writes its output once. What becomes of the result is the
//! [`Sink`]'s: stored in a new chunk here, reduced in [`crate::kernel`]'s reductions.
#![expect(unsafe_code, reason = "tiles of raw strided memory")]

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::chunk::contiguous_strides;
use crate::kernel::ufunc::{Resolved, Ufunc};
use crate::kernel::{Chunk, Dims, Strides};

mod feed;
mod machine;
mod schedule;
mod store;
mod tile;

pub use feed::{Feed, Generator};
use machine::Machine;
use store::Store;
pub use tile::{Sink, Tile};

/// A register: the inputs come first, then the steps' values.
pub type Register = u32;

/// Results of so many bytes are far larger than what caches keep until somebody reads them.
const STREAMED_FROM: usize = 32 << 20;

/// How an input's axes lie in the output: axis `i` of the input is axis `axes[i]` of the output, or
/// `None` for an axis of extent 1 that the output hasn't got.
pub type AxesMap = SmallVec<[Option<u8>; 4]>;

/// Axes of an output in another order.
pub type AxesOrder = SmallVec<[u8; 4]>;

/// One input of a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Input {
    /// Its dtype.
    pub dtype: DType,
    /// Its axes.
    pub axes: AxesMap,
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Step {
    /// A ufunc of registers that have the loop's dtypes.
    Ufunc {
        /// Which.
        ufunc: Ufunc,
        /// The registers that it reads.
        args: SmallVec<[Register; 3]>,
        /// Which of its outputs this register holds.
        output: u8,
        /// What its loop takes and gives.
        resolved: Resolved,
    },
    /// A register under another dtype.
    Cast {
        /// The register.
        arg: Register,
        /// Its dtype.
        from: DType,
        /// The new one.
        to: DType,
    },
    /// A number.
    Constant(Chunk),
}

impl Step {
    /// The dtype of the step's value.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match self {
            Self::Ufunc { output, resolved, .. } => resolved.outs[*output as usize],
            Self::Cast { to, .. } => *to,
            Self::Constant(value) => value.dtype(),
        }
    }
}

/// Steps over inputs; the value is that of register `result`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    /// Axes of the output.
    pub ndim: usize,
    /// The inputs.
    pub inputs: Vec<Input>,
    /// The steps.
    pub steps: Vec<Step>,
    /// The register that is the value.
    pub result: Register,
}

impl Program {
    /// The dtype of a register.
    #[must_use]
    pub fn dtype_of(&self, register: Register) -> DType {
        match self.inputs.get(register as usize) {
            Some(input) => input.dtype,
            None => self.steps[register as usize - self.inputs.len()].dtype(),
        }
    }

    /// The dtype of the value.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype_of(self.result)
    }

    /// Whether it computes nothing: the value is an input under other axes.
    #[must_use]
    pub fn is_view(&self) -> bool {
        (self.result as usize) < self.inputs.len()
    }

    /// The order of the axes, outermost first, in which inputs lie in memory that are C-contiguous
    /// themselves: NumPy gives such results the layout of their inputs. `None` where the inputs
    /// differ, and where the order is the usual one.
    #[must_use]
    pub fn layout(&self) -> Option<AxesOrder> {
        let full = |input: &&Input| input.axes.len() == self.ndim;
        let order: AxesOrder =
            self.inputs.iter().find(full)?.axes.iter().copied().collect::<Option<_>>()?;
        let follows = |input: &Input| {
            let places = input.axes.iter().flatten();
            places.map(|axis| order.iter().position(|other| other == axis)).is_sorted()
        };
        let is_usual = order.is_sorted();
        (!is_usual && self.inputs.iter().all(follows)).then_some(order)
    }

    /// The same program on an output whose axis `i` is this one's axis `order[i]`.
    #[must_use]
    pub fn reordered(&self, order: &[u8]) -> Self {
        let mut program = self.clone();
        for axis in program.inputs.iter_mut().flat_map(|input| input.axes.iter_mut().flatten()) {
            if let Some(new) = order.iter().position(|old| old == axis) {
                *axis = new as u8;
            }
        }
        program
    }

    /// Checks that the feeds are what the program takes, and brings chunks to the output's axes.
    /// `known` gives the extents of axes, where the caller knows them; others follow from the
    /// inputs.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] for other dtypes; [`ArrayError::Value`] if shapes don't fit.
    pub fn aligned<'a>(
        &self,
        feeds: &[Feed<'a>],
        known: &[Option<usize>],
    ) -> Result<(Vec<Feed<'a>>, Dims)> {
        let mut shape: Dims = known.iter().map(|extent| extent.unwrap_or(1)).collect();
        for (feed, input) in feeds.iter().zip(&self.inputs) {
            let Feed::Chunk(chunk) = feed else { continue };
            if chunk.dtype() != input.dtype || chunk.ndim() != input.axes.len() {
                let what = format!("{chunk:?} where {} of {:?}", input.dtype, input.axes);
                return Err(ArrayError::NoKernel(what));
            }
            for (&extent, axis) in chunk.shape().iter().zip(&input.axes) {
                if let Some(axis) = *axis
                    && extent != 1
                {
                    shape[axis as usize] = extent;
                }
            }
        }
        let views = feeds.iter().zip(&self.inputs).map(|(feed, input)| match feed {
            Feed::Chunk(chunk) => Ok(Feed::Chunk(stretched(chunk, input, &shape, feeds)?)),
            Feed::Made(made) => Ok(Feed::Made(*made)),
        });
        Ok((views.collect::<Result<_>>()?, shape))
    }

    /// Computes the value as a chunk.
    ///
    /// # Errors
    /// As [`Program::aligned`], and what a step finds wrong with its data.
    pub fn evaluate(&self, feeds: &[Feed<'_>], known: &[Option<usize>]) -> Result<Chunk> {
        let (views, shape) = self.aligned(feeds, known)?;
        if let Some(Feed::Chunk(view)) = views.get(self.result as usize) {
            return Ok(view.clone());
        }
        let chunk = Chunk::new(self.dtype(), &shape)?;
        let strides = contiguous_strides(&shape, self.dtype().itemsize());
        let start = chunk.buffer().as_mut_ptr();
        let itemsize = self.dtype().itemsize();
        let mut sink = Store { start, strides, itemsize, streams: false };
        self.run(&views, &shape, &[self.result], &mut sink)?;
        Ok(chunk)
    }

    /// Computes the value into the part of `target` that starts at `start`, and has the value's
    /// shape.
    ///
    /// # Safety
    /// Nobody else may write or read that part of the target meanwhile.
    ///
    /// # Errors
    /// As [`Program::evaluate`]; [`ArrayError::NoKernel`] if it has another shape or dtype.
    pub unsafe fn evaluate_into(
        &self,
        feeds: &[Feed<'_>],
        known: &[Option<usize>],
        target: &Chunk,
        (start, shape): (&[usize], &[usize]),
    ) -> Result<()> {
        let (views, found) = self.aligned(feeds, known)?;
        let inside = start.iter().zip(shape).zip(target.shape()).all(|((a, n), m)| a + n <= *m);
        if found.as_slice() != shape || target.dtype() != self.dtype() || !inside {
            let what = format!("a block of shape {found:?} where {shape:?} was said");
            return Err(ArrayError::NoKernel(what));
        }
        let at: isize = start.iter().zip(target.strides()).map(|(&i, &s)| i as isize * s).sum();
        let mut sink = Store {
            start: target.as_ptr().cast_mut().wrapping_offset(at),
            strides: target.strides().into(),
            itemsize: self.dtype().itemsize(),
            streams: target.nbytes() >= STREAMED_FROM,
        };
        self.run(&views, shape, &[self.result], &mut sink)
    }

    /// Runs over all tiles of `shape`; `views` are [`Program::aligned`] feeds. The sink takes each
    /// tile of the registers `results`.
    ///
    /// # Errors
    /// What a step or the sink finds wrong with the data.
    pub fn run(
        &self,
        views: &[Feed<'_>],
        shape: &[usize],
        results: &[Register],
        sink: &mut dyn Sink,
    ) -> Result<()> {
        if shape.contains(&0) {
            return Ok(());
        }
        Machine::new(self, views, shape, results)?.run(sink)
    }
}

/// An input's chunk with the output's axes.
fn stretched(chunk: &Chunk, input: &Input, shape: &Dims, feeds: &[Feed<'_>]) -> Result<Chunk> {
    let mut strides: Strides = SmallVec::from_elem(0, shape.len());
    for ((&extent, &stride), axis) in chunk.shape().iter().zip(chunk.strides()).zip(&input.axes) {
        let Some(axis) = axis.map(usize::from) else { continue };
        if extent == shape[axis] {
            strides[axis] = stride;
        } else if extent != 1 {
            let shapes: Vec<String> = feeds
                .iter()
                .filter_map(|feed| match feed {
                    Feed::Chunk(chunk) => Some(format!("{:?}", chunk.shape())),
                    Feed::Made(_) => None,
                })
                .collect();
            return Err(ArrayError::Value(format!(
                "operands could not be broadcast together with shapes {}",
                shapes.join(" ")
            )));
        }
    }
    Ok(chunk.restrided(shape.clone(), strides))
}
