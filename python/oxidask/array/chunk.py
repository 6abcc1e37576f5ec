"""Functions of single blocks, under the names by which graphs and other code know them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "astype",
    "coarsen",
    "getitem",
    "keepdims_wrapper",
    "max",
    "mean",
    "min",
    "nanargmax",
    "nanargmin",
    "nanmax",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
    "prod",
    "std",
    "sum",
    "topk",
    "trim",
    "var",
    "view",
]

sum = np.sum
prod = np.prod
min = np.min
max = np.max
any = np.any
all = np.all
mean = np.mean
std = np.std
var = np.var
argmin = np.argmin
argmax = np.argmax
nanargmin = np.nanargmin
nanargmax = np.nanargmax
nansum = np.nansum
nanprod = np.nanprod
nanmin = np.nanmin
nanmax = np.nanmax
nanstd = np.nanstd
nanvar = np.nanvar


def keepdims_wrapper(a_callable: Callable[..., Any]) -> Callable[..., Any]:
    """Return a reduction that knows ``keepdims`` around one that doesn't.

    Examples
    --------
    >>> import numpy as np
    >>> keepdims_wrapper(lambda x, axis: np.median(x, axis))(np.ones((2, 3)), axis=0, keepdims=True)
    array([[1., 1., 1.]])
    """

    @wraps(a_callable)
    def wrapper(x: Any, axis: Any = None, keepdims: bool = False, **kwargs: Any) -> Any:
        result = a_callable(x, axis=axis, **kwargs)
        if not keepdims:
            return result
        if axis is None:
            axes: Sequence[int] = range(x.ndim)
        else:
            axes = axis if isinstance(axis, (tuple, list)) else (axis,)
        return np.expand_dims(result, tuple(axes))

    return wrapper


def coarsen(
    reduction: Callable[..., Any],
    x: Any,
    axes: dict[int, int],
    trim_excess: bool = False,
    **kwargs: Any,
) -> Any:
    """Reduce windows of neighbours: ``axes`` says how many along each axis.

    Examples
    --------
    >>> import numpy as np
    >>> coarsen(np.sum, np.arange(6), {0: 2})
    array([1, 5, 9])
    """
    if trim_excess:
        x = trim(x, axes)
    shape: list[int] = []
    for axis, extent in enumerate(x.shape):
        window = axes.get(axis, 1)
        if extent % window:
            raise ValueError(
                f"axis {axis} of extent {extent} has no whole windows of {window}: "
                "pass trim_excess=True"
            )
        shape += [extent // window, window]
    return reduction(x.reshape(shape), axis=tuple(range(1, 2 * x.ndim, 2)), **kwargs)


def trim(x: Any, axes: dict[int, int] | None = None) -> Any:
    """Leave out what does not fill a window: see :func:`coarsen`.

    Examples
    --------
    >>> import numpy as np
    >>> trim(np.arange(7), {0: 3})
    array([0, 1, 2, 3, 4, 5])
    """
    windows = axes or {}
    return x[tuple(slice(0, n - n % windows.get(axis, 1)) for axis, n in enumerate(x.shape))]


def topk(a: Any, k: int, axis: Any, keepdims: bool = True) -> Any:
    """Return the `k` greatest elements in no order, or the ``-k`` least.

    Examples
    --------
    >>> import numpy as np
    >>> sorted(topk(np.array([3, 1, 2]), 2, 0).tolist())
    [2, 3]
    """
    axis = axis[0] if isinstance(axis, (tuple, list)) else axis
    if abs(k) >= a.shape[axis]:
        return a
    parts = np.partition(a, -k, axis=axis)
    kept = slice(-k, None) if k > 0 else slice(None, -k)
    return parts[tuple(kept if i == axis % a.ndim else slice(None) for i in range(a.ndim))]


def view(x: Any, dtype: Any, order: str = "C") -> Any:
    """Return the bytes of a block under another dtype.

    Examples
    --------
    >>> import numpy as np
    >>> view(np.zeros(2, dtype="i8"), "i4").shape
    (4,)
    """
    if order == "C":
        return np.ascontiguousarray(x).view(dtype)
    return np.asfortranarray(x).T.view(dtype).T


def astype(x: Any, astype_dtype: Any = None, **kwargs: Any) -> Any:
    """Return a block under another dtype.

    Examples
    --------
    >>> import numpy as np
    >>> astype(np.ones(1), "i8")
    array([1])
    """
    return x.astype(astype_dtype, **kwargs)


def getitem(obj: Any, index: Any) -> Any:
    """Return a part of a block, copied if it is small beside what it would keep alive.

    Examples
    --------
    >>> import numpy as np
    >>> getitem(np.arange(4), slice(1, 3))
    array([1, 2])
    """
    result = obj[index]
    if (
        isinstance(result, np.ndarray)
        and result.base is not None
        and (2 * result.nbytes <= getattr(obj, "nbytes", 0))
    ):
        return result.copy()
    return result
