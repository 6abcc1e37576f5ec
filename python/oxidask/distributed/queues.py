"""A queue on the scheduler that clients and tasks share."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from oxidask.distributed._shared import Shared
from oxidask.distributed._task_options import seconds
from oxidask.distributed._values import pack

__all__ = ["Queue"]


class Queue(Shared):
    """A queue that clients and tasks share by a name: of data, or of futures.

    Parameters
    ----------
    name
        By default a new one.
    client
        By default the current one.
    maxsize
        How many values it takes before :meth:`put` waits; 0 for any number.

    Examples
    --------
    >>> queue = Queue("x")  # doctest: +SKIP
    >>> queue.put(client.submit(abs, -1))  # doctest: +SKIP
    >>> queue.get().result()  # doctest: +SKIP
    1
    """

    def __init__(self, name: str | None = None, client: Any = None, maxsize: int = 0) -> None:
        super().__init__(name, client)
        self.maxsize = maxsize
        self._is_created = False

    def __getstate__(self) -> Any:
        return self.name, self.maxsize

    def __setstate__(self, state: Any) -> None:
        self.name, self.maxsize = state
        self._client = None
        self._is_created = False

    def __await__(self) -> Generator[Any, Any, Queue]:
        return self._create().__await__()

    async def _create(self) -> Queue:
        if not self._is_created:
            await self._ask("queue.create", maxsize=self.maxsize)
            self._is_created = True
        return self

    def put(self, value: Any, timeout: Any = None, **kwargs: Any) -> Any:
        """Add a value; wait while the queue is full.

        Parameters
        ----------
        value
            A future, or any object that can be pickled; it goes through the scheduler, so it should
            be small.
        timeout
            Seconds to wait; by default for ever.
        **kwargs
            ``asynchronous``.

        Raises
        ------
        TimeoutError
            The queue is still full then.
        """
        return self.sync(self._put, value, timeout, **kwargs)

    async def _put(self, value: Any, timeout: Any) -> None:
        await self._create()
        await self._ask("queue.put", value=pack(value), timeout_s=seconds(timeout))

    def get(self, timeout: Any = None, batch: bool | int = False, **kwargs: Any) -> Any:
        """Take the first value; wait until there is one.

        Parameters
        ----------
        timeout
            Seconds to wait; by default for ever.
        batch
            A number takes that many values, True all that are there; a list is returned then.
        **kwargs
            ``asynchronous``.

        Raises
        ------
        TimeoutError
            There is no value in time.
        """
        return self.sync(self._get, timeout, batch, **kwargs)

    async def _get(self, timeout: Any, batch: bool | int) -> Any:
        await self._create()
        found = await self._ask("queue.get", timeout_s=seconds(timeout), batch=batch)
        if batch is False:
            return await self._unpacked(found)
        return [await self._unpacked(value) for value in found]

    def qsize(self, **kwargs: Any) -> Any:
        """Return how many values are there.

        Parameters
        ----------
        **kwargs
            ``asynchronous``.
        """
        return self.sync(self._qsize, **kwargs)

    async def _qsize(self) -> int:
        await self._create()
        return int(await self._ask("queue.qsize"))

    def close(self) -> Any:
        """Let go of the queue; its values go with the last who uses it."""
        return self.sync(self._release)

    async def _release(self) -> None:
        if self._is_created:
            self._is_created = False
            await self._ask("queue.release")
