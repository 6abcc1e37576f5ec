"""Empty pandas objects that show what partitions look like."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import numpy as np

from oxidask.dataframe._needs import pandas as pd

__all__ = [
    "check_meta",
    "make_meta",
    "meta_nonempty",
    "meta_of_schema",
    "remembered",
    "unknown_categories",
    "with_frequency",
]


def meta_of_schema(schema: Any) -> Any:
    """Return the empty pandas object of a native schema: one for all schemas like it."""
    said = repr(schema)
    meta = _METAS.get(said)
    if meta is None:
        meta = _made(schema)
        # An index of times may be told its frequency later.
        index = meta if isinstance(meta, pd.Index) else meta.index
        if not isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
            if len(_METAS) > 1000:
                _METAS.clear()
            _METAS[said] = meta
    return meta


# The empty objects of schemas, which nobody changes.
_METAS: dict[str, Any] = {}


def _made(schema: Any) -> Any:
    kind, is_range, levels, columns, columns_name = schema
    if is_range:
        index = pd.RangeIndex(0, name=levels[0][0])
    elif len(levels) == 1:
        index = pd.Index(_empty(levels[0][1]).copy(), name=levels[0][0])
    else:
        index = pd.MultiIndex.from_arrays(
            [_empty(dtype) for _, dtype in levels], names=[name for name, _ in levels]
        )
    if kind == "index":
        return index
    if kind == "series":
        ((name, dtype),) = columns
        return pd.Series(_empty(dtype), index=index, name=name)
    frame = pd.DataFrame({at: _empty(dtype) for at, (_, dtype) in enumerate(columns)}, index=index)
    labels = [name for name, _ in columns]
    frame.columns = (
        pd.Index(labels, name=columns_name, tupleize_cols=False)
        if labels
        else pd.Index([], dtype="str", name=columns_name)
    )
    return frame


def remembered(expr: Any, *sources: Any, frequency: bool = True) -> Any:
    """Return the meta of an expression with what native schemas don't say, or None if that is all.

    Categories and the frequency of an index of times are those of the columns of the same label in
    `sources`, metas of collections whose rows and columns the expression has. Without `frequency`
    some of the rows are left out.
    """
    sources = tuple(x for x in sources if x is not None and _says_more(x))
    if not sources or expr.schema is None:
        return None
    meta = meta_of_schema(expr.schema)
    for source in sources:
        meta = _with_categories(meta, source)
        if frequency:
            ours, theirs = (x if isinstance(x, pd.Index) else x.index for x in (meta, source))
            with_frequency(ours, theirs)
    return meta


def _says_more(meta: Any) -> bool:
    index = meta if isinstance(meta, pd.Index) else getattr(meta, "index", None)
    if index is None:
        return False
    if getattr(index, "freq", None) is not None:
        return True
    columns = [] if index is meta else (meta.dtypes if meta.ndim == 2 else [meta.dtype])
    levels = index.dtypes if isinstance(index, pd.MultiIndex) else [index.dtype]
    return any(isinstance(dtype, pd.CategoricalDtype) for dtype in (*columns, *levels))


def _with_categories(meta: Any, source: Any) -> Any:
    known = _categories_by_label(source)
    if isinstance(meta, pd.DataFrame):
        found = {
            label: known[label]
            for label, dtype in zip(meta.columns, meta.dtypes, strict=True)
            if isinstance(dtype, pd.CategoricalDtype) and label in known
        }
        meta = meta.astype(found) if found and meta.columns.is_unique else meta
    elif isinstance(meta, pd.Series) and isinstance(meta.dtype, pd.CategoricalDtype):
        meta = meta.astype(known.get(meta.name, meta.dtype))
    index = meta if isinstance(meta, pd.Index) else meta.index
    if isinstance(index.dtype, pd.CategoricalDtype):
        theirs = source if isinstance(source, pd.Index) else source.index
        dtype = theirs.dtype if theirs.name == index.name else known.get(index.name)
        if isinstance(dtype, pd.CategoricalDtype):
            index = index.astype(dtype)
            meta = index if isinstance(meta, pd.Index) else meta.set_axis(index)
    return meta


def _categories_by_label(source: Any) -> dict[Any, Any]:
    if isinstance(source, pd.Index):
        dtypes = {source.name: source.dtype}
    elif source.ndim == 2:
        dtypes = dict(zip(source.columns, source.dtypes, strict=True))
    else:
        dtypes = {source.name: source.dtype}
    known = {k: v for k, v in dtypes.items() if isinstance(v, pd.CategoricalDtype)}
    if not isinstance(source, (pd.Index, pd.MultiIndex)):
        for level in source.index.names:
            labels = source.index.get_level_values(level) if level is not None else source.index
            if isinstance(labels.dtype, pd.CategoricalDtype):
                known.setdefault(level, labels.dtype)
    return known


def with_frequency(index: Any, like: Any) -> Any:
    """Return an index with the frequency of another one, if its labels have it."""
    freq = getattr(like, "freq", None)
    kinds = (pd.DatetimeIndex, pd.TimedeltaIndex)
    if freq is not None and isinstance(index, kinds) and index.freq is None:
        with contextlib.suppress(ValueError):
            index.freq = freq
    return index


def unknown_categories(meta: Any, labels: Any = None) -> Any:
    """Return a meta of which nobody knows the categories, of some columns of a dataframe."""
    if isinstance(meta, pd.DataFrame):
        found = {label: _no_categories(meta[label].dtype) for label in labels}
        return meta.astype(found)
    return meta.astype(_no_categories(meta.dtype))


def _no_categories(dtype: Any) -> Any:
    return pd.CategoricalDtype(dtype.categories[:0], dtype.ordered)


@functools.lru_cache(maxsize=200)
def _empty(dtype: Any) -> Any:
    if isinstance(dtype, tuple):
        _, values, ordered = dtype
        categories = pd.Index(_empty(values))
        return pd.Categorical([], dtype=pd.CategoricalDtype(categories, ordered))
    return pd.array([], dtype=dtype) if dtype == "str" else pd.Series([], dtype=dtype).array


_SAMPLES: dict[str, list[Any]] = {
    "b": [True, False],
    "i": [1, 2],
    "u": [1, 2],
    "f": [1.0, 2.0],
    "c": [1 + 0j, 2 + 0j],
}


def meta_nonempty(meta: Any) -> Any:
    """Return an object like `meta` with two rows: what functions are tried on.

    Examples
    --------
    >>> import pandas as pd
    >>> meta_nonempty(pd.Series([], dtype="int64", name="x")).tolist()
    [1, 2]
    """
    if isinstance(meta, pd.DataFrame):
        index = meta_nonempty(meta.index)
        columns = {at: _two(meta.iloc[:, at]) for at in range(meta.shape[1])}
        frame = pd.DataFrame(
            {at: pd.Series(v, index=index) for at, v in columns.items()}, index=index
        )
        frame.columns = meta.columns
        return frame
    if isinstance(meta, pd.Series) and len(meta):
        return meta
    if isinstance(meta, pd.Series):
        return pd.Series(_two(meta), index=meta_nonempty(meta.index), name=meta.name)
    if isinstance(meta, pd.RangeIndex):
        return pd.RangeIndex(2, name=meta.name)
    if isinstance(meta, pd.MultiIndex):
        levels = [_two(meta.get_level_values(at)) for at in range(meta.nlevels)]
        return pd.MultiIndex.from_arrays(levels, names=meta.names)
    if isinstance(meta, pd.DatetimeIndex) and meta.freq is not None:
        return pd.date_range(
            "1970-01-01", periods=2, freq=meta.freq, tz=meta.tz, name=meta.name
        ).as_unit(meta.unit)
    if isinstance(meta, pd.TimedeltaIndex) and meta.freq is not None:
        return pd.timedelta_range(0, periods=2, freq=meta.freq, name=meta.name).as_unit(meta.unit)
    if isinstance(meta, pd.Index):
        return pd.Index(_two(meta), name=meta.name)
    if isinstance(meta, np.generic):
        return meta.dtype.type(1)
    return meta


def _two(column: Any) -> Any:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = dtype.categories
        if len(categories) == 0:
            categories = _made_up_categories(categories.dtype)
            return pd.Categorical(
                [categories[0], None], categories=categories, ordered=dtype.ordered
            )
        return pd.Categorical([categories[0], categories[-1]], dtype=dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.array([pd.Timestamp(2000, 1, 1, tz=dtype.tz)] * 2, dtype=dtype)
    if isinstance(dtype, pd.PeriodDtype):
        return pd.period_range("2000-01-01", periods=2, freq=dtype.freq).array
    if isinstance(dtype, pd.IntervalDtype):
        return pd.interval_range(0, 2, closed=dtype.closed or "right").array
    if isinstance(dtype, np.dtype):
        if dtype.kind == "M":
            return np.array(["2000-01-01", "2000-01-02"], dtype=dtype)
        if dtype.kind == "m":
            return np.array([1, 2], dtype=dtype)
        if dtype.kind in _SAMPLES:
            return np.array(_SAMPLES[dtype.kind], dtype=dtype)
        return np.array(["foo", "foo"], dtype=object)
    if isinstance(dtype, pd.StringDtype):
        return pd.array(["foo", "foo"], dtype=dtype)
    try:
        return pd.array([1, 2], dtype=dtype)
    except (TypeError, ValueError, NotImplementedError):
        return pd.array([None, None], dtype=dtype)


def _made_up_categories(dtype: Any) -> Any:
    """Return categories that stand for unknown ones, and are unlikely to be anybody's own."""
    kind = getattr(dtype, "kind", "O")
    if kind in "iufc":
        return pd.Index([113, 115], dtype=dtype)
    if kind in "mM":
        return pd.Index(np.array([113, 115], "i8").view(f"{kind}8[ns]")).astype(dtype)
    if kind == "b":
        return pd.Index([False, True], dtype=dtype)
    return pd.Index(["__made_up_1__", "__made_up_2__"], dtype=dtype)


