"""Functions of blocks with their borders: each block gets the edges of its neighbours."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._depths import (
    check_symmetric,
    coerce_boundary,
    coerce_depth,
    coerce_depth_type,
    ensure_minimum_chunksize,
    is_none,
    pair,
)
from oxidask.array._joining import concatenate
from oxidask.array.core import Array, asanyarray, new_array

__all__ = [
    "add_dummy_padding",
    "boundaries",
    "coerce_boundary",
    "coerce_depth",
    "coerce_depth_type",
    "constant",
    "ensure_minimum_chunksize",
    "map_overlap",
    "nearest",
    "overlap",
    "overlap_internal",
    "periodic",
    "push",
    "reflect",
    "sliding_window_view",
    "trim_internal",
    "trim_overlap",
]


def _fitting(x: Array, depth: dict[int, Any], allow_rechunk: bool) -> Array:
    """Return an array whose blocks are as large as their edges."""
    chunks = {}
    for axis, n in depth.items():
        least = max(pair(n))
        blocks = x.chunks[axis]
        if not least or any(math.isnan(b) for b in blocks) or min(blocks) >= least:
            continue
        if not allow_rechunk:
            raise ValueError(
                f"The overlapping depth {least} is larger than your smallest chunk size "
                f"{min(blocks)}, on axis {axis}. Rechunk your array with a larger chunk size or a "
                "chunk size that more evenly divides the shape of your array, or pass "
                "allow_rechunk=True."
            )
        chunks[axis] = ensure_minimum_chunksize(least, blocks)
    return x.rechunk(chunks) if chunks else x


def _overlapped(x: Array, depth: dict[int, Any], boundary: dict[int, Any]) -> Array:
    axes = []
    for axis in range(x.ndim):
        kind = boundary[axis]
        if not isinstance(kind, str):
            kind = np.asarray(kind).astype(x.dtype)[()]
        axes.append((*pair(depth[axis]), kind))
    try:
        return new_array(_native.array_overlap(x._expr, axes), x._meta)
    except _native.NoKernel:
        # A value without a native dtype: it is joined to the array first.
        wide = boundaries(x, depth, boundary)
        nothing = dict.fromkeys(range(x.ndim), "none")
        return _overlapped(wide, depth, nothing)


def overlap(x: Any, depth: Any, boundary: Any, *, allow_rechunk: bool = True) -> Array:
    """Return an array whose blocks have the edges of their neighbours.

    Parameters
    ----------
    x
        The array.
    depth
        How much of a neighbour: a number, one for each axis, or a dict; a pair where it differs
        before and after.
    boundary
        What lies beyond the ends: ``"reflect"``, ``"periodic"``, ``"nearest"``, ``"none"`` or a
        value; a dict for each axis its own.
    allow_rechunk
        Whether blocks that are too small are made larger; otherwise they are an error.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.overlap.overlap(da.arange(6, chunks=3), 1, "reflect").compute()
    array([0, 0, 1, 2, 3, 2, 3, 4, 5, 5])
    """
    x = asanyarray(x)
    depths, kinds = coerce_depth(x.ndim, depth), coerce_boundary(x.ndim, boundary)
    check_symmetric(depths, kinds)
    x = _fitting(x, depths, allow_rechunk)
    if not any(any(pair(n)) for n in depths.values()):
        return x
    return _overlapped(x, depths, kinds)


def overlap_internal(x: Any, axes: Any) -> Array:
    """Return an array whose blocks have the edges of their neighbours, and nothing at the ends.

    Parameters
    ----------
    x
        The array.
    axes
        A dict of axes to depths.

    Examples
    --------
    >>> import oxidask.array as da
    >>> overlap_internal(da.arange(4, chunks=2), {0: 1}).compute()
    array([0, 1, 2, 1, 2, 3])
    """
    x = asanyarray(x)
    return _overlapped(x, coerce_depth(x.ndim, axes), coerce_boundary(x.ndim, "none"))


def trim_internal(x: Any, axes: Any, boundary: Any = None) -> Array:
    """Return an array whose blocks have lost their edges.

    Parameters
    ----------
    x
        The array.
    axes
        A dict of axes to depths.
    boundary
        The boundary that it was made with: with ``"none"``, the ends have no edge.

    Examples
    --------
    >>> import oxidask.array as da
    >>> trim_internal(da.arange(6, chunks=3), {0: 1}, "reflect").compute()
    array([1, 4])
    """
    x = asanyarray(x)
    depths, kinds = coerce_depth(x.ndim, axes), coerce_boundary(x.ndim, boundary)
    if not any(any(pair(n)) for n in depths.values()):
        return x
    trims = [(*pair(depths[axis]), not is_none(kinds[axis])) for axis in range(x.ndim)]
    return new_array(_native.array_trim(x._expr, trims), x._meta)


def trim_overlap(x: Any, depth: Any, boundary: Any = None) -> Array:
    """Return an array whose blocks have lost their edges; see :func:`overlap`.

    Parameters
    ----------
    x
        The array.
    depth, boundary
        What it was made with.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.arange(6, chunks=3)
    >>> trim_overlap(da.overlap.overlap(x, 1, 0), 1, 0).compute()
    array([0, 1, 2, 3, 4, 5])
    """
    return trim_internal(x, depth, boundary)


def _edges(x: Array, axis: int, depth: int, kind: Any) -> tuple[Any, Any]:
    """Return what lies beyond both ends of an axis."""
    from oxidask.array._padding import _filled

    prefix = (slice(None),) * axis
    first, last = x[(*prefix, slice(0, depth))], x[(*prefix, slice(-depth, None))]
    if not isinstance(kind, str):
        value = _filled(x, axis, depth, kind)
        return value, value
    if kind == "periodic":
        return last, first
    if kind == "reflect":
        reverse = (*prefix, slice(None, None, -1))
        return first[reverse], last[reverse]
    ends = x[(*prefix, slice(0, 1))], x[(*prefix, slice(-1, None))]
    return concatenate([ends[0]] * depth, axis), concatenate([ends[1]] * depth, axis)


def _bounded(x: Any, axis: int, depth: int, kind: Any) -> Array:
    x = asanyarray(x)
    if not depth:
        return x
    before, after = _edges(x, axis, depth, kind)
    joined = concatenate([before, x, after], axis=axis)
    blocks = list(x.chunks[axis])
    blocks[0] += depth
    blocks[-1] += depth
    return joined.rechunk({axis: tuple(blocks)})


def boundaries(x: Any, depth: Any = None, kind: Any = None) -> Array:
    """Return an array with what lies beyond its ends.

    Parameters
    ----------
    x
        The array.
    depth, kind
        As for :func:`overlap`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> boundaries(da.arange(3, chunks=3), 1, 9).compute()
    array([9, 0, 1, 2, 9])
    """
    x = asanyarray(x)
    depths, kinds = coerce_depth(x.ndim, depth), coerce_boundary(x.ndim, kind)
    for axis in range(x.ndim):
        if not is_none(kinds[axis]):
            x = _bounded(x, axis, max(pair(depths[axis])), kinds[axis])
    return x


def periodic(x: Any, axis: int, depth: int) -> Array:
    """Return an array with its other end beyond each end of an axis.

    Parameters
    ----------
    x
        The array.
    axis, depth
        The axis, and how many elements.

    Examples
    --------
    >>> import oxidask.array as da
    >>> periodic(da.arange(3, chunks=3), 0, 1).compute()
    array([2, 0, 1, 2, 0])
    """
    return _bounded(x, axis, depth, "periodic")


def reflect(x: Any, axis: int, depth: int) -> Array:
    """Return an array with its mirror image beyond each end of an axis.

    Parameters
    ----------
    x
        The array.
    axis, depth
        The axis, and how many elements.

    Examples
    --------
    >>> import oxidask.array as da
    >>> reflect(da.arange(3, chunks=3), 0, 2).compute()
    array([1, 0, 0, 1, 2, 2, 1])
    """
    return _bounded(x, axis, depth, "reflect")


def nearest(x: Any, axis: int, depth: int) -> Array:
    """Return an array with its last element beyond each end of an axis.

    Parameters
    ----------
    x
        The array.
    axis, depth
        The axis, and how many elements.

    Examples
    --------
    >>> import oxidask.array as da
    >>> nearest(da.arange(3, chunks=3), 0, 2).compute()
    array([0, 0, 0, 1, 2, 2, 2])
    """
    return _bounded(x, axis, depth, "nearest")


def constant(x: Any, axis: int, depth: int, value: Any) -> Array:
    """Return an array with a value beyond each end of an axis.

    Parameters
    ----------
    x
        The array.
    axis, depth
        The axis, and how many elements.
    value
        The value.

    Examples
    --------
    >>> import oxidask.array as da
    >>> constant(da.arange(3, chunks=3), 0, 1, 9).compute()
    array([9, 0, 1, 2, 9])
    """
    return _bounded(x, axis, depth, value)


def add_dummy_padding(x: Any, depth: Any, boundary: Any) -> Array:
    """Return an array with zeros at the ends of axes whose boundary is ``"none"``.

    Parameters
    ----------
    x
        The array.
    depth, boundary
        As for :func:`overlap`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> add_dummy_padding(da.arange(3, chunks=3), {0: 1}, {0: "none"}).compute()
    array([0, 0, 1, 2, 0])
    """
    x = asanyarray(x)
    depths, kinds = coerce_depth(x.ndim, depth), coerce_boundary(x.ndim, boundary)
    for axis in range(x.ndim):
        if is_none(kinds[axis]):
            x = _bounded(x, axis, max(pair(depths[axis])), 0)
    return x


def _per_array(value: Any, n: int) -> list[Any]:
    if isinstance(value, list):
        if len(value) != n:
            raise ValueError(f"{value!r} has {len(value)} entries for {n} arrays")
        return value
    return [value] * n


def _old_signature(func: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
    warnings.warn(
        "map_overlap(array, function, depth, boundary, trim) is deprecated; call "
        "map_overlap(function, array, depth=..., boundary=..., trim=...)",
        FutureWarning,
        stacklevel=3,
    )
    function, *rest = args
    given.update(zip(("depth", "boundary", "trim"), rest, strict=False))
    return function, (func,)


def map_overlap(
    func: Callable[..., Any],
    *args: Any,
    depth: Any = None,
    boundary: Any = None,
    trim: bool = True,
    align_arrays: bool = True,
    allow_rechunk: bool = True,
    **kwargs: Any,
) -> Array:
    """Apply a function to blocks that have the edges of their neighbours.

    Parameters
    ----------
    func
        A function of blocks.
    *args
        Arrays.
    depth, boundary
        As for :func:`overlap`; a list has one for each array.
    trim
        Whether the results lose the edges again.
    align_arrays
        Whether arrays are cut alike first.
    allow_rechunk
        Whether blocks that are too small are made larger.
    **kwargs
        What :func:`oxidask.array.map_blocks` takes, and keywords for `func`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.from_array([1, 1, 2, 3, 3, 3, 2, 1, 1], chunks=5)
    >>> x.map_overlap(lambda v: v - v.mean().astype(int), depth=1, boundary="reflect").shape
    (9,)
    """
    from oxidask.array._map_blocks import map_blocks

    if isinstance(func, Array) and args and callable(args[0]):
        given = {"depth": depth, "boundary": boundary, "trim": trim}
        func, args = _old_signature(func, args, given)
        depth, boundary, trim = given["depth"], given["boundary"], given["trim"]
    if not callable(func):
        raise TypeError(
            f"First argument must be callable function, not {type(func).__name__}\n"
            "Usage:   da.map_overlap(function, x)\n   or:   da.map_overlap(function, x, y, z)"
        )
    for x in args:
        if not isinstance(x, Array):
            raise TypeError(
                f"All variadic arguments must be arrays, not {type(x)}; pass others by keyword"
            )
    arrays: list[Array] = list(args)
    depths = [
        coerce_depth(x.ndim, d) for x, d in zip(arrays, _per_array(depth, len(args)), strict=True)
    ]
    kinds = [
        coerce_boundary(x.ndim, b)
        for x, b in zip(arrays, _per_array(boundary, len(args)), strict=True)
    ]
    for d, b in zip(depths, kinds, strict=True):
        check_symmetric(d, b)
    if align_arrays and len(arrays) > 1:
        arrays = _aligned(arrays)
    arrays = [_fitting(x, d, allow_rechunk) for x, d in zip(arrays, depths, strict=True)]
    if (
        not trim
        and "chunks" not in kwargs
        and not (kwargs.get("drop_axis") is not None or kwargs.get("new_axis") is not None)
    ):
        kwargs["chunks"] = arrays[0].chunks
    wide = [
        overlap(x, d, b, allow_rechunk=allow_rechunk)
        for x, d, b in zip(arrays, depths, kinds, strict=True)
    ]
    result = map_blocks(func, *wide, **kwargs)
    if not trim:
        return result  # type: ignore[no-any-return]
    # The array of most axes says what is trimmed; the first of several.
    most = max(range(len(arrays)), key=lambda i: (arrays[i].ndim, -i))
    edges, ends = _after_axes(arrays[most].ndim, depths[most], kinds[most], kwargs)
    return trim_internal(
        result,
        {axis: n for axis, n in edges.items() if axis < result.ndim},
        {axis: kind for axis, kind in ends.items() if axis < result.ndim},
    )


def _aligned(arrays: list[Array]) -> list[Array]:
    """Return arrays cut alike along the axes that meet, the last ones with the last ones."""
    from oxidask.array.blockwise import unify_chunks

    pairs: list[Any] = []
    for x in arrays:
        pairs += [x, tuple(range(x.ndim))[::-1]]
    return list(unify_chunks(*pairs)[1])


def _after_axes(
    ndim: int, depth: dict[int, Any], boundary: dict[int, Any], kwargs: dict[str, Any]
) -> tuple[dict[int, Any], dict[int, Any]]:
    """Return depths and boundaries by the axes of the result."""
    dropped = kwargs.get("drop_axis")
    new = kwargs.get("new_axis")
    gone = {int(axis) % ndim for axis in np.atleast_1d(dropped)} if dropped is not None else set()
    kept: list[int | None] = [axis for axis in range(ndim) if axis not in gone]
    for axis in sorted(np.atleast_1d(new).tolist()) if new is not None else []:
        kept.insert(axis, None)
    edges = {i: 0 if axis is None else depth[axis] for i, axis in enumerate(kept)}
    ends = {i: "none" if axis is None else boundary[axis] for i, axis in enumerate(kept)}
    return edges, ends


def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, automatic_rechunk: bool = True
) -> Array:
    """Return every window of an array, as new axes at its end.

    Parameters
    ----------
    x
        The array.
    window_shape
        Extents of the windows.
    axis
        The axes along which they lie; all by default.
    automatic_rechunk
        Whether the other axes are cut, so that blocks of windows don't take much more memory than
        those of the array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> sliding_window_view(da.arange(4, chunks=2), 3).compute()
    array([[0, 1, 2],
           [1, 2, 3]])
    """
    from oxidask.array._windows import windows

    return windows(asanyarray(x), window_shape, axis, automatic_rechunk)


def push(array: Any, n: int | None, axis: int) -> Array:
    """Fill missing elements with the last one before them along an axis.

    Parameters
    ----------
    array
        The array.
    n
        How many in a row at most; None for all.
    axis
        The axis.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> push(da.from_array([1.0, np.nan, np.nan]), 1, 0).compute()
    array([ 1.,  1., nan])
    """
    from oxidask.array._windows import pushed

    return pushed(asanyarray(array), n, axis)
