//! Lazy arrays.

pub mod chunks;
