"""Differences, averages, correlations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from oxidask.array._joining import concatenate, normalize_axis
from oxidask.array.core import Array, asanyarray, elemwise

__all__ = ["average", "corrcoef", "cov", "diff", "ediff1d", "gradient", "ptp"]


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    """Return the differences of neighbours along an axis.

    Parameters
    ----------
    a
        The array.
    n
        How many times.
    axis
        The axis.
    prepend, append
        What comes before and after the array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.diff(da.from_array([1, 4, 9], chunks=2)).compute()
    array([3, 5])
    """
    a = asanyarray(a)
    n = int(n)
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    if n == 0:
        return a
    if a.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = normalize_axis(axis, a.ndim)
    parts = [_beside(prepend, a, axis), a, _beside(append, a, axis)]
    parts = [part for part in parts if part is not None]
    if len(parts) > 1:
        a = concatenate(parts, axis=axis)
    prefix = (slice(None),) * axis
    for _ in range(n):
        ahead, behind = a[(*prefix, slice(1, None))], a[(*prefix, slice(None, -1))]
        # Blocks as those of the array: cut in common, they would be twice as many.
        ahead = ahead.rechunk(behind.chunks)
        a = ahead != behind if a.dtype == bool else ahead - behind
    return a


def _beside(value: Any, a: Array, axis: int) -> Any:
    from oxidask.array._broadcast import broadcast_to

    if value is None:
        return None
    value = asanyarray(value)
    if value.ndim == 0:
        return broadcast_to(value, tuple(1 if i == axis else n for i, n in enumerate(a.shape)))
    return value


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Array:
    """Return the differences of neighbours in the flat array.

    Parameters
    ----------
    ary
        The array.
    to_end, to_begin
        What comes after and before the differences.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.ediff1d(da.from_array([1, 4, 9], chunks=2), to_end=0).compute()
    array([3, 5, 0])
    """
    differences = diff(asanyarray(ary).ravel())
    parts = [None if x is None else asanyarray(x).ravel() for x in (to_begin, to_end)]
    joined = [part for part in (parts[0], differences, parts[1]) if part is not None]
    return concatenate(joined) if len(joined) > 1 else differences


class _Spacing:
    """Where the elements of an overlapping block lie along an axis."""

    def __init__(self, coordinates: Any, extents: tuple[int, ...], axis: int) -> None:
        self.coordinates = coordinates
        self.axis = axis
        self.bounds = np.cumsum([0, *extents]).tolist()

    def __call__(self, index: tuple[int, ...]) -> Any:
        at = index[self.axis]
        start, stop = max(0, self.bounds[at] - 1), self.bounds[at + 1] + 1
        return self.coordinates[start:stop]

    def __dask_tokenize__(self) -> Any:
        return "spacing", self.coordinates, self.bounds, self.axis


def _gradient_block(block: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    return np.gradient(block, spacing, axis=axis, edge_order=edge_order)


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return the slopes of an array, by differences of neighbours.

    Parameters
    ----------
    f
        The array.
    *varargs
        The distance of neighbours, one for all axes or for each, or coordinates of the elements.
    axis
        The axes; all by default.
    edge_order
        The order of the differences at the ends: 1 or 2.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.gradient(da.from_array([1.0, 4.0, 9.0], chunks=3)).compute()
    array([3., 4., 5.])
    """
    from oxidask.array.core import blockwise_layer
    from oxidask.array.overlap import overlap, trim_internal
    from oxidask.tokenize import tokenize

    f = asanyarray(f)
    axes = list(range(f.ndim)) if axis is None else np.atleast_1d(axis).tolist()
    axes = [normalize_axis(i, f.ndim) for i in axes]
    if len(set(axes)) != len(axes):
        raise ValueError("duplicate axes not allowed")
    spacings = list(varargs) or [1]
    if len(spacings) == 1:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError("Spacing must either be a single scalar, or a scalar / 1d-array per axis")
    if f.dtype.kind in "biu":
        f = f.astype(float)
    results = []
    for i, spacing in zip(axes, spacings, strict=True):
        if isinstance(spacing, Array):
            raise NotImplementedError("gradient with lazy coordinates: compute them first")
        if min(f.chunks[i]) < edge_order + 1:
            raise ValueError(
                "Chunk size must be larger than edge_order + 1. Minimum chunk for axis "
                f"{i} is {min(f.chunks[i])}. Rechunk to proceed."
            )
        if np.ndim(spacing):
            spacing = np.asarray(spacing)
            if len(spacing) != f.shape[i]:
                raise ValueError(
                    "when 1d, distances must match the length of the corresponding dimension"
                )
            argument: Any = ("per_block", _Spacing(spacing, f.chunks[i], i))
        else:
            argument = ("literal", spacing)
        wide = overlap(f, {i: 1}, "none")
        shown = spacing.tolist() if np.ndim(spacing) else spacing
        name = f"gradient-{tokenize(wide, shown, i, edge_order)}"
        args = [
            ("blocks", wide, list(range(f.ndim)), [False] * f.ndim),
            argument,
            ("literal", i),
            ("literal", edge_order),
        ]
        slopes = blockwise_layer(name, _gradient_block, args, wide.chunks, f._meta)
        results.append(trim_internal(slopes, {i: 1}, "none"))
    return results[0] if len(results) == 1 else results


