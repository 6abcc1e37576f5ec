"""Finding out the extents of blocks by computing them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oxidask._task_spec import Task, TaskRef

__all__ = ["known_chunks"]


def _shape(block: Any) -> tuple[int, ...]:
    return tuple(block.shape) if hasattr(block, "shape") and len(block.shape) else np.shape(block)


def known_chunks(x: Any) -> tuple[tuple[int, ...], ...]:
    """Return the chunks of an array, with nan replaced by what computing the blocks shows.

    Parameters
    ----------
    x
        An array.
    """
    from oxidask.base import compute_as_if_collection

    # One block along the other axes is enough to tell the extents along an axis.
    wanted = {
        tuple(i if at == axis else 0 for at in range(x.ndim))
        for axis, extents in enumerate(x.chunks)
        for i, extent in enumerate(extents)
        if math.isnan(extent)
    }
    if not wanted:
        return x.chunks  # type: ignore[no-any-return]
    graph = dict(x.__dask_graph__())
    keys = []
    for index in sorted(wanted):
        key = (f"shape-{x.name}", *index)
        graph[key] = Task(key, _shape, TaskRef((x.name, *index)))
        keys.append(key)
    shapes = compute_as_if_collection(type(x), graph, keys)
    found = dict(zip(sorted(wanted), shapes, strict=True))
    return tuple(
        tuple(
            int(found[tuple(i if at == axis else 0 for at in range(x.ndim))][axis])
            if math.isnan(extent)
            else extent
            for i, extent in enumerate(extents)
        )
        for axis, extents in enumerate(x.chunks)
    )
