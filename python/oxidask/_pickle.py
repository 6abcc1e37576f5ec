"""Values to bytes and back: pickle, with cloudpickle for what pickle refuses."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

import cloudpickle

__all__ = ["dumps", "loads"]


def dumps(obj: Any, buffer_callback: Callable[[pickle.PickleBuffer], Any] | None = None) -> bytes:
    """Pickle `obj`; large buffers go to `buffer_callback` instead of being copied.

    Objects that live in ``__main__`` or in a function are pickled by value.

    Parameters
    ----------
    obj
        Any object.
    buffer_callback
        Called with each out-of-band buffer, in order.

    Returns
    -------
    bytes

    Examples
    --------
    >>> loads(dumps({"x": 1}))
    {'x': 1}
    >>> loads(dumps(lambda x: x + 1))(1)
    2
    """
    callback = None if buffer_callback is None else _contiguous_only(buffer_callback)
    found: list[pickle.PickleBuffer] = []
    try:
        data = pickle.dumps(obj, protocol=5, buffer_callback=_collector(found, callback))
        # What pickle stores by reference to __main__ another process could not find.
        if b"__main__" in data:
            raise pickle.PicklingError("refers to __main__")
    except Exception:
        found.clear()
        data = cloudpickle.dumps(obj, protocol=5, buffer_callback=_collector(found, callback))
    if buffer_callback is not None:
        for buffer in found:
            buffer_callback(buffer)
    return data


def _collector(
    found: list[pickle.PickleBuffer], callback: Callable[[pickle.PickleBuffer], bool] | None
) -> Callable[[pickle.PickleBuffer], bool] | None:
    if callback is None:
        return None

    def collect(buffer: pickle.PickleBuffer) -> bool:
        in_band = callback(buffer)
        if not in_band:
            found.append(buffer)
        return in_band

    return collect


def _contiguous_only(
    buffer_callback: Callable[[pickle.PickleBuffer], Any],
) -> Callable[[pickle.PickleBuffer], bool]:
    def is_in_band(buffer: pickle.PickleBuffer) -> bool:
        try:
            buffer.raw()
        except BufferError:
            return True
        return False

    return is_in_band


def loads(data: bytes, buffers: Iterable[Any] = ()) -> Any:
    """Return the object that :func:`dumps` pickled.

    Parameters
    ----------
    data
        What :func:`dumps` returned.
    buffers
        The out-of-band buffers, in order.

    Examples
    --------
    >>> loads(dumps([1, 2]))
    [1, 2]
    """
    return pickle.loads(data, buffers=buffers)
