"""Elements by conditions and positions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._joining import normalize_axis, stack
from oxidask.array.core import Array, asanyarray, blockwise_layer, elemwise, new_array
from oxidask.base import is_dask_collection
from oxidask.tokenize import tokenize

__all__ = [
    "argwhere",
    "choose",
    "compress",
    "count_nonzero",
    "extract",
    "flatnonzero",
    "isnonzero",
    "nonzero",
    "piecewise",
    "ravel_multi_index",
    "select",
    "take",
    "unravel_index",
    "where",
]


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Take elements of one array where a condition holds, of another elsewhere.

    Parameters
    ----------
    condition
        The condition.
    x, y
        The arrays; without them, the positions where the condition holds, as :func:`nonzero`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.arange(4, chunks=2)
    >>> da.where(x > 1, x, -1).compute()
    array([-1, -1,  2,  3])
    """
    if (x is None) != (y is None):
        raise ValueError("either both or neither of x and y should be given")
    if x is None:
        return nonzero(condition)
    if np.isscalar(condition):
        return _where_scalar(condition, x, y)
    operands = [_operand(condition), _operand(x), _operand(y)]
    if not any(isinstance(operand, Array) for operand in operands):
        operands[0] = asanyarray(operands[0])
    if all(not isinstance(o, Array) or type(o._meta) is np.ndarray for o in operands):
        try:
            exprs = [o._expr if isinstance(o, Array) else o for o in operands]
            return new_array(_native.array_ufunc("where", exprs))
        except _native.NoKernel:
            pass
    return elemwise(np.where, *operands)


def _where_scalar(condition: Any, x: Any, y: Any) -> Array:
    """Take all of one array: the array itself, if nothing is to be cast or broadcast."""
    from oxidask.array._broadcast import broadcast_to
    from oxidask.array._elemwise import broadcast_shapes

    dtype = np.result_type(_dtype_of(x), _dtype_of(y))
    x, y = asanyarray(x), asanyarray(y)
    chosen = (x if condition else y).astype(dtype)
    return broadcast_to(chosen, broadcast_shapes(x.shape, y.shape))


def _operand(x: Any) -> Any:
    if isinstance(x, (Array, np.generic, bool, int, float, complex)):
        return x
    return asanyarray(x)


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Array:
    """Take elements of the first choice whose condition holds.

    Parameters
    ----------
    condlist
        Conditions.
    choicelist
        For each of them what is taken.
    default
        What is taken where none holds.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.arange(5, chunks=2)
    >>> da.select([x < 2, x > 3], [x, 10 * x], default=-1).compute()
    array([ 0,  1, -1, -1, 40])
    """
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if len(condlist) == 0:
        raise ValueError("select with an empty condition list is not possible")
    conditions = [asanyarray(condition) for condition in condlist]
    for at, condition in enumerate(conditions):
        if condition.dtype != bool:
            raise TypeError(f"invalid entry {at} in condlist: should be boolean ndarray")
    dtype = np.result_type(*(_dtype_of(choice) for choice in (*choicelist, default)))
    choices = [asanyarray(choice).astype(dtype) for choice in choicelist]
    result = asanyarray(default).astype(dtype)
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        result = where(condition, choice, result)
    return result


def _dtype_of(x: Any) -> Any:
    if type(x) in (int, float, complex):
        return x
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def _chosen_block(index: Any, *choices: Any) -> Any:
    return np.choose(index, choices)


def choose(a: Any, choices: Sequence[Any]) -> Any:
    """Take for each element, an index, the element of the choice that it says.

    Parameters
    ----------
    a
        Indices of choices.
    choices
        Arrays.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.choose(da.from_array([1, 0]), [[10, 20], [30, 40]]).compute()
    array([30, 20])
    """
    choices = [_operand(choice) for choice in choices]
    dtype = np.result_type(*map(_dtype_of, choices))
    return elemwise(_chosen_block, a, *choices, dtype=dtype)


def _piecewise_block(x: Any, *conditions: Any, functions: Any, args: Any, kwargs: Any) -> Any:
    return np.piecewise(x, list(conditions), functions, *args, **kwargs)


def piecewise(
    x: Any, condlist: Sequence[Any], funclist: Sequence[Any], *args: Any, **kw: Any
) -> Array:
    """Apply functions where conditions hold.

    Parameters
    ----------
    x
        The array.
    condlist
        Conditions.
    funclist
        For each a function or a number, and one more for where none holds.
    *args, **kw
        Arguments of the functions.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.arange(4, chunks=2)
    >>> da.piecewise(x, [x < 2], [lambda v: -v, lambda v: 10 * v]).compute()
    array([ 0, -1, 20, 30])
    """
    x = asanyarray(x)
    return x.map_blocks(  # type: ignore[no-any-return]
        _piecewise_block,
        *map(asanyarray, condlist),
        dtype=x.dtype,
        token="piecewise",
        functions=list(funclist),
        args=args,
        kwargs=kw,
    )


