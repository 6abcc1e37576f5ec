//! The class behind `oxidask.array`: expressions of `oxidask-array`, chunks as NumPy arrays, and
//! NumPy as the way out for what has no kernel.
//!
//! [`expr`] is the handle to an expression, [`memory`] carries chunks across the border without a
//! copy, [`numpy`] runs kernels' stand-ins, [`block_op`] runs Python functions on blocks and
//! [`graph`] is what schedulers and Python code see of it all.

pub(crate) mod block_op;
mod chunks;
mod elementwise;
mod explain;
pub(crate) mod expr;
pub(crate) mod graph;
mod indexing;
pub(crate) mod io;
mod io_zarr;
mod join;
mod layer;
mod linalg;
pub(crate) mod memory;
pub(crate) mod note;
pub(crate) mod numpy;
mod overlap;
mod pickle;
pub(crate) mod portable;
mod random;
mod reduce;
pub(crate) mod region;
pub(crate) mod room;
mod sequence;
mod source;
mod unify;

pub(crate) use chunks::array_normalize_chunks;
pub(crate) use elementwise::{array_astype, array_ufunc, array_view};
pub(crate) use explain::{ArrayPlan, array_explain};
pub(crate) use expr::{ArrayExpr, NoKernel};
pub(crate) use graph::{ArrayGraph, BlockTask, merge_arrays};
pub(crate) use indexing::{
    array_balance_chunks, array_blocks, array_getitem, array_rechunk, array_reshape,
    array_reshape_blockwise, array_setitem, array_shuffle, array_take_by,
};
pub(crate) use io::{array_from_delayed, array_to_delayed};
pub(crate) use io_zarr::{
    array_from_zarr, array_to_zarr, zarr_create, zarr_is_written, zarr_open, zarr_read,
};
pub(crate) use join::array_join;
pub(crate) use layer::{array_from_graph, array_python_layer};
pub(crate) use linalg::{
    array_bincount, array_contract, array_cumulate, array_digitize, array_fft, array_histogram,
    array_isin, array_linalg, array_matmul, array_searchsorted, array_solve, array_sort,
    array_topk, array_unique,
};
pub(crate) use memory::ChunkMemory;
pub(crate) use note::note_annotations;
pub(crate) use overlap::{array_minimum_chunks, array_overlap, array_trim};
pub(crate) use pickle::{array_from_state, array_to_state};
pub(crate) use portable::rebuild_block_task;
pub(crate) use random::{
    array_pick, array_random, array_random_indices, array_random_integers, array_random_rows,
    random_check, random_key,
};
pub(crate) use reduce::array_reduce;
pub(crate) use sequence::{array_diagonal_ones, array_float_range, array_int_range};
pub(crate) use source::{array_from_numpy, array_full};
pub(crate) use unify::{array_unify, array_unify_broadcast};
