"""Methods whose implementation the configuration can replace for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from oxidask import config

__all__ = ["GlobalMethod", "globalmethod", "thread_state"]

# Values that belong to the thread that runs a computation, for code that wants to share them.
thread_state = threading.local()


class GlobalMethod:
    """A descriptor: what the configuration holds under `key`, or else `default`.

    Parameters
    ----------
    default : callable
        What the attribute is when the configuration says nothing.
    key : str
        The configuration key.
    falsey : callable, optional
        What the attribute is when the configuration holds something false other than None,
        such as ``False``; `default` when not given.

    Examples
    --------
    >>> class Thing:
    ...     greet = GlobalMethod(lambda: "hello", key="thing-greet")
    >>> Thing().greet()
    'hello'
    """

    def __init__(
        self,
        default: Callable[..., Any],
        key: str,
        falsey: Callable[..., Any] | None = None,
    ) -> None:
        self._default = default
        self._key = key
        self._falsey = falsey

    def __get__(self, instance: Any, owner: type | None = None) -> Callable[..., Any]:
        chosen = config.get(self._key, None)
        if chosen is None:
            return self._default
        if not chosen:
            return self._default if self._falsey is None else self._falsey
        result: Callable[..., Any] = chosen
        return result


def globalmethod(
    default: Callable[..., Any] | None = None,
    key: str | None = None,
    falsey: Callable[..., Any] | None = None,
) -> Any:
    """Define a method that the configuration can replace; also a decorator.

    The function takes no ``self``.

    Parameters
    ----------
    default : callable, optional
        The implementation; left out when used as a decorator.
    key : str
        The configuration key.
    falsey : callable, optional
        The implementation when the configuration holds something false other than None.

    Examples
    --------
    >>> from oxidask import config
    >>> class Thing:
    ...     @globalmethod(key="thing-size")
    ...     def size():
    ...         return 1
    >>> Thing().size()
    1
    >>> with config.set({"thing-size": lambda: 2}):
    ...     Thing().size()
    2
    """
    if default is None:
        return partial(globalmethod, key=key, falsey=falsey)
    if key is None:
        raise TypeError("globalmethod() needs `key`, the configuration key to read")
    return GlobalMethod(default=default, key=key, falsey=falsey)
