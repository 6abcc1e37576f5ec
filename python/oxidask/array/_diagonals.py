"""Diagonals of arrays, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask._task_spec import Task, TaskRef
from oxidask.array._meta import meta_from_array
from oxidask.array.core import Array
from oxidask.highlevelgraph import HighLevelGraph
from oxidask.tokenize import tokenize

__all__ = ["diagonal_matrix", "diagonals"]


def _starts(extents: tuple[int, ...]) -> list[int]:
    return np.cumsum([0, *extents]).tolist()  # type: ignore[no-any-return]


def diagonals(a: Array, offset: int, axis1: int, axis2: int) -> Array:
    """Return the diagonals of planes of `a`, with one block for each block that they cross."""
    rows, columns = a.shape[axis1], a.shape[axis2]
    length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    kept = [axis for axis in range(a.ndim) if axis not in (axis1, axis2)]
    crossed = _crossed(a.chunks[axis1], a.chunks[axis2], offset) if length else []
    name = f"diagonal-{tokenize(a.name, offset, axis1, axis2)}"
    chunks = (*(a.chunks[axis] for axis in kept), tuple(n for *_, n in crossed) or (0,))
    meta = meta_from_array(a._meta, ndim=a.ndim - 1)
    graph: dict[Any, Any] = {}
    for index in np.ndindex(*(len(a.chunks[axis]) for axis in kept)):
        shape = tuple(a.chunks[axis][i] for axis, i in zip(kept, index, strict=True))
        if not crossed:
            key = (name, *index, 0)
            graph[key] = Task(key, _empty, (*shape, 0), a.dtype)
        for at, (i, j, k, _) in enumerate(crossed):
            place = dict(zip(kept, index, strict=True)) | {axis1: i, axis2: j}
            block = (a.name, *(place[axis] for axis in range(a.ndim)))
            key = (name, *index, at)
            graph[key] = Task(key, np.diagonal, TaskRef(block), k, axis1, axis2)
    layers = HighLevelGraph.from_collections(name, graph, dependencies=[a])
    return Array(layers, name, chunks, meta=meta)  # type: ignore[no-any-return]


def _empty(shape: tuple[int, ...], dtype: Any) -> Any:
    return np.empty(shape, dtype=dtype)


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
    name = f"diag-{tokenize(v.name, k)}"
    # Rows and columns are cut like the vector, with a block before or after for the offset.
    rows = (*((-k,) if k < 0 else ()), *v.chunks[0], *((k,) if k > 0 else ()))
    columns = (*((k,) if k > 0 else ()), *v.chunks[0], *((-k,) if k < 0 else ()))
    first_row, first_column = int(k < 0), int(k > 0)
    graph: dict[Any, Any] = {}
    for i, n in enumerate(rows):
        for j, m in enumerate(columns):
            key = (name, i, j)
            at = i - first_row
            if at == j - first_column and 0 <= at < len(v.chunks[0]):
                graph[key] = Task(key, np.diag, TaskRef((v.name, at)))
            else:
                graph[key] = Task(key, np.zeros, (n, m), v.dtype)
    layers = HighLevelGraph.from_collections(name, graph, dependencies=[v])
    meta = meta_from_array(v._meta, ndim=2)
    return Array(layers, name, (rows, columns), meta=meta)  # type: ignore[no-any-return]
