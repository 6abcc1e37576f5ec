//! The tasks of dataframe layers: partitions as values, kernels as ops.
//!
//! A [`Kernel`] joins the mathematics of [`crate::kernel`] to the partition it runs for. All of them are
//! variants of [`AnyKernel`], so that any task of ours can be sent as bytes, compared and named.

pub mod accessor;
pub mod attempt;
pub mod choose;
pub mod codec;
pub mod elementwise;
pub mod exchange;
pub mod files;
pub mod foreign;
pub mod group;
pub mod join;
mod registry;
pub mod select;
pub mod sort;
pub mod source;
pub mod transform;

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, StringViewArray};
use arrow_buffer::Buffer as Memory;
use arrow_schema::DataType;
use oxidask_core::op::{Op, TaskContext, TaskError};
use oxidask_core::value::{Buffer, CodecError, Encoded, Family, Payload, Region, Value};
use serde::{Deserialize, Serialize};

pub use registry::AnyKernel;

use crate::error::{FrameError, Result};
use crate::kernel::Frame;

/// Native partitions.
pub struct FrameFamily;

#[derive(Serialize, Deserialize)]
enum Header {
    Frame(Vec<u8>),
    Parts(Vec<(u32, Vec<u8>)>),
}

impl FrameFamily {
    fn error(direction: &'static str, reason: impl ToString) -> CodecError {
        let (family, type_name) = ("frame", "partition".into());
        CodecError { family, type_name, direction, reason: reason.to_string() }
    }
}

impl Family for FrameFamily {
    fn name(&self) -> &'static str {
        "frame"
    }

    fn decode(&self, header: &[u8], buffers: Vec<Vec<u8>>) -> Result<Value, CodecError> {
        let region = |buffer| Box::new(buffer) as Box<dyn Region>;
        self.decode_around(header, buffers.into_iter().map(region).collect())
    }

    fn decode_around(
        &self,
        header: &[u8],
        buffers: Vec<Box<dyn Region>>,
    ) -> Result<Value, CodecError> {
        let frame = |header: &[u8], buffers| {
            codec::decode(header, buffers).map_err(|error| Self::error("decoded", error))
        };
        match postcard::from_bytes(header).map_err(|error| Self::error("decoded", error))? {
            Header::Frame(header) => Ok(value(frame(&header, buffers)?)),
            Header::Parts(parts) => {
                let mut buffers = buffers.into_iter();
                let parts = parts
                    .into_iter()
                    .map(|(n, header)| frame(&header, buffers.by_ref().take(n as usize).collect()));
                Ok(Value::new(Parts(parts.collect::<Result<_, _>>()?)))
            }
        }
    }
}

/// A native partition as a value.
#[derive(Clone)]
pub struct FrameValue(pub Frame);

struct Lent(Memory);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

fn lend(buffers: Vec<Memory>) -> impl Iterator<Item = Buffer> {
    buffers.into_iter().map(|buffer| Box::new(Lent(buffer)) as Buffer)
}

impl Payload for FrameValue {
    fn family(&self) -> &'static dyn Family {
        &FrameFamily
    }

    fn nbytes(&self) -> u64 {
        nbytes(&self.0)
    }

    fn type_name(&self) -> Cow<'_, str> {
        match self.0.schema().kind {
            crate::schema::Kind::Frame => "DataFrame".into(),
            crate::schema::Kind::Series => "Series".into(),
            crate::schema::Kind::Index => "Index".into(),
        }
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        let failed = |error: &dyn ToString| FrameFamily::error("encoded", error.to_string());
        let (header, buffers) = codec::encode(&self.0).map_err(|error| failed(&error))?;
        let header = postcard::to_allocvec(&Header::Frame(header)).map_err(|e| failed(&e))?;
        Ok(Encoded { header, buffers: lend(buffers).collect() })
    }
}

/// Several partitions that one task gave.
#[derive(Clone)]
pub struct Parts(pub Vec<Frame>);

impl Payload for Parts {
    fn family(&self) -> &'static dyn Family {
        &FrameFamily
    }

    fn nbytes(&self) -> u64 {
        self.0.iter().map(nbytes).sum()
    }

    fn type_name(&self) -> Cow<'_, str> {
        "parts".into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        let failed = |error: &dyn ToString| FrameFamily::error("encoded", error.to_string());
        let (mut parts, mut all) = (Vec::new(), Vec::new());
        for frame in &self.0 {
            let (header, buffers) = codec::encode(frame).map_err(|error| failed(&error))?;
            parts.push((buffers.len() as u32, header));
            all.extend(lend(buffers));
        }
        let header = postcard::to_allocvec(&Header::Parts(parts)).map_err(|e| failed(&e))?;
        Ok(Encoded { header, buffers: all })
    }
}

