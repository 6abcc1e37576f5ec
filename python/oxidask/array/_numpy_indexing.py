"""Indexing, rechunking and assignment of blocks that have no native form, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask.array._numpy import concatenate_grid
from oxidask.array.dispatch import concatenate_lookup

__all__ = ["compress", "gather", "gather_region", "getitem", "setitem", "take_by", "unchanged"]


def getitem(block: Any, index: tuple[Any, ...]) -> Any:
    """Return part of a block, as an array even if it is one element."""
    part = block[index]
    if not hasattr(part, "shape") and isinstance(block, np.ndarray):
        return block[(*index, Ellipsis)]
    return part


def gather_region(
    blocks: Sequence[Any],
    grid: Sequence[int],
    starts: Sequence[int],
    extents: Sequence[Any],
    owned: bool = False,
) -> Any:
    """Return what a new block takes of a row-major grid of old ones; a copy if `owned`."""
    whole = concatenate_grid(blocks, grid)
    index = tuple(
        slice(None) if n is None else slice(at, at + n)
        for at, n in zip(starts, extents, strict=True)
    )
    if all(part == slice(None) for part in index):
        return whole
    part = whole[index]
    return part.copy() if owned and hasattr(part, "copy") else part


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


def unchanged(block: Any) -> Any:
    """Return a block that nothing is assigned to."""
    return block


def setitem(block: Any, index: tuple[Any, ...], bounds: Any, inputs: Sequence[Any]) -> Any:
    """Return a copy of a block with part of it replaced.

    Parameters
    ----------
    block
        The block.
    index
        What is replaced, axis by axis; None where positions say it.
    bounds
        Where the block starts and ends along that axis, and the extent of the axis.
    inputs
        The positions, if an axis has some, and the value.
    """
    *positions, value = inputs
    if isinstance(value, np.ma.MaskedArray) and not isinstance(block, np.ma.MaskedArray):
        block = np.ma.array(block)
    if positions:
        here, places = _positions_in(np.asarray(positions[0]), *bounds)
        axis = next(i for i, part in enumerate(index) if part is None)
        index = (*index[:axis], here, *index[axis + 1 :])
        behind = sum(not isinstance(part, int) for part in index[axis + 1 :])
        at = np.ndim(value) - behind - 1
        if at >= 0 and np.shape(value)[at] != 1:
            if np.shape(value)[at] != len(positions[0]) and positions[0].dtype != bool:
                raise ValueError(f"A value of shape {np.shape(value)} does not fit {index}")
            value = value[(slice(None),) * at + (places,)]
        # NumPy would move the axis of the positions before slices that come behind an integer.
        index = tuple(slice(i, i + 1) if isinstance(i, int) else i for i in index)
        kept = tuple(i for i, part in enumerate(index) if not _is_one(part))
        value = _with_axes(value, kept, len(index))
    masked = isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).all()
    result = block.copy()
    if masked:
        result[index] = np.ma.masked
    else:
        result[index] = value
    return result


def _is_one(part: Any) -> bool:
    return isinstance(part, slice) and part.step is None


def _with_axes(value: Any, kept: tuple[int, ...], ndim: int) -> Any:
    """Return a value with axes of 1 where the array's axes are indexed by integers."""
    if np.ndim(value) == 0:
        return value
    kept = kept[len(kept) - np.ndim(value) :]
    first = kept[0]
    return value[tuple(slice(None) if i in kept else None for i in range(first, ndim))]


def _positions_in(positions: Any, start: int, end: int, extent: int) -> tuple[Any, Any]:
    """Return the positions that lie in a block, counted from its start, and their places."""
    if positions.dtype == bool:
        (positions,) = np.nonzero(positions)
    if len(positions) and (positions.min() < -extent or positions.max() >= extent):
        raise IndexError(f"index out of bounds for an axis of size {extent}: {positions}")
    positions = np.where(positions < 0, positions + extent, positions)
    (places,) = np.nonzero((positions >= start) & (positions < end))
    return positions[places] - start, places
