"""Doing something again and again on an event loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

__all__ = ["Periodic"]

logger = logging.getLogger("distributed.core")


class Periodic:
    """Calls a function every so often, one call at a time, until it is stopped.

    Parameters
    ----------
    function
        A function or a coroutine function without arguments. An error is logged, and it goes on.
    interval_s
        Seconds between the end of one call and the start of the next.
    """

    def __init__(self, function: Callable[[], Any], interval_s: float) -> None:
        self._function = function
        self.interval_s = max(interval_s, 1e-3)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; on the loop's own thread."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    def is_running(self) -> bool:
        """Whether it goes on."""
        return self._task is not None and not self._task.done()

    def stop(self) -> None:
        """End. The call that is under way goes on only if it is the one that stops it."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        try:
            loop = task.get_loop()
            if loop is asyncio.get_running_loop():
                if task is not asyncio.current_task():
                    task.cancel()
                return
        except RuntimeError:
            pass
        if not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    async def _work(self) -> None:
        me = asyncio.current_task()
        while self._task is me:
            try:
                result = self._function()
                if inspect.isawaitable(result):
                    await result
            except asyncio.CancelledError:
                raise
            except Exception:
                logger.exception("something done every %s s failed", self.interval_s)
            if self._task is not me:
                return
            await asyncio.sleep(self.interval_s)
