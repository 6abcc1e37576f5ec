//! Frames in a stream of bytes.
//!
//! ```text
//!   0  u32  length of the body          8  u64  number of a data frame, else 0
//!   4  u8   kind                       16  u64  data frames of the other side that were taken
//!   5  u8   flags                      24       body, then attached buffers
//!   6  u16  zero
//! ```
//!
//! All numbers are little-endian. With [`ATTACHED`], the body begins with an array that has for each
//! buffer its length, or `[length, packed length]` if it is compressed by lz4 (one block without a
//! frame of its own).
//!
//! [`seal`] makes frames of pieces that need not be copied. [`Assembler`] takes them apart again; it says where
//! the next bytes belong, so that large buffers are read into place.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::codec::{DecodeError, Decoder, Encoder, HeardNames, Limits};

/// Bytes before the body.
pub const HEAD_BYTES: usize = 24;

/// The flag of frames with attached buffers.
pub const ATTACHED: u8 = 1;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first from whoever opened the connection.
    Hello = 1,
    /// The answer to it.
    Welcome = 2,
    /// The other answer, or the last word on a stream that makes no sense.
    Refuse = 3,
    /// Messages.
    Data = 4,
    /// Nothing but the acknowledgement in its head; also says that one is alive.
    Beat = 5,
    /// Nothing more will come.
    Goodbye = 6,
}

/// What stands before a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// What it is for.
    pub kind: Kind,
    /// Data frames are numbered from 1 on; others have 0.
    pub number: u64,
    /// The highest number of the other side up to which all frames were taken.
    pub acknowledged: u64,
}

/// A frame that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its head.
    pub head: Head,
    /// Its body, without the lengths of attached buffers.
    pub body: Bytes,
    /// The buffers that came with it.
    pub attached: Vec<Bytes>,
}

/// Bytes that are no frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A kind, or flags, of which nothing is known.
    #[error("a frame of kind {kind} with flags {flags}; the other side may be of a newer version")]
    Kind {
        /// The kind.
        kind: u8,
        /// The flags.
        flags: u8,
    },
    /// More than this side takes.
    #[error("{what} of {found} is over the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        found: u64,
        /// How much may be.
        limit: u64,
    },
    /// What is said about attached buffers makes no sense.
    #[error("the lengths of attached buffers: {0}")]
    Lengths(#[from] DecodeError),
    /// There is no memory for a buffer.
    #[error("no memory for a buffer of {length} bytes; ask for fewer values at a time")]
    Memory {
        /// Its bytes.
        length: u64,
    },
    /// A compressed buffer is not what its length says.
    #[error("a buffer of {packed} bytes is not lz4 of {length} bytes")]
    Packed {
        /// Its bytes in the frame.
        packed: u64,
        /// The bytes that were to come out.
        length: u64,
    },
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Hello, Self::Welcome, Self::Refuse, Self::Data, Self::Beat, Self::Goodbye]
            .into_iter()
            .find(|&kind| kind as u8 == byte)
    }
}

/// Whether and how buffers are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// As they are: the other side is on this machine, or the network faster than packing.
    #[default]
    Never,
    /// By lz4, where a sample of a buffer shrinks.
    Sampled,
}

/// Puts the head before a body, and the attached buffers after it.
///
/// The caller sees to it that body and buffers are within the limits of the other side.
#[must_use]
pub fn seal(head: Head, body: Vec<Bytes>, attached: Vec<Bytes>, packing: Packing) -> Vec<Bytes> {
    let mut front = BytesMut::with_capacity(HEAD_BYTES);
    front.resize(HEAD_BYTES, 0);
    let mut flags = 0;
    let mut buffers = Vec::with_capacity(attached.len());
    if !attached.is_empty() {
        flags |= ATTACHED;
        let mut lengths = Encoder::new();
        lengths.array(attached.len());
        for buffer in attached {
            match pack(&buffer, packing) {
                Some(packed) => {
                    lengths.array(2);
                    lengths.uint(buffer.len() as u64);
                    lengths.uint(packed.len() as u64);
                    buffers.push(packed);
                }
                None => {
                    lengths.uint(buffer.len() as u64);
                    buffers.push(buffer);
                }
            }
        }
        lengths.take().0.iter().for_each(|piece| front.extend_from_slice(piece));
    }
    let body_len = front.len() - HEAD_BYTES + body.iter().map(Bytes::len).sum::<usize>();
    let mut place = &mut front[..HEAD_BYTES];
    place.put_u32_le(body_len as u32);
    place.put_u8(head.kind as u8);
    place.put_u8(flags);
    place.put_u16_le(0);
    place.put_u64_le(head.number);
    place.put_u64_le(head.acknowledged);
    let mut pieces = Vec::with_capacity(1 + body.len() + buffers.len());
    pieces.push(front.freeze());
    pieces.extend(body);
    pieces.extend(buffers.into_iter().filter(|buffer| !buffer.is_empty()));
    pieces
}

