//! Writing msgpack into the pieces of a frame.

use bytes::{BufMut, Bytes, BytesMut};

use super::names::GivenNames;
use super::{EncodeError, MAX_TEXT_BYTES};

/// Bytes of at least this length become a piece of their own instead of being copied.
const OWN_PIECE: usize = 16 << 10;

/// What one write to a socket has room for at most, before its buffer is given up for a new one.
const BLOCK: usize = 32 << 10;

/// Bytes in several pieces, in order.
pub type Pieces = Vec<Bytes>;

/// Writes messages of one stream, one after another.
///
/// The encoder remembers which names the other side knows, so it serves one stream only.
#[derive(Default)]
pub struct Encoder {
    block: BytesMut,
    pieces: Pieces,
    /// Bytes in `pieces`.
    full: usize,
    names: GivenNames,
    attachments: Vec<Bytes>,
    /// What no reader would take in the current message.
    flaw: Option<EncodeError>,
}

/// Where a message began.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pieces: usize,
    full: usize,
    block: usize,
    attachments: usize,
}

impl Encoder {
    /// An encoder of a new stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes written since the last [`Encoder::take`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.full + self.block.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins a message.
    pub fn begin(&mut self) -> Mark {
        self.names.keep();
        self.flaw = None;
        if self.block.capacity() - self.block.len() < 64 {
            self.block.reserve(BLOCK);
        }
        Mark {
            pieces: self.pieces.len(),
            full: self.full,
            block: self.block.len(),
            attachments: self.attachments.len(),
        }
    }

    /// Ends a message.
    ///
    /// # Errors
    /// If no reader would take it, or none of this limit of bytes. It is forgotten then.
    pub fn end(&mut self, mark: Mark, limit: u64) -> Result<(), EncodeError> {
        let bytes = (self.len() - mark.full - mark.block) as u64;
        if bytes > limit {
            self.flaw = Some(EncodeError::TooLarge { bytes, limit });
        }
        match self.flaw.take() {
            None => Ok(()),
            Some(flaw) => {
                self.roll_back(mark);
                Err(flaw)
            }
        }
    }

    pub(super) fn refuse(&mut self, flaw: EncodeError) {
        self.flaw = Some(flaw);
    }

    /// Forgets what was written since `mark`, and the names that were told in it.
    fn roll_back(&mut self, mark: Mark) {
        self.names.roll_back();
        self.attachments.truncate(mark.attachments);
        if self.pieces.len() > mark.pieces {
            // The block of that time is the piece after; what it held before the mark is kept.
            let piece = self.pieces[mark.pieces].clone();
            self.pieces.truncate(mark.pieces);
            self.block.clear();
            self.block.extend_from_slice(&piece[..mark.block]);
        } else {
            self.block.truncate(mark.block);
        }
        self.full = mark.full;
    }

    /// All that was written, and the buffers attached to it.
    #[must_use]
    pub fn take(&mut self) -> (Pieces, Vec<Bytes>) {
        self.cut();
        self.full = 0;
        self.names.keep();
        (std::mem::take(&mut self.pieces), std::mem::take(&mut self.attachments))
    }

    /// Makes the current block a piece.
    fn cut(&mut self) {
        if !self.block.is_empty() {
            let piece = self.block.split().freeze();
            self.full += piece.len();
            self.pieces.push(piece);
        }
    }

    /// Sends a buffer along outside of the message.
    pub(in crate::wire) fn attach(&mut self, buffer: Bytes) {
        self.attachments.push(buffer);
    }

    /// Whether buffers are attached.
    #[must_use]
    pub fn has_attachments(&self) -> bool {
        !self.attachments.is_empty()
    }

    pub(super) fn names(&mut self) -> &mut GivenNames {
        &mut self.names
    }

    pub(in crate::wire) fn nil(&mut self) {
        self.block.put_u8(0xc0);
    }

    pub(in crate::wire) fn bool(&mut self, value: bool) {
        self.block.put_u8(0xc2 + u8::from(value));
    }

