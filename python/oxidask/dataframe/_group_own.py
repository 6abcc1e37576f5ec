"""Aggregates of users: of each partition's groups, of what these gave, and last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oxidask.dataframe._collection import new_collection, python_layer, together
from oxidask.dataframe._grouping import Recipe, of_partitions
from oxidask.dataframe._needs import pandas as pd

__all__ = ["Aggregation", "by_own", "has_own", "own_aggregates"]


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

    def __dask_tokenize__(self) -> Any:
        from oxidask.base import normalize_token

        said = (self.__name__, self.chunk, self.agg, self.finalize)
        return "Aggregation", normalize_token(said)

    def partial(self, groups: Any) -> tuple[Any, ...]:
        """Return what the groups of a partition give."""
        return _tuple(self.chunk(groups))

    def merged(self, parts: tuple[Any, ...], n_keys: int) -> tuple[Any, ...]:
        """Return what several partitions give, by what each gave: one under the other."""
        levels: Any = list(range(n_keys)) if n_keys > 1 else 0
        options: dict[str, Any] = {"level": levels, "dropna": False, "observed": True}
        return _tuple(self.agg(*(part.groupby(**options) for part in parts)))

    def finished(self, parts: tuple[Any, ...]) -> Any:
        """Return the answer."""
        return parts[0] if self.finalize is None else self.finalize(*parts)


def _tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def has_own(arg: Any) -> bool:
    """Whether an aggregate of users is among what is asked for."""
    return any(isinstance(one, Aggregation) for one in _asked(arg))


def _asked(arg: Any) -> list[Any]:
    values = arg.values() if isinstance(arg, dict) else arg if isinstance(arg, list) else None
    return [arg] if values is None else [one for value in values for one in _asked(value)]


def check_names(arg: Any) -> None:
    """Refuse two aggregates of one name for one column.

    Raises
    ------
    ValueError
        If there are such.
    """
    for asked in arg.values() if isinstance(arg, dict) else [arg]:
        if isinstance(asked, list):
            names = [_name(one) for one in asked]
            twice = sorted({str(name) for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"several aggregates of one column are called {twice}")


def _name(one: Any) -> Any:
    return getattr(one, "__name__", one)


def by_own(grouped: Any, arg: Any) -> Any | None:
    """Return aggregates of users by a tree; None if others are among them."""
    asked = _asked(arg)
    if not all(isinstance(one, Aggregation) for one in asked):
        return None
    recipe, described = of_partitions(grouped)
    n_keys = len(grouped.by)
    meta = own_aggregates(grouped._meta_nonempty(), arg, n_keys).iloc[:0]
    literals = [("literal", recipe), ("literal", arg)]
    n = grouped.obj.npartitions
    expr = python_layer(_partials, [*literals, *described], n, name="groupby-own-chunk")
    merge = [("literal", n_keys), ("literal", asked)]
    by = 8
    while expr.npartitions > by:
        n = -(-expr.npartitions // by)
        expr = python_layer(_merged, [*merge, ("tree", expr, by)], n, name="groupby-own-merge")
    args = [*merge, ("literal", arg), ("every", expr)]
    return new_collection(python_layer(_finished, args, 1, name="groupby-own"), meta)


def _partials(recipe: Recipe, arg: Any, rows: Any, *given: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []

    def note(groups: Any, one: Aggregation) -> Any:
        found.append(one.partial(groups))

    _each(recipe.groups(rows, given), arg, note)
    return found


def _each(groups: Any, arg: Any, visit: Callable[[Any, Any], Any]) -> Any:
    if isinstance(arg, dict):
        return {label: _each(groups[label], what, visit) for label, what in arg.items()}
    if isinstance(arg, list):
        return [_each(groups, what, visit) for what in arg]
    return visit(groups, arg)


def _merged(n_keys: int, asked: list[Aggregation], parts: list[Any]) -> list[tuple[Any, ...]]:
    merged = []
    for one, pieces in zip(asked, zip(*parts, strict=True), strict=True):
        stacked = tuple(together(list(several)) for several in zip(*pieces, strict=True))
        merged.append(one.merged(stacked, n_keys))
    return merged


def _finished(n_keys: int, asked: list[Aggregation], arg: Any, parts: list[Any]) -> Any:
    merged = iter(_merged(n_keys, asked, parts))
    answers = [one.finished(found) for one, found in zip(asked, merged, strict=True)]
    return _assembled(arg, iter(answers))


def _assembled(arg: Any, answers: Any) -> Any:
    """Return the answers in the shape of what was asked."""
    if isinstance(arg, dict):
        several = any(isinstance(what, list) for what in arg.values())
        results = {label: _assembled(what, answers) for label, what in arg.items()}
        return pd.concat(results, axis=1) if several else pd.DataFrame(results)
    if isinstance(arg, list):
        return pd.concat({_name(what): _assembled(what, answers) for what in arg}, axis=1)
    return next(answers)


def own_aggregates(grouped: Any, arg: Any, n_keys: int) -> Any:
    """Return aggregates, of users and of pandas, of all rows of some groups."""
    answers: list[Any] = []

    def answer(groups: Any, one: Any) -> None:
        if isinstance(one, Aggregation):
            answers.append(one.finished(one.merged(one.partial(groups), n_keys)))
        else:
            answers.append(groups.agg(one))

    _each(grouped, arg, answer)
    return _assembled(arg, iter(answers))
