//! Lazy arrays.

pub mod chunks;
pub mod index;
pub mod normalize;
pub mod rechunk;
pub mod slice;
pub mod take;
pub mod unify;
