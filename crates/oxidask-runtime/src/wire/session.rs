//! A stream of frames that outlives its connections.
//!
//! | what happens | what is done |
//! |---|---|
//! | a frame is sent | it gets the next number and is kept until the other side has it |
//! | a frame comes | the next number is taken, an earlier one is a repetition and dropped, a later one an error |
//! | an acknowledgement comes | what it covers is forgotten |
//! | the connection breaks | frames wait |
//! | another connection | both say what they have; the rest is written again from there |
//! | the other side doesn't know the session, or lacks frames that are forgotten | it is lost |
//!
//! The session is the queue of what is to be written: a cursor goes over the frames, and returns when
//! a connection is lost. It does no IO and knows no time.

use std::collections::VecDeque;

use bytes::Bytes;

/// Frames that may have come before one is acknowledged without having anything to say.
pub const ACK_FRAMES: u64 = 64;

/// The same in bytes.
pub const ACK_BYTES: u64 = 1 << 20;

/// The other side breaks the rules of a session, or can't go on with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Frames are missing.
    #[error("frame {found} came after frame {last}: those between are lost")]
    Gap {
        /// The last one that was taken.
        last: u64,
        /// The one that came.
        found: u64,
    },
    /// Something is acknowledged that was never sent.
    #[error("frame {found} was acknowledged, but only {sent} were sent")]
    Unsent {
        /// What was acknowledged.
        found: u64,
        /// The last one that was sent.
        sent: u64,
    },
    /// The other side needs frames again that it had acknowledged.
    #[error(
        "the other side has only {found} frames of this session, but had acknowledged {acknowledged}"
    )]
    Forgotten {
        /// What it has.
        found: u64,
        /// What it had.
        acknowledged: u64,
    },
}

/// A frame on its way.
struct Outgoing {
    pieces: Vec<Bytes>,
    len: usize,
}

/// Where writing stands: a frame, and bytes of it that are written.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Cursor {
    frame: usize,
    byte: usize,
}

/// One side of a session.
pub struct Session {
    /// Kept frames; the first has the number `acknowledged + 1`.
    kept: VecDeque<Outgoing>,
    kept_bytes: usize,
    acknowledged: u64,
    cursor: Cursor,
    /// What the other side says it has: acknowledgements may come before it is known here that a
    /// write is done.
    claimed: u64,
    /// Whether frames are kept until they are acknowledged, or only until they are written.
    resumable: bool,
    /// The last frame of the other side that was taken.
    heard: u64,
    /// The last one that it was told of.
    told: u64,
    heard_bytes: u64,
}

impl Session {
    /// A new session. One that is not resumable forgets frames as they are written.
    #[must_use]
    pub fn new(resumable: bool) -> Self {
        Self {
            kept: VecDeque::new(),
            kept_bytes: 0,
            acknowledged: 0,
            cursor: Cursor::default(),
            claimed: 0,
            resumable,
            heard: 0,
            told: 0,
            heard_bytes: 0,
        }
    }

    /// Whether it can go on over another connection.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        self.resumable
    }

    /// The number of the next frame, and the acknowledgement that goes with it.
    pub fn next_numbers(&mut self) -> (u64, u64) {
        self.tell();
        (self.sent() + 1, self.heard)
    }

    /// The last number that was given.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.acknowledged + self.kept.len() as u64
    }

    /// The last frame that was taken, which the other side is told now.
    pub fn tell(&mut self) -> u64 {
        self.told = self.heard;
        self.heard_bytes = 0;
        self.heard
    }

    /// The last frame that was taken.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Whether so much has come that it should be acknowledged even if there is nothing to say.
    #[must_use]
    pub fn owes_acknowledgement(&self) -> bool {
        self.resumable && (self.heard - self.told >= ACK_FRAMES || self.heard_bytes >= ACK_BYTES)
    }

    /// Queues the frame of the next number.
    pub fn push(&mut self, pieces: Vec<Bytes>) {
        let len = pieces.iter().map(Bytes::len).sum();
        self.kept_bytes += len;
        self.kept.push_back(Outgoing { pieces, len });
    }

    /// Bytes of frames that are kept or not yet written.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// Whether all is written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.cursor.frame == self.kept.len()
    }

    /// Whether the next byte begins a frame.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.cursor.byte == 0
    }

    /// What is to be written next, up to `n` pieces.
    pub fn unwritten(&self, n: usize, pieces: &mut Vec<Bytes>) {
        let mut skip = self.cursor.byte;
        for frame in self.kept.range(self.cursor.frame..) {
            for piece in &frame.pieces {
                if pieces.len() == n {
                    return;
                }
                if skip < piece.len() {
                    pieces.push(piece.slice(skip..));
                }
                skip = skip.saturating_sub(piece.len());
            }
        }
    }

    /// So many bytes of it were written.
    ///
    /// # Panics
    /// If there were fewer.
    pub fn wrote(&mut self, mut n: usize) {
        while n > 0 {
            let frame = &self.kept[self.cursor.frame];
            let left = frame.len - self.cursor.byte;
            if n < left {
                self.cursor.byte += n;
                return;
            }
            n -= left;
            self.cursor = Cursor { frame: self.cursor.frame + 1, byte: 0 };
            if !self.resumable {
                self.forget(1);
            }
        }
        self.settle();
    }

    /// Forgets what is written and acknowledged.
    fn settle(&mut self) {
        let n = self.claimed.saturating_sub(self.acknowledged) as usize;
        if self.resumable {
            self.forget(n.min(self.cursor.frame));
        }
    }

    fn forget(&mut self, n: usize) {
        for frame in self.kept.drain(..n) {
            self.kept_bytes -= frame.len;
        }
        self.acknowledged += n as u64;
        self.cursor.frame -= n;
    }

    /// A frame of this number has come, of so many bytes. Whether it is new.
    ///
    /// # Errors
    /// If others are missing before it.
    pub fn take(&mut self, number: u64, n_bytes: u64) -> Result<bool, SessionError> {
        if number > self.heard + 1 {
            return Err(SessionError::Gap { last: self.heard, found: number });
        }
        let new = number == self.heard + 1;
        if new {
            self.heard = number;
            self.heard_bytes += n_bytes;
        }
        Ok(new)
    }

    /// The other side has all frames up to this one.
    ///
    /// # Errors
    /// If there is no such frame.
    pub fn acknowledge(&mut self, number: u64) -> Result<(), SessionError> {
        if number > self.sent() {
            return Err(SessionError::Unsent { found: number, sent: self.sent() });
        }
        self.claimed = self.claimed.max(number);
        self.settle();
        Ok(())
    }

    /// The connection is gone: what was written to it may not have come.
    pub fn interrupted(&mut self) {
        self.cursor = Cursor::default();
    }

    /// There is another connection, and the other side has all frames up to `heard`.
    ///
    /// # Errors
    /// If it lacks frames that are forgotten, or has some that never were.
    pub fn resume(&mut self, heard: u64) -> Result<(), SessionError> {
        if heard < self.acknowledged {
            let acknowledged = self.acknowledged;
            return Err(SessionError::Forgotten { found: heard, acknowledged });
        }
        if heard > self.sent() {
            return Err(SessionError::Unsent { found: heard, sent: self.sent() });
        }
        self.cursor = Cursor { frame: (heard - self.acknowledged) as usize, byte: 0 };
        self.forget(self.cursor.frame);
        Ok(())
    }
}
