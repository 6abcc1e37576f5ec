"""Elements in other places: axes in another order, reversed, rolled, repeated."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._joining import concatenate, normalize_axis
from oxidask.array.core import Array, asanyarray, blockwise_layer, new_array
from oxidask.tokenize import tokenize

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "moveaxis",
    "repeat",
    "roll",
    "rollaxis",
    "rot90",
    "squeeze",
    "swapaxes",
    "tile",
    "transpose",
]


def _view(
    x: Array,
    kind: str,
    axes: Sequence[int],
    numpy_view: Callable[..., Any],
    chunks: Any,
    places: Sequence[int],
) -> Array:
    """Return a view of every block: natively, or by a function of blocks.

    `places` says for each axis of `x` which axis of the result it is, or -2 if it goes.
    """
    if type(x._meta) is np.ndarray:
        try:
            return new_array(_native.array_view(x._expr, kind, list(axes)))
        except _native.NoKernel:
            pass
    argument = tuple(axes)
    meta = _viewed_meta(x, kind, argument)
    name = f"{kind}-{tokenize(x, argument)}"
    args = [("blocks", x, list(places), [False] * x.ndim), ("literal", argument)]
    return blockwise_layer(name, numpy_view, args, chunks, meta)


def _viewed_meta(x: Array, kind: str, axes: tuple[int, ...]) -> Any:
    from oxidask.array._meta import meta_from_array

    if kind == "transpose" and x.ndim:
        return np.transpose(x._meta, axes)
    ndim = x.ndim + (len(axes) if kind == "expand_dims" else -len(axes))
    return meta_from_array(x, ndim=ndim, dtype=x.dtype)


def _transposed_block(block: Any, axes: tuple[int, ...]) -> Any:
    return np.transpose(block, axes)


def transpose(a: Any, axes: Any = None) -> Array:
    """Return an array with its axes in another order.

    Parameters
    ----------
    a
        The array.
    axes
        Axis ``i`` of the result is axis ``axes[i]`` of `a`; by default the reverse order.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.transpose(da.ones((2, 3), chunks=2)).chunks
    ((2, 1), (2,))
    """
    a = asanyarray(a)
    if axes is None:
        order = tuple(range(a.ndim))[::-1]
    else:
        if isinstance(axes, (int, np.integer)):
            axes = (axes,)
        if len(axes) != a.ndim:
            raise ValueError("axes don't match array")
        order = tuple(normalize_axis(axis, a.ndim) for axis in axes)
        if len(set(order)) != a.ndim:
            raise ValueError("repeated axis in transpose")
    if order == tuple(range(a.ndim)):
        return a
    chunks = tuple(a.chunks[axis] for axis in order)
    places = [order.index(axis) for axis in range(a.ndim)]
    return _view(a, "transpose", order, _transposed_block, chunks, places)


def swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    """Return an array with two axes exchanged.

    Parameters
    ----------
    a
        The array.
    axis1, axis2
        The axes.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.swapaxes(da.ones((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    a = asanyarray(a)
    order = list(range(a.ndim))
    axis1, axis2 = normalize_axis(axis1, a.ndim), normalize_axis(axis2, a.ndim)
    order[axis1], order[axis2] = axis2, axis1
    swapped = transpose(a, order)
    if axis1 <= axis2:
        return swapped
    # Dask's names tell which axis was named first.
    return swapped._like(swapped._expr.renamed(f"transpose-{tokenize(a, axis1, axis2)}"))


def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """Return an array with some axes moved to other places.

    Parameters
    ----------
    a
        The array.
    source, destination
        Where the axes are, and where they shall be.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.moveaxis(da.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    a = asanyarray(a)
    froms = [source] if np.ndim(source) == 0 else list(source)
    tos = [destination] if np.ndim(destination) == 0 else list(destination)
    if len(froms) != len(tos):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    froms = [normalize_axis(axis, a.ndim) for axis in froms]
    tos = [normalize_axis(axis, a.ndim) for axis in tos]
    if len(set(froms)) != len(froms) or len(set(tos)) != len(tos):
        raise ValueError(f"repeated axis in moveaxis: {source!r} to {destination!r}")
    order = [axis for axis in range(a.ndim) if axis not in froms]
    for to, from_ in sorted(zip(tos, froms, strict=True)):
        order.insert(to, from_)
    return transpose(a, order)


def rollaxis(a: Any, axis: int, start: int = 0) -> Array:
    """Return an array with one axis moved before another.

    Parameters
    ----------
    a
        The array.
    axis
        The axis.
    start
        The axis before which it comes.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.rollaxis(da.ones((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    a = asanyarray(a)
    axis = normalize_axis(axis, a.ndim)
    if not -a.ndim <= start <= a.ndim:
        raise np.exceptions.AxisError(start, a.ndim + 1)
    start = start + a.ndim if start < 0 else start
    return moveaxis(a, axis, start - 1 if axis < start else start)


def _squeezed_block(block: Any, axes: tuple[int, ...]) -> Any:
    return np.squeeze(block, axes)


def squeeze(a: Any, axis: Any = None) -> Array:
    """Return an array without axes of extent 1.

    Parameters
    ----------
    a
        The array.
    axis
        The axes that go; all of extent 1 by default.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.squeeze(da.ones((1, 3, 1))).shape
    (3,)
    """
    a = asanyarray(a)
    if axis is None:
        axes = [i for i, n in enumerate(a.shape) if n == 1]
    else:
        axes = [normalize_axis(i, a.ndim) for i in ([axis] if np.ndim(axis) == 0 else axis)]
    if any(a.shape[i] != 1 for i in axes):
        raise ValueError(f"cannot squeeze axis with size other than one: {axis} of {a.shape}")
    if not axes:
        return a
    kept = [i for i in range(a.ndim) if i not in axes]
    if any(len(a.chunks[i]) > 1 for i in axes):
        # Blocks without elements beside the one that has the axis' element.
        return a[tuple(0 if i in axes else slice(None) for i in range(a.ndim))]
    places = [kept.index(i) if i in kept else -2 for i in range(a.ndim)]
    chunks = tuple(a.chunks[i] for i in kept)
    if not kept:
        # An array of no axes, as NumPy gives; a native result would be a scalar.
        name = f"squeeze-{tokenize(a)}"
        args = [("blocks", a, places, [False] * a.ndim), ("literal", tuple(axes))]
        return blockwise_layer(name, _squeezed_block, args, (), _viewed_meta(a, "squeeze", axes))
    return _view(a, "squeeze", axes, _squeezed_block, chunks, places)


def _expanded_block(block: Any, axes: tuple[int, ...]) -> Any:
    ndim = np.ndim(block) + len(axes)
    return block[tuple(None if axis in axes else slice(None) for axis in range(ndim))]


def expand_dims(a: Any, axis: Any) -> Array:
    """Return an array with new axes of extent 1.

    Parameters
    ----------
    a
        The array.
    axis
        Where the new axes lie in the result.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.expand_dims(da.ones(3), (0, -1)).shape
    (1, 3, 1)
    """
    a = asanyarray(a)
    axes = [axis] if np.ndim(axis) == 0 else list(axis)
    ndim = a.ndim + len(axes)
    axes = sorted(normalize_axis(i, ndim) for i in axes)
    if len(set(axes)) != len(axes):
        raise ValueError(f"repeated axis: {axis!r}")
    kept = [i for i in range(ndim) if i not in axes]
    extents = iter(a.chunks)
    chunks = tuple((1,) if i in axes else next(extents) for i in range(ndim))
    return _view(a, "expand_dims", axes, _expanded_block, chunks, kept)


def _each(arrays: tuple[Any, ...], function: Callable[[Array], Array]) -> Any:
    results = tuple(function(asanyarray(array)) for array in arrays)
    return results[0] if len(results) == 1 else results


def atleast_1d(*arys: Any) -> Any:
    """Return arrays with at least one axis.

    Parameters
    ----------
    *arys
        The arrays.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.atleast_1d(5).shape
    (1,)
    """
    return _each(arys, lambda x: x if x.ndim else x[None])


def atleast_2d(*arys: Any) -> Any:
    """Return arrays with at least two axes; a 1-d array is a row.

    Parameters
    ----------
    *arys
        The arrays.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.atleast_2d([5, 6]).shape
    (1, 2)
    """
    return _each(arys, lambda x: x if x.ndim > 1 else x[(None,) * (2 - x.ndim) + (Ellipsis,)])


def atleast_3d(*arys: Any) -> Any:
    """Return arrays with at least three axes.

    Parameters
    ----------
    *arys
        The arrays.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.atleast_3d([5, 6]).shape
    (1, 2, 1)
    """
    indices = {
        0: (None, None, None),
        1: (None, slice(None), None),
        2: (slice(None), slice(None), None),
    }
    return _each(arys, lambda x: x[indices[x.ndim]] if x.ndim < 3 else x)


def flip(m: Any, axis: Any = None) -> Array:
    """Return an array with the elements along some axes in reverse.

    Parameters
    ----------
    m
        The array.
    axis
        The axes; all by default.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.flip(da.arange(4, chunks=3)).compute()
    array([3, 2, 1, 0])
    """
    m = asanyarray(m)
    if axis is None:
        axes = list(range(m.ndim))
    else:
        axes = [axis] if np.ndim(axis) == 0 else list(axis)
    for i in axes:
        if not -m.ndim <= i < m.ndim:
            raise ValueError(f"`axis` of {i} invalid for {m.ndim}-D array")
    reverse = {i % m.ndim for i in axes}
    return m[tuple(slice(None, None, -1 if i in reverse else None) for i in range(m.ndim))]


def flipud(m: Any) -> Array:
    """Return an array with its rows in reverse.

    Parameters
    ----------
    m
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.flipud(da.arange(3, chunks=3)).compute()
    array([2, 1, 0])
    """
    return flip(m, 0)


def fliplr(m: Any) -> Array:
    """Return an array with its columns in reverse.

    Parameters
    ----------
    m
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.fliplr(da.arange(3, chunks=3)[None]).compute()
    array([[2, 1, 0]])
    """
    return flip(m, 1)


def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Rotate an array by quarter turns in the plane of two axes.

    Parameters
    ----------
    m
        The array.
    k
        How many quarter turns, from the first of the axes to the second.
    axes
        The axes.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.rot90(da.arange(2, chunks=2)[None]).compute()
    array([[1],
           [0]])
    """
    m = asanyarray(m)
    first, second = axes if len(axes) == 2 else (0, 0)
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    if first == second or abs(first - second) == m.ndim:
        raise ValueError("Axes must be different.")
    if any(not -m.ndim <= axis < m.ndim for axis in axes):
        raise ValueError(f"Axes={axes} out of range for array of ndim={m.ndim}.")
    k %= 4
    if k == 0:
        return m[:]
    if k == 2:
        return flip(m, (first, second))
    if k == 1:
        return swapaxes(flip(m, second), first, second)
    return flip(swapaxes(m, first, second), second)


def roll(array: Any, shift: Any, axis: Any = None) -> Array:
    """Move elements along axes; those that leave at one end come in at the other.

    Parameters
    ----------
    array
        The array.
    shift
        By how much, for all axes or each.
    axis
        The axes; by default the array is flattened for it.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.roll(da.arange(5, chunks=2), 2).compute()
    array([3, 4, 0, 1, 2])
    """
    result = asanyarray(array)
    shape = result.shape
    if axis is None:
        result, axis = result.ravel(), 0
        if np.ndim(shift):
            raise TypeError("Expect `shift` to be an instance of Integral when `axis` is None.")
    shifts = [shift] if np.ndim(shift) == 0 else list(shift)
    axes = [axis] if np.ndim(axis) == 0 else list(axis)
    if len(shifts) != len(axes) or np.ndim(shift) != np.ndim(axis):
        raise ValueError("Must have the same number of shifts as axes.")
    for by, at in zip(shifts, axes, strict=True):
        at = normalize_axis(at, result.ndim)
        extent = result.shape[at]
        cut = -int(by) % extent if extent else 0
        if cut:
            prefix = (slice(None),) * at
            parts = [result[(*prefix, slice(cut, None))], result[(*prefix, slice(None, cut))]]
            result = concatenate(parts, axis=at)
    if result.shape != shape:
        return result.reshape(shape)
    return new_array(result._expr, result._meta) if result is array else result


def _repeated_block(block: Any, repeats: int, axis: int) -> Any:
    return np.repeat(block, repeats, axis=axis)


def repeat(a: Any, repeats: int, axis: int | None = None) -> Array:
    """Repeat every element along an axis.

    Parameters
    ----------
    a
        The array.
    repeats
        How often.
    axis
        The axis; by default the array is flattened.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.repeat(da.arange(3, chunks=2), 2).compute()
    array([0, 0, 1, 1, 2, 2])
    """
    a = asanyarray(a)
    if axis is None:
        if a.ndim != 1:
            if a.ndim == 0:
                a = a[None]
            else:
                raise NotImplementedError("Must supply an axis keyword argument")
        axis = 0
    if not isinstance(repeats, (int, np.integer)):
        raise NotImplementedError(
            f"repeat takes one integer for all elements, got {repeats!r}; repeat the blocks with "
            "map_blocks for different numbers"
        )
    if repeats < 0:
        raise ValueError(f"repeats may not contain negative values, got {repeats}")
    if not -a.ndim <= axis < a.ndim:
        raise ValueError(f"axis {axis} is out of bounds for an array of {a.ndim} dimensions")
    axis %= a.ndim
    repeats = int(repeats)
    if repeats == 1:
        return a
    prefix = (slice(None),) * axis
    if repeats == 0:
        return a[(*prefix, slice(0, 0))]
    # The result's blocks shall not be larger than the array's.
    most = max(1, max(a.chunks[axis], default=1) // repeats)
    extents = tuple(
        part
        for extent in a.chunks[axis]
        for part in (most,) * (extent // most) + ((extent % most,) if extent % most else ())
    )
    a = a.rechunk({axis: extents or (0,)})
    chunks = tuple(
        tuple(repeats * n for n in blocks) if i == axis else blocks
        for i, blocks in enumerate(a.chunks)
    )
    name = f"repeat-{tokenize(a, repeats, axis)}"
    args = [
        ("blocks", a, list(range(a.ndim)), [False] * a.ndim),
        ("literal", repeats),
        ("literal", axis),
    ]
    return blockwise_layer(name, _repeated_block, args, chunks, a._meta)


def tile(A: Any, reps: Any) -> Array:
    """Put an array beside itself, so often along each axis.

    Parameters
    ----------
    A
        The array.
    reps
        How often: a number for the last axis, or numbers for the last axes.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.tile(da.arange(2, chunks=2), 3).compute()
    array([0, 1, 0, 1, 0, 1])
    """
    result = asanyarray(A)
    times = [reps] if np.ndim(reps) == 0 else list(reps)
    if any(not isinstance(n, (int, np.integer)) for n in times):
        raise TypeError(f"reps must be integers, got {reps!r}")
    if any(n < 0 for n in times):
        raise ValueError("Negative `reps` are not allowed.")
    times = [1] * (result.ndim - len(times)) + times
    result = result[(None,) * (len(times) - result.ndim) + (Ellipsis,)]
    for axis, n in enumerate(times):
        if n == 0:
            result = result[(slice(None),) * axis + (slice(0, 0),)]
        elif n > 1 and not math.isnan(result.shape[axis]) and result.shape[axis]:
            result = concatenate([result] * int(n), axis=axis)
    return result
