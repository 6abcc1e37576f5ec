//! The steps of a sort of many blocks by buckets: see [`crate::kernel::sort::buckets`].

use std::borrow::Cow;
use std::ops::Range;

use oxidask_core::op::Op;
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::Call;
use crate::kernel::Chunk;
use crate::kernel::sort::buckets::{self, Split};
use crate::ops::source::Bounds;
use crate::ops::{AnyKernel, Block, Kernel, KernelOp, Parts, chunk, chunks, value};

/// What is done with blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Buckets {
    /// One element of every `stride` of a block.
    Sample {
        /// How many elements give one.
        stride: usize,
    },
    /// Of all samples: the cuts between buckets.
    Splitters {
        /// About how many buckets there should be.
        n_buckets: usize,
    },
    /// Parts: the first input, a block, bucket by bucket as the second input cuts it; where buckets
    /// end.
    Split,
    /// Of the cuts, then all ends: where buckets start in the sorted whole.
    Starts,
    /// Of the starts, then all split blocks: a block of the sorted whole.
    Sorted {
        /// Where its blocks start.
        bounds: Bounds,
    },
}

/// The second of parts is [`Buckets::Split`]'s ends.
pub const ENDS: usize = 1;

fn split_of(value: &Value) -> Result<Split> {
    let parts = value.downcast_ref::<Parts>().map(|parts| &parts.0[..]);
    let Some([whole, ends]) = parts else {
        return Err(ArrayError::NoKernel(value.payload().type_name().into_owned()));
    };
    Ok(Split { whole: chunk(whole)?, ends: chunk(ends)? })
}

/// The starts and the split blocks that a block of the sorted whole is made of.
fn sorted_of(inputs: &[Value]) -> Result<(Chunk, Vec<Split>)> {
    let splits = inputs[1..].iter().map(split_of).collect::<Result<_>>()?;
    Ok((chunk(&inputs[0])?, splits))
}

/// The bounds of the blocks of a sorted whole, if the op gives these: they can be written straight
/// into a result.
pub(crate) fn sorted_bounds(op: &dyn Op) -> Option<Bounds> {
    match &op.as_any()?.downcast_ref::<KernelOp>()?.kernel {
        AnyKernel::Buckets(Buckets::Sorted { bounds }) => Some(bounds.clone()),
        _ => None,
    }
}

/// Writes a range of the sorted whole into that range of a result.
///
/// # Safety
/// Nobody else may write or read that range meanwhile.
///
/// # Errors
/// [`ArrayError::NoKernel`] if the result is of another kind.
#[expect(unsafe_code, reason = "parts of one result are written in parallel")]
pub(crate) unsafe fn sorted_to(
    inputs: &[Value],
    range: Range<usize>,
    result: &Chunk,
) -> Result<()> {
    let (starts, splits) = sorted_of(inputs)?;
    let part = result.sliced(0, range.start, 1, range.len());
    // SAFETY: the caller answers for the range.
    unsafe { buckets::sorted_to(&splits, &starts, range, &part) }
}

impl Kernel for Buckets {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Sample { .. } => "sort-sample",
            Self::Splitters { .. } => "sort-splitters",
            Self::Split => "sort-split",
            Self::Starts => "sort-starts",
            Self::Sorted { .. } => "sort",
        }
        .into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        Ok(match self {
            Self::Sample { stride } => value(buckets::sample(&chunk(&inputs[0])?, *stride)?),
            Self::Splitters { n_buckets } => {
                value(buckets::splitters(&chunks(inputs)?, *n_buckets)?)
            }
            Self::Split => {
                let (whole, ends) = buckets::split(&chunk(&inputs[0])?, &chunk(&inputs[1])?)?;
                Value::new(Parts(vec![value(whole), value(ends)]))
            }
            Self::Starts => {
                let inputs = chunks(inputs)?;
                value(buckets::starts(&inputs[1..], &inputs[0])?)
            }
            Self::Sorted { bounds } => {
                let at = block.coords[0] as usize;
                let (starts, splits) = sorted_of(inputs)?;
                value(buckets::sorted(&splits, &starts, bounds[at]..bounds[at + 1])?)
            }
        })
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported(format!(
            "{} of such blocks; rechunk the axis to one block, or map_blocks NumPy's",
            self.name()
        )))
    }
}
