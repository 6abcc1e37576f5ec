//! Clusters of processes of the `oxidask` program.
#![cfg(unix)]

mod ends;
mod process;
mod secrets;
mod tasks;
