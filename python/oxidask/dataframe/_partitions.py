"""Python's functions of partitions: one by one, and in trees."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.dataframe._aligning import align, is_partitioned
from oxidask.dataframe._collection import Collection, new_collection, python_layer
from oxidask.dataframe._meta import check_meta, make_meta
from oxidask.dataframe._needs import pandas as pd
from oxidask.utils import funcname

__all__ = ["PerPartition", "align", "elementwise", "map_partitions", "tree"]

_PANDAS = (pd.DataFrame, pd.Series, pd.Index)


def map_partitions(
    func: Callable[..., Any],
    *args: Any,
    meta: Any = None,
    enforce_metadata: bool = True,
    transform_divisions: bool = True,
    clear_divisions: bool = False,
    align_dataframes: bool = True,
    token: Any = None,
    **kwargs: Any,
) -> Any:
    """Call a function on the partitions of the same number of some collections.

    Parameters
    ----------
    func
        The function, of pandas objects.
    *args, **kwargs
        Passed to it: for collections their partitions.
    meta
        What the result is like; by default the function is tried on two rows.
    enforce_metadata
        Whether each result is compared with `meta`.
    clear_divisions
        Whether the divisions are unknown afterwards.
    align_dataframes
        Whether collections of other divisions are brought to the same.

    Raises
    ------
    ValueError
        If the result's meta can't be found by trying, or numbers of partitions differ.
    """
    if meta is None:
        meta = _tried(func, args, {**kwargs, **_informed(func, kwargs)})
    else:
        meta = make_meta(meta, index=_parent_index(args))
    if align_dataframes:
        args = _aligned(args)
    collections = [x for x in (*args, *kwargs.values()) if isinstance(x, Collection)]
    several = [x for x in collections if is_partitioned(x)]
    npartitions = max((x.npartitions for x in several), default=1)
    if _informed(func, kwargs):
        ends = several[0].divisions if several else (None,)
        args = (("per_block", _Information(ends)), func, *args)
        func = _told
    if enforce_metadata:
        run, extra = _checked, [("literal", func), ("literal", meta)]
    else:
        run, extra = func, []
    described = [_described(arg, npartitions) for arg in args]
    if any(isinstance(value, Collection) for value in kwargs.values()):
        names = tuple(kwargs)
        described = [
            ("literal", run),
            ("literal", len(args) + len(extra)),
            ("literal", names),
            *extra,
            *described,
            *(_described(kwargs[name], npartitions) for name in names),
        ]
        expr = python_layer(_with_keywords, described, npartitions, name=_label(func, token))
    else:
        plain = dict(kwargs)
        expr = python_layer(run, [*extra, *described], npartitions, plain, name=_label(func, token))
    divisions = None if clear_divisions or not several else several[0]._known_divisions
    if several and _has_axes(meta) and not isinstance(meta, _PANDAS):
        return _array_of(expr, meta, npartitions)
    if isinstance(meta, _PANDAS):
        if divisions is not None and len(divisions) != npartitions + 1:
            divisions = None
        result = new_collection(expr, meta, divisions)
        result._moved = several[0]._moved if several else None
        return result
    if several:
        # One value for each partition: a series of them.
        return new_collection(expr_of_values(expr, npartitions), pd.Series([meta]).iloc[:0])
    return new_collection(expr, meta)


def _has_axes(x: Any) -> bool:
    return bool(getattr(x, "ndim", 0)) and not isinstance(x, type)


def _array_of(expr: Any, meta: Any, npartitions: int) -> Any:
    """Return the array whose chunks are what a function gave: of unknown numbers of rows."""
    from oxidask.array.core import Array

    name = str(expr.name)
    graph = dict(new_collection(expr, pd.Series([])).__dask_graph__())
    more = (0,) * (meta.ndim - 1)
    graph = {(*k, *more) if k[0] == name else k: task for k, task in graph.items()}
    chunks = ((np.nan,) * npartitions, *((n,) for n in meta.shape[1:]))
    return Array(graph, name, chunks, meta=meta)


def _aligned(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments over the same divisions, but those of one partition: all read these."""
    several = [x for x in args if isinstance(x, Collection) and x.npartitions > 1]
    brought = iter(align(tuple(several)))
    return tuple(
        next(brought) if isinstance(x, Collection) and x.npartitions > 1 else x for x in args
    )


