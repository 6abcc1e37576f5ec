"""Messages that some tasks and clients send and others receive, by topic."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Generator
from typing import Any

from oxidask.distributed import _current
from oxidask.distributed._loop import call_back
from oxidask.distributed._task_options import seconds

__all__ = ["Pub", "Sub"]

_PREFIX = "pubsub-"


class Pub:
    """Sends messages to all who have a :class:`Sub` of the same name.

    Parameters
    ----------
    name
        The topic.
    worker
        Not needed.
    client
        By default the current one.

    Examples
    --------
    >>> Pub("news").put(123)  # doctest: +SKIP
    """

    def __init__(self, name: str, worker: Any = None, client: Any = None) -> None:
        self.name = name
        self._client = client

    def put(self, msg: Any) -> Any:
        """Send a message.

        Parameters
        ----------
        msg
            Any object that can be pickled; it goes through the scheduler, so it should be small.
        """
        client = self._client or _current.get_client()
        return client.log_event(_PREFIX + self.name, {"msg": msg})

    _put = put

    def __reduce__(self) -> Any:
        return type(self), (self.name,)

    def __repr__(self) -> str:
        return f"<Pub: {self.name}>"


class Sub:
    """Receives what is sent by :class:`Pub` objects of the same name from now on.

    Parameters
    ----------
    name
        The topic.
    worker
        Not needed.
    client
        By default the current one.

    Examples
    --------
    >>> sub = Sub("news")  # doctest: +SKIP
    >>> sub.get(timeout="10 s")  # doctest: +SKIP
    123
    """

    def __init__(self, name: str, worker: Any = None, client: Any = None) -> None:
        self.name = name
        self.client = client or _current.get_client()
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._waiters: list[Any] = []
        self._subscribed = self.client._add_listener(_PREFIX + name, self._receive)

    def _receive(self, event: Any) -> None:
        self._messages.put(event[1]["msg"])
        while self._waiters:
            self._waiters.pop()(None, None)

    def get(self, timeout: Any = None) -> Any:
        """Return the next message; wait until there is one.

        Parameters
        ----------
        timeout
            Seconds, or text such as ``"100 ms"``; by default for ever.

        Raises
        ------
        TimeoutError
            None comes in time.
        """
        if self.client.asynchronous:
            return self._get(seconds(timeout))
        try:
            return self._messages.get(timeout=seconds(timeout))
        except queue.Empty:
            raise TimeoutError(f"no message of {self.name!r} came in {timeout}") from None

    next = get

    async def _get(self, timeout_s: float | None = None) -> Any:
        await self._subscribed
        while True:
            try:
                return self._messages.get_nowait()
            except queue.Empty:
                await asyncio.wait_for(call_back(self._wait), timeout_s)

    def _wait(self, callback: Any) -> None:
        self._waiters.append(callback)
        if not self._messages.empty():
            callback(None, None)

    def __iter__(self) -> Sub:
        return self

    def __next__(self) -> Any:
        return self.get()

    def __aiter__(self) -> Sub:
        return self

    def __anext__(self) -> Any:
        return self._get()

    def __await__(self) -> Generator[Any, Any, Sub]:
        return self._itself().__await__()

    async def _itself(self) -> Sub:
        await self._subscribed
        return self

    def __reduce__(self) -> Any:
        return type(self), (self.name,)

    def __repr__(self) -> str:
        return f"<Sub: {self.name}>"
