"""Functions of trailing axes, applied along all others."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask.array._infer import apply_infer_dtype
from oxidask.array._literals import with_lazy_keywords
from oxidask.array._meta import meta_from_array
from oxidask.array.blockwise import _described, unify_chunks
from oxidask.array.core import Array, asarray, blockwise_layer
from oxidask.tokenize import tokenize
from oxidask.utils import funcname

__all__ = ["apply_gufunc", "as_gufunc", "gufunc"]

_NAME = r"\w+"
_DIMS = rf"\((?:{_NAME}(?:,{_NAME})*)?\)"
_SIGNATURE = re.compile(rf"^(?:{_DIMS}(?:,{_DIMS})*)?->{_DIMS}(?:,{_DIMS})*$")


def _parse_gufunc_signature(signature: str) -> tuple[list[tuple[str, ...]], Any]:
    """Return the core dimensions of arguments and results.

    Parameters
    ----------
    signature
        Such as ``"(i,j),(j)->(i)"``.
    """
    signature = re.sub(r"\s+", "", signature)
    if not _SIGNATURE.match(signature):
        raise ValueError(f"Not a valid gufunc signature: {signature}")
    inputs, outputs = (
        [tuple(re.findall(_NAME, dims)) for dims in re.findall(_DIMS, side)]
        for side in signature.split("->")
    )
    # One result is no list of one: the function gives an array, not a tuple.
    return inputs, outputs[0] if len(outputs) == 1 else outputs


def _validate_normalize_axes(
    axes: Any, axis: Any, keepdims: bool, input_coredimss: Any, output_coredimss: Any
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Return the axes of the core dimensions of arguments and results."""
    inputs = list(input_coredimss)
    outputs = [output_coredimss] if isinstance(output_coredimss, tuple) else list(output_coredimss)
    n_inputs = len(inputs)
    if axes is not None and axis is not None:
        raise ValueError("Only one of `axis` or `axes` keyword arguments should be given")
    if axes is not None and not isinstance(axes, list):
        raise ValueError("`axes` has to be of type list")
    used = [dims for dims in (*inputs, *outputs) if dims]
    distinct = {dim for dims in used for dim in dims}
    if axis is not None:
        if not isinstance(axis, (int, np.integer)):
            raise ValueError("`axis` keyword argument must be an integer value")
        if len(distinct) != 1 or any(len(dims) > 1 for dims in used):
            raise ValueError("`axis` can only be used if there is exactly one core dimension")
        axes = [(axis,) if dims else () for dims in (*inputs, *outputs)]
        if keepdims:
            axes = axes[:n_inputs]
    if keepdims:
        if len(set(inputs)) > 1:
            raise ValueError("`keepdims` requires the same core dimensions in all inputs")
        if any(outputs):
            raise ValueError("`keepdims` requires outputs without core dimensions")
    if axes is None:
        axes = [tuple(range(-len(dims), 0)) for dims in inputs]
        if not keepdims:
            axes += [tuple(range(-len(dims), 0)) for dims in outputs]
    axes = [(one,) if isinstance(one, (int, np.integer)) else tuple(one) for one in axes]
    if len(axes) == n_inputs:
        if keepdims:
            axes = [*axes, *([axes[0]] * len(outputs) if inputs else [()] * len(outputs))]
        elif any(outputs):
            raise ValueError("`axes` must name the axes of outputs with core dimensions")
        else:
            axes = [*axes, *[()] * len(outputs)]
    if len(axes) != n_inputs + len(outputs):
        raise ValueError(
            f"The number of `axes` entries ({len(axes)}) is neither that of the inputs nor of "
            "inputs and outputs"
        )
    input_axes, output_axes = axes[:n_inputs], axes[n_inputs:]
    for found, dims in zip(input_axes, inputs, strict=True):
        if len(found) != len(dims):
            raise ValueError(f"{len(dims)} core dimensions {dims} need as many axes, got {found}")
    for found, dims in zip(output_axes, outputs, strict=True):
        expected = len(inputs[0]) if keepdims and inputs else len(dims)
        if len(found) != expected:
            raise ValueError(f"An output has {expected} core axes, but `axes` says {found}")
    return input_axes, output_axes


