"""Arrays of what is there already: arrays in memory and in storage, delayed values, functions."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._locks import holding
from oxidask.array._meta import meta_from_array
from oxidask.array.chunk_types import is_valid_array_chunk
from oxidask.array.chunks import normalize_chunks
from oxidask.array.core import Array, blockwise_layer, native_typestr, new_array
from oxidask.base import is_dask_collection
from oxidask.tokenize import tokenize
from oxidask.utils import SerializableLock

__all__ = [
    "BlockSlices",
    "from_array",
    "from_delayed",
    "from_func",
    "from_memory",
    "getter",
    "getter_inline",
    "getter_nofancy",
]


class BlockSlices:
    """The slices of each block: a function of its coordinates that a table for each axis answers.

    Parameters
    ----------
    chunks
        Extents of the blocks along each axis.
    start
        For each axis where the first block starts.

    Examples
    --------
    >>> BlockSlices(((2, 3), (4,)))((1, 0))
    (slice(2, 5, None), slice(0, 4, None))
    """

    __slots__ = ("bounds",)

    def __init__(self, chunks: Sequence[Sequence[int]], start: Sequence[int] = ()) -> None:
        first = start or (0,) * len(chunks)
        self.bounds = [
            np.cumsum([at, *extents]).tolist() for at, extents in zip(first, chunks, strict=True)
        ]

    def __call__(self, index: tuple[int, ...]) -> tuple[slice, ...]:
        return tuple(
            slice(bounds[i], bounds[i + 1]) for i, bounds in zip(index, self.bounds, strict=True)
        )

    def __dask_tokenize__(self) -> Any:
        return "block-slices", self.bounds


def getter(a: Any, b: Any, asarray: bool = True, lock: Any = None) -> Any:
    """Return a part of something that is like an array.

    Parameters
    ----------
    a
        What has the elements.
    b
        Slices, integers and lists of integers; None for a new axis.
    asarray
        Whether the part is to be a NumPy array.
    lock
        Held while reading.

    Examples
    --------
    >>> getter([1, 2, 3, 4], slice(1, 3))
    array([2, 3])
    """
    if isinstance(b, tuple) and any(part is None for part in b):
        part = getter(a, tuple(part for part in b if part is not None), asarray, lock)
        return part[tuple(None if part is None else slice(None) for part in b)]
    with holding(lock):
        part = a[b]
        # Inside the lock: what is lazy reads only now.
        return np.asarray(part) if asarray else part


def getter_nofancy(a: Any, b: Any, asarray: bool = True, lock: Any = None) -> Any:
    """Return a part of what can't be indexed by lists; see :func:`getter`."""
    return getter(a, b, asarray=asarray, lock=lock)


def getter_inline(a: Any, b: Any, asarray: bool = True, lock: Any = None) -> Any:
    """Return a part of what is better read twice than kept; see :func:`getter`."""
    return getter(a, b, asarray=asarray, lock=lock)


def _plain_part(a: Any, b: Any) -> Any:
    return a[b]


def from_array(
    x: Any,
    chunks: Any = "auto",
    name: Any = None,
    lock: Any = False,
    asarray: bool | None = None,
    fancy: bool = True,
    getitem: Callable[..., Any] | None = None,
    meta: Any = None,
    inline_array: bool = False,
) -> Array:
    """Return an array of something that has a shape, a dtype and slices.

    Parameters
    ----------
    x
        A NumPy array, or anything like one: an HDF5 or Zarr array, say.  Arrays in memory are
        copied, unless they are read-only: who writes to them later changes no results.
    chunks
        See :func:`oxidask.array.normalize_chunks`; chunks of `x` are respected.
    name
        The array's name; by default a hash of `x`; False for a random one, which is quicker.
    lock
        A lock to hold while reading, or True for a new one.
    asarray
        Whether blocks are made NumPy arrays; by default if `x` has no ``__array_function__``.
    fancy
        Whether `x` can be indexed by lists of integers.
    getitem
        A function of `x` and slices that reads a block, instead of indexing.
    meta
        An empty array of the blocks' type; by default found out.
    inline_array
        Whether `x` is part of each task instead of a task of its own.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.from_array(np.arange(6).reshape(2, 3), chunks=(1, 3))
    >>> x.chunks
    ((1, 1), (3,))
    >>> x.compute()
    array([[0, 1, 2],
           [3, 4, 5]])
    """
    if isinstance(x, Array):
        raise ValueError("from_array takes what is no dask array yet: use asarray or rechunk")
    if _holds_array(x):
        return x.data  # type: ignore[no-any-return]
    if is_dask_collection(x):
        warnings.warn(
            f"from_array got a {type(x).__name__}, which is a Dask collection itself: it will be "
            "computed block by block, each time anew",
            UserWarning,
            stacklevel=2,
        )
    if isinstance(x, (list, tuple, memoryview, np.generic)) or np.isscalar(x):
        x = np.array(x)
    if asarray is None:
        asarray = not (hasattr(x, "__array_function__") or is_valid_array_chunk(x))
    dtype = getattr(x, "dtype", None)
    if x.shape == () and not isinstance(chunks, dict):
        # One number is one block, whatever chunks are asked for.
        chunks = ()
    chunks = normalize_chunks(chunks, x.shape, dtype=dtype, previous_chunks=_chunks_there(x))
    if name in (None, True):
        name = "array-" + tokenize(x, chunks, lock, asarray, fancy, getitem, inline_array)
    elif name is False:
        name = f"array-{uuid.uuid4()}"
    if lock is True:
        lock = SerializableLock()
    if isinstance(x, np.ndarray) and not isinstance(x, np.memmap) and x.flags.writeable:
        x = x.copy()
    if type(x) in (np.ndarray, np.memmap, np.ma.MaskedArray) and not lock:
        if isinstance(x, np.memmap):
            x = np.asarray(x)
        return from_memory(x, chunks, name, meta)
    if meta is None and asarray:
        meta = np.empty((0,) * len(chunks), dtype=dtype)
    meta = meta_from_array(x if meta is None else meta, ndim=len(chunks), dtype=dtype)
    read = getitem or (getter if fancy else getter_nofancy)
    kwargs = {}
    if read in (getter, getter_nofancy) or not asarray or lock:
        kwargs = {"asarray": asarray, "lock": lock or None}
    source = ("literal" if inline_array else "shared", x)
    args = [source, ("per_block", BlockSlices(chunks))]
    return blockwise_layer(name, read, args, chunks, meta, kwargs)


