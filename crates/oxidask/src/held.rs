//! How values of Rust types travel between tasks.
//!
//! A [`Held`] is the payload behind every value that a task of this crate gives: the user's `T`,
//! counted so that a caller can keep it, and, for types that can be [spilled](crate::spill), how
//! to bring it to bytes. Tasks read what they are given through [`read`].

use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::op::TaskError;
use oxidask_core::value::{CodecError, Encoded, Family, Native, NativeFamily, Payload, Value};

use crate::spill::Codec;

/// A user's value.
pub(crate) struct Held<T: 'static> {
    pub(crate) value: Arc<T>,
    /// Counted once, where a panic of the user's code can be caught.
    nbytes: u64,
    codec: Option<&'static Codec<T>>,
}

impl<T: Send + Sync + 'static> Held<T> {
    pub(crate) fn new(value: Arc<T>, codec: Option<&'static Codec<T>>) -> Self {
        let nbytes = codec.map_or(size_of::<T>() as u64, |codec| (codec.nbytes)(&value));
        Self { value, nbytes, codec }
    }
}

impl<T: Send + Sync + 'static> Payload for Held<T> {
    fn family(&self) -> &'static dyn Family {
        self.codec.map_or(&NativeFamily, |codec| codec.family)
    }

    fn nbytes(&self) -> u64 {
        self.nbytes
    }

    fn type_name(&self) -> Cow<'_, str> {
        std::any::type_name::<T>().into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        match self.codec {
            Some(codec) => codec.encode(&self.value),
            None => Err(CodecError {
                family: "native",
                type_name: std::any::type_name::<T>().into(),
                direction: "encoded",
                reason: "its task was not made `spillable`".into(),
            }),
        }
    }
}

/// A value that can't be spilled.
pub(crate) fn plain<T: Send + Sync + 'static>(value: T) -> Value {
    Value::new(Held::new(Arc::new(value), None))
}

/// The `T` in a value.
pub(crate) fn read<T: Send + Sync + 'static>(value: &Value) -> Result<&T, TaskError> {
    if let Some(held) = value.downcast_ref::<Held<T>>() {
        return Ok(&held.value);
    }
    value.downcast_ref::<Native<T>>().map(|native| &native.0).ok_or_else(|| mismatch::<T>(value))
}

/// A counted handle to the `T` in a value.
pub(crate) fn share<T: Send + Sync + 'static>(value: &Value) -> Result<Arc<T>, TaskError> {
    let held = value.downcast_ref::<Held<T>>().ok_or_else(|| mismatch::<T>(value))?;
    Ok(Arc::clone(&held.value))
}

/// Two tasks of one key, and of different types, stand behind the value.
#[derive(Debug, thiserror::Error)]
#[error(
    "a value is a {found} and was expected to be a {expected}; two delayed values of different \
     types may have been given one key"
)]
struct Mismatch {
    expected: &'static str,
    found: String,
}

fn mismatch<T>(value: &Value) -> TaskError {
    let found = value.payload().type_name().into_owned();
    TaskError::raised(Mismatch { expected: std::any::type_name::<T>(), found })
}
