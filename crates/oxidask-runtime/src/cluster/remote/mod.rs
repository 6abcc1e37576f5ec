//! Nodes of several processes: the same machines over links of [`crate::wire`].
//!
//! | file | what is there |
//! |---|---|
//! | `outbox.rs` | posting over a link |
//! | `serve.rs` | a scheduler that workers and clients of other processes join |
//! | `join.rs` | workers and clients that join one |
//! | `peers.rs` | asking workers for values, and answering |

mod join;
mod outbox;
mod peers;
mod serve;

pub use join::{JoinError, Joining, RemoteClient, RemoteWorker};
pub use peers::RemotePeers;
pub use serve::serve;
