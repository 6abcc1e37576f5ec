"""Optimising the graphs of arrays that are Python's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oxidask.array._stock_dask import as_stock_task, is_stock
from oxidask.core import flatten
from oxidask.optimization import cull

__all__ = ["optimize"]


def optimize(dsk: Any, keys: Any, **kwargs: Any) -> Any:
    """Return the part of a graph that `keys` need.

    Expressions are optimised before they become graphs; what is left to do for a graph is to leave
    out what nobody asked for. Of a graph of stock Dask's, which asks for that when one of its
    functions is given our arrays, a dict is made that its schedulers can run.

    Examples
    --------
    >>> optimize({"x": 1, "y": 2}, ["y"])
    {'y': 2}
    """
    wanted = list(flatten(keys)) if isinstance(keys, (list, set)) else [keys]
    if is_stock(type(dsk).__module__):
        return _for_stock_dask(dsk, wanted)
    if hasattr(dsk, "cull"):
        return dsk.cull(set(wanted))
    return cull(dsk, wanted)[0]


def _for_stock_dask(dsk: Mapping[Any, Any], wanted: list[Any]) -> dict[Any, Any]:
    return {key: as_stock_task(task) for key, task in cull(dict(dsk), wanted)[0].items()}
