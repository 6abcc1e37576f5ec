"""Reductions: many elements to one, block by block and merged in a tree.

Blocks of native dtypes are reduced by kernels; everything else (objects, masked arrays, arrays of
other libraries) by the functions of NumPy's interface, through :func:`reduction`.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from oxidask.array._places import arg_reduction, argmax, argmin, nanargmax, nanargmin
from oxidask.array._quantiles import median, nanmedian, nanpercentile, nanquantile, quantile
from oxidask.array._reduce import NO_VALUE, handle_out, reduce
from oxidask.array._reduce_blocks import nannumel, numel
from oxidask.array._tree import reduction
from oxidask.array.core import Array, asanyarray, elemwise
from oxidask.array.cumulative import cumprod, cumreduction, cumsum, nancumprod, nancumsum
from oxidask.array.numpy_compat import divide
from oxidask.array.sorting import argtopk, topk

__all__ = [
    "all",
    "any",
    "arg_reduction",
    "argmax",
    "argmin",
    "argtopk",
    "cumprod",
    "cumreduction",
    "cumsum",
    "divide",
    "max",
    "mean",
    "median",
    "min",
    "moment",
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nannumel",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
    "numel",
    "prod",
    "quantile",
    "reduction",
    "std",
    "sum",
    "topk",
    "trace",
    "var",
]


def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
    *,
    where: Any = NO_VALUE,
    initial: Any = NO_VALUE,
) -> Array:
    """Return the sum of elements over axes; see :func:`numpy.sum`.

    Parameters
    ----------
    a
        The array.
    axis
        The axis or axes; all by default.
    dtype
        The dtype to sum in and of the result.
    keepdims
        Whether reduced axes stay, with extent 1.
    split_every
        How many blocks are merged at once: a number, or a dict by axis.
    out
        An array that becomes the result.
    where
        Which elements count.
    initial
        Where the sum starts.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.sum(da.ones((4, 4), chunks=2), axis=0).compute()
    array([4., 4., 4., 4.])
    """
    return reduce(
        "sum", a, axis, keepdims, split_every, out, dtype=dtype, where=where, initial=initial
    )


def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
    *,
    where: Any = NO_VALUE,
    initial: Any = NO_VALUE,
) -> Array:
    """Return the product of elements over axes; see :func:`numpy.prod` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.prod(da.ones(4, chunks=2) * 2).compute()
    np.float64(16.0)
    """
    return reduce(
        "prod", a, axis, keepdims, split_every, out, dtype=dtype, where=where, initial=initial
    )


def min(
    a: Any,
    axis: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
    *,
    where: Any = NO_VALUE,
    initial: Any = NO_VALUE,
) -> Array:
    """Return the least element over axes; see :func:`numpy.min` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.min(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return reduce("min", a, axis, keepdims, split_every, out, where=where, initial=initial)


def max(
    a: Any,
    axis: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
    *,
    where: Any = NO_VALUE,
    initial: Any = NO_VALUE,
) -> Array:
    """Return the greatest element over axes; see :func:`numpy.max` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.max(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return reduce("max", a, axis, keepdims, split_every, out, where=where, initial=initial)


def any(
    a: Any,
    axis: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
    *,
    where: Any = NO_VALUE,
) -> Array:
    """Tell whether an element is true over axes; see :func:`numpy.any` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.any(da.ones(4, chunks=2)).compute()
    np.True_
    """
    return reduce("any", a, axis, keepdims, split_every, out, where=where)


def all(
    a: Any,
    axis: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
    *,
    where: Any = NO_VALUE,
) -> Array:
    """Tell whether all elements are true over axes; see :func:`numpy.all` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.all(da.ones(4, chunks=2)).compute()
    np.True_
    """
    return reduce("all", a, axis, keepdims, split_every, out, where=where)


def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
    *,
    where: Any = NO_VALUE,
) -> Array:
    """Return the mean over axes; see :func:`numpy.mean` and :func:`sum`.

    Half floats are summed in double precision, so that they don't overflow; timedeltas have a mean.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.mean(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return reduce("mean", a, axis, keepdims, split_every, out, dtype=dtype, where=where)


def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    ddof: float = 0,
    split_every: Any = None,
    out: Any = None,
    *,
    where: Any = NO_VALUE,
) -> Array:
    """Return the variance over axes; see :func:`numpy.var` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.var(da.ones(4, chunks=2)).compute()
    np.float64(0.0)
    """
    return reduce("var", a, axis, keepdims, split_every, out, dtype=dtype, ddof=ddof, where=where)


