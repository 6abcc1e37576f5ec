//! Small values that travel with the news of them, and the families that read what travels.

use std::sync::Arc;

use oxidask_core::value::{CodecError, Encoded, Family, Region, Value};
use oxidask_sched::content::Content;
use oxidask_sched::message::Inline;

/// How small values go to the clients that wait for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InlineForm {
    /// As they are, to clients of this process.
    Object,
    /// In bytes.
    Bytes,
}

impl InlineForm {
    /// Larger values are fetched.
    #[must_use]
    pub fn most_bytes(self) -> u64 {
        match self {
            Self::Object => 64 << 10,
            Self::Bytes => 4 << 10,
        }
    }

    /// The value beside the news; none if it has no byte form, which whoever fetches it hears.
    #[must_use]
    pub fn of(self, value: &Value) -> Option<Inline> {
        let family = value.payload().family().name().into();
        let bytes = match self {
            Self::Object => Content::object(value.clone()),
            Self::Bytes => pack(&value.payload().encode().ok()?).into(),
        };
        Some(Inline { family, bytes })
    }
}

/// Families by name, for values that come in bytes.
#[derive(Clone)]
pub struct Families(Arc<[&'static dyn Family]>);

impl Families {
    /// No family: nothing comes in bytes.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new([]))
    }

    /// These.
    #[must_use]
    pub fn new(families: &[&'static dyn Family]) -> Self {
        Self(families.into())
    }

    /// A value from its byte form, around memory of any kind.
    ///
    /// # Errors
    /// As [`Families::decode`].
    pub fn decode_around(
        &self,
        family: &str,
        header: &[u8],
        regions: Vec<Box<dyn Region>>,
    ) -> Result<Value, CodecError> {
        match self.0.iter().find(|known| known.name() == family) {
            Some(known) => known.decode_around(header, regions),
            None => Err(error(family, "values of this family are not known here")),
        }
    }

    /// A value from its byte form.
    ///
    /// # Errors
    /// If no family of the name is here, or it can't read the bytes.
    pub fn decode(
        &self,
        family: &str,
        header: &[u8],
        buffers: Vec<Vec<u8>>,
    ) -> Result<Value, CodecError> {
        match self.0.iter().find(|known| known.name() == family) {
            Some(known) => known.decode(header, buffers),
            None => Err(error(family, "values of this family are not known here")),
        }
    }

    /// A value that came with the news of it.
    ///
    /// # Errors
    /// As [`Families::decode`].
    pub fn value(&self, inline: &Inline) -> Result<Value, CodecError> {
        if let Some(value) = inline.bytes.downcast_ref::<Value>() {
            return Ok(value.clone());
        }
        let bytes = inline.bytes.as_bytes().map_or(&[][..], |bytes| bytes);
        let (header, buffers) =
            unpack(bytes).ok_or_else(|| error(&inline.family, "its bytes are cut short"))?;
        self.decode(&inline.family, header, buffers)
    }
}

fn error(family: &str, reason: &str) -> CodecError {
    CodecError {
        family: "any",
        type_name: family.into(),
        direction: "decoded",
        reason: reason.into(),
    }
}

/// Header and buffers one after the other, each behind its length.
fn pack(encoded: &Encoded) -> Vec<u8> {
    let buffers = encoded.buffers.iter().map(|buffer| (**buffer).as_ref());
    let mut out = Vec::new();
    for piece in std::iter::once(&*encoded.header).chain(buffers) {
        out.extend_from_slice(&(piece.len() as u64).to_le_bytes());
        out.extend_from_slice(piece);
    }
    out
}

fn unpack(mut bytes: &[u8]) -> Option<(&[u8], Vec<Vec<u8>>)> {
    let mut piece = || -> Option<&[u8]> {
        let (len, rest) = bytes.split_first_chunk::<8>()?;
        let (piece, rest) =
            rest.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
        bytes = rest;
        Some(piece)
    };
    let header = piece()?;
    let mut buffers = Vec::new();
    while let Some(buffer) = piece() {
        buffers.push(buffer.to_vec());
    }
    bytes.is_empty().then_some((header, buffers))
}
