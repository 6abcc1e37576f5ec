"""Medians and quantiles: reductions that need whole axes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask.array._meta import meta_from_array
from oxidask.array._reduce import handle_out, normalized_axes
from oxidask.array._reduce_blocks import whole_axes
from oxidask.array.core import Array, asanyarray, blockwise_layer
from oxidask.tokenize import tokenize

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentiles", "quantile"]


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


def _aligned(weights: Any, a: Array, axes: tuple[int, ...]) -> Array:
    """Return weights of the axes, or of every element, with as many axes as `a`."""
    weights = asanyarray(weights)
    if weights.shape == a.shape:
        return weights
    extents = tuple(a.shape[axis] for axis in axes)
    if weights.ndim != 1 and len(axes) == 1:
        raise TypeError("1D weights expected when shapes of a and weights differ.")
    if weights.shape != extents:
        raise ValueError(
            f"Shape of weights must be consistent with shape of a along specified axis: weights of "
            f"shape {weights.shape} for axes of {extents}"
        )
    ordered = weights.transpose(tuple(int(i) for i in np.argsort(axes)))
    return ordered[tuple(slice(None) if i in axes else None for i in range(a.ndim))]


def _weighted_block(function: Any, block: Any, weights: Any, **kwargs: Any) -> Any:
    # NumPy's way around NaN takes weights of every element only.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        return function(block, weights=np.broadcast_to(weights, block.shape), **kwargs)


def _weighted(
    function: Callable[..., Any],
    a: Array,
    weights: Any,
    axes: tuple[int, ...],
    keepdims: bool,
    **kwargs: Any,
) -> Array:
    """Reduce whole axes with weights, which are cut as the array is."""
    weights = _aligned(weights, a, axes)
    whole = _whole(a, axes)
    cut = {i: whole.chunks[i] if n > 1 else -1 for i, n in enumerate(weights.shape)}
    weights = weights.rechunk(cut)
    lead = np.shape(kwargs["q"])
    kept = [axis for axis in range(a.ndim) if keepdims or axis not in axes]
    chunks = tuple((n,) for n in lead) + tuple(
        (1,) if axis in axes else whole.chunks[axis] for axis in kept
    )

    def follow(extents: Sequence[int]) -> list[int]:
        return [
            -2 if axis in axes or (n == 1 and a.shape[axis] != 1) else len(lead) + kept.index(axis)
            for axis, n in enumerate(extents)
        ]

    kwargs = {**kwargs, "axis": axes if len(axes) != 1 else axes[0], "keepdims": keepdims}
    one = np.ones_like(whole._meta, shape=(1,) * a.ndim)
    ones = np.ones((1,) * a.ndim, dtype=weights.dtype)
    meta = meta_from_array(_weighted_block(function, one, ones, **kwargs), ndim=len(chunks))
    flat = [False] * a.ndim
    args = [
        ("literal", function),
        ("blocks", whole, follow(whole.shape), flat),
        ("blocks", weights, follow(weights.shape), flat),
    ]
    token = tokenize(function.__name__, whole, weights, axes, kwargs)
    name = f"{function.__name__}-{token}"
    return blockwise_layer(name, _weighted_block, args, chunks, meta, kwargs)


def percentiles(
    function: Any,
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
    scale: float = 1,
) -> Array:
    """Reduce by a function of NumPy's family of quantiles, whose `q` goes up to `scale`."""
    if overwrite_input:
        raise NotImplementedError("overwrite_input: blocks may be shared; leave it False")
    a = asanyarray(a)
    if axis is None and any(n > 1 for n in a.numblocks) and a.ndim != 1:
        raise NotImplementedError(
            f"{function.__name__} of all axes: The full algorithm is difficult to do in parallel. "
            "Give an axis, or rechunk the array to one block"
        )
    q = np.asarray(q)
    if q.size and not ((q >= 0) & (q <= scale)).all():
        what = "Quantiles" if scale == 1 else "Percentiles"
        raise ValueError(f"{what} must be in the range [0, {scale}]")
    kwargs = {"q": q, "method": interpolation or method}
    if weights is None:
        return _by_whole_axes(function, a, axis, keepdims, out, **kwargs)
    axes = normalized_axes(axis, a.ndim)
    return handle_out(out, _weighted(function, a, weights, axes, keepdims, **kwargs))


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

    The reduced axes are brought to one block; all axes of several blocks together are not.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.quantile(da.ones((4, 4), chunks=2), [0.1, 0.9], axis=0).compute().shape
    (2, 4)
    """
    return percentiles(
        np.quantile,
        a,
        q,
        axis,
        out,
        overwrite_input,
        method,
        keepdims,
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
    return percentiles(
        np.nanquantile,
        a,
        q,
        axis,
        out,
        overwrite_input,
        method,
        keepdims,
        weights=weights,
        interpolation=interpolation,
    )


def nanpercentile(a: Any, q: Any, axis: Any = None, **kwargs: Any) -> Array:
    """Return percentiles of what is no NaN: :func:`nanquantile` with `q` from 0 to 100.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanpercentile(da.from_array([1, 3, float("nan")]), 50, axis=0).compute()
    np.float64(2.0)
    """
    return percentiles(np.nanpercentile, a, q, axis, **kwargs, scale=100)
