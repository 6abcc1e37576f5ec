//! The way in for partitions that Python made.

use std::sync::OnceLock;

use oxidask_core::value::Value;

use crate::error::Result;
use crate::kernel::Frame;

/// Who knows pandas.
pub trait Foreign: Send + Sync {
    /// The partition that a foreign value is.
    ///
    /// # Errors
    /// [`crate::error::FrameError::NoKernel`] if it has columns that are not native.
    fn frame(&self, value: &Value) -> Result<Frame>;

    /// Calls a function that `function` says, in the foreign language's own bytes, of these partitions.
    ///
    /// # Errors
    /// What the function raises.
    fn call(&self, function: &[u8], inputs: &[Value]) -> Result<Value>;
}

static FOREIGN: OnceLock<Box<dyn Foreign>> = OnceLock::new();

/// Registers who knows pandas; the first one stays.
pub fn register(foreign: Box<dyn Foreign>) {
    // A second registration is by the same face loaded twice.
    let _ = FOREIGN.set(foreign);
}

/// Who knows pandas, if there is one.
#[must_use]
pub fn interpreter() -> Option<&'static dyn Foreign> {
    FOREIGN.get().map(|foreign| &**foreign)
}