def take(a: Any, indices: Any, axis: int = 0) -> Array:
    """Take elements by their positions along an axis.

    Parameters
    ----------
    a
        The array.
    indices
        Positions.
    axis
        The axis.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.take(da.arange(5, chunks=2), [4, 0]).compute()
    array([4, 0])
    """
    a = asanyarray(a)
    if not -a.ndim <= axis < a.ndim:
        raise ValueError(f"axis=({axis}) out of bounds for an array of {a.ndim} dimensions")
    return a[(slice(None),) * (axis % a.ndim) + (indices,)]


def compress(condition: Any, a: Any, axis: int | None = None) -> Array:
    """Keep the slices of an array where a condition holds.

    Parameters
    ----------
    condition
        A boolean for each slice; those that lack are False.
    a
        The array.
    axis
        The axis; None to flatten the array first.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.compress([True, False, True], da.arange(3, chunks=2)).compute()
    array([0, 2])
    """
    a = asanyarray(a)
    if axis is None:
        a, axis = a.ravel(), 0
    axis = normalize_axis(axis, a.ndim)
    if not isinstance(condition, Array):
        condition = np.asarray(condition)
    condition = condition.astype(bool)
    if condition.ndim != 1:
        raise ValueError("Condition must be one dimensional")
    prefix = (slice(None),) * axis
    n, extent = condition.shape[0], a.shape[axis]
    if not math.isnan(n) and not math.isnan(extent):
        if n > extent:
            raise IndexError(f"a condition of {n} elements for an axis of {extent}")
        if n < extent:
            a = a[(*prefix, slice(None, n))]
    return a[(*prefix, condition)]


def extract(condition: Any, arr: Any) -> Array:
    """Return the elements of an array where a condition holds.

    Parameters
    ----------
    condition
        The condition.
    arr
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.arange(4, chunks=2)
    >>> da.extract(x % 2 == 1, x).compute()
    array([1, 3])
    """
    condition = asanyarray(condition).astype(bool)
    return compress(condition.ravel(), asanyarray(arr).ravel())


def _nonzero_elements(a: Any) -> Any:
    return a.astype(bool)


def isnonzero(a: Any) -> Array:
    """Return which elements are not zero.

    Parameters
    ----------
    a
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> isnonzero(da.arange(3, chunks=2)).compute()
    array([False,  True,  True])
    """
    a = asanyarray(a)
    if a.dtype == bool:
        return a
    if a.dtype.kind in "biufc" and type(a._meta) is np.ndarray:
        return a.astype(bool)
    return elemwise(_nonzero_elements, a, dtype=bool)  # type: ignore[no-any-return]


def count_nonzero(a: Any, axis: Any = None) -> Array:
    """Count the elements that are not zero.

    Parameters
    ----------
    a
        The array.
    axis
        The axes along which they are counted; all by default.

    Examples
    --------
    >>> import oxidask.array as da
    >>> int(da.count_nonzero(da.arange(5, chunks=2)).compute())
    4
    """
    return isnonzero(asanyarray(a)).astype(np.intp).sum(axis=axis)  # type: ignore[no-any-return]


def _found_block(block: Any, offset: int) -> Any:
    return np.flatnonzero(np.asarray(block)) + offset


class _Offset:
    """Where the blocks of a 1-d array start."""

    def __init__(self, extents: Sequence[int]) -> None:
        self.starts = np.cumsum([0, *extents]).tolist()

    def __call__(self, index: tuple[int, ...]) -> int:
        return self.starts[index[0]]  # type: ignore[no-any-return]

    def __dask_tokenize__(self) -> Any:
        return "offset", self.starts


def flatnonzero(a: Any) -> Array:
    """Return the positions of elements that are not zero, counted through the flat array.

    Parameters
    ----------
    a
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.flatnonzero(da.from_array([0, 7, 0, 5], chunks=2)).compute()
    array([1, 3])
    """
    flat = isnonzero(asanyarray(a)).ravel()
    if any(math.isnan(n) for n in flat.chunks[0]):
        raise ValueError(
            f"positions in an array of unknown shape {flat.shape} can't be told; call "
            "compute_chunk_sizes() first"
        )
    name = f"flatnonzero-{tokenize(flat)}"
    args = [("blocks", flat, [0], [False]), ("per_block", _Offset(flat.chunks[0]))]
    chunks = ((math.nan,) * len(flat.chunks[0]),)
    return blockwise_layer(name, _found_block, args, chunks, np.empty(0, np.intp))