/// Smaller buffers aren't worth it, larger ones are over what one block of lz4 can be.
const PACKED: std::ops::Range<usize> = 8 << 10..1 << 30;

/// A buffer compressed, if a sample of it shrinks to three quarters.
fn pack(buffer: &Bytes, packing: Packing) -> Option<Bytes> {
    const SAMPLE: usize = 2 << 10;
    if packing == Packing::Never || !PACKED.contains(&buffer.len()) {
        return None;
    }
    let sample = |at: usize| lz4_flex::block::compress(&buffer[at..at + SAMPLE]).len();
    let last = buffer.len() - SAMPLE;
    let shrunk: usize = [0, last / 3, last / 3 * 2, last].into_iter().map(sample).sum();
    if shrunk > 3 * SAMPLE {
        return None;
    }
    let packed = lz4_flex::block::compress(buffer);
    (packed.len() < buffer.len()).then(|| packed.into())
}

/// Where the next bytes of the stream belong.
pub enum Target<'a> {
    /// At the end of this buffer, which has room.
    Buffer(&'a mut BytesMut),
    /// Here; it is not empty.
    Place(&'a mut [u8]),
}

/// A frame of which attached buffers are still to come.
struct Unfinished {
    frame: Frame,
    /// The lengths of all its buffers: in the frame and, if that differs, in memory.
    lengths: Vec<(usize, Option<usize>)>,
    /// The buffer that is being filled, and up to where.
    current: Vec<u8>,
    filled: usize,
}

/// Takes a stream apart, as its bytes come.
pub struct Assembler {
    buffer: BytesMut,
    unfinished: Option<Unfinished>,
    limits: Limits,
}

/// Room for which the stream is asked at a time.
const READ_BYTES: usize = 64 << 10;

/// Most room that is made ahead for a body of which little has come.
const AHEAD_BYTES: usize = 1 << 20;

impl Assembler {
    /// An assembler at the start of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { buffer: BytesMut::new(), unfinished: None, limits }
    }

    /// From here on, these limits count.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes `n` bytes from the front of what has come and isn't a frame, if there are so many.
    pub fn raw(&mut self, n: usize) -> Option<Bytes> {
        (self.buffer.len() >= n).then(|| self.buffer.split_to(n).freeze())
    }

    /// Where the next bytes are to be read to. After they are there: [`Assembler::filled`].
    pub fn target(&mut self) -> Target<'_> {
        match &mut self.unfinished {
            Some(unfinished) if unfinished.filled < unfinished.current.len() => {
                Target::Place(&mut unfinished.current[unfinished.filled..])
            }
            _ => {
                let body = match self.buffer.first_chunk() {
                    Some(len) => HEAD_BYTES + u32::from_le_bytes(*len) as usize,
                    None => HEAD_BYTES,
                };
                let missing = body.saturating_sub(self.buffer.len());
                let room = self.buffer.capacity() - self.buffer.len();
                if room < missing.clamp(READ_BYTES / 16, READ_BYTES) {
                    let ahead = AHEAD_BYTES.max(self.buffer.len());
                    self.buffer.reserve(missing.clamp(READ_BYTES, ahead));
                }
                Target::Buffer(&mut self.buffer)
            }
        }
    }

    /// So many bytes were read to a [`Target::Place`].
    pub fn filled(&mut self, n: usize) {
        if let Some(unfinished) = &mut self.unfinished {
            unfinished.filled += n;
        }
    }

    /// The next frame, if it is complete.
    ///
    /// # Errors
    /// If the bytes are no frame, or more than the limits allow. The stream can't be read any further.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.unfinished.is_none() {
            let Some((frame, attached)) = self.front()? else { return Ok(None) };
            if !attached {
                return Ok(Some(frame));
            }
            self.begin_attached(frame)?;
        }
        self.attached()
    }

    /// The head and body at the front of the buffer, and whether buffers follow.
    fn front(&mut self) -> Result<Option<(Frame, bool)>, FrameError> {
        let Some(mut head) = self.buffer.get(..HEAD_BYTES) else { return Ok(None) };
        let len = head.get_u32_le();
        let (kind_byte, flags, zero) = (head.get_u8(), head.get_u8(), head.get_u16_le());
        let (number, acknowledged) = (head.get_u64_le(), head.get_u64_le());
        let unknown = FrameError::Kind { kind: kind_byte, flags };
        let kind = Kind::of(kind_byte).filter(|_| flags & !ATTACHED == 0 && zero == 0);
        let kind = kind.ok_or(unknown)?;
        if u64::from(len) > self.limits.frame_bytes {
            let (found, limit) = (len.into(), self.limits.frame_bytes);
            return Err(FrameError::Limit { what: "a frame", found, limit });
        }
        if self.buffer.len() < HEAD_BYTES + len as usize {
            return Ok(None);
        }
        self.buffer.advance(HEAD_BYTES);
        let body = self.buffer.split_to(len as usize).freeze();
        let head = Head { kind, number, acknowledged };
        Ok(Some((Frame { head, body, attached: Vec::new() }, flags & ATTACHED != 0)))
    }

    /// Reads the lengths at the front of a body.
    fn begin_attached(&mut self, mut frame: Frame) -> Result<(), FrameError> {
        let over = |what, found, limit| Err(FrameError::Limit { what, found, limit });
        let mut names = HeardNames::default();
        let mut input = Decoder::new(&frame.body, &mut names);
        let n = input.array()?;
        if n > self.limits.n_attachments {
            return over("a number of buffers", n.into(), self.limits.n_attachments.into());
        }
        let mut lengths = Vec::with_capacity(n as usize);
        let mut left = self.limits.attached_bytes;
        for _ in 0..n {
            let (length, packed) = match input.peek()? {
                0x92 => {
                    input.array()?;
                    (input.uint()?, Some(input.uint()?))
                }
                _ => (input.uint()?, None),
            };
            // A packed buffer is in memory beside what comes out of it.
            let bytes = length.saturating_add(packed.unwrap_or(0));
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => return over("attached bytes", bytes, self.limits.attached_bytes),
            }
            lengths.push(match packed {
                Some(packed) => (packed as usize, Some(length as usize)),
                None => (length as usize, None),
            });
        }
        let at = input.at();
        frame.body.advance(at);
        lengths.reverse();
        let unfinished = Unfinished { frame, lengths, current: Vec::new(), filled: 0 };
        self.unfinished = Some(unfinished);
        Ok(())
    }

    /// Goes on with attached buffers, as far as bytes have come.
    fn attached(&mut self) -> Result<Option<Frame>, FrameError> {
        while let Some(unfinished) = &mut self.unfinished {
            let Some(&(length, unpacked)) = unfinished.lengths.last() else {
                return Ok(self.unfinished.take().map(|unfinished| unfinished.frame));
            };
            if unfinished.current.len() != length {
                unfinished.current = zeroed(length)?;
                unfinished.filled = 0;
            }
            let place = &mut unfinished.current[unfinished.filled..];
            let n = place.len().min(self.buffer.len());
            self.buffer.copy_to_slice(&mut place[..n]);
            unfinished.filled += n;
            if unfinished.filled < length {
                return Ok(None);
            }
            let mut bytes = std::mem::take(&mut unfinished.current);
            unfinished.filled = 0;
            if let Some(unpacked) = unpacked {
                bytes = unpack(&bytes, unpacked)?;
            }
            unfinished.frame.attached.push(bytes.into());
            unfinished.lengths.pop();
        }
        Ok(None)
    }
}

/// Zeroed memory, which costs nothing until it is written.
fn zeroed(length: usize) -> Result<Vec<u8>, FrameError> {
    const LARGE: usize = 1 << 30;
    if length >= LARGE && Vec::<u8>::new().try_reserve_exact(length).is_err() {
        return Err(FrameError::Memory { length: length as u64 });
    }
    Ok(vec![0; length])
}

fn unpack(packed: &[u8], length: usize) -> Result<Vec<u8>, FrameError> {
    /// No byte of lz4 stands for more.
    const MOST: usize = 255;
    let wrong = FrameError::Packed { packed: packed.len() as u64, length: length as u64 };
    if length / MOST > packed.len() {
        return Err(wrong);
    }
    let mut bytes = zeroed(length)?;
    match lz4_flex::block::decompress_into(packed, &mut bytes) {
        Ok(n) if n == length => Ok(bytes),
        _ => Err(wrong),
    }
}
