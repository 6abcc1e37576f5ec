"""Counts by bins, and places in sorted arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array.core import Array, asanyarray, asarray, blockwise_layer, new_array
from oxidask.base import is_dask_collection
from oxidask.tokenize import tokenize

__all__ = ["bincount", "digitize", "histogram", "histogram2d", "histogramdd", "searchsorted"]


def digitize(a: Any, bins: Any, right: bool = False) -> Array:
    """Return in which bin each element lies.

    Parameters
    ----------
    a
        An array.
    bins
        Monotonic edges.
    right
        Whether a bin holds its right edge rather than its left one.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.digitize(da.from_array(np.array([1, 5]), chunks=1), np.array([2, 4])).compute()
    array([0, 2])
    """
    x = asanyarray(a)
    bins = np.asarray(bins)
    if bins.ndim != 1:
        raise ValueError(f"object of too small depth for desired array: bins of shape {bins.shape}")
    np.digitize(np.empty((0,), dtype=bins.dtype if x.dtype.kind in "OUS" else x.dtype), bins, right)
    try:
        return new_array(_native.array_digitize(x._expr, bins, right))
    except _native.NoKernel:
        return blockwise_layer(
            f"digitize-{tokenize(x, bins, right)}",
            np.digitize,
            [("blocks", x, list(range(x.ndim)), [False] * x.ndim), ("literal", bins)],
            x.chunks,
            np.empty((0,) * x.ndim, dtype=np.int64),
            kwargs={"right": right},
        )


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Array:
    """Return where elements go in a sorted array.

    Parameters
    ----------
    a
        A sorted array of one dimension.
    v
        An array of elements.
    side
        ``left`` or ``right`` of equal elements.
    sorter
        Not supported.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> a = da.from_array(np.array([1, 3, 5]), chunks=2)
    >>> da.searchsorted(a, da.from_array(np.array([4]), chunks=1)).compute()
    array([2])
    """
    if sorter is not None:
        raise NotImplementedError(
            "da.searchsorted with a sorter is not supported: sort the array first"
        )
    a, v = asanyarray(a), asanyarray(v)
    if a.dtype != v.dtype:
        common = np.result_type(a.dtype, v.dtype)
        a, v = a.astype(common), v.astype(common)
    expr = _native.array_searchsorted(a._expr, v._expr, side)
    return new_array(expr, np.empty((0,) * v.ndim, dtype=np.int64))


def bincount(x: Any, weights: Any = None, minlength: int = 0, split_every: Any = None) -> Array:
    """Return how often each number from 0 on occurs.

    Parameters
    ----------
    x
        An array of numbers that are not negative, of one dimension.
    weights
        What each occurrence counts.
    minlength
        Least number of counts.
    split_every
        Taken for compatibility.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.bincount(da.from_array(np.array([1, 3, 1]), chunks=2), minlength=4).compute()
    array([0, 2, 0, 1])
    """
    x = asarray(x)
    if x.ndim != 1:
        raise ValueError(f"Input array must be one dimensional, but has {x.ndim} dimensions")
    if minlength < 0:
        raise ValueError(f"'minlength' must not be negative, got {minlength}")
    if weights is not None:
        weights = asarray(weights)
        if weights.chunks != x.chunks:
            raise ValueError(
                f"Chunks of input array x and weights must match, got {x.chunks} and "
                f"{weights.chunks}"
            )
    try:
        expr = _native.array_bincount(
            x._expr, None if weights is None else weights._expr, minlength
        )
        return new_array(expr)
    except _native.NoKernel as error:
        raise TypeError(f"Cannot count elements of {x.dtype} safely; cast to int64") from error


def _block_histogram(block: Any, weights: Any, bins: Any, range: Any) -> Any:
    counts = np.histogram(block, bins, range=range, weights=weights)[0]
    return counts.reshape((1,) * np.ndim(block) + counts.shape)


def _checked_range(bins: Any, range: Any) -> None:
    if isinstance(bins, Array):
        scalar, dims = bins.ndim == 0, bins.ndim
    elif np.ndim(bins) == 0:
        scalar, dims = True, 0
    else:
        scalar, dims = False, np.ndim(bins)
    if bins is None or (scalar and range is None):
        raise ValueError(
            "dask.array.histogram requires either specifying bins as an iterable or specifying "
            "both a range and the number of bins"
        )
    if dims > 1:
        raise ValueError(f"bins must be a scalar or a 1-dimensional sequence, got {dims} axes")
    if range is not None:
        try:
            shape = range.shape if isinstance(range, Array) else (len(range),)
        except TypeError:
            raise TypeError(
                f"range must be a pair of numbers, got a {type(range).__name__}"
            ) from None
        if isinstance(range, np.ndarray):
            shape = range.shape
        if shape != (2,):
            raise ValueError(f"range must be a pair of numbers, got shape {shape}")


def _linspace(count: Any, low: Any, high: Any) -> Any:
    return np.linspace(low, high, int(count) + 1)


def histogram(
    a: Any,
    bins: Any = None,
    range: Any = None,
    normed: bool = False,
    weights: Any = None,
    density: bool | None = None,
) -> tuple[Array, Any]:
    """Return counts by bins, and the bins' edges.

    Parameters
    ----------
    a
        An array.
    bins
        Edges, or a number of bins. May be lazy.
    range
        The outermost edges, where `bins` is a number. May be lazy.
    normed
        Not supported: use `density`.
    weights
        What each element counts: an array of the chunks of `a`.
    density
        Whether to return the density instead of counts.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.from_array(np.array([0.1, 0.2, 0.7]), chunks=2)
    >>> counts, edges = da.histogram(x, bins=2, range=(0, 1))
    >>> counts.compute()
    array([2, 1])
    """
    if normed:
        raise ValueError(
            "The normed= keyword argument has been deprecated. Please use density instead."
        )
    x = asarray(a)
    _checked_range(bins, range)
    lazy = is_dask_collection(bins) or any(
        map(is_dask_collection, range if isinstance(range, (list, tuple)) else [range])
    )
    if weights is not None:
        weights = asarray(weights)
        if weights.chunks != x.chunks:
            raise ValueError("Input array and weights must have the same chunked structure")
    scalar_bins = np.ndim(bins) == 0 if not isinstance(bins, Array) else bins.ndim == 0
    if density and scalar_bins and is_dask_collection(bins):
        raise NotImplementedError(
            "When `density` is True, `bins` cannot be a scalar Dask object. It must be a concrete "
            "number or a (possibly-delayed) array/sequence of bin edges."
        )
    edges: Any
    if not lazy:
        if scalar_bins:
            edges = np.histogram_bin_edges(np.empty(0), bins, range)
        else:
            edges = np.asarray(bins)
        if edges.ndim != 1:
            raise ValueError("bins must be 1-dimensional")
    elif scalar_bins:
        low, high = (asarray(end) for end in range)
        count = asarray(bins)
        n = np.nan if is_dask_collection(bins) else int(bins) + 1
        edges = blockwise_layer(
            f"histogram-edges-{tokenize(count, low, high)}",
            _linspace,
            [("blocks", one, [], []) for one in (count, low, high)],
            ((n,),),
            np.empty(0),
        )
    else:
        edges = bins if isinstance(bins, Array) else asarray(bins)
    counts = _counts(x, edges, weights)
    if density:
        from oxidask.array import diff

        widths = diff(edges) if isinstance(edges, Array) else np.diff(edges)
        return (counts / widths / counts.sum()).astype(float), edges
    return counts, edges


def _counts(x: Array, edges: Any, weights: Array | None) -> Array:
    if not isinstance(edges, Array):
        if (np.diff(edges) < 0).any():
            raise ValueError("`bins` must increase monotonically, when an array")
        plain = weights is None or weights.dtype.kind in "biuf"
        try:
            if edges.dtype.kind in "biuf" and plain and edges.dtype != np.dtype("u8"):
                expr = _native.array_histogram(
                    x._expr,
                    edges.astype(float).tolist(),
                    None if weights is None else weights._expr,
                )
                result = new_array(expr)
                if weights is not None and weights.dtype != result.dtype:
                    result = result.astype(
                        np.histogram(
                            np.empty(0, x.dtype),
                            np.array([0, 1]),
                            weights=np.empty(0, weights.dtype),
                        )[0].dtype
                    )
                return result
        except _native.NoKernel:
            pass
    return _python_counts(x, edges, weights)


def _python_counts(x: Array, edges: Any, weights: Array | None) -> Array:
    meta = np.histogram(
        np.empty(0, float), [0, 1], weights=None if weights is None else np.empty(0, weights.dtype)
    )[0]
    axes, flat = list(range(x.ndim)), [False] * x.ndim
    n = edges.shape[0] - 1
    block = ("blocks", x, axes, flat)
    weight = ("literal", None) if weights is None else ("blocks", weights, axes, flat)
    bins = ("blocks", edges, [-1], [True]) if isinstance(edges, Array) else ("literal", edges)
    counted = blockwise_layer(
        f"histogram-{tokenize(x, edges, weights)}",
        _block_histogram,
        [block, weight, bins, ("literal", None)],
        (*((1,) * blocks for blocks in x.numblocks), (n,)),
        np.empty((0,) * (x.ndim + 1), dtype=meta.dtype),
        concatenate=True,
    )
    return counted.sum(axis=tuple(axes))


def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    normed: bool | None = None,
    weights: Any = None,
    density: bool | None = None,
) -> tuple[Array, Any, Any]:
    """Return counts of pairs by bins, and the edges of both.

    Parameters
    ----------
    x, y
        Arrays of one dimension and the same chunks.
    bins
        A number of bins, a pair of these, or a pair of edges.
    range
        A pair of outermost edges for each.
    normed, density
        Whether to return the density.
    weights
        What each pair counts.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.from_array(np.array([0.1, 0.2, 0.7]), chunks=2)
    >>> da.histogram2d(x, x, bins=2, range=((0, 1), (0, 1)))[0].compute()
    array([[2., 0.],
           [0., 1.]])
    """
    counts, edges = histogramdd(
        (x, y), bins=bins, range=range, normed=normed, weights=weights, density=density
    )
    return counts, edges[0], edges[1]


def _sample(sample: Any) -> tuple[list[Array], int, bool]:
    """Return the arrays of a sample, its dimension, and whether it is one array of columns."""
    if isinstance(sample, Array) or hasattr(sample, "shape"):
        sample = asarray(sample)
        if sample.ndim != 2:
            raise ValueError(
                f"Single array input to histogramdd should be columnar, got shape {sample.shape}"
            )
        if sample.numblocks[1] > 1:
            raise ValueError(
                "Input array can only be chunked along the 0th axis: rechunk it with "
                "x.rechunk({1: -1})"
            )
        return [sample], sample.shape[1], True
    arrays = [asarray(x) for x in sample]
    if any(x.ndim != 1 for x in arrays):
        raise ValueError("Sequence of arrays given to histogramdd should be one-dimensional.")
    if any(x.chunks != arrays[0].chunks for x in arrays):
        raise ValueError("All coordinate arrays must be chunked identically.")
    return arrays, len(arrays), False


def _edges(bins: Any, range: Any, n: int) -> list[Any]:
    if isinstance(bins, (int, np.integer)):
        bins = (int(bins),) * n
    if len(bins) != n:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample.")
    if range is not None:
        if len(range) != n:
            raise ValueError("range argument requires one entry, a min max pair, per dimension.")
        if not all(np.iterable(pair) and len(pair) == 2 for pair in range):
            raise ValueError("range argument should be a sequence of pairs")
    edges = []
    for i, one in enumerate(bins):
        if np.ndim(one) == 0:
            if range is None:
                raise ValueError(
                    "dask.array.histogramdd requires either specifying bins as iterables of edges "
                    "or specifying both a range and the number of bins"
                )
            edges.append(np.linspace(range[i][0], range[i][1], int(one) + 1))
        else:
            edges.append(np.asarray(one))
    return edges


def _block_histogramdd(bins: Any, weights: Any, columnar: bool, *blocks: Any) -> Any:
    sample = blocks[0] if columnar else blocks
    return np.histogramdd(sample, bins, weights=weights)[0][None]


def histogramdd(
    sample: Any,
    bins: Any,
    range: Any = None,
    normed: bool | None = None,
    weights: Any = None,
    density: bool | None = None,
) -> tuple[Array, list[Any]]:
    """Return counts of points by bins, and the edges of each dimension.

    Parameters
    ----------
    sample
        An array with a column for each dimension, or an array for each.
    bins
        A number of bins, a number for each dimension, or edges for each.
    range
        A pair of outermost edges for each dimension.
    normed, density
        Whether to return the density.
    weights
        What each point counts.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.from_array(np.array([[0.1, 0.2], [0.7, 0.9]]), chunks=(1, 2))
    >>> da.histogramdd(x, bins=2, range=((0, 1), (0, 1)))[0].compute()
    array([[1., 0.],
           [0., 1.]])
    """
    if normed is not None and density is not None:
        raise TypeError("Cannot specify both 'normed' and 'density'")
    density = normed if density is None else density
    arrays, n, columnar = _sample(sample)
    edges = _edges(bins, range, n)
    if weights is not None:
        weights = asarray(weights)
        if weights.chunks[0] != arrays[0].chunks[0] or weights.ndim != 1:
            raise ValueError(
                "Input array and weights must have the same shape and chunk structure along the "
                "first dimension."
                if columnar
                else "Input arrays and weights must have the same shape and chunk structure."
            )
    args: list[tuple[Any, ...]] = [
        ("literal", edges),
        ("literal", None) if weights is None else ("blocks", weights, [0], [False]),
        ("literal", columnar),
    ]
    for x in arrays:
        args.append(("blocks", x, [0, -2][: x.ndim], [False] * x.ndim))
    blocks = arrays[0].numblocks[0]
    counted = blockwise_layer(
        f"histogramdd-{tokenize(arrays, edges, weights)}",
        _block_histogramdd,
        args,
        ((1,) * blocks, *((len(one) - 1,) for one in edges)),
        np.empty((0,) * (n + 1)),
    )
    counts = counted.sum(axis=0)
    if density:
        volume: Any = 1.0
        for i, one in enumerate(edges):
            widths = np.diff(one)
            volume = volume * widths.reshape((-1,) + (1,) * (n - 1 - i))
        counts = counts / volume / counts.sum()
    return counts, edges
