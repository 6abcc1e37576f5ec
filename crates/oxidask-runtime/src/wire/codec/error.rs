//! What can be wrong with bytes from elsewhere.

/// A message that no reader would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// It is larger than the other side takes.
    #[error(
        "a message of {bytes} bytes is over the limit of {limit} of the other side; put large values \
         on workers first (scatter) instead of into arguments, or raise the limit there"
    )]
    TooLarge {
        /// Bytes of the message.
        bytes: u64,
        /// What may be.
        limit: u64,
    },
    /// A text in it is too long.
    #[error("a text of {bytes} bytes is over the limit of {limit}; use a shorter key")]
    LongText {
        /// Bytes of the text.
        bytes: u64,
        /// What may be.
        limit: u64,
    },
    /// It holds an object of this process.
    #[error(
        "an object of this process can't be sent to another one; its family has to encode it first"
    )]
    Object,
    /// A key is a tuple within tuples, too deep.
    #[error("a key of tuples nested {depth} deep is over the limit of {limit}")]
    TooDeep {
        /// Tuples within tuples.
        depth: u32,
        /// What may be.
        limit: u32,
    },
}

/// Bytes that are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too early.
    #[error("the frame ends at byte {len}, but {wanted} more are needed at byte {at}")]
    Truncated {
        /// Where.
        at: usize,
        /// How many more bytes there had to be.
        wanted: u64,
        /// Bytes of the frame.
        len: usize,
    },
    /// They are of another type.
    #[error("byte {at} is 0x{found:02x}, where {expected} is needed")]
    Type {
        /// Where.
        at: usize,
        /// The byte that says the type.
        found: u8,
        /// What was expected.
        expected: &'static str,
    },
    /// A number is out of its range.
    #[error("{value} at byte {at} is not {expected}")]
    Range {
        /// Where.
        at: usize,
        /// The number.
        value: i128,
        /// What was expected.
        expected: &'static str,
    },
    /// No such variant.
    #[error("{kind} has no variant {tag} (at byte {at}); the other side may be of a newer version")]
    Tag {
        /// Where.
        at: usize,
        /// The type.
        kind: &'static str,
        /// Its number.
        tag: u64,
    },
    /// An array has too few elements.
    #[error("{kind} at byte {at} has {found} fields, but needs {needed}")]
    Fields {
        /// Where.
        at: usize,
        /// The type.
        kind: &'static str,
        /// How many there are.
        found: u32,
        /// How many there had to be.
        needed: u32,
    },
    /// A text is not UTF-8.
    #[error("the text at byte {at} is not UTF-8")]
    Text {
        /// Where.
        at: usize,
    },
    /// More than this side takes.
    #[error("{what} of {found} at byte {at} is over the limit of {limit}")]
    Limit {
        /// Where.
        at: usize,
        /// What there is too much of.
        what: &'static str,
        /// How much.
        found: u64,
        /// How much may be.
        limit: u64,
    },
    /// A number of a name that was never given.
    #[error("the name of number {number} (at byte {at}) was not introduced")]
    Name {
        /// Where.
        at: usize,
        /// The number.
        number: u64,
    },
}
