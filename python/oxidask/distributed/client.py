"""The client: how a program talks to a cluster."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import threading
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from threading import get_ident
from types import TracebackType
from typing import Any

from oxidask import config
from oxidask.distributed import _connecting, _current, _loop
from oxidask.distributed._as_completed import as_completed
from oxidask.distributed._callbacks import CallbackThread
from oxidask.distributed._client_base import logger, no_default
from oxidask.distributed._client_collections import CollectionsMixin
from oxidask.distributed._client_data import DataMixin, connect_timeout
from oxidask.distributed._client_diagnostics import DiagnosticsMixin
from oxidask.distributed._client_info import describe
from oxidask.distributed._client_recreate import RecreateMixin
from oxidask.distributed._client_schedule import ScheduleMixin
from oxidask.distributed._client_tasks import TasksMixin
from oxidask.distributed._client_topics import TopicsMixin
from oxidask.distributed._client_workers import WorkersMixin
from oxidask.distributed._current import default_client, get_client
from oxidask.distributed._future import Future
from oxidask.distributed._loop_view import view_of
from oxidask.distributed._scheduler_proxy import SchedulerProxy
from oxidask.distributed._waiting import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    DoneAndNotDoneFutures,
    fire_and_forget,
    futures_of,
    wait,
)
from oxidask.distributed._worker_state import get_worker
from oxidask.distributed.cfexecutor import ClientExecutor
from oxidask.distributed.diagnostics.performance_report import performance_report
from oxidask.distributed.diagnostics.task_metadata import get_task_metadata
from oxidask.distributed.exceptions import (
    CancelledError,
    ClosedClientError,
    FutureCancelledError,
    FuturesCancelledError,
)
from oxidask.distributed.preloading import PreloadManager
from oxidask.distributed.publish import DatasetsMixin

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "CancelledError",
    "Client",
    "ClientExecutor",
    "ClosedClientError",
    "DoneAndNotDoneFutures",
    "Future",
    "FutureCancelledError",
    "FuturesCancelledError",
    "as_completed",
    "default_client",
    "fire_and_forget",
    "futures_of",
    "get_client",
    "get_task_metadata",
    "get_worker",
    "performance_report",
    "wait",
]


class Client(
    TasksMixin,
    CollectionsMixin,
    DataMixin,
    RecreateMixin,
    WorkersMixin,
    TopicsMixin,
    DatasetsMixin,
    ScheduleMixin,
    DiagnosticsMixin,
):
    """Connects to a cluster, submits work and gets results.

    While it is open, it also runs what collections compute, unless another scheduler is named.

    Parameters
    ----------
    address
        The address of a scheduler, a cluster, or None: the scheduler of the configuration
        (``scheduler-address``), or else a new :class:`LocalCluster`.
    loop
        Not needed: clients run on any loop.
    timeout
        Seconds to wait for a connection, or text such as ``"10 s"``.
    set_as_default
        Whether collections use it where no scheduler is named.
    scheduler_file
        A file that the scheduler wrote its address to.
    security
        A :class:`Security`; True makes a temporary one for a new cluster.
    asynchronous
        Whether methods return coroutines. Such a client is awaited first, or used with
        ``async with``.
    name
        What the scheduler calls it.
    serializers, deserializers
        Without ``"pickle"`` among them, the client takes and gives plain data only.
    heartbeat_interval, extensions, connection_limit
        Not needed.
    direct_to_workers
        Not needed: values always come from the workers.
    **kwargs
        For the new cluster, such as ``n_workers``, ``threads_per_worker`` and ``processes``.

    Examples
    --------
    >>> with Client("127.0.0.1:8786") as client:  # doctest: +SKIP
    ...     client.submit(pow, 2, 5).result()
    32
    """

    def __init__(
        self,
        address: Any = None,
        loop: Any = None,
        timeout: Any = no_default,
        set_as_default: bool = True,
        scheduler_file: str | None = None,
        security: Any = None,
        asynchronous: bool = False,
        name: str | None = None,
        heartbeat_interval: Any = None,
        serializers: Any = None,
        deserializers: Any = None,
        extensions: Any = None,
        direct_to_workers: bool | None = None,
        connection_limit: int = 512,
        **kwargs: Any,
    ) -> None:
        self._state = "connecting"
        self._core: Any = None
        self.id = ""
        self.name = name or "client"
        self.cluster: Any = None
        self.scheduler_file = scheduler_file
        self.set_as_default = set_as_default
        self._given_loop = loop
        self._sends_pickles = serializers is None or "pickle" in serializers
        self._reads_pickles = deserializers is None or "pickle" in deserializers
        if deserializers is None:
            self._reads_pickles = self._sends_pickles
        self._timeout_s = connect_timeout(timeout)
        self._is_asynchronous = asynchronous
        self._ident = get_ident()
        self._aio_loop: asyncio.AbstractEventLoop | None = None
        self._owns_cluster = False
        self._callbacks = CallbackThread("oxidask-callbacks")
        self._handlers: dict[str, Callable[[Any], Any]] = {}
        self._listeners: dict[str, list[Any]] = {}
        self._known_workers: dict[str, Any] = {}
        self._tasks: set[Any] = set()
        self._schedules: set[Any] = set()
        self._tokens: list[Any] = []
        self._closing = threading.Lock()
        if direct_to_workers is None:
            direct_to_workers = config.get("distributed.client.direct-to-workers", None)
        self.direct_to_workers = direct_to_workers
        self._target = _connecting.target_of(address, scheduler_file, security, kwargs)
        self._cluster_options = kwargs
        if asynchronous:
            self._aio_loop = _running_loop()
            self._starting: Any = None
        else:
            self._start_now()

    @property
    def security(self) -> Any:
        """What connections are secured with."""
        return self._target.security

    def _start_now(self) -> None:
        if self._target.where is None:
            self._make_cluster(asynchronous=False)
        try:
            self._connected(_connecting.connect(self._target, self.name, self._timeout_s))
            if self.preloads:
                _loop.run(self.preloads.start())
        except BaseException:
            self._state = "closed"
            if self._owns_cluster:
                self.cluster.close()
            raise

    async def _start(self) -> Client:
        if self.status != "connecting":
            return self
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._connect())
        await asyncio.shield(self._starting)
        return self

    async def _connect(self) -> None:
        if self._target.where is None:
            self._make_cluster(asynchronous=True)
        try:
            if self.cluster is not None and inspect.isawaitable(self.cluster):
                await self.cluster
                self._target.look_again(self.cluster)
            core = await _loop.in_own_thread(
                _connecting.connect, self._target, self.name, self._timeout_s
            )
        except BaseException:
            self._state = "closed"
            if self._owns_cluster:
                await self.cluster.close()
            raise
        self._connected(core)
        await self.preloads.start()

    def _make_cluster(self, asynchronous: bool) -> None:
        from oxidask.distributed.deploy.local import LocalCluster

        options = dict(self._cluster_options)
        if self._target.security is not None:
            options.setdefault("security", self._target.security)
        self.cluster = LocalCluster(asynchronous=asynchronous, **options)
        self._owns_cluster = True
        if not asynchronous:
            self._target.look_again(self.cluster)

    def _connected(self, core: Any) -> None:
        self._core = core
        self.id = core.id
        if self.cluster is None:
            self.cluster = self._target.cluster
        self._state = "running"
        # Clients that nobody closes let go of the loop when they go.
        hold = _loop.hold()
        self._hold = weakref.finalize(self, hold.release)
        self.scheduler = SchedulerProxy(self)
        _current.register(self, self.set_as_default)
        self._listen_to_tasks()
        self.preloads = PreloadManager(
            self,
            config.get("distributed.client.preload", []),
            config.get("distributed.client.preload-argv", []),
        )

    def start(self, **kwargs: Any) -> Any:
        """Connect, unless that was done.

        Parameters
        ----------
        **kwargs
            Not needed.
        """
        return self._start() if self.asynchronous else self

    def close(self, timeout: Any = no_default) -> Any:
        """Close the client: its futures are let go, and a cluster that it made is closed.

        Parameters
        ----------
        timeout
            Not needed: nothing is waited for that may not come.
        """
        if self.asynchronous:
            return asyncio.ensure_future(self._close())
        if self._begin_close():
            try:
                if self.preloads:
                    _loop.run(self.preloads.teardown())
                if self._core is not None:
                    self._core.close()
                if self._owns_cluster:
                    self.cluster.close()
            finally:
                self._end_close()
        return None

    async def _close(self, fast: bool = False) -> None:
        if not self._begin_close():
            return
        try:
            if self._starting is not None and not self._starting.done():
                self._starting.cancel()
            await self.preloads.teardown()
            if self._core is not None:
                await _loop.in_own_thread(self._core.close)
            if self._owns_cluster:
                closed = self.cluster.close()
                if inspect.isawaitable(closed):
                    await closed
        finally:
            self._end_close()

    _starting: Any = None
    preloads = PreloadManager(None, [], [])

    async def _lose(self) -> None:
        """Close, because the cluster that it belongs to is closed; from any event loop."""
        if self._state == "running" and self._begin_close():
            self._why_closed = self._lost_text()
            try:
                await self.preloads.teardown()
                await _loop.in_own_thread(self._core.close)
            finally:
                self._end_close()

    def _begin_close(self) -> bool:
        with self._closing:
            if self._state in ("closing", "closed"):
                return False
            self._state = "closing"
        for schedule in list(self._schedules):
            schedule.cancel()
        return True

    def _end_close(self) -> None:
        self._state = "closed"
        self._handlers.clear()
        _current.unregister(self)
        self._callbacks.close()
        if self._core is not None:
            self._hold()

    @property
    def loop(self) -> Any:
        """The loop that the client's coroutines run on."""
        return self._given_loop or view_of(self._aio_loop or _loop.get_loop())

    @property
    def extensions(self) -> dict[str, Any]:
        """Nothing: there are no extensions of clients."""
        return {}

    @classmethod
    def current(cls, allow_global: bool = True) -> Any:
        """Return the client of the context, or else the default.

        Parameters
        ----------
        allow_global
            Whether a default counts.

        Raises
        ------
        ValueError
            There is none.
        """
        client = _current.implied_client(allow_global)
        if client is None:
            raise ValueError(_current.NO_CLIENT)
        return client

    @contextmanager
    def as_current(self) -> Iterator[Client]:
        """Make the client the one that is meant inside the block, in this thread or coroutine."""
        token = _current.current_client.set(self)
        try:
            yield self
        finally:
            _current.current_client.reset(token)

    def get_executor(self, **kwargs: Any) -> ClientExecutor:
        """Return an executor as :mod:`concurrent.futures` has them.

        Parameters
        ----------
        **kwargs
            For :meth:`submit`.

        Examples
        --------
        >>> with client.get_executor() as executor:  # doctest: +SKIP
        ...     executor.submit(pow, 2, 5).result()
        32
        """
        return ClientExecutor(self, **kwargs)

    def _call_when_settled(self, future: Any, function: Callable[[Any], Any]) -> None:
        """Call a function with a future once it is done: on the loop, or on a thread for it."""
        loop = self._aio_loop

        def settled() -> None:
            if loop is None:
                self._callbacks.put(function, future)
                return
            try:
                loop.call_soon_threadsafe(self._call, function, future)
            except RuntimeError:  # the loop is closed
                logger.debug("a future was done after its loop was closed")

        self._open_core().when_settled(future, settled)

    def _call(self, function: Callable[[Any], Any], future: Any) -> None:
        try:
            result = function(future)
            if inspect.isawaitable(result):
                self._await_soon(result)
        except Exception:
            logger.exception("a callback failed: %r", function)

    def __repr__(self) -> str:
        info = self._shown_identity()
        text = "No scheduler connected" if info is None else describe(info)
        return f"<{type(self).__name__}: {text}>"

    def _repr_html_(self) -> str:
        from oxidask.distributed._client_html import client_html

        return client_html(self)

    def __enter__(self) -> Client:
        if self._is_asynchronous:
            raise TypeError("an asynchronous client needs `async with`")
        self._tokens.append(_current.current_client.set(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            _current.current_client.reset(self._tokens.pop())
        finally:
            self.close()

    def __await__(self) -> Generator[Any, Any, Client]:
        return self._start().__await__()

    async def __aenter__(self) -> Client:
        await self
        self._tokens.append(_current.current_client.set(self))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            _current.current_client.reset(self._tokens.pop())
        finally:
            await self._close()

    def __reduce__(self) -> Any:
        return _restored, (self.scheduler.address,)


def _restored(address: str) -> Any:
    """Return a client of the same scheduler, where a client was unpickled."""
    return get_client(address)


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "Constructing LoopRunner(asynchronous=True) without a running loop is not supported: "
            "make an asynchronous client inside of a coroutine"
        ) from None


def _close_all() -> None:
    """Close what is open when the interpreter ends."""
    for client in _current.open_clients():
        try:
            client._is_asynchronous = False
            client.close()
        except Exception:
            logger.debug("a client could not be closed", exc_info=True)


atexit.register(_close_all)

# Native parts of clients that a forked process got from its parent: it has none of their threads.
_of_parent: list[Any] = []


def _after_fork() -> None:
    for client in _current.open_clients():
        _of_parent.append(client._core)
        client._state = "closed"
        client._why_closed = "belongs to the process that this one was forked from"
        _current.unregister(client)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
