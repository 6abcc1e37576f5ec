"""Windows of arrays, and filling forward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oxidask.array._depths import ensure_minimum_chunksize
from oxidask.array._joining import normalize_axis
from oxidask.array.core import Array, blockwise_layer
from oxidask.array.overlap import map_overlap, overlap
from oxidask.tokenize import tokenize

__all__ = ["pushed", "windows"]


def _window_block(block: Any, window: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    return np.lib.stride_tricks.sliding_window_view(block, window, axes)


def windows(x: Array, window_shape: Any, axis: Any, automatic_rechunk: bool) -> Array:
    """Return every window; see :func:`oxidask.array.overlap.sliding_window_view`."""
    window = tuple(int(n) for n in np.atleast_1d(window_shape))
    if any(n < 0 for n in window):
        raise ValueError("`window_shape` cannot contain negative values")
    axes = tuple(range(x.ndim)) if axis is None else tuple(np.atleast_1d(axis).tolist())
    if len(window) != len(axes):
        raise ValueError(
            f"Must provide matching length window_shape and axis; got {len(window)} window_shape "
            f"elements and {len(axes)} axes elements."
        )
    axes = tuple(normalize_axis(i, x.ndim) for i in axes)
    depths = [0] * x.ndim
    for i, n in zip(axes, window, strict=True):
        depths[i] += n - 1
    if any(depth >= n for depth, n in zip(depths, x.shape, strict=True) if depth > 0):
        raise ValueError("window shape cannot be larger than input array shape")
    blocks = {
        i: ensure_minimum_chunksize(depth + 1, x.chunks[i])
        for i, depth in enumerate(depths)
        if depth > 0
    }
    if automatic_rechunk:
        blocks.update(_finer(x, blocks, window, axes))
    x = x.rechunk(blocks) if blocks else x
    wide = overlap(x, {i: (0, max(depth, 0)) for i, depth in enumerate(depths)}, "none")
    chunks = [
        (*extents[:-1], extents[-1] - depth)
        for extents, depth in zip(x.chunks, depths, strict=True)
    ]
    name = f"sliding_window_view-{tokenize(wide, window, axes)}"
    args = [
        ("blocks", wide, list(range(x.ndim)), [False] * x.ndim),
        ("literal", window),
        ("literal", axes),
    ]
    meta = (
        np.empty((0,) * (x.ndim + len(window)), x.dtype)
        if type(x._meta) is np.ndarray
        else (x._meta[(Ellipsis, *(None,) * len(window))][(slice(0, 0),) * (x.ndim + len(window))])
    )
    return blockwise_layer(name, _window_block, args, (*chunks, *((n,) for n in window)), meta)


def _finer(
    x: Array, blocks: dict[int, Any], window: tuple[int, ...], axes: tuple[int, ...]
) -> dict[int, Any]:
    """Return cuts of the axes without windows, by as much as windows make blocks larger."""
    growth = float(math.prod(window))
    for i, extents in blocks.items():
        growth *= max(extents) / max(x.chunks[i])
    others = [i for i in range(x.ndim) if i not in axes and x.shape[i] > 1]
    if growth <= 1 or not others:
        return {}
    pieces = math.ceil(growth ** (1 / len(others)) - 1e-9)
    return {i: tuple(n for extent in x.chunks[i] for n in _split(extent, pieces)) for i in others}


def _split(extent: int, pieces: int) -> tuple[int, ...]:
    pieces = max(1, min(pieces, extent))
    each, more = divmod(extent, pieces)
    return (each + 1,) * more + (each,) * (pieces - more)


def _pushed(block: Any, n: int | None, axis: int) -> Any:
    """Fill missing elements with the last one before them, at most `n` in a row."""
    positions = np.arange(block.shape[axis]).reshape(
        tuple(-1 if i == axis else 1 for i in range(block.ndim))
    )
    last = np.maximum.accumulate(np.where(np.isnan(block), 0, positions), axis=axis)
    filled = np.take_along_axis(block, last, axis=axis)
    return filled if n is None else np.where(positions - last <= n, filled, np.nan)


def _push_first(before: Any, block: Any) -> Any:
    return np.where(np.isnan(block), before, block)


def _push_all(block: Any, axis: int, dtype: Any = None) -> Any:
    return _pushed(block, None, axis)


def pushed(array: Array, n: int | None, axis: int) -> Array:
    """Fill missing elements; see :func:`oxidask.array.overlap.push`."""
    from oxidask.array.cumulative import cumreduction

    axis %= array.ndim
    if n is not None and 0 < n < array.shape[axis] - 1:
        return map_overlap(
            _pushed, array, depth={axis: (n, 0)}, boundary="none", dtype=array.dtype, n=n, axis=axis
        )
    return cumreduction(  # type: ignore[no-any-return]
        func=_push_all, binop=_push_first, ident=np.nan, x=array, axis=axis, dtype=array.dtype
    )
