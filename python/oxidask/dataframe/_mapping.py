"""Functions of values and of rows: ``map``, ``apply``."""

from __future__ import annotations

import warnings
from typing import Any

from oxidask.dataframe._collection import Collection, new_collection, python_layer, together
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import map_partitions

__all__ = ["apply_rows", "apply_values", "in_one", "map_frame", "map_values"]


def map_values(series: Any, arg: Any, na_action: Any, meta: Any, is_monotonic: bool = False) -> Any:
    """Map the values of a series or an index by a function, a dict or a series.

    A mapper in partitions comes together in one task, whose answer all partitions read.
    """
    method = pd.Index.map if isinstance(series._meta, pd.Index) else pd.Series.map
    guessed = meta is None
    if guessed:
        meta = _meta_of_map(series, method, arg, na_action)
    else:
        meta = make_meta(meta, index=getattr(series._meta, "index", None))
    if guessed:
        warn_of_guess("map", meta)
    mapper = ("partition", in_one(arg)) if isinstance(arg, Collection) else ("literal", arg)
    args = [("literal", method), ("partition", series._expr), mapper, ("literal", na_action)]
    rows_of = None if isinstance(series._meta, pd.Index) else series._expr
    expr = python_layer(_mapped, args, series.npartitions, name="map", rows_of=rows_of)
    divisions = series._known_divisions
    if isinstance(series._meta, pd.Index):
        divisions = _mapped_ends(series, arg, na_action) if is_monotonic else None
    return new_collection(expr, meta, divisions)


def _mapped_ends(index: Any, arg: Any, na_action: Any) -> Any:
    if not index.known_divisions or isinstance(arg, Collection):
        return None
    return tuple(pd.Index(index.divisions).map(arg, na_action=na_action).tolist())


def _mapped(method: Any, part: Any, arg: Any, na_action: Any) -> Any:
    return method(part, arg, na_action=na_action)


def _meta_of_map(series: Any, method: Any, arg: Any, na_action: Any) -> Any:
    values = arg._meta if isinstance(arg, Collection) else arg
    if type(values) is dict and values:
        values = pd.Series(values)
    if not isinstance(values, pd.Series):
        return _tried("map", method, series._meta_nonempty, arg, na_action=na_action)
    # Values that were made up are no keys of a table: its values say what comes.
    if isinstance(series._meta, pd.Index):
        return pd.Index(values.iloc[:0].array, name=series._meta.name)
    index = series._meta.index
    return pd.Series(values.iloc[:0].array, index=index, name=series._meta.name)


def in_one(collection: Any) -> Any:
    """Return the expression of one partition with all rows of a collection."""
    return python_layer(together, [("every", collection._expr)], 1, name="together")


def map_frame(df: Any, func: Any, na_action: Any, meta: Any, kwargs: dict[str, Any]) -> Any:
    """Call a function on each value of a dataframe."""
    guessed = meta is None
    if guessed:
        meta = _tried("map", pd.DataFrame.map, df._meta_nonempty, func, na_action, **kwargs)
        warn_of_guess("map", meta)
    return map_partitions(
        pd.DataFrame.map, df, func, na_action, meta=meta, enforce_metadata=False, **kwargs
    )


def apply_rows(df: Any, func: Any, args: tuple[Any, ...], meta: Any, kwargs: Any) -> Any:
    """Call a function on each row of a dataframe."""
    settings = {"axis": 1, "args": args, **kwargs}
    if meta is None:
        meta = _tried("apply", pd.DataFrame.apply, df._meta_nonempty, func, **settings)
        warn_of_guess("apply", meta)
    return map_partitions(
        pd.DataFrame.apply, df, func, meta=meta, enforce_metadata=False, **settings
    )


def apply_values(series: Any, func: Any, args: tuple[Any, ...], meta: Any, kwargs: Any) -> Any:
    """Call a function on each value of a series."""
    if meta is None:
        sample = series._meta_nonempty
        meta = _tried("apply", pd.Series.apply, sample, func, args=args, **kwargs)
        warn_of_guess("apply", meta)
    return map_partitions(
        pd.Series.apply, series, func, args=args, meta=meta, enforce_metadata=False, **kwargs
    )


def _tried(name: str, method: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return make_meta(method(*args, **kwargs))
    except Exception as error:
        raise ValueError(
            f"Metadata inference failed in `{name}`.\n\nThe function was tried on two made-up rows "
            f"and raised; say what it gives with `meta=`.\n\n{type(error).__name__}: {error}"
        ) from error


def warn_of_guess(name: str, meta: Any) -> None:
    """Warn that what a function gives was found by trying it on made-up rows."""
    said: Any
    if isinstance(meta, pd.DataFrame):
        said = {label: str(dtype) for label, dtype in meta.dtypes.items()}
    else:
        said = (meta.name, str(meta.dtype)) if hasattr(meta, "dtype") else meta
    warnings.warn(
        f"`{name}` tried the function on two made-up rows to find the metadata of its result. Say "
        f"them, to be sure of them and to spare the trial: {name}(..., meta={said!r})",
        UserWarning,
        stacklevel=4,
    )
