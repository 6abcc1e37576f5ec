"""Arrays of what NumPy makes arrays of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from oxidask._unpack import is_dask_collection
from oxidask.array._from_array import from_array, from_memory, getter_inline
from oxidask.array._meta import meta_from_array
from oxidask.array.chunk_types import is_valid_array_chunk
from oxidask.array.chunks import normalize_chunks
from oxidask.array.core import Array
from oxidask.tokenize import tokenize

__all__ = ["asanyarray", "asarray"]


def _holds_arrays(a: Any) -> bool:
    return isinstance(a, (list, tuple)) and any(
        isinstance(item, Array) or _holds_arrays(item) for item in a
    )


def asarray(
    a: Any,
    allow_unknown_chunksizes: bool = False,
    dtype: Any = None,
    order: str | None = None,
    *,
    like: Any = None,
    inline_array: bool = False,
    chunks: Any = "auto",
) -> Array:
    """Return `a` as an array; blocks of other types become NumPy's.

    Parameters
    ----------
    a
        An array, or what NumPy makes one of; lists of lazy arrays are stacked.
    allow_unknown_chunksizes
        Whether stacked arrays may have blocks of unknown extents.
    dtype
        The dtype.
    order
        How an array in memory is laid out.
    like
        An array of the type that blocks are to have.
    inline_array
        Whether an array in a store is part of each task instead of a task of its own.
    chunks
        How what is no lazy array yet is cut; see :func:`oxidask.array.normalize_chunks`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.asarray([1, 2], dtype=float).compute()
    array([1., 2.])
    """
    store = {"inline_array": inline_array, "chunks": chunks}
    return _as_array(np.asarray, a, dtype, order, like, allow_unknown_chunksizes, **store)


def asanyarray(
    a: Any,
    dtype: Any = None,
    order: str | None = None,
    *,
    like: Any = None,
    inline_array: bool = False,
    chunks: Any = "auto",
) -> Array:
    """Return `a` as an array; blocks keep their type. For the parameters see :func:`asarray`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.asanyarray(np.ma.masked_equal([1, 2], 2)).compute().mask
    array([False,  True])
    """
    store = {"inline_array": inline_array, "chunks": chunks}
    return _as_array(np.asanyarray, a, dtype, order, like, **store)


def _as_array(
    convert: Callable[..., Any],
    a: Any,
    dtype: Any,
    order: Any,
    like: Any,
    unknown: bool = False,
    **store: Any,
) -> Array:
    if not isinstance(a, Array):
        if hasattr(a, "to_dask_array"):
            a = a.to_dask_array()
        elif type(a).__module__.split(".")[0] == "xarray" and hasattr(a, "data"):
            return _as_array(convert, a.data, dtype, order, like, unknown, **store)
        elif _holds_arrays(a):
            from oxidask.array._joining import stack

            a = stack(a, allow_unknown_chunksizes=unknown)
        elif _is_stored(a):
            a = from_array(a, getitem=getter_inline, **store)
    like = getattr(like, "_meta", like)
    if isinstance(a, Array):
        a = a if dtype is None else a.astype(dtype)
        if like is not None and type(like) is not type(a._meta):
            meta = meta_from_array(like, ndim=a.ndim, dtype=a.dtype)
            block = partial(_converted, convert, dtype=None, order=order, like=like)
            a = a.map_blocks(block, dtype=a.dtype, meta=meta)
        return a
    _warn_of_collection(a)
    given = a
    if like is not None:
        a = _converted(convert, a, dtype, order, like)
    elif isinstance(a, np.ndarray) or not (
        hasattr(a, "__array_function__") or is_valid_array_chunk(a)
    ):
        a = convert(a, dtype=dtype, order=order)
    elif dtype is not None:
        a = a.astype(dtype)
    if not isinstance(given, (list, tuple)) and type(a) in (np.ndarray, np.ma.MaskedArray):
        # Who writes to it later changes no results: the name says what it holds now.
        a = a.copy() if a.flags.writeable else a
    chunks = _chunks_of(a, store["chunks"])
    name = "array-" + (tokenize(a) if all(len(c) == 1 for c in chunks) else tokenize(a, chunks))
    return from_memory(a, chunks, name, None)


def _is_stored(a: Any) -> bool:
    """Whether the elements lie in a store with chunks: they are read block by block then."""
    return not isinstance(a, np.ndarray) and all(
        hasattr(a, name) for name in ("shape", "dtype", "chunks", "__getitem__")
    )


def _converted(convert: Callable[..., Any], a: Any, dtype: Any, order: Any, like: Any) -> Any:
    """Return an array of the type of `like`."""
    if hasattr(like, "__array_function__"):
        return convert(a, dtype=dtype, order=order, like=like)
    # SciPy's sparse matrices don't speak the protocol.
    return type(like)(np.asarray(a, dtype=dtype))


def _warn_of_collection(a: Any) -> None:
    if is_dask_collection(a):
        warnings.warn(
            f"An array is made of a {type(a).__name__}, which is a Dask collection of another "
            "kind: its graph is left behind",
            UserWarning,
            stacklevel=4,
        )


def _chunks_of(a: Any, chunks: Any) -> tuple[tuple[int, ...], ...]:
    """Return blocks of the size that is set; one for what NumPy's arrays aren't."""
    if chunks == "auto" and (not isinstance(a, np.ndarray) or a.dtype.hasobject):
        return tuple((n,) for n in a.shape)
    return normalize_chunks(chunks, a.shape, dtype=a.dtype)
