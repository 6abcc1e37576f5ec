//! The tasks of array layers: chunks as values, kernels as ops.
//!
//! A [`Kernel`] joins the mathematics of [`crate::kernel`] to the block it runs for. All of them are
//! variants of [`AnyKernel`], so that any task of ours can be sent as bytes, compared and named.

pub mod assemble;
pub mod buckets;
pub mod columns;
pub mod contract;
pub mod cumulative;
pub mod elementwise;
pub mod fft;
pub mod join;
pub mod linalg;
pub mod mask;
pub mod overlap;
pub mod pair;
pub mod place;
pub mod random;
pub mod rechunk;
pub mod reduce;
mod registry;
pub mod reshape;
pub mod search;
pub mod sequence;
pub mod setitem;
pub mod slice;
pub mod sort;
pub mod source;
pub mod take;

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::layer::unravel;
use oxidask_core::op::{Op, TaskContext, TaskError};
use oxidask_core::value::{Buffer, CodecError, Encoded, Family, Payload, Region, Value};
use serde::{Deserialize, Serialize};

pub use registry::AnyKernel;

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::foreign::{self, Call};
use crate::kernel::buffer::Buffer as Memory;
use crate::kernel::{Chunk, Dims};

/// Native array chunks.
pub struct ArrayFamily;

#[derive(Serialize, Deserialize)]
enum Header {
    Chunk(DType, Dims),
    Parts(Vec<(usize, Vec<u8>)>),
}

impl ArrayFamily {
    fn error(direction: &'static str, reason: impl Into<String>) -> CodecError {
        CodecError { family: "array", type_name: "chunk".into(), direction, reason: reason.into() }
    }
}

impl Family for ArrayFamily {
    fn name(&self) -> &'static str {
        "array"
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
        let bad = |reason: &str| Self::error("decoded", reason);
        let mut buffers = buffers.into_iter();
        match postcard::from_bytes(header).map_err(|error| bad(&error.to_string()))? {
            Header::Chunk(dtype, shape) => {
                let bytes = buffers.next().ok_or_else(|| bad("no buffer came with the header"))?;
                let chunk = Chunk::from_buffer(dtype, &shape, memory_of(bytes));
                Ok(Value::new(ChunkValue(chunk.map_err(|error| bad(&error.to_string()))?)))
            }
            Header::Parts(parts) => {
                let decode = |(n, header): (usize, Vec<u8>)| {
                    self.decode_around(&header, buffers.by_ref().take(n).collect())
                };
                Ok(Value::new(Parts(parts.into_iter().map(decode).collect::<Result<_, _>>()?)))
            }
        }
    }
}

/// The memory of a region, which is not copied.
#[expect(unsafe_code, reason = "memory that stays where it is in a box")]
fn memory_of(mut region: Box<dyn Region>) -> Memory {
    let (start, len) = (region.bytes_mut().as_mut_ptr(), region.bytes().len());
    // SAFETY: a region's bytes are its own, and stay where they are while it lives.
    unsafe { Memory::given(start, len, Box::new(region)) }
}

/// A native chunk as a value.
#[derive(Clone)]
pub struct ChunkValue(pub Chunk);

struct ChunkBytes(Chunk);

impl AsRef<[u8]> for ChunkBytes {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes().unwrap_or_default()
    }
}

impl Payload for ChunkValue {
    fn family(&self) -> &'static dyn Family {
        &ArrayFamily
    }

    fn nbytes(&self) -> u64 {
        // A view keeps its whole buffer alive, but shares it: what counts is what it adds.
        let buffer = self.0.buffer();
        let shown = self.0.nbytes().min(buffer.len());
        if buffer.is_ours() { (shown + 128) as u64 } else { 128 }
    }

    fn type_name(&self) -> Cow<'_, str> {
        "chunk".into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        let failed = |error: String| ArrayFamily::error("encoded", error);
        let chunk = self.0.to_contiguous().map_err(|error| failed(error.to_string()))?;
        let header = Header::Chunk(chunk.dtype(), chunk.shape().into());
        let header = postcard::to_allocvec(&header).map_err(|error| failed(error.to_string()))?;
        Ok(Encoded { header, buffers: vec![Box::new(ChunkBytes(chunk)) as Buffer] })
    }
}

/// Several values that one task gave.
#[derive(Clone)]
pub struct Parts(pub Vec<Value>);

impl Payload for Parts {
    fn family(&self) -> &'static dyn Family {
        &ArrayFamily
    }

    fn nbytes(&self) -> u64 {
        self.0.iter().map(|value| value.payload().nbytes()).sum()
    }

    fn type_name(&self) -> Cow<'_, str> {
        "parts".into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        let mut encoded = Encoded::default();
        let mut parts = Vec::new();
        for value in &self.0 {
            if value.payload().family().name() != ArrayFamily.name() {
                return Err(ArrayFamily::error("encoded", "a part is of another family"));
            }
            let part = value.payload().encode()?;
            parts.push((part.buffers.len(), part.header));
            encoded.buffers.extend(part.buffers);
        }
        encoded.header = postcard::to_allocvec(&Header::Parts(parts))
            .map_err(|error| ArrayFamily::error("encoded", error.to_string()))?;
        Ok(encoded)
    }
}

