"""The package's event loop: one daemon thread, there as long as somebody needs it.

Synchronous callers of what is written as coroutines run it here and wait. The thread starts when it
is first needed and ends with the last of those who hold it, so that nothing is left behind.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["Hold", "call_back", "current_ident", "get_loop", "hold", "in_own_thread", "run"]


class _LoopThread:
    """A thread that runs a loop until it is told to stop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._is_running = threading.Event()
        self.thread = threading.Thread(target=self._work, name="oxidask-loop", daemon=True)
        self.thread.start()
        self._is_running.wait()

    def _work(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._is_running.set)
        try:
            self.loop.run_forever()
        finally:
            self._end_tasks()
            self.loop.close()

    def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())

    def stop(self) -> None:
        """End the thread; wait for that unless it is the caller's."""
        try:
            self.loop.call_soon_threadsafe(self.loop.stop)
        except RuntimeError:  # ended already
            return
        if threading.current_thread() is not self.thread:
            self.thread.join(timeout=5)


_lock = threading.Lock()
_thread: _LoopThread | None = None
_n_holds = 0


def get_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, which runs.

    Examples
    --------
    >>> with hold():
    ...     get_loop().is_running()
    True
    """
    global _thread
    with _lock:
        if _thread is None or not _thread.thread.is_alive():
            _thread = _LoopThread()
        return _thread.loop


def current_ident() -> int | None:
    """Return the identifier of the loop's thread; None if there is none."""
    thread = _thread
    return None if thread is None else thread.thread.ident


class Hold:
    """Keeps the loop's thread alive until it is released; see :func:`hold`."""

    def __init__(self) -> None:
        self._is_held = True

    def release(self) -> None:
        """Let go; the thread ends if nobody else holds it."""
        global _n_holds, _thread
        with _lock:
            if not self._is_held:
                return
            self._is_held = False
            _n_holds -= 1
            thread = _thread if _n_holds == 0 else None
            if thread is not None:
                _thread = None
        if thread is not None:
            thread.stop()

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *args: object) -> None:
        self.release()


def hold() -> Hold:
    """Keep the loop's thread alive until the result is released.

    Examples
    --------
    >>> with hold():
    ...     run(asyncio.sleep(0, "done"))
    'done'
    """
    global _n_holds
    with _lock:
        _n_holds += 1
    return Hold()


def run(coroutine: Coroutine[Any, Any, Any], timeout: float | None = None) -> Any:
    """Run a coroutine on the loop and wait for its result, heeding Ctrl-C.

    Parameters
    ----------
    coroutine
        What to run.
    timeout
        Seconds to wait; by default for ever. The coroutine is cancelled then.

    Examples
    --------
    >>> async def answer():
    ...     return 42
    >>> run(answer())
    42
    """
    if threading.get_ident() == current_ident():
        coroutine.close()
        raise RuntimeError("a blocking call inside the event loop would wait for itself: await it")
    with hold():
        future = asyncio.run_coroutine_threadsafe(coroutine, get_loop())
        try:
            return future.result(timeout)
        except BaseException:
            future.cancel()
            raise


async def call_back(
    start: Callable[[Callable[[Any, BaseException | None], None]], Any],
    abandon: Callable[[Any], Any] | None = None,
) -> Any:
    """Await a function that takes a callback of a value and an error, called on any thread.

    Parameters
    ----------
    start
        Called with the callback.
    abandon
        Called with what `start` returned if the caller no longer waits.

    Examples
    --------
    >>> asyncio.run(call_back(lambda callback: callback("value", None)))
    'value'
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def answered(value: Any, error: BaseException | None = None) -> None:
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:  # the loop is closed: nobody waits
            return

    handle = start(answered)
    try:
        return await future
    except asyncio.CancelledError:
        if abandon is not None:
            abandon(handle)
        raise


async def in_own_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Await a function that blocks, on a thread of its own that ends with it.

    Examples
    --------
    >>> asyncio.run(in_own_thread(sum, [1, 2]))
    3
    """

    def start(callback: Callable[[Any, BaseException | None], None]) -> None:
        def work() -> None:
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                callback(None, error)
            else:
                callback(result, None)

        threading.Thread(target=work, name="oxidask-blocking", daemon=True).start()

    return await call_back(start)


def _after_fork() -> None:
    """Forget the parent's thread, which the child does not have."""
    global _thread, _n_holds, _lock
    _lock = threading.Lock()
    _thread = None
    _n_holds = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
