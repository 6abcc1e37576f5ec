//! Links: sessions over sockets, Unix or TCP, plain or within TLS, or over queues of this process.
//!
//! ```text
//!   any thread   Sender::send ── encode ── write to the socket, unless somebody writes already
//!   IO thread    read ── frames ── messages ── Inbox::deliver; writes when a socket has room again
//! ```
//!
//! | file | what is there |
//! |---|---|
//! | `listen.rs`, `connect.rs` | the two ways to a link |
//! | `outlet.rs` | what goes out: a queue that any thread fills and writes |
//! | `link.rs` | what comes in; broken connections; beats |
//! | `channel.rs`, `tls.rs` | bytes over a socket |
//! | `security.rs` | certificates and tokens from files, or made |
//! | `local.rs` | links within a process: no bytes |
//! | `knock.rs` | greetings |
//!
//! Batching has no timer: while a write is under way, messages gather, and the writer takes them
//! along when it is done.

mod channel;
mod connect;
mod knock;
mod link;
mod listen;
mod local;
mod outlet;
mod security;
mod thread;
mod tls;

use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use connect::{AsClient, AsPeer, AsWorker, Connected, Role, connect};
pub use listen::{Incoming, Listener, Offer};
pub use outlet::Sender;
pub use security::{Security, SecurityError, SecurityFiles, TOKEN_VARIABLE, TemporaryCertificates};
pub use thread::IoThread;
pub use tls::{Tls, TlsError};

use super::address::Address;
use super::codec::{DecodeError, EncodeError, Limits};
use super::frame::FrameError;
use super::greeting::PrefaceError;
use super::session::SessionError;

/// Takes what comes over a link. Runs on the IO thread, so it hands on what takes long.
pub trait Inbox<In>: Send + 'static {
    /// Messages have come, in order; those left in the list are dropped.
    fn deliver(&mut self, messages: &mut Vec<In>);

    /// Nothing more will come. Called once, last.
    fn ended(&mut self, end: End);
}

/// How a link ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// One side closed it.
    Closed,
    /// The other side is gone for good, or makes no sense; and what is known about it.
    Lost(Arc<str>),
}

/// How a link is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is taken from the other side.
    pub limits: Limits,
    /// Something is sent at least so often; the other side takes four times that in silence for a
    /// broken connection.
    pub beat: Duration,
    /// How long a broken session may wait for another connection.
    pub linger: Duration,
    /// The same if the other side's system has ended the connection without a goodbye.
    pub linger_gone: Duration,
    /// The same where a scheduler waits for a worker: its process is most likely dead, and if not it connects at once.
    pub linger_gone_worker: Duration,
    /// How long connecting and greeting may take.
    pub greeting: Duration,
    /// Bytes that may be queued or unacknowledged before sending fails.
    pub queue_bytes: usize,
    /// Whether large buffers to other machines are compressed where that pays.
    pub compress: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            beat: Duration::from_secs(2),
            linger: Duration::from_secs(30),
            linger_gone: Duration::from_secs(30),
            linger_gone_worker: Duration::from_secs(1),
            greeting: Duration::from_secs(10),
            queue_bytes: 4 << 30,
            compress: false,
        }
    }
}

/// A message can't be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The link has ended.
    #[error("the connection to {peer} is closed")]
    Closed {
        /// The other side.
        peer: Arc<str>,
    },
    /// The other side doesn't take what is sent.
    #[error("{queued} bytes wait for {peer}, which is over the limit of {limit}; it doesn't read")]
    Full {
        /// The other side.
        peer: Arc<str>,
        /// Bytes that wait.
        queued: usize,
        /// What may be.
        limit: usize,
    },
    /// No reader would take the message.
    #[error(transparent)]
    Message(#[from] EncodeError),
}

/// Listening is not possible.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Anybody could come.
    #[error(
        "{address} can be reached from other machines: listen on tls:// with certificates, or set a \
         token, or listen on 127.0.0.1"
    )]
    Exposed {
        /// The address.
        address: Address,
    },
    /// Certificates are missing.
    #[error(
        "{address} needs certificates: give a certificate, its key and the authority's certificate"
    )]
    NoCertificate {
        /// The address.
        address: Address,
    },
    /// The name is taken.
    #[error("something listens on {address} already; choose another address")]
    Taken {
        /// The address.
        address: Address,
    },
    /// The system refuses.
    #[error("can't listen on {address}: {source}")]
    Io {
        /// The address.
        address: Address,
        /// Why.
        source: io::Error,
    },
}

/// There is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers.
    #[error("can't connect to {address}: {source}")]
    Io {
        /// The address.
        address: Address,
        /// Why.
        source: io::Error,
    },
    /// Whoever is there hangs up.
    #[error(
        "{address} closed the connection without a greeting; is it a scheduler or worker of Oxidask's, \
         and is it tls:// on both sides or on neither?"
    )]
    Silent {
        /// The address.
        address: Address,
    },
    /// Certificates are missing.
    #[error(
        "{address} needs certificates: give a certificate, its key and the authority's certificate"
    )]
    NoCertificate {
        /// The address.
        address: Address,
    },
    /// Whoever answers is something else, or of another version.
    #[error("{address}: {source}")]
    Preface {
        /// The address.
        address: Address,
        /// What is wrong.
        source: PrefaceError,
    },
    /// It doesn't want the connection.
    #[error("{address} refuses: {text}")]
    Refused {
        /// The address.
        address: Address,
        /// A [`super::greeting::RefusalCode`].
        code: u32,
        /// Why.
        text: Arc<str>,
    },
    /// It doesn't know the token.
    #[error("{address} could not show that it has the token; check the token and the address")]
    Untrusted {
        /// The address.
        address: Address,
    },
    /// What it answers makes no sense.
    #[error("{address}: {source}")]
    Nonsense {
        /// The address.
        address: Address,
        /// What is wrong.
        source: Nonsense,
    },
    /// It takes too long.
    #[error("{address} did not answer within {limit:?}")]
    Timeout {
        /// The address.
        address: Address,
        /// How long it might have taken.
        limit: Duration,
    },
}

impl ConnectError {
    /// Whether another attempt may succeed without anybody changing anything: nobody is there yet, say.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Io { source, .. } => !matches!(
                source.kind(),
                io::ErrorKind::InvalidData
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied
            ),
            Self::Timeout { .. } | Self::Silent { .. } => true,
            _ => false,
        }
    }
}

/// The other side breaks the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// In its frames.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// In its messages.
    #[error(transparent)]
    Message(#[from] DecodeError),
    /// In its numbers.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// By a frame at the wrong time.
    #[error("a frame of kind {0:?} came where none may be")]
    Unexpected(super::frame::Kind),
    /// By limits that no message passes.
    #[error("the other side takes frames of {0} bytes only; it has to take a mebibyte")]
    Narrow(u64),
}