/// The block that a task computes.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// Its coordinates.
    pub coords: &'a [u32],
    /// The grid's extents.
    pub grid: &'a [u32],
    /// What else the task may know.
    pub ctx: &'a TaskContext<'a>,
}

/// A chunk value of a native kernel's result.
#[must_use]
pub fn value(chunk: Chunk) -> Value {
    Value::new(ChunkValue(chunk))
}

/// The chunk that a value is.
///
/// # Errors
/// [`ArrayError::NoKernel`] if it is something else: the caller's stand-in takes over.
pub fn chunk(value: &Value) -> Result<Chunk> {
    if let Some(ChunkValue(chunk)) = value.downcast_ref() {
        return Ok(chunk.clone());
    }
    foreign::interpreter()
        .and_then(|foreign| foreign.chunk(value))
        .ok_or_else(|| ArrayError::NoKernel(value.payload().type_name().into_owned()))
}

/// The chunks that the inputs are, taken over: what nobody else holds may be changed in place.
///
/// # Errors
/// As [`chunk`].
pub fn chunks(inputs: &mut [Value]) -> Result<Vec<Chunk>> {
    inputs.iter().map(chunk).collect()
}

/// What one task of an array layer computes: mathematics on chunks that can be sent as bytes, and
/// the same as a call of NumPy for inputs that have no kernel.
pub trait Kernel: Send + Sync + 'static {
    /// The name for pictures and profiles.
    fn name(&self) -> Cow<'_, str>;

    /// Computes the block's value. May take chunks out of `inputs` only once it can't fail with
    /// [`ArrayError::NoKernel`] any more.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] to run [`Kernel::call`] instead; others are the task's failure.
    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value>;

    /// The same in NumPy.
    ///
    /// # Errors
    /// If there is no such call.
    fn call(&self, block: &Block<'_>) -> Result<Call>;
}

/// A kernel as the op of a layer.
pub struct KernelOp {
    /// The kernel.
    pub kernel: AnyKernel,
    /// Extents of the layer's grid.
    pub grid: Box<[u32]>,
}

/// A kernel as the op of a layer over `grid`.
pub fn op(kernel: impl Into<AnyKernel>, grid: &[u32]) -> Arc<dyn Op> {
    Arc::new(KernelOp { kernel: kernel.into(), grid: grid.into() })
}

impl KernelOp {
    /// The byte form.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(&(&self.grid, &self.kernel))
            .map_err(|error| ArrayError::Value(error.to_string()))
    }

    /// The op of a byte form.
    ///
    /// # Errors
    /// If the bytes are of no kernel.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (grid, kernel) = postcard::from_bytes(bytes)
            .map_err(|error| ArrayError::Value(format!("no kernel of an array: {error}")))?;
        Ok(Self { kernel, grid })
    }
}

impl Op for KernelOp {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        let mut coords = Vec::new();
        unravel(ctx.block, &self.grid, &mut coords);
        let block = Block { coords: &coords, grid: &self.grid, ctx };
        match self.kernel.run(inputs, &block) {
            Ok(value) => Ok(value),
            Err(ArrayError::NoKernel(what)) => match foreign::interpreter() {
                Some(foreign) => {
                    let call = self.kernel.call(&block).map_err(TaskError::raised)?;
                    foreign.call(&call, inputs)
                }
                None => Err(TaskError::raised(ArrayError::Unsupported(format!(
                    "no kernel for {what}, and no Python to run NumPy in"
                )))),
            },
            Err(error) => Err(TaskError::raised(error)),
        }
    }

    fn name(&self) -> Cow<'_, str> {
        self.kernel.name()
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// The only input's value under another key.
pub struct Alias;

impl Op for Alias {
    fn call(&self, inputs: &mut [Value], _: &TaskContext<'_>) -> Result<Value, TaskError> {
        Ok(inputs[0].clone())
    }

    fn name(&self) -> Cow<'_, str> {
        "alias".into()
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_comes_back_from_disk_takes_its_bytes() {
        let value = ChunkValue(Chunk::zeros(DType::F64, &[1000]).unwrap());
        let encoded = value.encode().unwrap();
        let buffers = encoded.buffers.iter().map(|buffer| (**buffer).as_ref().to_vec()).collect();
        let back = ArrayFamily.decode(&encoded.header, buffers).unwrap();
        assert_eq!(back.payload().nbytes(), value.nbytes());
        assert!(value.nbytes() >= 8000);
    }
}
