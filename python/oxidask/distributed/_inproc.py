"""Schedulers of this process by address: clients and workers reach them without a wire."""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["find", "register", "unregister"]

_schedulers: dict[str, Any] = {}
_lock = threading.Lock()


def register(address: str, core: Any) -> None:
    """Note the scheduler that is reached at `address`, such as ``inproc://...``."""
    with _lock:
        _schedulers[address] = core


def unregister(address: str) -> None:
    """Forget the scheduler at `address`.

    Examples
    --------
    >>> register("inproc://1", "core")
    >>> find("inproc://1")
    'core'
    >>> unregister("inproc://1")
    >>> find("inproc://1") is None
    True
    """
    with _lock:
        _schedulers.pop(address, None)


def find(address: str) -> Any:
    """Return the scheduler at `address`, None if it is not one of this process."""
    with _lock:
        return _schedulers.get(address)
