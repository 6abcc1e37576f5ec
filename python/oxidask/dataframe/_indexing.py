"""Rows by label."""

from __future__ import annotations

import bisect
from typing import Any

from oxidask.dataframe._collection import Collection, new_collection
from oxidask.dataframe._needs import pandas as pd

__all__ = ["ILoc", "Loc"]


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
        if isinstance(rows, Collection):
            return collection[rows]
        if isinstance(rows, slice):
            if rows == slice(None):
                return collection
            return _slice(collection, rows)
        if isinstance(rows, (list, pd.Index)) or hasattr(rows, "__array__"):
            return _labels(collection, list(rows))
        return _label(collection, rows)


def _columns(collection: Any, columns: Any) -> Any:
    if callable(columns):
        columns = columns(collection)
    if isinstance(columns, slice):
        labels = list(collection._meta.loc[:, columns].columns)
        return collection[labels]
    chosen = collection._meta.loc[:, columns]
    return collection[list(chosen.columns)] if chosen.ndim == 2 else collection[columns]


def _slice(collection: Any, rows: slice) -> Any:
    if rows.step is not None:
        raise NotImplementedError("slices of labels have no step")
    if not collection.known_divisions:
        return collection._filter_partwise(_loc, rows)
    ends = collection.divisions
    start, stop = (_coerced(collection, label) for label in (rows.start, rows.stop))
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
    result = chosen._filter_partwise(_loc, rows)
    return new_collection(result._expr, result._meta, divisions)


def _label(collection: Any, label: Any) -> Any:
    label = _coerced(collection, label)
    if not collection.known_divisions:
        return collection._filter_partwise(_loc_existing, [label])
    ends = collection.divisions
    if label < ends[0] or label > ends[-1]:
        raise KeyError(f"the label [{label}] is not in the index")
    last = min(bisect.bisect_right(ends, label), len(ends) - 1) - 1
    first = max(0, bisect.bisect_left(ends, label) - 1)
    first = min(first, last)
    chosen = collection.partitions[first : last + 1]
    result = chosen._filter_partwise(_loc, slice(label, label))
    return new_collection(result._expr, result._meta, None)


def _labels(collection: Any, labels: list[Any]) -> Any:
    if not collection.known_divisions:
        return collection._filter_partwise(_loc_existing, labels)
    ends = collection.divisions
    odd = [label for label in labels if label < ends[0] or label > ends[-1]]
    if odd:
        raise KeyError(f"{odd} not in index")
    wanted = sorted(
        {
            at
            for label in labels
            for at in range(
                max(0, min(bisect.bisect_left(ends, label) - 1, len(ends) - 2)),
                min(bisect.bisect_right(ends, label), len(ends) - 1),
            )
        }
    )
    return collection.partitions[wanted]._filter_partwise(_loc_existing, labels)


def _coerced(collection: Any, label: Any) -> Any:
    index = collection._meta.index
    if isinstance(label, str) and isinstance(index, pd.DatetimeIndex):
        return pd.Timestamp(label, tz=index.tz)
    return label


def _loc(part: Any, rows: Any) -> Any:
    return part.loc[rows]


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
