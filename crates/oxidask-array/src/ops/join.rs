//! A block of one of several arrays: what each task of a concatenation runs.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::Call;
use crate::ops::{Block, Kernel};

/// The only input, as it is. Index maps give every block of a concatenation the one block of the
/// one array that it comes from, so nothing is copied, and blocks may be of any type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pick;

impl Kernel for Pick {
    fn name(&self) -> Cow<'_, str> {
        "concatenate".into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        match inputs {
            [only] => Ok(only.clone()),
            _ => Err(ArrayError::Value(format!("{} blocks where one belongs", inputs.len()))),
        }
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported("a block is taken as it is".into()))
    }
}
