//! Parquet: what a data set holds by its footers, parts of it as frames, and frames as files.
//!
//! [`Dataset::open`] reads footers only, and says what pandas would make of the files; its [`Part`]s are read one
//! by one with [`read`], as far as a task needs them. [`write()`] makes one file of one frame.

mod convert;
mod dataset;
mod layout;
mod open_file;
mod pandas;
mod read;
mod statistics;
mod summary;
mod write;

pub use dataset::{Dataset, File, Grouping};
pub use layout::{Folder, Layout, Part, Source};
pub use read::{Request, RowFilter, read};
pub use summary::summarise;
pub use write::{Compression, WriteOptions, write};
