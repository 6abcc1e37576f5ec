//! Data of any shape.
//!
//! ```text
//!   nothing, bool, int, float, text, bytes   as msgpack has them
//!   list     [0, item, item, ...]
//!   map      [1, name, value, name, value, ...]
//!   key      [2, key]
//!   answer   [0, data]  or  [1, error]
//! ```

use std::sync::Arc;

use bytes::Bytes;
use oxidask_sched::data::{Answer, Data};

use super::{DecodeError, Decoder, Encoder, Field, variant};

impl Field for Data {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Nil => out.nil(),
            Self::Bool(value) => out.bool(*value),
            Self::Int(value) => out.int(*value),
            Self::Float(value) => out.float(value.to_bits()),
            Self::Text(text) => out.text(text),
            Self::Bytes(bytes) => out.shared(bytes),
            Self::List(items) => {
                out.array(1 + items.len());
                out.uint(0);
                items.iter().for_each(|item| item.encode(out));
            }
            Self::Map(entries) => {
                out.array(1 + 2 * entries.len());
                out.uint(1);
                for (name, value) in entries {
                    name.encode(out);
                    value.encode(out);
                }
            }
            Self::Key(key) => {
                out.array(2);
                out.uint(2);
                key.encode(out);
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match input.peek()? {
            0xc0 => input.is_nil().map(|_| Self::Nil),
            0xc2 | 0xc3 => input.bool().map(Self::Bool),
            0xca | 0xcb => Ok(Self::Float(f64::from_bits(input.float()?))),
            0xa0..0xc0 | 0xd9..=0xdb => Arc::decode(input).map(Self::Text),
            0xc4..=0xc6 => Bytes::decode(input).map(Self::Bytes),
            0x90..0xa0 | 0xdc | 0xdd => variant(input, "data", |input, tag, at, found| {
                let n = found - 1;
                let value = match (tag, n) {
                    (0, n) => (0..n)
                        .map(|_| Self::decode(input))
                        .collect::<Result<_, _>>()
                        .map(Self::List)?,
                    (1, n) if n % 2 == 0 => {
                        let mut entries = Vec::new();
                        for _ in 0..n / 2 {
                            entries.push((Arc::decode(input)?, Self::decode(input)?));
                        }
                        Self::Map(entries)
                    }
                    (2, 1) => Self::Key(Field::decode(input)?),
                    (1 | 2, _) => {
                        let needed = found + 1;
                        return Err(DecodeError::Fields { at, kind: "data", found, needed });
                    }
                    _ => return Err(DecodeError::Tag { at, kind: "data", tag }),
                };
                Ok((value, found))
            }),
            _ => input.int().map(Self::Int),
        }
    }
}

impl Field for Answer {
    fn encode(&self, out: &mut Encoder) {
        out.array(2);
        match self {
            Ok(data) => {
                out.uint(0);
                data.encode(out);
            }
            Err(error) => {
                out.uint(1);
                error.encode(out);
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        variant(input, "an answer", |input, tag, at, found| {
            let kind = "an answer";
            if found < 2 {
                return Err(DecodeError::Fields { at, kind, found, needed: 2 });
            }
            let answer = match tag {
                0 => Ok(Data::decode(input)?),
                1 => Err(Field::decode(input)?),
                _ => return Err(DecodeError::Tag { at, kind, tag }),
            };
            Ok((answer, 2))
        })
    }
}
