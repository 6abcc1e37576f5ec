//! What can go wrong with arrays, by the exception that NumPy would raise for it.

use crate::dtype::DType;

/// An error of building or computing an array.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ArrayError {
    /// A value that no array can have: mismatched shapes, wrong chunks. NumPy's `ValueError`.
    #[error("{0}")]
    Value(String),
    /// An operand of the wrong kind. NumPy's `TypeError`.
    #[error("{0}")]
    Type(String),
    /// An index outside of its axis. NumPy's `IndexError`.
    #[error("{0}")]
    Index(String),
    /// An axis that the array hasn't got. NumPy's `AxisError`.
    #[error("axis {axis} is out of bounds for array of dimension {ndim}")]
    Axis {
        /// The axis as given.
        axis: i64,
        /// The dimensions that there are.
        ndim: usize,
    },
    /// A matrix that a decomposition can't take. NumPy's `LinAlgError`.
    #[error("{0}")]
    LinAlg(String),
    /// More than there is room for. `MemoryError`.
    #[error("Unable to allocate {bytes} bytes for an array")]
    Memory {
        /// What was asked for.
        bytes: u128,
    },
    /// What isn't there, with the way out. `NotImplementedError`.
    #[error("{0}")]
    Unsupported(String),
    /// A file or folder that can't be read or written. `OSError`.
    #[error("{path}: {reason}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// No kernel for these inputs: the op runs its NumPy stand-in instead. Never seen by users.
    #[error("no kernel for {0}")]
    NoKernel(String),
}

impl ArrayError {
    /// No kernel for a dtype.
    #[must_use]
    pub fn no_kernel(what: &str, dtype: DType) -> Self {
        Self::NoKernel(format!("{what} of {dtype}"))
    }
}

/// The crate's result.
pub type Result<T, E = ArrayError> = std::result::Result<T, E>;
