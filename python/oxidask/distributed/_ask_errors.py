"""Exceptions of those who were asked: from the scheduler's, a worker's or a nanny's answer."""

from __future__ import annotations

import builtins
from typing import Any

from oxidask._pickle import loads
from oxidask.distributed import exceptions

__all__ = ["exception_of"]


def exception_of(error: dict[str, Any]) -> BaseException:
    """Return the exception that an answer holds.

    Parameters
    ----------
    error
        ``class`` (the name of a Python exception), ``text`` and ``bytes`` (the pickled exception and
        the text of its traceback, or nothing).

    Examples
    --------
    >>> exception_of({"class": "KeyError", "text": "x", "bytes": b""})
    KeyError('x')
    """
    pickled = error.get("bytes")
    if pickled:
        try:
            found = loads(pickled)
        except Exception as failure:
            return RuntimeError(f"{error.get('text')} (its exception can't be read: {failure!r})")
        exception, *rest = found if isinstance(found, tuple) else (found,)
        if isinstance(exception, BaseException):
            if rest and isinstance(rest[0], str) and rest[0]:
                exception.add_note(rest[0])
            elif rest and hasattr(rest[0], "tb_frame"):
                exception = exception.with_traceback(rest[0])
            return exception
    name = error.get("class") or "RuntimeError"
    cls = getattr(builtins, name, None) or getattr(exceptions, name, None)
    if not (isinstance(cls, type) and issubclass(cls, BaseException)):
        cls = RuntimeError
    return cls(error.get("text", ""))
