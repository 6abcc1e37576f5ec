"""Functions of partitions with rows of those beside them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask.dataframe._collection import Collection, new_collection, python_layer, together
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._multi import stacked
from oxidask.dataframe._needs import pandas as pd
from oxidask.utils import funcname

__all__ = ["map_overlap", "with_rows_around"]

_TIMES = (str, datetime.timedelta, np.timedelta64)


def map_overlap(
    func: Callable[..., Any],
    df: Any,
    before: Any,
    after: Any,
    *args: Any,
    meta: Any = None,
    enforce_metadata: bool = True,
    transform_divisions: bool = True,
    align_dataframes: bool = True,
    **kwargs: Any,
) -> Any:
    """Call a function on each partition with rows of its neighbours, whose answers are left out.

    Parameters
    ----------
    func
        The function: gives a row for each row.
    df
        The collection.
    before, after
        How many rows of the partition before and of the one after; or how much time, for an index
        of times.
    *args
        Passed to it: for collections their partitions, with the same rows around them.
    align_dataframes
        Whether collections of other divisions are brought to the same.

    Raises
    ------
    NotImplementedError
        At computing, if a neighbour has fewer rows than asked for.
    """
    if isinstance(df, (pd.DataFrame, pd.Series)):
        from oxidask.dataframe._io import from_pandas

        df = from_pandas(df, npartitions=1)
    before, after = _checked(df, before, after)
    if align_dataframes:
        from oxidask.dataframe._aligning import align

        df, *rest = align((df, *args))
        args = tuple(rest)
    meta = _meta(func, df, args, kwargs, meta)
    n = df.npartitions
    several = [
        x
        for x in args
        if isinstance(x, Collection) and isinstance(x._meta, (pd.DataFrame, pd.Series))
    ]
    around: list[tuple[Any, ...]] = []
    for x in (df, *several):
        around += [
            ("at", x._expr, [max(0, i - 1) for i in range(n)]),
            ("partition", x._expr),
            ("at", x._expr, [min(n - 1, i + 1) for i in range(n)]),
        ]
    which = {id(x): at for at, x in enumerate(several)}
    places = [which.get(id(x)) for x in args]
    described: list[tuple[Any, ...]] = [
        ("literal", _Neighbours(func, before, after, places)),
        ("per_block", _Place(n)),
        *around,
        *_described(args, which),
    ]
    name = f"overlap-{funcname(func).strip('<>')}"
    expr = python_layer(_overlapped, described, n, kwargs, name=name)
    return new_collection(expr, meta, df._known_divisions)


def _described(args: Any, which: Any) -> list[tuple[Any, ...]]:
    others = [x for x in args if id(x) not in which]
    return [("partition", x._expr) if isinstance(x, Collection) else ("literal", x) for x in others]


def _checked(df: Any, before: Any, after: Any) -> tuple[Any, Any]:
    for name, much in (("before", before), ("after", after)):
        if isinstance(much, _TIMES) and not isinstance(df._meta.index, pd.DatetimeIndex):
            raise TypeError(f"Must have a `DatetimeIndex` when using string offset for `{name}`")
        if not isinstance(much, (int, np.integer, *_TIMES)):
            raise ValueError(f"{name} must be an integer or a difference of times, not {much!r}")
        if isinstance(much, (int, np.integer)) and much < 0:
            raise ValueError(f"{name} must be a positive integer, not {much}")
    first, last = (pd.Timedelta(x) if isinstance(x, _TIMES) else int(x) for x in (before, after))
    return first, last


def _meta(func: Any, df: Any, args: Any, kwargs: Any, meta: Any) -> Any:
    if meta is not None:
        return make_meta(meta, index=getattr(df._meta, "index", None))
    tried = [x._meta_nonempty if isinstance(x, Collection) else x for x in args]
    return make_meta(func(df._meta_nonempty, *tried, **kwargs))


class _Place:
    """Whether a partition has one before and one after."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, index: tuple[int, ...]) -> tuple[bool, bool]:
        return index[0] > 0, index[0] < self.n - 1


class _Neighbours:
    """A function with how much it wants of the neighbours of each partition.

    `places` says for each argument which of the collections it is, or None if it is another value.
    """

    def __init__(self, func: Any, before: Any, after: Any, places: list[int | None]) -> None:
        self.func, self.before, self.after, self.places = func, before, after, places

    def __dask_tokenize__(self) -> Any:
        from oxidask.base import normalize_token

        return "Neighbours", normalize_token((self.func, self.before, self.after, self.places))

    def widened(self, place: tuple[bool, bool], rows: Any) -> tuple[Any, int]:
        """Return a partition with rows around it, and how many of these come first."""
        earlier, part, later = rows
        has_before, has_after = place
        head = _last_rows(earlier, self.before, part) if has_before else None
        tail = _first_rows(later, self.after, part) if has_after else None
        return _one(head, part, tail)


