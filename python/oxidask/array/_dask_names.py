"""Small functions of chunks and nested blocks that Dask's ``array.core`` lends to other code."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from oxidask.array._numpy import concatenate_nested
from oxidask.array.chunks import normalize_chunks

__all__ = [
    "array_expr_enabled",
    "blockdims_from_blockshape",
    "broadcast_chunks",
    "common_blockdim",
    "concatenate3",
    "concatenate_axes",
    "dotmany",
    "normalize_chunks_cached",
    "slices_from_chunks",
]


@functools.lru_cache
def normalize_chunks_cached(
    chunks: Any,
    shape: Any = None,
    limit: Any = None,
    dtype: Any = None,
    previous_chunks: Any = None,
) -> tuple[tuple[int, ...], ...]:
    """Return what ``normalize_chunks`` does, remembered.

    Examples
    --------
    >>> normalize_chunks_cached(2, shape=(5,))
    ((2, 2, 1),)
    """
    return normalize_chunks(chunks, shape, limit, dtype, previous_chunks)


def slices_from_chunks(chunks: Any) -> list[tuple[slice, ...]]:
    """Return where each block lies in the array, in row-major order.

    Examples
    --------
    >>> slices_from_chunks(((2, 1), (3,)))
    [(slice(0, 2, None), slice(0, 3, None)), (slice(2, 3, None), slice(0, 3, None))]
    """
    axes = []
    for extents in chunks:
        bounds = list(itertools.accumulate(extents, initial=0))
        axes.append([slice(a, b) for a, b in itertools.pairwise(bounds)])
    return list(itertools.product(*axes))


def blockdims_from_blockshape(shape: Any, chunks: Any) -> tuple[tuple[int, ...], ...]:
    """Return the chunks of blocks of one shape.

    Examples
    --------
    >>> blockdims_from_blockshape((5,), (2,))
    ((2, 2, 1),)
    """
    if chunks is None:
        raise TypeError("Must supply chunks= keyword argument")
    if shape is None:
        raise TypeError("Must supply shape= keyword argument")
    if any(math.isnan(n) for n in (*shape, *chunks)):
        raise ValueError(f"Array chunk sizes are unknown. shape: {shape}, chunks: {chunks}")
    if not all(isinstance(n, (int, np.integer)) for n in (*shape, *chunks)):
        raise ValueError(f"shape and chunks must be integers: {shape}, {chunks}")
    return normalize_chunks(tuple(map(int, chunks)), tuple(map(int, shape)))


def common_blockdim(blockdims: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the coarsest blocks that have the boundaries of all of some.

    Examples
    --------
    >>> common_blockdim([(4,), (2, 2)])
    (2, 2)
    """
    distinct = {dims for dims in blockdims if any(dims)}
    if not distinct:
        return ()
    long = {dims for dims in distinct if len(dims) > 1 or sum(dims) != 1} or distinct
    unknown = [dims for dims in long if any(math.isnan(n) for n in dims)]
    if unknown:
        if len({len(dims) for dims in long}) > 1 or (
            len(long) > 1 and len(unknown) > 1 and len({tuple(map(str, dims)) for dims in long}) > 1
        ):
            raise ValueError(
                f"Arrays' chunk sizes ({long}) are unknown.\n\nA possible solution:\n"
                "  x.compute_chunk_sizes()"
            )
        return unknown[0]
    if len({sum(dims) for dims in long}) > 1:
        raise ValueError("Chunks do not add up to same value", long)
    ends = sorted({int(end) for dims in long for end in np.cumsum(dims)} - {0})
    return tuple(end - start for start, end in zip([0, *ends[:-1]], ends, strict=True))


def broadcast_chunks(*chunkss: Any) -> tuple[tuple[int, ...], ...]:
    """Return the chunks that arrays of such chunks broadcast to.

    Examples
    --------
    >>> broadcast_chunks(((1,), (2, 2)), ((3, 3), (2, 2)))
    ((3, 3), (2, 2))
    """
    if not chunkss:
        return ()
    ndim = max(map(len, chunkss))
    result = []
    for axis in range(-ndim, 0):
        steps = {chunks[axis] for chunks in chunkss if len(chunks) >= -axis}
        long = steps - {(1,)} or steps
        if len({sum(dims) for dims in long}) > 1:
            raise ValueError(f"Chunks do not align: {sorted(map(str, long))}")
        if len(long) > 1:
            raise ValueError(f"Chunks do not align: {sorted(map(str, long))}")
        result.append(next(iter(long)))
    return tuple(result)


def concatenate3(arrays: Any) -> Any:
    """Put nested lists of blocks together, the outermost list along the first axis.

    Examples
    --------
    >>> concatenate3([[np.ones(1), np.zeros(1)]])
    array([[1., 0.]])
    """
    depth, first = 0, arrays
    while isinstance(first, (list, tuple)):
        if not first:
            return first
        depth, first = depth + 1, first[0]
    ndim = max(np.ndim(first), depth)

    def widened(nested: Any) -> Any:
        if isinstance(nested, (list, tuple)):
            return [widened(part) for part in nested]
        if np.ndim(nested) < ndim:
            return np.asarray(nested)[(None,) * (ndim - np.ndim(nested))]
        return nested

    return concatenate_nested(widened(arrays), range(depth))


def concatenate_axes(arrays: Any, axes: Any) -> Any:
    """Put nested lists of blocks together, each depth along the axis of `axes` that it has.

    Examples
    --------
    >>> concatenate_axes([np.ones((1, 1)), np.zeros((1, 1))], axes=[1])
    array([[1., 0.]])
    """
    axes = list(axes)
    depth, first = 0, arrays
    while isinstance(first, (list, tuple)) and first:
        depth, first = depth + 1, first[0]
    if depth != len(axes) or depth > np.ndim(first):
        raise ValueError(
            f"axes={axes} for lists nested {depth} deep of arrays of {np.ndim(first)} axes: give "
            "one axis for each depth"
        )
    return concatenate_nested(arrays, axes)


def dotmany(
    A: Any,
    B: Any,
    leftfunc: Callable[..., Any] | None = None,
    rightfunc: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Return the sum of the dot products of two lists of arrays.

    Examples
    --------
    >>> dotmany([np.ones((1, 2))], [np.ones((2, 1))])
    array([[2.]])
    """
    lefts = A if leftfunc is None else map(leftfunc, A)
    rights = B if rightfunc is None else map(rightfunc, B)
    return sum(
        functools.partial(np.dot, **kwargs)(left, right)
        for left, right in zip(lefts, rights, strict=True)
    )


def array_expr_enabled() -> bool:
    """Whether Dask's experimental array expressions are on.

    Arrays here are always expressions, but not Dask's.

    Examples
    --------
    >>> array_expr_enabled()
    False
    """
    return False


_array_expr_enabled = array_expr_enabled
