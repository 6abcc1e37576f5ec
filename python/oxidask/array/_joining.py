"""Joining arrays, and putting elements between others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._meta import meta_from_array
from oxidask.array._numpy import concatenate_nested
from oxidask.array.core import Array, asanyarray, new_array

__all__ = [
    "append",
    "block",
    "column_stack",
    "concatenate",
    "delete",
    "dstack",
    "hstack",
    "insert",
    "stack",
    "vstack",
]


def normalize_axis(axis: Any, ndim: int) -> int:
    """Return an axis counted from the start."""
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return int(axis) % ndim


def _sequence(arrays: Any) -> list[Array]:
    return [asanyarray(array) for array in arrays]


def _cast(array: Array, dtype: Any) -> Array:
    return array if array.dtype == dtype else array.astype(dtype)


def concatenate(seq: Any, axis: int | None = 0, allow_unknown_chunksizes: bool = False) -> Array:
    """Join arrays along an axis that they have.

    Blocks stay as they are: only those of other dtypes, or cut otherwise along the other axes, are
    made anew.

    Parameters
    ----------
    seq
        The arrays.
    axis
        The axis; None to flatten the arrays first.
    allow_unknown_chunksizes
        Whether blocks of unknown extents are taken to fit.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.concatenate([da.ones(2, chunks=2), da.zeros(3, chunks=3)])
    >>> x.chunks
    ((2, 3),)
    """
    arrays = _sequence(seq)
    if not arrays:
        raise ValueError("Need array(s) to concatenate")
    if axis is None:
        arrays = [array.ravel() for array in arrays]
        axis = 0
    ndim = arrays[0].ndim
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"Axis must be less than than number of dimensions\nData has {ndim} dimensions, but "
            f"got axis={axis}"
        )
    axis = int(axis) % ndim
    _same_shapes(arrays, axis, allow_unknown_chunksizes)
    metas = [meta_from_array(array) for array in arrays]
    meta = concatenate_nested(metas, (axis,)) if len(metas) > 1 else metas[0]
    arrays = [_cast(array, meta.dtype) for array in arrays]
    # Arrays without elements give no blocks.
    kept = [array for array in arrays if array.shape[axis] != 0] or arrays[:1]
    if len(kept) == 1:
        return kept[0]
    expr = _native.array_join(
        "concatenate", [array._expr for array in kept], axis, allow_unknown_chunksizes
    )
    return new_array(expr, meta)


def _same_shapes(arrays: Sequence[Array], axis: int, allow_unknown: bool) -> None:
    first = arrays[0]
    for array in arrays[1:]:
        if array.ndim != first.ndim:
            raise ValueError(
                "all the input arrays must have same number of dimensions, but they have "
                f"{sorted({a.ndim for a in arrays})}"
            )
        for i, (a, b) in enumerate(zip(first.shape, array.shape, strict=True)):
            if i == axis or a == b:
                continue
            if math.isnan(a) or math.isnan(b):
                if allow_unknown:
                    continue
                raise ValueError(
                    f"Tried to concatenate arrays with unknown shape {array.shape}.\n\n"
                    "Two solutions:\n  1. Force concatenation pass allow_unknown_chunksizes=True."
                    "\n  2. Compute shapes with [x.compute_chunk_sizes() for x in seq]"
                )
            raise ValueError(
                "all the input array dimensions except for the concatenation axis must match "
                f"exactly. Shapes: {', '.join(str(a.shape) for a in arrays[:10])}"
            )


def stack(seq: Any, axis: int = 0, allow_unknown_chunksizes: bool = False) -> Array:
    """Join arrays of one shape along a new axis.

    Parameters
    ----------
    seq
        The arrays.
    axis
        Where the new axis lies in the result.
    allow_unknown_chunksizes
        Whether blocks of unknown extents are taken to fit.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.stack([da.ones(2, chunks=2), da.zeros(2, chunks=2)], axis=-1).compute()
    array([[1., 0.],
           [1., 0.]])
    """
    from oxidask.array._rearranging import expand_dims

    arrays = _sequence(seq)
    if not arrays:
        raise ValueError("Need array(s) to stack")
    ndim = arrays[0].ndim + 1
    shapes = {tuple(-1 if math.isnan(n) else n for n in array.shape) for array in arrays}
    if len(shapes) > 1 and not (allow_unknown_chunksizes and any(-1 in s for s in shapes)):
        at = next(i for i, array in enumerate(arrays) if array.shape != arrays[0].shape)
        raise ValueError(
            "Stacked arrays must have the same shape. The first array had shape "
            f"{arrays[0].shape}, while array {at + 1} has shape {arrays[at].shape}."
        )
    if any(-1 in shape for shape in shapes) and not allow_unknown_chunksizes:
        raise ValueError(
            f"Tried to stack arrays with unknown shape {arrays[0].shape}.\n\nTwo solutions:\n"
            "  1. Force stacking pass allow_unknown_chunksizes=True\n"
            "  2. Compute shapes with [x.compute_chunk_sizes() for x in seq]"
        )
    axis = normalize_axis(axis, ndim)
    expanded = [expand_dims(array, axis) for array in arrays]
    return concatenate(expanded, axis=axis, allow_unknown_chunksizes=True)


def block(arrays: Any, allow_unknown_chunksizes: bool = False) -> Array:
    """Join nested lists of arrays: the innermost along the last axis, outer ones before it.

    Parameters
    ----------
    arrays
        An array, or lists of arrays nested to equal depths.
    allow_unknown_chunksizes
        Whether blocks of unknown extents are taken to fit.

    Examples
    --------
    >>> import oxidask.array as da
    >>> one = da.ones((1, 2), chunks=2)
    >>> da.block([[one, 2 * one], [3 * one, 4 * one]]).compute()
    array([[1., 1., 2., 2.],
           [3., 3., 4., 4.]])
    """
    depth = _depth(arrays)
    _refuse_empty(arrays)
    ndim = max(depth, *(leaf.ndim for leaf in _leaves(arrays)))

    def join(nested: Any, level: int) -> Array:
        if not isinstance(nested, list):
            return _at_least(asanyarray(nested), ndim)
        parts = [join(part, level + 1) for part in nested]
        return concatenate(parts, ndim - depth + level, allow_unknown_chunksizes)

    return join(arrays, 0)


def _leaves(nested: Any) -> list[Array]:
    if isinstance(nested, list):
        return [leaf for part in nested for leaf in _leaves(part)]
    return [asanyarray(nested)]


def _depth(nested: Any, index: tuple[int, ...] = ()) -> int:
    shown = "arrays" + "".join(f"[{i}]" for i in index)
    if isinstance(nested, tuple):
        raise TypeError(
            f"{shown} is a tuple. Only lists can be used to arrange blocks, and np.block does not "
            "allow implicit conversion from tuple to ndarray."
        )
    if not isinstance(nested, list):
        return 0
    # An empty list is as deep as one of arrays.
    depths = [_depth(part, (*index, i)) for i, part in enumerate(nested)] or [0]
    if len(set(depths)) > 1:
        raise ValueError(f"List depths are mismatched: those in {shown} are {depths}")
    return depths[0] + 1


def _refuse_empty(nested: Any, index: str = "arrays") -> None:
    if not isinstance(nested, list):
        return
    if not nested:
        raise ValueError(f"Lists cannot be empty: {index}")
    for i, part in enumerate(nested):
        _refuse_empty(part, f"{index}[{i}]")


def _at_least(array: Array, ndim: int) -> Array:
    return array if array.ndim >= ndim else array[(None,) * (ndim - array.ndim) + (Ellipsis,)]


def vstack(tup: Any, allow_unknown_chunksizes: bool = False) -> Array:
    """Join arrays along the first axis; 1-d arrays are rows.

    Parameters
    ----------
    tup
        The arrays.
    allow_unknown_chunksizes
        Whether blocks of unknown extents are taken to fit.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.vstack([da.ones(3, chunks=3), da.zeros((1, 3), chunks=3)]).shape
    (2, 3)
    """
    arrays = [_at_least(x, 2) for x in _listed(tup, "vstack")]
    return concatenate(arrays, 0, allow_unknown_chunksizes)


def hstack(tup: Any, allow_unknown_chunksizes: bool = False) -> Array:
    """Join arrays along the second axis; 1-d arrays along their only one.

    Parameters
    ----------
    tup
        The arrays.
    allow_unknown_chunksizes
        Whether blocks of unknown extents are taken to fit.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.hstack([da.ones(3, chunks=3), da.zeros(2, chunks=2)]).shape
    (5,)
    """
    arrays = [_at_least(x, 1) for x in _listed(tup, "hstack")]
    axis = 0 if all(x.ndim == 1 for x in arrays) else 1
    return concatenate(arrays, axis, allow_unknown_chunksizes)


def dstack(tup: Any, allow_unknown_chunksizes: bool = False) -> Array:
    """Join arrays along the third axis; arrays of fewer axes get some.

    Parameters
    ----------
    tup
        The arrays.
    allow_unknown_chunksizes
        Whether blocks of unknown extents are taken to fit.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.dstack([da.ones((2, 3), chunks=3), da.zeros((2, 3), chunks=3)]).shape
    (2, 3, 2)
    """
    from oxidask.array._rearranging import atleast_3d

    arrays = [atleast_3d(x) for x in _listed(tup, "dstack")]
    return concatenate(arrays, 2, allow_unknown_chunksizes)


def column_stack(tup: Any, allow_unknown_chunksizes: bool = False) -> Array:
    """Join arrays along the second axis; 1-d arrays are columns.

    Parameters
    ----------
    tup
        The arrays.
    allow_unknown_chunksizes
        Whether blocks of unknown extents are taken to fit.

    Examples
    --------
    >>> import oxidask.array as da
    >>> column_stack([da.ones(3, chunks=3), da.zeros((3, 2), chunks=3)]).shape
    (3, 3)
    """
    arrays = [_at_least(x, 1) for x in _listed(tup, "column_stack")]
    columns = [x if x.ndim > 1 else x[:, None] for x in arrays]
    return concatenate(columns, 1, allow_unknown_chunksizes)


def _listed(tup: Any, name: str) -> list[Array]:
    if isinstance(tup, Array):
        raise NotImplementedError(
            f"{name} expects a sequence of arrays as the first argument, not one array: pass "
            "list(x)"
        )
    return _sequence(tup)


def append(arr: Any, values: Any, axis: int | None = None) -> Array:
    """Put values behind the end of an array.

    Parameters
    ----------
    arr, values
        The array and what comes after it.
    axis
        The axis; None to flatten both.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.append(da.ones(2, chunks=2), [5]).compute()
    array([1., 1., 5.])
    """
    arr, values = asanyarray(arr), asanyarray(values)
    if axis is None:
        arr, values, axis = arr.ravel(), values.ravel(), 0
    else:
        axis = normalize_axis(axis, arr.ndim)
    return concatenate((arr, values), axis=axis)


def _positions(obj: Any, extent: int) -> Any:
    """Return what an index of one axis means, as integers from the start."""
    if isinstance(obj, slice):
        return np.arange(*obj.indices(extent))
    positions = np.asarray(obj)
    if positions.dtype.kind == "b":
        return np.flatnonzero(positions)
    if positions.size == 0:
        positions = positions.astype(np.intp)
    if positions.dtype.kind not in "iu":
        raise IndexError(f"indices must be integers, slices or booleans, got {obj!r}")
    if (positions < -extent).any() or (positions > extent).any():
        raise IndexError(f"index {obj!r} is out of bounds for an axis of size {extent}")
    return np.where(positions < 0, positions + extent, positions)


def insert(arr: Any, obj: Any, values: Any, axis: int) -> Array:
    """Put values before given positions of an axis.

    Parameters
    ----------
    arr
        The array.
    obj
        Positions in ascending order: an integer, several, or a slice.
    values
        What is put there.
    axis
        The axis.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.insert(da.zeros(3, chunks=3), [1, 2], 7, axis=0).compute()
    array([0., 7., 0., 7., 0.])
    """
    from oxidask.array._broadcast import broadcast_to

    arr = asanyarray(arr)
    axis = normalize_axis(axis, arr.ndim)
    is_scalar = not isinstance(obj, slice) and np.ndim(obj) == 0
    positions = np.atleast_1d(_positions(obj, arr.shape[axis]))
    if (np.diff(positions) < 0).any():
        raise NotImplementedError(
            f"insert at positions that don't ascend ({obj!r}): sort them and the values with them"
        )
    shape = (*arr.shape[:axis], len(positions), *arr.shape[axis + 1 :])
    values = asanyarray(values).astype(arr.dtype)
    if is_scalar and values.ndim:
        # NumPy: with one position, the first axis of the values is that of the array.
        from oxidask.array._rearranging import moveaxis

        values = moveaxis(_at_least(values, arr.ndim), 0, axis)
        shape = (*shape[:axis], values.shape[axis], *shape[axis + 1 :])
        positions = np.repeat(positions, values.shape[axis])
    if values.shape != shape:
        values = broadcast_to(values, shape)

    def part(x: Array, start: int | None, stop: int | None) -> Array:
        return x[(slice(None),) * axis + (slice(start, stop),)]

    # Runs of equal positions are put in at once.
    places, starts = np.unique(positions, return_index=True)
    ends = [*starts[1:], len(positions)]
    parts, at = [], 0
    for place, start, end in zip(places.tolist(), starts.tolist(), ends, strict=True):
        parts += [part(arr, at, place), part(values, start, int(end))]
        at = place
    return concatenate([*parts, part(arr, at, None)], axis=axis)


def delete(arr: Any, obj: Any, axis: int | None = None) -> Array:
    """Return an array without given positions of an axis.

    Parameters
    ----------
    arr
        The array.
    obj
        An integer, several, or a slice.
    axis
        The axis; None to flatten the array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.delete(da.arange(5, chunks=2), [0, 3], axis=0).compute()
    array([1, 2, 4])
    """
    arr = asanyarray(arr)
    if axis is None:
        arr, axis = arr.ravel(), 0
    axis = normalize_axis(axis, arr.ndim)
    extent = arr.shape[axis]
    gone = np.unique(_positions(obj, extent))
    if gone.size and gone[-1] >= extent:
        raise IndexError(f"index {gone[-1]} is out of bounds for axis {axis} with size {extent}")
    starts = [0, *(gone + 1).tolist()]
    stops = [*gone.tolist(), extent]
    prefix = (slice(None),) * axis
    runs = [
        arr[(*prefix, slice(start, stop))]
        for start, stop in zip(starts, stops, strict=True)
        if stop > start
    ]
    return concatenate(runs, axis=axis) if runs else arr[(*prefix, slice(0, 0))]
