//! Rows that go from partition to partition.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, Parts, value};
use crate::error::{FrameError, Result};
use crate::kernel::Frame;

/// All inputs, one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Concat;

impl Kernel for Concat {
    fn name(&self) -> Cow<'_, str> {
        "concat".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        Ok(value(Frame::concat(&super::frames(inputs)?)?))
    }
}

/// One of the parts that a task has cut a partition into. Block `(i, j)` of the layer takes part `j`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pick {
    /// Into how many.
    pub n_parts: u32,
}

impl Kernel for Pick {
    fn name(&self) -> Cow<'_, str> {
        "pick".into()
    }

    fn run(&self, inputs: &mut [Value], block: u32) -> Result<Value> {
        let part = (block % self.n_parts) as usize;
        let Some(Parts(parts)) = inputs[0].downcast_ref() else {
            return Err(FrameError::Type("a task got a whole partition for its parts".into()));
        };
        match parts.get(part) {
            Some(part) => Ok(value(part.clone())),
            None => Err(FrameError::Value(format!("part {part} of {}", parts.len()))),
        }
    }
}

/// Rows of each input, counted along the partitions: for repartitioning by position.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SliceRows {
    /// For each block: the rows to take of each of its inputs.
    pub rows: std::sync::Arc<[Vec<(u64, u64)>]>,
}

impl Kernel for SliceRows {
    fn name(&self) -> Cow<'_, str> {
        "repartition".into()
    }

    fn run(&self, inputs: &mut [Value], block: u32) -> Result<Value> {
        let frames = super::frames(inputs)?;
        let slices = frames.iter().zip(&self.rows[block as usize]);
        let slices: Vec<Frame> = slices
            .map(|(frame, &(start, end))| frame.slice(start as usize, (end - start) as usize))
            .collect();
        Ok(value(Frame::concat(&slices)?))
    }
}
