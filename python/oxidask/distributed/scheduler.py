"""The scheduler of a cluster: its core, in Rust, with what Python has around it."""

from __future__ import annotations

import json
import os
import time
import uuid
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from oxidask import _native, config
from oxidask.distributed import _inproc
from oxidask.distributed._addresses import (
    DEFAULT_PORT,
    host_and_port,
    in_process,
    is_loopback,
    join_address,
    listen_addresses,
    split_scheme,
)
from oxidask.distributed._node import Node, seconds_of
from oxidask.distributed._periodic import Periodic
from oxidask.distributed._scheduler_host import SchedulerHost
from oxidask.distributed._scheduler_plugins import PluginsOfScheduler
from oxidask.distributed._scheduler_views import TaskStates, WorkerStates, shown_name
from oxidask.distributed._status_page import StatusServer
from oxidask.distributed.core import Status
from oxidask.distributed.diagnostics.computations import TOPIC, Computation, computations_of
from oxidask.distributed.preloading import PreloadManager
from oxidask.distributed.security import security_of

__all__ = ["Scheduler"]

#: Schedulers of this process by address, for workers and nannies that live beside them.
_here: weakref.WeakValueDictionary[str, Scheduler] = weakref.WeakValueDictionary()


def scheduler_here(address: str) -> Scheduler | None:
    """Return the scheduler of this process at an address; None if there is none."""
    return _here.get(address)


