"""Blocks of arrays that come from nowhere, for dtypes and array types without native ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["BlockRegion", "BlockShape", "arange_block", "filled_block", "linspace_block"]


class BlockShape:
    """The shape of a block by its coordinates."""

    def __init__(self, chunks: Sequence[Sequence[int]]) -> None:
        self.chunks = tuple(chunks)

    def __call__(self, index: Sequence[int]) -> tuple[int, ...]:
        return tuple(extents[i] for extents, i in zip(self.chunks, index, strict=True))


class BlockRegion:
    """Start and end of a block along every axis by its coordinates."""

    def __init__(self, chunks: Sequence[Sequence[int]]) -> None:
        self.bounds = tuple(np.cumsum((0, *extents)).tolist() for extents in chunks)

    def __call__(self, index: Sequence[int]) -> tuple[tuple[int, int], ...]:
        return tuple((at[i], at[i + 1]) for at, i in zip(self.bounds, index, strict=True))


def filled_block(function: Callable[..., Any], meta: Any, fill: Any, shape: Any, dtype: Any) -> Any:
    """Return a block of `shape` in the type of `meta`: one element, seen everywhere."""
    arguments = () if fill is None else (fill[0],)
    if type(meta) is np.ndarray:
        one = function(meta, *arguments, shape=(), dtype=dtype)
        return np.broadcast_to(one, shape)
    return function(meta, *arguments, shape=shape, dtype=dtype)


def arange_block(region: Any, start: Any, step: Any, dtype: Any, like: Any) -> Any:
    """Return the part of a range that lies in a region."""
    ((first, end),) = region
    at = np.arange(first, end, like=like)
    return (start + at * step).astype(dtype)


def linspace_block(region: Any, start: Any, step: Any, num: int, last: Any, dtype: Any) -> Any:
    """Return the part of evenly spaced numbers that lies in a region; `last` is the end, if any."""
    ((first, end),) = region
    values = np.arange(first, end) * step + start
    if last is not None and end == num and first < end and num > 1:
        values[-1] = last[0]
    if np.dtype(dtype).kind in "iu":
        values = np.floor(values)
    return values.astype(dtype, copy=False)
