"""Functions of blocks whose axes follow letters, as in Einstein's sums."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from numbers import Number
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._chunk_counts import warn_of_more_blocks
from oxidask.array._literals import is_lazy, lazy_literal, with_lazy_keywords
from oxidask.array._meta import compute_meta, meta_from_array
from oxidask.array.core import Array, blockwise_layer, new_array
from oxidask.tokenize import tokenize
from oxidask.utils import funcname

__all__ = ["atop", "blockwise", "unify_chunks"]


def unify_chunks(*args: Any, **kwargs: Any) -> tuple[dict[Any, Any], list[Any]]:
    """Cut arrays anew so that axes with the same letter have the same blocks.

    Parameters
    ----------
    *args
        Arrays and their letters in turn; None for what has no axes.

    Returns
    -------
    dict
        The blocks of every letter.
    list
        The arrays.

    Examples
    --------
    >>> import oxidask.array as da
    >>> chunks, (x, y) = da.unify_chunks(da.ones(6, chunks=3), "i", da.ones(6, chunks=2), "i")
    >>> chunks
    {'i': (2, 1, 1, 2)}
    """
    if not args:
        return {}, []
    arrays = [
        arg if index is None else _as_array(arg)
        for arg, index in zip(args[::2], args[1::2], strict=True)
    ]
    indices = args[1::2]
    lazy = [(i, index) for i, index in enumerate(indices) if index is not None]
    letters: dict[Any, int] = {}
    for position, index in lazy:
        if len(index) != arrays[position].ndim:
            raise ValueError(
                f"Index string {index} does not match array dimension {arrays[position].ndim}"
            )
        for letter in index:
            letters.setdefault(letter, len(letters))
    blocks, cut = _native.array_unify(
        [arrays[i]._expr for i, _ in lazy], [[letters[at] for at in index] for _, index in lazy]
    )
    names = list(letters)
    for (position, _), expr in zip(lazy, cut, strict=True):
        if expr.name != arrays[position].name:
            arrays[position] = new_array(expr, arrays[position]._meta)
    if kwargs.get("warn", True):
        before = [arg for arg in args[::2] if isinstance(arg, Array)]
        warn_of_more_blocks(before, [arrays[i] for i, _ in lazy])
    return {names[letter]: extents for letter, extents in blocks}, arrays


def _as_array(arg: Any) -> Array:
    from oxidask.array.core import asanyarray

    return asanyarray(arg)


def _adjusted(extents: tuple[int, ...], how: Any, letter: Any) -> tuple[int, ...]:
    """Return the extents of blocks as `adjust_chunks` says."""
    if callable(how):
        return tuple(map(how, extents))
    if isinstance(how, (int, np.integer)):
        return tuple(how for _ in extents)
    if isinstance(how, (tuple, list)):
        if len(how) != len(extents):
            raise ValueError(
                f"Dimension {letter} has {len(extents)} blocks, adjust_chunks specified with "
                f"{len(how)} blocks"
            )
        return tuple(how)
    if isinstance(how, Number):
        return tuple(how for _ in extents)  # type: ignore[misc]
    raise NotImplementedError(f"adjust_chunks values must be callable, int, or tuple, got {how!r}")


def blockwise(
    func: Callable[..., Any],
    out_ind: Iterable[Any],
    *args: Any,
    name: str | None = None,
    token: str | None = None,
    dtype: Any = None,
    adjust_chunks: dict[Any, Any] | None = None,
    new_axes: dict[Any, Any] | None = None,
    align_arrays: bool = True,
    concatenate: bool | None = None,
    meta: Any = None,
    **kwargs: Any,
) -> Array:
    """Apply a function to blocks whose axes have the same letters.

    Parameters
    ----------
    func
        A function of blocks.
    out_ind
        Letters of the result's axes, such as ``"ij"`` or ``(0, 1)``.
    *args
        Arrays and their letters in turn; None for what is passed as it is.
    name, token
        The name of the result, or what it starts with.
    dtype
        The dtype of the result.
    adjust_chunks
        For a letter the extents of the result's blocks: a function of those of the arrays, a
        number, or a tuple.
    new_axes
        For a letter that no array has its extent, or its blocks.
    align_arrays
        Whether arrays are cut anew so that blocks fit.
    concatenate
        Whether blocks along letters that the result lacks are put together; else they come as
        nested lists.
    meta
        An empty array of the blocks' type.
    **kwargs
        Keywords for `func`.

    Returns
    -------
    Array
        The blocks' results in their places.

    Examples
    --------
    >>> import operator
    >>> import oxidask.array as da
    >>> x, y = da.ones(4, chunks=2), da.ones(2, chunks=1)
    >>> da.blockwise(np.multiply.outer, "ij", x, "i", y, "j", dtype=float).compute().shape
    (4, 2)
    """
    out = tuple(out_ind)
    repeated = {letter for letter in out if out.count(letter) > 1}
    if repeated:
        raise ValueError(
            f"Repeated elements not allowed in output index: {sorted(repeated, key=str)}"
        )
    sizes = _new_axes(new_axes, args)
    known = {letter for index in args[1::2] if index is not None for letter in index}
    unknown = set(out) - known - set(sizes)
    if unknown:
        raise ValueError("Unknown dimension", unknown)
    operands, chunks_of = _operands(args, align_arrays)
    indices = [None if index is None else tuple(index) for index in args[1::2]]
    chunks_of.update(sizes)
    grid = {letter: len(extents) for letter, extents in chunks_of.items()}
    chunks = [
        _adjusted(chunks_of[letter], adjust_chunks[letter], letter)
        if adjust_chunks and letter in adjust_chunks
        else tuple(chunks_of[letter])
        for letter in out
    ]
    if meta is None:
        meta = compute_meta(func, dtype, *operands, **kwargs)
    if name is None:
        shown = [
            (op.name if isinstance(op, Array) else op, ind)
            for op, ind in zip(operands, indices, strict=True)
        ]
        name = f"{token or funcname(func).strip('_')}-" + tokenize(
            func, out, shown, dtype, chunks, concatenate, kwargs
        )
    described = [
        _described(_repeated(operand, index, out, grid, concatenate), index, out, grid)
        for operand, index in zip(operands, indices, strict=True)
    ]
    func, described, kwargs = with_lazy_keywords(func, described, kwargs)
    meta = _result_meta(meta, len(out), dtype)
    return blockwise_layer(
        name, func, described, tuple(chunks), meta, kwargs, concatenate=bool(concatenate)
    )


def _result_meta(meta: Any, ndim: int, dtype: Any) -> Any:
    if hasattr(meta, "dtype") or meta is None or isinstance(meta, type):
        return meta_from_array(meta, ndim=ndim, dtype=dtype)
    return meta if dtype is None else meta_from_array(None, ndim=ndim, dtype=dtype)


def _new_axes(new_axes: dict[Any, Any] | None, args: Sequence[Any]) -> dict[Any, tuple[Any, ...]]:
    return {
        letter: tuple(extent) if isinstance(extent, (tuple, list)) else (extent,)
        for letter, extent in (new_axes or {}).items()
    }


def _operands(args: Sequence[Any], align: bool) -> tuple[list[Any], dict[Any, Any]]:
    """Return the arguments, arrays cut so that blocks fit, and the blocks of each letter."""
    if align:
        blocks, operands = unify_chunks(*args)
        return operands, dict(blocks)
    operands = [
        arg if index is None else _as_array(arg)
        for arg, index in zip(args[::2], args[1::2], strict=True)
    ]
    chunks_of: dict[Any, Any] = {}
    for operand, index in zip(operands, args[1::2], strict=True):
        if index is None:
            continue
        for extents, letter in zip(operand.chunks, index, strict=False):
            if len(extents) > len(chunks_of.get(letter, ())) or chunks_of.get(letter) == (1,):
                chunks_of[letter] = extents
    return operands, chunks_of


def _described(
    operand: Any, index: Any, out: tuple[Any, ...], grid: dict[Any, int]
) -> tuple[Any, ...]:
    """Return an argument as :func:`blockwise_layer` takes it."""
    if index is None:
        if is_lazy(operand):
            return lazy_literal(operand)
        return ("literal", operand)
    axes, lists = [], []
    for letter, extents in zip(index, operand.chunks, strict=True):
        if letter in out:
            if len(extents) not in (1, grid[letter]):
                raise ValueError(_unequal(operand, letter, grid))
            axes.append(out.index(letter))
            lists.append(False)
        elif len(extents) not in (1, grid[letter]):
            raise ValueError(_unequal(operand, letter, grid))
        else:
            axes.append(-1)
            lists.append(True)
    return ("blocks", operand, axes, lists)


def _repeated(
    operand: Any, index: Any, out: tuple[Any, ...], grid: dict[Any, int], concatenate: bool | None
) -> Any:
    """Return an array with as many blocks as the others along letters that are summed over.

    Lists of blocks are as long as the others', while what is put together keeps its extent of 1.
    """
    if index is None or concatenate:
        return operand
    from oxidask.array._joining import concatenate as join

    for axis, letter in enumerate(index):
        if letter not in out and operand.numblocks[axis] == 1 < grid[letter]:
            operand = join([operand] * grid[letter], axis)
    return operand


def _unequal(operand: Array, letter: Any, grid: dict[Any, int]) -> str:
    return (
        f"Blocks of {operand} don't fit: along {letter!r} others have {grid[letter]} blocks; "
        "rechunk the arrays to the same chunks first"
    )


def atop(*args: Any, **kwargs: Any) -> Array:
    """Call :func:`blockwise` by its old name."""
    warnings.warn("The da.atop function has moved to da.blockwise", stacklevel=2)
    return blockwise(*args, **kwargs)
