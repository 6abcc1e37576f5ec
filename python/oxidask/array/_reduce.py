"""One reduction: by a kernel, by NumPy's functions of blocks, or of what a mask selects."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from oxidask import _native
from oxidask.array import _reduce_blocks as blocks
from oxidask.array._tree import arg_tree, reduction, split_counts
from oxidask.array.core import Array, asanyarray, elemwise, native_typestr, new_array

__all__ = ["NO_VALUE", "handle_out", "normalized_axes", "reduce"]

NO_VALUE = object()


def normalized_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes to reduce, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, (list, tuple)):
        return tuple(normalize_axis_tuple(tuple(axis), ndim))
    return (normalize_axis_index(int(axis), ndim),)


def handle_out(out: Any, result: Array) -> Array:
    """Make `out` the array that `result` is."""
    if isinstance(out, tuple):
        if len(out) != 1:
            raise NotImplementedError("The out parameter takes one array")
        out = out[0]
    if out is None:
        return result
    if not isinstance(out, Array):
        raise NotImplementedError(
            f"The out parameter must be an oxidask array, got {type(out).__name__}: "
            "assign the computed result instead"
        )
    if out.shape != result.shape:
        raise ValueError(
            f"Mismatched shapes between the result and out parameter: out={out.shape}, "
            f"result={result.shape}"
        )
    out.__dict__.clear()
    out._expr, out._meta = result._expr, result._meta
    return out


def reduce(
    name: str,
    a: Any,
    axis: Any,
    keepdims: bool,
    split_every: Any,
    out: Any,
    *,
    dtype: Any = None,
    ddof: float = 0,
    where: Any = NO_VALUE,
    initial: Any = NO_VALUE,
) -> Array:
    """Reduce by a kernel, or by NumPy's functions where there is none."""
    a = asanyarray(a)
    axes = normalized_axes(axis, a.ndim)
    if where is not NO_VALUE and where is not True:
        from oxidask.array._where import reduce_where

        result = reduce_where(name, a, axes, keepdims, split_every, dtype, ddof, where, initial)
        return handle_out(out, result)
    if dtype is not None:
        dtype = np.dtype(dtype)
        if a.dtype.kind == "c" and dtype.kind in "biuf":
            warnings.warn(
                "Casting complex values to real discards the imaginary part",
                np.exceptions.ComplexWarning,
                stacklevel=3,
            )
        if name in {"nansum", "nanprod"} and a.dtype.kind in "fc" and dtype.kind in "biu":
            # NaN goes before the cast does: there is none among integers.
            name = name.removeprefix("nan")
            a = elemwise(np.where, elemwise(np.isnan, a), a.dtype.type(name == "prod"), a)
    try:
        result = _kernel(name, a, axes, keepdims, split_every, dtype, ddof, initial)
    except _native.NoKernel:
        if initial is not NO_VALUE:
            raise NotImplementedError(
                f"initial= for an array of dtype {a.dtype}: join it to the result yourself"
            ) from None
        result = _by_numpy(name, a, axes, keepdims, split_every, dtype, ddof)
    return handle_out(out, result)


def _kernel(
    name: str,
    a: Array,
    axes: tuple[int, ...],
    keepdims: bool,
    split_every: Any,
    dtype: Any,
    ddof: float,
    initial: Any,
) -> Array:
    typestr = native_typestr(dtype)
    if type(a._meta) is not np.ndarray or (dtype is not None and typestr is None):
        raise _native.NoKernel(name)
    if (
        "arg" in name
        and len(axes) == 1
        and a.numblocks[axes[0]] == 1
        and np.isnan(a.shape[axes[0]])
    ):
        # Places in the only block are those in the array, however long it is.
        raise _native.NoKernel(name)
    if initial is NO_VALUE or initial is None:
        initial = None
    else:
        initial = np.asarray(initial)
        if initial.ndim:
            raise ValueError(f"initial must be a scalar, got an array of shape {initial.shape}")
        if native_typestr(initial.dtype) is None:
            raise _native.NoKernel(name)
    by = split_counts(split_every, axes, a.ndim)
    expr = _native.array_reduce(
        a._expr, name, list(axes), bool(keepdims), by, typestr, float(ddof), initial
    )
    return new_array(expr)


def _by_numpy(
    name: str,
    a: Array,
    axes: tuple[int, ...],
    keepdims: bool,
    split_every: Any,
    dtype: Any,
    ddof: float,
) -> Array:
    """Reduce with functions of blocks in Python."""
    if "arg" in name:
        chunk, merge = blocks.arg_functions(name)
        flat = len(axes) == a.ndim and a.ndim != 1
        last = partial(merge, last=True)
        return arg_tree(a, chunk, merge, last, axes, flat, keepdims, split_every)
    of = blocks.functions(name, ddof)
    if dtype is None:
        dtype = of.result_dtype(a._meta)
    return reduction(
        a,
        of.chunk,
        of.aggregate,
        axis=axes,
        keepdims=keepdims,
        dtype=dtype,
        split_every=split_every,
        combine=of.combine,
        name=name,
        concatenate=of.concatenate,
    )
