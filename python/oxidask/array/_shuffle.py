"""Positions in groups: each group comes to lie in one block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask import _native, config
from oxidask.array.core import Array, asanyarray

__all__ = ["shuffle"]


def shuffle(x: Any, indexer: Sequence[Sequence[int]], axis: int, chunks: str = "auto") -> Array:
    """Take elements along an axis by groups of positions; no block's edge goes through a group.

    Small groups share a block, as long as it isn't larger than the average one was.  For a group
    that is larger than the largest block, the other axes are cut finer.  By how much blocks may
    grow, the configuration's ``array.chunk-size-tolerance`` says.

    Parameters
    ----------
    x
        The array.
    indexer
        Lists of positions, one for each group.
    axis
        The axis.
    chunks
        ``"auto"`` is the only choice.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.arange(8, chunks=4)
    >>> y = da.shuffle(x, [[6, 0], [2, 4, 7]], axis=0)
    >>> y.chunks
    ((5,),)
    >>> y.compute()
    array([6, 0, 2, 4, 7])
    """
    x = asanyarray(x)
    if not -x.ndim <= axis < x.ndim:
        raise np.exceptions.AxisError(axis, x.ndim)
    if chunks != "auto":
        raise NotImplementedError(
            f"chunks={chunks!r}: only 'auto' is there; rechunk the result for others"
        )
    is_list = isinstance(indexer, (list, tuple))
    if not is_list or not all(isinstance(group, (list, tuple, np.ndarray)) for group in indexer):
        raise ValueError(f"indexer must be a list of lists of positions, got {indexer!r}")
    groups = [np.asarray(group, dtype=np.int64) for group in indexer]
    positions = np.concatenate(groups) if groups else np.empty(0, np.int64)
    if len(positions) and positions.min() < 0:
        raise IndexError(
            f"Indexer contains out of bounds index {positions.min()}: positions count from 0"
        )
    tolerance = float(config.get("array.chunk-size-tolerance", 1.25))
    lengths = [len(group) for group in groups]
    expr = _native.array_shuffle(x._expr, axis % x.ndim, positions.tolist(), lengths, tolerance)
    return x._like(expr)