class Scheduler(PluginsOfScheduler, Node):
    """A scheduler in this process. ``await`` it, or use ``async with``, to start it.

    Parameters
    ----------
    host : str, optional
        Where to listen: a host, ``host:port`` or an address; this machine only by default.
        Elsewhere a token or TLS is needed.
    port : int, optional
        0, the default, takes a free one.
    interface : str, optional
        A network interface, such as ``"eth0"``, instead of a host.
    protocol : str, optional
        ``"tcp"``, ``"tls"``, ``"unix"``, or ``"inproc"`` for this process only.
    security : Security, optional
        Certificates or a token.
    scheduler_file : str, optional
        A file to write the address to.
    allowed_failures : int, optional
        How often a task may lose its worker before it is given up.
    idle_timeout : str, optional
        Close after so long without work.
    worker_ttl, validate, extensions, blocked_handlers, jupyter, loop, services, http_prefix
        Accepted for Dask's sake; they change nothing.
    dashboard_address : optional
        Where a page about the scheduler is served, such as ``":8787"``.
    dashboard : bool, optional
        False serves only what is for programs there, such as ``/health`` and ``/metrics``.
    preload, preload_argv
        Code to run here, see `oxidask.distributed.preloading`.
    plugins : Sequence[SchedulerPlugin]
        Told of what happens.

    Examples
    --------
    >>> import asyncio
    >>> async def main():
    ...     async with Scheduler(port=0) as scheduler:
    ...         return scheduler.address.startswith("tcp://127.0.0.1:")
    >>> asyncio.run(main())
    True
    """

    _logged = "distributed.scheduler"
    default_port: ClassVar[int] = DEFAULT_PORT

    def __init__(
        self,
        loop: Any = None,
        services: Any = None,
        service_kwargs: Any = None,
        allowed_failures: int | None = None,
        extensions: Any = None,
        validate: bool | None = None,
        scheduler_file: str | os.PathLike[str] | None = None,
        security: Any = None,
        worker_ttl: Any = None,
        idle_timeout: Any = None,
        interface: str | None = None,
        host: str | None = None,
        port: int | str | Sequence[int] | None = 0,
        protocol: str | None = None,
        dashboard_address: Any = None,
        dashboard: bool | None = None,
        http_prefix: str = "/",
        preload: Any = None,
        preload_argv: Any = (),
        plugins: Sequence[Any] = (),
        contact_address: str | None = None,
        transition_counter_max: Any = False,
        jupyter: bool = False,
        blocked_handlers: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            names = ", ".join(repr(name) for name in sorted(kwargs))
            raise TypeError(f"Scheduler got an unexpected keyword argument {names}")
        super().__init__()
        self.id = f"Scheduler-{uuid.uuid4()}"
        self.security = security_of(security)
        self.core: Any = None
        self.services: dict[str, Any] = {}
        self.http_server: Any = None
        self.scheduler_file = scheduler_file
        self.contact_address = contact_address or config.get(
            "distributed.scheduler.contact-address", None
        )
        self.idle_timeout = seconds_of(
            config.get("distributed.scheduler.idle-timeout", None)
            if idle_timeout is None
            else idle_timeout
        )
        self._allowed_failures = (
            config.get("distributed.scheduler.allowed-failures", 3)
            if allowed_failures is None
            else allowed_failures
        )
        self._listen: dict[str, Any] = {
            "host": host,
            "interface": interface,
            "port": port,
            "protocol": protocol,
        }
        self._dashboard_address = dashboard_address
        self._has_page = dashboard is not False
        self.http_prefix = http_prefix
        self._address: str | None = None
        self._started_s = time.time()
        self._given_plugins = list(plugins)
        self._host = SchedulerHost(self)
        self._workers_here: weakref.WeakSet[Any] = weakref.WeakSet()
        self._idle: Periodic | None = None
        self._idle_since: float | None = None
        self._n_tasks_seen = -1
        preload = config.get("distributed.scheduler.preload", []) if preload is None else preload
        argv = preload_argv or config.get("distributed.scheduler.preload-argv", [])
        self.preloads = PreloadManager(self, preload, argv)

    async def _start(self) -> None:
        self.preloads.load()
        self._inproc_address = in_process()
        self.core = _native.SchedulerCore(
            {"allowed-failures": int(self._allowed_failures), "address": self._inproc_address}
        )
        self.core.set_host(self._host.ask, self._pushed)
        self._address = self._bind()
        # Clients of this process need no wire.
        _inproc.register(self._address, self.core)
        _here[self._address] = self
        await self._start_page()
        if self.scheduler_file:
            self._write_file(Path(self.scheduler_file))
        self._logger.info("Scheduler at: %s", self._address)
        self.core.ask("topic.subscribe", {"topic": "workers"})
        for plugin in self._given_plugins:
            await self.register_scheduler_plugin(plugin)
        await self.preloads.start()
        if self.idle_timeout:
            self._idle = Periodic(self.check_idle, min(self.idle_timeout / 4, 5))
            self._idle.start()

    async def _start_page(self) -> None:
        """Serve a page about this scheduler, unless none is wanted."""
        if self._dashboard_address is None:
            return
        # Whoever reaches it may read it: this machine only, unless the address names a host.
        self.http_server = StatusServer(self.identity, self.http_prefix, page=self._has_page)
        await self.http_server.start(self._dashboard_address)
        self.services["dashboard"] = self.http_server
        port = self.http_server.port
        self.core.ask("metadata.set", {"keys": ["services"], "value": {"dashboard": port}})
        self._logger.info("Status at: port %d", port)

    def _bind(self) -> str:
        protocol = (self._listen["protocol"] or "").removesuffix("://")
        host = self._listen["host"]
        if protocol == "inproc" or (isinstance(host, str) and host.startswith("inproc")):
            return self._inproc_address
        is_secure = self.security.has_tls("scheduler")
        addresses = listen_addresses(**self._listen, is_secure=is_secure, default_host="127.0.0.1")
        secrets = self.security.for_core("scheduler")
        for number, address in enumerate(addresses):
            try:
                bound: str = self.core.listen(address, secrets)
                break
            except OSError:
                if number + 1 == len(addresses):
                    raise
        return self._contact(bound)

    def _contact(self, bound: str) -> str:
        """Return the address that others are told."""
        if self.contact_address:
            return str(self.contact_address)
        scheme, _ = split_scheme(bound)
        if scheme == "unix":
            return bound
        host, port = host_and_port(bound)
        if host in ("0.0.0.0", "::"):
            from oxidask.distributed._addresses import host_towards

            return join_address(scheme, host_towards("tcp://8.8.8.8:80"), port or 0)
        return bound

    def _write_file(self, path: Path) -> None:
        text = json.dumps(self.identity(), indent=2, default=str)
        # Whoever waits for the file must not find half of it.
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        part.replace(path)

    async def close(self, fast: Any = None, close_workers: Any = None, reason: str = "") -> None:
        """End the scheduler; workers and clients of it are let go.

        Parameters
        ----------
        fast, close_workers
            Accepted for Dask's sake: workers always end with their scheduler.
        reason
            Told to workers and written into the log.
        """
        if self.status in (Status.closing, Status.closed):
            await self.finished()
            return
        was_started = self.core is not None
        self.status = Status.closing
        if was_started:
            self._logger.info("Closing scheduler. Reason: %s", reason or "unknown")
        await self.preloads.teardown()
        for name, plugin in list(self.plugins.items()):
            for method in ("before_close", "close"):
                await self._tell(name, plugin, method)
        if self._idle is not None:
            self._idle.stop()
        if was_started:
            self._logger.info("Scheduler closing all comms")
            with suppress(Exception):
                self.core.ask("workers.close", {"reason": "scheduler-close"})
            for worker in list(self._workers_here):
                # Those of this process need not wait to hear of it.
                worker._told_to_close("scheduler-close")
            self.core.close()
        if self.http_server is not None:
            self.http_server.close()
        if self._address is not None:
            _here.pop(self._address, None)
            _inproc.unregister(self._address)
        if self.scheduler_file:
            with suppress(OSError):
                os.remove(self.scheduler_file)
        self._set_closed()

    @property
    def address(self) -> str | None:
        """Where workers and clients reach it."""
        return self._address

    @property
    def ip(self) -> str | None:
        """The host of its address."""
        return self.host

    @property
    def listen_address(self) -> str | None:
        """Where it listens."""
        return self._address

    @property
    def allowed_failures(self) -> int:
        """How often a task may lose its worker before it is given up."""
        return int(self._allowed_failures)

    @allowed_failures.setter
    def allowed_failures(self, value: int) -> None:
        self._allowed_failures = value

    def identity(self, n_workers: int = -1) -> dict[str, Any]:
        """Return what it is and which workers it has."""
        found: dict[str, Any]
        if self.core is None or self.status is Status.closed:
            found = {"type": "Scheduler", "workers": {}, "n_tasks": 0}
        else:
            found = dict(self.core.ask("info.identity", {"workers": n_workers != 0}))
        workers = found.get("workers") or {}
        for info in workers.values():
            for name in ("name", "id"):
                if name in info:
                    info[name] = shown_name(info[name])
        found["workers"] = workers
        services = {name: getattr(s, "port", s) for name, s in self.services.items()}
        found.update(id=self.id, address=self._address, services=services)
        found.setdefault("started", self._started_s)
        return found

    @property
    def workers(self) -> WorkerStates:
        """What is known of the workers, by address."""
        return WorkerStates(self)

    @property
    def tasks(self) -> TaskStates:
        """What is known of the tasks, by key."""
        return TaskStates(self)

    @property
    def worker_plugins(self) -> dict[str, bytes]:
        """The plugins that workers get, pickled, by name."""
        return self._host.plugins["worker"]

    @property
    def nanny_plugins(self) -> dict[str, bytes]:
        """The plugins that nannies get, pickled, by name."""
        return self._host.plugins["nanny"]

    @property
    def total_nthreads(self) -> int:
        """How many threads run tasks."""
        return sum(state.nthreads for state in self.workers.values())

    @property
    def total_memory(self) -> int:
        """The sum of the workers' memory limits in bytes."""
        return sum(state.memory_limit or 0 for state in self.workers.values())

    async def check_idle(self) -> float | None:
        """Close if there was no work for longer than the timeout.

        Returns
        -------
        float, optional
            The time since there was none; None while there is work.
        """
        if self.core is None or self.status is not Status.running:
            return None
        counts = self.core.counts()
        is_busy = bool(counts["queued"] or counts["processing"])
        if not is_busy and not counts["workers"]:
            is_busy = self.adaptive_target() > 0  # tasks that wait for a first worker
        now = time.time()
        if is_busy or counts["tasks"] != self._n_tasks_seen:
            self._n_tasks_seen = counts["tasks"]
            self._idle_since = None if is_busy else now
            return self._idle_since
        if self._idle_since is None:
            self._idle_since = now
        if self.idle_timeout and now - self._idle_since > self.idle_timeout:
            self._logger.info("Scheduler closing after being idle for %s s", self.idle_timeout)
            self._spawn(self.close(reason="idle-timeout-exceeded"))
        return self._idle_since

    def adaptive_target(self, target_duration: Any = None) -> int:
        """Return how many workers the work that waits is worth."""
        if target_duration is None:
            target_duration = config.get("distributed.adaptive.target-duration", "5s")
        body = {"target_duration_s": seconds_of(target_duration)}
        return int(self.core.ask("adaptive.target", body))

    def workers_to_close(self, **kwargs: Any) -> list[str]:
        """Return addresses of workers that could be closed."""
        planned = list(self.core.ask("workers.plan", _without_functions(kwargs)))
        return self.may_be_closed(planned)

    async def retire_workers(self, workers: Any = None, **kwargs: Any) -> Any:
        """Let workers go once others hold what they held.

        Parameters
        ----------
        workers
            Their addresses or names.
        **kwargs
            ``names``, ``n``, ``close_workers``.
        """
        body: dict[str, Any] = {"close": bool(kwargs.pop("close_workers", False))}
        named = list(workers or []) + list(kwargs.pop("names", None) or [])
        if named:
            body["workers"] = named
        body.update(_without_functions(kwargs))
        from oxidask.distributed._loop import in_own_thread

        return await in_own_thread(self.core.ask, "workers.retire", body)

    def get_metadata(self, keys: Sequence[Any], default: Any = None) -> Any:
        """Return what was noted under these keys."""
        from oxidask.distributed._values import unpack_tree

        try:
            return unpack_tree(self.core.ask("metadata.get", {"keys": list(keys)}))
        except KeyError:
            return default

    def set_metadata(self, keys: Sequence[Any], value: Any = None) -> None:
        """Note something under these keys."""
        from oxidask.distributed._values import pack

        self.core.ask("metadata.set", {"keys": list(keys), "value": pack(value)})

    @property
    def task_metadata(self) -> dict[str, Any]:
        """All that was noted."""
        found: dict[str, Any] = self.get_metadata([])
        return found

    def log_event(self, topic: Any, msg: Any) -> None:
        """Tell those who listen to a topic."""
        from oxidask.distributed import _values

        topics = [topic] if isinstance(topic, str) else topic
        for name in topics:
            self.core.ask("topic.log", {"topic": name, "body": _values.pack(msg)})
            if self.plugins:
                self._soon(self._tell_all, "log_event", name, msg)

    @property
    def computations(self) -> list[Computation]:
        """The code that led to what was computed, if clients are set to tell."""
        return computations_of(self.core.ask("topic.events", {"topic": TOPIC}))

    def get_events(self, topic: str | None = None) -> Any:
        """Return what was told on a topic: pairs of a time and a message."""
        from oxidask.distributed import _values

        found = self.core.ask("topic.events", {"topic": topic})
        if isinstance(found, dict):
            return {
                name: tuple((at, _values.unpack(msg)) for at, msg in told)
                for name, told in found.items()
            }
        return tuple((at, _values.unpack(msg)) for at, msg in found)

    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self._address is None or is_loopback(self.host or "")

    def __repr__(self) -> str:
        if self.core is None or self.status is Status.closed:
            return f"<Scheduler {self.address_safe!r}, status: {self.status.name}>"
        workers = self.workers.values()
        threads = sum(state.nthreads for state in workers)
        return (
            f"<Scheduler {self._address!r}, workers: {len(workers)}, cores: {threads}, "
            f"tasks: {len(self.tasks)}>"
        )


def _without_functions(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Leave out what cannot be asked: functions stay in their process."""
    return {name: value for name, value in kwargs.items() if not callable(value)}
