"""Where extremes are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask.array._reduce import handle_out, normalized_axes, reduce
from oxidask.array._tree import arg_tree
from oxidask.array.core import Array, asanyarray

__all__ = ["arg_reduction", "argmax", "argmin", "nanargmax", "nanargmin"]


def _arg(name: str, a: Any, axis: Any, keepdims: bool, split_every: Any, out: Any) -> Array:
    if axis is not None and not isinstance(axis, (int, np.integer)):
        raise TypeError(f"axis must be either `None` or int, got '{axis}'")
    return reduce(name, a, axis, keepdims, split_every, out)


def argmin(
    a: Any,
    axis: int | None = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
) -> Array:
    """Return where the least element is; see :func:`numpy.argmin`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.argmin(da.ones(4, chunks=2)).compute()
    np.int64(0)
    """
    return _arg("argmin", a, axis, keepdims, split_every, out)


def argmax(
    a: Any,
    axis: int | None = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
) -> Array:
    """Return where the greatest element is; see :func:`numpy.argmax`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.argmax(da.ones(4, chunks=2)).compute()
    np.int64(0)
    """
    return _arg("argmax", a, axis, keepdims, split_every, out)


def nanargmin(
    a: Any,
    axis: int | None = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
) -> Array:
    """Return where the least element that is no NaN is; see :func:`numpy.nanargmin`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.nanargmin(da.ones(4, chunks=2)).compute()
    np.int64(0)
    """
    return _arg("nanargmin", a, axis, keepdims, split_every, out)


def nanargmax(
    a: Any,
    axis: int | None = None,
    keepdims: bool = False,
    split_every: Any = None,
    out: Any = None,
) -> Array:
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
    ...     places = offset_info + x.argmax(axis, keepdims=True)
    ...     return {"v": x.max(axis, keepdims=True), "i": places}
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
    axes = normalized_axes(axis, x.ndim)
    result = arg_tree(x, chunk, combine, agg, axes, axis is None, keepdims, split_every)
    return handle_out(out, result)
