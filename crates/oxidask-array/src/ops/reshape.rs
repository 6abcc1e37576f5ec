//! Blocks under another shape.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::Dims;
use crate::ops::{Block, Kernel, chunk, value};
use crate::plan::chunks::{Chunks, UNKNOWN};

/// The block of the same number under the shape that the chunks say; an unknown extent is what is
/// left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reshape {
    /// The chunks of the result.
    pub chunks: Chunks,
}

impl Kernel for Reshape {
    fn name(&self) -> Cow<'_, str> {
        "reshape".into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let [source] = inputs else {
            return Err(ArrayError::Value("a reshape is of one block".into()));
        };
        let source = chunk(source)?;
        let mut shape: Dims = self.chunks.block_shape(block.coords);
        if let Some(free) = shape.iter().position(|&n| n == UNKNOWN) {
            let known: usize = shape.iter().filter(|&&n| n != UNKNOWN).product();
            shape[free] = source.len().checked_div(known).unwrap_or(0);
        }
        Ok(value(source.reshaped(&shape)?))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let shape = self.chunks.block_shape(block.coords);
        let int = |&n: &usize| Arg::Int(if n == UNKNOWN { -1 } else { n as i64 });
        let shape = Arg::Tuple(shape.iter().map(int).collect());
        Ok(Call::new(".reshape", [Arg::Input(0), shape]))
    }
}
