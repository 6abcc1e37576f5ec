"""Broadcasting, lazily."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._elemwise import broadcast_shapes
from oxidask.array._meta import meta_from_array
from oxidask.array.chunks import normalize_chunks
from oxidask.array.core import Array, asanyarray, asarray, blockwise_layer, new_array
from oxidask.tokenize import tokenize

__all__ = ["broadcast_arrays", "broadcast_to"]


def broadcast_to(x: Any, shape: Any, chunks: Any = None, meta: Any = None) -> Array:
    """Return an array that repeats `x` along axes of extent 1 and new first axes.

    Parameters
    ----------
    x
        An array.
    shape
        The shape of the result.
    chunks
        Blocks of the result; along axes of `x` that don't repeat they must be those of `x`. By
        default new extents are one block.
    meta
        An empty array of the blocks' type.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.broadcast_to(da.ones(3, chunks=2), (4, 3)).chunks
    ((4,), (2, 1))
    """
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    shape = tuple(shape)
    x = asanyarray(x)
    if meta is None:
        meta = meta_from_array(x)
    if x.shape == shape and (
        chunks is None or normalize_chunks(chunks, shape, dtype=x.dtype) == x.chunks
    ):
        return x
    new = len(shape) - x.ndim
    fits = new >= 0 and all(
        have in (1, want) or (math.isnan(have) and math.isnan(want))
        for want, have in zip(shape[max(new, 0) :], x.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"cannot broadcast shape {x.shape} to shape {shape}")
    if chunks is None:
        chunks = tuple((extent,) for extent in shape[:new]) + tuple(
            extents if have == want or math.isnan(want) else (want,)
            for extents, want, have in zip(x.chunks, shape[new:], x.shape, strict=True)
        )
    else:
        chunks = normalize_chunks(chunks, shape, dtype=x.dtype)
        for extents, wanted in zip(x.chunks, chunks[new:], strict=True):
            if extents not in ((1,), wanted):
                raise ValueError(
                    f"cannot broadcast chunks {x.chunks} to chunks {chunks}: new chunks must "
                    f"either be along a new dimension or a dimension of size 1"
                )
    if type(x._meta) is np.ndarray:
        try:
            return new_array(_native.array_view(x._expr, "broadcast_to", chunks=chunks))
        except _native.NoKernel:
            pass
    from oxidask.array._creation_blocks import BlockShape

    axes = list(range(new, len(shape)))
    name = f"broadcast_to-{tokenize(x.name, shape, chunks)}"
    described = [("blocks", x, axes, [False] * x.ndim), ("per_block", BlockShape(chunks))]
    keywords = {"subok": True} if isinstance(meta, np.ndarray) else None
    return blockwise_layer(
        name, np.broadcast_to, described, chunks, meta_from_array(meta, ndim=len(shape)), keywords
    )


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Array, ...]:
    """Return arrays broadcast to each other.

    Parameters
    ----------
    *args
        Arrays.
    subok
        Whether arrays of other types keep them.

    Examples
    --------
    >>> import oxidask.array as da
    >>> [x.shape for x in da.broadcast_arrays(da.ones((2, 1)), da.ones(3))]
    [(2, 3), (2, 3)]
    """
    from oxidask.array.blockwise import unify_chunks

    arrays = [(asanyarray if subok else asarray)(arg) for arg in args]
    if not arrays:
        return ()
    shape = broadcast_shapes(*(array.shape for array in arrays))
    pairs: list[Any] = []
    for array in arrays:
        pairs += [array, list(range(array.ndim))[::-1]]
    blocks, cut = unify_chunks(*pairs)
    chunks = tuple(blocks[letter] for letter in range(len(shape))[::-1])
    return tuple(broadcast_to(array, shape, chunks) for array in cut)