def _coordinate_block(flat: Any, shape: tuple[int, ...], axis: int, order: str) -> Any:
    return np.unravel_index(flat, shape, order)[axis]  # type: ignore[call-overload]


def _coordinate(flat: Array, shape: tuple[int, ...], axis: int, order: str = "C") -> Array:
    name = f"unravel_index-{tokenize(flat, shape, axis, order)}"
    args = [
        ("blocks", flat, list(range(flat.ndim)), [False] * flat.ndim),
        ("literal", shape),
        ("literal", axis),
        ("literal", order),
    ]
    meta = np.empty((0,) * flat.ndim, np.intp)
    return blockwise_layer(name, _coordinate_block, args, flat.chunks, meta)


def argwhere(a: Any) -> Array:
    """Return the positions of elements that are not zero, one in each row.

    Parameters
    ----------
    a
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.argwhere(da.from_array([0, 7, 0, 5], chunks=2)).compute()
    array([[1],
           [3]])
    """
    a = asanyarray(a)
    flat = flatnonzero(a)
    if not a.ndim:
        return flat[:, None][:, :0]
    columns = nonzero(a)
    return stack(columns, axis=1, allow_unknown_chunksizes=True)


def nonzero(a: Any) -> tuple[Array, ...]:
    """Return the positions of elements that are not zero, an array for each axis.

    Parameters
    ----------
    a
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> [x.compute() for x in da.nonzero(da.from_array([0, 7, 0, 5], chunks=2))]
    [array([1, 3])]
    """
    a = asanyarray(a)
    flat = flatnonzero(a)
    if a.ndim < 2:
        return (flat,)
    return tuple(_coordinate(flat, a.shape, axis) for axis in range(a.ndim))


def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Array, ...]:
    """Return the coordinates of flat positions.

    Parameters
    ----------
    indices
        Flat positions.
    shape
        The shape of the array that they are positions in.
    order
        ``"C"`` or ``"F"``: which axis runs fastest, the last or the first.

    Examples
    --------
    >>> import oxidask.array as da
    >>> [x.compute() for x in da.unravel_index(da.from_array([5, 7]), (3, 4))]
    [array([1, 1]), array([1, 3])]
    """
    indices = asanyarray(indices)
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    return tuple(_coordinate(indices, shape, axis, order) for axis in range(len(shape)))


def _raveled_block(*parts: Any, dims: Any, mode: Any, order: str) -> Any:
    return np.ravel_multi_index(parts, dims, mode, order)  # type: ignore[call-overload]


def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Array:
    """Return the flat positions of coordinates.

    Parameters
    ----------
    multi_index
        An array of coordinates for each axis.
    dims
        The shape.
    mode
        What to do with coordinates outside of it: ``"raise"``, ``"wrap"`` or ``"clip"``.
    order
        ``"C"`` or ``"F"``.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.ravel_multi_index([da.from_array([1, 1]), da.from_array([1, 3])], (3, 4)).compute()
    array([5, 7])
    """
    listed = dims if isinstance(dims, (list, tuple)) else ()
    if is_dask_collection(dims) or any(map(is_dask_collection, listed)):
        raise NotImplementedError(
            f"Dask types are not supported in the `dims` argument: {dims!r}; compute them first"
        )
    dims = (dims,) if np.isscalar(dims) else tuple(dims)
    function = partial(_raveled_block, dims=dims, mode=mode, order=order)
    if isinstance(multi_index, Array):
        _require_integers(multi_index)
        whole = multi_index if multi_index.numblocks[0] == 1 else multi_index.rechunk({0: -1})
        return whole.map_blocks(  # type: ignore[no-any-return]
            partial(_raveled_rows, function), dtype=np.intp, drop_axis=0, token="ravel_multi_index"
        )
    parts = [asanyarray(part) for part in multi_index]
    for part in parts:
        _require_integers(part)
    if len(parts) != len(dims):
        raise ValueError(
            f"parameter multi_index must be a sequence of length {len(dims)}, not {len(parts)}"
        )
    shapes = {part.shape for part in parts if part.ndim}
    if len(shapes) > 1 and any(math.isnan(n) for shape in shapes for n in shape):
        raise ValueError(
            f"Arrays' chunk sizes {sorted(shapes)} are unknown: whether coordinates of these "
            "shapes fit, only computing tells; call compute_chunk_sizes() first"
        )
    return elemwise(function, *parts, dtype=np.intp)  # type: ignore[no-any-return]


def _raveled_rows(function: Any, block: Any) -> Any:
    return function(*block)


def _require_integers(positions: Array) -> None:
    if positions.dtype.kind not in "iu":
        raise TypeError(f"only int indices permitted, got {positions.dtype}")
