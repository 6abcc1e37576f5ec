"""Metas: empty arrays that tell the type and dtype of blocks."""

from __future__ import annotations

import inspect
import numbers
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["compute_meta", "meta_from_array"]


def meta_from_array(x: Any, ndim: int | None = None, dtype: Any = None) -> Any:
    """Return an empty array of the type of `x`, of `ndim` axes and a dtype.

    Parameters
    ----------
    x
        An array, lazy or not, a type, or None for NumPy's.
    ndim
        Number of axes; by default that of `x`.
    dtype
        The dtype; by default that of `x`.

    Examples
    --------
    >>> meta_from_array(None, ndim=2, dtype="f4")
    array([], shape=(0, 0), dtype=float32)
    """
    x = getattr(x, "_meta", x)
    if dtype is None and x is None:
        x = np.ndarray
    if x is None:
        x = np.ndarray
    if isinstance(x, type):
        x = x(shape=(0,) * (ndim or 0), dtype=dtype)
    if isinstance(x, (list, tuple)):
        return type(x)(_meta_of_item(item) for item in x)
    if np.isscalar(x):
        x = np.array(x)
    if not (hasattr(x, "shape") and hasattr(x, "dtype") and isinstance(x.shape, tuple)):
        return x
    if ndim is None:
        ndim = x.ndim
    try:
        meta = _reduced_to(x[tuple(slice(0, 0) for _ in range(x.ndim))], ndim)
        if meta is np.ma.masked:
            meta = np.ma.array(np.empty((0,) * ndim, dtype=dtype or x.dtype), mask=True)
    except Exception:
        meta = np.empty((0,) * ndim, dtype=dtype or x.dtype)
    if np.isscalar(meta):
        meta = np.array(meta)
    return _with_dtype(meta, ndim, dtype)


def _meta_of_item(item: Any) -> Any:
    if isinstance(item, numbers.Number):
        return item
    ndim = getattr(item, "ndim", None)
    if ndim is None:
        ndim = len(item)
    return item if ndim == 0 else meta_from_array(item, ndim)


def _reduced_to(meta: Any, ndim: int) -> Any:
    """Return an empty array with axes taken away or added."""
    if ndim > meta.ndim:
        meta = meta[(Ellipsis, *(None,) * (ndim - meta.ndim))]
        return meta[tuple(slice(0, 0) for _ in range(meta.ndim))]
    if ndim < meta.ndim:
        if ndim == 0:
            return meta.sum().astype(meta.dtype) if meta.dtype.kind in "biufcm" else _zero(meta)
        return meta.reshape((0,) * ndim)
    return meta


def _zero(meta: Any) -> Any:
    return np.zeros((), dtype=meta.dtype)


def _with_dtype(meta: Any, ndim: int, dtype: Any) -> Any:
    if dtype is None or not hasattr(meta, "dtype") or meta.dtype == np.dtype(dtype):
        return meta
    if ndim == 0 and type(meta) is np.ndarray:
        return np.zeros((), dtype=dtype)
    try:
        return meta.astype(dtype)
    except (TypeError, ValueError):
        return np.empty((0,) * ndim, dtype=dtype)


def _takes(func: Any, keyword: str) -> bool:
    try:
        return keyword in inspect.signature(func).parameters
    except (TypeError, ValueError):
        return False


def compute_meta(func: Callable[..., Any], _dtype: Any, *args: Any, **kwargs: Any) -> Any:
    """Return what `func` gives for the metas of its arguments, or None if it can't tell.

    Parameters
    ----------
    func
        A function of arrays.
    _dtype
        The dtype that the result is to have; None to find out.
    *args, **kwargs
        Arguments; lazy arrays are replaced by their metas.

    Examples
    --------
    >>> compute_meta(np.add, None, np.ones(0), np.ones(0, dtype=int)).dtype
    dtype('float64')
    """
    metas = [meta_from_array(arg) if _is_arraylike(arg) else arg for arg in args]
    metas_kw = {
        name: meta_from_array(arg) if _is_arraylike(arg) else arg for name, arg in kwargs.items()
    }
    if _takes(func, "computing_meta"):
        metas_kw["computing_meta"] = True
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            meta = func(*metas, **metas_kw)
        except TypeError as error:
            message = str(error)
            hints = (
                "unexpected keyword argument",
                "is an invalid keyword for",
                "Did not understand the following kwargs",
            )
            if any(hint in message for hint in hints):
                raise
            return None
        except Exception:
            return None
    if isinstance(meta, (list, tuple)):
        return None
    if _dtype is not None and getattr(meta, "dtype", None) != _dtype and hasattr(meta, "astype"):
        meta = meta.astype(_dtype)
    if np.isscalar(meta):
        meta = np.array(meta, dtype=_dtype)
    return meta


def _is_arraylike(x: Any) -> bool:
    return hasattr(x, "shape") and hasattr(x, "dtype") and not isinstance(x, (type, np.generic))