def apply_gufunc(
    func: Callable[..., Any],
    signature: str,
    *args: Any,
    axes: Any = None,
    axis: int | None = None,
    keepdims: bool = False,
    output_dtypes: Any = None,
    output_sizes: dict[str, int] | None = None,
    vectorize: bool | None = None,
    allow_rechunk: bool = False,
    meta: Any = None,
    **kwargs: Any,
) -> Any:
    """Apply a function of core dimensions along all other axes.

    Parameters
    ----------
    func
        A function of arrays whose last axes are the core dimensions; the others it must loop over
        itself, or `vectorize` does.
    signature
        Core dimensions of arguments and results, such as ``"(i),(i)->()"``.
    *args
        Arrays.
    axes, axis
        Where the core dimensions lie, if not last: a list with axes for each argument and result,
        or one axis for all.
    keepdims
        Whether core dimensions stay with extent 1.
    output_dtypes
        The dtype of the result, or a tuple.
    output_sizes
        Extents of dimensions that only results have.
    vectorize
        Whether `func` takes arrays of core dimensions only.
    allow_rechunk
        Whether core dimensions of several blocks may be put together.
    meta
        An empty array of the result's type, or a tuple.
    **kwargs
        Keywords for `func`.

    Returns
    -------
    Array or tuple of Array
        The results.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones((4, 3), chunks=(2, 3))
    >>> da.apply_gufunc(lambda x: x.sum(axis=-1), "(i)->()", x).compute()
    array([3., 3., 3., 3.])
    """
    inputs, parsed_outputs = _parse_gufunc_signature(signature)
    n_out = None if isinstance(parsed_outputs, tuple) else len(parsed_outputs)
    outputs = [parsed_outputs] if n_out is None else parsed_outputs
    if len(inputs) != len(args):
        raise ValueError(
            f"According to `signature`, `func` requires {len(inputs)} arguments, but "
            f"{len(args)} given"
        )
    sizes = dict(output_sizes or {})
    if vectorize:
        keywords = {} if output_dtypes is None else {"otypes": _as_types(output_dtypes)}
        func = np.vectorize(func, signature=re.sub(r"\s+", "", signature), **keywords)
    metas = _metas(func, args, kwargs, n_out, output_dtypes, meta)
    input_axes, output_axes = _validate_normalize_axes(axes, axis, keepdims, inputs, parsed_outputs)
    arrays = [_core_last(asarray(a), found) for a, found in zip(args, input_axes, strict=True)]
    arrays = [_whole_cores(a, dims, allow_rechunk) for a, dims in zip(arrays, inputs, strict=True)]
    n_loop = max((a.ndim - len(dims) for a, dims in zip(arrays, inputs, strict=True)), default=0)
    loop = tuple(f"__loopdim{i}__" for i in range(n_loop))
    letters = [
        (*loop[n_loop - (a.ndim - len(dims)) :], *(f"core {dim}" for dim in dims))
        for a, dims in zip(arrays, inputs, strict=True)
    ]
    extents = _checked(arrays, letters, allow_rechunk)
    pairs: list[Any] = []
    for a, index in zip(arrays, letters, strict=True):
        pairs += [a, index]
    blocks, arrays = unify_chunks(*pairs, warn=False)
    grid = {letter: len(c) for letter, c in blocks.items()}
    for name, size in sizes.items():
        # A function may change the extent of a core dimension.
        extents[f"core {name}"] = size
    described = [_described(a, index, loop, grid) for a, index in zip(arrays, letters, strict=True)]
    # Letters of one block are read as they are, not as lists of one.
    described = [
        (kind, a, [-2 if at == -1 else at for at in where], [False] * len(where))
        for kind, a, where, _ in described
    ]
    token = tokenize(
        func, signature, [a.name for a in arrays], kwargs, [str(m.dtype) for m in metas]
    )
    name = f"{funcname(func)}-{token}"
    loop_chunks = tuple(tuple(blocks[letter]) for letter in loop)
    func, described, kwargs = with_lazy_keywords(func, described, kwargs)
    results = _results(
        func, name, described, loop_chunks, outputs, extents, metas, kwargs, single=n_out is None
    )
    results = [
        _placed(result, len(dims), found, keepdims)
        for result, dims, found in zip(results, outputs, output_axes, strict=True)
    ]
    return results[0] if n_out is None else tuple(results)


