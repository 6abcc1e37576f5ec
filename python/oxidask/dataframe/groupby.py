"""Group-by: natively by states that merge, by pandas on whole groups where there is no kernel."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

from oxidask.dataframe._collection import Collection, new_collection
from oxidask.dataframe._group_native import NATIVE, NativeGroups, is_label
from oxidask.dataframe._group_own import Aggregation, by_own, check_names, has_own, own_aggregates
from oxidask.dataframe._group_steps import cumulative, ends_of_groups
from oxidask.dataframe._grouping import gathered, is_divided, of_partitions, of_whole_groups
from oxidask.dataframe._needs import pandas as pd

__all__ = ["Aggregation", "DataFrameGroupBy", "GroupBy", "SeriesGroupBy"]


class GroupBy(NativeGroups):
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
        self.by = list(by) if isinstance(by, (list, tuple)) and not is_label(obj, by) else [by]
        if not self.by:
            raise ValueError("No group keys passed!")
        self._slice, self.sort, self.dropna = slice, sort, dropna
        self.observed, self.group_keys = observed, group_keys
        self.by = [_as_label(obj, key) for key in self.by]
        for key in self.by:
            if isinstance(key, pd.Grouper):
                raise NotImplementedError("pd.Grouper is currently not supported by Dask.")
            if isinstance(key, Collection) and not _fits(obj, key):
                raise NotImplementedError(
                    "by must be among the DataFrames columns, or a series of as many partitions: "
                    f"it has {key.npartitions}, the rows {obj.npartitions}"
                )
            known = isinstance(key, Collection) or callable(key) or is_label(obj, key)
            if not known and key != obj._meta.index.name:
                raise KeyError(key)
        self._meta = self._of(obj._meta)

    def compute(self, **kwargs: Any) -> Any:
        """Groups are no values: aggregate them first."""
        raise NotImplementedError(
            f"{type(self).__name__} does not allow compute method."
            "Please chain it with an aggregation method (like ``.mean()``) or get a specific group "
            "using ``.get_group()`` before calling ``compute()``"
        )

    def _settings(self) -> dict[str, Any]:
        said = {"sort": self.sort, "dropna": self.dropna, "observed": self.observed}
        return {k: v for k, v in said.items() if v is not None} | {"group_keys": self.group_keys}

    def _of(self, part: Any) -> Any:
        keys = [key._meta if isinstance(key, Collection) else key for key in self.by]
        grouped = part.groupby(keys if len(keys) > 1 else keys[0], **self._settings())
        return grouped if self._slice is None else grouped[self._slice]

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
        columns = self._columns()
        wants = [(label, name, setting, label) for label in columns]
        result = None
        if columns and not kwargs.get("engine"):
            kind = "series" if self._is_series() else "frame"
            # What is wrong with the columns pandas says better.
            with contextlib.suppress(TypeError, ValueError):
                result = self._aggregated_natively(wants, kind, split_out, split_every, None)
        if result is not None and self._labels_are_like(result):
            return result
        meta = getattr(self._meta_nonempty(), name)(**kwargs).iloc[:0]
        if result is not None:
            return _labelled(result, meta)
        return self._answers(_call, meta, name, (), kwargs, split_out=split_out)

    def _labels_are_like(self, result: Any) -> bool:
        """Whether labels of native answers are of the rows' type already."""
        if result.ndim == 1 or self.obj.ndim == 1:
            return bool(result.ndim == 1)
        return bool(result._meta.columns.dtype == self.obj._meta.columns.dtype)

    def _numeric(self) -> GroupBy:
        chosen = self.obj._meta[self._columns()]._get_numeric_data().columns
        return type(self)(self.obj, self.by, list(chosen), **self._settings())

    def _meta_nonempty(self) -> Any:
        sample = self.obj._meta_nonempty
        keys = [k._meta_nonempty if isinstance(k, Collection) else k for k in self.by]
        grouped = sample.groupby(keys if len(keys) > 1 else keys[0], **self._settings())
        return grouped if self._slice is None else grouped[self._slice]

    # By pandas.

    def _answers(self, func: Callable[..., Any], meta: Any, *args: Any, split_out: Any = 1) -> Any:
        """Return a row for each group, or some: by pandas, where all rows of a group are."""
        n_out = self.obj.npartitions if split_out is True else int(split_out or 1)
        columns = self._columns() if self._slice is not None else None
        expr = of_whole_groups(
            self, func, args, meta, None if n_out == 1 else n_out, columns=columns
        )
        if n_out == 1:
            expr = gathered(expr, len(self.by), self.sort is not False)
        return new_collection(expr, meta)

    def _rowwise(self, func: Callable[..., Any], meta: Any, *args: Any) -> Any:
        """Return rows for the rows of each group, in the partitions that groups come to."""
        columns = self._columns() if self._slice is not None else None
        expr = of_whole_groups(self, func, args, meta, columns=columns)
        stayed = is_divided(self) or self.obj.npartitions == 1
        result = new_collection(expr, meta, self.obj._known_divisions if stayed else None)
        result._moved = None if stayed else result._name
        return result

    def _inferred(self, name: str, args: Any, kwargs: Any) -> Any:
        """Return what a method gives for two made-up rows, and say that it is a guess."""
        from oxidask.dataframe._meta import make_meta

        warnings.warn(
            f"`meta` is not specified, inferred from partial data: groupby.{name} was tried on two "
            "made-up rows. Say what it gives with the keyword `meta` if the guess is wrong, as in "
            "meta={'x': 'f8'} for a dataframe or meta=('x', 'f8') for a series.",
            UserWarning,
            stacklevel=4,
        )
        try:
            return make_meta(getattr(self._meta_nonempty(), name)(*args, **kwargs))
        except Exception as error:
            raise ValueError(
                f"Metadata inference failed in `groupby.{name}`: it raised on two made-up rows; "
                "say what it gives with the keyword `meta`.\n\n"
                f"{type(error).__name__}: {error}"
            ) from error

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
        meta = self._meta_nonempty().size().iloc[:0]
        return self._answers(_call, meta, "size", (), {}, split_out=kw.get("split_out", 1))

    def nunique(self, **kw: Any) -> Any:
        """Return how many different values each group has."""
        return self._simple("nunique", **_of(kw))

    def median(
        self,
        split_every: Any = None,
        split_out: Any = 1,
        shuffle_method: Any = None,
        numeric_only: bool = False,
    ) -> Any:
        """Return the medians of each group.

        Parameters
        ----------
        split_every
            How many partitions become one: rows are shuffled by the keys.
        split_out
            How many partitions the result has.
        """
        if split_every is not None and split_every is not False and split_out == 1:
            split_out = max(1, self.obj.npartitions // int(split_every))
        return self._simple("median", numeric_only=numeric_only, split_out=split_out)

    def quantile(self, q: Any = 0.5, interpolation: str = "linear", **kw: Any) -> Any:
        """Return quantiles of each group."""
        meta = self._meta_nonempty().quantile(q, interpolation=interpolation).iloc[:0]
        if interpolation == "linear" and isinstance(q, (int, float)):
            wants = [(label, "quantile", float(q), label) for label in self._columns()]
            kind = "series" if self._is_series() else "frame"
            result = self._aggregated_natively(wants, kind, kw.get("split_out", 1), None, None)
            if result is not None:
                return result
        return self._answers(_call, meta, "quantile", (q,), {"interpolation": interpolation})

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
        _of({"split_every": split_every})
        if has_own(arg):
            return self._by_own(arg)
        wants = self._wants(arg, kwargs)
        if wants is not None and arg is None:
            with contextlib.suppress(TypeError, ValueError):
                result = self._aggregated_natively(wants, "frame", split_out, split_every, None)
                if result is not None:
                    named = result._relabelled(list(kwargs))
                    return new_collection(named._expr, None, result._known_divisions)
        meta = (
            self._meta_nonempty().agg(**kwargs) if arg is None else self._meta_nonempty().agg(arg)
        )
        meta = meta.iloc[:0]
        if wants is not None:
            kind = "series" if isinstance(meta, pd.Series) else "frame"
            result = self._aggregated_natively(wants, kind, split_out, split_every, None)
            if result is not None:
                if kind == "frame":
                    if meta.columns.nlevels == 1:
                        labelled = result._relabelled(list(meta.columns))
                    else:
                        labelled = result._partwise(_with_labels, meta.columns)
                    return new_collection(labelled._expr, labelled._meta, result._known_divisions)
                return result.rename(meta.name)
        named = kwargs if arg is None else {"func": arg}
        return self._answers(_call, meta, "agg", (), named, split_out=split_out)

    aggregate = agg

    def _by_own(self, arg: Any) -> Any:
        """Return aggregates of users: by a tree, unless others are among them."""
        if not isinstance(arg, dict) and not self._is_series():
            arg = dict.fromkeys(self._columns(), arg)
        check_names(arg)
        result = by_own(self, arg)
        if result is not None:
            return result
        n_keys = len(self.by)
        meta = own_aggregates(self._meta_nonempty(), arg, n_keys).iloc[:0]
        return self._answers(own_aggregates, meta, arg, n_keys)

    def _wants(self, arg: Any, named: dict[str, Any]) -> list[tuple[Any, str, float, Any]] | None:
        """Return what a description of aggregates asks for natively; None if pandas must."""
        pairs: list[tuple[Any, Any]] = []
        columns = self._columns()
        if arg is None:
            for value in named.values():
                if isinstance(value, pd.NamedAgg):
                    pairs.append((value.column, value.aggfunc))
                else:
                    is_pair = isinstance(value, tuple) and len(value) == 2
                    pairs.append(value if is_pair else (columns[0], value))
        elif isinstance(arg, str):
            pairs = [(label, arg) for label in columns]
        elif isinstance(arg, list):
            pairs = [(label, name) for label in columns for name in arg]
        elif isinstance(arg, dict) and self.obj.ndim == 2:
            for label, names in arg.items():
                pairs += [(label, n) for n in (names if isinstance(names, list) else [names])]
        else:
            return None
        if not all(isinstance(n, str) and (n in NATIVE or n == "size") for _, n in pairs):
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

    def apply(self, func: Any, *args: Any, meta: Any = None, **kwargs: Any) -> Any:
        """Call a function on the rows of each group: these come together by a shuffle.

        Parameters
        ----------
        func
            The function, of the rows of a group.
        meta
            What the result is like; by default the function is tried on two rows.
        """
        return self._of_user("apply", func, args, meta, kwargs)

    def transform(self, func: Any, *args: Any, meta: Any = None, **kwargs: Any) -> Any:
        """Call a function on each group that gives a row for each row: in partitions by the keys.

        Parameters
        ----------
        func
            The function, or the name of an aggregate.
        meta
            What the result is like; by default the function is tried on two rows.
        """
        return self._of_user("transform", func, args, meta, kwargs)

    def _of_user(self, name: str, func: Any, args: Any, meta: Any, kwargs: Any) -> Any:
        from oxidask.dataframe._meta import make_meta

        kwargs.pop("shuffle_method", None)
        if meta is None:
            meta = self._inferred(name, (func, *args), kwargs)
        meta = make_meta(meta, index=getattr(self.obj._meta, "index", None))
        if not isinstance(meta, (pd.DataFrame, pd.Series)):
            meta = pd.Series([meta]).iloc[:0]
        return self._rowwise(_like, meta, meta, name, (func, *args), kwargs)

    def shift(
        self,
        periods: int = 1,
        freq: Any = None,
        fill_value: Any = None,
        meta: Any = None,
        **kw: Any,
    ) -> Any:
        """Return the values of the group's row so many rows before: in partitions by the keys."""
        kwargs = {"periods": periods, "freq": freq}
        kwargs |= {} if fill_value is None else {"fill_value": fill_value}
        if meta is None:
            meta = self._inferred("shift", (), kwargs)
        if freq is None and fill_value is None and isinstance(periods, int):
            result = self._transformed_natively("shift", periods)
            if result is not None:
                return result
        result = self._rowwise(_call, meta.iloc[:0], "shift", (), kwargs)
        return result if freq is None else result.clear_divisions()

    def ffill(self, limit: int | None = None, **kw: Any) -> Any:
        """Return the values with the last one before in place of missing ones."""
        return self._filled("ffill", limit)

    def bfill(self, limit: int | None = None, **kw: Any) -> Any:
        """Return the values with the next one in place of missing ones."""
        return self._filled("bfill", limit)

    def _filled(self, name: str, limit: int | None) -> Any:
        result = self._transformed_natively(name, -1 if limit is None else limit)
        if result is not None:
            return result
        meta = getattr(self._meta_nonempty(), name)(limit=limit).iloc[:0]
        return self._rowwise(_call, meta, name, (), {"limit": limit})

    def diff(self, periods: int = 1) -> Any:
        """Return differences from the row of the group so many rows before."""
        result = self._transformed_natively("diff", periods)
        if result is not None:
            return result
        meta = self._meta_nonempty().diff(periods).iloc[:0]
        return self._rowwise(_call, meta, "diff", (periods,), {})

    def rank(self, **kwargs: Any) -> Any:
        """Return the place of each value within its group."""
        meta = self._meta_nonempty().rank(**kwargs).iloc[:0]
        return self._rowwise(_call, meta, "rank", (), kwargs)

    def head(self, n: int = 5, split_every: Any = None, split_out: Any = 1) -> Any:
        """Return the first rows of each group."""
        return ends_of_groups(self, "head", n)

    def tail(self, n: int = 5, split_every: Any = None, split_out: Any = 1) -> Any:
        """Return the last rows of each group."""
        return ends_of_groups(self, "tail", n)

    def nth(self, n: Any) -> Any:
        """Return the rows of these places in each group."""
        return self._rowwise(_call, self._meta_nonempty().nth(n).iloc[:0], "nth", (n,), {})

    def get_group(self, key: Any) -> Any:
        """Return the rows of one group: none, if there is no such group.

        Parameters
        ----------
        key
            The value of the key, or a tuple of those of several keys.
        """
        from oxidask.dataframe._collection import python_layer

        recipe, described = of_partitions(self)
        meta = self._meta._selected_obj.iloc[:0] if self._slice is not None else self.obj._meta
        said = [("literal", recipe), ("literal", key), ("literal", meta)]
        n = self.obj.npartitions
        expr = python_layer(_group_of, [*said, *described], n, name="groupby-get-group")
        return new_collection(expr, meta, self.obj._known_divisions)

    def rolling(self, window: Any, min_periods: Any = None, center: bool = False, **kw: Any) -> Any:
        """Return windows over the rows of each group."""
        from oxidask.dataframe._group_windows import RollingGroups

        return RollingGroups(
            self, {"window": window, "min_periods": min_periods, "center": center, **kw}
        )

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and self.obj.ndim == 2 and name in self.obj._meta.columns:
            return self[name]  # type: ignore[index]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _group_of(recipe: Any, key: Any, meta: Any, rows: Any, *given: Any) -> Any:
    if not len(rows):
        return meta
    try:
        return recipe.groups(rows, given).get_group(key)
    except KeyError:
        return meta


def _of(settings: dict[str, Any]) -> dict[str, Any]:
    odd = set(settings) - {"split_every", "split_out", "shuffle_method", "engine"}
    if odd:
        raise TypeError(f"unexpected keywords {sorted(odd)}")
    by = settings.get("split_every")
    if by is not None and by is not False and by < 2:
        raise ValueError(f"split_every must be an integer of at least 2, or False, not {by!r}")
    return {k: v for k, v in settings.items() if k in ("split_every", "split_out")}


class DataFrameGroupBy(GroupBy):
    """The rows of a dataframe by keys."""

    def __getitem__(self, key: Any) -> GroupBy:
        known = self.obj._meta.columns
        if isinstance(key, (list, pd.Index, pd.Series, tuple)) and not (
            isinstance(key, tuple) and key in known
        ):
            labels = list(key)
            missing = [label for label in labels if label not in known]
            if missing:
                raise KeyError(f"Columns not found: {missing}")
            return DataFrameGroupBy(self.obj, self.by, labels, **self._settings())
        if key not in known:
            raise KeyError(f"Column not found: {key}")
        return SeriesGroupBy(self.obj, self.by, key, **self._settings())

    def __dir__(self) -> list[str]:
        labels = (c for c in self.obj._meta.columns if isinstance(c, str) and c.isidentifier())
        return [*super().__dir__(), *labels]


class SeriesGroupBy(GroupBy):
    """The values of a series by keys."""

    def unique(self, split_every: Any = None, split_out: Any = 1) -> Any:
        """Return the different values of each group."""
        meta = self._meta_nonempty().unique().iloc[:0]
        return self._answers(_call, meta, "unique", (), {}, split_out=split_out)

    def value_counts(self, split_every: Any = None, split_out: Any = 1, **kwargs: Any) -> Any:
        """Return how often each value is in each group."""
        meta = self._meta_nonempty().value_counts(**kwargs).iloc[:0]
        return self._answers(_call, meta, "value_counts", (), kwargs, split_out=split_out)


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


def _call(groups: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    return getattr(groups, name)(*args, **kwargs)


def _like(groups: Any, meta: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """Return what a method gives: one group may give a row where a series is expected."""
    result = getattr(groups, name)(*args, **kwargs)
    if meta.ndim == 1 and result.ndim == 2 and len(result) == 1:
        result = result.stack().rename(meta.name)
    return result


def _labelled(result: Any, meta: Any) -> Any:
    """Return native answers with labels of the type that pandas gives them."""
    if meta.ndim == 1 or result._meta.columns.dtype == meta.columns.dtype:
        return result
    labelled = result._partwise(_with_labels, meta.columns)
    return new_collection(labelled._expr, labelled._meta, result._known_divisions)


def _with_labels(part: Any, columns: Any) -> Any:
    part = part.copy(deep=False)
    part.columns = columns
    return part


def _answering(name: str) -> Callable[..., Any]:
    def method(self: GroupBy, *args: Any, split_out: Any = 1, **kwargs: Any) -> Any:
        kwargs.pop("split_every", None)
        kwargs.pop("shuffle_method", None)
        meta = getattr(self._meta_nonempty(), name)(*args, **kwargs).iloc[:0]
        return self._answers(_call, meta, name, args, kwargs, split_out=split_out)

    method.__name__ = name
    method.__doc__ = f"As pandas' ``{name}`` of groups, all rows of which come together."
    return method


def _cumulating(name: str) -> Callable[..., Any]:
    def method(self: GroupBy, axis: Any = 0, numeric_only: bool = False) -> Any:
        if axis not in (0, "index"):
            raise ValueError(f"{name} of groups goes along axis 0, not {axis!r}")
        if numeric_only:
            return getattr(self._numeric(), name)()
        meta = getattr(self._meta_nonempty(), name)().iloc[:0]
        return cumulative(self, name, meta)

    method.__name__ = name
    method.__doc__ = f"As pandas' ``{name}`` of groups: rows stay where they are."
    return method


def _reducing(name: str, setting: float, **fixed: Any) -> Callable[..., Any]:
    def method(self: GroupBy, numeric_only: bool = False, **kw: Any) -> Any:
        return self._simple(name, setting, numeric_only, **_of(kw), **fixed)

    method.__name__ = name
    method.__doc__ = f"As pandas' ``{name}`` of groups."
    return method


for _name in ("idxmin", "idxmax", "corr", "cov"):
    setattr(GroupBy, _name, _answering(_name))
for _name in ("cumsum", "cumprod", "cumcount", "cummin", "cummax"):
    setattr(GroupBy, _name, _cumulating(_name))
for _name, _setting in (("sem", 1.0), ("skew", 0.0), ("any", 0.0), ("all", 0.0)):
    setattr(GroupBy, _name, _reducing(_name, _setting))
