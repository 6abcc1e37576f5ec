//! Lazy arrays: what a user builds, and how it becomes layers of a task graph.
//!
//! [`chunks`] says how arrays are cut, [`array`] what they are; [`elementwise`] and its neighbours
//! build them; [`lower`] brings them to a graph, with [`fuse`] merging what can run as one.

pub mod array;
pub mod assign;
pub mod chunks;
pub mod contract;
pub mod cumulative;
pub mod elementwise;
pub mod explain;
pub mod fft;
mod fuse;
pub mod gather;
pub mod index;
pub mod indexing;
pub mod join;
pub mod linalg;
pub mod lower;
pub mod name;
pub mod normalize;
pub mod note;
pub mod overlap;
mod pair;
pub mod random;
pub mod rechunk;
pub mod reduce;
pub mod region;
pub mod reshape;
pub mod room;
pub mod search;
pub mod shuffle;
pub mod slice;
pub mod sort;
pub mod take;
pub mod unify;
