"""Chunks from what users say."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask import _native, config
from oxidask.utils import parse_bytes

__all__ = ["normalize_chunks"]


def normalize_chunks(
    chunks: Any,
    shape: Any = None,
    limit: Any = None,
    dtype: Any = None,
    previous_chunks: Any = None,
    none_keeps: bool = False,
) -> tuple[tuple[int, ...], ...]:
    """Return chunks as tuples of extents, one tuple for each axis.

    Parameters
    ----------
    chunks
        A size for all axes, or for each axis a size, sizes of all blocks, -1 or None for one block,
        ``"auto"``, or bytes as text.  A dict maps axes to such.
    shape
        The array's shape.
    limit
        Most bytes of a block, for ``"auto"``; by default the setting ``array.chunk-size``.
    dtype
        The dtype, for ``"auto"``.
    previous_chunks
        Chunks there already, whose boundaries are kept where possible.
    none_keeps
        Whether None stands for the previous chunks of an axis, rather than for one block.

    Examples
    --------
    >>> normalize_chunks(2, shape=(5, 6))
    ((2, 2, 1), (2, 2, 2))
    >>> normalize_chunks((3, (2, 4)), shape=(5, 6))
    ((3, 2), (2, 4))
    """
    if chunks is None:
        raise ValueError("chunks are None: give a size, sizes for each axis, or 'auto'")
    if isinstance(chunks, list):
        chunks = tuple(chunks)
    if isinstance(chunks, np.ndarray):
        chunks = chunks.tolist()
    if shape is None:
        if not isinstance(chunks, tuple):
            raise ValueError(f"chunks={chunks!r} need a shape to refer to")
        shape = tuple(sum(axis) if isinstance(axis, (tuple, list)) else axis for axis in chunks)
    if isinstance(chunks, dict):
        chunks = tuple(chunks.get(i, chunks.get(i - len(shape), -1)) for i in range(len(shape)))
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    if len(shape) == 0:
        return ()
    itemsize = None if dtype is None else (np.dtype(dtype).itemsize or 1)
    if dtype is not None and np.dtype(dtype).hasobject:
        itemsize = None
        if "auto" in (chunks if isinstance(chunks, tuple) else (chunks,)):
            raise NotImplementedError(
                "Can't choose chunks automatically for objects, whose bytes nobody knows: give "
                "sizes instead of 'auto'"
            )
    if previous_chunks is not None:
        previous_chunks = tuple(
            tuple(axis) if isinstance(axis, (tuple, list)) else (axis,) for axis in previous_chunks
        )
    return _native.array_normalize_chunks(
        chunks,
        list(shape),
        itemsize,
        parse_bytes(limit) if isinstance(limit, str) else limit,
        parse_bytes(config.get("array.chunk-size")),
        previous_chunks,
        float(config.get("array.chunk-size-tolerance", 1.25)),
        none_keeps,
    )
