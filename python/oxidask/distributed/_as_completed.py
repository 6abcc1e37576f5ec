"""Futures in the order in which they are done."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from time import monotonic
from typing import Any

from oxidask.distributed import _current
from oxidask.distributed._future import Future
from oxidask.distributed._loop import call_back
from oxidask.distributed._task_options import seconds
from oxidask.distributed.exceptions import FutureCancelledError

__all__ = ["as_completed"]


class as_completed:
    """Iterates over futures in the order in which they are done; more can be added meanwhile.

    Parameters
    ----------
    futures
        Futures; one that is there twice comes twice.
    loop
        Not needed.
    with_results
        Whether to give pairs of a future and its result.
    raise_errors
        Whether to raise exceptions of tasks; else their type, value and traceback are the result.
    timeout
        Seconds from now after which iterating raises TimeoutError.

    Examples
    --------
    >>> for future in as_completed(client.map(pow, [2, 3], [5, 5])):  # doctest: +SKIP
    ...     print(future.result())
    """

    def __init__(
        self,
        futures: Iterable[Any] | None = None,
        loop: Any = None,
        with_results: bool = False,
        raise_errors: bool = True,
        *,
        timeout: Any = None,
    ) -> None:
        self.with_results = with_results
        self.raise_errors = raise_errors
        self.queue: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._n_waiting = 0
        self._generation = 0
        self._lock = threading.Lock()
        self._wakers: list[Any] = []
        timeout_s = seconds(timeout)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deadline = None if timeout_s is None else monotonic() + timeout_s
        if futures is not None:
            self.update(futures)

    def update(self, futures: Iterable[Any]) -> None:
        """Add futures.

        Parameters
        ----------
        futures
            Futures.
        """
        for future in futures:
            self.add(future)

    def add(self, future: Any) -> None:
        """Add a future.

        Parameters
        ----------
        future
            Done or not.
        """
        if not isinstance(future, Future):
            raise TypeError(f"as_completed takes futures, got {future!r}")
        with self._lock:
            self._n_waiting += 1
        core = future.client_core
        client = _current.client_of(core)
        loop = None if client is None else client._aio_loop
        arrived = partial(self._arrived, future, self._generation)
        if loop is None:
            core.when_settled(future, arrived)
        else:
            self._loop = loop
            core.when_settled(future, partial(loop.call_soon_threadsafe, arrived))

    def _arrived(self, future: Future, generation: int) -> None:
        with self._lock:
            if generation != self._generation:
                return  # cleared meanwhile
            self._n_waiting -= 1
            self.queue.put(future)
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake(None, None)

    def count(self) -> int:
        """Return how many futures are still to come."""
        with self._lock:
            return self._n_waiting + self.queue.qsize()

    def has_ready(self) -> bool:
        """Return whether a future is done that has not been given yet."""
        return not self.queue.empty()

    def is_empty(self) -> bool:
        """Return whether all futures have been given."""
        return self.count() == 0

    def clear(self) -> None:
        """Forget all futures that have not been given."""
        with self._lock:
            self._generation += 1
            self._n_waiting = 0
            while not self.queue.empty():
                self.queue.get_nowait()

    @property
    def condition(self) -> Any:
        """The lock that guards the futures."""
        return self._lock

    def __repr__(self) -> str:
        return f"<AsCompleted: waiting={self._n_waiting} done={self.queue.qsize()}>"

    __str__ = __repr__

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.is_empty():
            raise StopIteration
        if self._loop is not None and self.queue.empty() and _is_running(self._loop):
            raise RuntimeError(
                "waiting here would stop the event loop, on which the futures get done: iterate "
                "with `async for`, or `await anext(...)`"
            )
        try:
            future = self.queue.get(timeout=self._left())
        except queue.Empty:
            raise self._timed_out() from None
        return self._given(future)

    next = __next__

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - monotonic())

    def _timed_out(self) -> TimeoutError:
        return TimeoutError(f"{self._n_waiting} futures are not done in time")

    def _given(self, future: Future) -> Any:
        return (future, self._result_of(future)) if self.with_results else future

    def _result_of(self, future: Future) -> Any:
        if future.status == "cancelled":
            return FutureCancelledError(future.key)
        try:
            return future.result_now(None)
        except BaseException as error:
            return self._failure(error)

    def _failure(self, error: BaseException) -> Any:
        if self.raise_errors or not isinstance(error, Exception):
            raise error
        return type(error), error, error.__traceback__

    def next_batch(self, block: bool = True) -> list[Any]:
        """Return all futures that are done now.

        Parameters
        ----------
        block
            Whether to wait for the first one.
        """
        batch = [next(self)] if block else []
        while not self.queue.empty():
            batch.append(self._given(self.queue.get_nowait()))
        return batch

    def batches(self) -> Any:
        """Iterate over lists of the futures that are done by then."""
        client = _current.implied_client()
        if client is not None and client.asynchronous:
            return self._batches()
        return self._batches_now()

    def _batches_now(self) -> Iterator[list[Any]]:
        while not self.is_empty():
            yield self.next_batch(block=True)

    async def _batches(self) -> AsyncIterator[list[Any]]:
        while not self.is_empty():
            batch = [await self.__anext__()]
            while not self.queue.empty():
                batch.append(await self._given_async(self.queue.get_nowait()))
            yield batch

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        while True:
            if not self.queue.empty():
                return await self._given_async(self.queue.get_nowait())
            if self.is_empty():
                raise StopAsyncIteration
            try:
                await asyncio.wait_for(call_back(self._wake), self._left())
            except TimeoutError:
                raise self._timed_out() from None

    def _wake(self, callback: Any) -> None:
        with self._lock:
            is_there = not self.queue.empty() or self._n_waiting == 0
            if not is_there:
                self._wakers.append(callback)
        if is_there:
            callback(None, None)

    async def _given_async(self, future: Future) -> Any:
        if not self.with_results:
            return future
        if future.status == "cancelled":
            return future, FutureCancelledError(future.key)
        try:
            return future, await future._result()
        except Exception as error:
            return future, self._failure(error)


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this is called on a loop's own thread, by what the loop runs."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
