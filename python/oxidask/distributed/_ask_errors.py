"""Exceptions of those who were asked: from the scheduler's, a worker's or a nanny's answer."""

from __future__ import annotations

import builtins
from typing import Any

from oxidask._exceptions import loads
from oxidask.distributed import exceptions

__all__ = ["exception_of"]


def exception_of(error: dict[str, Any]) -> BaseException:
    """Return the exception that an answer holds.

    Parameters
    ----------
    error
        ``class`` (the name of a Python exception), ``text`` and ``bytes`` (the exception with its
        traceback, pickled, or nothing).

    Examples
    --------
    >>> exception_of({"class": "KeyError", "text": "x", "bytes": b""})
    KeyError('x')
    """
    pickled = error.get("bytes")
    if pickled:
        try:
            return loads(pickled)
        except Exception as failure:
            return RuntimeError(f"{error.get('text')} (its exception can't be read: {failure!r})")
    name = error.get("class") or "RuntimeError"
    cls = getattr(builtins, name, None) or getattr(exceptions, name, None)
    if not (isinstance(cls, type) and issubclass(cls, BaseException)):
        cls = RuntimeError
    return cls(error.get("text", ""))
