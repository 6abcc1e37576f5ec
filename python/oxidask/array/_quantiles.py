"""Medians and quantiles: reductions that need whole axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask.array._reduce import handle_out, normalized_axes
from oxidask.array._reduce_blocks import whole_axes
from oxidask.array.core import Array, asanyarray

__all__ = ["median", "nanmedian", "nanquantile", "quantile"]


def _whole(a: Array, axes: Sequence[int]) -> Array:
    """Return the array with one block along `axes`."""
    from oxidask.array.rechunk import rechunk

    if all(a.numblocks[axis] == 1 for axis in axes):
        return a
    return rechunk(a, {axis: -1 if axis in axes else "auto" for axis in range(a.ndim)})


def _by_whole_axes(
    function: Callable[..., Any], a: Any, axis: Any, keepdims: bool, out: Any, **kwargs: Any
) -> Array:
    """Reduce with a function that needs whole axes."""
    a = asanyarray(a)
    axes = normalized_axes(axis, a.ndim)
    whole = _whole(a, axes)
    result = whole_axes(function, whole, axes, keepdims, kwargs)
    return handle_out(out, result)


def median(a: Any, axis: Any = None, keepdims: bool = False, out: Any = None) -> Array:
    """Return the median over axes, exactly; see :func:`numpy.median`.

    The reduced axes are brought to one block.  Differs from Dask: all axes may be reduced.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.median(da.ones((4, 4), chunks=2), axis=0).compute()
    array([1., 1., 1., 1.])
    """
    return _by_whole_axes(np.median, a, axis, keepdims, out)


def nanmedian(a: Any, axis: Any = None, keepdims: bool = False, out: Any = None) -> Array:
    """Return the median of what is no NaN; see :func:`median` and :func:`numpy.nanmedian`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanmedian(da.ones((4, 4), chunks=2), axis=0).compute()
    array([1., 1., 1., 1.])
    """
    return _by_whole_axes(np.nanmedian, a, axis, keepdims, out)


def _quantile(
    function: Any,
    a: Any,
    q: Any,
    axis: Any,
    keepdims: bool,
    out: Any,
    overwrite_input: bool,
    **kwargs: Any,
) -> Array:
    if overwrite_input:
        raise NotImplementedError("overwrite_input: blocks may be shared; leave it False")
    if kwargs["weights"] is None:
        del kwargs["weights"]
    interpolation = kwargs.pop("interpolation")
    if interpolation is not None:
        kwargs["method"] = interpolation
    q = np.asarray(q)
    if q.size and not ((q >= 0) & (q <= 1)).all():
        raise ValueError("Quantiles must be in the range [0, 1]")
    return _by_whole_axes(function, a, axis, keepdims, out, q=q, **kwargs)


def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
    interpolation: str | None = None,
) -> Array:
    """Return quantiles over axes, exactly; see :func:`numpy.quantile`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.quantile(da.ones((4, 4), chunks=2), [0.1, 0.9], axis=0).compute().shape
    (2, 4)
    """
    return _quantile(
        np.quantile,
        a,
        q,
        axis,
        keepdims,
        out,
        overwrite_input,
        method=method,
        weights=weights,
        interpolation=interpolation,
    )


def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
    interpolation: str | None = None,
) -> Array:
    """Return quantiles of what is no NaN; see :func:`quantile` and :func:`numpy.nanquantile`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanquantile(da.ones((4, 4), chunks=2), 0.5, axis=0).compute()
    array([1., 1., 1., 1.])
    """
    return _quantile(
        np.nanquantile,
        a,
        q,
        axis,
        keepdims,
        out,
        overwrite_input,
        method=method,
        weights=weights,
        interpolation=interpolation,
    )
