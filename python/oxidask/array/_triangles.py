"""Triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask.array.core import Array, asanyarray
from oxidask.array.creation import tri

__all__ = [
    "tril",
    "tril_indices",
    "tril_indices_from",
    "triu",
    "triu_indices",
    "triu_indices_from",
]


def _mask(m: Array, k: int) -> Array:
    """Return where the elements of the last two axes lie on or below a diagonal."""
    rows, columns = m.shape[-2:]
    return tri(rows, columns, k=k, dtype=bool, chunks=m.chunks[-2:])


def _masked(m: Any, k: int, *, keep_lower: bool) -> Array:
    from oxidask.array.routines import where

    m = asanyarray(m)
    if m.ndim < 2:
        raise ValueError("input must be 2 dimensional")
    mask = _mask(m, k)
    zero = np.zeros((), dtype=m.dtype)[()]
    return where(mask, m, zero) if keep_lower else where(mask, zero, m)  # type: ignore[no-any-return]


def tril(m: Any, k: int = 0) -> Array:
    """Return the array with zeros above a diagonal of its last two axes.

    Parameters
    ----------
    m
        An array of at least two axes.
    k
        How far the diagonal lies above the main one.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.tril(da.ones((2, 2), chunks=1)).compute()
    array([[1., 0.],
           [1., 1.]])
    """
    return _masked(m, k, keep_lower=True)


def triu(m: Any, k: int = 0) -> Array:
    """Return the array with zeros below a diagonal of its last two axes; see :func:`tril`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.triu(da.ones((2, 2), chunks=1)).compute()
    array([[1., 1.],
           [0., 1.]])
    """
    return _masked(m, k - 1, keep_lower=False)


def tril_indices(n: int, k: int = 0, m: int | None = None, chunks: Any = "auto") -> Any:
    """Return the places on and below a diagonal of a matrix of `n` rows and `m` columns.

    Examples
    --------
    >>> import oxidask.array as da
    >>> [x.compute().tolist() for x in da.tril_indices(2)]
    [[0, 1, 1], [0, 0, 1]]
    """
    from oxidask.array.routines import nonzero

    return nonzero(tri(n, m, k=k, dtype=bool, chunks=chunks))


def triu_indices(n: int, k: int = 0, m: int | None = None, chunks: Any = "auto") -> Any:
    """Return the places on and above a diagonal; see :func:`tril_indices`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> [x.compute().tolist() for x in da.triu_indices(2)]
    [[0, 0, 1], [0, 1, 1]]
    """
    from oxidask.array.routines import nonzero

    return nonzero(~tri(n, m, k=k - 1, dtype=bool, chunks=chunks))


def tril_indices_from(arr: Any, k: int = 0) -> Any:
    """Return :func:`tril_indices` of a matrix.

    Examples
    --------
    >>> import oxidask.array as da
    >>> len(da.tril_indices_from(da.ones((2, 2))))
    2
    """
    if arr.ndim != 2:
        raise ValueError("input array must be 2-d")
    return tril_indices(arr.shape[-2], k=k, m=arr.shape[-1], chunks=arr.chunks)


def triu_indices_from(arr: Any, k: int = 0) -> Any:
    """Return :func:`triu_indices` of a matrix.

    Examples
    --------
    >>> import oxidask.array as da
    >>> len(da.triu_indices_from(da.ones((2, 2))))
    2
    """
    if arr.ndim != 2:
        raise ValueError("input array must be 2-d")
    return triu_indices(arr.shape[-2], k=k, m=arr.shape[-1], chunks=arr.chunks)
