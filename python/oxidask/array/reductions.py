"""Reductions: many elements to one, block by block and merged in a tree.

Blocks of native dtypes are reduced by kernels; everything else (objects, masked arrays, arrays of
other libraries) by the functions of NumPy's interface, through :func:`reduction`.
"""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array import _reduce_blocks as blocks
from oxidask.array._reduce_blocks import nannumel, numel
from oxidask.array._tree import arg_tree, reduction, split_counts
from oxidask.array.core import Array, asanyarray, elemwise, native_typestr, new_array
from oxidask.array.cumulative import cumprod, cumreduction, cumsum, nancumprod, nancumsum
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

_NO_VALUE = object()


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes to reduce, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, (list, tuple)):
        from numpy.lib.array_utils import normalize_axis_tuple

        return tuple(normalize_axis_tuple(tuple(axis), ndim))
    from numpy.lib.array_utils import normalize_axis_index

    return (normalize_axis_index(int(axis), ndim),)


def _handle_out(out: Any, result: Array) -> Array:
    """Make `out` the array that `result` is."""
    if isinstance(out, tuple):
        if len(out) != 1:
            raise NotImplementedError("The out parameter takes one array")
        out = out[0]
    if out is None:
        return result
    if not isinstance(out, Array):
        raise NotImplementedError(
            f"The out parameter must be an oxidask array, got {type(out).__name__}: "
            "assign the computed result instead"
        )
    if out.shape != result.shape:
        raise ValueError(
            f"Mismatched shapes between the result and out parameter: out={out.shape}, "
            f"result={result.shape}"
        )
    out.__dict__.clear()
    out._expr, out._meta = result._expr, result._meta
    return out


def _reduce(
    name: str,
    a: Any,
    axis: Any,
    keepdims: bool,
    split_every: Any,
    out: Any,
    *,
    dtype: Any = None,
    ddof: float = 0,
    where: Any = _NO_VALUE,
    initial: Any = _NO_VALUE,
) -> Array:
    """Reduce by a kernel, or by NumPy's functions where there is none."""
    a = asanyarray(a)
    axes = _axes(axis, a.ndim)
    if where is not _NO_VALUE and where is not True:
        from oxidask.array._where import reduce_where

        result = reduce_where(name, a, axes, keepdims, split_every, dtype, ddof, where, initial)
        return _handle_out(out, result)
    if dtype is not None:
        dtype = np.dtype(dtype)
        if a.dtype.kind == "c" and dtype.kind in "biuf":
            warnings.warn(
                "Casting complex values to real discards the imaginary part",
                np.exceptions.ComplexWarning,
                stacklevel=3,
            )
    try:
        result = _kernel(name, a, axes, keepdims, split_every, dtype, ddof, initial)
    except _native.NoKernel:
        if initial is not _NO_VALUE:
            raise NotImplementedError(
                f"initial= for an array of dtype {a.dtype}: join it to the result yourself"
            ) from None
        result = _by_numpy(name, a, axes, keepdims, split_every, dtype, ddof)
    return _handle_out(out, result)


def _kernel(
    name: str,
    a: Array,
    axes: tuple[int, ...],
    keepdims: bool,
    split_every: Any,
    dtype: Any,
    ddof: float,
    initial: Any,
) -> Array:
    typestr = native_typestr(dtype)
    if type(a._meta) is not np.ndarray or (dtype is not None and typestr is None):
        raise _native.NoKernel(name)
    if initial is _NO_VALUE or initial is None:
        initial = None
    else:
        initial = np.asarray(initial)
        if initial.ndim:
            raise ValueError(f"initial must be a scalar, got an array of shape {initial.shape}")
        if native_typestr(initial.dtype) is None:
            raise _native.NoKernel(name)
    by = split_counts(split_every, axes, a.ndim)
    expr = _native.array_reduce(
        a._expr, name, list(axes), bool(keepdims), by, typestr, float(ddof), initial
    )
    return new_array(expr)


