"""The same elements under another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oxidask import _native
from oxidask.utils import parse_bytes

if TYPE_CHECKING:
    from oxidask.array.core import Array

__all__ = ["ravel", "reshape", "reshape_blockwise"]


def reshape(
    x: Array, shape: Any, merge_chunks: bool = True, limit: int | str | None = None
) -> Array:
    """Return the elements in row-major order under another shape.

    Blocks that are runs of elements in row-major order stay as they are; others are cut anew first,
    to blocks of at most the same size.

    Parameters
    ----------
    x
        The array.
    shape
        The new shape; one extent may be -1.
    merge_chunks
        Whether to join blocks along the last axes where axes are merged; if not, the first of
        these axes are cut to single elements instead.
    limit
        Most bytes of a block that is cut anew.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.asarray(np.arange(6))
    >>> da.reshape(x, (2, -1)).compute()
    array([[0, 1, 2],
           [3, 4, 5]])
    """
    wanted = (shape,) if isinstance(shape, (int, np.integer)) else shape
    wanted = [-1 if isinstance(n, float) and math.isnan(n) else int(n) for n in wanted]
    most = None
    if limit is not None:
        limit_bytes = parse_bytes(limit) if isinstance(limit, str) else int(limit)
        most = max(limit_bytes // max(x.dtype.itemsize, 1), 1)
    return x._like(_native.array_reshape(x._expr, wanted, merge_chunks, most))


def ravel(x: Any) -> Array:
    """Return the elements along one axis.

    Parameters
    ----------
    x
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.ravel(da.asarray([[1, 2], [3, 4]])).compute()
    array([1, 2, 3, 4])
    """
    from oxidask.array.core import asanyarray

    x = asanyarray(x)
    return reshape(x, (-1,)) if x.ndim != 1 else x


def reshape_blockwise(
    x: Array, shape: int | Sequence[int], chunks: tuple[tuple[int, ...], ...] | None = None
) -> Array:
    """Reshape every block on its own: nothing is moved between blocks, so the order changes.

    Parameters
    ----------
    x
        The array.
    shape
        The new shape.
    chunks
        Where the array gets more axes, the chunks of the result.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.asarray(np.arange(8).reshape(2, 4)).rechunk((2, 2))
    >>> da.reshape_blockwise(x, (8,)).compute()
    array([0, 1, 4, 5, 2, 3, 6, 7])
    """
    if isinstance(shape, (int, np.integer)):
        shape = (int(shape),)
    if any(math.isnan(n) for n in x.shape):
        raise ValueError(
            f"Array chunk size or shape is unknown. shape: {x.shape}\n\nPossible solution with "
            "x.compute_chunk_sizes()"
        )
    return x._like(_native.array_reshape_blockwise(x._expr, [int(n) for n in shape], chunks))