/// Bytes that the rows of a frame take, whatever else lies in the same buffers.
#[must_use]
pub fn nbytes(frame: &Frame) -> u64 {
    fn of(array: &dyn Array) -> usize {
        let nulls = array.nulls().map_or(0, |nulls| nulls.len().div_ceil(8));
        nulls
            + match array.data_type() {
                DataType::Boolean => array.len().div_ceil(8),
                DataType::Utf8View => 16 * array.len() + long_texts(array.as_string_view()),
                DataType::Dictionary(_, _) => {
                    4 * array.len() + array.as_any_dictionary().values().get_buffer_memory_size()
                }
                other => other.primitive_width().unwrap_or(16) * array.len(),
            }
    }
    let levels = match frame.index() {
        crate::kernel::RowLabels::Levels(levels) => &levels[..],
        crate::kernel::RowLabels::Range { .. } => &[],
    };
    let total: usize = levels.iter().chain(frame.columns()).map(|array| of(array)).sum();
    (total + 256) as u64
}

/// Bytes of the texts that don't fit into their views; of many rows by a sample, since this is asked of
/// every value that a task gives.
fn long_texts(texts: &StringViewArray) -> usize {
    const SAMPLE: usize = 1 << 12;
    const INLINE: u32 = 12;
    if texts.data_buffers().is_empty() {
        return 0;
    }
    let views = texts.views();
    let step = (views.len() / SAMPLE).max(1);
    let lengths = views.iter().step_by(step).map(|&view| view as u32);
    let sampled: usize = lengths.filter(|&n| n > INLINE).map(|n| n as usize).sum();
    sampled * step
}

/// A partition as a value.
#[must_use]
pub fn value(frame: Frame) -> Value {
    Value::new(FrameValue(frame))
}

/// The partition that a value is.
///
/// # Errors
/// [`FrameError::Type`] if it is something else that has no native form.
pub fn frame(value: &Value) -> Result<Frame> {
    if let Some(FrameValue(frame)) = value.downcast_ref() {
        return Ok(frame.clone());
    }
    let what = value.payload().type_name().into_owned();
    match foreign::interpreter() {
        Some(foreign) => foreign.frame(value),
        None => Err(FrameError::Type(format!("a task got a {what} for a partition"))),
    }
}

/// The partitions that the inputs are.
///
/// # Errors
/// As [`frame`].
pub fn frames(inputs: &[Value]) -> Result<Vec<Frame>> {
    inputs.iter().map(frame).collect()
}

/// What one task of a dataframe's layer computes.
pub trait Kernel: Send + Sync + 'static {
    /// The name for pictures and profiles.
    fn name(&self) -> Cow<'_, str>;

    /// Computes the value of block `block` of the layer.
    ///
    /// # Errors
    /// The task's failure.
    fn run(&self, inputs: &mut [Value], block: u32) -> Result<Value>;
}

/// A kernel as the op of a layer.
pub struct KernelOp(pub AnyKernel);

/// A kernel as the op of a layer.
pub fn op(kernel: impl Into<AnyKernel>) -> Arc<dyn Op> {
    Arc::new(KernelOp(kernel.into()))
}

impl KernelOp {
    /// The byte form.
    ///
    /// # Errors
    /// If a partition in it has none.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(&self.0).map_err(|error| FrameError::Value(error.to_string()))
    }

    /// The op of a byte form.
    ///
    /// # Errors
    /// If the bytes are of no kernel.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let kernel = postcard::from_bytes(bytes)
            .map_err(|error| FrameError::Value(format!("no kernel of a dataframe: {error}")))?;
        Ok(Self(kernel))
    }
}

impl Op for KernelOp {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        self.0.run(inputs, ctx.block).map_err(TaskError::raised)
    }

    fn name(&self) -> Cow<'_, str> {
        self.0.name()
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_texts(length: impl Fn(usize) -> usize, n: usize) -> usize {
        let texts = StringViewArray::from_iter_values((0..n).map(|row| "x".repeat(length(row))));
        long_texts(&texts)
    }

    #[test]
    fn long_texts_are_counted_and_short_ones_lie_in_their_views() {
        assert_eq!(size_of_texts(|row| row % 13, 50_000), 0);
        assert_eq!(size_of_texts(|row| row % 20, 1_000), (13..20).sum::<usize>() * 50);
    }

    #[test]
    fn many_texts_are_counted_by_a_sample() {
        let right = (0..100_000).map(|row| 20 + row * 7919 % 100).sum::<usize>() as f64;
        let found = size_of_texts(|row| 20 + row * 7919 % 100, 100_000) as f64;
        assert!((found / right - 1.0).abs() < 0.05, "{found} instead of {right}");
    }
}
