"""Arrays of one value."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._creation_blocks import BlockShape, filled_block
from oxidask.array._meta import meta_from_array
from oxidask.array.chunks import normalize_chunks
from oxidask.array.core import Array, blockwise_layer, native_typestr, new_array
from oxidask.tokenize import tokenize

__all__ = ["broadcast_trick", "empty", "full", "ones", "wrap", "zeros"]


def filled(
    prefix: str,
    shape: Any,
    fill: Any,
    dtype: Any,
    chunks: Any = "auto",
    name: str | None = None,
    meta: Any = None,
) -> Array:
    """Return an array of one value.

    Parameters
    ----------
    prefix
        Name of the function of NumPy's that makes such a block, such as ``"ones_like"``.
    shape
        An extent, or extents.
    fill
        The value; None for what `prefix` gives without.
    dtype
        The dtype.
    chunks
        Chunks in any form.
    name
        The array's name.
    meta
        An array of the type that blocks are to have.

    Examples
    --------
    >>> filled("ones_like", 3, 1, "i4").compute()
    array([1, 1, 1], dtype=int32)
    """
    dtype = np.dtype(dtype)
    shape = _as_shape(shape)
    blocks = normalize_chunks(chunks, shape, dtype=dtype)
    meta = meta_from_array(meta, ndim=len(shape), dtype=dtype)
    if type(meta) is np.ndarray and native_typestr(dtype) is not None:
        value = np.zeros((), dtype)
        if fill is not None:
            # As NumPy's own function does: NaN becomes some integer, with a warning.
            np.copyto(value, fill, casting="unsafe")
        expr = _native.array_full(value, blocks, prefix)
        if name is not None:
            expr = expr.renamed(name)
        return new_array(expr, meta)
    token = tokenize(prefix, blocks, fill, dtype, type(meta))
    return blockwise_layer(
        name or f"{prefix}-{token}",
        filled_block,
        [
            ("literal", getattr(np, prefix)),
            ("literal", meta),
            ("literal", (fill,) if prefix == "full_like" else None),
            ("per_block", BlockShape(blocks)),
            ("literal", dtype),
        ],
        blocks,
        meta,
    )


def _as_shape(shape: Any) -> tuple[Any, ...]:
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    if not isinstance(shape, (tuple, list)):
        shape = (shape,)
    return tuple(int(n) if n == n else n for n in shape)


def ones(
    shape: Any,
    dtype: Any = None,
    order: str = "C",
    *,
    chunks: Any = "auto",
    name: str | None = None,
    meta: Any = None,
    like: Any = None,
) -> Array:
    """Return an array of ones.

    Parameters
    ----------
    shape
        An extent, or extents.
    dtype
        The dtype; float64 by default.
    order
        Taken for NumPy's sake: how blocks lie in memory is not said.
    chunks
        Chunks in any form.
    name
        The array's name.
    meta, like
        An array of the type that blocks are to have.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.ones((2, 2), chunks=1).compute()
    array([[1., 1.],
           [1., 1.]])
    """
    return filled("ones_like", shape, 1, _dtype(dtype, meta), chunks, name, _first(meta, like))


def zeros(
    shape: Any,
    dtype: Any = None,
    order: str = "C",
    *,
    chunks: Any = "auto",
    name: str | None = None,
    meta: Any = None,
    like: Any = None,
) -> Array:
    """Return an array of zeros; for the parameters see :func:`ones`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.zeros(2, chunks=1).compute()
    array([0., 0.])
    """
    return filled("zeros_like", shape, None, _dtype(dtype, meta), chunks, name, _first(meta, like))


def empty(
    shape: Any,
    dtype: Any = None,
    order: str = "C",
    *,
    chunks: Any = "auto",
    name: str | None = None,
    meta: Any = None,
    like: Any = None,
) -> Array:
    """Return an array of any elements; for the parameters see :func:`ones`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.empty((4, 2), chunks=2).numblocks
    (2, 1)
    """
    return filled("empty_like", shape, None, _dtype(dtype, meta), chunks, name, _first(meta, like))


def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "C",
    *,
    chunks: Any = "auto",
    name: str | None = None,
    meta: Any = None,
    like: Any = None,
) -> Array:
    """Return an array of `fill_value`; for the other parameters see :func:`ones`.

    Parameters
    ----------
    fill_value
        A scalar.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.full(3, 7, chunks=2).compute()
    array([7, 7, 7])
    """
    if isinstance(fill_value, Array):
        warnings.warn(
            "The `numpy.full` function with a lazy fill value is not implemented by Dask array. "
            "The value is computed now",
            FutureWarning,
            stacklevel=2,
        )
        fill_value = fill_value.compute()
    if np.ndim(fill_value) != 0:
        raise ValueError(
            f"fill_value must be scalar. Received {type(fill_value).__name__} instead."
        )
    if dtype is None:
        if hasattr(fill_value, "dtype"):
            dtype = fill_value.dtype
        else:
            dtype = np.asarray(fill_value).dtype if meta is None else meta.dtype
    return filled("full_like", shape, fill_value, dtype, chunks, name, _first(meta, like))


def _dtype(dtype: Any, meta: Any) -> Any:
    if dtype is not None:
        return dtype
    return float if meta is None else meta.dtype


def _first(meta: Any, like: Any) -> Any:
    return getattr(like, "_meta", like) if meta is None else meta


class broadcast_trick:
    """A function that makes an array of one value, so that it makes one element seen everywhere.

    Parameters
    ----------
    func
        A function such as ``np.ones_like``.

    Examples
    --------
    >>> broadcast_trick(np.ones_like)(np.empty(0), shape=(2, 2), dtype="f4").strides
    (0, 0)
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func
        functools.update_wrapper(self, func)

    def __call__(self, *args: Any, shape: Any = None, **kwargs: Any) -> Any:
        """Apply the function."""
        like = args[0] if args else np.empty(0)
        if not isinstance(like, np.ndarray):
            like = np.empty(0)
        one = self.func(like, *args[1:], shape=(), **kwargs)
        return np.broadcast_to(one, shape)

    def __reduce__(self) -> Any:
        return broadcast_trick, (self.func,)


def wrap(wrap_func: Any, func: Callable[..., Any], **kwargs: Any) -> Callable[..., Array]:
    """Return a function that makes lazy arrays from one that makes NumPy's.

    Parameters
    ----------
    wrap_func
        Taken for Dask's sake.
    func
        A function of a shape, such as ``np.ones``.
    **kwargs
        Keywords for every call.

    Examples
    --------
    >>> wrap(None, np.ones)((2,), chunks=1, dtype=float).compute()
    array([1., 1.])
    """

    @functools.wraps(func)
    def made(
        shape: Any,
        *args: Any,
        chunks: Any = "auto",
        dtype: Any = None,
        name: Any = None,
        **more: Any,
    ) -> Array:
        keywords = {**kwargs, **more}
        if dtype is None:
            dtype = func((0,) * len(_as_shape(shape)), *args, **keywords).dtype
        blocks = normalize_chunks(chunks, _as_shape(shape), dtype=dtype)
        token = tokenize(func, args, blocks, dtype, keywords)
        return blockwise_layer(
            name or f"{func.__name__}-{token}",
            func,
            [("per_block", BlockShape(blocks)), *(("literal", arg) for arg in args)],
            blocks,
            np.empty((0,) * len(blocks), dtype=dtype),
            {"dtype": dtype, **keywords},
        )

    return made
