"""Groups brought together: rows shuffled by the keys, pandas on whole groups."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from oxidask._native import FrameExpr
from oxidask.dataframe._collection import Collection, natively, python_layer, together
from oxidask.dataframe._exchange import exchanged, hashes
from oxidask.dataframe._needs import pandas as pd
from oxidask.utils import funcname

__all__ = ["Recipe", "gathered", "is_divided", "of_partitions", "of_whole_groups"]


class _Given:
    """Stands for a key that comes as an object of its own."""

    def __dask_tokenize__(self) -> str:
        return "given"


GIVEN = _Given()


class Recipe:
    """How the rows of a partition are grouped.

    Parameters
    ----------
    keys
        Labels, functions of labels of rows, or `GIVEN` for keys that come beside the rows.
    slice
        The columns that are looked at; None for all.
    settings
        Keywords of pandas' ``groupby``.
    own
        Pairs of the labels of columns that hold keys, and what these are called: they are no
        columns of the rows themselves.
    series
        Whether the rows are a series that came as a dataframe of one column.
    """

    def __init__(
        self,
        keys: Sequence[Any],
        slice: Any,
        settings: dict[str, Any],
        own: Sequence[tuple[Any, Any]] = (),
        series: bool = False,
    ) -> None:
        self.keys, self.slice, self.settings = list(keys), slice, settings
        self.own, self.series = list(own), series

    def __dask_tokenize__(self) -> Any:
        from oxidask.base import normalize_token

        said = (self.keys, self.slice, self.settings, self.own, self.series)
        return "Recipe", normalize_token(said)

    def by(self, rows: Any, given: Sequence[Any]) -> list[Any]:
        """Return what to group `rows` by."""
        found = iter(given)
        return [next(found) if key is GIVEN else key for key in self.keys]

    def values(self, rows: Any, given: Sequence[Any]) -> list[Any]:
        """Return the keys of each row."""
        values = []
        for key in self.by(rows, given):
            if isinstance(key, pd.Series):
                values.append(key if key.index is rows.index else _aligned(key, rows))
            elif isinstance(key, pd.Index):
                values.append(key)
            elif callable(key):
                values.append(rows.index.map(key))
            elif rows.ndim == 2 and key in rows.columns:
                values.append(rows[key])
            else:
                values.append(rows.index.get_level_values(key))
        return values

    def split(self, rows: Any, given: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Return the rows without columns that hold keys, and these."""
        if self.own:
            # Copies: pandas takes what shares memory with a column for that column.
            given = [rows[label].rename(name).copy() for label, name in self.own]
            rows = rows.drop(columns=[label for label, _ in self.own])
        if self.series:
            rows = rows.iloc[:, 0]
        return rows, list(given)

    def groups(self, rows: Any, given: Sequence[Any] = ()) -> Any:
        """Return pandas' group-by of a partition."""
        rows, given = self.split(rows, given)
        by = self.by(rows, given)
        grouped = rows.groupby(by if len(by) > 1 else by[0], **self.settings)
        return grouped if self.slice is None else grouped[self.slice]


def _aligned(key: Any, rows: Any) -> Any:
    same = len(key) == len(rows) and key.index.equals(rows.index)
    return key if same else key.reindex(rows.index)


def of_partitions(grouped: Any) -> tuple[Recipe, list[tuple[Any, ...]]]:
    """Return how partitions are grouped as they lie, and which objects that takes."""
    keys = [GIVEN if isinstance(key, Collection) else key for key in grouped.by]
    recipe = Recipe(keys, grouped._slice, grouped._settings())
    given = [("partition", key._expr) for key in grouped.by if isinstance(key, Collection)]
    return recipe, [("partition", grouped.obj._expr), *given]


