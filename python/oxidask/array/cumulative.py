"""Running sums and products."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array.core import Array, asanyarray, blockwise_layer, elemwise, new_array
from oxidask.tokenize import tokenize

__all__ = ["cumprod", "cumreduction", "cumsum", "nancumprod", "nancumsum"]

_METHODS = ("sequential", "blelloch")


def _prepared(x: Any, axis: int | None, method: str) -> tuple[Array, int]:
    if method not in _METHODS:
        raise ValueError(
            f'Invalid method for cumreduction.  Expected one of {_METHODS}, got: "{method}"'
        )
    x = asanyarray(x)
    if axis is None:
        return (x if x.ndim == 1 else x.ravel()), 0
    if not -x.ndim <= axis < x.ndim:
        raise np.exceptions.AxisError(axis, x.ndim)
    return x, axis % x.ndim


def _into(out: Any, result: Array) -> Array:
    """Put a result into an array given as ``out``."""
    if out is None:
        return result
    if isinstance(out, tuple):
        if len(out) > 1:
            raise NotImplementedError("The out parameter is not fully supported: give one array")
        (out,) = out
    if not isinstance(out, Array):
        raise NotImplementedError(
            f"The out parameter is not fully supported: it takes an array of ours, "
            f"not {type(out).__name__}"
        )
    if out.shape != result.shape:
        raise ValueError(
            f"Mismatched shapes between result and out parameter: out={out.shape}, "
            f"result={result.shape}"
        )
    out.__dict__.clear()
    out._expr, out._meta = result._expr, result._meta
    return result


def _cumulate(name: str, x: Any, axis: int | None, dtype: Any, out: Any, method: str) -> Array:
    x, axis = _prepared(x, axis, method)
    function = getattr(np, name)
    meta = function(x._meta, axis=axis, dtype=dtype)
    if name.startswith("nan") and x.dtype.kind in "fc" and meta.dtype.kind in "biu":
        # NaN goes before the cast does: there is none among integers.
        x = elemwise(np.where, elemwise(np.isnan, x), x.dtype.type(name == "nancumprod"), x)
    if x.dtype != meta.dtype:
        x = x.astype(meta.dtype)
    plain = name[3:] if name.startswith("nan") and meta.dtype.kind not in "fc" else name
    result = new_array(_native.array_cumulate(x._expr, plain, axis), meta)
    return _into(out, result)


def cumsum(
    x: Any, axis: int | None = None, dtype: Any = None, out: Any = None, method: str = "sequential"
) -> Array:
    """Return the running sum along an axis.

    Parameters
    ----------
    x
        An array.
    axis
        The axis; None for the flattened array.
    dtype
        The dtype of the sums.
    out
        An array of ours to hold the result.
    method
        ``sequential`` or ``blelloch``: both run as one scan over blocks' totals.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.cumsum(da.ones(4, chunks=2), axis=0).compute()
    array([1., 2., 3., 4.])
    """
    return _cumulate("cumsum", x, axis, dtype, out, method)


def cumprod(
    x: Any, axis: int | None = None, dtype: Any = None, out: Any = None, method: str = "sequential"
) -> Array:
    """Return the running product along an axis.

    Parameters
    ----------
    x, axis, dtype, out, method
        As of :func:`cumsum`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.cumprod(da.from_array(np.array([1, 2, 3]), chunks=2), axis=0).compute()
    array([1, 2, 6])
    """
    return _cumulate("cumprod", x, axis, dtype, out, method)


def nancumsum(
    x: Any,
    axis: int | None = None,
    dtype: Any = None,
    out: Any = None,
    *,
    method: str = "sequential",
) -> Array:
    """Return the running sum along an axis, with NaN as 0.

    Parameters
    ----------
    x, axis, dtype, out, method
        As of :func:`cumsum`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.nancumsum(da.from_array(np.array([1, np.nan, 3]), chunks=2), axis=0).compute()
    array([1., 1., 4.])
    """
    return _cumulate("nancumsum", x, axis, dtype, out, method)


def nancumprod(
    x: Any,
    axis: int | None = None,
    dtype: Any = None,
    out: Any = None,
    *,
    method: str = "sequential",
) -> Array:
    """Return the running product along an axis, with NaN as 1.

    Parameters
    ----------
    x, axis, dtype, out, method
        As of :func:`cumsum`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.nancumprod(da.from_array(np.array([2, np.nan, 3]), chunks=2), axis=0).compute()
    array([2., 2., 6.])
    """
    return _cumulate("nancumprod", x, axis, dtype, out, method)


def _last(block: Any, axis: int) -> Any:
    return block[(slice(None),) * axis + (slice(-1, None),)]


def _carries(totals: list[Any], binop: Callable[[Any, Any], Any]) -> list[Any]:
    """Return what comes before each block; nothing comes before the first."""
    carries: list[Any] = [None]
    for total in totals[:-1]:
        if not np.size(total):
            carries.append(carries[-1])
            continue
        carries.append(total if carries[-1] is None else binop(carries[-1], total))
    return carries


def _joined(block: Any, carries: list[Any], index: tuple[int, ...], axis: int, binop: Any) -> Any:
    carry = carries[index[axis]]
    return block if carry is None else binop(carry, block)


def cumreduction(
    func: Callable[..., Any],
    binop: Callable[[Any, Any], Any],
    ident: Any,
    x: Any,
    axis: int | None = None,
    dtype: Any = None,
    out: Any = None,
    method: str = "sequential",
    preop: Callable[..., Any] | None = None,
) -> Array:
    """Return a running reduction by a function of yours.

    Parameters
    ----------
    func
        The running reduction of one block, such as ``np.add.accumulate``: takes ``axis`` (and
        ``dtype``, if one is given).
    binop
        What joins what comes before a block with it, such as ``operator.add``.
    ident
        What changes nothing; kept for compatibility.
    x, axis, dtype, out, method
        As of :func:`cumsum`.
    preop
        The reduction of a block for ``method="blelloch"``; kept for compatibility.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.from_array(np.array([3, 1, 4, 1]), chunks=2)
    >>> da.reductions.cumreduction(np.maximum.accumulate, np.maximum, 0, x).compute()
    array([3, 3, 4, 4])
    """
    x, axis = _prepared(x, axis, method)
    function = func if dtype is None else partial(func, dtype=dtype)
    if dtype is None:
        dtype = getattr(func(np.ones((0,), dtype=x.dtype)), "dtype", x.dtype)
    meta = x._meta.astype(dtype)
    token = tokenize(func, binop, x, axis, dtype)
    axes, flat = list(range(x.ndim)), [False] * x.ndim
    scanned = blockwise_layer(
        f"cumreduction-block-{token}",
        function,
        [("blocks", x, axes, flat)],
        x.chunks,
        meta,
        kwargs={"axis": axis},
    )
    if x.numblocks[axis] == 1:
        return _into(out, scanned)
    ones = tuple((1,) * len(c) if a == axis else c for a, c in enumerate(x.chunks))
    totals = blockwise_layer(
        f"cumreduction-total-{token}",
        _last,
        [("blocks", scanned, axes, flat)],
        ones,
        meta,
        kwargs={"axis": axis},
    )
    rows = tuple((1,) if a == axis else c for a, c in enumerate(x.chunks))
    every = [-1 if a == axis else a for a in axes]
    carries = blockwise_layer(
        f"cumreduction-carries-{token}",
        _carries,
        [("blocks", totals, every, [a == axis for a in axes])],
        rows,
        np.empty((0,) * x.ndim, dtype=object),
        kwargs={"binop": binop},
    )
    first = [-2 if a == axis else a for a in axes]
    result = blockwise_layer(
        f"cumreduction-{token}",
        _joined,
        [("blocks", scanned, axes, flat), ("blocks", carries, first, flat), ("index",)],
        x.chunks,
        meta,
        kwargs={"axis": axis, "binop": binop},
    )
    return _into(out, result)
