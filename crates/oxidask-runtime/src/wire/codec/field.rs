//! How each type of field is written.

use std::sync::Arc;

use bytes::Bytes;
use oxidask_sched::content::Content;
use oxidask_sched::ids::{BlobHash, RunId, TaskId, WorkerId};
use oxidask_sched::message::{Holders, InputRef};

use super::{DecodeError, Decoder, EncodeError, Encoder};

/// What can stand in a message.
pub trait Field: Sized {
    /// Writes it.
    fn encode(&self, out: &mut Encoder);

    /// Reads it.
    ///
    /// # Errors
    /// If the bytes are something else, or more than the limits allow.
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

/// Structures as arrays of their fields, in order.
macro_rules! structures {
    ($($name:ident { $($field:ident),+ $(,)? })+) => {$(
        impl Field for $name {
            fn encode(&self, out: &mut Encoder) {
                out.array([$(stringify!($field)),+].len());
                $(self.$field.encode(out);)+
            }

            fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                let needed = [$(stringify!($field)),+].len() as u32;
                $crate::wire::codec::fields(input, stringify!($name), needed, |input| {
                    Ok(Self { $($field: Field::decode(input)?),+ })
                })
            }
        }
    )+};
}
pub(in crate::wire) use structures;

/// Enums as arrays: the number of the variant, then its fields.
macro_rules! variants {
    ($name:ident {
        $($tag:literal = $variant:ident
            $(($($item:ident),+))?
            $({ $($field:ident),+ $(,)? })?
        ),+ $(,)?
    }) => {
        impl Field for $name {
            fn encode(&self, out: &mut Encoder) {
                match self {
                    $(Self::$variant $(($($item),+))? $({ $($field),+ })? => {
                        const FIELDS: &[&str] =
                            &[$($(stringify!($item)),+)? $($(stringify!($field)),+)?];
                        out.array(1 + FIELDS.len());
                        out.uint($tag);
                        $($($item.encode(out);)+)?
                        $($($field.encode(out);)+)?
                    })+
                }
            }

            fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                let kind = stringify!($name);
                $crate::wire::codec::variant(input, kind, |input, tag, at, found| {
                    match tag {
                        $($tag => {
                            const FIELDS: &[&str] =
                                &[$($(stringify!($item)),+)? $($(stringify!($field)),+)?];
                            let needed = 1 + FIELDS.len() as u32;
                            if found < needed {
                                return Err(DecodeError::Fields { at, kind, found, needed });
                            }
                            $($(let $item = Field::decode(input)?;)+)?
                            $($(let $field = Field::decode(input)?;)+)?
                            let value = Self::$variant $(($($item),+))? $({ $($field),+ })?;
                            Ok((value, needed))
                        })+
                        _ => Err(DecodeError::Tag { at, kind, tag }),
                    }
                })
            }
        }
    };
}
pub(in crate::wire) use variants;

