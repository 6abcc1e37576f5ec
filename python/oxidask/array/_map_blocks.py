"""Functions of blocks, one call for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask.array._infer import apply_infer_dtype
from oxidask.array._literals import is_lazy, lazy_literal, with_lazy_keywords
from oxidask.array._meta import _takes, compute_meta
from oxidask.array.blockwise import _adjusted, _described, _operands, _result_meta
from oxidask.array.core import Array, blockwise_layer
from oxidask.tokenize import tokenize
from oxidask.utils import funcname

__all__ = ["map_blocks"]


class _Enforced:
    """A function whose results must have so many axes."""

    def __init__(self, function: Callable[..., Any], ndim: int) -> None:
        self.function = function
        self.ndim = ndim
        self.__name__ = funcname(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self.function(*args, **kwargs)
        got = getattr(result, "ndim", None)
        if got != self.ndim:
            raise ValueError(
                f"Dimension mismatch: expected output of {self.function} to have dims = "
                f"{self.ndim}.  Got {got if got is not None else type(result)} instead."
            )
        return result

    def __dask_tokenize__(self) -> Any:
        return "enforce_ndim", self.function, self.ndim


class _Location:
    """Where the blocks of an array lie."""

    def __init__(self, array: Any, axes: Sequence[int]) -> None:
        self.shape = array.shape
        # An axis that the result lacks comes whole, as one block.
        self.num_chunks = tuple(
            n if axis >= 0 else 1 for n, axis in zip(array.numblocks, axes, strict=True)
        )
        self.bounds = [
            np.cumsum([0, *extents]).tolist() if axis >= 0 else [0, sum(extents)]
            for extents, axis in zip(array.chunks, axes, strict=True)
        ]
        self.axes = tuple(axes)

    def at(self, index: Sequence[int]) -> dict[str, Any]:
        where = tuple(
            index[axis] if axis >= 0 and n > 1 else 0
            for axis, n in zip(self.axes, self.num_chunks, strict=True)
        )
        return {
            "shape": self.shape,
            "num-chunks": self.num_chunks,
            "array-location": [
                (at[i], at[i + 1]) for at, i in zip(self.bounds, where, strict=True)
            ],
            "chunk-location": where,
        }


class _BlockInfo:
    """What ``block_info`` is for a block."""

    def __init__(self, inputs: dict[int, _Location], chunks: Any, dtype: Any) -> None:
        self.inputs = inputs
        self.bounds = [np.cumsum([0, *extents]).tolist() for extents in chunks]
        self.num_chunks = tuple(map(len, chunks))
        self.dtype = dtype

    def __call__(self, index: tuple[int, ...]) -> dict[Any, Any]:
        info: dict[Any, Any] = {at: location.at(index) for at, location in self.inputs.items()}
        ends = [(at[i], at[i + 1]) for at, i in zip(self.bounds, index, strict=True)]
        info[None] = {
            "shape": tuple(at[-1] for at in self.bounds),
            "num-chunks": self.num_chunks,
            "array-location": ends,
            "chunk-shape": tuple(end - start for start, end in ends),
            "chunk-location": tuple(index),
            "dtype": self.dtype,
        }
        return info


def _same(index: tuple[int, ...]) -> tuple[int, ...]:
    return index


def _out_letters(
    ndim: int, chunks: Any, drop_axis: Any, new_axis: Any
) -> tuple[tuple[int, ...], dict[int, Any]]:
    """Return the letters of the result's axes, and the blocks of new ones."""
    out = list(range(ndim))[::-1]
    drop = [drop_axis] if isinstance(drop_axis, (int, np.integer)) else list(drop_axis or ())
    for axis in drop:
        if not -ndim <= axis < ndim:
            raise ValueError(f"drop_axis out of range (drop_axis={axis}, but output is {ndim}d).")
    dropped = {axis % ndim for axis in drop}
    out = [letter for axis, letter in enumerate(out) if axis not in dropped]
    if new_axis is None and chunks is not None and len(out) < len(chunks):
        new_axis = range(len(chunks) - len(out))
    new = [new_axis] if isinstance(new_axis, (int, np.integer)) else sorted(new_axis or ())
    sizes: dict[int, Any] = {}
    for letter, axis in enumerate(new, ndim):
        if axis > len(out):
            raise ValueError(f"new_axis values do not fill in all dimensions: {tuple(new)}")
        out.insert(axis, letter)
        extent = chunks[axis] if chunks is not None and axis < len(chunks) else 1
        sizes[letter] = tuple(extent) if isinstance(extent, (tuple, list)) else (extent,)
    if chunks is not None and len(chunks) != len(out):
        raise ValueError(
            f"Provided chunks have {len(chunks)} dims; expected {len(out)} dims, with "
            f"drop_axis={drop_axis} and new_axis={new_axis}"
        )
    return tuple(out), sizes


