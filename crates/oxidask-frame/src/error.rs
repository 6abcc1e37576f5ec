//! What can go wrong with dataframes, by the exception that pandas would raise for it.

/// An error of building or computing a dataframe.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FrameError {
    /// A label that isn't there. pandas' `KeyError`.
    #[error("{0}")]
    Key(String),
    /// A value that no dataframe can have. `ValueError`.
    #[error("{0}")]
    Value(String),
    /// An operand of the wrong kind. `TypeError`.
    #[error("{0}")]
    Type(String),
    /// A number or time that its dtype can't hold. `OverflowError`.
    #[error("{0}")]
    Overflow(String),
    /// A position outside of its axis. `IndexError`.
    #[error("{0}")]
    Index(String),
    /// Keys that can't be joined. pandas' `MergeError`.
    #[error("{0}")]
    Merge(String),
    /// Text that is no table. pandas' `ParserError`.
    #[error("{path}, line {line}: {reason}")]
    Parse {
        /// The file.
        path: String,
        /// The line in it, from 1.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A file that is not what its name says, or damaged. pyarrow's `ArrowInvalid`, a `ValueError`.
    #[error("{path} is no whole Parquet file: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that can't be read or written. `OSError`.
    #[error("{path}: {reason}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// What isn't there, with the way out. `NotImplementedError`.
    #[error("{0}")]
    Unsupported(String),
    /// No kernel for these inputs: pandas must do it. Never seen by users.
    #[error("no kernel for {0}")]
    NoKernel(String),
}

impl FrameError {
    /// No kernel for columns of a dtype.
    #[must_use]
    pub fn no_kernel(what: &str, dtype: &crate::dtype::DType) -> Self {
        Self::NoKernel(format!("{what} of {dtype}"))
    }
}

impl From<arrow_schema::ArrowError> for FrameError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Value(error.to_string())
    }
}

/// The crate's result.
pub type Result<T, E = FrameError> = std::result::Result<T, E>;
