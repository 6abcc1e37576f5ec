//! Reading msgpack from a frame that may hold anything.

use bytes::Bytes;

use super::names::HeardNames;
use super::{DecodeError, MAX_DEPTH, MAX_TEXT_BYTES};

/// What a side takes from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a frame without its attachments.
    pub frame_bytes: u64,
    /// Bytes of all attachments of a frame, as they are in memory.
    pub attached_bytes: u64,
    /// Buffers attached to a frame.
    pub n_attachments: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_bytes: 256 << 20, attached_bytes: 64 << 30, n_attachments: 1 << 20 }
    }
}

/// Reads the messages of a frame, one after another.
pub struct Decoder<'a> {
    frame: &'a Bytes,
    at: usize,
    names: &'a mut HeardNames,
    depth: u32,
    attachments: std::vec::IntoIter<Bytes>,
}

impl<'a> Decoder<'a> {
    /// A decoder of a whole frame.
    pub fn new(frame: &'a Bytes, names: &'a mut HeardNames) -> Self {
        Self { frame, at: 0, names, depth: 0, attachments: Vec::new().into_iter() }
    }

    /// Hands over the buffers attached to the frame.
    #[must_use]
    pub fn with_attachments(mut self, buffers: Vec<Bytes>) -> Self {
        self.attachments = buffers.into_iter();
        self
    }