def expr_of_values(expr: Any, npartitions: int) -> Any:
    """Return the expression of single values as series of one row."""
    return python_layer(_as_series, [("partition", expr)], npartitions)


def _as_series(value: Any) -> Any:
    return value if isinstance(value, (pd.DataFrame, pd.Series, pd.Index)) else pd.Series([value])


def _label(func: Callable[..., Any], token: Any) -> str:
    return str(token) if token is not None else funcname(func).strip("<>")


def _described(arg: Any, npartitions: int) -> tuple[Any, ...]:
    if isinstance(arg, Collection):
        return "partition", arg._expr
    if isinstance(arg, tuple) and len(arg) == 2 and isinstance(arg[1], _Information):
        return arg
    return "literal", arg


def _informed(func: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword for a function that wants to know which partition it is called with."""
    try:
        wanted = "partition_info" in inspect.signature(func).parameters
    except (TypeError, ValueError):
        wanted = False
    return {"partition_info": None} if wanted and "partition_info" not in kwargs else {}


class _Information:
    """Number and first division of each partition."""

    def __init__(self, ends: tuple[Any, ...]) -> None:
        self.ends = ends

    def __call__(self, index: tuple[int, ...]) -> dict[str, Any]:
        return {"number": index[0], "division": self.ends[index[0]]}

    def __dask_tokenize__(self) -> Any:
        return self.ends


def _told(info: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return func(*args, partition_info=info, **kwargs)


def _checked(func: Callable[..., Any], meta: Any, *args: Any, **kwargs: Any) -> Any:
    result = func(*args, **kwargs)
    if not isinstance(meta, _PANDAS):
        return result
    if not isinstance(result, _PANDAS):
        result = pd.Series([result])
    if len(result) == 0 and not isinstance(result, pd.Index):
        return meta
    return check_meta(result, meta, funcname(func))


def _with_keywords(run: Any, n_args: int, names: tuple[str, ...], *values: Any) -> Any:
    return run(*values[:n_args], **dict(zip(names, values[n_args:], strict=True)))


def _parent_index(args: tuple[Any, ...]) -> Any:
    for arg in args:
        if isinstance(arg, Collection) and hasattr(arg._meta, "index"):
            return arg._meta.index
    return None


def _tried(func: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
    """Return what a function gives for two rows, made empty."""

    def sample(x: Any) -> Any:
        return x._meta_nonempty if isinstance(x, Collection) else x

    try:
        result = func(*map(sample, args), **{name: sample(x) for name, x in kwargs.items()})
    except Exception as error:
        raise ValueError(
            f"Metadata inference failed in `{funcname(func)}`.\n\nThe function was tried on two "
            "made-up rows and raised; say what it gives with `meta=`.\n\n"
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(result, _PANDAS) and _has_axes(result):
        return result[:0]
    return object() if isinstance(result, type) else make_meta(result)


def elementwise(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function of pandas' that leaves rows where they are."""
    return _partwise(func, args, kwargs, keeps_rows=True)


def elementwise_like(meta: Any, func: Callable[..., Any], *args: Any) -> Any:
    """Call a function of pandas' that leaves rows where they are, and is known to give `meta`."""
    return _partwise(func, args, {}, keeps_rows=True, meta=meta)


def choosing(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function of pandas' that leaves rows out, or repeats them."""
    return _partwise(func, args, kwargs, keeps_rows=False)


def _partwise(
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    keeps_rows: bool,
    meta: Any = None,
) -> Any:
    if any(isinstance(x, Collection) for x in kwargs.values()):
        names, n_args = tuple(kwargs), len(args)
        args = (func, n_args, names, *args, *kwargs.values())
        func, kwargs = _with_keywords, {}
    args = align(args, by_rows=True)
    several = [x for x in args if is_partitioned(x)]
    first = several[0]
    arrays = [(x, _blocks_of(x, first.npartitions)) for x in args if _is_array(x)]
    blocks = iter([expr for _, expr in arrays])
    if meta is None:
        raw = func(*map(_sample, args), **kwargs)
        # A row of answers keeps its labels: what is done with it goes by them.
        is_row = isinstance(raw, pd.Series) and any(
            isinstance(x._meta, pd.Series) and len(x._meta) for x in several
        )
        meta = raw if is_row and all(x._meta.ndim == 1 for x in several) else make_meta(raw)
    npartitions = max(x.npartitions for x in several)
    described = [
        ("partition", next(blocks)) if _is_array(x) else _described(x, npartitions) for x in args
    ]
    same = keeps_rows and all(x._expr.has_rows_of(first._expr) for x in several)
    rows_of = first._expr if same else None
    expr = python_layer(func, described, npartitions, kwargs, rows_of=rows_of)
    divisions = first._known_divisions if npartitions == first.npartitions else None
    if isinstance(meta, pd.Index) and isinstance(first._meta, pd.Index):
        # Other labels: nobody knows how they lie.
        divisions = None
    result = new_collection(expr, meta, divisions)
    result._moved = first._moved
    return result


def _sample(x: Any) -> Any:
    if isinstance(x, Collection):
        return x._meta_nonempty
    return np.ones((2, *x.shape[1:]), dtype=x.dtype) if _is_array(x) else x


def _is_array(x: Any) -> bool:
    from oxidask.array.core import Array

    return isinstance(x, Array)


def _blocks_of(array: Any, npartitions: int) -> Any:
    """Return the expression whose partitions are an array's chunks of rows.

    Raises
    ------
    ValueError
        If there are more or fewer of them than partitions.
    """
    if array.ndim > 1 and any(len(chunks) > 1 for chunks in array.chunks[1:]):
        array = array.rechunk(dict.fromkeys(range(1, array.ndim), -1))
    if array.ndim == 0 or len(array.chunks[0]) != npartitions:
        n = len(array.chunks[0]) if array.ndim else 0
        raise ValueError(
            f"Number of partitions do not match ({n} != {npartitions}): an array goes with a "
            "dataframe chunk by partition; use rechunk or repartition"
        )
    keys = [(array.name, at, *(0,) * (array.ndim - 1)) for at in range(npartitions)]
    return _native.frame_from_graph(dict(array.__dask_graph__()), array.name, keys)


def tree(
    collection: Collection,
    chunk: Callable[..., Any],
    aggregate: Callable[..., Any],
    meta: Any,
    combine: Callable[..., Any] | None = None,
    split_every: Any = None,
    chunk_kwargs: Mapping[str, Any] | None = None,
    aggregate_kwargs: Mapping[str, Any] | None = None,
    combine_kwargs: Mapping[str, Any] | None = None,
    token: str | None = None,
    concat: bool = True,
) -> Any:
    """Reduce partitions to one: `chunk` of each, `combine` of some, `aggregate` of the rest.

    `combine` and `aggregate` are called with the concatenation of what came, or with a list of it.
    """
    by = 8 if split_every is None or split_every is True else split_every
    by = 10**9 if by is False else int(by)
    if by < 2:
        raise ValueError("split_every must be an integer >= 2")
    combine = combine or aggregate
    combine_kwargs = dict((aggregate_kwargs if combine is aggregate else combine_kwargs) or {})
    label = token or funcname(chunk).strip("<>")
    expr = python_layer(
        chunk,
        [("partition", collection._expr)],
        collection.npartitions,
        dict(chunk_kwargs or {}),
        name=f"{label}-chunk",
    )
    run = _of_one if concat else _of_list
    while expr.npartitions > by:
        n = -(-expr.npartitions // by)
        args = [("literal", combine), ("tree", expr, by)]
        expr = python_layer(run, args, n, combine_kwargs, name=f"{label}-combine")
    args = [("literal", aggregate), ("every", expr)]
    expr = python_layer(run, args, 1, dict(aggregate_kwargs or {}), name=f"{label}-aggregate")
    return new_collection(expr, meta)


def _of_one(func: Callable[..., Any], parts: list[Any], **kwargs: Any) -> Any:
    from oxidask.dataframe._collection import together

    if not isinstance(parts[0], (pd.DataFrame, pd.Series, pd.Index)):
        return func(pd.Series(parts), **kwargs)
    return func(together(parts), **kwargs)


def _of_list(func: Callable[..., Any], parts: list[Any], **kwargs: Any) -> Any:
    return func(parts, **kwargs)


class PerPartition:
    """Gives each partition its item: ``("per_block", PerPartition(items))``."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __call__(self, index: tuple[int, ...]) -> Any:
        return self.items[index[0]]

    def __dask_tokenize__(self) -> Any:
        return self.items
