"""What all clusters share: a scheduler to ask, sync and async use, logs, representations."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import suppress
from html import escape
from typing import Any, Self

from oxidask import _native, config
from oxidask.distributed import _loop
from oxidask.distributed._logs import Log, Logs, set_up_logging
from oxidask.distributed._loop_view import LoopView, view_of
from oxidask.distributed._node import seconds_of
from oxidask.distributed.core import Status
from oxidask.distributed.security import security_of
from oxidask.utils import format_bytes

__all__ = ["Cluster"]


class Cluster:
    """A scheduler and its workers, as whoever started them sees them.

    Derived classes start the scheduler in ``_start`` and scale in ``scale``.

    Parameters
    ----------
    asynchronous
        Whether methods return coroutines, for use on an event loop.
    loop
        Accepted for Dask's sake: the cluster has a loop already.
    quiet
        Not needed.
    name
        What the cluster is called.
    scheduler_sync_interval
        Not needed: the scheduler is asked when somebody looks.
    """

    _supports_scaling = True
    _cluster_info: dict[str, Any]
    name: str = ""

    def __init__(
        self,
        asynchronous: bool = False,
        loop: Any = None,
        quiet: bool = False,
        name: str | None = None,
        scheduler_sync_interval: Any = 1,
    ) -> None:
        set_up_logging()
        self._asynchronous = asynchronous
        self._hold: _loop.Hold | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        if asynchronous:
            with suppress(RuntimeError):
                self._loop = asyncio.get_running_loop()
        else:
            self._hold = _loop.hold()
            self._loop = _loop.get_loop()
        self._thread = threading.get_ident()
        self.scheduler: Any = getattr(self, "scheduler", None)
        self.security = getattr(self, "security", None) or security_of(None)
        self.name = name or str(uuid.uuid4())[:8]
        self.status = Status.created
        self._core: Any = None
        self._adaptive: Any = None
        self._adaptive_options: dict[str, Any] = {}
        self._cluster_info = {"name": self.name, "type": type(self).__name__}
        self._log: list[str] = []

    @property
    def loop(self) -> LoopView | None:
        """The event loop that the cluster is run by."""
        return None if self._loop is None else view_of(self._loop)

    @property
    def asynchronous(self) -> bool:
        """Whether methods return coroutines here."""
        return self._asynchronous or self.called_from_running_loop

    @property
    def called_from_running_loop(self) -> bool:
        """Whether this is called on the cluster's event loop."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def sync(
        self,
        func: Callable[..., Any],
        *args: Any,
        asynchronous: bool | None = None,
        callback_timeout: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Run a coroutine function to its end; where the cluster is asynchronous, to be awaited.

        Parameters
        ----------
        func
            The coroutine function, with its arguments.
        asynchronous
            Whether to return the coroutine.
        callback_timeout
            How long to wait.
        """
        timeout = seconds_of(callback_timeout)
        if self.asynchronous if asynchronous is None else asynchronous:
            coroutine = func(*args, **kwargs)
            return coroutine if timeout is None else asyncio.wait_for(coroutine, timeout)

        async def work() -> Any:
            result = func(*args, **kwargs)
            return await result if isinstance(result, Awaitable) else result

        return _loop.run(work(), timeout)

    async def _start(self) -> None:
        """Get ready: connect to the scheduler if it is not of this process."""
        self._loop = asyncio.get_running_loop()
        address = self._scheduler_address()
        if self.scheduler is not None and getattr(self.scheduler, "core", None) is None and address:
            self._core = await self._connect(address)
        self.status = Status.running

    async def _connect(self, address: str) -> Any:
        timeout = seconds_of(config.get("distributed.comm.timeouts.connect", "30s")) or 30.0
        secrets = self.security.for_core("client")
        return await _loop.in_own_thread(
            _native.ClientCore.connect, address, f"cluster {self.name}", timeout, secrets
        )

    async def _ask(self, verb: str, body: dict[str, Any]) -> Any:
        """Ask the scheduler."""
        core = self._core or getattr(self.scheduler, "core", None)
        if core is None:
            raise RuntimeError(f"{type(self).__name__} {self.name} has no scheduler to ask {verb}")
        return await _loop.in_own_thread(core.ask, verb, body)

    async def _close(self) -> None:
        if self.status is Status.closed:
            return
        self.status = Status.closing
        if self._adaptive is not None:
            self._adaptive.stop()
        if self._core is not None:
            core, self._core = self._core, None
            core.close()
        self.status = Status.closed

    def close(self, timeout: Any = None) -> Any:
        """End the scheduler and the workers. Once is enough, and more does no harm.

        Parameters
        ----------
        timeout
            How long to wait.
        """
        if self.status is Status.closed:
            self._let_loop_go()
            return _done() if self.asynchronous else None
        if self.asynchronous:
            return self.sync(self._close, callback_timeout=timeout)
        try:
            return self.sync(self._close, callback_timeout=timeout)
        finally:
            self._let_loop_go()

    def _let_loop_go(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.release()

    def __await__(self) -> Generator[Any, None, Self]:
        return self._started().__await__()

    async def _started(self) -> Self:
        if self.status is Status.created:
            await self._start()
        return self

    async def __aenter__(self) -> Self:
        await self
        return self

    async def __aexit__(self, *args: object) -> None:
        await self._close()

    def __enter__(self) -> Self:
        if self._asynchronous:
            raise TypeError(
                "Used 'with' with asynchronous class; please use 'async with': "
                f"{type(self).__name__} was made with asynchronous=True"
            )
        return self.sync(self.__aenter__)  # type: ignore[no-any-return]

    def __exit__(self, *args: object) -> None:
        self.close()

    @classmethod
    def from_name(cls, name: str) -> Cluster:
        """Return the cluster of this name that runs somewhere."""
        raise NotImplementedError(
            f"{cls.__name__} keeps no list of clusters to find {name!r} in: connect a Client to "
            "the scheduler's address"
        )

    def _scheduler_address(self) -> str | None:
        return getattr(self.scheduler, "address", None)

    @property
    def scheduler_address(self) -> str:
        """Where workers and clients reach the scheduler."""
        return self._scheduler_address() or "<Not Connected>"

    @property
    def scheduler_info(self) -> dict[str, Any]:
        """What the scheduler is and which workers it has."""
        if self.scheduler is not None and hasattr(self.scheduler, "identity"):
            found: dict[str, Any] = self.scheduler.identity()
            return found
        if self._core is None:
            return {"workers": {}}
        return dict(self._core.ask("info.identity", {"workers": True}))

    @property
    def dashboard_link(self) -> str:
        """Where the dashboard is; empty without one."""
        port = self.scheduler_info.get("services", {}).get("dashboard")
        if port is None:
            return ""
        from oxidask.distributed._dashboard_link import dashboard_link

        return dashboard_link(self.scheduler_address, port)

    def get_client(self) -> Any:
        """Return the default client if it is one of this cluster, or else a new one."""
        from oxidask.distributed._current import default_client
        from oxidask.distributed.client import Client

        with suppress(ValueError):
            current = default_client()
            if current.cluster is self:
                return current
        return Client(self)

    def scale(self, n: int = 0) -> Any:
        """Have so many workers.

        Parameters
        ----------
        n
            How many.
        """
        raise NotImplementedError(f"{type(self).__name__} can't be scaled")

    def adapt(self, Adaptive: Any = None, **kwargs: Any) -> Any:
        """Have as many workers as there is work for.

        Parameters
        ----------
        Adaptive
            A class derived from `Adaptive`.
        **kwargs
            As `Adaptive` takes them: ``minimum``, ``maximum``, ``interval``, ``wait_count``,
            ``target_duration``; also ``minimum_cores``, ``maximum_cores``, ``minimum_memory``
            and ``maximum_memory``.

        Returns
        -------
        Adaptive
        """
        from oxidask.distributed.deploy.adaptive import Adaptive as Default

        if self._adaptive is not None:
            self._adaptive.stop()
        options = {**self._adaptive_options, **kwargs}
        self._adaptive = (Adaptive or Default)(self, **options)
        return self._adaptive

    @property
    def plan(self) -> set[Any]:
        """Names of the workers there are to be."""
        return set()

    @property
    def requested(self) -> set[Any]:
        """Names of the workers that were started."""
        return set()

    @property
    def observed(self) -> set[Any]:
        """Names of the workers that the scheduler knows."""
        return {info["name"] for info in self.scheduler_info["workers"].values()}

    def wait_for_workers(self, n_workers: int, timeout: Any = None) -> Any:
        """Wait until there are so many workers.

        Parameters
        ----------
        n_workers
            How many.
        timeout
            How long to wait; `TimeoutError` after that.
        """
        return self.sync(self._wait_for_workers, n_workers, timeout)

    async def _wait_for_workers(self, n_workers: int, timeout: Any = None) -> None:
        body = {"n": int(n_workers), "timeout_s": seconds_of(timeout)}
        await self._ask("workers.wait", body)

    def get_logs(
        self, cluster: bool = True, scheduler: bool = True, workers: bool | Iterable[str] = True
    ) -> Any:
        """Return logs of the cluster, the scheduler and the workers.

        Parameters
        ----------
        cluster, scheduler
            Whether to.
        workers
            Whether to, or which workers by address.

        Returns
        -------
        Logs
            Texts by ``"Cluster"``, ``"Scheduler"``, and addresses.
        """
        return self.sync(self._get_logs, cluster=cluster, scheduler=scheduler, workers=workers)

    async def _get_logs(self, cluster: bool, scheduler: bool, workers: Any) -> Logs:
        logs = Logs()
        if cluster:
            logs["Cluster"] = Log("\n".join(self._log))
        if scheduler:
            lines = await self._ask("scheduler.logs", {"n": None})
            logs["Scheduler"] = Log("\n".join(line for _, line in lines))
        if workers:
            body: dict[str, Any] = {"verb": "worker.logs", "body": {"n": None}}
            if workers is not True:
                body["workers"] = list(workers)
            for address, answer in (await self._ask("workers.ask", body)).items():
                lines = answer.get("ok") or [["ERROR", str(answer.get("error"))]]
                logs[address] = Log("\n".join(line for _, line in lines))
        return logs

    def _note(self, text: str) -> None:
        """Write a line into the cluster's own log."""
        self._log.append(text)

    def _scaling_status(self) -> str:
        known, wanted = len(self.observed), len(self.plan)
        return f"{known} / {wanted}" if wanted and known != wanted else str(known)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.name == getattr(other, "name", None)

    def __hash__(self) -> int:
        return id(self)

    def _figures(self) -> tuple[int, int, int | None]:
        """Return how many workers and threads there are, and the sum of the memory limits."""
        workers = self.scheduler_info["workers"].values()
        limits = [info.get("memory_limit") for info in workers]
        threads = sum(info.get("nthreads") or 0 for info in workers)
        return len(workers), threads, sum(limits) if all(limits) else None

    def __repr__(self) -> str:
        workers, threads, memory = self._figures()
        text = (
            f"{self._cluster_class_name()}({self.name}, {self.scheduler_address!r}, "
            f"workers={workers}, threads={threads}"
        )
        return text + ("" if memory is None else f", memory={format_bytes(memory)}") + ")"

    def _cluster_class_name(self) -> str:
        return str(getattr(self, "_name", None) or type(self).__name__)

    def _repr_html_(self, cluster_status: Any = None) -> str:
        workers, threads, memory = self._figures()
        rows = {
            "Scheduler": self.scheduler_address,
            "Dashboard": self.dashboard_link or "none",
            "Workers": workers,
            "Total threads": threads,
            "Total memory": "unlimited" if memory is None else format_bytes(memory),
            "Status": self.status.name,
        }
        cells = "\n".join(
            f"<tr><th style='text-align:left'>{name}</th><td>{escape(str(value))}</td></tr>"
            for name, value in rows.items()
        )
        title = f"{escape(self._cluster_class_name())} <code>{escape(self.name)}</code>"
        return f"<div><h3>{title}</h3>\n<table>\n{cells}\n</table></div>"

    def _ipython_display_(self, **kwargs: Any) -> None:
        from IPython.display import display

        data = {"text/plain": repr(self), "text/html": self._repr_html_()}
        display(data, raw=True)


async def _done() -> None:
    """Be nothing to wait for."""