def _by_numpy(
    name: str,
    a: Array,
    axes: tuple[int, ...],
    keepdims: bool,
    split_every: Any,
    dtype: Any,
    ddof: float,
) -> Array:
    """Reduce with functions of blocks in Python."""
    if "arg" in name:
        chunk, merge = blocks.arg_functions(name)
        flat = len(axes) == a.ndim and a.ndim != 1
        last = partial(merge, last=True)
        return arg_tree(a, chunk, merge, last, axes, flat, keepdims, split_every)
    of = blocks.functions(name, ddof)
    if dtype is None:
        dtype = of.result_dtype(a._meta)
    return reduction(
        a,
        of.chunk,
        of.aggregate,
        axis=axes,
        keepdims=keepdims,
        dtype=dtype,
        split_every=split_every,
        combine=of.combine,
        name=name,
        concatenate=of.concatenate,
    )


def sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False,
        split_every: Any = None, out: Any = None, *, where: Any = _NO_VALUE,
        initial: Any = _NO_VALUE) -> Array:
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
    return _reduce("sum", a, axis, keepdims, split_every, out, dtype=dtype, where=where,
                   initial=initial)


def prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False,
         split_every: Any = None, out: Any = None, *, where: Any = _NO_VALUE,
         initial: Any = _NO_VALUE) -> Array:
    """Return the product of elements over axes; see :func:`numpy.prod` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.prod(da.ones(4, chunks=2) * 2).compute()
    np.float64(16.0)
    """
    return _reduce("prod", a, axis, keepdims, split_every, out, dtype=dtype, where=where,
                   initial=initial)


