//! Files: the only place of this crate that touches storage.
//!
//! Everything here works on one part at a time, in the thread that calls: what runs side by side is the
//! business of whoever makes tasks of it. [`paths`] finds the files of a table; [`csv`] and `parquet` read and
//! write them; [`predicate`] says by the statistics of a part whether its rows can matter.

pub mod csv;
pub mod paths;
pub mod predicate;

#[cfg(feature = "parquet")]
pub mod parquet;

use crate::error::FrameError;

/// An error of the system about a file.
pub(crate) fn failed(path: &str, reason: impl std::fmt::Display) -> FrameError {
    FrameError::Io { path: path.to_owned(), reason: reason.to_string() }
}
