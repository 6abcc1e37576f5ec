"""Rows by label."""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np

from oxidask.dataframe._collection import Collection, new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import choosing

__all__ = ["ILoc", "Loc", "rows_between"]


class Loc:
    """``df.loc``: reads only the partitions that can hold the labels, where divisions are known."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection

    def __getitem__(self, key: Any) -> Any:
        collection = self._collection
        if isinstance(key, tuple):
            if len(key) > collection.ndim:
                raise pd.errors.IndexingError("Too many indexers")
            rows, columns = key[0], key[1] if len(key) == 2 else slice(None)
        else:
            rows, columns = key, slice(None)
        if not (isinstance(columns, slice) and columns == slice(None)):
            collection = _columns(collection, columns)
        if callable(rows):
            rows = rows(collection)
        if _is_lazy(rows):
            return _where(collection, rows)
        if isinstance(rows, slice):
            return collection if rows == slice(None) else _slice(collection, rows)
        if isinstance(rows, (list, pd.Index, pd.Series, np.ndarray)) or hasattr(rows, "__array__"):
            return _labels(collection, list(rows))
        return _label(collection, rows)


def _is_lazy(rows: Any) -> bool:
    from oxidask.array.core import Array

    return isinstance(rows, (Collection, Array))


def _where(collection: Any, condition: Any) -> Any:
    """Return the rows for which a lazy series or array is true."""
    if condition.dtype != bool and str(condition.dtype) not in ("boolean", "bool[pyarrow]"):
        raise KeyError(
            "Cannot index with non-boolean dask Series. Try passing computed values instead "
            "(e.g. ``ddf.loc[iindexer.compute()]``)"
        )
    if isinstance(condition, Collection):
        return collection._filtered(condition)
    return choosing(_chosen, collection, condition)


def _chosen(part: Any, condition: Any) -> Any:
    return part.loc[condition]


def rows_between(collection: Any, key: slice) -> Any:
    """Return what ``df[start:stop]`` means: rows by label, where labels are no positions.

    Raises
    ------
    NotImplementedError
        If pandas would take `key` for positions: nobody knows how many rows a partition has.
    """
    if all(x is None or isinstance(x, (int, float)) for x in (key.start, key.stop)):
        raise NotImplementedError(
            "df[start:stop] by position is not supported: partitions have unknown numbers of rows. "
            "Use df.loc[start:stop] for labels, df.head(n), or df.partitions[start:stop]"
        )
    return collection.loc[key]


def _columns(collection: Any, columns: Any) -> Any:
    if callable(columns):
        columns = columns(collection)
    if isinstance(columns, slice):
        return collection[list(collection._meta.loc[:, columns].columns)]
    chosen = collection._meta.loc[:, columns]
    return collection[list(chosen.columns)] if chosen.ndim == 2 else collection[columns]


def _slice(collection: Any, rows: slice) -> Any:
    if rows.step is not None:
        raise NotImplementedError("slices of labels have no step")
    if not collection.known_divisions:
        return choosing(_loc, collection, rows)
    ends = collection.divisions
    start, stop = _bound(collection, rows.start, "left"), _bound(collection, rows.stop, "right")
    first = 0 if start is None else max(0, bisect.bisect_left(ends, start) - 1)
    first = min(first, len(ends) - 2)
    last = len(ends) - 2
    if stop is not None:
        last = max(first, min(last, bisect.bisect_right(ends, stop) - 1))
    chosen = collection.partitions[first : last + 1]
    low = ends[first] if start is None else max(start, ends[0])
    high = ends[last + 1] if stop is None else min(stop, ends[-1])
    inner = ends[first + 1 : last + 1]
    divisions = (low, *inner, high) if low <= high else None
    result = choosing(_loc, chosen, rows)
    return new_collection(result._expr, result._meta, divisions)


def _label(collection: Any, label: Any) -> Any:
    left, right = _bound(collection, label, "left"), _bound(collection, label, "right")
    if left != right:
        # Part of a time, such as a day or a month, stands for all times within.
        return _slice(collection, slice(label, label))
    if not collection.known_divisions:
        return choosing(_loc_existing, collection, [label])
    at = _partition_of(collection, left)
    result = choosing(_loc, collection.partitions[at], slice(left, left))
    return new_collection(result._expr, result._meta, (left, left))


def _partition_of(collection: Any, label: Any) -> int:
    """Return the number of the one partition that may have a label."""
    ends = collection.divisions
    if label < ends[0] or label > ends[-1]:
        raise KeyError(f"the label [{label}] is not in the index")
    return min(bisect.bisect_right(ends, label) - 1, len(ends) - 2)


def _labels(collection: Any, labels: list[Any]) -> Any:
    if not collection.known_divisions:
        raise KeyError(
            "Cannot index with list against unknown division. Try setting divisions using "
            "``ddf.set_index``"
        )
    labels = [_bound(collection, label, "left") for label in labels]
    if not labels:
        result = choosing(_loc_list, collection.partitions[0], [])
        return result.clear_divisions()
    wanted: dict[int, list[Any]] = {}
    for label in labels:
        wanted.setdefault(_partition_of(collection, label), []).append(label)
    numbers = sorted(wanted)
    chosen = collection.partitions[numbers]
    args = [("partition", chosen._expr), ("per_block", _Wanted([wanted[at] for at in numbers]))]
    expr = python_layer(_loc_list, args, len(numbers), name="loc-list")
    lows = [min(wanted[at]) for at in numbers]
    return new_collection(expr, collection._meta, (*lows, max(wanted[numbers[-1]])))


class _Wanted:
    """The labels that are wanted of each partition."""

    def __init__(self, labels: list[list[Any]]) -> None:
        self.labels = labels

    def __call__(self, index: tuple[int, ...]) -> list[Any]:
        return self.labels[index[0]]

    def __dask_tokenize__(self) -> Any:
        return self.labels


def _bound(collection: Any, label: Any, side: str) -> Any:
    """Return the first or the last label that some text stands for, in an index of times."""
    index = collection._meta.index
    if not isinstance(label, str):
        return label
    if isinstance(index, pd.DatetimeIndex):
        period = pd.Period(label)
        time = period.start_time if side == "left" else period.end_time
        return time if index.tz is None else time.tz_localize(index.tz)
    if isinstance(index, pd.PeriodIndex):
        how = "start" if side == "left" else "end"
        return pd.Period(label).asfreq(index.freq, how=how)
    if isinstance(index, pd.TimedeltaIndex):
        return pd.Timedelta(label)
    return label


def _loc(part: Any, rows: Any) -> Any:
    return part.loc[rows]


def _loc_list(part: Any, labels: list[Any]) -> Any:
    return part.loc[labels] if labels else part.iloc[:0]


def _loc_existing(part: Any, labels: list[Any]) -> Any:
    return part[part.index.isin(labels)]


class ILoc:
    """``df.iloc[:, columns]``: columns by position."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection

    def __getitem__(self, key: Any) -> Any:
        message = (
            "'DataFrame.iloc' only supports selecting columns. It must be used like "
            "'df.iloc[:, column_indexer]'."
        )
        if not isinstance(key, tuple):
            raise NotImplementedError(message)
        if len(key) > 2:
            raise ValueError("Too many indexers")
        if key[0] != slice(None):
            raise NotImplementedError(message)
        chosen = self._collection._meta.iloc[:, key[1]]
        if chosen.ndim == 1:
            return self._collection[chosen.name]
        return self._collection[list(chosen.columns)]
