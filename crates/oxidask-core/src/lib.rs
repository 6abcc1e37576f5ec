//! The pure heart of Oxidask: what a task graph is, and what may be decided about it without
//! running anything.
//!
//! A user's expression becomes a [`graph::Graph`] of [`layer`]s; [`optimize`] rewrites it;
//! [`graph::Graph::expand`] turns what the outputs need into a dense [`graph::TaskGraph`];
//! [`mod@order`] says in which order its tasks should run. Schedulers take it from there; the
//! [`reference`](mod@reference) executor is the slow and obviously right one that tests compare
//! them with.
//!
//! What this crate must never know: threads, files, sockets, clocks, randomness, Python. The
//! same inputs give the same decisions on every machine and in every run.

#![forbid(unsafe_code)]

pub mod config;
pub mod dag;
pub mod graph;
pub mod key;
pub mod layer;
pub mod node;
pub mod op;
pub mod optimize;
pub mod order;
pub mod reference;
pub mod tokenize;
pub mod value;