def of_whole_groups(
    grouped: Any,
    func: Callable[..., Any],
    args: Sequence[Any],
    meta: Any,
    n_out: int | None = None,
    columns: list[Any] | None = None,
) -> FrameExpr:
    """Return the expression of a function of pandas' group-by of all rows of some groups.

    Parameters
    ----------
    grouped
        The group-by.
    func
        Called with pandas' group-by of a partition that holds all rows of its groups, and `args`.
    meta
        What an empty partition gives.
    n_out
        How many partitions; by default as many as there are.
    columns
        The columns that are needed beside the keys, if not all.
    """
    obj, name = grouped.obj, f"groupby-{funcname(func).strip('_<>')}"
    n = obj.npartitions
    n_out = n_out or n
    if grouped.observed is False and grouped._has_categories():
        # Each partition would answer for all categories.
        n_out = 1
    literals = [func, tuple(args), meta]
    if n_out == n and (n == 1 or is_divided(grouped)):
        recipe, described = of_partitions(grouped)
        said = [("literal", x) for x in (recipe, *literals)]
        return python_layer(_run_apart, [*said, *described], n, name=name)
    native = natively(lambda: _shuffled(grouped, n_out, columns))
    if native is not None:
        recipe, rows = native
        said = [("literal", x) for x in (recipe, *literals)]
        return python_layer(_run_apart, [*said, ("partition", rows)], n_out, name=name)
    recipe, described = of_partitions(grouped)
    cut = [("literal", recipe), *described]
    return exchanged(_cut, cut, n, n_out, _run, [recipe, *literals], name)


def is_divided(grouped: Any) -> bool:
    """Whether the rows of a group are in one partition as they lie: they are by the index."""
    obj = grouped.obj
    ends = obj.divisions
    if not obj.known_divisions or any(not a < b for a, b in itertools.pairwise(ends[:-1])):
        return False
    name = obj._meta.index.name
    for key in grouped.by:
        if isinstance(key, Collection):
            if isinstance(key._meta, pd.Index) and key._name == obj.index._name:
                return True
        elif not callable(key) and key == name and not (obj.ndim == 2 and name in obj._meta):
            return True
    return False


def _shuffled(grouped: Any, n_out: int, columns: list[Any] | None) -> Any:
    """Return the rows shuffled natively, and how they are grouped there; None if they can't be."""
    native = grouped._native_rows()
    if native is None:
        return None
    expr, labels, names = native
    if columns is not None:
        expr = expr.project(list(dict.fromkeys([*labels, *columns])), "frame")
    own, keys = [], []
    for label, name, key in zip(labels, names, grouped.by, strict=True):
        if isinstance(key, Collection):
            own.append((label, name))
        keys.append(GIVEN if isinstance(key, Collection) else key)
    is_series = grouped.obj.ndim == 1
    recipe = Recipe(keys, grouped._slice, grouped._settings(), own, is_series)
    return recipe, expr.shuffled(labels, n_out)


def _cut(recipe: Recipe, rows: Any, *given: Any) -> tuple[list[Any], Any]:
    keys = [_aligned(k, rows) if isinstance(k, pd.Series) else k for k in given]
    return [rows, *keys], hashes(recipe.values(rows, keys))


def _run_apart(recipe: Recipe, func: Any, args: Any, meta: Any, rows: Any, *given: Any) -> Any:
    return _run(recipe, func, args, meta, [rows, *given])


def _run(recipe: Recipe, func: Any, args: Any, meta: Any, bundle: list[Any]) -> Any:
    rows, *given = bundle
    if not len(rows):
        return meta
    return func(recipe.groups(rows, given), *args)


def gathered(expr: FrameExpr, n_keys: int, in_order: bool) -> FrameExpr:
    """Return answers for groups in one partition, in the order of the keys if they have one."""
    if expr.npartitions == 1:
        return expr
    args = [("literal", n_keys), ("literal", in_order), ("every", expr)]
    return python_layer(_in_order, args, 1, name="groupby-gathered")


def _in_order(n_keys: int, in_order: bool, parts: list[Any]) -> Any:
    answers = together(parts)
    if not in_order:
        return answers
    try:
        if answers.index.nlevels == 1:
            return answers.sort_index(kind="stable")
        return answers.sort_index(level=list(range(n_keys)), sort_remaining=False, kind="stable")
    except TypeError:
        # Keys of several types have no order.
        return answers
