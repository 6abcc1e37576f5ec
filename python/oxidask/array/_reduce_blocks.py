"""Reductions of blocks that have no kernel, by NumPy's functions.

Blocks may be masked arrays, arrays of objects or of other libraries: everything goes through
NumPy's protocols.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from oxidask.array._meta import compute_meta, meta_from_array
from oxidask.array.core import Array, blockwise_layer
from oxidask.tokenize import tokenize

__all__ = ["Functions", "functions", "nannumel", "numel", "whole_axes"]


@dataclass(frozen=True)
class Functions:
    """What a reduction does with blocks."""

    chunk: Callable[..., Any]
    combine: Callable[..., Any]
    aggregate: Callable[..., Any]
    concatenate: bool
    whole: Callable[..., Any]

    def result_dtype(self, meta: Any) -> Any:
        """Return the dtype of the result for blocks like `meta`, None if it can't be told."""
        ones = compute_meta(lambda m: self.whole(np.ones_like(m, shape=(1,) * m.ndim)), None, meta)
        if ones is None:
            # The exception of NumPy's own, if that is what there is to say.
            ones = self.whole(np.ones((1,) * meta.ndim, dtype=meta.dtype))
        if meta.dtype.kind == "O":
            return np.dtype(object)
        return getattr(ones, "dtype", None)


def numel(x: Any, **kwargs: Any) -> Any:
    """Return how many elements there are over axes, masked ones left out.

    Examples
    --------
    >>> numel(np.ones((2, 3)), axis=0)
    array([2, 2, 2])
    """
    dtype = kwargs.pop("dtype", np.intp)
    if isinstance(x, np.ma.MaskedArray):
        return np.sum(np.ma.ones(x.shape, dtype=dtype) * ~np.ma.getmaskarray(x), **kwargs)
    return np.sum(np.ones_like(x, dtype=dtype), dtype=dtype, **kwargs)


def nannumel(x: Any, **kwargs: Any) -> Any:
    """Return how many elements are no NaN over axes.

    Examples
    --------
    >>> nannumel(np.array([1.0, np.nan, 3.0]))
    np.int64(2)
    """
    dtype = kwargs.pop("dtype", np.intp)
    return np.sum(~(np.isnan(x)), dtype=dtype, **kwargs)


