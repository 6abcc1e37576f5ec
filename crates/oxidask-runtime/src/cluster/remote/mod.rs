//! Nodes of several processes: the same machines over links of [`crate::wire`].
//!
//! | file | what is there |
//! |---|---|
//! | `outbox.rs` | posting over a link |
//! | `serve.rs` | a scheduler that workers and clients of other processes join |
//! | `join.rs` | workers and clients that join one |
//! | `returning.rs` | clients that outlive their scheduler |
//! | `mixed.rs` | nodes in the scheduler's process beside others |
//! | `shared.rs` | large values between processes of one machine |
//! | `peers.rs`, `answer.rs` | asking workers for values, and answering |

mod answer;
mod join;
#[cfg_attr(not(target_os = "linux"), path = "no_memory_file.rs")]
mod memory_file;
mod mixed;
mod outbox;
mod peers;
mod returning;
mod serve;

pub use join::{JoinError, Joining, RemoteClient, RemoteWorker};
pub use mixed::{join_here_listening, reach_others};
pub use peers::RemotePeers;
pub use serve::serve;