def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    ddof: float = 0,
    split_every: Any = None,
    out: Any = None,
    *,
    where: Any = NO_VALUE,
) -> Array:
    """Return the standard deviation over axes; see :func:`numpy.std` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.std(da.ones(4, chunks=2)).compute()
    np.float64(0.0)
    """
    return reduce("std", a, axis, keepdims, split_every, out, dtype=dtype, ddof=ddof, where=where)


def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
) -> Array:
    """Return the sum with NaN as nothing; see :func:`numpy.nansum` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nansum(da.ones(4, chunks=2)).compute()
    np.float64(4.0)
    """
    return reduce("nansum", a, axis, keepdims, split_every, out, dtype=dtype)


def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
) -> Array:
    """Return the product with NaN as one; see :func:`numpy.nanprod` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanprod(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return reduce("nanprod", a, axis, keepdims, split_every, out, dtype=dtype)


def _known(a: Any) -> Any:
    a = asanyarray(a)
    if builtins.any(np.isnan(n) for n in a.shape):
        raise ValueError(
            f"Arrays chunk sizes are unknown: {a.shape}; compute them first with "
            "x.compute_chunk_sizes()"
        )
    return a


def nanmin(
    a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None
) -> Array:
    """Return the least element that is no NaN; see :func:`numpy.nanmin` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanmin(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return reduce("nanmin", _known(a), axis, keepdims, split_every, out)


def nanmax(
    a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None
) -> Array:
    """Return the greatest element that is no NaN; see :func:`numpy.nanmax` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanmax(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return reduce("nanmax", _known(a), axis, keepdims, split_every, out)


def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
) -> Array:
    """Return the mean of what is no NaN; see :func:`numpy.nanmean` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanmean(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return reduce("nanmean", a, axis, keepdims, split_every, out, dtype=dtype)


def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    ddof: float = 0,
    split_every: Any = None,
    out: Any = None,
) -> Array:
    """Return the variance of what is no NaN; see :func:`numpy.nanvar` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanvar(da.ones(4, chunks=2)).compute()
    np.float64(0.0)
    """
    return reduce("nanvar", a, axis, keepdims, split_every, out, dtype=dtype, ddof=ddof)


def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    ddof: float = 0,
    split_every: Any = None,
    out: Any = None,
) -> Array:
    """Return the standard deviation of what is no NaN; see :func:`numpy.nanstd` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanstd(da.ones(4, chunks=2)).compute()
    np.float64(0.0)
    """
    return reduce("nanstd", a, axis, keepdims, split_every, out, dtype=dtype, ddof=ddof)


def moment(
    a: Any,
    order: int,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    ddof: float = 0,
    split_every: Any = None,
    out: Any = None,
) -> Any:
    """Return a central moment over axes.

    Parameters
    ----------
    a, axis, dtype, keepdims, split_every, out
        As for :func:`sum`.
    order
        The power of the distances from the mean.
    ddof
        Taken off the number of elements.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.reductions.moment(da.ones(4, chunks=2), 2).compute()
    np.float64(0.0)
    """
    if not isinstance(order, (int, np.integer)) or order < 0:
        raise ValueError(f"Order must be an integer >= 0, got {order!r}")
    a = asanyarray(a)
    options = {"axis": axis, "dtype": dtype, "split_every": split_every}
    if order == 2:
        return var(a, keepdims=keepdims, ddof=ddof, out=out, **options)
    if order < 2:
        ones = elemwise(np.logical_or, elemwise(np.equal, a, a), True)
        result = mean(ones, keepdims=keepdims, axis=axis, dtype=dtype, split_every=split_every)
        return handle_out(out, result - order)
    apart = a - mean(a, keepdims=True, **options)
    powers = sum(apart**order, keepdims=keepdims, **options)
    ones = elemwise(np.logical_or, elemwise(np.equal, a, a), True)
    counts = sum(ones, axis=axis, keepdims=keepdims, split_every=split_every)
    return handle_out(out, powers / (counts - ddof))


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Array:
    """Return the sum of the diagonal; see :func:`numpy.trace`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.reductions.trace(da.ones((4, 4), chunks=2)).compute()
    np.float64(4.0)
    """
    from oxidask.array.creation import diagonal

    return sum(diagonal(a, offset=offset, axis1=axis1, axis2=axis2), axis=-1, dtype=dtype)