class _Item:
    """The function that takes one of several results."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.__name__ = "getitem"

    def __call__(self, results: Any) -> Any:
        return (
            np.asarray(results[self.position])
            if np.isscalar(results[self.position])
            else (results[self.position])
        )


def _results(
    func: Callable[..., Any],
    name: str,
    described: list[tuple[Any, ...]],
    loop_chunks: tuple[tuple[int, ...], ...],
    outputs: Sequence[tuple[str, ...]],
    extents: dict[str, Any],
    metas: Sequence[Any],
    kwargs: dict[str, Any],
    *,
    single: bool,
) -> list[Array]:
    def chunks_of(dims: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
        missing = [dim for dim in dims if f"core {dim}" not in extents]
        if missing:
            raise ValueError(
                f"Dimensions {missing} are in results only: give their extents in `output_sizes`"
            )
        return (*loop_chunks, *((extents[f"core {dim}"],) for dim in dims))

    n_loop = len(loop_chunks)
    metas = [
        meta_from_array(meta, ndim=n_loop + len(dims))
        for meta, dims in zip(metas, outputs, strict=True)
    ]
    if single:
        return [blockwise_layer(name, func, described, chunks_of(outputs[0]), metas[0], kwargs)]
    together = blockwise_layer(
        name, func, described, loop_chunks, np.empty((0,) * n_loop, dtype=object), kwargs
    )
    axes = list(range(n_loop))
    return [
        blockwise_layer(
            f"{name.rsplit('-', 1)[0]}_{position}-{tokenize(name, position)}",
            _Item(position),
            [("blocks", together, axes, [False] * n_loop)],
            chunks_of(dims),
            meta,
        )
        for position, (dims, meta) in enumerate(zip(outputs, metas, strict=True))
    ]


def _as_types(output_dtypes: Any) -> Any:
    return output_dtypes if isinstance(output_dtypes, (tuple, list)) else [output_dtypes]


def _metas(
    func: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    n_out: int | None,
    output_dtypes: Any,
    meta: Any,
) -> list[Any]:
    """Return a meta for each result."""
    if meta is not None and output_dtypes is not None:
        raise ValueError(
            "Only one of `meta` and `output_dtypes` should be given (`meta` is preferred)."
        )
    count = 1 if n_out is None else n_out
    if meta is not None:
        metas = list(meta) if isinstance(meta, (tuple, list)) else [meta]
    else:
        if output_dtypes is None:
            samples = [asarray(arg) for arg in args]
            output_dtypes = apply_infer_dtype(
                func, samples, kwargs, "apply_gufunc", "output_dtypes", n_out
            )
        like = next((arg._meta for arg in args if isinstance(arg, Array)), None)
        dtypes = list(_as_types(output_dtypes))
        metas = [meta_from_array(like, ndim=0 if like is None else None, dtype=d) for d in dtypes]
    if len(metas) != count:
        raise ValueError(
            f"The signature says {count} results, but there are {len(metas)} dtypes or metas"
        )
    return metas


def _core_last(a: Array, axes: Sequence[int]) -> Array:
    """Return an array with the core dimensions last."""
    from oxidask.array.routines import transpose

    if not axes:
        return a
    core = [axis % a.ndim if -a.ndim <= axis < a.ndim else axis for axis in axes]
    if any(axis >= a.ndim or axis < 0 for axis in core):
        raise ValueError(f"Core axes {tuple(axes)} of an array of {a.ndim} axes")
    order = [*(axis for axis in range(a.ndim) if axis not in core), *core]
    return a if order == list(range(a.ndim)) else transpose(a, order)


def _whole_cores(a: Array, dims: Sequence[str], allow_rechunk: bool) -> Array:
    """Return an array whose core dimensions are one block each."""
    if a.ndim < len(dims):
        raise ValueError(f"An array of {a.ndim} axes has no core dimensions {tuple(dims)}")
    first = a.ndim - len(dims)
    cut = [dim for dim, c in zip(dims, a.chunks[first:], strict=True) if len(c) > 1]
    if not cut:
        return a
    if not allow_rechunk:
        raise ValueError(
            f"Core dimension `'{cut[0]}'` consists of multiple chunks. To fix, rechunk into a "
            f"single chunk along this dimension or set `allow_rechunk=True`, but beware that this "
            "may increase memory usage significantly."
        )
    chunks: dict[int, Any] = dict.fromkeys(range(first, a.ndim), -1)
    known = not any(math.isnan(n) for n in a.shape)
    if first and known:
        # Other axes are cut finer, so that blocks don't grow.
        limit = math.prod(max(c) for c in a.chunks) * a.dtype.itemsize
        growth = math.prod(a.shape[first:]) / max(math.prod(max(c) for c in a.chunks[first:]), 1)
        if growth > 1:
            for axis in range(first):
                chunks[axis] = "auto" if max(a.chunks[axis]) > 1 else a.chunks[axis]
            return a.rechunk(chunks, block_size_limit=max(limit, 1))  # type: ignore[no-any-return]
    return a.rechunk(chunks)  # type: ignore[no-any-return]


def _checked(
    arrays: Sequence[Array], letters: Sequence[tuple[str, ...]], allow_rechunk: bool
) -> dict[str, Any]:
    """Return the extent of each dimension; raise if arrays don't agree."""
    extents: dict[str, Any] = {}
    blocks: dict[str, set[tuple[int, ...]]] = {}
    for a, index in zip(arrays, letters, strict=True):
        for letter, extent, chunks in zip(index, a.shape, a.chunks, strict=True):
            shown = letter.removeprefix("core ")
            if extents.get(letter, 1) == 1:
                extents[letter] = extent
            elif extent not in (1, extents[letter]) and not math.isnan(extent):
                raise ValueError(f"Dimension `'{shown}'` with different lengths in arrays")
            if extent != 1:
                blocks.setdefault(letter, set()).add(chunks)
    if not allow_rechunk:
        for letter, found in blocks.items():
            if len({tuple(str(n) for n in c) for c in found}) > 1:
                raise ValueError(
                    f"Dimension `'{letter.removeprefix('core ')}'` with different chunksize present"
                )
    return extents


