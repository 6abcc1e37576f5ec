"""An event loop as clusters and clients show it: with the names that Dask's users know."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["LoopView", "view_of"]


class LoopView:
    """An asyncio loop.

    Attributes
    ----------
    asyncio_loop
        The loop itself.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.asyncio_loop = loop

    def add_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call a function, or run a coroutine function, on the loop soon; from any thread."""

        async def call() -> None:
            result = callback(*args, **kwargs)
            if inspect.isawaitable(result):
                await result

        asyncio.run_coroutine_threadsafe(call(), self.asyncio_loop)

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> None:
        """Call a function on the loop after some seconds; from any thread."""
        loop = self.asyncio_loop
        loop.call_soon_threadsafe(loop.call_later, delay, callback, *args)

    def __repr__(self) -> str:
        return f"<LoopView of {self.asyncio_loop!r}>"


_views: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopView] = weakref.WeakKeyDictionary()


def view_of(loop: asyncio.AbstractEventLoop) -> LoopView:
    """Return the view of a loop: always the same one.

    Examples
    --------
    >>> loop = asyncio.new_event_loop()
    >>> view_of(loop) is view_of(loop)
    True
    >>> loop.close()
    """
    view = _views.get(loop)
    if view is None:
        view = _views[loop] = LoopView(loop)
    return view
