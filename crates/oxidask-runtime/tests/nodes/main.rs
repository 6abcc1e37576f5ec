//! Nodes of a cluster, as processes have them.
#![cfg(not(loom))]

mod cluster;
mod memory;
mod mixed;
mod near;
