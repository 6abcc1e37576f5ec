"""The static order of tasks: which to run first, so that data is freed soon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from oxidask import _native

__all__ = ["OrderInfo", "diagnostics", "order"]


class OrderInfo(NamedTuple):
    """What an order means for one task; see :func:`diagnostics`."""

    order: int
    """Place in the order."""
    age: int
    """Steps from its run until its value is freed."""
    num_data_when_run: int
    """Values alive when it runs."""
    num_data_when_released: int
    """Values alive when its own is freed."""
    num_dependencies_freed: int
    """Values that its run frees."""


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


def diagnostics(
    dsk: Mapping[Any, Any], o: Mapping[Any, int] | None = None, dependencies: Any = None
) -> tuple[dict[Any, OrderInfo], list[int]]:
    """Return what an order means for memory, if all values were of one size.

    Parameters
    ----------
    dsk
        Keys to tasks.
    o
        Keys to places. Default: :func:`order` of the graph.
    dependencies
        Keys to the keys that they need. Default: found in the graph.

    Returns
    -------
    infos : dict
        Keys to :class:`OrderInfo`.
    pressure : list of int
        Values alive at each step.

    Examples
    --------
    >>> infos, pressure = diagnostics({"a": 1, "b": (abs, "a"), "c": (abs, "b")})
    >>> infos["a"].age, pressure
    (1, [0, 1, 1])
    """
    from oxidask._graph_colours import figures
    from oxidask.core import get_dependencies

    places = order(dsk) if o is None else o
    needed = dependencies or {key: set(get_dependencies(dsk, key)) for key in dsk}
    ages, _ = figures("age", places, needed)
    freed, _ = figures("freed", places, needed)
    when_run, when_released = figures("memorypressure", places, needed)
    infos = {
        key: OrderInfo(places[key], ages[key], when_run[key], when_released[key], freed[key])
        for key in dsk
    }
    return infos, [when_run[key] for key in sorted(places, key=places.__getitem__)]