def map_blocks(
    func: Callable[..., Any],
    *args: Any,
    name: str | None = None,
    token: str | None = None,
    dtype: Any = None,
    chunks: Any = None,
    drop_axis: Any = None,
    new_axis: Any = None,
    enforce_ndim: bool = False,
    meta: Any = None,
    **kwargs: Any,
) -> Any:
    """Apply a function to the blocks of arrays.

    Parameters
    ----------
    func
        A function of blocks. If it takes ``block_id`` it is given the block's coordinates; if it
        takes
        ``block_info``, a dict that tells for each array (by its position) and for the result (None)
        ``"shape"``, ``"num-chunks"``, ``"array-location"`` and ``"chunk-location"``, and for the
        result ``"chunk-shape"`` and ``"dtype"``.
    *args
        Arrays, whose last axes meet, and other objects.
    name, token
        The name of the result, or what it starts with.
    dtype
        The dtype of the result; found by a call with small arrays if it is not given.
    chunks
        The extents of the result's blocks, if they are not those of the arrays.
    drop_axis, new_axis
        Axes that the result lacks, and axes of it that the arrays lack.
    enforce_ndim
        Whether blocks with another number of axes than the result are an error.
    meta
        An empty array of the blocks' type.
    **kwargs
        Keywords for `func`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.map_blocks(lambda x, block_id: x + block_id[0], da.zeros(4, chunks=2)).compute()
    array([0., 0., 1., 1.])
    """
    if not callable(func):
        raise TypeError(
            f"First argument must be callable function, not {type(func).__name__}\n"
            "Usage:   da.map_blocks(function, x)\n"
            "   or:   da.map_blocks(function, x, y, z)"
        )
    if isinstance(chunks, (int, np.integer)):
        chunks = (chunks,)
    ndim = max((arg.ndim for arg in args if isinstance(arg, Array)), default=0)
    out, sizes = _out_letters(ndim, chunks, drop_axis, new_axis)
    pairs: list[Any] = []
    for arg in args:
        letters = tuple(range(arg.ndim))[::-1] if isinstance(arg, Array) else None
        pairs += [arg, letters]
    _, blocks_of = _operands(pairs, align=False)
    blocks_of.update(sizes)
    result_chunks = tuple(
        tuple(blocks_of[letter])
        if chunks is None or letter in sizes
        else _adjusted(tuple(blocks_of[letter]), chunks[axis], axis)
        for axis, letter in enumerate(out)
    )
    dtype, meta = _inferred(func, args, kwargs, dtype, meta)
    if meta is None:
        meta = compute_meta(func, dtype, *args, **kwargs)
    meta = _result_meta(meta, len(out), dtype)
    shown = [arg.name if isinstance(arg, Array) else arg for arg in args]
    token_parts = (func, shown, kwargs, result_chunks, drop_axis, new_axis, enforce_ndim)
    name = name or f"{token or funcname(func)}-{tokenize(*token_parts, str(meta.dtype))}"
    grid = {letter: len(extents) for letter, extents in blocks_of.items()}
    described = [
        _described(arg, letters, out, grid)
        if letters is not None
        else (lazy_literal(arg) if is_lazy(arg) else ("literal", arg))
        for arg, letters in zip(args, pairs[1::2], strict=True)
    ]
    block_kwargs: dict[str, Any] = {}
    if _takes(func, "block_id"):
        block_kwargs["block_id"] = _same
    if _takes(func, "block_info"):
        inputs = {
            i: _Location(arg, described[i][2])
            for i, arg in enumerate(args)
            if isinstance(arg, Array)
        }
        block_kwargs["block_info"] = _BlockInfo(inputs, result_chunks, meta.dtype)
    if enforce_ndim:
        func = _Enforced(func, len(out))
    func, described, kwargs = with_lazy_keywords(func, described, kwargs)
    return blockwise_layer(
        name, func, described, result_chunks, meta, kwargs, block_kwargs, concatenate=True
    )


def _inferred(
    func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], dtype: Any, meta: Any
) -> tuple[Any, Any]:
    """Return the dtype and the meta of the result as far as calls with small arrays tell."""
    if dtype is not None or meta is not None:
        return dtype, meta
    meta = compute_meta(func, None, *args, **kwargs)
    keywords = dict(kwargs)
    try:
        return apply_infer_dtype(func, args, keywords, "map_blocks"), meta
    except ValueError:
        if meta is not None and getattr(meta, "dtype", None) is not None:
            return meta.dtype, meta
        if not (_takes(func, "block_id") or _takes(func, "block_info")):
            raise
    ndim = max((arg.ndim for arg in args if isinstance(arg, Array)), default=0)
    if _takes(func, "block_id"):
        keywords["block_id"] = (0,) * ndim
    if _takes(func, "block_info"):
        inputs = {
            i: _Location(arg, range(ndim - arg.ndim, ndim))
            for i, arg in enumerate(args)
            if isinstance(arg, Array)
        }
        keywords["block_info"] = _BlockInfo(inputs, ((1,),) * ndim, None)((0,) * ndim)
    return apply_infer_dtype(func, args, keywords, "map_blocks"), meta
