"""Group-by natively: what kernels can answer, and in which shape they are asked."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._collection import Collection, natively, new_collection
from oxidask.dataframe._needs import pandas as pd

__all__ = ["NATIVE", "NativeGroups"]

# Aggregates with kernels.
NATIVE = frozenset(
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
        "median",
        "nunique",
    )
)


class NativeGroups:
    """The native half of a group-by."""

    obj: Any
    by: list[Any]
    sort: bool | None
    dropna: bool | None
    observed: bool | None
    _slice: Any

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
            elif callable(key) or not is_label(obj, key):
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

    def _transformed_natively(self, name: str, setting: int) -> Any:
        """Return values for rows by whole groups, or None without a kernel for it."""

        def build() -> Any:
            rows = self._native_rows()
            if rows is None:
                return None
            expr, keys, _ = rows
            columns = self._columns()
            if not columns or len(set(columns)) < len(columns):
                return None
            needed = list(dict.fromkeys([*keys, *columns]))
            kind = "series" if self._is_series() else "frame"
            rows = expr.project(needed, "frame")
            return rows.group_transform(
                keys, columns, (name, setting), kind, self.dropna is not False
            )

        expr = natively(build)
        if expr is None:
            return None
        result = new_collection(expr)
        result._moved = None if self.obj.npartitions == 1 else result._name
        return result


def is_label(obj: Any, key: Any) -> bool:
    """Whether a key is the label of a column."""
    if isinstance(key, (Collection, list)) or callable(key):
        return False
    return obj.ndim == 2 and key in obj._meta.columns
