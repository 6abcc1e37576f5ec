//! The names of tasks.
//!
//! ```text
//!   text key                     str
//!   `name-` and 32 hex digits    [name, bin of 16]
//!   block (name, i, j, ...)      [name, int, int, ...]
//!   anything else                [nil, atom]
//!
//!   name                         str, which takes the next number; or that number
//!   atom                         int | float 64 | str | bin | array of atoms | extension 1
//!   extension 1                  u32 LE length of a text, the text, bytes
//! ```
//!
//! A plain str is good for any text key; the form of 16 bytes is half as long.

use oxidask_core::key::{Atom, Group, Key, KeyParts};

use super::{DecodeError, Decoder, EncodeError, Encoder, Field, MAX_DEPTH};

/// The kind of the extension that holds objects of other languages.
const FOREIGN: u8 = 1;

impl Field for Key {
    fn encode(&self, out: &mut Encoder) {
        match self.parts() {
            KeyParts::Text(text) => out.text(text),
            KeyParts::Token(group, token) => {
                out.array(2);
                encode_name(group, out);
                out.binary(token);
            }
            KeyParts::Small(group, index) => {
                out.array(1 + index.len());
                encode_name(group, out);
                index.iter().for_each(|&i| out.uint(i.into()));
            }
            KeyParts::Block(group, index) => {
                out.array(1 + index.len());
                encode_name(group, out);
                index.iter().for_each(|&i| out.int(i));
            }
            KeyParts::Atom(atom) => {
                out.array(2);
                out.nil();
                encode_atom(atom, 1, out);
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        if matches!(input.peek()?, 0xa0..0xc0 | 0xd9..=0xdb) {
            let text = input.text()?;
            return Ok(Key::text(text, |name| input.names().of_text(name)));
        }
        let at = input.at();
        let len = input.array()?;
        let fields = |needed| DecodeError::Fields { at, kind: "a key", found: len, needed };
        let n = len.checked_sub(1).ok_or(fields(1))?;
        if input.is_nil()? {
            if n != 1 {
                return Err(fields(2));
            }
            let atom = decode_atom(input, 1)?;
            return Ok(Key::atom(atom, |name| input.names().of_text(name)));
        }
        let group = decode_name(input)?;
        if n == 1 && input.peek()? == 0xc4 {
            let at = input.at();
            let token = input.binary()?;
            let found = token.len() as i128;
            let range = DecodeError::Range { at, value: found, expected: "16 bytes" };
            let token = token.try_into().map_err(|_| range)?;
            return Ok(Key::with_token(group, u128::from_be_bytes(token)));
        }
        let mut index = smallvec::SmallVec::<[i64; 8]>::new();
        for _ in 0..n {
            index.push(input.int()?);
        }
        Ok(Key::block(group, &index))
    }
}

fn encode_name(group: &Group, out: &mut Encoder) {
    match out.names().number(group) {
        Some(number) => out.uint(number.into()),
        None => out.text(group.as_str()),
    }
}

fn decode_name(input: &mut Decoder<'_>) -> Result<Group, DecodeError> {
    let at = input.at();
    if matches!(input.peek()?, 0xa0..0xc0 | 0xd9..=0xdb) {
        let name = input.text()?;
        return Ok(input.names().introduce(name));
    }
    let number = input.uint()?;
    input.names().get(number).cloned().ok_or(DecodeError::Name { at, number })
}

/// Tuples in keys go no deeper, so that there is room for what keys are in.
const MAX_TUPLES: u32 = MAX_DEPTH - 16;

fn encode_atom(atom: &Atom, depth: u32, out: &mut Encoder) {
    match atom {
        Atom::Int(i) => out.int(*i),
        Atom::Float(bits) => out.float(*bits),
        Atom::Str(text) => out.text(text),
        Atom::Bytes(bytes) => out.binary(bytes),
        Atom::Tuple(_) if depth > MAX_TUPLES => {
            out.refuse(EncodeError::TooDeep { depth, limit: MAX_TUPLES });
        }
        Atom::Tuple(parts) => {
            out.array(parts.len());
            parts.iter().for_each(|part| encode_atom(part, depth + 1, out));
        }
        Atom::Foreign { text, bytes } => {
            let len = (text.len() as u32).to_le_bytes();
            out.extension(FOREIGN, &[&len, text.as_bytes(), bytes]);
        }
    }
}

fn decode_atom(input: &mut Decoder<'_>, depth: u32) -> Result<Atom, DecodeError> {
    Ok(match input.peek()? {
        0xca | 0xcb => Atom::Float(input.float()?),
        0xa0..0xc0 | 0xd9..=0xdb => Atom::Str(input.text()?.into()),
        0xc4..=0xc6 => Atom::Bytes(input.binary()?.into()),
        0x90..0xa0 | 0xdc | 0xdd if depth > MAX_TUPLES => {
            let (found, limit) = (depth.into(), MAX_TUPLES.into());
            let what = "a tuple's depth";
            return Err(DecodeError::Limit { at: input.at(), what, found, limit });
        }
        0x90..0xa0 | 0xdc | 0xdd => {
            let len = input.array()?;
            let parts = input.nested(|input| {
                (0..len).map(|_| decode_atom(input, depth + 1)).collect::<Result<Vec<_>, _>>()
            })?;
            Atom::Tuple(parts.into())
        }
        0xc7..=0xc9 | 0xd4..=0xd8 => decode_foreign(input)?,
        _ => Atom::Int(input.int()?),
    })
}

fn decode_foreign(input: &mut Decoder<'_>) -> Result<Atom, DecodeError> {
    let at = input.at();
    let (kind, bytes) = input.extension()?;
    let tag = u64::from(kind);
    if kind != FOREIGN {
        return Err(DecodeError::Tag { at, kind: "an extension", tag });
    }
    let short = DecodeError::Truncated { at, wanted: 4, len: bytes.len() };
    let (len, rest) = bytes.split_first_chunk::<4>().ok_or(short)?;
    let wanted = u32::from_le_bytes(*len);
    let short = DecodeError::Truncated { at, wanted: wanted.into(), len: bytes.len() };
    let (text, bytes) = rest.split_at_checked(wanted as usize).ok_or(short)?;
    let text = std::str::from_utf8(text).map_err(|_| DecodeError::Text { at })?;
    Ok(Atom::Foreign { text: text.into(), bytes: bytes.into() })
}
