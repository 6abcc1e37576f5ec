//! What the machines pass on without looking: bytes, or an object of this process.
//!
//! Machines in one process hand each other objects as they are, so that nothing is pickled where nothing
//! travels. A wire carries bytes only: whoever is about to send content over one has its family encode
//! it first.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// Bytes that some family reads, or the object that they would stand for.
#[derive(Clone)]
pub enum Content {
    /// What only its family reads.
    Bytes(Bytes),
    /// An object of this process.
    Object(Arc<dyn Any + Send + Sync>),
}

impl Content {
    /// No bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self::Bytes(Bytes::new())
    }

    /// Wraps an object of this process.
    pub fn object(object: impl Any + Send + Sync) -> Self {
        Self::Object(Arc::new(object))
    }

    /// The bytes, unless it is an object.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Object(_) => None,
        }
    }

    /// The object as a `T`, if it is one.
    #[must_use]
    pub fn downcast_ref<T: Any>(&self) -> Option<&T> {
        match self {
            Self::Bytes(_) => None,
            Self::Object(object) => object.downcast_ref(),
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_some_and(Bytes::is_empty)
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&'static [u8]> for Content {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Bytes(Bytes::from_static(bytes))
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => fmt::Debug::fmt(bytes, f),
            Self::Object(_) => f.write_str("an object"),
        }
    }
}
