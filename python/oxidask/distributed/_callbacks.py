"""Calls of users' functions on a thread of their own, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from oxidask.distributed._client_base import logger

__all__ = ["CallbackThread"]


class CallbackThread:
    """A daemon thread, started when it is first needed, that calls what is put."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[Any] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def put(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function soon; what it raises is logged.

        Examples
        --------
        >>> calls, found = CallbackThread("calls"), []
        >>> calls.put(found.append, 1)
        >>> calls.close()
        >>> found
        [1]
        """
        self._calls.put((function, args))
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                    self._thread.start()

    def close(self, timeout: float = 1.0) -> None:
        """End the thread once it has called what was put, or after `timeout` seconds."""
        thread = self._thread
        if thread is None:
            return
        self._calls.put(None)
        if thread is not threading.current_thread():
            thread.join(timeout)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            function, args = call
            try:
                function(*args)
            except Exception:
                logger.exception("a callback failed: %r", function)
            # Not kept until the next one comes.
            del call, function, args