def _one(head: Any, part: Any, tail: Any) -> tuple[Any, int]:
    pieces = [x for x in (head, part, tail) if x is not None and len(x)]
    whole = together(pieces) if len(pieces) > 1 else pieces[0] if pieces else part
    return whole, 0 if head is None else len(head)


def _overlapped(what: _Neighbours, place: tuple[bool, bool], *values: Any, **kwargs: Any) -> Any:
    n = 1 + sum(at is not None for at in what.places)
    widened = [what.widened(place, values[3 * at : 3 * at + 3]) for at in range(n)]
    others = iter(values[3 * n :])
    args = [next(others) if at is None else widened[1 + at][0] for at in what.places]
    whole, start = widened[0]
    return what.func(whole, *args, **kwargs).iloc[start : start + len(values[1])]


_TOO_SMALL = (
    "Partition size is less than overlapping window size. Try using ``df.repartition`` to increase "
    "the partition size."
)


def _last_rows(earlier: Any, before: Any, part: Any) -> Any:
    if isinstance(before, pd.Timedelta):
        if not len(part):
            return earlier.iloc[:0]
        start = part.index[0] - before
        if len(earlier) and earlier.index[0] > start:
            raise NotImplementedError(_TOO_SMALL)
        return earlier.iloc[earlier.index.searchsorted(start, side="right") :]
    if len(earlier) < before:
        raise NotImplementedError(_TOO_SMALL)
    return earlier.iloc[len(earlier) - before :]


def _first_rows(later: Any, after: Any, part: Any) -> Any:
    if isinstance(after, pd.Timedelta):
        if not len(part):
            return later.iloc[:0]
        end = part.index[-1] + after
        if len(later) and later.index[-1] < end:
            raise NotImplementedError(_TOO_SMALL)
        return later.iloc[: later.index.searchsorted(end, side="left")]
    if len(later) < after:
        raise NotImplementedError(_TOO_SMALL)
    return later.iloc[:after]


# Rows of as many partitions as it takes.


def with_rows_around(
    func: Callable[..., Any], df: Any, before: Any, after: Any, *args: Any, **kwargs: Any
) -> Any:
    """Call a function on each partition with the rows around it, be they of several partitions.

    Parameters
    ----------
    func
        The function: gives a row for each row.
    before, after
        How many rows, or how much time for an index of times.
    """
    before, after = _checked(df, before, after)
    meta = _meta(func, df, args, kwargs, None)
    n = df.npartitions
    name = f"around-{funcname(func).strip('_<>')}"
    literals = [("literal", x) for x in args]
    if n == 1 or (before == 0 and after == 0):
        described = [("literal", func), ("partition", df._expr), *literals]
        expr = python_layer(_plainly, described, n, kwargs, name=name)
        return new_collection(expr, meta, df._known_divisions)
    sides = [
        ("partition", _carried(df, before, True)) if _is_some(before) else ("literal", None),
        ("partition", _carried(df, after, False)) if _is_some(after) else ("literal", None),
    ]
    described = [("literal", func), *sides, ("partition", df._expr), *literals]
    expr = python_layer(_with_both, described, n, kwargs, name=name)
    return new_collection(expr, meta, df._known_divisions)


def _is_some(much: Any) -> bool:
    return bool(much > pd.Timedelta(0) if isinstance(much, pd.Timedelta) else much > 0)


def _plainly(func: Any, part: Any, *args: Any, **kwargs: Any) -> Any:
    return func(part, *args, **kwargs)


def _carried(df: Any, much: Any, is_before: bool) -> Any:
    """Return for each partition the rows before it, or behind it, that reach so far."""
    n = df.npartitions
    said = [("literal", much), ("literal", is_before)]
    ends = python_layer(_reach, [*said, ("partition", df._expr)], n, name="around-ends")
    order = range(n) if is_before else range(n - 1, -1, -1)
    carry = python_layer(_no_rows, [("at", ends, [order[0]])], 1, name="around-none")
    carries = {}
    for at in order:
        carries[at] = carry
        if at != order[-1]:
            args = [*said, ("partition", carry), ("at", ends, [at])]
            carry = python_layer(_reach, args, 1, name="around-carry")
    return stacked([carries[at] for at in range(n)])


def _no_rows(rows: Any) -> Any:
    return rows.iloc[:0]


def _reach(much: Any, is_before: bool, *parts: Any) -> Any:
    full = [part for part in (parts if is_before else parts[::-1]) if len(part)]
    rows = together(full) if full else parts[0]
    if not len(rows):
        return rows
    if not isinstance(much, pd.Timedelta):
        return rows.iloc[max(len(rows) - much, 0) :] if is_before else rows.iloc[:much]
    if is_before:
        return rows.iloc[rows.index.searchsorted(rows.index[-1] - much, side="left") :]
    return rows.iloc[: rows.index.searchsorted(rows.index[0] + much, side="right")]


def _with_both(func: Any, head: Any, tail: Any, part: Any, *args: Any, **kwargs: Any) -> Any:
    whole, start = _one(head, part, tail)
    return func(whole, *args, **kwargs).iloc[start : start + len(part)]
