"""Python's functions of partitions: one by one, and in trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from oxidask.dataframe._collection import Collection, new_collection, python_layer
from oxidask.dataframe._meta import check_meta, make_meta
from oxidask.dataframe._needs import pandas as pd
from oxidask.utils import funcname

__all__ = ["align", "elementwise", "map_partitions", "tree"]


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
        meta = _tried(func, args, kwargs)
    else:
        meta = make_meta(meta, index=_parent_index(args))
    if align_dataframes:
        args = align(args)
    collections = [x for x in (*args, *kwargs.values()) if isinstance(x, Collection)]
    several = [x for x in collections if _is_partitioned(x)]
    npartitions = max((x.npartitions for x in several), default=1)
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
    if isinstance(meta, (pd.DataFrame, pd.Series, pd.Index)):
        if divisions is not None and len(divisions) != npartitions + 1:
            divisions = None
        return new_collection(expr, meta, divisions)
    if several:
        # One value for each partition: a series of them.
        return new_collection(expr_of_values(expr, npartitions), pd.Series([meta]).iloc[:0])
    return new_collection(expr, meta)


def expr_of_values(expr: Any, npartitions: int) -> Any:
    """Return the expression of single values as series of one row."""
    return python_layer(_as_series, [("partition", expr)], npartitions)


def _as_series(value: Any) -> Any:
    return value if isinstance(value, (pd.DataFrame, pd.Series, pd.Index)) else pd.Series([value])


def _label(func: Callable[..., Any], token: Any) -> str:
    return str(token) if token is not None else funcname(func).strip("<>")


def _is_partitioned(x: Collection) -> bool:
    from oxidask.dataframe._scalar import Scalar

    return not isinstance(x, Scalar)


def _described(arg: Any, npartitions: int) -> tuple[Any, ...]:
    if isinstance(arg, Collection):
        return "partition", arg._expr
    return "literal", arg


def _checked(func: Callable[..., Any], meta: Any, *args: Any, **kwargs: Any) -> Any:
    result = func(*args, **kwargs)
    if not isinstance(meta, (pd.DataFrame, pd.Series, pd.Index)):
        return result
    if not isinstance(result, (pd.DataFrame, pd.Series, pd.Index)):
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
            "made-up rows and raised; say what it gives with the keyword `meta`.\n\n"
            f"{type(error).__name__}: {error}"
        ) from error
    return make_meta(result)


def align(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments with all collections over the same divisions.

    Raises
    ------
    ValueError
        If they differ and are not known.
    """
    several = [x for x in args if isinstance(x, Collection) and _is_partitioned(x)]
    if len(several) < 2:
        return args
    first = several[0]
    if all(x._expr.has_rows_of(first._expr) for x in several[1:]):
        return args
    if all(x.divisions == first.divisions for x in several[1:]):
        return args
    if all(x.known_divisions for x in several):
        ends = sorted({end for x in several for end in x.divisions})
        if len(ends) == 1:
            ends = ends * 2
        return tuple(
            x.repartition(divisions=ends, force=True)  # type: ignore[attr-defined]
            if isinstance(x, Collection) and _is_partitioned(x)
            else x
            for x in args
        )
    if len({x.npartitions for x in several}) == 1:
        return args
    if 1 in {x.npartitions for x in several} and len({x.npartitions for x in several}) == 2:
        return args
    raise ValueError(
        "Not all divisions are known, can't align partitions. "
        "Please use `set_index` to set the index."
    )


def elementwise(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function of pandas' that leaves rows where they are."""
    return _partwise(func, args, kwargs, keeps_rows=True)


def choosing(func: Callable[..., Any], *args: Any) -> Any:
    """Call a function of pandas' that leaves rows out."""
    return _partwise(func, args, {}, keeps_rows=False)


def _partwise(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], keeps_rows: bool
) -> Any:
    args = align(args)
    several = [x for x in args if isinstance(x, Collection) and _is_partitioned(x)]

    def sample(x: Any) -> Any:
        return x._meta_nonempty if isinstance(x, Collection) else x

    meta = make_meta(func(*map(sample, args), **kwargs))
    npartitions = several[0].npartitions
    described = [_described(arg, npartitions) for arg in args]
    first = several[0]
    same = keeps_rows and all(x._expr.has_rows_of(first._expr) for x in several)
    rows_of = first._expr if same else None
    expr = python_layer(func, described, npartitions, kwargs, rows_of=rows_of)
    return new_collection(expr, meta, first._known_divisions)


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
    by = 8 if split_every in (None, True) else (10**9 if split_every is False else int(split_every))
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
