"""The static order of tasks: which to run first, so that data is freed soon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oxidask import _native

__all__ = ["order"]


def order(dsk: Mapping[Any, Any], dependencies: Any = None) -> dict[Any, int]:
    """Return the place of every task in the static order.

    The order keeps few values alive at a time; see the module ``order`` of the crate
    ``oxidask-core`` for the algorithm. It takes time in proportion to tasks and edges.

    Parameters
    ----------
    dsk
        Keys to tasks.
    dependencies
        Not needed; here for callers who computed it already.

    Returns
    -------
    dict
        Keys to places; 0 runs first.

    Raises
    ------
    RuntimeError
        If tasks wait for each other.

    Examples
    --------
    >>> order({"a": 1, "b": (abs, "a"), "c": (abs, "b")})
    {'a': 0, 'b': 1, 'c': 2}
    """
    keys = list(dsk)
    # Ties go by key, not by the accident of insertion.
    try:
        graph = {key: dsk[key] for key in sorted(keys)}
    except TypeError:
        graph = {key: dsk[key] for key in sorted(keys, key=lambda key: (str(type(key)), str(key)))}
    places = _native.order(graph, list(graph))
    return {key: places[key] for key in keys}
