"""Metas: empty arrays that tell the type and dtype of blocks."""

from __future__ import annotations

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
    if isinstance(x, type) and not issubclass(x, np.generic):
        try:
            x = x(shape=(0,) * (ndim or 0), dtype=dtype)
        except TypeError:
            x = None
    if x is None or np.isscalar(x) or isinstance(x, (list, tuple, type)):
        if dtype is None and x is not None:
            dtype = np.asarray(x).dtype if not isinstance(x, type) else np.dtype(x)
        return np.empty((0,) * (ndim or 0), dtype=dtype if dtype is not None else float)
    if not hasattr(x, "shape") or not hasattr(x, "dtype") or not hasattr(x, "ndim"):
        return np.empty((0,) * (ndim or 0), dtype=dtype if dtype is not None else object)
    if ndim is None:
        ndim = x.ndim
    meta = x
    if isinstance(meta, np.generic):
        meta = np.asarray(meta)
    try:
        meta = meta[tuple(slice(0, 0) for _ in meta.shape)]
        if ndim < meta.ndim:
            meta = meta.sum(axis=tuple(range(meta.ndim - ndim))) if meta.dtype.kind in "biufc" else (
                meta.reshape((0,) * ndim)
            )
        elif ndim > meta.ndim:
            meta = meta[(Ellipsis, *(None,) * (ndim - meta.ndim))]
            meta = meta[tuple(slice(0, 0) for _ in meta.shape)]
        if np.isscalar(meta) or isinstance(meta, np.generic):
            meta = np.array(meta)
    except Exception:
        meta = np.empty((0,) * ndim, dtype=dtype or x.dtype)
    if dtype is not None and meta.dtype != np.dtype(dtype):
        try:
            meta = meta.astype(dtype)
        except (TypeError, ValueError):
            meta = np.empty((0,) * ndim, dtype=dtype)
    return meta


def compute_meta(func: Callable[..., Any], dtype: Any, *args: Any, **kwargs: Any) -> Any:
    """Return what `func` gives for the metas of its arguments, or None if it can't tell.

    Parameters
    ----------
    func
        A function of arrays.
    dtype
        The dtype that the result is to have; None to find out.
    *args, **kwargs
        Arguments; lazy arrays are replaced by their metas.

    Examples
    --------
    >>> compute_meta(np.add, None, np.ones(0), np.ones(0, dtype=int)).dtype
    dtype('float64')
    """
    metas = [getattr(arg, "_meta", arg) for arg in args]
    metas_kw = {name: getattr(arg, "_meta", arg) for name, arg in kwargs.items()}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            meta = func(*metas, **metas_kw)
        except TypeError as error:
            message = str(error)
            if any(hint in message for hint in ("unexpected keyword", "got an unexpected", "positional argument")):
                raise
            return None
        except Exception:
            return None
    if dtype is not None and getattr(meta, "dtype", None) != dtype:
        if hasattr(meta, "astype"):
            meta = meta.astype(dtype)
        elif np.isscalar(meta):
            meta = np.array(meta, dtype=dtype)
    if np.isscalar(meta):
        meta = np.array(meta)
    return meta
