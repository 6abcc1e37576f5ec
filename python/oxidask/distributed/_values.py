"""How Python's values travel through the scheduler: in queues, variables, topics and datasets.

The scheduler reads no pickles, and other languages should read what they can. So plain data goes as
it is, a future as ``{"key": key}``, which the scheduler then holds, and anything else as
``{"pickled": bytes}``.
"""

from __future__ import annotations

from typing import Any

from oxidask._pickle import dumps, loads
from oxidask.distributed.exceptions import FutureCancelledError

__all__ = ["is_plain", "pack", "unpack", "unpack_tree"]

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
    if is_plain(value) and not _has_marks(value):
        return value
    return {"pickled": dumps(value)}


def _has_marks(value: Any) -> bool:
    """Whether something in plain data looks as what stands for a value does."""
    if type(value) is list:
        return any(map(_has_marks, value))
    if type(value) is not dict:
        return False
    is_mark = len(value) == 1 and not _MARKS.isdisjoint(value)
    return is_mark or any(map(_has_marks, value.values()))


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


def unpack_tree(packed: Any, client: Any = None) -> Any:
    """Return what :func:`unpack` gives of the values in nested dictionaries.

    Examples
    --------
    >>> unpack_tree({"x": {"y": pack((1, 2))}, "z": 3})
    {'x': {'y': (1, 2)}, 'z': 3}
    """
    if type(packed) is not dict or (len(packed) == 1 and not _MARKS.isdisjoint(packed)):
        return unpack(packed, client)
    return {name: unpack_tree(value, client) for name, value in packed.items()}