/// Reads an array of at least `needed` fields; passes over more.
pub(in crate::wire) fn fields<T>(
    input: &mut Decoder<'_>,
    kind: &'static str,
    needed: u32,
    read: impl FnOnce(&mut Decoder<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let at = input.at();
    let found = input.array()?;
    if found < needed {
        return Err(DecodeError::Fields { at, kind, found, needed });
    }
    input.nested(|input| {
        let value = read(input)?;
        input.skip(found - needed)?;
        Ok(value)
    })
}

/// Reads a variant: `read` is given its number, its place and the length of its array, and says how
/// many elements it knew.
pub(in crate::wire) fn variant<T>(
    input: &mut Decoder<'_>,
    kind: &'static str,
    read: impl FnOnce(&mut Decoder<'_>, u64, usize, u32) -> Result<(T, u32), DecodeError>,
) -> Result<T, DecodeError> {
    let at = input.at();
    let found = input.array()?;
    if found == 0 {
        return Err(DecodeError::Fields { at, kind, found, needed: 1 });
    }
    input.nested(|input| {
        let tag = input.uint()?;
        let (value, known) = read(input, tag, at, found)?;
        input.skip(found - known)?;
        Ok(value)
    })
}

impl Field for bool {
    fn encode(&self, out: &mut Encoder) {
        out.bool(*self);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.bool()
    }
}

impl Field for u64 {
    fn encode(&self, out: &mut Encoder) {
        out.uint(*self);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.uint()
    }
}

impl Field for u32 {
    fn encode(&self, out: &mut Encoder) {
        out.uint(u64::from(*self));
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let at = input.at();
        let value = input.uint()?;
        let expected = "a number of 32 bits";
        let range = DecodeError::Range { at, value: value.into(), expected };
        u32::try_from(value).map_err(|_| range)
    }
}

impl Field for i32 {
    fn encode(&self, out: &mut Encoder) {
        out.int(i64::from(*self));
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let at = input.at();
        let value = input.int()?;
        let expected = "an integer of 32 bits";
        let range = DecodeError::Range { at, value: value.into(), expected };
        i32::try_from(value).map_err(|_| range)
    }
}

impl Field for f64 {
    fn encode(&self, out: &mut Encoder) {
        out.float(self.to_bits());
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.float().map(f64::from_bits)
    }
}

impl Field for Arc<str> {
    fn encode(&self, out: &mut Encoder) {
        out.text(self);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let text = input.text()?;
        Ok(input.names().word(text))
    }
}

impl Field for Content {
    /// Objects make the message one that can't be sent: its family has to encode them first.
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Bytes(bytes) => out.shared(bytes),
            Self::Object(_) => out.refuse(EncodeError::Object),
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.shared().map(Self::Bytes)
    }
}

impl Field for Bytes {
    fn encode(&self, out: &mut Encoder) {
        out.shared(self);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.shared()
    }
}

/// Elements for which room is made before they are read, so that a short frame can't ask for much.
const FIRST_ROOM: usize = 256;

/// Reads an array of any length into a collection.
fn items<T: Field, C: Default + Extend<T>>(
    input: &mut Decoder<'_>,
    make_room: impl FnOnce(&mut C, usize),
) -> Result<C, DecodeError> {
    let len = input.array()?;
    input.nested(|input| {
        let mut items = C::default();
        make_room(&mut items, (len as usize).min(FIRST_ROOM));
        for _ in 0..len {
            items.extend(Some(T::decode(input)?));
        }
        Ok(items)
    })
}

impl Field for Holders {
    fn encode(&self, out: &mut Encoder) {
        out.array(self.len());
        self.iter().for_each(|item| item.encode(out));
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        items(input, |_, _| ())
    }
}

impl<T: Field> Field for Vec<T> {
    fn encode(&self, out: &mut Encoder) {
        out.array(self.len());
        self.iter().for_each(|item| item.encode(out));
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        items(input, Vec::reserve)
    }
}

impl<T: Field> Field for Option<T> {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Some(value) => value.encode(out),
            None => out.nil(),
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        if input.is_nil()? { Ok(None) } else { T::decode(input).map(Some) }
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn encode(&self, out: &mut Encoder) {
        out.array(2);
        self.0.encode(out);
        self.1.encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        fields(input, "a pair", 2, |input| Ok((A::decode(input)?, B::decode(input)?)))
    }
}

impl<T: Field> Field for Box<T> {
    fn encode(&self, out: &mut Encoder) {
        (**self).encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        T::decode(input).map(Box::new)
    }
}

impl<T: Field> Field for Arc<T> {
    fn encode(&self, out: &mut Encoder) {
        (**self).encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        T::decode(input).map(Arc::new)
    }
}

/// One number: the generation in the upper half, the slot in the lower.
impl Field for TaskId {
    fn encode(&self, out: &mut Encoder) {
        out.uint(u64::from(self.generation) << 32 | u64::from(self.slot));
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let both = input.uint()?;
        Ok(Self { slot: both as u32, generation: (both >> 32) as u32 })
    }
}

impl Field for RunId {
    fn encode(&self, out: &mut Encoder) {
        self.0.encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        u32::decode(input).map(Self)
    }
}

impl Field for WorkerId {
    fn encode(&self, out: &mut Encoder) {
        self.0.encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        u32::decode(input).map(Self)
    }
}

/// 16 bytes, the highest first.
impl Field for BlobHash {
    fn encode(&self, out: &mut Encoder) {
        out.binary(&self.0.to_be_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let at = input.at();
        let bytes = input.binary()?;
        let range = DecodeError::Range { at, value: bytes.len() as i128, expected: "16 bytes" };
        Ok(Self(u128::from_be_bytes(bytes.try_into().map_err(|_| range)?)))
    }
}

/// A number for a task of the same submission, a key for any other.
impl Field for InputRef {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Local(index) => index.encode(out),
            Self::Known(key) => key.encode(out),
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match input.peek()? {
            0..0x80 | 0xcc..=0xcf => u32::decode(input).map(Self::Local),
            _ => Field::decode(input).map(Self::Known),
        }
    }
}
