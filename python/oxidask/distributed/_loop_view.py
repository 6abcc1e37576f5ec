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


# By identity, and as long as somebody has the view, which has the loop.
_views: weakref.WeakValueDictionary[int, LoopView] = weakref.WeakValueDictionary()


def view_of(loop: asyncio.AbstractEventLoop) -> LoopView:
    """Return the view of a loop: the same one as long as anybody has it.

    Examples
    --------
    >>> loop = asyncio.new_event_loop()
    >>> view = view_of(loop)
    >>> view_of(loop) is view
    True
    >>> loop.close()
    """
    view = _views.get(id(loop))
    if view is None:
        view = _views[id(loop)] = LoopView(loop)
    return view