def _is_made_up(dtype: Any) -> bool:
    if not isinstance(dtype, pd.CategoricalDtype) or not len(dtype.categories):
        return False
    categories = dtype.categories
    if categories.dtype.kind == "b":
        return False
    if categories.dtype.kind == "O":
        # Those of text that was made up too.
        return set(categories) <= {"foo", "__made_up_1__", "__made_up_2__"}
    return set(categories) <= set(_made_up_categories(categories.dtype))


def _without_made_up(meta: Any) -> Any:
    """Return a meta whose categories are unknown where they come from made-up rows."""
    if isinstance(meta, pd.Index):
        return meta.astype(_no_categories(meta.dtype)) if _is_made_up(meta.dtype) else meta
    if isinstance(meta, pd.DataFrame):
        if meta.columns.is_unique:
            odd = {label: _no_categories(d) for label, d in meta.dtypes.items() if _is_made_up(d)}
            meta = meta.astype(odd) if odd else meta
    elif _is_made_up(meta.dtype):
        meta = meta.astype(_no_categories(meta.dtype))
    if _is_made_up(meta.index.dtype):
        meta = meta.set_axis(_without_made_up(meta.index), axis=0)
    return meta


def make_meta(x: Any, index: Any = None, parent_meta: Any = None) -> Any:
    """Return an empty pandas object of a description.

    Parameters
    ----------
    x
        A pandas object or a collection; a dict or an iterable of pairs of names and dtypes for a
        dataframe; a pair of a name and a dtype for a series; a dtype or a scalar.
    index
        The index of what is made.

    Examples
    --------
    >>> make_meta({"a": "i8"}).dtypes.tolist()
    [dtype('int64')]
    """
    meta = getattr(x, "_meta", None)
    if meta is not None:
        return meta
    if isinstance(x, (pd.DataFrame, pd.Series)):
        return _without_made_up(x.iloc[:0])
    if isinstance(x, pd.Index):
        return _without_made_up(x[:0])
    if index is not None:
        index = make_meta(index)
    if isinstance(x, dict):
        columns = {name: pd.Series([], dtype=dtype) for name, dtype in x.items()}
        return pd.DataFrame(columns, index=index)
    if isinstance(x, tuple) and len(x) == 2:
        name, dtype = x
        if isinstance(dtype, str) and dtype == "category":
            return pd.Series(pd.Categorical([]), name=name, index=index)
        return pd.Series([], dtype=dtype, name=name, index=index)
    if isinstance(x, (list, tuple)) and all(isinstance(i, tuple) and len(i) == 2 for i in x):
        frame = pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in x}, index=index)
        return frame[[name for name, _ in x]] if x else frame
    if not isinstance(x, (list, tuple, set, np.ndarray)) and x is not None:
        try:
            dtype = np.dtype(x)
        except TypeError:
            pass
        else:
            return _scalar(dtype)
    if np.isscalar(x) or isinstance(x, (pd.Timestamp, pd.Timedelta)) or x is None:
        return x
    raise TypeError(f"Don't know how to create metadata from {x}")


