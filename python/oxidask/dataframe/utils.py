"""What tests and other libraries use of dataframes: comparison, metas, kinds."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from oxidask.dataframe._accessors import AttributeNotImplementedError
from oxidask.dataframe._collection import Collection
from oxidask.dataframe._meta import check_meta, make_meta, meta_nonempty
from oxidask.dataframe._needs import pandas as pd

__all__ = [
    "UNKNOWN_CATEGORIES",
    "AttributeNotImplementedError",
    "assert_dask_dtypes",
    "assert_dask_graph",
    "assert_divisions",
    "assert_eq",
    "assert_sane_keynames",
    "check_meta",
    "clear_known_categories",
    "get_string_dtype",
    "has_known_categories",
    "index_summary",
    "is_dataframe_like",
    "is_index_like",
    "is_series_like",
    "make_meta",
    "meta_nonempty",
    "pyarrow_strings_enabled",
    "valid_divisions",
]

UNKNOWN_CATEGORIES = "__UNKNOWN_CATEGORIES__"


def get_string_dtype() -> Any:
    """Return the dtype that text has here: pandas' own, whatever the configuration says."""
    return pd.StringDtype(na_value=np.nan)


def is_dataframe_like(df: Any) -> bool:
    """Whether an object looks like a dataframe."""
    return _looks_like(df, ("groupby", "head", "merge", "mean", "dtypes", "columns"))


def is_series_like(s: Any) -> bool:
    """Whether an object looks like a series."""
    return _looks_like(s, ("groupby", "dtype", "name")) and "index" not in type(s).__name__.lower()


def is_index_like(s: Any) -> bool:
    """Whether an object looks like an index."""
    return _looks_like(s, ("name", "dtype")) and "index" in type(s).__name__.lower()


def _looks_like(x: Any, names: tuple[str, ...]) -> bool:
    return not isinstance(x, type) and all(hasattr(x, name) for name in names)


def pyarrow_strings_enabled() -> bool:
    """Whether text is kept as Arrow keeps it: always."""
    return True


def valid_divisions(divisions: Any) -> bool:
    """Whether divisions are in order, and all but the last two differ.

    Examples
    --------
    >>> valid_divisions([1, 2, 3]), valid_divisions([3, 2, 1])
    (True, False)
    """
    if not isinstance(divisions, (tuple, list)) or len(divisions) < 2:
        return False
    if all(end is None for end in divisions):
        return True
    if any(end is None or pd.isnull(end) for end in divisions):
        return False
    pairs = list(itertools.pairwise(divisions))
    return all(a < b for a, b in pairs[:-1]) and pairs[-1][0] <= pairs[-1][1]


def has_known_categories(x: Any) -> bool:
    """Whether the categories of a series or an index are known."""
    meta = getattr(x, "_meta", x)
    if isinstance(meta, pd.Series):
        return UNKNOWN_CATEGORIES not in meta.cat.categories and len(meta.cat.categories) > 0
    return len(meta.categories) > 0 and UNKNOWN_CATEGORIES not in meta.categories


def clear_known_categories(
    x: Any, cols: Any = None, index: bool = True, dtype_backend: Any = None
) -> Any:
    """Return a pandas object whose categories are unknown."""
    if isinstance(x, pd.DataFrame):
        x = x.copy()
        for label in x.columns if cols is None else cols:
            if isinstance(x[label].dtype, pd.CategoricalDtype):
                x[label] = x[label].cat.set_categories([UNKNOWN_CATEGORIES])
        return x
    if isinstance(x, pd.Series) and isinstance(x.dtype, pd.CategoricalDtype):
        return x.cat.set_categories([UNKNOWN_CATEGORIES])
    return x


def index_summary(idx: Any, name: Any = None) -> str:
    """Return a line about an index."""
    return f"{name or type(idx).__name__}: {len(idx)} entries"


