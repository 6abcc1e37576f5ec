//! CSV: text tables into frames, in blocks of lines, and frames as text.
//!
//! [`infer()`] looks at the beginning of a file and says what pandas would make of it: a [`Plan`]. [`split`] cuts
//! files at ends of lines that no quotes hold, and [`read_block`] reads such a piece, strictly as planned: what
//! doesn't fit is an error that names the file, the line and the column. [`text`] writes frames as pandas does.

mod block;
mod field;
mod infer;
mod options;
mod split;
mod write;

pub use block::{parse, read_block};
pub use infer::infer;
pub use options::{Column, CsvOptions, Header, Parse, Plan};
pub use split::{Block, split};
pub use write::{CsvText, text, write};
