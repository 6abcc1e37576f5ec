//! Reductions as tasks: states of blocks, merges of states, results.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{self, Arg, Call};
use crate::kernel::program::{Feed, Input, Program};
use crate::kernel::reduce::{Finish, Place, Reducer, Reduction, State};
use crate::kernel::{Chunk, Dims};
use crate::ops::elementwise::Elementwise;
use crate::ops::source::{Bounds, region};
use crate::ops::{Block, Kernel, Parts, chunk, chunks, value};

/// The state of one block of a program's values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Partial {
    /// To what.
    pub reduction: Reduction,
    /// What makes the elements.
    pub elements: Elementwise,
    /// Which axes are reduced.
    pub reduced: Vec<bool>,
    /// Where the blocks start along each axis: for places of extremes; empty for others.
    pub starts: Vec<Bounds>,
}

/// A name for pictures.
fn reducer_name(reducer: Reducer) -> &'static str {
    match reducer {
        Reducer::Sum => "sum",
        Reducer::Prod => "prod",
        Reducer::Min => "min",
        Reducer::Max => "max",
        Reducer::Any => "any",
        Reducer::All => "all",
        Reducer::Mean => "mean",
        Reducer::Var => "var",
        Reducer::ArgMin => "argmin",
        Reducer::ArgMax => "argmax",
    }
}

/// A state as a value; no parts at all, where a block leaves its state to another.
pub(super) fn state_value(mut state: State) -> Value {
    if state.len() == 1 {
        return value(state.swap_remove(0));
    }
    Value::new(Parts(state.into_iter().map(value).collect()))
}

fn states(inputs: &[Value]) -> Result<Vec<State>> {
    let state = |input: &Value| match input.downcast_ref::<Parts>() {
        Some(Parts(parts)) => parts.iter().map(chunk).collect(),
        None => Ok(vec![chunk(input)?]),
    };
    inputs.iter().map(state).collect()
}

/// The states of several blocks as one, those that are left to others aside.
pub(super) fn merged(reduction: Reduction, inputs: &[Value]) -> Result<State> {
    let mut states = states(inputs)?;
    states.retain(|state| !state.is_empty());
    if states.is_empty() { Ok(State::new()) } else { reduction.merge(&states) }
}

impl Partial {
    /// The program's values by NumPy, for inputs that are no native chunks.
    fn foreign(&self, inputs: &[Value], block: &Block<'_>, what: &str) -> Result<Chunk> {
        let refuse = |why: &str| {
            ArrayError::Unsupported(format!(
                "a block of {what} where the array said {}: {why}; say what the blocks are where \
                 they are made (meta= or dtype=)",
                self.elements.program.dtype()
            ))
        };
        let foreign = foreign::interpreter().ok_or_else(|| refuse("no Python to run NumPy in"))?;
        let call = self.elements.call(block)?;
        let failed = |error: oxidask_core::op::TaskError| refuse(&error.to_string());
        let values = foreign.call(&call, inputs).map_err(failed)?;
        let dtype = Arg::DType(self.elements.program.dtype().typestr());
        let call = Call::new("oxidask.array._numpy.plain_array", [Arg::Input(0), dtype]);
        let plain = foreign.call(&call, &[values]).map_err(failed)?;
        chunk(&plain)
    }
}

impl Kernel for Partial {
    fn name(&self) -> Cow<'_, str> {
        format!("{}-partial", reducer_name(self.reduction.reducer)).into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let start =
            if self.starts.is_empty() { Dims::new() } else { region(&self.starts, block.coords).0 };
        let shape: Dims = self.starts.iter().map(|b| b.last().copied().unwrap_or(0)).collect();
        let place = Place { start: &start, shape: &shape };
        let extents = self.elements.extents(block);
        let partial = |program: &Program, feeds: &[Feed<'_>], extents: &[Option<usize>]| {
            self.reduction.partial(program, feeds, extents, &self.reduced, &place)
        };
        let makers = self.elements.makers(block);
        let native = chunks(inputs).and_then(|chunks| {
            let feeds = self.elements.feeds(chunks, &makers);
            partial(&self.elements.program, &feeds, &extents)
        });
        let state = match native {
            Err(ArrayError::NoKernel(what)) => {
                let chunk = self.foreign(inputs, block, &what)?;
                let ndim = self.elements.program.ndim;
                let axes = (0..ndim as u8).map(Some).collect();
                let input = Input { dtype: chunk.dtype(), axes };
                let program = Program { ndim, inputs: vec![input], steps: Vec::new(), result: 0 };
                let known: Vec<Option<usize>> = chunk.shape().iter().copied().map(Some).collect();
                partial(&program, &[Feed::Chunk(chunk)], &known)?
            }
            state => state?,
        };
        Ok(state_value(state))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported("a reduction of blocks that are no arrays".into()))
    }
}

/// The states of several blocks as one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Merge {
    /// Of which reduction.
    pub reduction: Reduction,
}

impl Kernel for Merge {
    fn name(&self) -> Cow<'_, str> {
        format!("{}-combine", reducer_name(self.reduction.reducer)).into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        Ok(state_value(merged(self.reduction, inputs)?))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported("states of a reduction that are no arrays".into()))
    }
}

/// The result of the states of several blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Aggregate {
    /// How the state becomes a result.
    pub finish: Finish,
}

impl Kernel for Aggregate {
    fn name(&self) -> Cow<'_, str> {
        reducer_name(self.finish.reduction.reducer).into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        let state = merged(self.finish.reduction, inputs)?;
        Ok(value(self.finish.finish(state)?))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported("states of a reduction that are no arrays".into()))
    }
}
