"""What schedulers, workers and nannies share: their life, their logs, and their preloads."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Generator
from typing import Any, ClassVar, Self

from oxidask import _pickle
from oxidask.distributed._addresses import host_and_port
from oxidask.distributed._logs import KeptLogs, set_up_logging
from oxidask.distributed._loop_view import LoopView, view_of
from oxidask.distributed.core import Status
from oxidask.distributed.preloading import PreloadManager
from oxidask.utils import parse_timedelta

__all__ = ["Node", "seconds_of"]


class Node:
    """A process of a cluster, or what stands for one.

    Subclasses write ``_start()`` and ``_close(...)``. Everything public is for the thread of the
    event loop on which the node was started, but for what says otherwise.
    """

    #: The logger that is kept for those who ask.
    _logged: ClassVar[str] = "distributed.core"

    status: Status = Status.undefined
    loop: LoopView | None
    preloads: PreloadManager

    def __init__(self, *, start_timeout: Any = None) -> None:
        set_up_logging()
        self.status = Status.created
        self.loop = None
        self._start_timeout = seconds_of(start_timeout)
        self._logger = logging.getLogger(self._logged)
        self._deque_handler = KeptLogs(self._logged)
        self._closed = threading.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._starting: asyncio.Lock | None = None
        #: Why the other side was not reached, if that was tried in vain.
        self._refusal: str | None = None
        self._thread: int | None = None
        self.preloads = PreloadManager(self, [], [])

    async def _start(self) -> None:
        raise NotImplementedError

    async def close(self, *args: Any, **kwargs: Any) -> Any:
        """End it."""
        raise NotImplementedError

    @property
    def address(self) -> Any:
        """Where others reach it."""
        raise NotImplementedError

    async def start(self) -> Self:
        """Start, if it is not running.

        Raises
        ------
        TimeoutError
            If it took longer than the timeout for starting.
        RuntimeError
            If it failed, from the error.
        """
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if self.status in (Status.running, Status.paused):
                return self
            name = type(self).__name__
            if self.status is not Status.created:
                raise RuntimeError(f"{name} is {self.status.name}: make a new one")
            self.status = Status.starting
            self.loop = view_of(asyncio.get_running_loop())
            self._thread = threading.get_ident()
            try:
                await asyncio.wait_for(self._start(), self._start_timeout)
            except TimeoutError as error:
                await self._give_up()
                raise TimeoutError(
                    f"{name} start timed out after {self._start_timeout}s.{self._was_waiting()}"
                    if self._start_timeout is not None
                    else str(error)
                ) from error
            except Exception as error:
                await self._give_up()
                raise RuntimeError(f"{name} failed to start.") from error
            except BaseException:
                await self._give_up()
                raise
            if self.status is Status.starting:
                self.status = Status.running
        return self

    def _was_waiting(self) -> str:
        """Return a sentence that says what a start that took too long was waiting for."""
        where = getattr(self, "scheduler_address", None) or getattr(self, "scheduler_addr", None)
        why = f": {self._refusal}" if self._refusal else ""
        return f" It was to join the scheduler at {where}{why}." if where else ""

    async def _give_up(self) -> None:
        self.status = Status.failed
        try:
            await self.close()
        except Exception:
            self._logger.exception("%s could not be closed after it failed", type(self).__name__)
        self.status = Status.failed

    def __await__(self) -> Generator[Any, None, Self]:
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        await self
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()

    async def finished(self) -> None:
        """Wait until it is closed."""
        if self._closed.is_set():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def _set_closed(self) -> None:
        self.status = Status.closed
        self._deque_handler.detach()
        self._closed.set()
        for future in self._waiting:
            future.get_loop().call_soon_threadsafe(_finish, future)
        self._waiting.clear()

    @property
    def asynchronous(self) -> bool:
        """Whether this is called on the node's own event loop."""
        return threading.get_ident() == self._thread

    @property
    def host(self) -> str | None:
        """The host of its address."""
        return host_and_port(self.address)[0] if self.address else None

    @property
    def port(self) -> int | None:
        """The port of its address; None inside of one process."""
        if not self.address or self.address.startswith("inproc"):
            return None
        return host_and_port(self.address)[1]

    @property
    def address_safe(self) -> str:
        """Its address, also before it is there."""
        return self.address or "not-running"

    def get_logs(self, start: Any = 0, n: int | None = None) -> list[list[str]]:
        """Return the last `n` lines of its log as pairs of level and text, the oldest first."""
        return self._deque_handler.lines(n)

    def _run(self, body: dict[str, Any], keyword: str) -> Any:
        """Run a function that was sent here; on a thread of the host's."""
        function = _pickle.loads(body["function"])
        args, kwargs = _pickle.loads(body["args"]) if body.get("args") else ((), {})
        if _takes(function, keyword) and keyword not in kwargs:
            kwargs[keyword] = self
        if body.get("wait", True):
            return _pickle.dumps(self._call(function, args, kwargs))
        threading.Thread(
            target=self._call_apart, args=(function, args, kwargs), name="oxidask-run", daemon=True
        ).start()
        return None

    def _call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if inspect.isawaitable(result):
            return self._on_loop(result)
        return result

    def _call_apart(self, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        try:
            self._call(function, args, kwargs)
        except Exception:
            self._logger.exception("Run Failed: %r", function)

    def _on_loop(self, awaitable: Any, timeout: float | None = None) -> Any:
        """Run a coroutine on the node's loop, from another thread, and wait for it."""
        assert self.loop is not None

        async def work() -> Any:
            return await awaitable

        future = asyncio.run_coroutine_threadsafe(work(), self.loop.asyncio_loop)
        return future.result(timeout)

    def _soon(self, callback: Callable[..., Any], *args: Any) -> None:
        """Call a function on the node's loop, from any thread; not at all once the loop is gone."""
        if self.loop is None:
            return
        try:
            self.loop.asyncio_loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            return

    def _spawn(self, coroutine: Any) -> None:
        """Run a coroutine on the node's loop, from any thread, without waiting for it."""

        def begin() -> None:
            task = asyncio.ensure_future(coroutine)
            _kept.add(task)
            task.add_done_callback(_kept.discard)

        if self.loop is None or self.loop.asyncio_loop.is_closed():
            coroutine.close()
            return
        self._soon(begin)


# The loop holds its tasks weakly.
_kept: set[asyncio.Future[Any]] = set()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _takes(function: Any, keyword: str) -> bool:
    """Whether a function has a parameter of this name."""
    try:
        return keyword in inspect.signature(function).parameters
    except (TypeError, ValueError):  # built into the interpreter
        return False


def seconds_of(time: Any) -> float | None:
    """Return a time such as ``"10s"`` or ``3`` in seconds; None stays.

    Examples
    --------
    >>> seconds_of("2 minutes"), seconds_of(3), seconds_of(None)
    (120.0, 3.0, None)
    """
    if time is None or isinstance(time, (int, float)):
        return None if time is None else float(time)
    found = parse_timedelta(time, default="seconds")
    return None if found is None else float(found)
