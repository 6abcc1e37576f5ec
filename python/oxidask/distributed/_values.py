"""How Python's values travel through the scheduler: in queues, variables, topics and datasets.

The scheduler reads no pickles, and other languages should read what they can. So plain data goes as
it is, a future as ``{"key": key}``, which the scheduler then holds, and anything else as
``{"pickled": bytes}``.
"""

from __future__ import annotations

from typing import Any

from oxidask._pickle import dumps, loads
from oxidask.distributed.exceptions import FutureCancelledError

__all__ = ["is_plain", "pack", "unpack"]

_SCALARS = frozenset({bool, float, str, bytes, type(None)})
_MARKS = frozenset({"key", "pickled"})


def is_plain(value: Any) -> bool:
    """Whether any language can read `value`, and it comes back as what it was.

    Examples
    --------
    >>> is_plain({"x": [1, 2.5, None]}), is_plain((1, 2)), is_plain({1: 2})
    (True, False, False)
    """
    cls = type(value)
    if cls in _SCALARS:
        return True
    if cls is int:
        return bool(-(2**63) <= value < 2**63)
    if cls is list:
        return all(map(is_plain, value))
    if cls is dict:
        names_are_text = all(type(name) is str for name in value)
        return names_are_text and all(map(is_plain, value.values()))
    return False


def pack(value: Any) -> Any:
    """Return what stands for `value` on its way.

    Examples
    --------
    >>> pack([1, "x"])
    [1, 'x']
    >>> unpack(pack((1, "x")))
    (1, 'x')
    """
    from oxidask.distributed._future import Future

    if isinstance(value, Future):
        if value.cancelled():
            raise FutureCancelledError(value.key, "it is unknown to scheduler and client")
        return value  # by its key
    is_marked = type(value) is dict and len(value) == 1 and not _MARKS.isdisjoint(value)
    if not is_marked and is_plain(value):
        return value
    return {"pickled": dumps(value)}


def unpack(packed: Any, client: Any = None) -> Any:
    """Return the value that :func:`pack` was given; its futures are `client`'s."""
    if type(packed) is not dict or len(packed) != 1:
        return packed
    if "pickled" in packed:
        if client is None:
            return loads(packed["pickled"])
        with client.as_current():
            return loads(packed["pickled"])
    if "key" in packed:
        from oxidask.distributed._future import Future

        return Future(packed["key"], client)
    return packed