    pub(in crate::wire) fn uint(&mut self, value: u64) {
        if value < 128 {
            self.block.put_u8(value as u8);
        } else if value < 1 << 8 {
            self.block.put_slice(&[0xcc, value as u8]);
        } else if value < 1 << 16 {
            self.block.put_u8(0xcd);
            self.block.put_u16(value as u16);
        } else if value < 1 << 32 {
            self.block.put_u8(0xce);
            self.block.put_u32(value as u32);
        } else {
            self.block.put_u8(0xcf);
            self.block.put_u64(value);
        }
    }

    pub(in crate::wire) fn int(&mut self, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            self.uint(value);
        } else if value >= -32 {
            self.block.put_i8(value as i8);
        } else if let Ok(value) = i8::try_from(value) {
            self.block.put_u8(0xd0);
            self.block.put_i8(value);
        } else if let Ok(value) = i16::try_from(value) {
            self.block.put_u8(0xd1);
            self.block.put_i16(value);
        } else if let Ok(value) = i32::try_from(value) {
            self.block.put_u8(0xd2);
            self.block.put_i32(value);
        } else {
            self.block.put_u8(0xd3);
            self.block.put_i64(value);
        }
    }

    /// A float, by its bits.
    pub(in crate::wire) fn float(&mut self, bits: u64) {
        self.block.put_u8(0xcb);
        self.block.put_u64(bits);
    }

    pub(in crate::wire) fn array(&mut self, len: usize) {
        match u16::try_from(len) {
            Ok(len) if len < 16 => self.block.put_u8(0x90 | len as u8),
            Ok(len) => {
                self.block.put_u8(0xdc);
                self.block.put_u16(len);
            }
            Err(_) => {
                self.block.put_u8(0xdd);
                self.block.put_u32(len as u32);
            }
        }
    }

    pub(in crate::wire) fn text(&mut self, text: &str) {
        match text.len() {
            len if len < 32 => self.block.put_u8(0xa0 | len as u8),
            len if len < 1 << 8 => self.block.put_slice(&[0xd9, len as u8]),
            len if len < 1 << 16 => {
                self.block.put_u8(0xda);
                self.block.put_u16(len as u16);
            }
            len => {
                self.block.put_u8(0xdb);
                self.block.put_u32(len as u32);
            }
        }
        if text.len() > MAX_TEXT_BYTES {
            let (bytes, limit) = (text.len() as u64, MAX_TEXT_BYTES as u64);
            self.refuse(EncodeError::LongText { bytes, limit });
        }
        self.block.extend_from_slice(text.as_bytes());
    }

    fn binary_head(&mut self, len: usize) {
        match len {
            len if len < 1 << 8 => self.block.put_slice(&[0xc4, len as u8]),
            len if len < 1 << 16 => {
                self.block.put_u8(0xc5);
                self.block.put_u16(len as u16);
            }
            len => {
                self.block.put_u8(0xc6);
                self.block.put_u32(len as u32);
            }
        }
    }

    pub(in crate::wire) fn binary(&mut self, bytes: &[u8]) {
        self.binary_head(bytes.len());
        self.block.extend_from_slice(bytes);
    }

    /// Bytes that need not be copied.
    pub(in crate::wire) fn shared(&mut self, bytes: &Bytes) {
        self.binary_head(bytes.len());
        if bytes.len() < OWN_PIECE {
            self.block.extend_from_slice(bytes);
        } else {
            self.cut();
            self.full += bytes.len();
            self.pieces.push(bytes.clone());
        }
    }

    /// Data of a kind that msgpack leaves to us.
    pub(in crate::wire) fn extension(&mut self, kind: u8, parts: &[&[u8]]) {
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        self.block.put_u8(0xc9);
        self.block.put_u32(len as u32);
        self.block.put_u8(kind);
        for part in parts {
            self.block.extend_from_slice(part);
        }
    }
}
