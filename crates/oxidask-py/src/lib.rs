//! The Python binding: the only crate that knows pyo3.
//!
//! Python objects are one family of values ([`object`]) and Python itself a lane that tasks enter
//! together. [`graph`] brings dict graphs to ours, [`delayed`] is the class behind
//! `oxidask.delayed`, [`run`] drives the local scheduler with Python's threads, and [`external`]
//! with any executor. The other modules stand behind the Python modules of their names.

mod array;
mod callbacks;
mod cluster;
mod crew;
mod delayed;
mod depth;
mod external;
mod frame;
mod graph;
mod key;
mod object;
mod op;
mod order;
mod portable;
mod run;
mod template;
mod tokenize;
mod unpack;
mod visualize;
mod yaml;

use pyo3::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The native half of the `oxidask` package.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::array::{
        ArrayExpr, ArrayGraph, ArrayPlan, BlockTask, ChunkMemory, NoKernel, array_astype,
        array_balance_chunks, array_bincount, array_blocks, array_contract, array_cumulate,
        array_diagonal_ones, array_digitize, array_explain, array_fft, array_float_range,
        array_from_delayed, array_from_graph, array_from_numpy, array_from_state, array_from_zarr,
        array_full, array_getitem, array_histogram, array_int_range, array_isin, array_join,
        array_linalg, array_matmul, array_minimum_chunks, array_normalize_chunks, array_overlap,
        array_pick, array_python_layer, array_random, array_random_indices, array_random_integers,
        array_random_rows, array_rechunk, array_reduce, array_reshape, array_reshape_blockwise,
        array_searchsorted, array_setitem, array_shuffle, array_solve, array_sort, array_take_by,
        array_to_delayed, array_to_state, array_to_zarr, array_topk, array_trim, array_ufunc,
        array_unify, array_unify_broadcast, array_unique, array_view, merge_arrays,
        note_annotations, random_check, random_key, rebuild_block_task, zarr_create,
        zarr_is_written, zarr_open, zarr_read,
    };
    #[pymodule_export]
    use crate::callbacks::RunState;
    #[pymodule_export]
    use crate::cluster::{
        ClientCore, FutureCore, RunningTask, SchedulerCore, TaskHere, WorkerCore, running_task,
        temporary_certificates,
    };
    #[pymodule_export]
    use crate::crew::{close_crews, forget_crews};
    #[pymodule_export]
    use crate::delayed::{
        Delayed, DelayedAttr, DelayedGraph, DelayedLeaf, delayed_structure, merge_delayed,
        seed_tokens,
    };
    #[pymodule_export]
    use crate::external::ExternalRun;
    #[pymodule_export]
    use crate::frame::{
        ColumnMemory, FrameExpr, HeldValue, TextColumn, frame_from_graph, frame_from_pandas,
        frame_python_layer, frame_read_csv, frame_read_parquet, frame_to_pandas, frame_write,
        parquet_summary, rebuild_held_value,
    };
    #[pymodule_export]
    use crate::order::order;
    #[pymodule_export]
    use crate::portable::delayed_from_plain;
    #[pymodule_export]
    use crate::run::{ThreadPool, compute, machine_memory_bytes};
    #[pymodule_export]
    use crate::tokenize::{hash_buffer, hash_buffer_hex, tokenize, tokenize_defer};
    #[pymodule_export]
    use crate::visualize::Picture;
    #[pymodule_export]
    use crate::yaml::{config_deprecations, default_config_yaml, yaml_dump, yaml_load};

    /// Registers NumPy as the stand-in of kernels, the configuration as what plans go by, and what
    /// reads sources.
    #[pymodule_init]
    fn init(_module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        crate::array::numpy::register();
        crate::array::note::register();
        crate::array::room::register();
        crate::array::region::register();
        crate::frame::pandas::register();
        Ok(())
    }
}
