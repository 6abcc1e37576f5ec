"""Percentiles: of lists of anything that has an order, and over axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from oxidask.array._quantiles import nanpercentile, percentiles
from oxidask.array.core import Array, asanyarray, blockwise_layer
from oxidask.tokenize import tokenize

__all__ = ["nanpercentile", "percentile"]


def percentile(
    a: Any, q: Any, method: str = "linear", internal_method: str = "default", **kwargs: Any
) -> Array:
    """Return percentiles of a one-dimensional array, or over axes, exactly.

    Parameters
    ----------
    a
        The array.  What is reduced is brought to one task.
    q
        The percentiles, 0 to 100: a number or a sequence.
    method
        NumPy's method of going between elements: ``"linear"``, ``"lower"``, ``"higher"``,
        ``"midpoint"``, ``"nearest"``, ...
    internal_method
        Dask's choice of an approximation; here all of them are exact.
    **kwargs
        For arrays of several dimensions, what :func:`oxidask.array.quantile` takes: ``axis``,
        ``keepdims``, ``weights``, ...

    Notes
    -----
    Differs from Dask, whose percentiles are merged from those of chunks and so approximate.  Text
    and other elements that have an order but no arithmetic take the nearest element.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.percentile(da.ones(16, chunks=4), [0, 50]).compute()
    array([1., 1.])
    """
    if "interpolation" in kwargs:
        method = kwargs.pop("interpolation")
    a = asanyarray(a)
    if a.ndim != 1 or kwargs.keys() & {"axis", "keepdims", "weights", "out"}:
        return percentiles(np.percentile, a, q, method=method, **kwargs, scale=100)
    if kwargs:
        raise TypeError(f"percentile() got an unexpected keyword argument {next(iter(kwargs))!r}")
    if internal_method not in {"default", "dask", "tdigest"}:
        raise ValueError(
            f"internal_method must be one of 'default', 'dask', 'tdigest', got {internal_method!r}"
        )
    single = np.ndim(q) == 0
    wanted = np.asarray(q, dtype=np.float64)
    if wanted.size and not ((wanted >= 0) & (wanted <= 100)).all():
        raise ValueError("Percentiles must be in the range [0, 100]")
    has_arithmetic = a.dtype.kind in "biufc"
    if has_arithmetic:
        dtype = np.percentile(np.ones(1, dtype=a.dtype), 50, method=method).dtype  # type: ignore[call-overload]
    else:
        dtype = a.dtype
        method = "nearest" if method == "linear" else method
    name = f"percentile-{tokenize(a, wanted, method, single)}"
    meta = np.empty((0,) * wanted.ndim, dtype=dtype)
    function = partial(_of_blocks, q=wanted, method=method, dtype=dtype)
    args = [("blocks", a, [-1], [True])]
    return blockwise_layer(name, function, args, tuple((n,) for n in wanted.shape), meta)


def _of_blocks(blocks: Sequence[Any], q: Any, method: str, dtype: Any) -> Any:
    values = np.concatenate([np.asarray(block) for block in blocks])
    if not q.size:
        return np.empty(q.shape, dtype=dtype)
    if not len(values):
        raise ValueError("percentile of an array without elements")
    if values.dtype.kind in "biufc":
        return np.percentile(values, q, method=method)  # type: ignore[call-overload]
    ordered = np.sort(values)
    at = q / 100 * (len(ordered) - 1)
    rounded = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}.get(method)
    if rounded is None:
        raise TypeError(f"percentiles of {values.dtype} by {method!r}: use 'nearest' or 'lower'")
    return ordered[rounded(at).astype(np.intp)]
