//! What a task gives and takes: a counted, type-erased value.
//!
//! A value belongs to a [`Family`] (Python objects, native array chunks, frames, bytes), which
//! knows how to bring it to bytes and back. Stores, spill files and wires carry values without
//! knowing more than this.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The data behind a [`Value`].
pub trait Payload: Any + Send + Sync {
    /// The family that can decode what [`Payload::encode`] wrote.
    fn family(&self) -> &'static dyn Family;

    /// Estimated bytes of memory that dropping the value would free.
    fn nbytes(&self) -> u64;

    /// The type's name for people, such as `ndarray`.
    fn type_name(&self) -> Cow<'_, str>;

    /// Brings the value to bytes: a small header and large buffers that need not be copied.
    ///
    /// # Errors
    /// If the value has no byte form (an open file, say). The value is untouched.
    fn encode(&self) -> Result<Encoded, CodecError>;
}

/// A counted handle to a [`Payload`]; cloning is cheap.
#[derive(Clone)]
pub struct Value(Arc<dyn Payload>);

impl Value {
    /// Wraps a payload.
    pub fn new(payload: impl Payload) -> Self {
        Self(Arc::new(payload))
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &dyn Payload {
        &*self.0
    }

    /// The payload as a `T`, if it is one.
    #[must_use]
    pub fn downcast_ref<T: Payload>(&self) -> Option<&T> {
        (self.payload() as &dyn Any).downcast_ref()
    }

    /// The payload as a `T` to change in place, if it is one and nobody else holds it.
    #[must_use]
    pub fn get_mut<T: Payload>(&mut self) -> Option<&mut T> {
        let payload: &mut dyn Any = Arc::get_mut(&mut self.0)?;
        payload.downcast_mut()
    }

    /// Whether both are handles to one payload.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// How many handles there are.
    #[must_use]
    pub fn n_handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value<{}, {} bytes>", self.0.type_name(), self.0.nbytes())
    }
}

/// A large piece of an encoded value, owned by whatever holds the memory.
pub type Buffer = Box<dyn AsRef<[u8]> + Send>;

/// A value's byte form.
#[derive(Default)]
pub struct Encoded {
    /// What the family needs to rebuild the value around its buffers.
    pub header: Vec<u8>,
    /// Raw memory, in the order in which the family wrote it.
    pub buffers: Vec<Buffer>,
}

impl Encoded {
    /// Bytes over header and buffers.
    #[must_use]
    pub fn nbytes(&self) -> u64 {
        let buffers: usize = self.buffers.iter().map(|b| (**b).as_ref().len()).sum();
        (self.header.len() + buffers) as u64
    }
}

/// One kind of values and ops: a language, or a native chunk type.
pub trait Family: Send + Sync {
    /// The family's name on wires and in errors.
    fn name(&self) -> &'static str;

    /// Rebuilds a value from what its `encode` wrote.
    ///
    /// # Errors
    /// If the bytes are not a value of this family.
    fn decode(&self, header: &[u8], buffers: Vec<Vec<u8>>) -> Result<Value, CodecError>;

    /// As [`Family::decode`], around memory of any kind. Families that can leave large buffers where they are do.
    ///
    /// # Errors
    /// If the bytes are not a value of this family.
    fn decode_around(
        &self,
        header: &[u8],
        regions: Vec<Box<dyn Region>>,
    ) -> Result<Value, CodecError> {
        self.decode(header, regions.into_iter().map(Region::into_vec).collect())
    }
}

/// Memory that a value is rebuilt around, which belongs to that value alone: a vector, or a map of memory that other
/// processes see too until they write.
pub trait Region: Any + Send + Sync {
    /// The bytes, which stay where they are for as long as the region lives.
    fn bytes(&self) -> &[u8];

    /// The same bytes, to write to.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// The bytes as a vector: a copy, unless they are one.
    fn into_vec(self: Box<Self>) -> Vec<u8> {
        self.bytes().to_vec()
    }
}

impl Region for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    fn into_vec(self: Box<Self>) -> Vec<u8> {
        *self
    }
}

/// A value could not be brought to bytes or back.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a {type_name} of the {family} family can't be {direction}: {reason}")]
pub struct CodecError {
    /// The family's name.
    pub family: &'static str,
    /// The value's type.
    pub type_name: String,
    /// `encoded` or `decoded`.
    pub direction: &'static str,
    /// What the family's codec said.
    pub reason: String,
}

/// Plain bytes: the family every process knows.
pub struct BytesFamily;

impl Family for BytesFamily {
    fn name(&self) -> &'static str {
        "bytes"
    }

    fn decode(&self, _: &[u8], mut buffers: Vec<Vec<u8>>) -> Result<Value, CodecError> {
        let error = |reason: &str| CodecError {
            family: "bytes",
            type_name: "bytes".into(),
            direction: "decoded",
            reason: reason.into(),
        };
        let bytes = buffers.pop().ok_or_else(|| error("no buffer came with the header"))?;
        if buffers.is_empty() {
            Ok(Value::new(Bytes(bytes.into())))
        } else {
            Err(error("more than one buffer came with the header"))
        }
    }
}

/// A value of plain bytes.
#[derive(Clone)]
pub struct Bytes(pub Arc<[u8]>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Payload for Bytes {
    fn family(&self) -> &'static dyn Family {
        &BytesFamily
    }

    fn nbytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn type_name(&self) -> Cow<'_, str> {
        "bytes".into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        Ok(Encoded { header: Vec::new(), buffers: vec![Box::new(self.clone())] })
    }
}

/// Values of a Rust program's own types: they live in this process only.
pub struct NativeFamily;

impl Family for NativeFamily {
    fn name(&self) -> &'static str {
        "native"
    }

    fn decode(&self, _: &[u8], _: Vec<Vec<u8>>) -> Result<Value, CodecError> {
        Err(CodecError {
            family: "native",
            type_name: "value".into(),
            direction: "decoded",
            reason: "values of Rust types have no byte form".into(),
        })
    }
}

/// A value of any Rust type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native<T>(pub T);

impl<T: Send + Sync + 'static> Payload for Native<T> {
    fn family(&self) -> &'static dyn Family {
        &NativeFamily
    }

    fn nbytes(&self) -> u64 {
        size_of::<T>() as u64
    }

    fn type_name(&self) -> Cow<'_, str> {
        std::any::type_name::<T>().into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        Err(CodecError {
            family: "native",
            type_name: self.type_name().into_owned(),
            direction: "encoded",
            reason:
                "values of Rust types have no byte form; use Bytes, or a type of a family that \
                     has one"
                    .into(),
        })
    }
}
