"""Reads of parts of a source: what slices of :func:`oxidask.array.from_array` become.

The plan says which elements of each axis a block is; a source is asked for the range of them, in
one piece and forwards, which every kind of source knows. Steps, turns and integers follow in
memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask.array._from_array import BlockSlices, getter, getter_inline, getter_nofancy

__all__ = ["BlockRegions", "is_source", "read_region", "reader"]


def is_source(function: Callable[..., Any], slices: Any) -> bool:
    """Whether a function of a source and the blocks' slices only reads."""
    return type(slices) is BlockSlices and function in (getter, getter_inline, getter_nofancy)


def reader(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what reads regions in place of one of the getters, whose arguments it takes."""
    return read_region


class BlockRegions:
    """The region of each block: the slices to read, and the index that follows in memory.

    Parameters
    ----------
    axes
        For each axis of the source an index, or an axis of the result and for each of its blocks
        the first element, the step to the next, and how many there are.

    Examples
    --------
    >>> BlockRegions([5, (0, [(2, 1, 3), (9, -2, 2)])])((1,))
    ((slice(5, 6, None), slice(7, 10, None)), (0, slice(None, None, -2)))
    """

    __slots__ = ("axes",)

    def __init__(self, axes: Sequence[Any]) -> None:
        self.axes = axes

    def __call__(self, index: tuple[int, ...]) -> tuple[Any, Any]:
        read: list[slice] = []
        then: list[Any] = []
        for axis in self.axes:
            if isinstance(axis, int):
                read.append(slice(axis, axis + 1))
                then.append(0)
                continue
            place, table = axis
            start, step, n = table[index[place]]
            last = start + step * max(n - 1, 0)
            low, high = min(start, last), max(start, last)
            read.append(slice(low, high + 1 if n else low))
            then.append(slice(None) if step == 1 else slice(None, None, step))
        return tuple(read), tuple(then)

    def __dask_tokenize__(self) -> Any:
        return "block-regions", self.axes


def read_region(a: Any, region: tuple[Any, Any], asarray: bool = True, lock: Any = None) -> Any:
    """Return a region of a source.

    Parameters
    ----------
    a
        What has the elements.
    region
        The slices to read, and the index of what was read.
    asarray, lock
        See :func:`oxidask.array.core.getter`.

    Examples
    --------
    >>> import numpy as np
    >>> read_region(np.arange(10), ((slice(2, 9),), (slice(None, None, -3),)))
    array([8, 5, 2])
    """
    read, then = region
    part = getter(a, read, asarray=asarray, lock=lock)
    if all(type(index) is slice and index == slice(None) for index in then):
        return part
    taken = part[then]
    # Few of many elements don't keep the others in memory.
    is_few = type(taken) is np.ndarray and taken.size * 2 <= part.size
    return taken.copy() if is_few else taken
