"""A cluster as an executor of :mod:`concurrent.futures`."""

from __future__ import annotations

import concurrent.futures
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["ClientExecutor"]

_OPTIONS = frozenset(
    {"allow_other_workers", "pure", "priority", "resources", "retries", "workers", "actor"}
)


class ClientExecutor(concurrent.futures.Executor):
    """Runs functions on a cluster; :meth:`Client.get_executor` makes one.

    Parameters
    ----------
    client
        The client.
    **kwargs
        Options of :meth:`Client.submit`, for all functions.

    Examples
    --------
    >>> from oxidask.distributed import Client
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     with client.get_executor() as executor:
    ...         list(executor.map(abs, [-1, -2]))
    [1, 2]
    """

    def __init__(self, client: Any, **kwargs: Any) -> None:
        unknown = sorted(set(kwargs) - _OPTIONS)
        if unknown:
            raise TypeError(f"unknown options of submit: {', '.join(unknown)}")
        self._client = client
        self._options = {"pure": False, **kwargs}
        self._futures: weakref.WeakSet[Any] = weakref.WeakSet()
        self._is_shut_down = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run a function; returns a :class:`concurrent.futures.Future`."""
        if self._is_shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if kwargs:
            import functools

            fn = functools.partial(fn, **kwargs)
        return self._wrap(self._client.submit(fn, *args, **self._options))

    def _wrap(self, future: Any) -> concurrent.futures.Future[Any]:
        wrapped: concurrent.futures.Future[Any] = _Wrapped(future)
        self._futures.add(wrapped)
        wrapped.set_running_or_notify_cancel()

        def settled(future: Any) -> None:
            if wrapped.done():
                return
            try:
                result = future.result()
            except BaseException:
                if future.cancelled():
                    error = concurrent.futures.CancelledError()
                wrapped.set_exception(error)
            else:
                wrapped.set_result(result)

        future.add_done_callback(settled)
        return wrapped

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        **kwargs: Any,
    ) -> Iterator[Any]:
        """Run a function of each of some items; iterates over the results, in order.

        Parameters
        ----------
        fn, *iterables
            The function, and where its arguments come from.
        timeout
            Seconds, from now on, in which all results have to be there.
        chunksize
            Not needed: tasks are cheap.
        """
        import time

        until = None if timeout is None else time.monotonic() + timeout
        waiting = [self.submit(fn, *args) for args in zip(*iterables, strict=False)]

        def results() -> Iterator[Any]:
            try:
                waiting.reverse()
                while waiting:
                    left = None if until is None else max(0.0, until - time.monotonic())
                    yield waiting.pop().result(left)
            finally:
                for future in waiting:
                    future.cancel()

        return results()

    def shutdown(
        self, wait: bool = True, *, cancel_futures: bool = False, fire_and_forget: bool = False
    ) -> None:
        """Take no more functions.

        Parameters
        ----------
        wait
            Whether to wait for those that run; else they are cancelled.
        cancel_futures
            Whether to cancel those that have not ended.
        fire_and_forget
            Whether they go on without anybody who waits for them.
        """
        self._is_shut_down = True
        pending = [future for future in self._futures if not future.done()]
        if fire_and_forget:
            from oxidask.distributed.client import fire_and_forget as let_go

            for future in pending:
                let_go(future.task)
        elif cancel_futures or not wait:
            for future in pending:
                future.cancel()
        elif pending:
            concurrent.futures.wait(pending)


class _Wrapped(concurrent.futures.Future[Any]):
    """A future of a task, which is cancelled with it."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        self.task = task

    def cancel(self) -> bool:
        if self.done():
            return False
        self.task.cancel()
        self.set_exception(concurrent.futures.CancelledError())
        return True

    def cancelled(self) -> bool:
        return self.done() and isinstance(self.exception(), concurrent.futures.CancelledError)
