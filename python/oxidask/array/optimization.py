"""Optimising the graphs of arrays that are Python's."""

from __future__ import annotations

from typing import Any

from oxidask.core import flatten
from oxidask.optimization import cull

__all__ = ["optimize"]


def optimize(dsk: Any, keys: Any, **kwargs: Any) -> Any:
    """Return the part of a graph that `keys` need.

    Expressions are optimised before they become graphs; what is left to do for a graph is to leave
    out what nobody asked for.

    Examples
    --------
    >>> optimize({"x": 1, "y": 2}, ["y"])
    {'y': 2}
    """
    wanted = list(flatten(keys)) if isinstance(keys, (list, set)) else [keys]
    if hasattr(dsk, "cull"):
        return dsk.cull(set(wanted))
    return cull(dsk, wanted)[0]
