"""Columns, rows and labels set: what ``df[key] = value``, ``assign`` and ``df.index = ...`` do."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask.dataframe._collection import Collection, natively
from oxidask.dataframe._meta import remembered
from oxidask.dataframe._native_calls import NOT_NATIVE, native_scalar
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import elementwise

__all__ = ["Setting"]


class Setting(Collection):
    """Assignment: gives other collections, or changes which one a name stands for."""

    def _become(self, other: Any) -> None:
        self._expr, self._known_meta = other._expr, other._known_meta
        self._known_divisions, self._moved = other._known_divisions, other._moved

    def _assigned(self, pairs: dict[Any, Any]) -> Any:
        """Return the dataframe with columns in place of those of the same labels, or after all."""
        values = list(pairs.values())
        exprs = [_native_column(value, self) for value in values]
        if self._expr.is_native and not any(expr is None for expr in exprs):
            expr = natively(lambda: self._expr.assign(list(pairs), exprs))
            if expr is not None:
                kept = self._known_meta
                if isinstance(kept, pd.DataFrame) and any(label in kept for label in pairs):
                    kept = kept.drop(columns=[label for label in pairs if label in kept])
                named = [
                    value._known_meta.rename(label)
                    for label, value in pairs.items()
                    if isinstance(value, Collection)
                    and value._known_meta is not None
                    and not isinstance(value._meta, pd.Index)
                ]
                return self._with(expr, remembered(expr, kept, *named))
        for value in values:
            _check(value)
        return elementwise(_assign, self, list(pairs), *values)

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._meta.ndim == 1:
            raise TypeError(
                f"{type(self).__name__} object does not support item assignment: use where or mask"
            )
        if isinstance(key, Collection):
            self._become(elementwise(_set_where, self, key, value))
            return
        labels = key if isinstance(key, (list, pd.Index)) else None
        if labels is None:
            pairs = {key: value}
        elif isinstance(value, Collection) and value._meta.ndim == 2:
            columns = value._meta.columns
            pairs = {k: value[c] for k, c in zip(labels, columns, strict=True)}  # type: ignore[index]
        else:
            pairs = dict.fromkeys(labels, value)
        self._become(self._assigned(pairs))

    def _with_index(self, index: Any) -> Any:
        if isinstance(index, pd.Index):
            raise NotImplementedError(
                "labels in memory can't be given to rows in partitions: use set_index, or a lazy "
                "index over the same rows"
            )
        if index.npartitions != self.npartitions or index._moved != self._moved:
            raise AssertionError(
                "labels go to rows by their places: the index and the rows must be aligned, in "
                f"partitions of the same rows, not {index.npartitions} and {self.npartitions}"
            )
        result = elementwise(_set_labels, self.clear_divisions(), index.clear_divisions())
        is_index = isinstance(index._meta, pd.Index)
        result._known_divisions = index._known_divisions if is_index else None
        return result


def _native_column(value: Any, df: Collection) -> Any:
    """Return what is assigned as an expression over the same rows; None if it is none."""
    if isinstance(value, Collection):
        is_column = getattr(value._meta, "ndim", 0) == 1
        return value._expr if is_column and value._expr.has_rows_of(df._expr) else None
    scalar = native_scalar(value)
    if scalar is NOT_NATIVE or not df._expr.is_native:
        return None
    return natively(lambda: df._expr.constant(scalar))


def _check(value: Any) -> None:
    from oxidask.array.core import Array

    if isinstance(value, Array) and value.ndim > 1:
        raise ValueError("Array assignment only supports 1-D arrays")
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim > 0):
        raise TypeError(
            f"Column assignment doesn't support type {type(value).__module__}."
            f"{type(value).__name__}; make a collection of it with from_pandas"
        )


def _assign(part: Any, labels: list[Any], *values: Any) -> Any:
    part = part.copy(deep=False)
    for label, value in zip(labels, values, strict=True):
        part[label] = value
    return part


def _set_where(part: Any, condition: Any, value: Any) -> Any:
    part = part.copy()
    part[condition] = value
    return part


def _set_labels(part: Any, index: Any) -> Any:
    return part.set_axis(pd.Index(index), axis=0)
