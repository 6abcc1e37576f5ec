//! The machine: runs a schedule tile by tile.
#![expect(unsafe_code, reason = "tiles of raw strided memory")]

use smallvec::SmallVec;

use crate::error::Result;
use crate::kernel::buffer::Buffer;
use crate::kernel::plane::{Plane, copy_plane, prefetch_plane};
use crate::kernel::program::schedule::{Schedule, Work};
use crate::kernel::program::tile::TilePlan;
use crate::kernel::program::{Feed, Program, Register, Sink, Step, Tile};
use crate::kernel::{Chunk, Dims};

/// How many tiles ahead memory is asked for.
const AHEAD: usize = 2;

/// The registers of a run and its work.
pub(super) struct Machine<'a> {
    views: &'a [Feed<'a>],
    plan: TilePlan,
    schedule: Schedule,
    /// The register whose elements may be written straight to where the sink wants them.
    placed: Option<usize>,
    /// Memory of each register.
    homes: Vec<*mut u8>,
    _memory: Buffer,
    /// Where each register's elements are for the tile at hand.
    at: Vec<*mut u8>,
}

impl<'a> Machine<'a> {
    /// For the values of `results` over `shape`; `views` are the program's aligned feeds.
    pub(super) fn new(
        program: &Program,
        views: &'a [Feed<'a>],
        shape: &[usize],
        results: &[Register],
    ) -> Result<Self> {
        let schedule = Schedule::new(program, results)?;
        let bytes = schedule.element_bytes();
        let plan = TilePlan::new(views, shape, program.steps.is_empty(), bytes);
        let elements = plan.rows * plan.columns;
        let mut starts: Vec<usize> = Vec::with_capacity(schedule.itemsizes.len());
        let mut bytes = 0usize;
        for itemsize in &schedule.itemsizes {
            starts.push(bytes);
            bytes += (elements * itemsize).next_multiple_of(64);
        }
        let memory = Buffer::new(bytes)?;
        let home = |&slot: &usize| memory.as_mut_ptr().wrapping_add(starts[slot]);
        let homes: Vec<*mut u8> = schedule.slots.iter().map(home).collect();
        let step_of = |register: usize| {
            register.checked_sub(program.inputs.len()).and_then(|step| program.steps.get(step))
        };
        let placed = match results {
            [only] => step_of(*only as usize)
                .filter(|step| !matches!(step, Step::Constant(_)))
                .map(|_| *only as usize),
            _ => None,
        };
        for (register, &home) in homes.iter().enumerate() {
            if let Some(Step::Constant(value)) = step_of(register) {
                let size = value.dtype().itemsize();
                // SAFETY: a register has room for `elements` of its dtype.
                unsafe {
                    copy_plane(
                        size,
                        (1, elements),
                        Plane::new(value.as_ptr(), 0, 0),
                        Plane::new(home, 0, size as isize),
                    );
                }
            }
        }
        Ok(Self { views, plan, schedule, placed, at: homes.clone(), homes, _memory: memory })
    }

    /// Runs over all tiles.
    pub(super) fn run(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let mut start: Dims = self.plan.first();
        let mut ahead: Option<Dims> = self.plan.is_crossed().then(|| start.clone());
        for _ in 0..AHEAD {
            ahead = ahead.and_then(|ahead| self.plan.after(ahead));
        }
        loop {
            if let Some(next) = &ahead {
                self.prefetch(next);
            }
            self.tile(&start, sink)?;
            if !self.plan.advance(&mut start) {
                return Ok(());
            }
            ahead = ahead.and_then(|ahead| self.plan.after(ahead));
        }
    }

    /// Asks for the memory of the tile at `start`.
    fn prefetch(&self, start: &[usize]) {
        let tile = self.plan.tile(start);
        for view in self.views.iter().filter_map(Feed::chunk) {
            let size = view.dtype().itemsize();
            prefetch_plane(size, (tile.rows, tile.columns), plane(view, &tile));
        }
    }

    fn tile(&mut self, start: &[usize], sink: &mut dyn Sink) -> Result<()> {
        let tile = self.plan.tile(start);
        let n = tile.rows * tile.columns;
        if let Some(register) = self.placed {
            self.at[register] = sink.place(&tile).unwrap_or(self.homes[register]);
        }
        for work in &self.schedule.work {
            match work {
                Work::Load(register) => {
                    let home = self.homes[*register];
                    self.at[*register] = match &self.views[*register] {
                        Feed::Chunk(view) => load(view, &tile, home),
                        Feed::Made(made) => {
                            // SAFETY: the register has room for the tile, and nobody else has it.
                            unsafe { made.fill(&tile, home) };
                            home
                        }
                    };
                }
                Work::Call { run, args, outs } => {
                    let args: SmallVec<[*const u8; 3]> =
                        args.iter().map(|&arg| self.at[arg].cast_const()).collect();
                    let outs: SmallVec<[*mut u8; 2]> =
                        outs.iter().map(|&out| self.at[out]).collect();
                    // SAFETY: each register holds `n` elements of the dtype that the loop was
                    // found for.
                    unsafe { run.run(&args, &outs, n)? };
                }
                Work::Take(register) => {
                    // SAFETY: the register holds the tile's elements.
                    unsafe { sink.take(&tile, self.at[*register])? };
                }
            }
        }
        Ok(())
    }
}

/// Where a tile of `view` lies.
fn plane(view: &Chunk, tile: &Tile<'_>) -> Plane<*const u8> {
    let strides = view.strides();
    let moved: isize = tile.start.iter().zip(strides).map(|(&i, &s)| i as isize * s).sum();
    let element = strides.last().copied().unwrap_or(view.dtype().itemsize() as isize);
    let row = if tile.rows > 1 { strides[tile.cross] } else { element * tile.columns as isize };
    Plane::new(view.as_ptr().wrapping_offset(moved), row, element)
}

/// The elements of a tile of `view`: where they lie, if that is contiguous, or copied to `home`.
fn load(view: &Chunk, tile: &Tile<'_>, home: *mut u8) -> *mut u8 {
    let size = view.dtype().itemsize();
    let source = plane(view, tile);
    let row = (tile.columns * size) as isize;
    let dense = source.element == size as isize || tile.columns == 1;
    let aligned = (source.start as usize).is_multiple_of(size.min(8));
    if dense && aligned && (tile.rows == 1 || source.row == row) {
        return source.start.cast_mut();
    }
    // SAFETY: the tile lies inside of the view, and the register has room for it.
    unsafe {
        let target = Plane::new(home, row, size as isize);
        copy_plane(size, (tile.rows, tile.columns), source, target);
    }
    home
}
