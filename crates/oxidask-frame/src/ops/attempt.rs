//! Kernels that ask somebody else where the data, not the dtypes, are beyond them.

use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{AnyKernel, Kernel, foreign};
use crate::error::{FrameError, Result};

/// A kernel, and a foreign function of the same partitions that gives the same answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// What is tried first.
    pub kernel: Box<AnyKernel>,
    /// The function, in the foreign language's own bytes.
    pub otherwise: Arc<[u8]>,
}

impl Kernel for Attempt {
    fn name(&self) -> Cow<'_, str> {
        self.kernel.name()
    }

    fn run(&self, inputs: &mut [Value], block: u32) -> Result<Value> {
        // A foreign function of partitions that have no native form needs them as they are.
        let kept = inputs.to_vec();
        match (self.kernel.run(inputs, block), foreign::interpreter()) {
            (Err(FrameError::NoKernel(_)), Some(foreign)) => foreign.call(&self.otherwise, &kept),
            (answer, _) => answer,
        }
    }
}
