"""Trees of Python functions of blocks: reductions that have no kernel."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from oxidask import config
from oxidask.array._meta import compute_meta, meta_from_array
from oxidask.array.core import Array, asanyarray, blockwise_layer
from oxidask.tokenize import tokenize

__all__ = ["arg_tree", "reduction", "split_counts"]

#: Blocks that are merged at once, where nobody says anything.
_SPLIT_EVERY = 16


def split_counts(split_every: Any, axes: Sequence[int], ndim: int) -> list[int]:
    """Return for each axis how many blocks are merged at once."""
    split_every = split_every or config.get("split_every", None) or _SPLIT_EVERY
    if isinstance(split_every, dict):
        given = {axis % ndim if ndim else axis: int(n) for axis, n in split_every.items()}
        return [max(given.get(axis, 2), 2) for axis in range(ndim)]
    if not isinstance(split_every, (int, np.integer)) or isinstance(split_every, bool):
        raise ValueError("split_every must be a int or a dict")
    if split_every < 2:
        raise ValueError(f"split_every must be at least 2, got {split_every}")
    # A hair more, so that the square root of 4 is 2.
    each = int(split_every ** (1 / (len(axes) or 1)) + 1e-9)
    return [max(each, 2)] * ndim


def _takes(function: Callable[..., Any], keyword: str) -> bool:
    try:
        return keyword in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def reduction(
    x: Any,
    chunk: Callable[..., Any],
    aggregate: Callable[..., Any],
    axis: Any = None,
    keepdims: bool = False,
    dtype: Any = None,
    split_every: Any = None,
    combine: Callable[..., Any] | None = None,
    name: str | None = None,
    out: Any = None,
    concatenate: bool = True,
    output_size: int = 1,
    meta: Any = None,
    weights: Any = None,
) -> Array:
    """Reduce with Python functions of blocks, merged in a tree.

    Parameters
    ----------
    x
        The array.
    chunk
        ``chunk(block, axis, keepdims)``, called with ``keepdims=True``; with `weights` they are its
        second argument.
    aggregate
        ``aggregate(block, axis, keepdims)``, called with what the blocks gave, put together; the
        last step.
    axis
        The axis or axes; all by default.
    keepdims
        Whether reduced axes stay.
    dtype
        The dtype of the result; passed on to functions that take a ``dtype``.
    split_every
        How many blocks are merged at once: a number, or a dict by axis.
    combine
        Like `aggregate`, for the steps between; by default `aggregate` itself.
    name
        Start of the layers' names.
    out
        An array that becomes the result.
    concatenate
        Whether blocks are put together for `combine` and `aggregate`, or given as nested lists.
    output_size
        Extent of the result along reduced axes that are kept.
    meta
        An empty array of the result's type.
    weights
        Weights of the elements, broadcast to `x`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.ones((4, 4), chunks=2)
    >>> da.reduction(x, np.sum, np.sum, axis=0, dtype=float).compute()
    array([4., 4., 4., 4.])
    """
    from oxidask.array._reduce import handle_out, normalized_axes

    x = asanyarray(x)
    axes = normalized_axes(axis, x.ndim)
    if dtype is not None:
        dtype = np.dtype(dtype)
    functions = [
        partial(function, dtype=dtype)
        if dtype is not None and _takes(function, "dtype")
        else function
        for function in (chunk, combine or aggregate, aggregate)
    ]
    chunk, merge, last = functions
    name = name or getattr(aggregate, "__name__", "reduction")
    token = tokenize(
        x, chunk, merge, last, axes, keepdims, dtype, split_every, concatenate, output_size, weights
    )
    parts = _chunk_layer(x, chunk, axes, f"{name}-{token}", weights, output_size)
    options = {"axis": axes}
    if meta is None:
        meta = _result_meta(x, chunk, last, axes, keepdims, dtype)
    else:
        meta = meta_from_array(meta, ndim=x.ndim if keepdims else x.ndim - len(axes), dtype=dtype)
    result = _tree(
        parts,
        merge,
        last,
        axes,
        keepdims,
        split_counts(split_every, axes, x.ndim),
        name,
        token,
        concatenate,
        options,
        output_size,
        meta,
    )
    return handle_out(out, result)


def _chunk_layer(
    x: Array, chunk: Any, axes: tuple[int, ...], name: str, weights: Any, output_size: int
) -> Array:
    every = list(range(x.ndim))
    args = [("blocks", x, every, [False] * x.ndim)]
    if weights is not None:
        from oxidask.array.core import asanyarray as as_array
        from oxidask.array.rechunk import rechunk
        from oxidask.array.routines import broadcast_to

        weights = rechunk(broadcast_to(as_array(weights), x.shape), x.chunks)
        args.append(("blocks", weights, every, [False] * x.ndim))
    chunks = tuple(
        (output_size,) * len(extents) if axis in axes else extents
        for axis, extents in enumerate(x.chunks)
    )
    meta = meta_from_array(x._meta, ndim=x.ndim)
    # What a block gives need not be an array: no dtype is promised.
    return blockwise_layer(
        name, chunk, args, chunks, _Opaque(meta), {"axis": axes, "keepdims": True}
    )


class _Opaque:
    """A meta of blocks that may be anything."""

    dtype = None

    def __init__(self, meta: Any) -> None:
        self.ndim = meta.ndim
        self.shape = meta.shape


def _tree(
    parts: Array,
    merge: Any,
    last: Any,
    axes: tuple[int, ...],
    keepdims: bool,
    by: list[int],
    name: str,
    token: str,
    concatenate: bool,
    options: dict[str, Any],
    output_size: int,
    meta: Any,
) -> Array:
    ndim = parts.ndim
    lists = [axis in axes for axis in range(ndim)]
    level = 0
    while any(parts.numblocks[axis] > by[axis] for axis in axes):
        groups = [by[axis] if axis in axes else 0 for axis in range(ndim)]
        args = [("blocks", parts, list(range(ndim)), lists, groups)]
        chunks = tuple(
            (output_size,) * -(-len(extents) // by[axis]) if axis in axes else extents
            for axis, extents in enumerate(parts.chunks)
        )
        layer = f"{name}-partial-{token}" if level == 0 else f"{name}-partial-{token}.{level}"
        kwargs = {**options, "keepdims": True}
        parts = blockwise_layer(
            layer, merge, args, chunks, parts._meta, kwargs, concatenate=concatenate
        )
        level += 1
    kept = [axis for axis in range(ndim) if keepdims or axis not in axes]
    place = {axis: i for i, axis in enumerate(kept)}
    follow = [-1 if axis in axes else place[axis] for axis in range(ndim)]
    args = [("blocks", parts, follow, lists)]
    chunks = tuple((output_size,) if axis in axes else parts.chunks[axis] for axis in kept)
    kwargs = {**options, "keepdims": keepdims}
    return blockwise_layer(
        f"{name}-aggregate-{token}", last, args, chunks, meta, kwargs, concatenate=concatenate
    )


def _result_meta(
    x: Array, chunk: Any, last: Any, axes: tuple[int, ...], keepdims: bool, dtype: Any
) -> Any:
    ndim = x.ndim if keepdims else x.ndim - len(axes)

    def whole(meta: Any) -> Any:
        computing = {
            function: {"computing_meta": True} if _takes(function, "computing_meta") else {}
            for function in (chunk, last)
        }
        part = chunk(meta, axis=axes, keepdims=True, **computing[chunk])
        return last(
            [part] if isinstance(part, (dict, list, tuple)) else part,
            axis=axes,
            keepdims=keepdims,
            **computing[last],
        )

    meta = compute_meta(whole, dtype, x._meta)
    if meta is None or not hasattr(meta, "dtype"):
        meta = x._meta
    return meta_from_array(meta, ndim=ndim, dtype=dtype)


def arg_tree(
    x: Array,
    chunk: Any,
    combine: Any,
    agg: Any,
    axes: tuple[int, ...],
    flat: bool,
    keepdims: bool,
    split_every: Any,
) -> Array:
    """Reduce to places: `chunk` is told where its block starts."""
    for axis in axes:
        if any(np.isnan(n) for n in x.chunks[axis]) and len(x.chunks[axis]) > 1:
            raise ValueError(
                "Arg-reductions do not work with arrays of unknown chunksizes, but the shape is "
                f"{x.shape}. At some point this computation involved boolean indexing: call "
                "x.compute_chunk_sizes() first"
            )
    starts = [np.concatenate([[0], np.cumsum(n)]).tolist() for n in x.chunks]
    shape = x.shape

    def offset(index: tuple[int, ...]) -> Any:
        if flat:
            return tuple(starts[axis][i] for axis, i in enumerate(index)), shape
        return starts[axes[0]][index[axes[0]]]

    token = tokenize(x, chunk, combine, agg, axes, flat, keepdims, split_every)
    name = f"arg-{getattr(chunk, '__name__', 'reduce')}"
    every = list(range(x.ndim))
    args: list[tuple[Any, ...]] = [
        ("blocks", x, every, [False] * x.ndim),
        ("literal", axes),
        ("per_block", offset),
    ]
    if not flat:
        args[1] = ("literal", axes[0])
    chunks = tuple((1,) * len(n) if axis in axes else n for axis, n in enumerate(x.chunks))
    parts = blockwise_layer(f"{name}-{token}", chunk, args, chunks, _Opaque(x._meta))
    ndim = x.ndim if keepdims else x.ndim - len(axes)
    meta = meta_from_array(x._meta, ndim=ndim, dtype=np.intp)
    return _tree(
        parts,
        partial(_flat_call, combine),
        partial(_flat_call, agg),
        axes,
        keepdims,
        split_counts(split_every, axes, x.ndim),
        name,
        token,
        False,
        {"axis": axes},
        1,
        meta,
    )


def _flat_call(function: Any, parts: Any, **kwargs: Any) -> Any:
    flat: list[Any] = []
    stack = [parts]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack.extend(reversed(part))
        else:
            flat.append(part)
    return function(flat, **kwargs)
