"""Indexing, rechunking and assignment of blocks that have no native form, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask.array._numpy import concatenate_grid
from oxidask.array.dispatch import concatenate_lookup

__all__ = ["compress", "gather", "gather_region", "getitem", "setitem", "take_by"]


def getitem(block: Any, index: tuple[Any, ...]) -> Any:
    """Return part of a block, as an array even if it is one element."""
    part = block[index]
    if not hasattr(part, "shape") and isinstance(block, np.ndarray):
        return block[(*index, Ellipsis)]
    return part


def gather_region(
    blocks: Sequence[Any], grid: Sequence[int], starts: Sequence[int], extents: Sequence[Any]
) -> Any:
    """Return what a new block takes of a row-major grid of old ones."""
    whole = concatenate_grid(blocks, grid)
    index = tuple(
        slice(None) if n is None else slice(at, at + n)
        for at, n in zip(starts, extents, strict=True)
    )
    return whole if all(part == slice(None) for part in index) else whole[index]


def gather(
    blocks: Sequence[Any],
    axes: Sequence[int],
    at: int,
    shape: Sequence[int],
    slots: Any,
    locals_: Any,
) -> Any:
    """Return elements of several blocks by their positions along some axes."""
    positions = np.asarray(locals_).reshape(-1, len(axes))
    slots = np.asarray(slots)
    parts = []
    # Which pick every element of the parts is.
    order = []
    for slot, block in enumerate(blocks):
        (here,) = np.nonzero(slots == slot)
        if len(here) or (slot == 0 and not len(slots)):
            parts.append(_pick(block, axes, at, positions[here]))
            order.append(here)
    if len(parts) == 1:
        taken = parts[0]
    else:
        join = concatenate_lookup.dispatch(type(parts[0]))
        inverse = np.argsort(np.concatenate(order), kind="stable")
        index = (slice(None),) * at + (inverse,)
        taken = join(parts, axis=at)[index]
    if len(shape) > 1:
        taken = taken.reshape((*taken.shape[:at], *shape, *taken.shape[at + 1 :]))
    return taken


def _pick(block: Any, axes: Sequence[int], at: int, positions: Any) -> Any:
    """Return elements of one block, with their axis before number `at` of the others."""
    if len(axes) == 1 and at == axes[0]:
        index: tuple[Any, ...] = (slice(None),) * at + (positions[:, 0],)
        return block[index]
    rest = [axis for axis in range(block.ndim) if axis not in axes]
    moved = np.transpose(block, [*axes, *rest])
    picked = moved[tuple(positions.T)]
    return np.moveaxis(picked, 0, at)


def take_by(positions: Any, blocks: Sequence[Any], axis: int) -> Any:
    """Return elements of the blocks along an axis by their positions."""
    if len(blocks) > 1:
        whole = concatenate_lookup.dispatch(type(blocks[0]))(blocks, axis=axis)
    else:
        whole = blocks[0]
    return whole[(slice(None),) * axis + (np.asarray(positions),)]


def compress(block: Any, mask: Any, axis: int) -> Any:
    """Return the elements of a block along an axis for which a mask is true."""
    return block[(slice(None),) * axis + (np.asarray(mask, dtype=bool),)]


def setitem(block: Any, index: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a block with part of it replaced."""
    if isinstance(value, np.ma.MaskedArray) and not isinstance(block, np.ma.MaskedArray):
        block = np.ma.array(block)
    if isinstance(value, np.ma.MaskedArray) and value.ndim == 0 and value.mask:
        value = np.ma.masked
    result = block.copy()
    result[index] = value
    return result