def _holds_array(x: Any) -> bool:
    """Whether `x` is a labelled array (xarray's) over an array of ours."""
    kind = type(x)
    if kind.__module__.partition(".")[0] != "xarray":
        return False
    return isinstance(getattr(x, "data", None), Array)


def _chunks_there(x: Any) -> Any:
    """Return the chunks in which `x` is stored: its shards, if it can't be written in less."""
    return getattr(x, "shards", None) or getattr(x, "chunks", None)


def from_memory(x: Any, chunks: Any, name: str, meta: Any) -> Array:
    """Return an array over an array in memory: native views of it where its dtype is native.

    Parameters
    ----------
    x
        The array, which nobody writes to from now on.
    chunks
        Extents of the blocks along each axis.
    name
        The name of the result.
    meta
        An empty array of the blocks' type, or None.
    """
    if type(x) is np.ndarray and (meta is None or type(meta) is np.ndarray):
        try:
            return new_array(_native.array_from_numpy(x, chunks, name))
        except _native.NoKernel:
            pass
    meta = meta_from_array(x if meta is None else meta, ndim=x.ndim, dtype=x.dtype)
    if all(len(extents) == 1 for extents in chunks):
        return Array({(name, *(0,) * x.ndim): x}, name, chunks, meta=meta)  # type: ignore[no-any-return]
    args = [("shared", x), ("per_block", BlockSlices(chunks))]
    return blockwise_layer(name, _plain_part, args, chunks, meta)


def from_delayed(
    value: Any, shape: Any, dtype: Any = None, meta: Any = None, name: str | None = None
) -> Array:
    """Return an array of one block that a delayed value computes.

    Parameters
    ----------
    value
        A delayed value, or a future.
    shape
        The shape that it will have.
    dtype
        The dtype that it will have.
    meta
        An empty array of the type that it will have, instead of `dtype`.
    name
        The array's name; by default a hash of the value's key.

    Examples
    --------
    >>> import numpy as np, oxidask, oxidask.array as da
    >>> x = da.from_delayed(oxidask.delayed(np.ones)(3), shape=(3,), dtype=float)
    >>> (x + 1).compute()
    array([2., 2., 2.])
    """
    from oxidask.delayed import Delayed, delayed

    if not hasattr(value, "key"):
        value = delayed(value)
    if dtype is None and meta is None:
        raise ValueError("from_delayed needs the dtype, or a meta")
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    meta = meta_from_array(meta, ndim=len(shape), dtype=dtype)
    name = name or "from-value-" + tokenize(value, shape, dtype, meta)
    chunks = tuple((extent,) for extent in shape)
    if isinstance(value, Delayed) and hasattr(_native, "array_from_delayed"):
        typestr = native_typestr(meta.dtype) if type(meta) is np.ndarray else None
        return new_array(_native.array_from_delayed([value], name, chunks, typestr), meta)
    if hasattr(value, "__dask_graph__"):
        graph = dict(value.__dask_graph__())
    else:
        graph = {value.key: value}
    graph[(name, *(0,) * len(shape))] = value.key
    return Array(graph, name, chunks, meta=meta)  # type: ignore[no-any-return]


def from_func(
    func: Callable[..., Any],
    shape: Sequence[int],
    dtype: Any = None,
    name: str | None = None,
    args: Sequence[Any] = (),
    kwargs: dict[str, Any] | None = None,
) -> Array:
    """Return an array of one block that a function computes.

    Parameters
    ----------
    func
        The function.
    shape
        The shape of what it returns.
    dtype
        The dtype of what it returns.
    name
        The array's name; by default a hash of the call.
    args, kwargs
        Arguments of the call.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.core.from_func(np.arange, (3,), int, args=(3,)).compute()
    array([0, 1, 2])
    """
    kwargs = kwargs or {}
    name = name or "from_func-" + tokenize(func, shape, dtype, args, kwargs)
    meta = np.empty((0,) * len(shape), dtype=dtype)
    literals = [("literal", arg) for arg in args]
    chunks = tuple((extent,) for extent in shape)
    return blockwise_layer(name, func, literals, chunks, meta, kwargs)
