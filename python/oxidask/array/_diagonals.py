"""Diagonals of arrays, block by block."""

from __future__ import annotations

import math

import numpy as np

from oxidask.array.blockwise import blockwise
from oxidask.array.core import Array
from oxidask.array.wrap import empty, zeros

__all__ = ["diagonal_matrix", "diagonals"]


def _starts(extents: tuple[int, ...]) -> list[int]:
    return np.cumsum([0, *extents]).tolist()  # type: ignore[no-any-return]


def diagonals(a: Array, offset: int, axis1: int, axis2: int) -> Array:
    """Return the diagonals of planes of `a`, with one block for each block that they cross."""
    from oxidask.array._joining import concatenate

    rows, columns = a.shape[axis1], a.shape[axis2]
    length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    if not length:
        kept = tuple(n for axis, n in enumerate(a.shape) if axis not in (axis1, axis2))
        chunks = tuple(c for axis, c in enumerate(a.chunks) if axis not in (axis1, axis2))
        return empty((*kept, 0), a.dtype, chunks=(*chunks, (0,)), meta=a._meta)
    row_at, column_at = _starts(a.chunks[axis1]), _starts(a.chunks[axis2])
    letters = tuple(range(a.ndim))
    out = (*(axis for axis in letters if axis not in (axis1, axis2)), a.ndim)
    parts = []
    for i, j, k, n in _crossed(a.chunks[axis1], a.chunks[axis2], offset):
        index = [slice(None)] * a.ndim
        index[axis1] = slice(row_at[i], row_at[i + 1])
        index[axis2] = slice(column_at[j], column_at[j + 1])
        part = blockwise(
            np.diagonal,
            out,
            a[tuple(index)],
            letters,
            token="diagonal",
            dtype=a.dtype,
            meta=a._meta,
            new_axes={a.ndim: n},
            concatenate=True,
            offset=k,
            axis1=axis1,
            axis2=axis2,
        )
        parts.append(part)
    return concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]  # type: ignore[no-any-return]


def _crossed(
    rows: tuple[int, ...], columns: tuple[int, ...], offset: int
) -> list[tuple[int, int, int, int]]:
    """Return block row, block column, offset within the block and length of each part."""
    row_at, column_at = _starts(rows), _starts(columns)
    parts = []
    i = j = 0
    while i < len(rows) and j < len(columns):
        k = row_at[i] + offset - column_at[j]
        n = min(rows[i] + min(k, 0), columns[j] - max(k, 0))
        if n > 0:
            parts.append((i, j, k, n))
        # The diagonal leaves a block through its lower or its right edge.
        if row_at[i + 1] + offset <= column_at[j + 1]:
            i += 1
        else:
            j += 1
    return parts


def diagonal_matrix(v: Array, k: int) -> Array:
    """Return the matrix that has `v` on its diagonal."""
    from oxidask.array._joining import concatenate
    from oxidask.array.creation import eye
    from oxidask.array.routines import where

    (n,), chunks = v.shape, v.chunks[0]
    if math.isnan(n):
        if len(chunks) > 1:
            raise ValueError(
                "The matrix of a diagonal of several blocks needs their extents: call "
                "compute_chunk_sizes() on it first"
            )
        unknown = ((math.nan,), (math.nan,))
        return v.map_blocks(np.diag, k=k, new_axis=0, chunks=unknown, dtype=v.dtype)  # type: ignore[no-any-return]
    mask = eye(n, chunks=(chunks, chunks), dtype=bool)
    matrix = where(mask, v[None, :], np.zeros((), dtype=v.dtype)[()])
    if not k:
        return matrix  # type: ignore[no-any-return]
    beside = zeros((n, abs(k)), v.dtype, chunks=(chunks, (abs(k),)))
    wide = concatenate([beside, matrix] if k > 0 else [matrix, beside], axis=1)
    above = zeros((abs(k), n + abs(k)), v.dtype, chunks=((abs(k),), wide.chunks[1]))
    return concatenate([wide, above] if k > 0 else [above, wide], axis=0)  # type: ignore[no-any-return]