def assert_eq(
    a: Any,
    b: Any,
    check_names: bool = True,
    check_dtype: bool = True,
    check_divisions: bool = True,
    check_index: bool = True,
    sort_results: bool = True,
    scheduler: Any = "sync",
    check_categorical: bool = True,
    serialize_graph: bool = True,
    **kwargs: Any,
) -> bool:
    """Raise if two values differ, of collections or of pandas.

    Parameters
    ----------
    a, b
        The values; collections are computed.
    check_names, check_dtype, check_divisions, check_index
        What has to agree beside the values.
    sort_results
        Whether the order of rows does not matter.
    """
    if check_divisions:
        for x in (a, b):
            if isinstance(x, Collection):
                assert_divisions(x, scheduler=scheduler)
    a, b = (_computed(x, scheduler, check_dtype) for x in (a, b))
    if not check_index:
        a, b = (x.reset_index(drop=True) if hasattr(x, "reset_index") else x for x in (a, b))
    if isinstance(a, (pd.DataFrame, pd.Series)) and sort_results:
        a, b = _in_order(a), _in_order(b)
    options = {"check_names": check_names, "check_dtype": check_dtype, **kwargs}
    if isinstance(b, pd.DataFrame):
        pd.testing.assert_frame_equal(
            a, b, check_categorical=check_categorical, check_freq=False, **options
        )
    elif isinstance(b, pd.Series):
        pd.testing.assert_series_equal(
            a, b, check_categorical=check_categorical, check_freq=False, **options
        )
    elif isinstance(b, pd.Index):
        pd.testing.assert_index_equal(
            a, b, exact=check_dtype, check_names=check_names, check_categorical=check_categorical
        )
    elif a is b or (_is_missing(a) and _is_missing(b)):
        pass
    else:
        equal = a == b
        if isinstance(equal, np.ndarray):
            assert equal.all()
        elif not equal:
            assert np.allclose(a, b), f"{a!r} is not {b!r}"
    return True


def _is_missing(x: Any) -> bool:
    return bool(np.isscalar(x) or x is None or x is pd.NA) and bool(pd.isna(x))


def _computed(x: Any, scheduler: Any, check_dtype: bool) -> Any:
    if not isinstance(x, Collection):
        return x
    result = x.compute(scheduler=scheduler)
    meta = x._meta
    if isinstance(meta, pd.Index):
        assert isinstance(result, pd.Index), type(result)
    elif isinstance(meta, (pd.DataFrame, pd.Series)):
        assert type(result) is type(meta), (type(result), type(meta))
        if isinstance(meta, pd.DataFrame):
            assert list(result.columns) == list(meta.columns), (result.columns, meta.columns)
        if check_dtype:
            assert_dask_dtypes(x, result)
    return result


def assert_dask_dtypes(ddf: Any, res: Any, numeric_equal: bool = True) -> None:
    """Raise if a result has other dtypes than the collection said."""
    check_meta(res, ddf._meta, numeric_equal=numeric_equal)


def _in_order(x: Any) -> Any:
    labels = [f"__{at}" for at in range(x.shape[1])] if x.ndim == 2 else None
    try:
        if x.ndim == 2:
            columns, x = x.columns, x.set_axis(labels, axis=1)
            x = x.sort_values(labels, kind="stable").set_axis(columns, axis=1)
        else:
            x = x.sort_values(kind="stable")
    except (TypeError, IndexError, ValueError):
        x = x.set_axis(columns, axis=1) if x.ndim == 2 and list(x.columns) == labels else x
    try:
        return x.sort_index(kind="stable")
    except (TypeError, IndexError, ValueError):
        return x


def assert_divisions(ddf: Any, scheduler: Any = None) -> None:
    """Raise if partitions hold labels beyond their divisions."""
    if not hasattr(ddf, "divisions") or ddf.ndim not in (1, 2):
        return
    assert len(ddf.divisions) == ddf.npartitions + 1
    if not ddf.known_divisions or not hasattr(ddf, "map_partitions"):
        return
    from oxidask.base import compute_as_if_collection

    graph = ddf.__dask_graph__()
    parts = compute_as_if_collection(type(ddf), graph, ddf.__dask_keys__(), scheduler=scheduler)
    ends = ddf.divisions
    for at, part in enumerate(parts):
        labels = part if isinstance(part, pd.Index) else part.index
        if not len(labels):
            continue
        assert labels.min() >= ends[at]
        if at < len(parts) - 1:
            assert labels.max() < ends[at + 1]
        else:
            assert labels.max() <= ends[at + 1]


def assert_sane_keynames(ddf: Any) -> None:
    """Raise if a key of the graph has no readable name."""
    for key in ddf.__dask_graph__():
        name = key[0] if isinstance(key, tuple) else key
        assert isinstance(name, str)
        assert len(name) < 100


def assert_dask_graph(dask: Any, label: str) -> None:
    """Raise if no task of a graph is called so."""
    graph = getattr(dask, "dask", dask)
    names = [key[0] if isinstance(key, tuple) else key for key in dict(graph)]
    assert any(str(name).startswith(label) for name in names), f"no task is called {label}"
