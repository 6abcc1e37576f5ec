//! The mathematics of one chunk: no plans, no graphs, no Python.
//!
//! [`buffer`] and [`chunk`] are the data: strided views of shared memory. Every other module is one
//! field of mathematics on them.

pub mod assign;
pub mod buffer;
pub mod cast;
pub mod chunk;
pub mod copy;
pub mod cumulative;
pub mod decompose;
pub mod fft;
pub mod gather;
pub mod lanes;
pub mod math;
pub mod matmul;
mod plane;
pub mod processor;
pub mod program;
pub mod random;
pub mod reduce;
pub mod search;
pub mod sequence;
pub mod sort;
pub mod ufunc;

pub use chunk::{Chunk, Dims, Strides};
