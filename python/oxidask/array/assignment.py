"""Assignment to parts of an array: a new expression behind the same object."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from oxidask import _native
from oxidask.array.slicing import _expanded, is_mask, sanitize_index

if TYPE_CHECKING:
    from oxidask.array.core import Array

__all__ = ["setitem"]


def setitem(x: Array, index: Any, value: Any) -> Array:
    """Return the array that `x` is after ``x[index] = value``.

    Parameters
    ----------
    x
        The array.
    index
        Integers, slices, and at most one array of integers or booleans, of one axis; or one boolean
        array of the shape of `x`.
    value
        What is assigned: it is broadcast to what is indexed.
    """
    from oxidask.array.core import Array, asanyarray

    if value is np.ma.masked:
        value = np.ma.masked_all((), dtype=x.dtype)
    if not isinstance(value, Array):
        _check_scalar(x, value)
        value = asanyarray(value)
    parts = index if isinstance(index, tuple) else (index,)
    parts = tuple(part if isinstance(part, Array) else sanitize_index(part) for part in parts)
    for part in parts:
        if isinstance(part, (Array, np.ndarray)) and part.ndim == 0:
            raise NotImplementedError(
                "Assignment by a scalar array: use an integer, or an array of one axis"
            )
        if part is None:
            raise NotImplementedError("Assignment with a new axis: leave out the None")
    if len(parts) == 1 and isinstance(parts[0], Array) and parts[0].dtype.kind in "fc":
        # Only truth can be meant; NumPy knows no such index.
        parts = (parts[0].astype(bool),)
    if (
        len(parts) == 1
        and is_mask(parts[0])
        and (parts[0].ndim == x.ndim and (x.ndim > 1 or isinstance(parts[0], Array)))
    ):
        return _set_where(x, parts[0], value)
    value = _cast(value, x)
    native: list[Any] = []
    for axis, part in enumerate(_expanded(x, parts)):
        if isinstance(part, np.ndarray):
            part = _positions(part, x.shape[axis], axis)
        native.append(part._expr if isinstance(part, Array) else part)
    if any(math.isnan(n) for n in x.shape):
        raise ValueError(
            f"Arrays chunk sizes are unknown: {x.shape}\n\nA possible solution:\n  "
            "x.compute_chunk_sizes()"
        )
    expr = _native.array_setitem(x._expr, native, value._expr)
    return _result(x, expr, value)


def _check_scalar(x: Array, value: Any) -> None:
    """Refuse what no integer stands for, as NumPy does."""
    if x.dtype.kind in "iu" and isinstance(value, (float, np.floating)):
        if math.isnan(value):
            raise ValueError("cannot convert float NaN to integer")
        if math.isinf(value):
            raise ValueError("cannot convert float infinity to integer")


def _cast(value: Array, x: Array) -> Array:
    from oxidask.array.core import native_typestr

    typestr = native_typestr(x.dtype)
    if value.dtype == x.dtype or typestr is None or type(value._meta) is not np.ndarray:
        return value
    try:
        return value._like(_native.array_astype(value._expr, typestr))
    except _native.NoKernel:
        return value


def _positions(part: Any, n: Any, axis: int) -> Array:
    """Return positions that are known as an array of one block."""
    from oxidask.array.core import asanyarray

    if part.ndim != 1:
        raise IndexError(f"Assignment takes index arrays of one axis, not of shape {part.shape}")
    if part.dtype == bool:
        if len(part) != n:
            raise IndexError(
                f"boolean index did not match indexed array along axis {axis}; size of axis is {n} "
                f"but size of corresponding boolean axis is {len(part)}"
            )
        (part,) = np.nonzero(part)
    outside = part[(part < -n) | (part >= n)]
    if len(outside):
        raise IndexError(f"index {outside[0]} is out of bounds for axis {axis} with size {n}")
    return asanyarray(part.astype(np.int64))


def _set_where(x: Array, mask: Any, value: Array) -> Array:
    """Assign one value where a mask of the array's shape is true."""
    from oxidask.array.core import asanyarray, elemwise

    mask = asanyarray(mask)
    for axis, (n, m) in enumerate(zip(x.shape, mask.shape, strict=True)):
        if n != m and not (math.isnan(n) and math.isnan(m)):
            raise IndexError(
                f"boolean index did not match indexed array along axis {axis}; size of axis is {n} "
                f"but size of corresponding boolean axis is {m}"
            )
    if value.size != 1 or value.ndim > 1:
        raise ValueError(
            "Assignment by a boolean array takes one value: for others use oxidask.array.where, "
            f"got a value of shape {value.shape}"
        )
    if value.ndim:
        value = value[0]
    value = _cast(value, x)
    plain = type(x._meta) is np.ndarray and type(value._meta) is np.ndarray
    if plain and value.dtype == x.dtype:
        try:
            exprs = [mask._expr, value._expr, x._expr]
            return x._like(_native.array_ufunc("where", exprs))
        except _native.NoKernel:
            pass
    result = elemwise(_where_set, x, mask, value, dtype=x.dtype)
    result._meta = _result_meta(x, value)
    return result  # type: ignore[no-any-return]


def _where_set(block: Any, mask: Any, value: Any) -> Any:
    """Return a copy of a block with the elements where `mask` is true replaced by `value`."""
    masked = np.ma.isMaskedArray(value) and np.ma.getmaskarray(value).all()
    if masked and not np.ma.isMaskedArray(block):
        block = np.ma.array(block)
    result = block.copy()
    result[np.asarray(mask, dtype=bool)] = np.ma.masked if masked else value
    return result


def _result_meta(x: Array, value: Array) -> Any:
    if isinstance(value._meta, np.ma.MaskedArray) and not isinstance(x._meta, np.ma.MaskedArray):
        return np.ma.array(x._meta)
    return x._meta


def _result(x: Array, expr: Any, value: Array) -> Array:
    from oxidask.array.core import new_array

    return new_array(expr, _result_meta(x, value))
