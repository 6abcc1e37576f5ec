"""The same elements in other chunks."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from oxidask import _native, config
from oxidask.array.chunks import normalize_chunks
from oxidask.utils import parse_bytes

if TYPE_CHECKING:
    from oxidask.array.core import Array

__all__ = ["normalize_chunks", "rechunk"]


def _by_axis(chunks: dict[Any, Any], ndim: int) -> tuple[Any, ...]:
    """Return what a dict says, axis by axis; None where it says nothing."""
    axes: list[Any] = [None] * ndim
    for axis, spec in chunks.items():
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
            raise TypeError(f"Axes of a rechunk are integers, got {axis!r}")
        if not -ndim <= axis < ndim:
            raise ValueError(f"axis {axis} is out of bounds for an array of {ndim} dimensions")
        axes[axis] = spec
    return tuple(axes)


def rechunk(
    x: Array,
    chunks: Any = "auto",
    threshold: float | None = None,
    block_size_limit: int | str | None = None,
    balance: bool = False,
    method: str | None = None,
) -> Array:
    """Return the same elements in other chunks.

    Parameters
    ----------
    x
        The array.
    chunks
        A size for all axes, or for each axis a size, the sizes of all blocks, -1 for one block,
        None to leave it as it is, or ``"auto"``.  A dict maps axes to such; others stay.
    threshold
        Edges of the graph for each block that are worth no intermediate chunks; by default the
        setting ``array.rechunk.threshold``.
    block_size_limit
        Most bytes of a block, for ``"auto"`` and for intermediate chunks; by default the setting
        ``array.chunk-size``.
    balance
        Whether to make the blocks of about equal size.
    method
        ``"tasks"``; other methods are the same.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.asarray([[1, 2, 3], [4, 5, 6]])
    >>> da.rechunk(x, {1: 2}).chunks
    ((2,), (2, 1))
    """
    if isinstance(chunks, dict):
        if not chunks:
            return x
        chunks = _by_axis(chunks, x.ndim)
    elif isinstance(chunks, (tuple, list)):
        if x.ndim > 0 and (
            len(chunks) == 0 or (len(chunks) != x.ndim and not (x.ndim == 1 and len(chunks) > 1))
        ):
            raise ValueError(
                f"Provided chunks are not consistent with shape: {chunks!r} for {x.shape}"
            )
        chunks = tuple(chunks)
        sizes = all(isinstance(n, (int, np.integer)) for n in chunks)
        if x.ndim == 1 and len(chunks) > 1 and sizes and sum(chunks) != x.shape[0]:
            # Dask reads sizes for axes here, and only as many as there are axes.
            chunks = chunks[:1]
    elif chunks is None:
        chunks = (None,) * x.ndim
    limit = config.get("array.chunk-size") if block_size_limit is None else block_size_limit
    limit_bytes = max(parse_bytes(limit) if isinstance(limit, str) else int(limit), 1)
    new = normalize_chunks(
        chunks,
        x.shape,
        limit=None if block_size_limit is None else limit_bytes,
        dtype=x.dtype,
        previous_chunks=x.chunks,
        none_keeps=True,
    )
    if balance:
        new, failed = _native.array_balance_chunks(new)
        if failed:
            warnings.warn(
                "chunk size balancing not possible with given chunks. Try increasing the chunk "
                f"size (axes {failed}).",
                stacklevel=2,
            )
    if threshold is None:
        threshold = config.get("array.rechunk.threshold")
    expr = _native.array_rechunk(x._expr, new, limit_bytes, float(threshold))
    return x._like(expr)
