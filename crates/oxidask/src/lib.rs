//! Oxidask for Rust: task graphs, run in parallel, larger than memory.
pub mod visualize;