def _quiet(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        return function(*args, **kwargs)


def _extreme(function: Callable[..., Any], x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Reduce to an extreme; a block with nothing in it stays empty."""
    if keepdims and any(np.shape(x)[a] == 0 for a in axis):
        return x[tuple(slice(0, 0) if a in axis else slice(None) for a in range(x.ndim))]
    return _quiet(function, x, axis=axis, keepdims=keepdims)


def _plain(value: Any) -> Any:
    """Return what there is of a masked state, 0 where there is nothing."""
    return value.filled(0) if np.ma.isMaskedArray(value) else value


def _remasked(result: Any, merged: dict[str, Any]) -> Any:
    return np.ma.array(result, mask=merged["n"] == 0) if merged["masked"] else result


def _leaves(parts: Any) -> list[Any]:
    if isinstance(parts, list):
        return [leaf for part in parts for leaf in _leaves(part)]
    return [parts]


def _total(terms: Sequence[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _count(x: Any, skip: bool, axis: Any) -> Any:
    if skip and x.dtype.kind in "fcO":
        valid = x == x
        return np.sum(valid, axis=axis, keepdims=True)
    return numel(x, axis=axis, keepdims=True)


def _moments(
    x: Any, axis: Any = None, keepdims: bool = True, *, skip: bool, dtype: Any = None
) -> dict[str, Any]:
    """Return count, mean and squared distances of a block."""
    total = np.nansum if skip else np.sum
    n = _count(x, skip, axis)
    with np.errstate(all="ignore"):
        mean = total(x, axis=axis, keepdims=True, **({"dtype": dtype} if dtype else {})) / n
        apart = x - mean
        squares = (apart * apart.conjugate()).real if np.iscomplexobj(apart) else apart * apart
        squares = total(squares, axis=axis, keepdims=True)
    return {
        "n": _plain(n),
        "mean": _plain(mean),
        "squares": _plain(squares),
        "masked": np.ma.isMaskedArray(x),
    }


def _merge_moments(parts: Any, axis: Any = None, keepdims: bool = True) -> dict[str, Any]:
    leaves = _leaves(parts)
    merged = leaves[0]
    for part in leaves[1:]:
        n = merged["n"] + part["n"]
        with np.errstate(all="ignore"):
            apart = part["mean"] - merged["mean"]
            share = np.where(n == 0, 0, part["n"] / n)
            left = np.where(merged["n"] == 0, part["mean"], merged["mean"] + apart * share)
            mean = np.where(part["n"] == 0, merged["mean"], left)
            cross = np.real(apart * np.conjugate(apart)) * np.where(
                (merged["n"] == 0) | (part["n"] == 0), 0, merged["n"] * share
            )
            cross = np.where((merged["n"] == 0) | (part["n"] == 0), 0, cross)
            squares = merged["squares"] + part["squares"] + cross
        merged = {"n": n, "mean": mean, "squares": squares, "masked": merged["masked"]}
    return merged


def _finish_moments(
    parts: Any,
    axis: Any = None,
    keepdims: bool = False,
    *,
    what: str,
    ddof: float,
    dtype: Any = None,
) -> Any:
    merged = _merge_moments(parts)
    with np.errstate(all="ignore"):
        if what == "mean":
            result = merged["mean"]
        else:
            result = merged["squares"] / (merged["n"] - ddof)
            result = np.sqrt(result) if what == "std" else result
        result = _remasked(result, merged)
    if not keepdims:
        result = np.squeeze(result, axis=tuple(axis))
    return result.astype(dtype) if dtype is not None and hasattr(result, "astype") else result


def _mean_parts(
    x: Any, axis: Any = None, keepdims: bool = True, *, skip: bool, dtype: Any = None
) -> dict[str, Any]:
    total = np.nansum if skip else np.sum
    options = {"dtype": dtype} if dtype is not None and x.dtype.kind != "O" else {}
    return {
        "n": _plain(_count(x, skip, axis)),
        "total": _plain(total(x, axis=axis, keepdims=True, **options)),
        "masked": np.ma.isMaskedArray(x),
    }


def _merge_means(parts: Any, axis: Any = None, keepdims: bool = True) -> dict[str, Any]:
    leaves = _leaves(parts)
    merged = {key: _total([leaf[key] for leaf in leaves]) for key in ("n", "total")}
    return {**merged, "masked": leaves[0]["masked"]}


def _finish_means(
    parts: Any, axis: Any = None, keepdims: bool = False, *, dtype: Any = None
) -> Any:
    merged = _merge_means(parts)
    with np.errstate(all="ignore"):
        result = _remasked(merged["total"] / merged["n"], merged)
    if not keepdims:
        result = np.squeeze(result, axis=tuple(axis))
    return result.astype(dtype) if dtype is not None and hasattr(result, "astype") else result


def functions(name: str, ddof: float) -> Functions:
    """Return what the reduction of this name does with blocks."""
    skip, plain = name.startswith("nan"), name.removeprefix("nan")
    whole = getattr(np, name)
    if plain in {"sum", "prod"}:
        return Functions(whole, getattr(np, plain), getattr(np, plain), True, whole)
    if plain in {"any", "all"}:
        return Functions(whole, whole, whole, True, whole)
    if plain in {"min", "max"}:
        extreme = partial(_extreme, whole)
        return Functions(extreme, extreme, extreme, True, whole)
    if plain == "mean":
        chunk = partial(_mean_parts, skip=skip)
        return Functions(chunk, _merge_means, _finish_means, False, whole)
    if plain in {"var", "std"}:
        chunk = partial(_moments, skip=skip)
        finish = partial(_finish_moments, what=plain, ddof=ddof)
        return Functions(chunk, _merge_moments, finish, False, whole)
    raise NotImplementedError(f"{name} of blocks that are no NumPy arrays of numbers")


def arg_functions(name: str) -> tuple[Any, Any]:
    """Return the functions of blocks and of merges of a reduction to places."""
    return partial(_arg_chunk, name), partial(_arg_merge, name)


def _arg_chunk(name: str, x: Any, axis: Any, offset: Any) -> Any:
    flat = isinstance(offset, tuple)
    skip = name.startswith("nan")
    value = getattr(np, ("nan" if skip else "") + name[-3:])
    if flat:
        at = int(getattr(np, name)(x.reshape(-1)))
        start, shape = offset
        index = [i + s for i, s in zip(np.unravel_index(at, x.shape), start, strict=True)]
        place = np.ravel_multi_index(index, shape) if shape else 0
        ones = (1,) * x.ndim
        return {
            "v": _quiet(value, x).reshape(ones) if x.ndim else value(x),
            "i": np.full(ones, place),
        }
    return {
        "v": value(x, axis=axis, keepdims=True),
        "i": np.expand_dims(getattr(np, name)(x, axis=axis), axis) + offset,
    }


def _arg_merge(
    name: str, parts: Any, axis: Any = None, keepdims: bool = False, last: bool = False
) -> Any:
    values = np.stack([part["v"] for part in parts])
    places = np.stack([part["i"] for part in parts])
    best = np.expand_dims(getattr(np, name)(values, axis=0), 0)
    if not last:
        return {
            "v": np.take_along_axis(values, best, 0)[0],
            "i": np.take_along_axis(places, best, 0)[0],
        }
    result = np.take_along_axis(places, best, 0)[0]
    return result if keepdims else np.squeeze(result, axis=tuple(axis))


def whole_axes(
    function: Callable[..., Any],
    a: Array,
    axes: tuple[int, ...],
    keepdims: bool,
    kwargs: dict[str, Any],
) -> Array:
    """Return what a function of whole axes gives; quantiles add axes in front."""
    lead = np.shape(kwargs["q"]) if "q" in kwargs else ()
    kept = [axis for axis in range(a.ndim) if keepdims or axis not in axes]
    chunks = tuple((n,) for n in lead) + tuple(
        (1,) if axis in axes else a.chunks[axis] for axis in kept
    )
    place = {axis: len(lead) + i for i, axis in enumerate(kept)}
    follow = [-2 if axis in axes else place[axis] for axis in range(a.ndim)]
    kwargs = {**kwargs, "axis": axes if len(axes) != 1 else axes[0], "keepdims": keepdims}
    name = f"{function.__name__}-{tokenize(function.__name__, a, axes, kwargs)}"
    one = np.ones_like(a._meta, shape=(1,) * a.ndim)
    meta = meta_from_array(_quiet(function, one, **kwargs), ndim=len(chunks))
    args = [("blocks", a, follow, [False] * a.ndim)]
    return blockwise_layer(name, partial(_quiet, function), args, chunks, meta, kwargs)
