//! What workers and clients say to a worker whose values they want, and what it answers.
//!
//! Requests are answered value by value, in any order, on sessions that are not resumed: whoever
//! loses one asks again, perhaps elsewhere. Large parts of values travel outside of the messages, as
//! attachments, and are read straight into memory of their own.

use std::sync::Arc;

use bytes::Bytes;
use oxidask_core::key::Key;
use oxidask_core::value::{Buffer, Encoded};
use oxidask_sched::ids::TaskId;

use super::codec::{DecodeError, Decoder, Encoder, Field, Message, fields, structures, variants};

/// What names a value: workers know tasks, clients keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ValueName {
    /// A task's value.
    Task(TaskId),
    /// The value of this key.
    Key(Key),
}

/// A value in its byte form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parcel {
    /// The family that can decode it.
    pub family: Arc<str>,
    /// The name of its type.
    pub type_name: Arc<str>,
    /// Estimated bytes of memory that it takes.
    pub nbytes: u64,
    /// What the family needs to rebuild the value around its buffers.
    pub header: Bytes,
    /// Raw memory.
    pub buffers: Vec<Bytes>,
}

/// Where a process has put the buffers of a value for others of its machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sharing {
    /// The process.
    pub process: u32,
    /// Its descriptor of the file.
    pub descriptor: u32,
    /// The file's device.
    pub device: u64,
    /// The file's number there.
    pub inode: u64,
    /// Bytes of each buffer; they begin at multiples of 64.
    pub lengths: Vec<u64>,
}

/// A value whose buffers are in shared memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shared {
    /// As in [`Parcel`].
    pub family: Arc<str>,
    /// As in [`Parcel`].
    pub type_name: Arc<str>,
    /// As in [`Parcel`].
    pub nbytes: u64,
    /// As in [`Parcel`].
    pub header: Bytes,
    /// Where its buffers are.
    pub sharing: Sharing,
}

/// What is asked of a worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PeerRequest {
    /// Send these: each is answered by [`PeerReply::Value`] or [`PeerReply::Absent`].
    Fetch {
        /// Comes back with the answers.
        request: u64,
        /// The values.
        names: Vec<ValueName>,
    },
    /// Hold this: answered by [`PeerReply::Held`]. The scheduler has said that its place is here.
    Put {
        /// Comes back with the answer.
        request: u64,
        /// Its name.
        name: ValueName,
        /// The value.
        value: Parcel,
    },
    /// The answers to this are not needed any more.
    Abandon(u64),
    /// As [`PeerRequest::Fetch`], from a process that can take values by [`PeerReply::Shared`] if it runs on the
    /// machine of the one that is asked.
    FetchNear {
        /// Comes back with the answers.
        request: u64,
        /// The values.
        names: Vec<ValueName>,
        /// What names the machine of who asks.
        machine: Arc<str>,
    },
    /// The shared memory of this answer has been mapped, or can't be: it need not be kept for that.
    Taken {
        /// The request's.
        request: u64,
        /// Which of the names it asked for.
        index: u32,
    },
}

/// What a worker answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PeerReply {
    /// A value.
    Value {
        /// The request's.
        request: u64,
        /// Which of the names it asked for.
        index: u32,
        /// The value.
        value: Parcel,
    },
    /// A value can't be had here.
    Absent {
        /// The request's.
        request: u64,
        /// Which of the names it asked for.
        index: u32,
        /// Why it can't be encoded; none if it is not here.
        reason: Option<Arc<str>>,
    },
    /// A value is held now.
    Held {
        /// The request's.
        request: u64,
    },
    /// A value, in memory that both can see. Answered by [`PeerRequest::Taken`].
    Shared {
        /// The request's.
        request: u64,
        /// Which of the names it asked for.
        index: u32,
        /// The value.
        value: Shared,
    },
    /// A value could not be taken.
    Declined {
        /// The request's.
        request: u64,
        /// Why, and what to do.
        reason: Arc<str>,
    },
}

/// A buffer that is asked for its bytes.
struct Lent(Buffer);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl Parcel {
    /// A parcel of what a family wrote; its buffers are not copied.
    #[must_use]
    pub fn new(family: &str, type_name: &str, nbytes: u64, encoded: Encoded) -> Self {
        let lend = |buffer| Bytes::from_owner(Lent(buffer));
        Self {
            family: family.into(),
            type_name: type_name.into(),
            nbytes,
            header: encoded.header.into(),
            buffers: encoded.buffers.into_iter().map(lend).collect(),
        }
    }

    /// The buffers for a family to decode. Those that came over a wire are not copied.
    #[must_use]
    pub fn into_buffers(self) -> Vec<Vec<u8>> {
        self.buffers.into_iter().map(Vec::from).collect()
    }
}

impl Message for PeerRequest {}
impl Message for PeerReply {}

variants!(PeerRequest {
    0 = Fetch { request, names },
    1 = Put { request, name, value },
    2 = Abandon(request),
    3 = FetchNear { request, names, machine },
    4 = Taken { request, index },
});

variants!(PeerReply {
    0 = Value { request, index, value },
    1 = Absent { request, index, reason },
    2 = Held { request },
    3 = Declined { request, reason },
    4 = Shared { request, index, value },
});

structures! {
    Sharing { process, descriptor, device, inode, lengths }
    Shared { family, type_name, nbytes, header, sharing }
}

/// A number for a task, a key for a key.
impl Field for ValueName {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Task(task) => task.encode(out),
            Self::Key(key) => key.encode(out),
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match input.peek()? {
            0..0x80 | 0xcc..=0xcf => Field::decode(input).map(Self::Task),
            _ => Field::decode(input).map(Self::Key),
        }
    }
}

impl Field for Parcel {
    fn encode(&self, out: &mut Encoder) {
        out.array(5);
        self.family.encode(out);
        self.type_name.encode(out);
        self.nbytes.encode(out);
        self.header.encode(out);
        out.uint(self.buffers.len() as u64);
        self.buffers.iter().for_each(|buffer| out.attach(buffer.clone()));
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        fields(input, "Parcel", 5, |input| {
            Ok(Self {
                family: Field::decode(input)?,
                type_name: Field::decode(input)?,
                nbytes: Field::decode(input)?,
                header: Field::decode(input)?,
                buffers: {
                    let n = u32::decode(input)?;
                    input.attached(n as usize)?
                },
            })
        })
    }
}
