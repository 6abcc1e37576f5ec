"""Group-by: natively by states that merge, by pandas on whole groups where there is no kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oxidask.dataframe._collection import Collection, natively, new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd
from oxidask.utils import funcname

__all__ = ["Aggregation", "DataFrameGroupBy", "GroupBy", "SeriesGroupBy"]

# Aggregates with kernels, and those whose setting is `ddof` or `min_count`.
_NATIVE = frozenset(
    (
        "sum",
        "prod",
        "count",
        "mean",
        "var",
        "std",
        "sem",
        "min",
        "max",
        "first",
        "last",
        "any",
        "all",
        "skew",
    )
)


class Aggregation:
    """A user's aggregate: what to do with each partition's groups, with several of these, and last.

    Parameters
    ----------
    name
        What it is called.
    chunk
        A function of the group-by of a partition's column: gives a series, or a tuple of such.
    agg
        A function of the group-by of what chunks gave.
    finalize
        A function of what `agg` gave.
    """

    def __init__(
        self,
        name: str,
        chunk: Callable[..., Any],
        agg: Callable[..., Any],
        finalize: Callable[..., Any] | None = None,
    ) -> None:
        self.__name__ = name
        self.chunk, self.agg, self.finalize = chunk, agg, finalize


class GroupBy:
    """Rows of a collection by keys."""

    def __init__(
        self,
        obj: Any,
        by: Any,
        slice: Any = None,
        sort: bool | None = None,
        dropna: bool | None = None,
        observed: bool | None = None,
        group_keys: bool = True,
        **options: Any,
    ) -> None:
        if options:
            raise TypeError(f"groupby got unexpected keywords {sorted(options)}")
        self.obj = obj
        self.by = list(by) if isinstance(by, (list, tuple)) and not _is_label(obj, by) else [by]
        self._slice, self.sort, self.dropna = slice, sort, dropna
        self.observed, self.group_keys = observed, group_keys
        self.by = [_as_label(obj, key) for key in self.by]
        for key in self.by:
            if isinstance(key, pd.Grouper):
                raise NotImplementedError("pd.Grouper is currently not supported by Dask.")
            if isinstance(key, Collection) and not _fits(obj, key):
                raise NotImplementedError(
                    "The grouped object and 'by' of the groupby must have the same divisions."
                )
            known = isinstance(key, Collection) or callable(key) or _is_label(obj, key)
            if not known and key != obj._meta.index.name:
                raise KeyError(key)
        self._meta = self._of(obj._meta)

    def _settings(self) -> dict[str, Any]:
        said = {"sort": self.sort, "dropna": self.dropna, "observed": self.observed}
        return {k: v for k, v in said.items() if v is not None} | {"group_keys": self.group_keys}

    def _of(self, part: Any) -> Any:
        keys = [key._meta if isinstance(key, Collection) else key for key in self.by]
        grouped = part.groupby(keys if len(keys) > 1 else keys[0], **self._settings())
        return grouped if self._slice is None else grouped[self._slice]

    # Natively.

    def _columns(self) -> list[Any]:
        """Return the labels of the columns that answers are of."""
        if self._slice is not None:
            return self._slice if isinstance(self._slice, list) else [self._slice]
        if self.obj.ndim == 1:
            return [self.obj._meta.name]
        keys = [key for key in self.by if not isinstance(key, Collection)]
        return [label for label in self.obj._meta.columns if label not in keys]

    def _is_series(self) -> bool:
        return self.obj.ndim == 1 or (self._slice is not None and not isinstance(self._slice, list))

    def _native_rows(self) -> tuple[Any, list[Any], list[Any]] | None:
        """Return the rows with the keys among the columns, and labels and names of these."""
        obj = self.obj
        if not obj._expr.is_native or (self.observed is False and self._has_categories()):
            return None
        if obj.ndim == 1:
            if obj._meta.name is None:
                return None
            obj = obj.to_frame()
        elif not obj._meta.columns.is_unique:
            return None
        keys, names, expr = [], [], obj._expr
        for at, key in enumerate(self.by):
            if isinstance(key, Collection):
                is_column = isinstance(key._meta, pd.Series)
                if not (is_column and key._expr.is_native and key._expr.has_rows_of(expr)):
                    return None
                name = key._meta.name
                label = f"__key_{at}__"
                expr = expr.assign([label], [key._expr])
                keys.append(label)
                names.append(name)
            elif callable(key) or not _is_label(obj, key):
                return None
            else:
                keys.append(key)
                names.append(key)
        return expr, keys, names

    def _has_categories(self) -> bool:
        for key in self.by:
            dtype = (
                key._meta.dtype
                if isinstance(key, Collection)
                else getattr(self.obj._meta.get(key, None), "dtype", None)
            )
            if isinstance(dtype, pd.CategoricalDtype):
                return True
        return False

    def _aggregated_natively(
        self,
        wants: list[tuple[Any, str, float, Any]],
        kind: str,
        split_out: Any,
        split_every: Any,
        meta: Any,
    ) -> Any:
        def build() -> Any:
            rows = self._native_rows()
            if rows is None:
                return None
            expr, keys, names = rows
            needed = list(dict.fromkeys([*keys, *(w[0] for w in wants if w[1] != "size")]))
            n_out = self.obj.npartitions if split_out is True else int(split_out or 1)
            sorted_over = self.sort is True and n_out > 1
            sort = self.sort if self.sort is not None else True
            grouped = expr.project(needed, "frame").group_by(
                keys,
                names,
                wants,
                kind,
                self.dropna is not False,
                sort,
                n_out,
                8 if split_every in (None, True) else int(split_every or 2**31),
            )
            return grouped.sorted([], True, n_out) if sorted_over else grouped

        expr = natively(build)
        if expr is None:
            return None
        n_out = expr.npartitions
        return new_collection(expr, None if meta is None else meta, (None,) * (n_out + 1))

    def _simple(
        self,
        name: str,
        setting: float = 0,
        numeric_only: bool = False,
        split_out: Any = 1,
        split_every: Any = None,
        **kwargs: Any,
    ) -> Any:
        if numeric_only:
            return self._numeric()._simple(
                name, setting, split_out=split_out, split_every=split_every, **kwargs
            )
        meta = getattr(self._meta_nonempty(), name)(**kwargs).iloc[:0]
        columns = self._columns()
        wants = [(label, name, setting, label) for label in columns]
        if columns and not kwargs.get("engine"):
            kind = "series" if self._is_series() else "frame"
            result = self._aggregated_natively(wants, kind, split_out, split_every, None)
            if result is not None:
                return result
        return self._whole(_call_grouped, meta, name, kwargs)

    def _numeric(self) -> GroupBy:
        chosen = self.obj._meta[self._columns()]._get_numeric_data().columns
        return type(self)(self.obj, self.by, list(chosen), **self._settings())

    def _meta_nonempty(self) -> Any:
        sample = self.obj._meta_nonempty
        keys = [k._meta_nonempty if isinstance(k, Collection) else k for k in self.by]
        grouped = sample.groupby(keys if len(keys) > 1 else keys[0], **self._settings())
        return grouped if self._slice is None else grouped[self._slice]

    # By pandas.

    def _whole(self, func: Callable[..., Any], meta: Any, *args: Any) -> Any:
        """Call a function of pandas' group-by of all rows together."""
        keys = [
            ("every", k._expr) if isinstance(k, Collection) else ("literal", k) for k in self.by
        ]
        described = [
            ("literal", func),
            ("literal", args),
            ("literal", self._slice),
            ("literal", self._settings()),
            ("every", self.obj._expr),
            *keys,
        ]
        expr = python_layer(_on_all, described, 1, name=f"groupby-{funcname(func).strip('_')}")
        return new_collection(expr, meta)

    def sum(self, numeric_only: bool = False, min_count: int | None = None, **kw: Any) -> Any:
        """Return the sums of each group."""
        extra = {} if min_count is None else {"min_count": min_count}
        return self._simple("sum", min_count or 0, numeric_only, **_of(kw), **extra)

    def prod(self, numeric_only: bool = False, min_count: int | None = None, **kw: Any) -> Any:
        """Return the products of each group."""
        extra = {} if min_count is None else {"min_count": min_count}
        return self._simple("prod", min_count or 0, numeric_only, **_of(kw), **extra)

    def mean(self, numeric_only: bool = False, **kw: Any) -> Any:
        """Return the means of each group."""
        return self._simple("mean", 0, numeric_only, **_of(kw))

    def var(self, ddof: int = 1, numeric_only: bool = False, **kw: Any) -> Any:
        """Return the variances of each group."""
        return self._simple("var", ddof, numeric_only, **_of(kw), ddof=ddof)

    def std(self, ddof: int = 1, numeric_only: bool = False, **kw: Any) -> Any:
        """Return the standard deviations of each group."""
        return self._simple("std", ddof, numeric_only, **_of(kw), ddof=ddof)

    def min(self, numeric_only: bool = False, **kw: Any) -> Any:
        """Return the least values of each group."""
        return self._simple("min", 0, numeric_only, **_of(kw))

    def max(self, numeric_only: bool = False, **kw: Any) -> Any:
        """Return the greatest values of each group."""
        return self._simple("max", 0, numeric_only, **_of(kw))

    def first(self, numeric_only: bool = False, **kw: Any) -> Any:
        """Return the first values of each group that are there."""
        return self._simple("first", 0, numeric_only, **_of(kw))

    def last(self, numeric_only: bool = False, **kw: Any) -> Any:
        """Return the last values of each group that are there."""
        return self._simple("last", 0, numeric_only, **_of(kw))

    def count(self, **kw: Any) -> Any:
        """Return how many values each group has."""
        return self._simple("count", **_of(kw))

    def size(self, **kw: Any) -> Any:
        """Return how many rows each group has."""
        result = self._aggregated_natively(
            [(None, "size", 0, None)], "series", kw.get("split_out", 1), kw.get("split_every"), None
        )
        name = (
            self.obj._meta.name
            if self.obj.ndim == 1
            else (
                self._slice
                if self._slice is not None and not isinstance(self._slice, list)
                else None
            )
        )
        if result is not None:
            return result.rename(name) if name is not None else result
        return self._whole(_call_grouped, self._meta_nonempty().size().iloc[:0], "size", {})

    def nunique(self, **kw: Any) -> Any:
        """Return how many different values each group has."""
        meta = self._meta_nonempty().nunique().iloc[:0]
        return self._whole(_call_grouped, meta, "nunique", {})

    def median(self, **kw: Any) -> Any:
        """Return the medians of each group: of all rows together."""
        return self._plain("median")

    def agg(
        self,
        arg: Any = None,
        split_every: Any = None,
        split_out: Any = 1,
        shuffle_method: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return several aggregates.

        Parameters
        ----------
        arg
            The name of an aggregate, a list of names, or a dict of such by label.
        **kwargs
            Aggregates by what they are to be called: ``total=("x", "sum")``.
        """
        if arg is None and not kwargs:
            raise TypeError("agg needs what to compute: names of aggregates, or total=('x', 'sum')")
        if isinstance(arg, Aggregation) or _has_own(arg):
            return self._by_own(arg)
        meta = (
            self._meta_nonempty().agg(**kwargs) if arg is None else self._meta_nonempty().agg(arg)
        )
        meta = meta.iloc[:0]
        wants = self._wants(arg, kwargs)
        if wants is not None:
            kind = "series" if isinstance(meta, pd.Series) else "frame"
            result = self._aggregated_natively(wants, kind, split_out, split_every, None)
            if result is not None:
                if kind == "frame":
                    labelled = result._partwise(_with_labels, meta.columns)
                    return new_collection(labelled._expr, labelled._meta, result._known_divisions)
                return result.rename(meta.name)
        return self._whole(_call_grouped, meta, "agg", kwargs if arg is None else {"func": arg})

    aggregate = agg

    def _by_own(self, arg: Any) -> Any:
        """Return aggregates of users: their steps one after the other, on all rows together."""
        from oxidask.dataframe._meta import make_meta

        columns = self._columns()
        if isinstance(arg, (Aggregation, list)):
            arg = dict.fromkeys(columns, arg) if not self._is_series() else arg
        meta = make_meta(_own_aggregates(self._meta_nonempty(), arg))
        return self._whole(_own_aggregates, meta, arg)

    def _wants(self, arg: Any, named: dict[str, Any]) -> list[tuple[Any, str, float, Any]] | None:
        """Return what a description of aggregates asks for natively; None if pandas must."""
        pairs: list[tuple[Any, Any]] = []
        columns = self._columns()
        if arg is None:
            for value in named.values():
                if isinstance(value, str):
                    value = (columns[0], value)
                pairs.append(tuple(value))
        elif isinstance(arg, str):
            pairs = [(label, arg) for label in columns]
        elif isinstance(arg, list):
            pairs = [(label, name) for label in columns for name in arg]
        elif isinstance(arg, dict) and self.obj.ndim == 2:
            for label, names in arg.items():
                pairs += [(label, n) for n in (names if isinstance(names, list) else [names])]
        else:
            return None
        if not all(isinstance(n, str) and (n in _NATIVE or n == "size") for _, n in pairs):
            return None
        known = self.obj._meta.columns if self.obj.ndim == 2 else [self.obj._meta.name]
        if any(label not in known for label, _ in pairs):
            return None
        settings = {"var": 1.0, "std": 1.0, "sem": 1.0}
        series = self._is_series() and isinstance(arg, str)
        return [
            (None if n == "size" else label, n, settings.get(n, 0.0), label if series else at)
            for at, (label, n) in enumerate(pairs)
        ]

    def _plain(self, name: str, **kwargs: Any) -> Any:
        meta = getattr(self._meta_nonempty(), name)(**kwargs)
        return self._whole(_call_grouped, meta.iloc[:0], name, kwargs)

    def apply(self, func: Any, *args: Any, meta: Any = None, **kwargs: Any) -> Any:
        """Call a function on the rows of each group, all of which come together."""
        from oxidask.dataframe._meta import make_meta

        if meta is None:
            meta = make_meta(self._meta_nonempty().apply(func, *args, **kwargs))
        return self._whole(_apply_grouped, make_meta(meta), func, args, kwargs)

    def transform(self, func: Any, *args: Any, meta: Any = None, **kwargs: Any) -> Any:
        """Call a function on each group that gives a row for each row."""
        from oxidask.dataframe._meta import make_meta

        if meta is None:
            meta = make_meta(self._meta_nonempty().transform(func, *args, **kwargs))
        return self._whole(_transform_grouped, make_meta(meta), func, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and self.obj.ndim == 2 and name in self.obj._meta.columns:
            return self[name]  # type: ignore[index]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _has_own(arg: Any) -> bool:
    values = arg.values() if isinstance(arg, dict) else arg if isinstance(arg, list) else ()
    return any(isinstance(v, Aggregation) or _has_own(v) for v in values)


def _own_aggregates(grouped: Any, arg: Any) -> Any:
    if isinstance(arg, dict):
        several = any(isinstance(what, list) for what in arg.values())
        results = {label: _own_aggregates(grouped[label], what) for label, what in arg.items()}
        return pd.concat(results, axis=1) if several else pd.DataFrame(results)
    if isinstance(arg, list):
        names = [getattr(what, "__name__", what) for what in arg]
        parts = [_own_aggregates(grouped, what) for what in arg]
        return pd.concat(dict(zip(names, parts, strict=True)), axis=1)
    if not isinstance(arg, Aggregation):
        return grouped.agg(arg)
    chunks = arg.chunk(grouped)
    is_one = not isinstance(chunks, tuple)
    parts = [chunks] if is_one else list(chunks)
    levels = list(range(parts[0].index.nlevels))
    again = [part.groupby(level=levels if len(levels) > 1 else 0, sort=False) for part in parts]
    merged = arg.agg(*again)
    if arg.finalize is None:
        return merged
    return arg.finalize(merged) if not isinstance(merged, tuple) else arg.finalize(*merged)


def _of(settings: dict[str, Any]) -> dict[str, Any]:
    odd = set(settings) - {"split_every", "split_out", "shuffle_method", "engine"}
    if odd:
        raise TypeError(f"unexpected keywords {sorted(odd)}")
    return {k: v for k, v in settings.items() if k in ("split_every", "split_out")}


class DataFrameGroupBy(GroupBy):
    """The rows of a dataframe by keys."""

    def __getitem__(self, key: Any) -> GroupBy:
        labels = key if isinstance(key, list) else [key]
        missing = [label for label in labels if label not in self.obj._meta.columns]
        if missing:
            raise KeyError(f"Columns not found: {missing}")
        cls = DataFrameGroupBy if isinstance(key, list) else SeriesGroupBy
        return cls(self.obj, self.by, key, **self._settings())

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(c for c in self.obj._meta.columns if isinstance(c, str))]


class SeriesGroupBy(GroupBy):
    """The values of a series by keys."""

    def unique(self, **kw: Any) -> Any:
        """Return the different values of each group."""
        return self._plain("unique")

    def value_counts(self, **kw: Any) -> Any:
        """Return how often each value is in each group."""
        return self._plain("value_counts")


def _is_label(obj: Any, key: Any) -> bool:
    if isinstance(key, (Collection, list)) or callable(key):
        return False
    return obj.ndim == 2 and key in obj._meta.columns


def _as_label(obj: Any, key: Any) -> Any:
    """Return the label of a key that is a column of the rows itself: pandas leaves that out."""
    if obj.ndim != 2 or not isinstance(key, Collection) or not isinstance(key._meta, pd.Series):
        return key
    label = key._meta.name
    if label not in obj._meta.columns or not obj._meta.columns.is_unique:
        return key
    return label if obj[label]._name == key._name else key


def _fits(obj: Any, key: Any) -> bool:
    return bool(key.npartitions == obj.npartitions)


def _on_all(
    func: Any, args: Any, slice: Any, settings: dict[str, Any], parts: list[Any], *keys: Any
) -> Any:
    from oxidask.dataframe._collection import together

    rows = together(parts)
    by = [together(key) if isinstance(key, list) else key for key in keys]
    grouped = rows.groupby(by if len(by) > 1 else by[0], **settings)
    return func(grouped if slice is None else grouped[slice], *args)


def _call_grouped(grouped: Any, name: str, kwargs: dict[str, Any]) -> Any:
    return getattr(grouped, name)(**kwargs)


def _apply_grouped(grouped: Any, func: Any, args: Any, kwargs: Any) -> Any:
    return grouped.apply(func, *args, **kwargs)


def _transform_grouped(grouped: Any, func: Any, args: Any, kwargs: Any) -> Any:
    return grouped.transform(func, *args, **kwargs)


def _with_labels(part: Any, columns: Any) -> Any:
    part = part.copy(deep=False)
    part.columns = columns
    return part


def _whole_method(name: str) -> Callable[..., Any]:
    def method(self: GroupBy, *args: Any, **kwargs: Any) -> Any:
        kwargs = {k: v for k, v in kwargs.items() if k not in ("split_every", "split_out")}
        meta = getattr(self._meta_nonempty(), name)(*args, **kwargs)
        return self._whole(_call_with, meta.iloc[:0], name, args, kwargs)

    method.__name__ = name
    method.__doc__ = f"As pandas' ``{name}`` of groups, of all rows together."
    return method


def _call_with(grouped: Any, name: str, args: Any, kwargs: Any) -> Any:
    return getattr(grouped, name)(*args, **kwargs)


for _name in (
    "cumsum",
    "cumprod",
    "cumcount",
    "cummin",
    "cummax",
    "shift",
    "ffill",
    "bfill",
    "head",
    "tail",
    "idxmin",
    "idxmax",
    "corr",
    "cov",
    "diff",
    "rank",
    "quantile",
    "nth",
    "sem",
    "skew",
):
    setattr(GroupBy, _name, _whole_method(_name))
