"""Sorts, largest elements, distinct elements and membership."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array.core import Array, asanyarray, asarray, blockwise_layer, new_array
from oxidask.tokenize import tokenize

__all__ = ["argsort", "argtopk", "isin", "sort", "topk", "union1d", "unique"]


def _axis(x: Array, axis: int) -> int:
    if not -x.ndim <= axis < x.ndim:
        raise np.exceptions.AxisError(axis, x.ndim)
    return axis % x.ndim


def _sort_input(a: Any, axis: int | None, order: Any) -> tuple[Array, int]:
    if order is not None:
        raise NotImplementedError("sort by fields; sort each block with map_blocks instead")
    x = asanyarray(a)
    if axis is None:
        return x.ravel(), 0
    return x, _axis(x, axis)


def sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Array:
    """Return the array sorted along an axis, whatever its chunks.

    Parameters
    ----------
    a
        An array.
    axis
        The axis; None for the flattened array.
    kind, stable
        Taken for compatibility with NumPy.
    order
        Not supported.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.sort(da.from_array(np.array([3, 1, 2]), chunks=2)).compute()
    array([1, 2, 3])
    """
    x, axis = _sort_input(a, axis, order)
    if x._expr.typestr is None:
        x = x.rechunk({axis: -1})
    return new_array(_native.array_sort(x._expr, axis, False), x._meta)


def argsort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Array:
    """Return the order that sorts the array along an axis; equal elements keep theirs.

    Parameters
    ----------
    a, axis, kind, order, stable
        As of :func:`sort`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.argsort(da.from_array(np.array([3, 1, 2]), chunks=2)).compute()
    array([1, 2, 0])
    """
    x, axis = _sort_input(a, axis, order)
    if x._expr.typestr is None:
        x = x.rechunk({axis: -1})
    return new_array(
        _native.array_sort(x._expr, axis, True), np.empty((0,) * x.ndim, dtype=np.int64)
    )


def topk(a: Any, k: int, axis: int = -1, split_every: Any = None) -> Array:
    """Return the `k` largest elements along an axis, falling; or the `-k` smallest, rising.

    Parameters
    ----------
    a
        An array.
    k
        How many; negative for the smallest.
    axis
        The axis.
    split_every
        Taken for compatibility.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.topk(da.from_array(np.array([5, 1, 3, 6]), chunks=2), 2).compute()
    array([6, 5])
    """
    x = asanyarray(a)
    axis = _axis(x, axis)
    return new_array(_native.array_topk(x._expr, k, axis, False), x._meta)


def argtopk(a: Any, k: int, axis: int = -1, split_every: Any = None) -> Array:
    """Return where the elements of :func:`topk` are.

    Parameters
    ----------
    a, k, axis, split_every
        As of :func:`topk`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.argtopk(da.from_array(np.array([5, 1, 3, 6]), chunks=2), 2).compute()
    array([3, 0])
    """
    x = asanyarray(a)
    axis = _axis(x, axis)
    if x._expr.typestr is None:
        order = argsort(x, axis)
        taken = slice(None, -k) if k < 0 else slice(None, -k - 1, -1)
        return order[(slice(None),) * axis + (taken,)]
    return new_array(
        _native.array_topk(x._expr, k, axis, True), np.empty((0,) * x.ndim, dtype=np.int64)
    )


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
) -> Any:
    """Return the distinct elements, rising.

    Parameters
    ----------
    ar
        An array; it is flattened.
    return_index
        Whether to return where each is first.
    return_inverse
        Whether to return for each element its place among the distinct ones.
    return_counts
        Whether to return how many there are of each.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.from_array(np.array([2, 1, 2]), chunks=2)
    >>> [part.compute() for part in da.unique(x, return_counts=True)]
    [array([1, 2]), array([1, 2])]
    """
    original = asanyarray(ar)
    x = original if original.ndim == 1 else original.ravel()
    values, index, inverse, counts = _native.array_unique(x._expr)
    places = np.empty((0,), dtype=np.int64)
    result = [new_array(values, x._meta)]
    if return_index:
        result.append(new_array(index, places))
    if return_inverse:
        back = new_array(inverse, places)
        result.append(back if original.ndim == 1 else back.reshape(original.shape))
    if return_counts:
        result.append(new_array(counts, places))
    return result[0] if len(result) == 1 else tuple(result)


def union1d(ar1: Any, ar2: Any) -> Array:
    """Return the distinct elements of two arrays, rising.

    Parameters
    ----------
    ar1, ar2
        Arrays; they are flattened.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.union1d(np.array([2, 1]), np.array([3, 1])).compute()
    array([1, 2, 3])
    """
    from oxidask.array import concatenate

    return unique(concatenate((asarray(ar1).ravel(), asarray(ar2).ravel())))  # type: ignore[no-any-return]


def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Array:
    """Return whether each element is among others.

    Parameters
    ----------
    element
        An array.
    test_elements
        The others: an array, lazy or not.
    assume_unique, kind
        Taken for compatibility with NumPy.
    invert
        Whether to return the opposite.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.isin(np.array([1, 2, 3]), [2, 3]).compute()
    array([False,  True,  True])
    """
    x = asarray(element)
    if not isinstance(test_elements, Array):
        among = np.unique(np.asarray(test_elements))
        common = np.result_type(x.dtype, among.dtype)
        exact = x.dtype == common or x.dtype.kind in "biu"
        try:
            if exact and common.kind in "biufcmM" and x._expr.typestr is not None:
                return new_array(
                    _native.array_isin(x.astype(common)._expr, among.astype(common), invert)
                )
        except _native.NoKernel:
            pass
    others = asarray(test_elements)
    name = f"isin-{tokenize(x, others, invert)}"
    axes = list(range(x.ndim))
    return blockwise_layer(
        name,
        np.isin,
        [
            ("blocks", x, axes, [False] * x.ndim),
            ("blocks", others, [-1] * others.ndim, [True] * others.ndim),
        ],
        x.chunks,
        np.empty((0,) * x.ndim, dtype=bool),
        kwargs={"invert": invert},
        concatenate=True,
    )
