"""Our graphs for stock Dask.

Its schedulers take a task of ours for data, but know tuples of a function and keys.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from oxidask._task_spec import GraphNode

__all__ = ["StockGraph", "as_stock_task", "is_asked_by_stock_dask", "is_stock"]

_STOCK_PACKAGES = ("dask", "distributed")


def is_stock(module: str) -> bool:
    """Return whether a module is of stock Dask."""
    return module.partition(".")[0] in _STOCK_PACKAGES


def is_asked_by_stock_dask() -> bool:
    """Return whether the caller's caller is a function of stock Dask's."""
    return is_stock(sys._getframe(2).f_globals.get("__name__", ""))


class StockGraph(Mapping[Any, Any]):
    """A graph whose tasks of ours are given as tuples."""

    def __init__(self, graph: Mapping[Any, Any]) -> None:
        self.graph = graph

    def __getitem__(self, key: Any) -> Any:
        return as_stock_task(self.graph[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self.graph)

    def copy(self) -> dict[Any, Any]:
        """Return the whole graph."""
        return dict(self)

    def __len__(self) -> int:
        return len(self.graph)


def as_stock_task(task: Any) -> Any:
    """Return a tuple that does the same as a task of ours, and other tasks as they are."""
    if not isinstance(task, GraphNode):
        return task
    names = tuple(task.dependencies)
    return (partial(_run, task, names), *names)


def _run(task: GraphNode, names: tuple[Any, ...], *values: Any) -> Any:
    return task(dict(zip(names, values, strict=True)))
