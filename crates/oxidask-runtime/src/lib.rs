//! Where graphs run: the only home of threads, sockets, files and clocks.
//!
//! [`local`] runs a graph on the threads of this machine, keeping its values in a [`store`] that
//! spills to disk when a memory budget asks for it. [`wire`] carries messages between processes. The runtime runs opaque ops: it knows no
//! collection and no Python.

pub mod cluster;
pub mod config_files;
pub mod local;
#[cfg(not(loom))]
pub mod network;
pub mod signals;
pub mod store;
mod sync;
pub mod system;
#[cfg(not(loom))]
pub mod wire;
