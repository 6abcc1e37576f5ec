"""Arrays of what NumPy makes arrays of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask._unpack import is_dask_collection
from oxidask.array._from_array import from_memory
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
    **kwargs: Any,
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

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.asarray([1, 2], dtype=float).compute()
    array([1., 2.])
    """
    return _as_array(np.asarray, a, dtype, order, like, allow_unknown_chunksizes)


def asanyarray(
    a: Any,
    dtype: Any = None,
    order: str | None = None,
    *,
    like: Any = None,
    inline_array: bool = False,
) -> Array:
    """Return `a` as an array; blocks keep their type. For the parameters see :func:`asarray`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.asanyarray(np.ma.masked_equal([1, 2], 2)).compute().mask
    array([False,  True])
    """
    return _as_array(np.asanyarray, a, dtype, order, like, False)


def _as_array(
    convert: Callable[..., Any], a: Any, dtype: Any, order: Any, like: Any, unknown: bool
) -> Array:
    if not isinstance(a, Array):
        if hasattr(a, "to_dask_array"):
            a = a.to_dask_array()
        elif type(a).__module__.split(".")[0] == "xarray" and hasattr(a, "data"):
            return _as_array(convert, a.data, dtype, order, like, unknown)
        elif _holds_arrays(a):
            from oxidask.array._joining import stack

            a = stack(a, allow_unknown_chunksizes=unknown)
    if isinstance(a, Array):
        a = a if dtype is None else a.astype(dtype)
        if like is not None and type(getattr(like, "_meta", like)) is not type(a._meta):
            a = a.map_blocks(convert, like=getattr(like, "_meta", like), dtype=a.dtype)
        return a
    _warn_of_collection(a)
    given = a
    like = getattr(like, "_meta", like)
    if like is not None:
        a = convert(a, dtype=dtype, order=order, like=like)
    elif isinstance(a, np.ndarray) or not (
        hasattr(a, "__array_function__") or is_valid_array_chunk(a)
    ):
        a = convert(a, dtype=dtype, order=order)
    elif dtype is not None:
        a = a.astype(dtype)
    if not isinstance(given, (list, tuple)) and type(a) in (np.ndarray, np.ma.MaskedArray):
        # Who writes to it later changes no results: the name says what it holds now.
        a = a.copy() if a.flags.writeable else a
    return from_memory(a, _chunks_of(a), f"array-{tokenize(a)}", None)


def _warn_of_collection(a: Any) -> None:
    if is_dask_collection(a):
        warnings.warn(
            f"An array is made of a {type(a).__name__}, which is a Dask collection of another "
            "kind: its graph is left behind",
            UserWarning,
            stacklevel=4,
        )


def _chunks_of(a: Any) -> tuple[tuple[int, ...], ...]:
    """Return blocks of the size that is set; one for what NumPy's arrays aren't."""
    if not isinstance(a, np.ndarray) or a.dtype.hasobject:
        return tuple((n,) for n in a.shape)
    return normalize_chunks("auto", a.shape, dtype=a.dtype)
