//! The Python binding: the only crate that knows pyo3.
use pyo3::prelude::*;

/// The native half of the `oxidask` package.
#[pymodule]
mod _native {}
