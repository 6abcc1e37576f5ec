//! Messages between processes.
//!
//! ```text
//!   codec       messages of `oxidask_sched`   <->  msgpack, keys with numbered names, attachments
//!   frame       bodies of messages            <->  a stream of bytes
//!   session     frames, numbered and kept until the other side has them: whole after a reconnect
//!   transport   streams of bytes: in-process queues, Unix sockets, TCP, TLS
//! ```
//!
//! `docs/protocol.md` has the same to the byte, for clients in other languages.
//!
//! Codec, frames and sessions do no IO. What messages mean is the affair of the machines in
//! `oxidask_sched`.

pub mod address;
pub mod codec;
pub mod frame;
pub mod greeting;
pub mod peer;
pub mod session;
pub mod transport;
