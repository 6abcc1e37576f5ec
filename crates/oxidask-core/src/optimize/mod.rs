//! Rewriting graphs so that the same answer takes fewer and larger tasks.
//!
//! Culling is part of [`crate::graph::Graph::expand`]. [`fuse_blockwise`] works on layers, at a
//! cost that does not depend on their blocks; [`fuse_linear`] and [`inline`] work on expanded
//! tasks. What is merged runs as a [`Program`]. Fused tasks keep the key of their last step, and
//! outputs are never merged away.

mod blockwise;
mod explicit;
mod program;

pub use blockwise::fuse_blockwise;
pub use explicit::{fuse_linear, inline};
pub use program::{Operand, Program, Step};
