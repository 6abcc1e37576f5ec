"""Joins that pandas does in each partition: rows of equal keys come together first.

By the divisions of two indexes, by reading a side of one partition in every task, or by a shuffle
of both sides.
"""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._collection import natively, new_collection, python_layer
from oxidask.dataframe._exchange import exchanged, hashes
from oxidask.dataframe._needs import pandas as pd

__all__ = ["joined"]


class _Side:
    """One side of a join: its rows, and what its keys are."""

    def __init__(self, frame: Any, on: Any, by_index: bool) -> None:
        self.frame = frame
        self.on = [] if by_index else _list(on)
        name = frame._meta.index.name
        self.by_index = by_index or (
            len(self.on) == 1 and self.on[0] == name and name not in frame._meta.columns
        )

    @property
    def n(self) -> int:
        """The number of partitions."""
        return int(self.frame.npartitions)

    @property
    def is_divided(self) -> bool:
        """Whether the divisions say where the keys are."""
        return self.by_index and bool(self.frame.known_divisions)

    def shuffled_natively(self, n: int) -> Any:
        """Return the expression of the rows by the hash of their keys; None without a kernel."""
        columns = self.frame._meta.columns
        if not self.frame._expr.is_native:
            return None
        if not self.by_index and (
            any(key not in columns for key in self.on) or not columns.is_unique
        ):
            return None
        labels = [] if self.by_index else self.on
        return natively(lambda: self.frame._expr.shuffled(labels, n))

    def shuffled(self, n: int) -> Any:
        """Return the same by pandas."""
        args = [("literal", None if self.by_index else self.on), ("partition", self.frame._expr)]
        return exchanged(_cut, args, self.n, n, _only, name="merge-shuffle")


def joined(left: Any, right: Any, settings: dict[str, Any], meta: Any, npartitions: Any) -> Any:
    """Return the join of two dataframes: see ``merge``."""
    how = settings["how"]
    first = _Side(left, settings["left_on"], settings["left_index"])
    second = _Side(right, settings["right_on"], settings["right_index"])
    n, m = first.n, second.n
    if n == m == 1:
        ends = _kept(first, second) or _kept(second, first)
        return _merged_partwise(first, second, settings, meta, 1, ends)
    if first.is_divided and second.is_divided:
        ends = sorted({*left.divisions, *right.divisions})
        ends = ends * 2 if len(ends) == 1 else ends
        first.frame = left.repartition(divisions=ends, force=True)
        second.frame = right.repartition(divisions=ends, force=True)
        return _merged_partwise(first, second, settings, meta, len(ends) - 1, tuple(ends))
    if m == 1 and how in ("inner", "left"):
        return _merged_partwise(first, second, settings, meta, n, _kept(first, second))
    if n == 1 and how in ("inner", "right"):
        return _merged_partwise(first, second, settings, meta, m, _kept(second, first))
    n_out = int(npartitions or max(n, m))
    sides = [side.shuffled_natively(n_out) for side in (first, second)]
    if any(side is None for side in sides):
        sides = [side.shuffled(n_out) for side in (first, second)]
    return _of_sides(sides, settings, meta, n_out, None)


def _kept(many: _Side, one: _Side) -> Any:
    """Return the divisions of a side if the rows of the join have its index."""
    if many.by_index == one.by_index or one.by_index:
        is_kept = many.by_index or one.by_index
        return many.frame._known_divisions if is_kept else None
    return None


def _merged_partwise(
    first: _Side, second: _Side, settings: dict[str, Any], meta: Any, n: int, ends: Any
) -> Any:
    sides = [first.frame._expr, second.frame._expr]
    return _of_sides(sides, settings, meta, n, ends)


def _of_sides(sides: list[Any], settings: dict[str, Any], meta: Any, n: int, ends: Any) -> Any:
    args = [("literal", settings), ("literal", meta), *(("partition", side) for side in sides)]
    return new_collection(python_layer(_merged, args, n, name="merge"), meta, ends)


def _only(bundle: list[Any]) -> Any:
    return bundle[0]


def _cut(labels: Any, part: Any) -> tuple[list[Any], Any]:
    if labels is None:
        keys = [part.index.get_level_values(at) for at in range(part.index.nlevels)]
    else:
        keys = [
            part[label] if label in part.columns else part.index.get_level_values(label)
            for label in labels
        ]
    return [part], hashes(keys)


def _merged(settings: dict[str, Any], meta: Any, left: Any, right: Any) -> Any:
    left, right = _of_one_kind(left, right, settings["left_on"], settings["right_on"])
    result = pd.merge(left, right, **settings)
    return result if len(result) else meta


def _list(labels: Any) -> list[Any]:
    return list(labels) if isinstance(labels, (list, tuple)) else [labels]


def _of_one_kind(left: Any, right: Any, left_on: Any, right_on: Any) -> tuple[Any, Any]:
    """Return the sides with keys of categories as those of the categories of both."""
    from pandas.api.types import union_categoricals

    for a, b in zip(_list(left_on), _list(right_on), strict=False):
        if a not in left.columns or b not in right.columns:
            continue
        columns = [left[a], right[b]]
        dtypes = [column.dtype for column in columns]
        if dtypes[0] != dtypes[1] and all(isinstance(d, pd.CategoricalDtype) for d in dtypes):
            both = union_categoricals(columns, ignore_order=True).dtype
            left, right = left.astype({a: both}), right.astype({b: both})
    return left, right
