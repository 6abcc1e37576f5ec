//! Running sums and products over many blocks: each block's total, what comes before each block,
//! and the scans that start from it.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::Chunk;
use crate::kernel::cumulative::{Scan, scan};
use crate::ops::{Block, Kernel, Parts, chunk, chunks, value};

/// A step of a scan along an axis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cumulate {
    /// What is scanned.
    pub scan: Scan,
    /// Along which axis.
    pub axis: usize,
    /// Which step.
    pub step: Step,
}

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A block's total: extent 1 along the axis. With a second input, the total of what comes before
    /// the block, it goes on from there.
    Total,
    /// Of the totals of all blocks along the axis: parts, for each block what comes before it.
    Carries,
    /// The inputs, each of which is what comes before a block but the first, as parts.
    Gather,
    /// The block scanned, started by its part of the carries if there is a second input.
    Scan,
}

fn total(chunk: &Chunk, kind: Scan, axis: usize, before: Option<&Chunk>) -> Result<Chunk> {
    let n = chunk.shape()[axis];
    if n == 0 {
        if let Some(before) = before {
            return Ok(before.clone());
        }
        // The scan of a view of no extent has no last element: a scan's start stands for it.
        let mut shape = crate::kernel::Dims::from(chunk.shape());
        shape[axis] = 1;
        return crate::kernel::cumulative::start(chunk.dtype(), &shape, kind);
    }
    let whole = scan(chunk, kind, axis, before)?;
    crate::kernel::copy::contiguous_copy(&whole.sliced(axis, n - 1, 1, 1))
}

fn carries(totals: &[Chunk], kind: Scan, axis: usize) -> Result<Value> {
    let Some(first) = totals.first() else {
        return Err(ArrayError::Value("a scan of no blocks".into()));
    };
    let mut before = crate::kernel::cumulative::start(first.dtype(), first.shape(), kind)?;
    let mut parts = Vec::with_capacity(totals.len());
    for total in totals {
        parts.push(value(before.clone()));
        before = scan(total, kind, axis, Some(&before))?;
    }
    Ok(Value::new(Parts(parts)))
}

fn gather(befores: &[Chunk], kind: Scan) -> Result<Value> {
    let Some(first) = befores.first() else {
        return Err(ArrayError::Value("a scan of no blocks".into()));
    };
    let start = crate::kernel::cumulative::start(first.dtype(), first.shape(), kind)?;
    let parts = std::iter::once(start).chain(befores.iter().cloned()).map(value);
    Ok(Value::new(Parts(parts.collect())))
}

impl Kernel for Cumulate {
    fn name(&self) -> Cow<'_, str> {
        let name = match self.scan {
            Scan::Sum => "cumsum",
            Scan::Product => "cumprod",
            Scan::NanSum => "nancumsum",
            Scan::NanProduct => "nancumprod",
            Scan::Max => "cummax",
            Scan::Min => "cummin",
        };
        match self.step {
            Step::Total => format!("{name}-total").into(),
            Step::Carries | Step::Gather => format!("{name}-carries").into(),
            Step::Scan => name.into(),
        }
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        match self.step {
            Step::Total => {
                let before = inputs.get(1).map(chunk).transpose()?;
                let block = chunk(&inputs[0])?;
                Ok(value(total(&block, self.scan, self.axis, before.as_ref())?))
            }
            Step::Carries => carries(&chunks(inputs)?, self.scan, self.axis),
            Step::Gather => gather(&chunks(inputs)?, self.scan),
            Step::Scan => {
                let at = block.coords.get(self.axis).map_or(0, |&at| at as usize);
                let carry = match inputs.get(1) {
                    Some(carries) => {
                        let parts = carries.downcast_ref::<Parts>();
                        let part = parts.and_then(|parts| parts.0.get(at));
                        Some(chunk(part.ok_or_else(|| {
                            ArrayError::NoKernel(carries.payload().type_name().into_owned())
                        })?)?)
                    }
                    None => None,
                };
                Ok(value(scan(&chunk(&inputs[0])?, self.scan, self.axis, carry.as_ref())?))
            }
        }
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let (module, step) = ("oxidask.array._numpy_linalg", self.step);
        let function = match step {
            Step::Total => format!("{module}.scan_total"),
            Step::Carries => format!("{module}.scan_carries"),
            Step::Gather => format!("{module}.scan_gather"),
            Step::Scan => format!("{module}.scan"),
        };
        let name = self.name();
        let name = name.split('-').next().unwrap_or_default().to_owned();
        let at = block.coords.get(self.axis).map_or(0, |&at| i64::from(at));
        Ok(Call::new(
            function,
            [Arg::Text(name), Arg::Int(self.axis as i64), Arg::Int(at), Arg::Rest(0)],
        ))
    }
}
