"""Making arrays: like others, of ranges, of diagonals."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._creation_blocks import BlockRegion, arange_block, linspace_block
from oxidask.array._meta import meta_from_array
from oxidask.array._padding import pad
from oxidask.array._rearranging import repeat, tile
from oxidask.array.chunks import normalize_chunks
from oxidask.array.core import Array, asarray, blockwise_layer, native_typestr, new_array
from oxidask.array.numpy_compat import AxisError
from oxidask.array.wrap import empty, full, ones, zeros
from oxidask.tokenize import tokenize

__all__ = [
    "arange",
    "diag",
    "diagonal",
    "empty_like",
    "eye",
    "fromfunction",
    "full_like",
    "indices",
    "linspace",
    "meshgrid",
    "ones_like",
    "pad",
    "repeat",
    "tile",
    "to_backend",
    "tri",
    "zeros_like",
]


def to_backend(x: Array, backend: str | None = None, **kwargs: Any) -> Array:
    """Return an array with blocks of another library.

    Parameters
    ----------
    x
        An array.
    backend
        The library's name; by default the setting ``array.backend``.
    **kwargs
        Keywords for the conversion.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.ones(2).to_backend("numpy").compute()
    array([1., 1.])
    """
    from oxidask import config
    from oxidask.array.backends import array_creation_dispatch

    backend = backend or config.get("array.backend", "numpy")
    return array_creation_dispatch.dispatch(backend).to_backend(x, **kwargs)  # type: ignore[no-any-return]


def _like(a: Any, chunks: Any, shape: Any) -> tuple[Array, Any, Any]:
    """Return `a` as an array, and the shape and chunks of one like it."""
    a = asarray(a)
    if shape is None:
        return a, a.shape, a.chunks if chunks is None else chunks
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    shape = tuple(shape)
    if chunks is None:
        chunks = a.chunks if shape == a.shape else "auto"
    return a, shape, chunks


def _same_unknown(a: Array, shape: Any, chunks: Any) -> bool:
    return chunks is a.chunks and any(math.isnan(n) for n in shape)


def _per_block(function: Callable[..., Any], a: Array, dtype: Any, name: Any, *args: Any) -> Array:
    """Return an array like `a`, whose blocks only computing tells the extents of."""
    return a.map_blocks(function, *args, dtype=dtype or a.dtype, name=name)  # type: ignore[no-any-return]


class _Filled:
    """A function like ``np.full_like`` with a dtype."""

    def __init__(self, function: Callable[..., Any], dtype: Any) -> None:
        self.function = function
        self.dtype = np.dtype(dtype)
        self.__name__ = function.__name__

    def __call__(self, block: Any, *args: Any) -> Any:
        return self.function(block, *args, dtype=self.dtype)

    def __dask_tokenize__(self) -> Any:
        return "filled", self.function, str(self.dtype)


def empty_like(
    a: Any,
    dtype: Any = None,
    order: str = "C",
    chunks: Any = None,
    name: str | None = None,
    shape: Any = None,
) -> Array:
    """Return an array of any elements like another; for the parameters see :func:`ones_like`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.empty_like(da.ones((2, 3), chunks=2)).chunks
    ((2,), (2, 1))
    """
    a, shape, chunks = _like(a, chunks, shape)
    if _same_unknown(a, shape, chunks):
        return _per_block(_Filled(np.empty_like, dtype or a.dtype), a, dtype, name)
    return empty(shape, dtype or a.dtype, order, chunks=chunks, name=name, meta=a._meta)


def ones_like(
    a: Any,
    dtype: Any = None,
    order: str = "C",
    chunks: Any = None,
    name: str | None = None,
    shape: Any = None,
) -> Array:
    """Return an array of ones like another.

    Parameters
    ----------
    a
        An array.
    dtype, chunks, shape
        What is to differ from `a`.
    order
        Taken for NumPy's sake.
    name
        The array's name.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.ones_like(da.arange(3, chunks=2)).compute()
    array([1, 1, 1])
    """
    a, shape, chunks = _like(a, chunks, shape)
    if _same_unknown(a, shape, chunks):
        return _per_block(_Filled(np.ones_like, dtype or a.dtype), a, dtype, name)
    return ones(shape, dtype or a.dtype, order, chunks=chunks, name=name, meta=a._meta)


def zeros_like(
    a: Any,
    dtype: Any = None,
    order: str = "C",
    chunks: Any = None,
    name: str | None = None,
    shape: Any = None,
) -> Array:
    """Return an array of zeros like another; for the parameters see :func:`ones_like`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.zeros_like(da.ones(3, chunks=2), dtype=int).compute()
    array([0, 0, 0])
    """
    a, shape, chunks = _like(a, chunks, shape)
    if _same_unknown(a, shape, chunks):
        return _per_block(_Filled(np.zeros_like, dtype or a.dtype), a, dtype, name)
    return zeros(shape, dtype or a.dtype, order, chunks=chunks, name=name, meta=a._meta)


def full_like(
    a: Any,
    fill_value: Any,
    order: str = "C",
    dtype: Any = None,
    chunks: Any = None,
    name: str | None = None,
    shape: Any = None,
) -> Array:
    """Return an array of `fill_value` like another; see :func:`ones_like` for the other parameters.

    Parameters
    ----------
    fill_value
        A scalar.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.full_like(da.ones(3, chunks=2), 7).compute()
    array([7., 7., 7.])
    """
    a, shape, chunks = _like(a, chunks, shape)
    if _same_unknown(a, shape, chunks):
        return _per_block(_Filled(np.full_like, dtype or a.dtype), a, dtype, name, fill_value)
    return full(shape, fill_value, dtype or a.dtype, order, chunks=chunks, name=name, meta=a._meta)


def _arange_dtype(start: Any, stop: Any, step: Any) -> np.dtype[Any]:
    """Return the dtype of NumPy's ``arange``."""
    numbers = (start, stop, step)
    if any(isinstance(x, (np.datetime64, np.timedelta64)) for x in numbers):
        return np.result_type(*(np.asarray(x).dtype for x in (start, stop)))  # type: ignore[no-any-return]
    big = [x for x in numbers if type(x) is int and not -(2**63) <= x < 2**63]
    small = [1 if type(x) is int else x for x in numbers]
    like = np.arange(*(type(x)(1) for x in small))
    return np.result_type(like.dtype, *(np.asarray(x).dtype for x in big))  # type: ignore[no-any-return]


