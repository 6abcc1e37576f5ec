"""Blocks with their neighbours' edges, for blocks that have no native form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask.array._numpy import concatenate_grid, concatenate_nested

__all__ = ["overlap_block"]


def overlap_block(blocks: Sequence[Any], axes: Sequence[Any]) -> Any:
    """Put a block and its neighbours' edges together: see ``ops/overlap.rs``.

    For each axis: how many blocks there are, where among them the neighbour before, the block
    itself and the neighbour after are, how much is taken of either, and what lies beyond the end.
    """
    parts = list(blocks)
    counts = [axis[0] for axis in axes]
    # The last axis first: each step leaves the grid without the axis.
    for axis in range(len(axes) - 1, -1, -1):
        n, before, own, after, depth_before, depth_after, _ = axes[axis]
        joined = []
        for start in range(0, len(parts), n):
            row = parts[start : start + n]
            pieces = [row[own]]
            if before is not None:
                extent = row[before].shape[axis]
                pieces.insert(0, _cut(row[before], axis, extent - depth_before, extent))
            if after is not None:
                pieces.append(_cut(row[after], axis, 0, depth_after))
            grid = [len(pieces) if i == axis else 1 for i in range(len(counts))]
            joined.append(concatenate_grid(pieces, grid))
        parts = joined
    (result,) = parts
    for axis, (_, before, _, after, depth_before, depth_after, boundary) in enumerate(axes):
        if boundary is None:
            continue
        pieces = [result]
        if before is None and depth_before:
            pieces.insert(0, _beyond(result, axis, depth_before, boundary, at_end=False))
        if after is None and depth_after:
            pieces.append(_beyond(result, axis, depth_after, boundary, at_end=True))
        if len(pieces) > 1:
            result = concatenate_nested(pieces, (axis,))
    return result


def _cut(block: Any, axis: int, start: int, stop: int) -> Any:
    return block[(slice(None),) * axis + (slice(start, stop),)]


def _beyond(block: Any, axis: int, depth: int, boundary: Any, *, at_end: bool) -> Any:
    extent = block.shape[axis]
    if isinstance(boundary, str) and boundary == "reflect":
        part = _cut(block, axis, extent - depth, extent) if at_end else _cut(block, axis, 0, depth)
        return part[(slice(None),) * axis + (slice(None, None, -1),)]
    edge = _cut(block, axis, extent - 1, extent) if at_end else _cut(block, axis, 0, 1)
    edges = concatenate_nested([edge] * depth, (axis,)) if depth > 1 else edge
    if isinstance(boundary, str):
        return edges
    return np.full_like(edges, boundary)
