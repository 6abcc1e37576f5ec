"""What kernels have no native code for, in NumPy.

Tasks call these functions with whole blocks.  They must give what the kernel of the same task would
give, for any array type that speaks NumPy's protocols.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = [
    "concatenate_grid",
    "concatenate_nested",
    "fill_blocks",
    "plain_array",
    "run_program",
]


def concatenate_grid(blocks: Sequence[Any], grid: Sequence[int]) -> Any:
    """Put a row-major grid of blocks together: along the last axes, if they have more."""
    if len(blocks) == 1 or not grid:
        return blocks[0]
    step = len(blocks) // grid[0]
    parts = [concatenate_grid(blocks[i : i + step], grid[1:]) for i in range(0, len(blocks), step)]
    ndim = max(np.ndim(blocks[0]), len(grid))
    return _concatenate([_widened(part, ndim) for part in parts], ndim - len(grid))


def concatenate_nested(nested: Any, axes: Sequence[int]) -> Any:
    """Put nested lists of blocks together, the outermost list along the first of `axes`."""
    return _nested(nested, axes, max(axes, default=-1) + 1)


def _nested(nested: Any, axes: Sequence[int], ndim: int) -> Any:
    if not axes or not isinstance(nested, (list, tuple)):
        return _widened(nested, ndim)
    parts = [_nested(part, axes[1:], ndim) for part in nested]
    return parts[0] if len(parts) == 1 else _concatenate(parts, axes[0])


def _widened(block: Any, ndim: int) -> Any:
    """Return a block with at least `ndim` axes: functions of blocks may give numbers."""
    missing = ndim - np.ndim(block)
    return block if missing <= 0 else np.asanyarray(block)[(None,) * missing]


def _concatenate(parts: Sequence[Any], axis: int) -> Any:
    from oxidask.array.dispatch import concatenate_lookup

    if len(parts) == 1:
        return parts[0]
    heaviest = max(parts, key=lambda part: getattr(part, "__array_priority__", 0))
    join = concatenate_lookup.dispatch(type(heaviest))
    dtype = getattr(heaviest, "dtype", None)
    has_fields = join is np.concatenate and getattr(dtype, "names", None)
    if has_fields and all(part.dtype == dtype for part in parts):
        # Else NumPy packs the fields.
        return np.concatenate(parts, axis=axis, dtype=dtype)
    return join(parts, axis=axis)


def fill_blocks(
    result: Any, blocks: Sequence[tuple[tuple[int, ...], Any]], bounds: Sequence[Sequence[int]]
) -> Any:
    """Put blocks that have no native form into a result with holes for them.

    Where a block is not of the shape that was promised, all of them are put together anew, whatever
    shape that gives.

    Parameters
    ----------
    result
        The result with holes.
    blocks
        Places in the grid, and their blocks.
    bounds
        Axis by axis where the grid's blocks start, and the end of the last.
    """
    regions = [_region(bounds, place) for place, _ in blocks]
    if not all(
        isinstance(block, np.ndarray) and block.shape == result[region].shape
        for (_, block), region in zip(blocks, regions, strict=True)
    ):
        return _joined(result, dict(blocks), bounds)
    dtype = np.result_type(result.dtype, *(block.dtype for _, block in blocks))
    masked = any(isinstance(block, np.ma.MaskedArray) for _, block in blocks)
    filled = np.ma.array(result, dtype=dtype) if masked else result.astype(dtype)
    for (_, block), region in zip(blocks, regions, strict=True):
        filled[region] = block
    return filled


def _region(bounds: Sequence[Sequence[int]], place: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(axis[i], axis[i + 1]) for axis, i in zip(bounds, place, strict=True))


def _joined(result: Any, holes: dict[tuple[int, ...], Any], bounds: Sequence[Any]) -> Any:
    """Join blocks of any shape: those of `holes`, and the others from where they lie."""

    def part(*place: int) -> Any:
        axis = len(place)
        if axis < len(bounds):
            return [part(*place, i) for i in range(len(bounds[axis]) - 1)]
        return holes[place] if place in holes else result[_region(bounds, place)]

    return concatenate_nested(part(), range(len(bounds)))


_STEPS: dict[str, Any] = {"where": np.where, "clip": np.clip}


def _function(name: str) -> Any:
    return _STEPS.get(name) or getattr(np, name)


def run_program(program: Any, extents: Sequence[int | None], inputs: Sequence[Any]) -> Any:
    """Run a fused elementwise program: see ``kernel/program.rs``."""
    ndim, axes, steps, result = program
    registers = [_aligned(block, at, ndim) for block, at in zip(inputs, axes, strict=True)]
    for kind, what, *rest in steps:
        if kind == "constant":
            registers.append(what)
        elif kind == "cast":
            # The kernel casts to what its loop takes; NumPy's functions do so themselves.
            value = registers[rest[0]]
            registers.append(value.astype(what) if _casts(value, what) else value)
        else:
            value = _function(what)(*(registers[at] for at in rest[0]))
            registers.append(value[rest[1]] if isinstance(value, tuple) else value)
    value = registers[result]
    shape = tuple(
        n if known is None else known for n, known in zip(np.shape(value), extents, strict=True)
    )
    return value if np.shape(value) == shape else np.broadcast_to(value, shape)


def _casts(value: Any, dtype: Any) -> bool:
    return (
        hasattr(value, "astype")
        and getattr(value, "dtype", None) is not None
        and (value.dtype.kind in "biufcmM")
    )


def _aligned(block: Any, axes: Sequence[int | None], ndim: int) -> Any:
    """Return a block with its axes where `axes` says, and axes of extent 1 elsewhere."""
    dropped = tuple(i for i, axis in enumerate(axes) if axis is None)
    if dropped:
        block = np.squeeze(block, dropped)
    kept = [axis for axis in axes if axis is not None]
    order = sorted(range(len(kept)), key=kept.__getitem__)
    if order != list(range(len(kept))):
        block = np.transpose(block, order)
    if len(kept) == ndim:
        return block
    index = tuple(slice(None) if axis in kept else None for axis in range(ndim))
    return block[index]


def plain_array(value: Any, dtype: Any) -> Any:
    """Return a block as a plain array of a dtype, if that loses nothing but precision."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError("a masked array")
    if isinstance(value, np.ndarray) and np.can_cast(value.dtype, dtype, "same_kind"):
        return np.ascontiguousarray(value, dtype=dtype).reshape(value.shape)
    if np.isscalar(value):
        return np.asarray(value, dtype=dtype)
    raise TypeError(f"{type(value).__name__} of dtype {getattr(value, 'dtype', None)}")
