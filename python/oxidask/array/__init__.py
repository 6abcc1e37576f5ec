"""Arrays: NumPy's interface over chunks, larger than memory, in parallel."""

from __future__ import annotations

from oxidask.array import fft, linalg
from oxidask.array.chunks import normalize_chunks
from oxidask.array.contractions import dot, einsum, matmul, tensordot, vdot
from oxidask.array.core import Array, asanyarray, asarray, elemwise
from oxidask.array.rechunk import rechunk
from oxidask.array.reshape import ravel, reshape, reshape_blockwise
from oxidask.array.cumulative import cumprod, cumsum, nancumprod, nancumsum
from oxidask.array.histograms import (
    bincount,
    digitize,
    histogram,
    histogram2d,
    histogramdd,
    searchsorted,
)
from oxidask.array.sorting import argsort, argtopk, isin, sort, topk, union1d, unique
from oxidask.array.core import (
    Array,
    asanyarray,
    asarray,
    elemwise,
    from_array,
    from_delayed,
    from_npy_stack,
    from_zarr,
    store,
    to_hdf5,
    to_npy_stack,
    to_zarr,
)
from oxidask.array.tiledb_io import from_tiledb, to_tiledb

__all__ = [
    "Array",
    "argsort",
    "argtopk",
    "asanyarray",
    "asarray",
    "bincount",
    "cumprod",
    "cumsum",
    "digitize",
    "dot",
    "einsum",
    "elemwise",
    "fft",
    "histogram",
    "histogram2d",
    "histogramdd",
    "isin",
    "linalg",
    "matmul",
    "nancumprod",
    "nancumsum",
    "from_array",
    "from_delayed",
    "from_npy_stack",
    "from_tiledb",
    "from_zarr",
    "normalize_chunks",
    "ravel",
    "rechunk",
    "reshape",
    "reshape_blockwise",
    "searchsorted",
    "sort",
    "tensordot",
    "topk",
    "union1d",
    "unique",
    "vdot",
    "store",
    "to_hdf5",
    "to_npy_stack",
    "to_tiledb",
    "to_zarr",
]
