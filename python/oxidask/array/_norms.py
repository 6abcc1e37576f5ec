"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask.array._decompositions import thin_svd
from oxidask.array.core import asanyarray

__all__ = [
    "norm",
]


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors or matrices.

    Parameters
    ----------
    x
        An array.
    ord
        Which norm, as NumPy's.
    axis
        The axis of vectors, or the two axes of matrices; all by default.
    keepdims
        Whether the axes stay with extent 1.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.linalg.norm(da.ones(4, chunks=2)).compute()
    np.float64(2.0)
    """
    x = asanyarray(x)
    if axis is None:
        axes = tuple(range(x.ndim))
    else:
        given = tuple(axis) if np.iterable(axis) else (axis,)
        for one in given:
            if not -x.ndim <= one < x.ndim:
                raise np.exceptions.AxisError(one, x.ndim)
        axes = tuple(one % x.ndim for one in given)
    if (axis is not None and len(axes) > 2) or len(set(axes)) < len(axes):
        raise ValueError(f"Improper number of dimensions to norm: axis={axis}")
    if ord == "fro":
        ord = None
        if len(axes) == 1:
            raise ValueError("Invalid norm order for vectors.")
    if x.dtype.kind not in "fc":
        x = x.astype(float)
    size = abs(x)
    if ord is None:
        return (size**2).sum(axis=axes, keepdims=keepdims) ** 0.5
    if len(axes) > 2 or (axis is None and x.ndim > 2):
        raise ValueError("Improper number of dimensions to norm.")
    if len(axes) == 1:
        return _vector_norm(size, ord, axes[0], keepdims)
    return _matrix_norm(x, size, ord, axes, keepdims)


def _vector_norm(size: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord == np.inf:
        return size.max(axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return size.min(axis=axis, keepdims=keepdims)
    if ord == 0:
        return (size != 0).astype(size.dtype).sum(axis=axis, keepdims=keepdims)
    if ord == 1:
        return size.sum(axis=axis, keepdims=keepdims)
    return (size**ord).sum(axis=axis, keepdims=keepdims) ** (1.0 / ord)


def _matrix_norm(x: Any, size: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    rows, columns = axes
    if ord in (1, -1):
        sums = size.sum(axis=rows, keepdims=True)
        best = sums.max if ord == 1 else sums.min
        return _reduced(best(axis=columns, keepdims=True), axes, keepdims)
    if ord in (np.inf, -np.inf):
        sums = size.sum(axis=columns, keepdims=True)
        best = sums.max if ord == np.inf else sums.min
        return _reduced(best(axis=rows, keepdims=True), axes, keepdims)
    if ord in (2, -2, "nuc"):
        if x.ndim > 2:
            raise NotImplementedError(
                f"SVD based norm not implemented for ndim > 2, got {x.ndim}: loop over the matrices"
            )
        values = thin_svd(x)[1]
        result = {2: values.max, -2: values.min, "nuc": values.sum}[ord](keepdims=True)
        return result[:, None] if keepdims else result[0]
    raise ValueError(f"Invalid norm order {ord!r} for matrices.")


def _reduced(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if keepdims:
        return x
    return x[tuple(0 if axis in axes else slice(None) for axis in range(x.ndim))]
