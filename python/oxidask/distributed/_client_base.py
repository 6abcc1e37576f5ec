"""What all parts of a client share: its native core, questions to the scheduler, sync and async."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from threading import get_ident
from typing import Any

from oxidask.distributed import _loop
from oxidask.distributed._task_options import seconds
from oxidask.distributed.exceptions import ClosedClientError

__all__ = ["ClientBase", "logger", "no_default"]

logger = logging.getLogger("distributed.client")

no_default = "__no_default__"
"""Stands for an argument that was not given where None means something."""


class ClientBase:
    """The native core of a client, and the one way in which its methods are sync and async.

    Control methods are written once, as coroutines; the public method passes the coroutine function
    to :meth:`sync`. What is hot goes straight to the core.
    """

    id: str
    name: str
    _state: str
    _core: Any
    _target: Any
    #: Why it was closed, if its user did not close it.
    _why_closed: str = ""
    _is_asynchronous: bool
    _sends_pickles: bool
    _reads_pickles: bool
    _ident: int

    @property
    def status(self) -> str:
        """``"connecting"``, ``"running"``, ``"closing"``, or ``"closed"``; also if it was lost."""
        state = self._state
        return state if state != "running" or self._core.status == "running" else "closed"

    @property
    def asynchronous(self) -> bool:
        """Whether methods return coroutines here.

        So it is on the loop's thread of a client that was made with ``asynchronous=True``, and in
        coroutines that the package itself runs, such as those of workers.
        """
        ident = get_ident()
        return (self._is_asynchronous and ident == self._ident) or ident == _loop.current_ident()

    def sync(
        self,
        func: Callable[..., Any],
        *args: Any,
        asynchronous: bool | None = None,
        callback_timeout: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Run a coroutine function to its end; an asynchronous client returns its coroutine.

        Parameters
        ----------
        func
            A coroutine function.
        *args, **kwargs
            Its arguments.
        asynchronous
            Whether to return a coroutine; by default :attr:`asynchronous`.
        callback_timeout
            Seconds to wait for the result.
        """
        if asynchronous is None:
            asynchronous = self.asynchronous
        coroutine = _awaited(func, args, kwargs)
        timeout = seconds(callback_timeout)
        if asynchronous:
            return coroutine if timeout is None else asyncio.wait_for(coroutine, timeout)
        return _loop.run(coroutine, timeout)

    def _open_core(self) -> Any:
        """Return the native core; raise if the client is not connected."""
        core = self._core
        if core is None or self.status in ("closing", "closed"):
            self._refuse()
        return core

    def _lost_text(self) -> str:
        return f"has lost its scheduler at {self._target.address}"

    def _refuse(self) -> None:
        why = self._lost_text() if self._state == "running" else self._why_closed
        if why:
            raise ClosedClientError(
                f"{type(self).__name__} {self.name!r} {why}: make a new one to go on"
            )
        if self.status in ("closing", "closed"):
            raise ClosedClientError(
                f"{type(self).__name__} {self.name!r} is closed: make a new one to go on"
            )
        raise RuntimeError(
            f"{type(self).__name__} {self.name!r} is not connected yet: await it first, "
            "or use `async with`"
        )

    async def _ask(self, verb: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the scheduler and return its answer."""
        core = self._open_core()
        return await _loop.call_back(
            lambda callback: core.ask_then(verb, body or {}, callback), core.abandon
        )


async def _awaited(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    result = func(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result