def ptp(a: Any, axis: Any = None) -> Array:
    """Return the distance from the least to the greatest element.

    Parameters
    ----------
    a
        The array.
    axis
        The axes; all by default.

    Examples
    --------
    >>> import oxidask.array as da
    >>> int(da.ptp(da.arange(5, chunks=2)).compute())
    4
    """
    a = asanyarray(a)
    return a.max(axis=axis) - a.min(axis=axis)  # type: ignore[no-any-return]


def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: bool = False
) -> Any:
    """Return the weighted average.

    Parameters
    ----------
    a
        The array.
    axis
        The axis; all by default.
    weights
        A weight for each element, or for each along the axis; equal ones by default.
    returned
        Whether the sum of the weights is returned, too.
    keepdims
        Whether the axis stays, with extent 1.

    Examples
    --------
    >>> import oxidask.array as da
    >>> float(da.average(da.from_array([1.0, 4.0]), weights=[3, 1]).compute())
    1.75
    """
    from oxidask.array._broadcast import broadcast_to

    a = asanyarray(a)
    if weights is None:
        result = a.mean(axis=axis, keepdims=keepdims)
        if not returned:
            return result
        count = a.size / result.size if result.size else 0.0
        scale: Any = asanyarray(np.asarray(count, dtype=result.dtype))
    else:
        weights = asanyarray(weights)
        dtype = np.result_type(a.dtype, weights.dtype, *(["f8"] if a.dtype.kind in "biu" else []))
        if a.shape != weights.shape:
            if axis is None:
                raise TypeError("Axis must be specified when shapes of a and weights differ.")
            if weights.ndim != 1:
                raise TypeError("1D weights expected when shapes of a and weights differ.")
            if weights.shape[0] != a.shape[axis]:
                raise ValueError("Length of weights not compatible with specified axis.")
            place = normalize_axis(axis, a.ndim)
            weights = weights[tuple(slice(None) if i == place else None for i in range(a.ndim))]
            weights = broadcast_to(weights, a.shape)
        scale = weights.sum(axis=axis, dtype=dtype, keepdims=keepdims)
        total = (a * weights).sum(axis=axis, dtype=dtype, keepdims=keepdims)
        # NumPy's own division, which warns of weights that add up to zero.
        result = elemwise(_divided_block, total, scale, dtype=np.result_type(total, scale))
    if not returned:
        return result
    if scale.shape != result.shape:
        scale = broadcast_to(scale, result.shape)
    return result, scale


def _divided_block(total: Any, scale: Any) -> Any:
    return np.true_divide(total, scale)


def _weights(weights: Any, name: str, n: int) -> Any:
    weights = asanyarray(weights)
    if weights.ndim > 1:
        raise RuntimeError(f"cannot handle multidimensional {name}")
    if weights.shape[0] != n:
        raise RuntimeError(f"incompatible numbers of samples and {name}")
    if name == "fweights" and weights.dtype.kind not in "iub":
        raise TypeError("fweights must be integer")
    return weights.astype(float)


def cov(
    m: Any,
    y: Any = None,
    rowvar: Any = 1,
    bias: Any = 0,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Array:
    """Return the covariances of variables.

    Parameters
    ----------
    m, y
        Observations: each row is a variable.
    rowvar
        False if each column is one.
    bias
        Whether sums are divided by the number of observations, not by one less.
    ddof
        What is taken off that number.
    fweights, aweights
        How often each observation is counted, and how much it weighs.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.cov(da.from_array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).compute()
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    from oxidask.array._rearranging import atleast_2d, squeeze
    from oxidask.array.contractions import dot

    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    m = asanyarray(m)
    dtype = np.result_type(m.dtype, np.float64)
    x = atleast_2d(m.astype(dtype))
    if not rowvar and m.ndim != 1:
        x = x.T
    if y is not None:
        other = asanyarray(y)
        row = atleast_2d(other.astype(dtype))
        x = concatenate((x, row if rowvar or other.ndim == 1 else row.T), axis=0)
    if ddof is None:
        ddof = 0 if bias else 1
    n = x.shape[1]
    f = None if fweights is None else _weights(fweights, "fweights", n)
    a = None if aweights is None else _weights(aweights, "aweights", n)
    if f is None and a is None:
        fact: Any = n - ddof
        if fact <= 0:
            warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
            fact = 0.0
        x = x - x.mean(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.float64(1) / np.float64(fact)
        return squeeze(dot(x, x.T.conj()) * scale)
    w = a if f is None else (f if a is None else f * a)
    total = w.sum()
    fact = total - ddof if a is None else total - ddof * (w * a).sum() / total
    x = x - average(x, axis=1, weights=w, keepdims=True)
    return squeeze(dot(x, (x * w).T.conj()) / fact)


def corrcoef(x: Any, y: Any = None, rowvar: Any = 1) -> Array:
    """Return the correlation coefficients of variables.

    Parameters
    ----------
    x, y
        Observations: each row is a variable.
    rowvar
        False if each column is one.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.corrcoef(da.from_array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).compute()
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    from oxidask.array.creation import diagonal
    from oxidask.array.ufunc import real, sqrt

    c = cov(x, y, rowvar)
    if c.shape == ():
        return c / c
    variances = diagonal(c)
    deviations = sqrt(real(variances) if c.dtype.kind == "c" else variances)
    return c / deviations[:, None] / deviations[None, :]
