//! Boolean masks that are computed: what they keep of a block.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::dtype::Bool;
use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::gather::{Picks, compress, gather};
use crate::ops::{Block, Kernel, chunks, value};

/// Elements along an axis of the first input where the second one, of one axis, is true.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compress {
    /// The axis.
    pub axis: u8,
}

impl Kernel for Compress {
    fn name(&self) -> Cow<'_, str> {
        "compress".into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        let all = chunks(inputs)?;
        let [source, mask] = all.as_slice() else {
            return Err(ArrayError::Value("a mask is of one block".into()));
        };
        let axis = usize::from(self.axis);
        if mask.shape() != [source.shape()[axis]] {
            return Err(ArrayError::Index(format!(
                "boolean index did not match indexed array along axis {axis}; size of axis is {} \
                 but size of corresponding boolean axis is {:?}",
                source.shape()[axis],
                mask.shape()
            )));
        }
        let mask = mask.elements::<Bool>()?;
        if source.ndim() == 1 {
            return Ok(value(compress(source, &mask)?));
        }
        let locals: Vec<u32> =
            mask.iter().enumerate().filter(|(_, hit)| hit.0 != 0).map(|(i, _)| i as u32).collect();
        if locals.len() == mask.len() {
            return Ok(value(source.clone()));
        }
        let slots = vec![0; locals.len()];
        let picks = Picks { slots: &slots, locals: &locals };
        Ok(value(gather(std::slice::from_ref(source), &[axis], axis, picks)?))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        let args = [Arg::Input(0), Arg::Input(1), Arg::Int(self.axis.into())];
        Ok(Call::new("oxidask.array._numpy_indexing.compress", args))
    }
}
