"""How far blocks overlap along each axis, and what lies beyond the ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask import _native

__all__ = [
    "check_symmetric",
    "coerce_boundary",
    "coerce_depth",
    "coerce_depth_type",
    "ensure_minimum_chunksize",
    "is_none",
    "pair",
]


def coerce_depth(ndim: int, depth: Any) -> dict[int, Any]:
    """Return the depth along every axis: an integer, or a pair.

    Parameters
    ----------
    ndim
        Number of axes.
    depth
        A depth for all axes, depths for each, or a dict of axes to depths.

    Examples
    --------
    >>> coerce_depth(2, {1: (2, 0)})
    {0: 0, 1: (2, 0)}
    """
    if depth is None:
        depth = 0
    if isinstance(depth, dict):
        given = {int(axis) % ndim if ndim else int(axis): n for axis, n in depth.items()}
        depths = {axis: given.get(axis, 0) for axis in range(ndim)}
    elif np.ndim(depth) == 0:
        depths = dict.fromkeys(range(ndim), depth)
    else:
        if len(depth) != ndim:
            raise ValueError(f"depth {depth!r} has {len(depth)} entries for {ndim} axes")
        depths = dict(enumerate(depth))
    result: dict[int, Any] = {}
    for axis, n in depths.items():
        pair = (n, n) if np.ndim(n) == 0 else tuple(n)
        if len(pair) != 2 or any(int(d) != d or d < 0 for d in pair):
            raise ValueError(
                f"depth {n!r} of axis {axis}: give a number that is not negative, or two of them"
            )
        result[axis] = int(n) if np.ndim(n) == 0 else (int(pair[0]), int(pair[1]))
    return result


def coerce_depth_type(ndim: int, depth: dict[int, Any]) -> dict[int, Any]:
    """Return depths that are whole numbers as integers.

    Parameters
    ----------
    ndim
        Number of axes.
    depth
        A depth, or a pair of them, for each axis.

    Examples
    --------
    >>> coerce_depth_type(2, {0: 1.0, 1: (2.0, 0)})
    {0: 1, 1: (2, 0)}
    """
    return coerce_depth(ndim, {axis: depth[axis] for axis in range(ndim)})


def coerce_boundary(ndim: int, boundary: Any) -> dict[int, Any]:
    """Return the boundary along every axis, ``"none"`` where nothing is said.

    Parameters
    ----------
    ndim
        Number of axes.
    boundary
        One for all axes, one for each, or a dict of axes to boundaries.

    Examples
    --------
    >>> coerce_boundary(2, {0: "reflect"})
    {0: 'reflect', 1: 'none'}
    """
    if boundary is None:
        boundary = "none"
    if isinstance(boundary, dict):
        kinds = {axis: boundary.get(axis, boundary.get(axis - ndim)) for axis in range(ndim)}
    elif isinstance(boundary, (tuple, list)):
        if len(boundary) != ndim:
            raise ValueError(f"boundary {boundary!r} has {len(boundary)} entries for {ndim} axes")
        kinds = dict(enumerate(boundary))
    else:
        kinds = dict.fromkeys(range(ndim), boundary)
    result = {axis: "none" if kind is None else kind for axis, kind in kinds.items()}
    for kind in result.values():
        if isinstance(kind, str) and kind not in ("none", "reflect", "periodic", "nearest"):
            raise ValueError(
                f"boundary {kind!r}: give 'reflect', 'periodic', 'nearest', 'none' or a value"
            )
    return result


def pair(depth: Any) -> tuple[int, int]:
    """Return a depth before and after."""
    return depth if isinstance(depth, tuple) else (depth, depth)


def is_none(kind: Any) -> bool:
    """Whether a boundary is none."""
    return kind is None or (isinstance(kind, str) and kind == "none")


def check_symmetric(depth: dict[int, Any], boundary: dict[int, Any]) -> None:
    """Fail where depths before and after differ and there is a boundary."""
    for axis, n in depth.items():
        before, after = pair(n)
        if before != after and not is_none(boundary[axis]):
            raise NotImplementedError(
                f"depth {n} of axis {axis} differs at both ends, which only the boundary 'none' "
                f"allows, not {boundary[axis]!r}; pad the array first"
            )


def ensure_minimum_chunksize(size: int, chunks: Any) -> tuple[int, ...]:
    """Return blocks of an axis none of which is smaller than a size.

    Parameters
    ----------
    size
        The least extent.
    chunks
        Extents of the blocks.

    Examples
    --------
    >>> ensure_minimum_chunksize(10, (20, 20, 1))
    (20, 11, 10)
    """
    return _native.array_minimum_chunks(int(size), list(chunks))  # type: ignore[no-any-return]
