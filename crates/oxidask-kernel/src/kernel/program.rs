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
use crate::kernel::buffer::Buffer;
use crate::kernel::chunk::contiguous_strides;
use crate::kernel::ufunc::{self, Loop, Resolved, Ufunc};
use crate::kernel::{Chunk, Dims, Strides, cast, copy};

mod feed;
mod tile;

pub use feed::{Feed, Generator};
use tile::TilePlan;
pub use tile::{Sink, Tile};

/// A register: the inputs come first, then the steps' values.
pub type Register = u32;

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
        let mut sink = Store { start, strides, itemsize: self.dtype().itemsize() };
        self.run(&views, &shape, &mut sink)?;
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
        };
        self.run(&views, shape, &mut sink)
    }

    /// Runs over all tiles of `shape`; `views` are [`Program::aligned`] feeds.
    ///
    /// # Errors
    /// What a step or the sink finds wrong with the data.
    pub fn run(&self, views: &[Feed<'_>], shape: &[usize], sink: &mut dyn Sink) -> Result<()> {
        if shape.contains(&0) {
            return Ok(());
        }
        let plan = TilePlan::new(views, shape, self.steps.is_empty());
        let mut machine = Machine::new(self, views, &plan)?;
        let mut start: Dims = SmallVec::from_elem(0, shape.len());
        loop {
            machine.tile(&plan, &start, sink)?;
            if !plan.advance(&mut start) {
                return Ok(());
            }
        }
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

enum Work {
    Call { run: Loop, args: SmallVec<[usize; 3]>, outs: SmallVec<[usize; 2]> },
    Nothing,
}

/// The registers of a run and its resolved steps.
struct Machine<'a> {
    program: &'a Program,
    views: &'a [Feed<'a>],
    work: Vec<Work>,
    /// Scratch memory of each register (and of outputs that nobody wants, at the end).
    scratch: Vec<usize>,
    memory: Buffer,
    /// Where each register's elements are for the tile at hand.
    at: Vec<*mut u8>,
}