    /// Whether the frame is read to its end.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.at == self.frame.len()
    }

    /// Where the next byte is read.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    pub(super) fn names(&mut self) -> &mut HeardNames {
        self.names
    }

    /// The next `n` buffers of those attached.
    pub(in crate::wire) fn attached(&mut self, n: usize) -> Result<Vec<Bytes>, DecodeError> {
        if n > self.attachments.len() {
            let wanted = (n - self.attachments.len()) as u64;
            return Err(DecodeError::Truncated { at: self.at, wanted, len: self.frame.len() });
        }
        Ok(self.attachments.by_ref().take(n).collect())
    }

    fn bytes(&mut self, n: u64) -> Result<&'a [u8], DecodeError> {
        let left = &self.frame[self.at..];
        match usize::try_from(n).ok().and_then(|n| left.get(..n)) {
            Some(bytes) => {
                self.at += bytes.len();
                Ok(bytes)
            }
            None => Err(DecodeError::Truncated {
                at: self.at,
                wanted: n - left.len() as u64,
                len: self.frame.len(),
            }),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.bytes(N as u64)?);
        Ok(bytes)
    }

    /// The byte that says what comes next; it stays there.
    pub(in crate::wire) fn peek(&self) -> Result<u8, DecodeError> {
        let len = self.frame.len();
        let missing = DecodeError::Truncated { at: self.at, wanted: 1, len };
        self.frame.get(self.at).copied().ok_or(missing)
    }

    fn wrong<T>(&self, at: usize, expected: &'static str) -> Result<T, DecodeError> {
        Err(DecodeError::Type { at, found: self.frame[at], expected })
    }

    fn head(&mut self) -> Result<u8, DecodeError> {
        Ok(self.fixed::<1>()?[0])
    }

    pub(in crate::wire) fn is_nil(&mut self) -> Result<bool, DecodeError> {
        let nil = self.peek()? == 0xc0;
        self.at += usize::from(nil);
        Ok(nil)
    }

    pub(in crate::wire) fn bool(&mut self) -> Result<bool, DecodeError> {
        let at = self.at;
        match self.head()? {
            0xc2 => Ok(false),
            0xc3 => Ok(true),
            _ => self.wrong(at, "a bool"),
        }
    }

    fn integer(&mut self) -> Result<i128, DecodeError> {
        let at = self.at;
        Ok(match self.head()? {
            small @ 0..0x80 => small.into(),
            small @ 0xe0.. => (small as i8).into(),
            0xcc => self.fixed::<1>()?[0].into(),
            0xcd => u16::from_be_bytes(self.fixed()?).into(),
            0xce => u32::from_be_bytes(self.fixed()?).into(),
            0xcf => u64::from_be_bytes(self.fixed()?).into(),
            0xd0 => i8::from_be_bytes(self.fixed()?).into(),
            0xd1 => i16::from_be_bytes(self.fixed()?).into(),
            0xd2 => i32::from_be_bytes(self.fixed()?).into(),
            0xd3 => i64::from_be_bytes(self.fixed()?).into(),
            _ => return self.wrong(at, "an integer"),
        })
    }

    pub(in crate::wire) fn uint(&mut self) -> Result<u64, DecodeError> {
        let at = self.at;
        match self.peek()? {
            small @ 0..0x80 => {
                self.at += 1;
                Ok(small.into())
            }
            _ => {
                let value = self.integer()?;
                let range = DecodeError::Range { at, value, expected: "a number from 0 on" };
                u64::try_from(value).map_err(|_| range)
            }
        }
    }

    pub(in crate::wire) fn int(&mut self) -> Result<i64, DecodeError> {
        let at = self.at;
        let value = self.integer()?;
        let range = DecodeError::Range { at, value, expected: "an integer of 64 bits" };
        i64::try_from(value).map_err(|_| range)
    }

    /// The bits of a float; integers and short floats are taken too.
    pub(in crate::wire) fn float(&mut self) -> Result<u64, DecodeError> {
        match self.peek()? {
            0xcb => {
                self.at += 1;
                Ok(u64::from_be_bytes(self.fixed()?))
            }
            0xca => {
                self.at += 1;
                Ok(f64::from(f32::from_be_bytes(self.fixed()?)).to_bits())
            }
            0..0x80 | 0xcc..=0xd3 | 0xe0.. => Ok((self.integer()? as f64).to_bits()),
            _ => self.wrong(self.at, "a float"),
        }
    }

    /// The elements of an array that follows. There are never more than bytes left.
    pub(in crate::wire) fn array(&mut self) -> Result<u32, DecodeError> {
        let at = self.at;
        let len = match self.head()? {
            short @ 0x90..0xa0 => u32::from(short & 15),
            0xdc => u16::from_be_bytes(self.fixed()?).into(),
            0xdd => u32::from_be_bytes(self.fixed()?),
            _ => return self.wrong(at, "an array"),
        };
        let left = (self.frame.len() - self.at) as u64;
        match u64::from(len).checked_sub(left) {
            None | Some(0) => Ok(len),
            Some(wanted) => {
                Err(DecodeError::Truncated { at: self.at, wanted, len: self.frame.len() })
            }
        }
    }

    pub(in crate::wire) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let at = self.at;
        let len = match self.head()? {
            short @ 0xa0..0xc0 => u32::from(short & 31),
            0xd9 => self.fixed::<1>()?[0].into(),
            0xda => u16::from_be_bytes(self.fixed()?).into(),
            0xdb => u32::from_be_bytes(self.fixed()?),
            _ => return self.wrong(at, "a text"),
        };
        if len as usize > MAX_TEXT_BYTES {
            let (found, limit) = (len.into(), MAX_TEXT_BYTES as u64);
            return Err(DecodeError::Limit { at, what: "a text", found, limit });
        }
        std::str::from_utf8(self.bytes(len.into())?).map_err(|_| DecodeError::Text { at })
    }

    pub(in crate::wire) fn binary(&mut self) -> Result<&'a [u8], DecodeError> {
        let at = self.at;
        let len = match self.head()? {
            0xc4 => self.fixed::<1>()?[0].into(),
            0xc5 => u16::from_be_bytes(self.fixed()?).into(),
            0xc6 => u32::from_be_bytes(self.fixed()?),
            _ => return self.wrong(at, "bytes"),
        };
        self.bytes(len.into())
    }

    /// Bytes that go on living in the frame.
    pub(in crate::wire) fn shared(&mut self) -> Result<Bytes, DecodeError> {
        let bytes = self.binary()?;
        Ok(if bytes.is_empty() { Bytes::new() } else { self.frame.slice_ref(bytes) })
    }

    /// Data of a kind of ours: the kind and the bytes.
    pub(in crate::wire) fn extension(&mut self) -> Result<(u8, &'a [u8]), DecodeError> {
        let at = self.at;
        let len = match self.head()? {
            fixed @ 0xd4..=0xd8 => 1 << (fixed - 0xd4),
            0xc7 => self.fixed::<1>()?[0].into(),
            0xc8 => u16::from_be_bytes(self.fixed()?).into(),
            0xc9 => u32::from_be_bytes(self.fixed()?),
            _ => return self.wrong(at, "an extension"),
        };
        let kind = self.head()?;
        Ok((kind, self.bytes(len.into())?))
    }

    /// Reads what stands within an array.
    pub(in crate::wire) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth == MAX_DEPTH {
            let (found, limit) = (u64::from(self.depth) + 1, MAX_DEPTH.into());
            return Err(DecodeError::Limit { at: self.at, what: "a nesting", found, limit });
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Passes over `n` values of any type.
    pub(in crate::wire) fn skip(&mut self, n: u32) -> Result<(), DecodeError> {
        for _ in 0..n {
            match self.peek()? {
                0..0x80 | 0xcc..=0xd3 | 0xe0.. => drop(self.integer()?),
                0x90..0xa0 | 0xdc | 0xdd => {
                    let len = self.array()?;
                    self.nested(|this| this.skip(len))?;
                }
                0xa0..0xc0 | 0xd9..=0xdb => drop(self.text()?),
                0xc0 | 0xc2 | 0xc3 => self.at += 1,
                0xc4..=0xc6 => drop(self.binary()?),
                0xca | 0xcb => drop(self.float()?),
                0xc7..=0xc9 | 0xd4..=0xd8 => drop(self.extension()?),
                0x80..0x90 | 0xc1 | 0xde | 0xdf => {
                    return self.wrong(self.at, "a value (there are no maps)");
                }
            }
        }
        Ok(())
    }
}
