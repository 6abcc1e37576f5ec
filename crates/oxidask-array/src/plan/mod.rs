//! Lazy arrays.

pub mod chunks;
pub mod normalize;
pub mod unify;
