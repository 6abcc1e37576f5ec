//! Fused elementwise programs as tasks.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::foreign::{Arg, Call};
use crate::kernel::program::{Feed, Program, Step};
use crate::kernel::{Chunk, Dims};
use crate::ops::random::{Random, RandomTiles};
use crate::ops::source::Bounds;
use crate::ops::{Block, Kernel, chunk, chunks, value};

/// A program over blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Elementwise {
    /// What it computes.
    pub program: Program,
    /// The bounds of the blocks along axes whose extents the inputs don't tell.
    pub bounds: Vec<Option<Bounds>>,
    /// Inputs of the program that are made tile by tile, by their positions in ascending order: the
    /// task's own inputs are the others.
    pub made: Vec<(u32, Random)>,
}

/// For each axis of a program's output, whether an input of these shapes tells its extent.
#[must_use]
pub fn covered(program: &Program, shapes: &[Dims]) -> Vec<bool> {
    let mut covered = vec![false; program.ndim];
    for (input, shape) in program.inputs.iter().zip(shapes) {
        for (axis, &extent) in input.axes.iter().zip(shape) {
            if let Some(axis) = *axis {
                covered[axis as usize] |= extent != 1;
            }
        }
    }
    covered
}

impl Elementwise {
    /// The extents of the block along axes whose bounds are known.
    #[must_use]
    pub fn extents(&self, block: &Block<'_>) -> Vec<Option<usize>> {
        let extent = |(bounds, &at): (&Option<Bounds>, &u32)| {
            bounds.as_ref().map(|bounds| bounds[at as usize + 1] - bounds[at as usize])
        };
        self.bounds.iter().zip(block.coords).map(extent).collect()
    }

    /// The makers of a block's made inputs.
    #[must_use]
    pub fn makers(&self, block: &Block<'_>) -> Vec<RandomTiles<'_>> {
        self.made.iter().map(|(_, random)| random.tiles(block)).collect()
    }

    /// What the program reads: the task's chunks, and what is made.
    #[must_use]
    pub fn feeds<'a>(&self, chunks: Vec<Chunk>, made: &'a [RandomTiles<'a>]) -> Vec<Feed<'a>> {
        let mut feeds: Vec<Feed<'a>> = chunks.into_iter().map(Feed::Chunk).collect();
        for ((at, _), tiles) in self.made.iter().zip(made) {
            feeds.insert((*at as usize).min(feeds.len()), Feed::Made(tiles));
        }
        feeds
    }
}

impl Kernel for Elementwise {
    fn name(&self) -> Cow<'_, str> {
        program_name(&self.program)
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let made = self.makers(block);
        let feeds = self.feeds(chunks(inputs)?, &made);
        Ok(value(self.program.evaluate(&feeds, &self.extents(block))?))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let extents = self.extents(block).into_iter();
        let extents = extents.map(|n| n.map_or(Arg::None, |n| Arg::Int(n as i64))).collect();
        let mut inputs = Vec::with_capacity(self.program.inputs.len());
        let mut next = 0;
        for at in 0..self.program.inputs.len() {
            inputs.push(match self.made.iter().find(|(made, _)| *made as usize == at) {
                Some((_, random)) => Arg::Chunk(chunk(&random.run(&mut [], block)?)?),
                None => {
                    next += 1;
                    Arg::Input(next - 1)
                }
            });
        }
        let args = [program_arg(&self.program), Arg::Tuple(extents), Arg::List(inputs)];
        Ok(Call::new("oxidask.array._numpy.run_program", args))
    }
}

/// The names of a program's ufuncs.
#[must_use]
pub fn program_name(program: &Program) -> Cow<'static, str> {
    let names: Vec<&str> = program
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Ufunc { ufunc, .. } => Some(ufunc.name()),
            Step::Cast { .. } => Some("astype"),
            Step::Constant(_) => None,
        })
        .collect();
    if names.is_empty() { "view".into() } else { names.join("-").into() }
}

/// A program as data that Python reads: axes of the inputs, and steps.
#[must_use]
pub fn program_arg(program: &Program) -> Arg {
    let int = |n: usize| Arg::Int(n as i64);
    let inputs = program.inputs.iter().map(|input| {
        let axes = input.axes.iter().map(|axis| axis.map_or(Arg::None, |a| int(a.into())));
        Arg::Tuple(axes.collect())
    });
    let steps = program.steps.iter().map(|step| {
        Arg::Tuple(match step {
            Step::Ufunc { ufunc, args, output, .. } => vec![
                Arg::Text("ufunc".into()),
                Arg::Text(ufunc.name().into()),
                Arg::Tuple(args.iter().map(|&a| int(a as usize)).collect()),
                int((*output).into()),
            ],
            Step::Cast { arg, to, .. } => {
                vec![Arg::Text("cast".into()), Arg::DType(to.typestr()), int(*arg as usize)]
            }
            Step::Constant(value) => vec![Arg::Text("constant".into()), Arg::Chunk(value.clone())],
        })
    });
    Arg::Tuple(vec![
        int(program.ndim),
        Arg::List(inputs.collect()),
        Arg::List(steps.collect()),
        int(program.result as usize),
    ])
}