def _scalar(dtype: np.dtype[Any]) -> Any:
    if dtype.kind in "mM":
        return dtype.type(1, np.datetime_data(dtype)[0] if dtype.name[-1] == "]" else "ns")
    return "foo" if dtype.kind in "OSU" else dtype.type(1)


def check_meta(x: Any, meta: Any, funcname: str | None = None, numeric_equal: bool = True) -> Any:
    """Return `x` if its type and dtypes are those of `meta`.

    Raises
    ------
    ValueError
        If they are not, with what was found and what was expected.
    """

    def equal(a: Any, b: Any) -> bool:
        if isinstance(a, pd.CategoricalDtype) and isinstance(b, pd.CategoricalDtype):
            return True
        numeric = "iufb" if numeric_equal else ""
        if getattr(a, "kind", "x") in numeric and getattr(b, "kind", "y") in numeric:
            return True
        return bool(a == b)

    where = f" in `{funcname}`" if funcname else ""
    if type(x) is not type(meta) and not (isinstance(x, pd.Index) and isinstance(meta, pd.Index)):
        raise ValueError(
            f"Metadata mismatch found{where}.\n\n"
            f"Expected partition of type `{type(meta).__name__}` "
            f"but got `{type(x).__name__}`"
        )
    if isinstance(meta, pd.DataFrame):
        found = dict(zip(x.columns, x.dtypes, strict=True))
        wanted = dict(zip(meta.columns, meta.dtypes, strict=True))
        odd = [
            (label, found.get(label, "-"), wanted.get(label, "-"))
            for label in dict.fromkeys([*found, *wanted])
            if label not in found or label not in wanted or not equal(found[label], wanted[label])
        ]
        if not odd and list(x.columns) == list(meta.columns):
            return x
        lines = [f"{label!r}: found {a}, expected {b}" for label, a, b in odd]
        if not odd:
            raise ValueError(
                "The columns in the computed data do not match the columns in the provided "
                f"metadata{where}.\nOrder of columns does not match: found {list(x.columns)}, "
                f"expected {list(meta.columns)}"
            )
        raise ValueError(
            f"Metadata mismatch found{where}.\n\nPartition type: `DataFrame`\n" + "\n".join(lines)
        )
    if hasattr(meta, "dtype") and not equal(x.dtype, meta.dtype):
        raise ValueError(
            f"Metadata mismatch found{where}.\n\nPartition type: `{type(meta).__name__}`\n"
            f"found {x.dtype}, expected {meta.dtype}"
        )
    return x
