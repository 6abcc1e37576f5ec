//! The cluster as pure state machines.
//!
//! ```text
//!   client  --ClientMessage-->  scheduler  --ToWorker-->  worker  <--peer to peer-->  worker
//!   client  <----ToClient-----  scheduler  <-FromWorker-  worker
//! ```
//!
//! The scheduler, the worker and the client each take one event and the
//! time and append actions to a list: `handle(now, event, &mut actions)`. Who delivers messages, runs
//! tasks and moves bytes is the runtime's affair; the simulator does all of it in one thread with a seeded
//! clock and faults, which is how these machines are tested.
//!
//! What a task runs and what a value holds are bytes and handles here: nothing is decoded.
//! [`message`] has every message between machines.
//!
//! What this crate must never know: threads, files, sockets, clocks, randomness that isn't seeded,
//! Python. The same events at the same times give the same actions on every machine.

#![forbid(unsafe_code)]

mod annotations;
pub mod client;
pub mod content;
pub mod coordination;
pub mod data;
pub mod ids;
pub mod message;
pub mod scheduler;
pub mod sim;
mod table;
pub mod worker;
