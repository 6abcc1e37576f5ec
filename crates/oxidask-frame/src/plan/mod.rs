//! What a user builds: lazy tables, and their way to the layers of a task graph.

pub mod exchange;
pub mod explain;
pub mod files;
pub mod lower;
mod name;
mod needs;
pub mod partwise;
pub mod shuffle;
pub mod table;
pub mod tree;

pub use table::{Divisions, Table};
