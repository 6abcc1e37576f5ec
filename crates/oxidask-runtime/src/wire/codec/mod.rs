//! Messages to bytes and back.
//!
//! A message is a msgpack array: a number that says which it is, then its fields in order. Readers pass
//! over fields that they don't know, so a later version may add some at the end. Everything is
//! positional; no names travel but those of keys, families and types. [`table`] lists all messages and
//! structures, [`field`] how each type of field is written, [`key`] the names of tasks.
//!
//! Bytes are slices of the frame that they came in. Large ones aren't copied on the way out
//! either: a frame is a list of pieces.

mod data;
mod decoder;
mod encoder;
mod error;
mod field;
mod key;
mod names;
mod table;

pub use decoder::{Decoder, Limits};
pub use encoder::{Encoder, Pieces};
pub use error::{DecodeError, EncodeError};
pub use field::Field;
pub(in crate::wire) use field::{fields, structures, variant, variants};
pub use names::{GivenNames, HeardNames};

/// Texts, of keys among others, are of no more bytes.
pub const MAX_TEXT_BYTES: usize = 16 << 20;

/// Arrays are nested no deeper.
pub const MAX_DEPTH: u32 = 64;

/// What travels by itself: the messages between two machines.
pub trait Message: Field + Send + 'static {}