impl<'a> Machine<'a> {
    fn new(program: &'a Program, views: &'a [Feed<'a>], plan: &TilePlan) -> Result<Self> {
        let elements = plan.rows * plan.columns;
        let n_registers = program.inputs.len() + program.steps.len();
        let mut scratch = Vec::with_capacity(n_registers);
        let mut bytes = 0usize;
        let mut reserve = |dtype: DType| {
            let at = bytes;
            bytes += (elements * dtype.itemsize()).next_multiple_of(64);
            at
        };
        for register in 0..n_registers {
            scratch.push(reserve(program.dtype_of(register as Register)));
        }
        let mut work = Vec::with_capacity(program.steps.len());
        for (number, step) in program.steps.iter().enumerate() {
            let own = program.inputs.len() + number;
            work.push(match step {
                Step::Constant(_) => Work::Nothing,
                Step::Cast { arg, from, to } => Work::Call {
                    run: cast::cast_loop(*from, *to)
                        .map(|function| Loop { function, check: None })
                        .ok_or_else(|| ArrayError::NoKernel(format!("cast from {from} to {to}")))?,
                    args: SmallVec::from_slice(&[*arg as usize]),
                    outs: SmallVec::from_slice(&[own]),
                },
                Step::Ufunc { ufunc, args, output, resolved } => {
                    let found = ufunc::find(*ufunc, resolved);
                    let found = found.ok_or_else(|| ArrayError::NoKernel(ufunc.name().into()))?;
                    let mut outs: SmallVec<[usize; 2]> = SmallVec::new();
                    for (n, &dtype) in resolved.outs.iter().enumerate() {
                        if n == *output as usize {
                            outs.push(own);
                        } else {
                            outs.push(scratch.len());
                            scratch.push(reserve(dtype));
                        }
                    }
                    let args = args.iter().map(|&arg| arg as usize).collect();
                    Work::Call { run: found, args, outs }
                }
            });
        }
        let memory = Buffer::new(bytes)?;
        let at = scratch.iter().map(|&at| memory.as_mut_ptr().wrapping_add(at)).collect();
        let mut machine = Self { program, views, work, scratch, memory, at };
        machine.fill_constants(elements);
        Ok(machine)
    }

    fn fill_constants(&mut self, elements: usize) {
        for (number, step) in self.program.steps.iter().enumerate() {
            if let Step::Constant(value) = step {
                let size = value.dtype().itemsize();
                let to = self.at[self.program.inputs.len() + number];
                // SAFETY: a scratch register has room for `elements` of its dtype.
                unsafe {
                    copy::copy_raw(
                        size,
                        &[elements],
                        (value.as_ptr(), &[0]),
                        (to, &[size as isize]),
                    );
                }
            }
        }
    }

    fn tile(&mut self, plan: &TilePlan, start: &[usize], sink: &mut dyn Sink) -> Result<()> {
        let tile = plan.tile(start);
        let n = tile.rows * tile.columns;
        for (number, feed) in self.views.iter().enumerate() {
            let home = self.memory.as_mut_ptr().wrapping_add(self.scratch[number]);
            self.at[number] = match feed {
                Feed::Chunk(view) => load(view, &tile, home),
                Feed::Made(made) => {
                    // SAFETY: the register has room for the tile, and nobody else has it.
                    unsafe { made.fill(&tile, home) };
                    home
                }
            };
        }
        let result = self.program.result as usize;
        if result >= self.program.inputs.len()
            && !matches!(self.program.steps[result - self.program.inputs.len()], Step::Constant(_))
        {
            let home = self.memory.as_mut_ptr().wrapping_add(self.scratch[result]);
            self.at[result] = sink.place(&tile).unwrap_or(home);
        }
        let placed = self.at[result];
        for work in &self.work {
            let Work::Call { run, args, outs } = work else { continue };
            let args: SmallVec<[*const u8; 3]> =
                args.iter().map(|&arg| self.at[arg].cast_const()).collect();
            let outs: SmallVec<[*mut u8; 2]> = outs.iter().map(|&out| self.at[out]).collect();
            // SAFETY: each register holds `n` elements of the dtype that the loop was found for.
            unsafe { run.run(&args, &outs, n)? };
        }
        // SAFETY: the result's register holds the tile's elements.
        unsafe { sink.take(&tile, placed) }
    }
}

/// The elements of a tile of `view`: where they lie, if that is contiguous, or copied to `home`.
fn load(view: &Chunk, tile: &Tile<'_>, home: *mut u8) -> *mut u8 {
    let size = view.dtype().itemsize();
    let strides = view.strides();
    let moved: isize = tile.start.iter().zip(strides).map(|(&i, &s)| i as isize * s).sum();
    let source = view.as_ptr().wrapping_offset(moved);
    let inner = strides.last().copied().unwrap_or(size as isize);
    let cross = if tile.rows > 1 { strides[tile.cross] } else { inner * tile.columns as isize };
    let dense = inner == size as isize || tile.columns == 1;
    let aligned = (source as usize).is_multiple_of(size.min(8));
    if dense && aligned && (tile.rows == 1 || cross == (tile.columns * size) as isize) {
        return source.cast_mut();
    }
    // SAFETY: the tile lies inside of the view, and the register has room for it.
    unsafe {
        copy::copy_raw(
            size,
            &[tile.rows, tile.columns],
            (source, &[cross, inner]),
            (home, &[(tile.columns * size) as isize, size as isize]),
        );
    }
    home
}

/// Stores a program's value in memory that nobody else has.
struct Store {
    start: *mut u8,
    strides: Strides,
    itemsize: usize,
}

impl Store {
    fn address(&self, tile: &Tile<'_>) -> *mut u8 {
        let moved: isize =
            tile.start.iter().zip(&self.strides).map(|(&i, &s)| i as isize * s).sum();
        self.start.wrapping_offset(moved)
    }
}

impl Sink for Store {
    fn place(&mut self, tile: &Tile<'_>) -> Option<*mut u8> {
        let row = (tile.columns * self.itemsize) as isize;
        let dense = tile.columns == 1 || self.strides.last() == Some(&(self.itemsize as isize));
        let together = tile.rows == 1 || self.strides[tile.cross] == row;
        (dense && together).then(|| self.address(tile))
    }

    unsafe fn take(&mut self, tile: &Tile<'_>, elements: *const u8) -> Result<()> {
        let target = self.address(tile);
        if target.cast_const() == elements {
            return Ok(());
        }
        let size = self.itemsize as isize;
        let cross = if tile.rows > 1 { self.strides[tile.cross] } else { 0 };
        let inner = self.strides.last().copied().unwrap_or(size);
        // SAFETY: the tile lies inside of the memory, which nobody else has.
        unsafe {
            copy::copy_raw(
                self.itemsize,
                &[tile.rows, tile.columns],
                (elements, &[tile.columns as isize * size, size]),
                (target, &[cross, inner]),
            );
        }
        Ok(())
    }
}
