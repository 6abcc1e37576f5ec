"""Futures inside of containers: found, and replaced by their results."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from queue import Queue, SimpleQueue
from typing import Any

from oxidask.distributed._future import Future

__all__ = ["fill_futures", "find_futures", "rebuilt", "reject_iterators"]

_CONTAINERS = (list, tuple, set, frozenset)


def reject_iterators(objects: Any) -> None:
    """Raise if one of `objects` can be read only once.

    Examples
    --------
    >>> reject_iterators([[1, 2], range(3)])
    >>> reject_iterators([iter([1, 2])])
    Traceback (most recent call last):
    ...
    TypeError: iterators and queues can't be mapped over: make a list, or submit item by item
    """
    if any(isinstance(obj, (Iterator, Queue, SimpleQueue)) for obj in objects):
        raise TypeError(
            "iterators and queues can't be mapped over: make a list, or submit item by item"
        )


def find_futures(obj: Any) -> list[Future]:
    """Return the futures in lists, tuples, sets and dictionaries, in order, with repetitions."""
    found: list[Future] = []
    _collect(obj, found)
    return found


def _collect(obj: Any, found: list[Future]) -> None:
    if isinstance(obj, Future):
        found.append(obj)
    elif isinstance(obj, _CONTAINERS):
        for item in obj:
            _collect(item, found)
    elif isinstance(obj, dict):
        for item in obj.values():
            _collect(item, found)


def fill_futures(
    obj: Any, value_of: Callable[[Future], Any], is_dropped: Collection[int] = ()
) -> Any:
    """Return `obj` with its futures replaced.

    Parameters
    ----------
    obj
        A container as :func:`find_futures` takes it.
    value_of
        What stands in the place of a future.
    is_dropped
        Identities of the futures that are left out of their containers.
    """
    if isinstance(obj, Future):
        return None if id(obj) in is_dropped else value_of(obj)
    if isinstance(obj, _CONTAINERS):
        items = [
            fill_futures(item, value_of, is_dropped) for item in obj if id(item) not in is_dropped
        ]
        return rebuilt(obj, items)
    if isinstance(obj, dict):
        return type(obj)(
            (name, fill_futures(item, value_of, is_dropped))
            for name, item in obj.items()
            if id(item) not in is_dropped
        )
    return obj


def rebuilt(container: Any, items: list[Any]) -> Any:
    """Return a container of the type of `container` with other items.

    Examples
    --------
    >>> rebuilt((1, 2), [3, 4])
    (3, 4)
    """
    cls = type(container)
    if cls is list:
        return items
    make = getattr(cls, "_make", None)
    if make is not None and len(items) == len(container):
        return make(items)
    return (tuple if make is not None else cls)(items)
