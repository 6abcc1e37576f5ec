//! Several blocks put together to one.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::{Chunk, Dims, copy};
use crate::ops::{Block, Kernel, chunks, value};

/// The inputs, a row-major grid of blocks, as one array. The grid follows from the inputs' number
/// along every axis, the result's shape from theirs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Concatenate {
    /// How many inputs there are along each axis, of every block; `None`: take it from `counts`.
    pub grid: Dims,
}

/// The blocks of a row-major grid put together.
///
/// # Errors
/// If blocks don't fit to each other, or there is not enough memory.
pub fn concatenate_grid(blocks: &[Chunk], grid: &[usize]) -> Result<Chunk> {
    let [first, ..] = blocks else {
        return Err(ArrayError::Value("need at least one array to concatenate".into()));
    };
    if let [only] = blocks {
        return Ok(only.clone());
    }
    let ndim = first.ndim();
    // The extents along an axis are those of the blocks on that edge of the grid.
    let mut starts: Vec<Vec<usize>> = Vec::with_capacity(ndim);
    let mut stride = blocks.len();
    for (axis, &count) in grid.iter().enumerate().take(ndim) {
        stride /= count.max(1);
        let mut at = vec![0];
        for i in 0..count {
            at.push(at[i] + blocks[i * stride].shape()[axis]);
        }
        starts.push(at);
    }
    let shape: Dims = starts.iter().map(|at| at.last().copied().unwrap_or(0)).collect();
    if blocks.iter().any(|block| block.dtype() != first.dtype()) {
        return Err(ArrayError::NoKernel("blocks of different dtypes".into()));
    }
    let target = Chunk::new(first.dtype(), &shape)?;
    let mut coords: Dims = Dims::from_elem(0, ndim);
    for block in blocks {
        let start: Dims = (0..ndim).map(|axis| starts[axis][coords[axis]]).collect();
        let fits = block.ndim() == ndim
            && (0..ndim)
                .all(|a| block.shape()[a] == starts[a][coords[a] + 1] - starts[a][coords[a]]);
        if !fits {
            return Err(ArrayError::Value(format!(
                "all the input array dimensions except for the concatenation axis must match \
                 exactly, but a block of shape {:?} lies at {start:?} of an array of shape {:?}",
                block.shape(),
                shape.as_slice()
            )));
        }
        #[expect(unsafe_code, reason = "parts of a new array that nobody else has")]
        // SAFETY: the target is new.
        unsafe {
            copy::copy_into(block, &target, &start)?;
        }
        for axis in (0..ndim).rev() {
            coords[axis] += 1;
            if coords[axis] < grid[axis] {
                break;
            }
            coords[axis] = 0;
        }
    }
    Ok(target)
}

impl Kernel for Concatenate {
    fn name(&self) -> Cow<'_, str> {
        "concatenate".into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        Ok(value(concatenate_grid(&chunks(inputs)?, &self.grid)?))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        let grid = self.grid.iter().map(|&n| Arg::Int(n as i64)).collect();
        Ok(Call::new("oxidask.array._numpy.concatenate_grid", [Arg::Rest(0), Arg::Tuple(grid)]))
    }
}