def _number(x: Any) -> Any:
    """Return a lazy number's value; others as they are."""
    return x.compute()[()] if isinstance(x, Array) else x


def arange(
    start: Any = None,
    /,
    stop: Any = None,
    step: Any = 1,
    *,
    chunks: Any = "auto",
    like: Any = None,
    dtype: Any = None,
    **kwargs: Any,
) -> Array:
    """Return evenly spaced numbers from `start` to before `stop`.

    Parameters
    ----------
    start, stop, step
        The first number, the end, and the distance; one number is the end.
    chunks
        Chunks in any form.
    like
        An array of the type that blocks are to have.
    dtype
        The dtype; by default that of NumPy's ``arange``.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.arange(2, 8, 2, chunks=2).compute()
    array([2, 4, 6])
    """
    if kwargs:
        raise TypeError(f"Unexpected keyword argument(s): {', '.join(kwargs)}")
    start, stop, step = _number(start), _number(stop), _number(step)
    if stop is None:
        if start is None:
            raise TypeError("arange() requires stop to be specified.")
        start, stop = type(start)(0) if not hasattr(start, "dtype") else start.dtype.type(0), start
    elif start is None:
        start = 0
    inferred = _arange_dtype(start, stop, step)
    dtype = inferred if dtype is None else np.dtype(dtype)
    meta = meta_from_array(like, ndim=1, dtype=dtype) if like is not None else None
    if inferred.kind in "mM":
        first = np.asarray(start).astype(inferred).view("i8").item()
        unit = np.timedelta64(1, np.datetime_data(inferred))
        each = int(step / unit) if isinstance(step, np.timedelta64) else int(step)
        end = np.asarray(stop).astype(inferred).view("i8").item()
        num = max(-((first - end) // each), 0)
    else:
        start, stop, step = (
            x.item() if isinstance(x, np.generic) else x for x in (start, stop, step)
        )
        num = max(_ceil_div(stop - start, step), 0)
        first, each = _first_and_step(start, step, dtype)
    blocks = normalize_chunks(chunks, (num,), dtype=dtype)
    typestr = native_typestr(dtype)
    if meta is None or type(meta) is np.ndarray:
        try:
            if isinstance(first, int) and dtype.kind in "iumM":
                wrapped = (first + 2**63) % 2**64 - 2**63
                expr = _native.array_int_range(
                    "arange", wrapped, (each + 2**63) % 2**64 - 2**63, typestr, blocks, 0
                )
                return new_array(expr)
            if dtype.kind in "biuf" and typestr is not None:
                return new_array(
                    _native.array_float_range(
                        "arange", float(first), float(each), typestr, blocks, 0
                    )
                )
        except _native.NoKernel:
            pass
    return blockwise_layer(
        f"arange-{tokenize(start, step, blocks, dtype, type(meta))}",
        arange_block,
        [
            ("per_block", BlockRegion(blocks)),
            *(("literal", x) for x in (start, step, dtype, meta)),
        ],
        blocks,
        np.empty(0, dtype) if meta is None else meta,
    )


def _ceil_div(length: Any, step: Any) -> int:
    if isinstance(length, int) and isinstance(step, int):
        return -(-length // step)
    return math.ceil(length / step)


def _first_and_step(start: Any, step: Any, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Return the first number and the distance as NumPy fills ranges.

    From two numbers of the dtype.
    """
    if dtype.kind not in "biuf":
        return start, step
    with np.errstate(all="ignore"):
        if dtype.kind in "iu":
            if isinstance(start, int) and isinstance(step, int):
                return start, step
            first, second = int(start), int(start + step)
            return first, second - first
        first, second = np.asarray(start).astype(dtype), np.asarray(start + step).astype(dtype)
        if dtype.kind == "b":
            return float(first), float(second) - float(first)
        return float(first), float(second - first)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    chunks: Any = "auto",
    dtype: Any = None,
) -> Any:
    """Return `num` evenly spaced numbers between `start` and `stop`.

    Parameters
    ----------
    start, stop
        The bounds.
    num
        How many numbers.
    endpoint
        Whether `stop` is the last of them.
    retstep
        Whether the distance is returned too.
    chunks
        Chunks in any form.
    dtype
        The dtype.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.linspace(0, 1, 5, chunks=2).compute()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    start, stop, num = _number(start), _number(stop), int(num)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    inferred = np.result_type(np.asarray(start) * 1.0, np.asarray(stop) * 1.0)
    dtype = inferred if dtype is None else np.dtype(dtype)
    div = num - 1 if endpoint else num
    step = (stop - start) / div if div > 0 else float("nan")
    each = step if div > 0 else 0.0
    blocks = normalize_chunks(chunks, (num,), dtype=dtype)
    typestr = native_typestr(dtype)
    last = (stop,) if endpoint and num > 1 else None
    result = None
    if inferred == np.dtype("f8") and dtype.kind in "biuf" and typestr is not None:
        with contextlib.suppress(_native.NoKernel):
            result = new_array(
                _native.array_float_range(
                    "linspace",
                    float(start),
                    float(each),
                    typestr,
                    blocks,
                    0,
                    None if last is None else (num - 1, float(stop)),
                    dtype.kind in "iu",
                )
            )
    if result is None:
        result = blockwise_layer(
            f"linspace-{tokenize(start, stop, num, endpoint, blocks, dtype)}",
            linspace_block,
            [
                ("per_block", BlockRegion(blocks)),
                *(("literal", x) for x in (start, each, num, last, dtype)),
            ],
            blocks,
            np.empty(0, dtype),
        )
    return (result, step) if retstep else result


def indices(dimensions: Any, dtype: Any = int, chunks: Any = "auto") -> Array:
    """Return the coordinates of a grid: along the first axis one array for each of its axes.

    Parameters
    ----------
    dimensions
        The shape of the grid.
    dtype
        The dtype.
    chunks
        Chunks of the grid.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.indices((2, 2), chunks=1).compute()[0]
    array([[0, 0],
           [1, 1]])
    """
    from oxidask.array._joining import stack

    dimensions = tuple(dimensions)
    dtype = np.dtype(dtype)
    chunks = tuple(chunks) if isinstance(chunks, list) else chunks
    if isinstance(chunks, tuple) and len(chunks) != len(dimensions):
        raise ValueError(f"Need same number of chunks as dimensions: {chunks}, {dimensions}")
    blocks = normalize_chunks(chunks, dimensions, dtype=dtype)
    typestr = native_typestr(dtype)
    if not dimensions:
        return empty((0,), dtype, chunks=(1,))
    grids = []
    for axis in range(len(dimensions)):
        if typestr is not None:
            expr = _native.array_int_range("indices", 0, 1, typestr, blocks, axis)
            grids.append(new_array(expr))
        else:
            index = tuple(slice(None) if i == axis else None for i in range(len(dimensions)))
            line = arange(dimensions[axis], chunks=(blocks[axis],)).astype(dtype)[index]
            grids.append(_broadcast(line, dimensions, blocks))
    return stack(grids)  # type: ignore[no-any-return]


def _broadcast(x: Array, shape: Any, chunks: Any) -> Array:
    from oxidask.array._broadcast import broadcast_to

    return broadcast_to(x, shape, chunks)


def meshgrid(*xi: Any, sparse: bool = False, indexing: str = "xy", **kwargs: Any) -> Any:
    """Return coordinate arrays of the grid that vectors span.

    Parameters
    ----------
    *xi
        Vectors.
    sparse
        Whether results keep extent 1 along the axes of the others.
    indexing
        ``"xy"``, where the first two axes change places, or ``"ij"``.

    Examples
    --------
    >>> import oxidask.array as da
    >>> [x.shape for x in da.meshgrid([1, 2, 3], [4, 5])]
    [(2, 3), (2, 3)]
    """
    from oxidask.array._broadcast import broadcast_arrays

    if indexing not in ("ij", "xy"):
        raise ValueError("`indexing` must be `'ij'` or `'xy'`")
    kwargs.pop("copy", None)
    if kwargs:
        raise TypeError(f"unsupported keyword argument(s) {sorted(kwargs)}")
    vectors = [asarray(x) for x in xi]
    vectors = [x.flatten() if x.ndim != 1 else x for x in vectors]
    if indexing == "xy" and len(vectors) > 1:
        vectors[0], vectors[1] = vectors[1], vectors[0]
    ndim = len(vectors)
    grid = [
        x[tuple(slice(None) if i == axis else None for i in range(ndim))]
        for axis, x in enumerate(vectors)
    ]
    if not sparse:
        grid = list(broadcast_arrays(*grid))
    if indexing == "xy" and len(grid) > 1:
        grid[0], grid[1] = grid[1], grid[0]
    out_type = type(np.meshgrid([0]))
    return out_type(grid)


def eye(
    N: int,
    chunks: Any = "auto",
    M: int | None = None,
    k: int = 0,
    dtype: Any = float,
) -> Array:
    """Return a matrix of ones on a diagonal and zeros elsewhere.

    Parameters
    ----------
    N, M
        Rows and columns; by default as many columns as rows.
    chunks
        An extent for both axes, or ``"auto"``.
    k
        How far the diagonal lies above the main one.
    dtype
        The dtype.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.eye(2, chunks=1, dtype=int).compute()
    array([[1, 0],
           [0, 1]])
    """
    return _diagonal_ones("eye", N, N if M is None else M, k, dtype, chunks, below=False)


def tri(
    N: int,
    M: int | None = None,
    k: int = 0,
    dtype: Any = float,
    chunks: Any = "auto",
    *,
    like: Any = None,
) -> Array:
    """Return a matrix of ones on and below a diagonal; for the parameters see :func:`eye`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.tri(2, 3, chunks=2, dtype=int).compute()
    array([[1, 0, 0],
           [1, 1, 0]])
    """
    return _diagonal_ones("tri", N, N if M is None else M, k, dtype, chunks, below=True)


def _diagonal_ones(
    prefix: str, n: int, m: int, k: int, dtype: Any, chunks: Any, *, below: bool
) -> Array:
    dtype = np.dtype(float if dtype is None else dtype)
    if not isinstance(chunks, (int, str, tuple, list)):
        raise ValueError("chunks must be an int or string")
    blocks = normalize_chunks(chunks, (n, m), dtype=dtype)
    typestr = native_typestr(dtype)
    if typestr is not None and dtype.kind not in "mM":
        return new_array(_native.array_diagonal_ones(prefix, int(k), below, typestr, blocks))
    return _diagonal_ones(prefix, n, m, k, bool, blocks, below=below).astype(dtype)


def diag(v: Any, k: int = 0) -> Array:
    """Return a diagonal of a matrix, or the matrix with a diagonal.

    Parameters
    ----------
    v
        A matrix or a vector.
    k
        How far the diagonal lies above the main one.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.diag(da.arange(2, chunks=1)).compute()
    array([[0, 0],
           [0, 1]])
    """
    from oxidask.array._diagonals import diagonal_matrix

    if not isinstance(v, (np.ndarray, Array)) and not hasattr(v, "__array_function__"):
        raise TypeError(f"v must be a dask array or numpy array, got {type(v)}")
    v = asarray(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError("Array must be 1d or 2d only")
    return diagonal_matrix(v, k)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Return diagonals of planes, along the last axis.

    Parameters
    ----------
    a
        An array.
    offset
        How far the diagonals lie above the main ones.
    axis1, axis2
        The axes of the planes.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.diagonal(da.arange(4, chunks=2).reshape(2, 2)).compute()
    array([0, 3])
    """
    from oxidask.array._diagonals import diagonals

    a = asarray(a)
    if a.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    for axis, name in ((axis1, "axis1"), (axis2, "axis2")):
        if not -a.ndim <= axis < a.ndim:
            raise AxisError(f"{name}: axis {axis} is out of bounds for array of dimension {a.ndim}")
    axis1, axis2 = axis1 % a.ndim, axis2 % a.ndim
    if axis1 == axis2:
        raise ValueError("axis1 and axis2 cannot be the same")
    return diagonals(a, int(offset), axis1, axis2)


def fromfunction(
    func: Callable[..., Any],
    chunks: Any = "auto",
    shape: Any = None,
    dtype: Any = None,
    **kwargs: Any,
) -> Array:
    """Return what a function gives for the coordinates of a grid.

    Parameters
    ----------
    func
        A function of as many arrays as there are axes.
    chunks, shape
        The grid.
    dtype
        The dtype of the coordinates, float64 by default.
    **kwargs
        Keywords for `func`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.fromfunction(lambda i, j: i + j, shape=(2, 2), chunks=1).compute()
    array([[0., 1.],
           [1., 2.]])
    """
    from oxidask.array.blockwise import blockwise

    dtype = np.dtype(float if dtype is None else dtype)
    blocks = normalize_chunks(chunks, shape, dtype=dtype)
    ndim = len(blocks)
    lines = []
    for axis, extents in enumerate(blocks):
        index = tuple(slice(None) if i == axis else None for i in range(ndim))
        lines.append(arange(sum(extents), chunks=(extents,)).astype(dtype)[index])
    letters = tuple(range(ndim))
    pairs = itertools.chain.from_iterable((line, letters) for line in lines)
    return blockwise(
        _GridFunction(func), letters, *pairs, token="fromfunction", dtype=dtype, **kwargs
    )


class _GridFunction:
    """A function of coordinates, called with whole arrays of them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = "fromfunction"

    def __call__(self, *lines: Any, **kwargs: Any) -> Any:
        grid = np.broadcast_arrays(*lines)
        result = self.function(*(np.array(x) for x in grid), **kwargs)
        return np.broadcast_to(result, grid[0].shape) if np.ndim(result) == 0 and grid else result

    def __dask_tokenize__(self) -> Any:
        return "fromfunction", self.function