def min(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None,
        out: Any = None, *, where: Any = _NO_VALUE, initial: Any = _NO_VALUE) -> Array:
    """Return the least element over axes; see :func:`numpy.min` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.min(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return _reduce("min", a, axis, keepdims, split_every, out, where=where, initial=initial)


def max(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None,
        out: Any = None, *, where: Any = _NO_VALUE, initial: Any = _NO_VALUE) -> Array:
    """Return the greatest element over axes; see :func:`numpy.max` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.max(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return _reduce("max", a, axis, keepdims, split_every, out, where=where, initial=initial)


def any(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None,
        out: Any = None, *, where: Any = _NO_VALUE) -> Array:
    """Tell whether an element is true over axes; see :func:`numpy.any` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.any(da.ones(4, chunks=2)).compute()
    np.True_
    """
    return _reduce("any", a, axis, keepdims, split_every, out, where=where)


def all(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None,
        out: Any = None, *, where: Any = _NO_VALUE) -> Array:
    """Tell whether all elements are true over axes; see :func:`numpy.all` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.all(da.ones(4, chunks=2)).compute()
    np.True_
    """
    return _reduce("all", a, axis, keepdims, split_every, out, where=where)


def mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False,
         split_every: Any = None, out: Any = None, *, where: Any = _NO_VALUE) -> Array:
    """Return the mean over axes; see :func:`numpy.mean` and :func:`sum`.

    Half floats are summed in double precision, so that they don't overflow; timedeltas have a mean.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.mean(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return _reduce("mean", a, axis, keepdims, split_every, out, dtype=dtype, where=where)


def var(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0,
        split_every: Any = None, out: Any = None, *, where: Any = _NO_VALUE) -> Array:
    """Return the variance over axes; see :func:`numpy.var` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.var(da.ones(4, chunks=2)).compute()
    np.float64(0.0)
    """
    return _reduce("var", a, axis, keepdims, split_every, out, dtype=dtype, ddof=ddof, where=where)


def std(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0,
        split_every: Any = None, out: Any = None, *, where: Any = _NO_VALUE) -> Array:
    """Return the standard deviation over axes; see :func:`numpy.std` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.std(da.ones(4, chunks=2)).compute()
    np.float64(0.0)
    """
    return _reduce("std", a, axis, keepdims, split_every, out, dtype=dtype, ddof=ddof, where=where)


def nansum(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False,
           split_every: Any = None, out: Any = None) -> Array:
    """Return the sum with NaN as nothing; see :func:`numpy.nansum` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nansum(da.ones(4, chunks=2)).compute()
    np.float64(4.0)
    """
    return _reduce("nansum", a, axis, keepdims, split_every, out, dtype=dtype)


def nanprod(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False,
            split_every: Any = None, out: Any = None) -> Array:
    """Return the product with NaN as one; see :func:`numpy.nanprod` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanprod(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return _reduce("nanprod", a, axis, keepdims, split_every, out, dtype=dtype)


def _known(a: Any) -> Array:
    a = asanyarray(a)
    if builtins.any(np.isnan(n) for n in a.shape):
        raise ValueError(
            f"Arrays chunk sizes are unknown: {a.shape}; compute them first with "
            "x.compute_chunk_sizes()"
        )
    return a


def nanmin(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None,
           out: Any = None) -> Array:
    """Return the least element that is no NaN; see :func:`numpy.nanmin` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanmin(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return _reduce("nanmin", _known(a), axis, keepdims, split_every, out)


def nanmax(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None,
           out: Any = None) -> Array:
    """Return the greatest element that is no NaN; see :func:`numpy.nanmax` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanmax(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return _reduce("nanmax", _known(a), axis, keepdims, split_every, out)


def nanmean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False,
            split_every: Any = None, out: Any = None) -> Array:
    """Return the mean of what is no NaN; see :func:`numpy.nanmean` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanmean(da.ones(4, chunks=2)).compute()
    np.float64(1.0)
    """
    return _reduce("nanmean", a, axis, keepdims, split_every, out, dtype=dtype)


def nanvar(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0,
           split_every: Any = None, out: Any = None) -> Array:
    """Return the variance of what is no NaN; see :func:`numpy.nanvar` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanvar(da.ones(4, chunks=2)).compute()
    np.float64(0.0)
    """
    return _reduce("nanvar", a, axis, keepdims, split_every, out, dtype=dtype, ddof=ddof)


def nanstd(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0,
           split_every: Any = None, out: Any = None) -> Array:
    """Return the standard deviation of what is no NaN; see :func:`numpy.nanstd` and :func:`sum`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanstd(da.ones(4, chunks=2)).compute()
    np.float64(0.0)
    """
    return _reduce("nanstd", a, axis, keepdims, split_every, out, dtype=dtype, ddof=ddof)


def moment(a: Any, order: int, axis: Any = None, dtype: Any = None, keepdims: bool = False,
           ddof: float = 0, split_every: Any = None, out: Any = None) -> Array:
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
        return _handle_out(out, result - order)
    apart = a - mean(a, keepdims=True, **options)
    powers = sum(apart**order, keepdims=keepdims, **options)
    ones = elemwise(np.logical_or, elemwise(np.equal, a, a), True)
    counts = sum(ones, axis=axis, keepdims=keepdims, split_every=split_every)
    return _handle_out(out, powers / (counts - ddof))


def _arg(name: str, a: Any, axis: Any, keepdims: bool, split_every: Any, out: Any) -> Array:
    if axis is not None and not isinstance(axis, (int, np.integer)):
        raise TypeError(f"axis must be either `None` or int, got '{axis}'")
    return _reduce(name, a, axis, keepdims, split_every, out)


def argmin(a: Any, axis: int | None = None, keepdims: bool = False, split_every: Any = None,
           out: Any = None) -> Array:
    """Return where the least element is; see :func:`numpy.argmin`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.argmin(da.ones(4, chunks=2)).compute()
    np.int64(0)
    """
    return _arg("argmin", a, axis, keepdims, split_every, out)


def argmax(a: Any, axis: int | None = None, keepdims: bool = False, split_every: Any = None,
           out: Any = None) -> Array:
    """Return where the greatest element is; see :func:`numpy.argmax`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.argmax(da.ones(4, chunks=2)).compute()
    np.int64(0)
    """
    return _arg("argmax", a, axis, keepdims, split_every, out)


def nanargmin(a: Any, axis: int | None = None, keepdims: bool = False, split_every: Any = None,
              out: Any = None) -> Array:
    """Return where the least element that is no NaN is; see :func:`numpy.nanargmin`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanargmin(da.ones(4, chunks=2)).compute()
    np.int64(0)
    """
    return _arg("nanargmin", a, axis, keepdims, split_every, out)


def nanargmax(a: Any, axis: int | None = None, keepdims: bool = False, split_every: Any = None,
              out: Any = None) -> Array:
    """Return where the greatest element that is no NaN is; see :func:`numpy.nanargmax`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanargmax(da.ones(4, chunks=2)).compute()
    np.int64(0)
    """
    return _arg("nanargmax", a, axis, keepdims, split_every, out)


def arg_reduction(
    x: Any,
    chunk: Callable[..., Any],
    combine: Callable[..., Any],
    agg: Callable[..., Any],
    axis: int | None = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
) -> Array:
    """Reduce to places with Python functions of blocks.

    Parameters
    ----------
    x
        The array.
    chunk
        ``chunk(block, axis, offset_info)`` gives a structured array or dict of values and places.
    combine, agg
        Merge lists of what `chunk` gave; `agg` gives places.
    axis
        The axis; all of them, flattened, by default.
    keepdims, split_every, out
        As for :func:`sum`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> def chunk(x, axis, offset_info):
    ...     return {"v": x.max(axis, keepdims=True), "i": offset_info + x.argmax(axis, keepdims=True)}
    >>> def agg(data, axis=None, **kwargs):
    ...     v = np.concatenate([part["v"] for part in data], axis[0])
    ...     i = np.concatenate([part["i"] for part in data], axis[0])
    ...     best = np.expand_dims(v.argmax(axis[0]), axis[0])
    ...     return np.take_along_axis(i, best, axis[0]).squeeze(axis[0])
    >>> x = da.ones((4, 4), chunks=2)
    >>> da.reductions.arg_reduction(x, chunk, agg, agg, axis=0, split_every=4).compute()
    array([0, 0, 0, 0])
    """
    x = asanyarray(x)
    axes = _axes(axis, x.ndim)
    result = arg_tree(x, chunk, combine, agg, axes, axis is None, keepdims, split_every)
    return _handle_out(out, result)


def _whole(a: Array, axes: Sequence[int]) -> Array:
    """Return the array with one block along `axes`."""
    from oxidask.array.rechunk import rechunk

    if builtins.all(a.numblocks[axis] == 1 for axis in axes):
        return a
    return rechunk(a, {axis: -1 if axis in axes else "auto" for axis in range(a.ndim)})


def _by_whole_axes(
    function: Callable[..., Any], a: Any, axis: Any, keepdims: bool, out: Any, **kwargs: Any
) -> Array:
    """Reduce with a function that needs whole axes."""
    a = asanyarray(a)
    axes = _axes(axis, a.ndim)
    whole = _whole(a, axes)
    result = blocks.whole_axes(function, whole, axes, keepdims, kwargs)
    return _handle_out(out, result)


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


def _quantile(function: Any, a: Any, q: Any, axis: Any, keepdims: bool, out: Any,
              overwrite_input: bool, **kwargs: Any) -> Array:
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


def quantile(a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
             method: str = "linear", keepdims: bool = False, *, weights: Any = None,
             interpolation: str | None = None) -> Array:
    """Return quantiles over axes, exactly; see :func:`numpy.quantile`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.quantile(da.ones((4, 4), chunks=2), [0.1, 0.9], axis=0).compute().shape
    (2, 4)
    """
    return _quantile(np.quantile, a, q, axis, keepdims, out, overwrite_input, method=method,
                     weights=weights, interpolation=interpolation)


def nanquantile(a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
                method: str = "linear", keepdims: bool = False, *, weights: Any = None,
                interpolation: str | None = None) -> Array:
    """Return quantiles of what is no NaN; see :func:`quantile` and :func:`numpy.nanquantile`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanquantile(da.ones((4, 4), chunks=2), 0.5, axis=0).compute()
    array([1., 1., 1., 1.])
    """
    return _quantile(np.nanquantile, a, q, axis, keepdims, out, overwrite_input, method=method,
                     weights=weights, interpolation=interpolation)


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
