"""Masked arrays: NumPy's ``ma`` module over chunks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from oxidask._tokenize_arrays import normalize_masked_array
from oxidask.array.core import Array, asanyarray, elemwise
from oxidask.utils import derived_from

__all__ = [
    "average",
    "count",
    "empty_like",
    "filled",
    "fix_invalid",
    "getdata",
    "getmaskarray",
    "masked_array",
    "masked_equal",
    "masked_greater",
    "masked_greater_equal",
    "masked_inside",
    "masked_invalid",
    "masked_less",
    "masked_less_equal",
    "masked_not_equal",
    "masked_outside",
    "masked_values",
    "masked_where",
    "nonzero",
    "normalize_masked_array",
    "ones_like",
    "set_fill_value",
    "where",
    "zeros_like",
]


@derived_from(np.ma)
def filled(a: Any, fill_value: Any = None) -> Array:
    """Return the data with masked elements replaced."""
    a = asanyarray(a)
    return a.map_blocks(np.ma.filled, fill_value=fill_value)  # type: ignore[no-any-return]


def _compared(function: Callable[..., Any]) -> Callable[..., Array]:
    @wraps(function)
    def masked(x: Any, value: Any) -> Array:
        x, value = asanyarray(x), value if np.isscalar(value) else asanyarray(value)
        return elemwise(function, x, value)  # type: ignore[no-any-return]

    return derived_from(np.ma)(masked)


masked_greater = _compared(np.ma.masked_greater)
masked_greater_equal = _compared(np.ma.masked_greater_equal)
masked_less = _compared(np.ma.masked_less)
masked_less_equal = _compared(np.ma.masked_less_equal)
masked_not_equal = _compared(np.ma.masked_not_equal)


@derived_from(np.ma)
def masked_equal(a: Any, value: Any) -> Array:
    """Mask elements that equal a value."""
    a = asanyarray(a)
    if getattr(value, "shape", ()):
        raise ValueError("da.ma.masked_equal doesn't support array `value`s")
    return a.map_blocks(np.ma.masked_equal, value, dtype=a.dtype, meta=_masked_meta(a))  # type: ignore[no-any-return]


def _masked_meta(a: Array, dtype: Any = None) -> Any:
    return np.ma.masked_array(np.empty((0,) * a.ndim, dtype=dtype or a.dtype))


@derived_from(np.ma)
def masked_invalid(a: Any) -> Array:
    """Mask nan and infinities."""
    return asanyarray(a).map_blocks(np.ma.masked_invalid)  # type: ignore[no-any-return]


@derived_from(np.ma)
def masked_inside(x: Any, v1: Any, v2: Any) -> Array:
    """Mask elements inside of an interval."""
    return asanyarray(x).map_blocks(np.ma.masked_inside, v1, v2)  # type: ignore[no-any-return]


@derived_from(np.ma)
def masked_outside(x: Any, v1: Any, v2: Any) -> Array:
    """Mask elements outside of an interval."""
    return asanyarray(x).map_blocks(np.ma.masked_outside, v1, v2)  # type: ignore[no-any-return]


@derived_from(np.ma)
def masked_where(condition: Any, a: Any) -> Array:
    """Mask elements where a condition holds."""
    shape = getattr(condition, "shape", ())
    a = asanyarray(a)
    if shape and shape != a.shape:
        raise IndexError(
            f"Inconsistent shape between the condition and the input (got {shape} and {a.shape})"
        )
    if not shape and not isinstance(condition, (bool, np.bool_)) and np.ndim(condition):
        condition = asanyarray(condition)
    return elemwise(np.ma.masked_where, condition, a)  # type: ignore[no-any-return]


@derived_from(np.ma)
def masked_values(
    x: Any, value: Any, rtol: float = 1e-05, atol: float = 1e-08, shrink: bool = True
) -> Array:
    """Mask floating point elements that are close to a value."""
    x = asanyarray(x)
    if getattr(value, "shape", ()):
        raise ValueError("da.ma.masked_values doesn't support array `value`s")
    return x.map_blocks(  # type: ignore[no-any-return]
        np.ma.masked_values, value, rtol=rtol, atol=atol, shrink=shrink
    )


@derived_from(np.ma)
def fix_invalid(a: Any, fill_value: Any = None) -> Array:
    """Mask nan and infinities, with a fill value in their places."""
    return asanyarray(a).map_blocks(np.ma.fix_invalid, fill_value=fill_value)  # type: ignore[no-any-return]


@derived_from(np.ma)
def getdata(a: Any) -> Array:
    """Return the data without the mask."""
    return asanyarray(a).map_blocks(np.ma.getdata)  # type: ignore[no-any-return]


@derived_from(np.ma)
def getmaskarray(a: Any) -> Array:
    """Return the mask."""
    return asanyarray(a).map_blocks(np.ma.getmaskarray)  # type: ignore[no-any-return]


def _masked_block(
    data: Any, mask: Any = np.ma.nomask, masked_dtype: Any = None, **kwargs: Any
) -> Any:
    kwargs.pop("chunks", None)
    if np.ma.isMaskedArray(mask):
        mask = np.ma.getdata(mask)
    return np.ma.masked_array(data, mask=mask, dtype=masked_dtype, **kwargs)


@derived_from(np.ma)
def masked_array(
    data: Any, mask: Any = np.ma.nomask, fill_value: Any = None, **kwargs: Any
) -> Array:
    """Return data with a mask."""
    from oxidask.array.blockwise import blockwise

    chunks = kwargs.pop("chunks", None)
    data = asanyarray(data)
    if chunks is not None:
        data = data.rechunk(chunks)
    letters = tuple(range(data.ndim))
    dtype = kwargs.pop("dtype", None)
    keywords = {"masked_dtype": dtype, **kwargs}
    if fill_value is not None and getattr(fill_value, "shape", ()):
        raise ValueError("non-scalar fill_value not supported")
    if isinstance(fill_value, Array):
        fill_value = fill_value.compute()
    keywords["fill_value"] = fill_value
    pairs: list[Any] = [data, letters]
    if mask is not np.ma.nomask:
        mask = asanyarray(mask)
        if mask.size == 1:
            mask = mask.reshape((1,) * data.ndim)
        elif mask.shape != data.shape:
            raise np.ma.MaskError(
                f"Mask and data not compatible: data shape is {data.shape}, and mask shape is "
                f"{mask.shape}."
            )
        pairs += [mask, letters]
    return blockwise(_masked_block, letters, *pairs, dtype=dtype or data.dtype, **keywords)


def _with_fill_value(x: Any, fill_value: Any) -> Any:
    if isinstance(x, np.ma.masked_array):
        x = x.copy()
        np.ma.set_fill_value(x, fill_value=fill_value)
    return x


@derived_from(np.ma)
def set_fill_value(a: Any, fill_value: Any) -> None:
    """Set what masked elements are replaced with."""
    a = asanyarray(a)
    if getattr(fill_value, "shape", ()):
        raise ValueError("da.ma.set_fill_value doesn't support array `value`s")
    fill_value = np.ma.core._check_fill_value(fill_value, a.dtype)
    a._become(a.map_blocks(_with_fill_value, fill_value, dtype=a.dtype, meta=a._meta))


@derived_from(np.ma)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    keepdims: bool = False,
) -> Any:
    """Return the weighted average of what is not masked."""
    a = asanyarray(a)
    mask = getmaskarray(a)
    if weights is None:
        weights = asanyarray(np.ones((), dtype=np.result_type(a.dtype, float)))
    else:
        weights = asanyarray(weights)
        if weights.shape != a.shape:
            if axis is None:
                raise TypeError("Axis must be specified when shapes of a and weights differ.")
            if weights.ndim != 1 or weights.shape[0] != a.shape[axis]:
                raise ValueError("Weights must have the shape of a, or of its axis.")
            weights = weights[
                tuple(slice(None) if i == axis % a.ndim else None for i in range(a.ndim))
            ]
    weights = weights * ~mask
    total = weights.sum(axis=axis, keepdims=keepdims)
    dtype = np.result_type(a.dtype, weights.dtype, float)
    mean = (a * weights).sum(axis=axis, keepdims=keepdims, dtype=dtype) / total
    return (mean, total) if returned else mean


def _count_block(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.ma.count(x, axis=axis, keepdims=True)


@derived_from(np.ma)
def count(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None) -> Array:
    """Return how many elements are not masked."""
    from oxidask.array import chunk
    from oxidask.array.reductions import reduction

    return reduction(  # type: ignore[no-any-return]
        asanyarray(a),
        _count_block,
        chunk.sum,
        axis=axis,
        keepdims=keepdims,
        dtype=np.intp,
        split_every=split_every,
        out=None,
    )


@derived_from(np.ma.core)
def ones_like(a: Any, **kwargs: Any) -> Array:
    """Return ones like a masked array."""
    return asanyarray(a).map_blocks(np.ma.core.ones_like, **kwargs)  # type: ignore[no-any-return]


@derived_from(np.ma.core)
def zeros_like(a: Any, **kwargs: Any) -> Array:
    """Return zeros like a masked array."""
    return asanyarray(a).map_blocks(np.ma.core.zeros_like, **kwargs)  # type: ignore[no-any-return]


@derived_from(np.ma.core)
def empty_like(a: Any, **kwargs: Any) -> Array:
    """Return any elements like a masked array."""
    return asanyarray(a).map_blocks(np.ma.core.empty_like, **kwargs)  # type: ignore[no-any-return]


@derived_from(np.ma.core)
def nonzero(a: Any) -> Any:
    """Return the places of elements that are neither zero nor masked."""
    from oxidask.array.routines import nonzero

    return nonzero(getdata(a) * ~getmaskarray(a))


@derived_from(np.ma.core)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Choose elements of two arrays, keeping their masks."""
    if (x is None) != (y is None):
        raise ValueError("either both or neither of x and y should be given")
    if x is None:
        return nonzero(condition)
    return elemwise(np.ma.where, condition, x, y)