def _placed(result: Array, n_core: int, axes: Sequence[int], keepdims: bool) -> Array:
    """Return a result with its core dimensions, or those kept with extent 1, where they belong."""
    from oxidask.array.routines import transpose

    if keepdims:
        result = result[(..., *(None,) * len(axes))]
        n_core = len(axes)
    if not n_core:
        return result
    n_loop = result.ndim - n_core
    core = [axis % result.ndim for axis in axes]
    order: list[int] = []
    loop = iter(range(n_loop))
    for axis in range(result.ndim):
        order.append(n_loop + core.index(axis) if axis in core else next(loop))
    return result if order == list(range(result.ndim)) else transpose(result, order)


class gufunc:
    """A function with a signature, for lazy arrays; see :func:`apply_gufunc` for the parameters.

    Parameters
    ----------
    pyfunc
        The function.

    Examples
    --------
    >>> import oxidask.array as da
    >>> mean = da.gufunc(lambda x: x.mean(axis=-1), signature="(i)->()", output_dtypes=float)
    >>> mean(da.ones((2, 3), chunks=(1, 3))).compute()
    array([1., 1.])
    """

    def __init__(
        self,
        pyfunc: Callable[..., Any],
        *,
        signature: str,
        vectorize: bool = False,
        axes: Any = None,
        axis: int | None = None,
        keepdims: bool = False,
        output_sizes: dict[str, int] | None = None,
        output_dtypes: Any = None,
        allow_rechunk: bool = False,
        meta: Any = None,
    ) -> None:
        self.pyfunc = pyfunc
        self.signature = signature
        self.vectorize = vectorize
        self.axes = axes
        self.axis = axis
        self.keepdims = keepdims
        self.output_sizes = output_sizes
        self.output_dtypes = output_dtypes
        self.allow_rechunk = allow_rechunk
        self.meta = meta
        self.__name__ = funcname(pyfunc)
        self.__doc__ = (
            f"Bound ``dask.array.gufunc``\nfunc: ``{self.__name__}``\n"
            f"signature: ``'{signature}'``\n\n{pyfunc.__doc__ or ''}"
        )

    def __call__(self, *args: Any, allow_rechunk: bool = False, **kwargs: Any) -> Any:
        """Apply the function."""
        return apply_gufunc(
            self.pyfunc,
            self.signature,
            *args,
            vectorize=self.vectorize,
            axes=self.axes,
            axis=self.axis,
            keepdims=self.keepdims,
            output_sizes=self.output_sizes,
            output_dtypes=self.output_dtypes,
            allow_rechunk=self.allow_rechunk or allow_rechunk,
            meta=self.meta,
            **kwargs,
        )


def as_gufunc(signature: str | None = None, **kwargs: Any) -> Callable[..., gufunc]:
    """Make a function a :class:`gufunc`: a decorator.

    Parameters
    ----------
    signature
        Core dimensions of arguments and results.
    **kwargs
        Keywords for :class:`gufunc`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> @da.as_gufunc(signature="(i)->()", output_dtypes=float, vectorize=True)
    ... def largest(x):
    ...     return x.max()
    >>> largest(da.ones((2, 3), chunks=(1, 3))).compute()
    array([1., 1.])
    """
    allowed = {
        "vectorize",
        "axes",
        "axis",
        "keepdims",
        "output_sizes",
        "output_dtypes",
        "allow_rechunk",
        "meta",
    }
    if set(kwargs) - allowed:
        raise TypeError("Unsupported keyword argument(s) provided")

    def decorate(pyfunc: Callable[..., Any]) -> gufunc:
        return gufunc(pyfunc, signature=signature or "", **kwargs)

    return decorate
