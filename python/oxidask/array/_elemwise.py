"""Elementwise functions that NumPy computes, block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask.array.core import Array
from oxidask.base import is_dask_collection
from oxidask.tokenize import tokenize
from oxidask.utils import funcname

__all__ = ["broadcast_shapes", "elemwise_python", "handle_out", "is_scalar_for_elemwise"]


def is_scalar_for_elemwise(arg: Any) -> bool:
    """Whether an operand goes to every block as it is.

    Examples
    --------
    >>> is_scalar_for_elemwise(42), is_scalar_for_elemwise(np.ones(2))
    (True, False)
    """
    if is_dask_collection(arg):
        return False
    ndim = getattr(arg, "ndim", None)
    if isinstance(arg, np.dtype) or arg is None or isinstance(arg, (str, bytes)):
        return True
    if ndim is not None:
        # A masked 0-d array is no number: it has a shape to keep.
        return bool(ndim == 0 and not isinstance(arg, np.ma.MaskedArray))
    return bool(np.isscalar(arg) or not hasattr(arg, "shape"))


def broadcast_shapes(*shapes: Any) -> tuple[Any, ...]:
    """Return the shape that arrays of such shapes broadcast to; nan is an extent that is not known.

    Examples
    --------
    >>> broadcast_shapes((3, 1), (4,))
    (3, 4)
    """
    if len(shapes) == 1:
        return tuple(shapes[0])
    result = []
    ndim = max((len(shape) for shape in shapes), default=0)
    for axis in range(-ndim, 0):
        extents = [shape[axis] for shape in shapes if len(shape) >= -axis]
        if any(n != n for n in extents):
            if any(n > 1 for n in extents):
                raise ValueError(_no_broadcast(shapes))
            result.append(float("nan"))
            continue
        longest = 0 if 0 in extents else max(extents)
        if any(n not in (1, longest, 0) for n in extents) or (
            longest == 0 and any(n > 1 for n in extents)
        ):
            raise ValueError(_no_broadcast(shapes))
        result.append(longest)
    return tuple(result)


def _no_broadcast(shapes: Sequence[Any]) -> str:
    listed = " ".join(str(tuple(shape)) for shape in shapes)
    hint = "; compute_chunk_sizes() tells unknown extents" if "nan" in listed else ""
    return f"operands could not be broadcast together with shapes {listed}{hint}"


def _normalized(arg: Any) -> Any:
    if isinstance(arg, (list, tuple)):
        return np.asarray(arg)
    if isinstance(arg, (Array, np.ndarray)) or is_scalar_for_elemwise(arg):
        return arg
    if hasattr(arg, "__dask_graph__"):
        return arg.to_dask_array() if hasattr(arg, "to_dask_array") else arg
    if hasattr(arg, "__array_function__") or hasattr(arg, "__array_ufunc__"):
        return arg
    return np.asarray(arg)


def elemwise_python(
    op: Callable[..., Any],
    *args: Any,
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    name: str | None = None,
    **kwargs: Any,
) -> Any:
    """Apply a function element by element, as NumPy would; see ``elemwise`` for the parameters."""
    from oxidask.array.blockwise import blockwise

    out = _normalized_out(out)
    where = _normalized_where(where)
    if kwargs:
        raise TypeError(
            f"{op.__name__} does not take the following keyword arguments {sorted(kwargs)}"
        )
    operands = [_normalized(arg) for arg in args]
    everything = operands if where is True else [*operands, where]
    if where is not True and out is not None:
        everything = [*everything, out]
    shapes = [() if is_scalar_for_elemwise(arg) else arg.shape for arg in everything]
    shape = broadcast_shapes(*shapes)
    letters = tuple(range(len(shape)))[::-1]
    enforce = None
    if dtype is None:
        dtype = _inferred(op, operands)
        if any(
            not is_dask_collection(arg) and getattr(arg, "dtype", None) == np.dtype(object)
            for arg in operands
        ):
            enforce = dtype
    elif isinstance(op, np.ufunc):
        op = _Typed(op, np.dtype(dtype))
    function: Callable[..., Any] = op
    if where is not True:
        function = _Where(op, out is not None)
        if out is not None:
            # What the mask leaves out is of this dtype.
            _check_castable(dtype, out)
            dtype = out.dtype
    if enforce is not None:
        function = _Enforced(function, enforce)
    name = name or f"{funcname(op)}-{tokenize(op, dtype, *everything)}"
    pairs: list[Any] = []
    for arg in everything:
        scalar = is_scalar_for_elemwise(arg)
        pairs += [arg, None if scalar else tuple(range(arg.ndim)[::-1])]
    result = blockwise(function, letters, *pairs, name=name, dtype=dtype)
    return handle_out(out, result)


def _inferred(op: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """Return the dtype that `op` gives for ones of the operands' dtypes.

    NumPy's errors are raised.
    """
    samples = [
        arg if is_scalar_for_elemwise(arg) else np.ones((1,) * max(1, arg.ndim), dtype=arg.dtype)
        for arg in operands
    ]
    with np.errstate(all="ignore"):
        result = op(*samples)
    return getattr(result, "dtype", np.dtype(type(result)))


class _Typed:
    """A ufunc that computes in a dtype."""

    def __init__(self, op: Callable[..., Any], dtype: Any) -> None:
        self.op = op
        self.dtype = dtype
        self.__name__ = op.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.op(*args, dtype=self.dtype, **kwargs)

    def __dask_tokenize__(self) -> Any:
        return "typed", self.op, str(self.dtype)


class _Where:
    """A ufunc with a mask of where it is computed, and perhaps what stands elsewhere."""

    def __init__(self, op: Callable[..., Any], has_out: bool) -> None:
        self.op = op
        self.has_out = has_out
        self.__name__ = getattr(op, "__name__", "where")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.has_out:
            *args, where, out = args  # type: ignore[assignment]
            shape = np.broadcast_shapes(*(np.shape(x) for x in (*args, where, out)))
            kwargs["out"] = np.array(np.broadcast_to(out, shape))
        else:
            *args, where = args  # type: ignore[assignment]
        return self.op(*args, where=where, **kwargs)

    def __dask_tokenize__(self) -> Any:
        return "where", self.op, self.has_out


class _Enforced:
    """A function whose result has a dtype: Python objects may give any."""

    def __init__(self, function: Callable[..., Any], dtype: Any) -> None:
        self.function = function
        self.dtype = dtype
        self.__name__ = getattr(function, "__name__", "call")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self.function(*args, **kwargs)
        if hasattr(result, "dtype") and result.dtype != self.dtype and result.dtype == object:
            return result.astype(self.dtype)
        return result

    def __dask_tokenize__(self) -> Any:
        return "enforced", self.function, str(self.dtype)


def _normalized_where(where: Any) -> Any:
    from oxidask.array.core import asarray

    return True if where is True or where is None else asarray(where)


def _normalized_out(out: Any) -> Any:
    if isinstance(out, tuple):
        if len(out) == 1:
            out = out[0]
        elif len(out) > 1:
            raise NotImplementedError("The out parameter with more than one array is not supported")
        else:
            out = None
    if not (out is None or isinstance(out, Array)):
        raise NotImplementedError(
            f"The out parameter is not fully supported. Received type {type(out).__name__}, "
            "expected Dask Array"
        )
    return out


def handle_out(out: Any, result: Array) -> Any:
    """Return `result`, or put it into `out`.

    Parameters
    ----------
    out
        An array of ours that becomes `result`, or None, or a tuple of one of these. It keeps its
        dtype where the result can be cast to that, and takes the result's where NumPy refuses.
    result
        The array.
    """
    out = _normalized_out(out)
    if out is None:
        return result
    if out.shape != result.shape:
        raise ValueError(
            "Mismatched shapes between result and out parameter. "
            f"out={out.shape}, result={result.shape}"
        )
    if out.dtype != result.dtype and np.can_cast(result.dtype, out.dtype, "same_kind"):
        result = result.astype(out.dtype)
    out._become(result)
    return out


def _check_castable(dtype: Any, out: Array) -> None:
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast a result of {np.dtype(dtype)} to the {out.dtype} of out with casting "
            "rule 'same_kind'; give an out of that dtype, or convert the result with astype"
        )
