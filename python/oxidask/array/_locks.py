"""Locks as users give them: any object that can be acquired and released."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

__all__ = ["holding"]


def holding(lock: Any) -> Any:
    """Return a context in which a lock is held.

    Parameters
    ----------
    lock
        A context manager, or an object with ``acquire`` and ``release``; None for no lock.

    Examples
    --------
    >>> with holding(None): pass
    """
    if not lock:
        return contextlib.nullcontext()
    # The methods come first: a class may override these alone.
    return _acquired(lock) if hasattr(lock, "acquire") else lock


@contextlib.contextmanager
def _acquired(lock: Any) -> Iterator[None]:
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
