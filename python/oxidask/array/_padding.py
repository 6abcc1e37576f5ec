"""Padding: arrays with something around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._joining import concatenate
from oxidask.array.core import Array, asanyarray, new_array

__all__ = ["pad"]

_KEYWORDS: dict[str, set[str]] = {
    "constant": {"constant_values"},
    "edge": set(),
    "empty": set(),
    "linear_ramp": {"end_values"},
    "maximum": {"stat_length"},
    "mean": {"stat_length"},
    "median": {"stat_length"},
    "minimum": {"stat_length"},
    "reflect": {"reflect_type"},
    "symmetric": {"reflect_type"},
    "wrap": set(),
}


def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Array:
    """Put elements around an array.

    Parameters
    ----------
    array
        The array.
    pad_width
        How many elements at either end: one number for all, ``(before, after)`` for all axes, pairs
        for each axis, or a dict of axes to such.
    mode
        What they are: any of NumPy's modes, or a function of lines of the array.
    **kwargs
        What the mode takes: ``constant_values``, ``end_values``, ``stat_length``,
        ``reflect_type``, or keywords for a function.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.pad(da.arange(1, 4, chunks=2), (1, 2), mode="edge").compute()
    array([1, 1, 2, 3, 3, 3])
    """
    array = asanyarray(array)
    widths = _widths(pad_width, array.ndim)
    if callable(mode):
        return _by_function(array, widths, mode, kwargs)
    if mode not in _KEYWORDS:
        raise ValueError(f"mode '{mode}' is not supported")
    unknown = set(kwargs) - _KEYWORDS[mode]
    if unknown:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {unknown}")
    for axis, width in enumerate(widths):
        if width != (0, 0):
            array = _AXIS[mode](array, axis, width, mode, _of_axis(kwargs, axis, array.ndim))
    return array


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        pairs: list[Any] = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pairs[axis] = (width, width) if np.ndim(width) == 0 else tuple(width)
        pad_width = pairs
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu":
        if not ndim and widths.size == 0:
            return []
        raise TypeError("`pad_width` must be of integral type.")
    pairs = np.broadcast_to(widths, (ndim, 2)).tolist()
    if any(n < 0 for pair in pairs for n in pair):
        raise ValueError("index can't contain negative values")
    return [(before, after) for before, after in pairs]


def _of_axis(kwargs: dict[str, Any], axis: int, ndim: int) -> dict[str, Any]:
    """Return keywords with the pair of values that belong to one axis."""
    result = {}
    for name, value in kwargs.items():
        if name == "reflect_type" or value is None:
            result[name] = value
        else:
            values = np.broadcast_to(np.asarray(value), (ndim, 2))
            result[name] = (values[axis, 0], values[axis, 1])
    return result


def _slice(array: Array, axis: int, *bounds: int | None) -> Array:
    return array[(slice(None),) * axis + (slice(*bounds),)]


def _joined(before: Any, array: Array, after: Any, axis: int) -> Array:
    return concatenate([part for part in (before, array, after) if part is not None], axis=axis)


def _blocks(extent: int, array: Array, axis: int) -> tuple[int, ...]:
    """Return blocks of new elements, no larger than those of the array."""
    most = max(array.chunks[axis], default=1) or 1
    return (most,) * (extent // most) + ((extent % most,) if extent % most else ())


def _filled(array: Array, axis: int, extent: int, value: Any) -> Any:
    if not extent:
        return None
    chunks = tuple(
        _blocks(extent, array, axis) if i == axis else blocks
        for i, blocks in enumerate(array.chunks)
    )
    if type(array._meta) is np.ndarray:
        scalar = np.asarray(value).astype(array.dtype)
        try:
            return new_array(_native.array_full(scalar, chunks, "pad"))
        except _native.NoKernel:
            pass
    from oxidask.array.creation import full_like

    shape = tuple(map(sum, chunks))
    return full_like(array, value, shape=shape, chunks=chunks, dtype=array.dtype)


def _constant(array: Array, axis: int, width: Any, mode: str, kwargs: dict[str, Any]) -> Array:
    values = kwargs.get("constant_values") or (0, 0)
    before, after = (_filled(array, axis, n, v) for n, v in zip(width, values, strict=True))
    return _joined(before, array, after, axis)


def _require_elements(array: Array, axis: int, mode: str) -> None:
    if array.shape[axis] == 0:
        raise ValueError(
            f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'"
        )


def _stretched(line: Array, axis: int, extent: int, array: Array) -> Any:
    """Return a slice of extent 1 repeated along its axis."""
    from oxidask.array._broadcast import broadcast_to

    if not extent:
        return None
    chunks = tuple(
        _blocks(extent, array, axis) if i == axis else blocks
        for i, blocks in enumerate(line.chunks)
    )
    return broadcast_to(line, tuple(map(sum, chunks)), chunks=chunks)


def _edge(array: Array, axis: int, width: Any, mode: str, kwargs: dict[str, Any]) -> Array:
    _require_elements(array, axis, mode)
    before = _stretched(_slice(array, axis, 0, 1), axis, width[0], array)
    after = _stretched(_slice(array, axis, -1, None), axis, width[1], array)
    return _joined(before, array, after, axis)


def _ramp_block(edge: Any, end: Any, extent: int, axis: int, reverse: bool) -> Any:
    line = np.squeeze(edge, axis)
    ramp = np.linspace(end, line, extent, endpoint=False, dtype=edge.dtype, axis=axis)
    return np.flip(ramp, axis) if reverse else ramp


def _linear_ramp(array: Array, axis: int, width: Any, mode: str, kwargs: dict[str, Any]) -> Array:
    _require_elements(array, axis, mode)
    ends = kwargs.get("end_values") or (0, 0)

    def ramp(line: Array, extent: int, end: Any, reverse: bool) -> Any:
        if not extent:
            return None
        chunks = tuple((extent,) if i == axis else b for i, b in enumerate(line.chunks))
        return line.map_blocks(
            _ramp_block,
            end,
            extent,
            axis,
            reverse,
            dtype=array.dtype,
            chunks=chunks,
            meta=array._meta,
            token="linear_ramp",
        )

    before = ramp(_slice(array, axis, 0, 1), width[0], ends[0], False)
    after = ramp(_slice(array, axis, -1, None), width[1], ends[1], True)
    return _joined(before, array, after, axis)


def _median_block(block: Any, axis: int) -> Any:
    return np.median(block, axis=axis, keepdims=True)


def _statistic(array: Array, axis: int, width: Any, mode: str, kwargs: dict[str, Any]) -> Array:
    _require_elements(array, axis, mode)
    lengths = kwargs.get("stat_length") or (None, None)
    extent = array.shape[axis]

    def line(length: Any, at_end: bool) -> Array:
        if length is not None and length < 1:
            if mode in ("maximum", "minimum"):
                raise ValueError("stat_length of 0 yields no value for padding")
            length = 0
        length = extent if length is None else min(int(length), extent)
        part = _slice(array, axis, extent - length if at_end else 0, None if at_end else length)
        if mode == "median":
            part = part.rechunk({axis: -1})
            chunks = tuple((1,) if i == axis else b for i, b in enumerate(part.chunks))
            result = part.map_blocks(_median_block, axis, chunks=chunks, token="median")
        else:
            from oxidask.array import reductions

            names = {"maximum": "max", "minimum": "min", "mean": "mean"}
            result = getattr(reductions, names[mode])(part, axis=axis, keepdims=True)
        if mode in ("mean", "median") and array.dtype.kind in "iu":
            result = result.map_blocks(np.rint, dtype=result.dtype)
        return result.astype(array.dtype)

    before = _stretched(line(lengths[0], False), axis, width[0], array) if width[0] else None
    after = _stretched(line(lengths[1], True), axis, width[1], array) if width[1] else None
    return _joined(before, array, after, axis)


def _runs(positions: Any) -> list[slice]:
    """Return slices that give these positions in their order."""
    slices, start = [], 0
    steps = np.diff(positions)
    while start < len(positions):
        stop = start + 1
        step = 1
        if start < len(steps) and abs(steps[start]) == 1:
            step = int(steps[start])
            others = np.flatnonzero(steps[start:] != step)
            stop = start + 1 + (int(others[0]) if len(others) else len(steps) - start)
        first, last = int(positions[start]), int(positions[stop - 1])
        bound: int | None = last + step
        if bound is not None and bound < 0:
            bound = None
        slices.append(slice(first, bound, step))
        start = stop
    return slices


def _source_positions(extent: int, width: Any, mode: str) -> tuple[Any, Any]:
    """Return which elements of an axis come before it and after it."""
    before, after = width
    reach = extent - 1 if mode == "reflect" else extent
    if before <= reach and after <= reach:
        if mode == "wrap":
            return np.arange(extent - before, extent), np.arange(after)
        skip = 1 if mode == "reflect" else 0
        first = np.arange(before)[::-1] + skip
        last = extent - 1 - skip - np.arange(after)
        return first, last
    padded = np.pad(np.arange(extent), width, mode=mode)  # type: ignore[call-overload]
    return padded[:before], padded[before + extent :]


def _mirrored(array: Array, axis: int, width: Any, mode: str, kwargs: dict[str, Any]) -> Array:
    _require_elements(array, axis, mode)
    kind = kwargs.get("reflect_type", "even")
    extent = array.shape[axis]
    reach = extent - 1 if mode == "reflect" else extent
    if kind == "odd" and max(width) > reach:
        return _by_blocks(array, axis, width, mode, {"reflect_type": kind})

    def parts(positions: Any, edge: Array) -> Any:
        if not len(positions):
            return None
        pieces = [_slice(array, axis, run.start, run.stop, run.step) for run in _runs(positions)]
        joined = concatenate(pieces, axis=axis)
        return 2 * edge - joined if kind == "odd" else joined

    first, last = _source_positions(extent, width, mode)
    before = parts(first, _slice(array, axis, 0, 1))
    after = parts(last, _slice(array, axis, -1, None))
    return _joined(before, array, after, axis)


def _padded_block(block: Any, axis: int, width: Any, mode: Any, kwargs: dict[str, Any]) -> Any:
    widths = [width if i == axis else (0, 0) for i in range(block.ndim)]
    return np.pad(block, widths, mode=mode, **kwargs)


def _by_blocks(array: Array, axis: int, width: Any, mode: Any, kwargs: dict[str, Any]) -> Array:
    """Pad an axis block by block, once its blocks have all of it."""
    array = array.rechunk({axis: -1})
    chunks = tuple(
        (sum(blocks) + sum(width),) if i == axis else blocks
        for i, blocks in enumerate(array.chunks)
    )
    return array.map_blocks(  # type: ignore[no-any-return]
        _padded_block,
        axis,
        width,
        mode,
        kwargs,
        dtype=array.dtype,
        chunks=chunks,
        meta=array._meta,
        token="pad",
    )


def _lines_block(
    block: Any, axis: int, width: Any, function: Callable[..., Any], kwargs: dict[str, Any]
) -> Any:
    block = np.array(block)
    moved = np.moveaxis(block, axis, -1)
    for index in np.ndindex(*moved.shape[:-1]):
        line = np.ascontiguousarray(moved[index])
        given = function(line, width, axis, kwargs)
        moved[index] = line if given is None else given
    return block


def _by_function(
    array: Array, widths: list[tuple[int, int]], function: Callable[..., Any], kwargs: Any
) -> Array:
    result = pad(array, widths, "constant", constant_values=0)
    for axis, width in enumerate(widths):
        result = result.rechunk({axis: -1}).map_blocks(
            _lines_block,
            axis,
            width,
            function,
            kwargs,
            dtype=result.dtype,
            meta=result._meta,
            token="pad",
        )
    return result


_AXIS: dict[str, Callable[..., Array]] = {
    "constant": _constant,
    "empty": _constant,
    "edge": _edge,
    "linear_ramp": _linear_ramp,
    "maximum": _statistic,
    "mean": _statistic,
    "median": _statistic,
    "minimum": _statistic,
    "reflect": _mirrored,
    "symmetric": _mirrored,
    "wrap": _mirrored,
}
