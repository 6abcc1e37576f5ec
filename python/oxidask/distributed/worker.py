"""A worker: its core, in Rust, and the Python threads that run its tasks."""

from __future__ import annotations

import asyncio
import math
import os
import random
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from oxidask import _native, _pickle, config
from oxidask.distributed import _inproc, _sampling, _worker_state
from oxidask.distributed._addresses import (
    host_towards,
    in_process,
    listen_addresses,
    scheduler_to_join,
)
from oxidask.distributed._loop import in_own_thread
from oxidask.distributed._node import Node, seconds_of
from oxidask.distributed._telling import tell
from oxidask.distributed._worker_folder import WorkerFolder
from oxidask.distributed._worker_host import WorkerHost
from oxidask.distributed._worker_memory import MemoryManager
from oxidask.distributed._worker_plugins import PluginsOfWorker
from oxidask.distributed.core import Status
from oxidask.distributed.preloading import PreloadManager
from oxidask.distributed.security import security_of
from oxidask.system import CPU_COUNT

__all__ = ["Worker", "get_client", "get_worker"]

get_worker = _worker_state.get_worker


def get_client(address: Any = None, timeout: Any = None, resolve_address: bool = True) -> Any:
    """Return a client of this cluster; see `oxidask.distributed.get_client`."""
    from oxidask.distributed._current import get_client as find

    return find(address, timeout, resolve_address)


class Worker(PluginsOfWorker, Node):
    """A worker in this process. ``await`` it, or use ``async with``, to start it.

    Parameters
    ----------
    scheduler_ip : str, optional
        The scheduler's address, or its host with `scheduler_port`; the configured
        ``scheduler-address`` by default.
    scheduler_file : str, optional
        The file that the scheduler wrote its address to.
    nthreads : int, optional
        How many threads run tasks; one a processor by default.
    name : optional
        What it is called; its address by default.
    memory_limit
        Bytes, text such as ``"4 GB"``, a fraction of the machine's, ``"auto"``, or None.
    resources : dict, optional
        How much it has of what tasks may ask for, such as ``{"GPU": 2}``.
    local_directory : str, optional
        Where its folder is made.
    host, port, interface, protocol, contact_address : optional
        Where it listens for other workers.
    security : Security, optional
        Certificates or a token.
    death_timeout : optional
        Give up if the scheduler is not reached within so long.
    plugins : Sequence[WorkerPlugin]
        Set up before the first task runs.
    preload, preload_argv
        Code to run here, see `oxidask.distributed.preloading`.
    lifetime, lifetime_stagger, lifetime_restart : optional
        Leave after so long, give or take the stagger; whether to come back (under a nanny).
    nanny : optional
        What watches this process.
    patience : optional
        How long to wait for a scheduler that is not there yet; `death_timeout`, or the configured
        time to connect, by default.

    Examples
    --------
    >>> from oxidask.distributed.scheduler import Scheduler
    >>> async def main():
    ...     async with Scheduler(port=0) as scheduler, Worker(scheduler.address, nthreads=2):
    ...         return scheduler.total_nthreads
    >>> asyncio.run(main())
    2
    """

    _logged = "distributed.worker"

    def __init__(
        self,
        scheduler_ip: Any = None,
        scheduler_port: int | None = None,
        *,
        scheduler_file: str | os.PathLike[str] | None = None,
        nthreads: int | None = None,
        name: Any = None,
        memory_limit: Any = "auto",
        resources: Mapping[str, float] | None = None,
        local_directory: str | os.PathLike[str] | None = None,
        host: str | None = None,
        port: int | str | Sequence[int] | None = None,
        interface: str | None = None,
        protocol: str | None = None,
        contact_address: str | None = None,
        security: Any = None,
        death_timeout: Any = None,
        plugins: Sequence[Any] = (),
        preload: Any = None,
        preload_argv: Any = None,
        lifetime: Any = None,
        lifetime_stagger: Any = None,
        lifetime_restart: bool | None = None,
        memory_target_fraction: Any = None,
        memory_spill_fraction: Any = None,
        memory_pause_fraction: Any = None,
        max_spill: Any = None,
        nanny: Any = None,
        silence_logs: Any = None,
        patience: Any = None,
        **kwargs: Any,
    ) -> None:
        unknown = sorted(set(kwargs) - _ACCEPTED)
        if unknown:
            names = ", ".join(repr(each) for each in unknown)
            raise TypeError(f"{type(self).__name__} got an unexpected keyword argument {names}")
        super().__init__(start_timeout=death_timeout)
        if silence_logs:
            from oxidask.distributed._logs import show_from

            show_from(silence_logs)
        self.core: Any = None
        self.nanny = nanny
        self.security = security_of(security)
        self.nthreads = int(nthreads or CPU_COUNT)
        self.death_timeout = self._start_timeout
        # With a timeout for starting that is what ends the waiting.
        limit = math.inf if self.death_timeout is not None else _connect_timeout()
        self._patience_s = seconds_of(patience) or limit
        self.contact_address = contact_address
        self.plugins: dict[str, Any] = {}
        self.services: dict[str, Any] = {}
        self.resources = dict(
            config.get("distributed.worker.resources", {}) if resources is None else resources
        )
        self.memory_manager = MemoryManager(
            memory_limit,
            self.nthreads,
            memory_target_fraction,
            memory_spill_fraction,
            memory_pause_fraction,
            max_spill,
        )
        self.scheduler_address: str | None = None
        self.scheduler_core: Any = None
        self._scheduler_given = (scheduler_ip, scheduler_port, scheduler_file)
        self._name = name
        self._start_port = port
        self._listen: dict[str, Any] = {
            "host": host or None,
            "interface": interface,
            "port": port,
            "protocol": protocol,
        }
        self._base = local_directory
        self._folder: WorkerFolder | None = None
        self._given_plugins = list(plugins)
        self._host = WorkerHost(self)
        self._threads: list[threading.Thread] = []
        self._sampled: _sampling.Sampled | None = None
        self.reason = ""
        self._read_lifetime(lifetime, lifetime_stagger, lifetime_restart)
        preload = config.get("distributed.worker.preload", []) if preload is None else preload
        argv = preload_argv or config.get("distributed.worker.preload-argv", [])
        self.preloads = PreloadManager(self, preload, argv)

    def _read_lifetime(self, lifetime: Any, stagger: Any, restart: bool | None) -> None:
        given = config.get("distributed.worker.lifetime", {}) or {}
        duration = seconds_of(given.get("duration") if lifetime is None else lifetime)
        spread = seconds_of(given.get("stagger") if stagger is None else stagger) or 0.0
        self.lifetime = duration and duration + random.uniform(-spread, spread)
        self.lifetime_restart = bool(given.get("restart") if restart is None else restart)

    async def _start(self) -> None:
        self.preloads.load()
        target = self._find_scheduler()
        self._folder = WorkerFolder(self._base)
        listen = self._addresses()
        info = {
            "host": host_towards(self.scheduler_address or ""),
            "nthreads": self.nthreads,
            "memory_limit": self.memory_manager.memory_limit,
            "resources": {name: float(amount) for name, amount in self.resources.items()},
            "local_directory": self.local_directory,
            "pid": os.getpid(),
            "nanny": getattr(self.nanny, "address", None),
        }
        if self._name is not None:
            info["name"] = self._name if isinstance(self._name, int) else str(self._name)
        if self.contact_address:
            info["contact_address"] = self.contact_address
        options = self.memory_manager.options()
        if self.death_timeout is not None:
            options["timeout_s"] = self.death_timeout
        secrets = self.security.for_core("worker")
        for number, address in enumerate(listen):
            try:
                await self._join(target, address, info, options, secrets)
                break
            except OSError as error:
                if number + 1 == len(listen) or not _is_taken(error):
                    raise
        self._logger.info("      Start worker at: %s", self.address)
        if hasattr(self.nanny, "joined"):
            self.nanny.joined(self.address)
        await self._set_up()
        self._start_threads()
        self._logger.info("        Registered to: %s", self.scheduler_address)
        if self.lifetime:
            asyncio.get_running_loop().call_later(self.lifetime, self._lifetime_is_over)

    async def _join(self, target: Any, *how: Any) -> None:
        if not isinstance(target, str):
            self._join_now(target, *how)
            return
        # A worker that comes before its scheduler tries again until that is there.
        end = time.monotonic() + self._patience_s
        while True:
            try:
                await in_own_thread(self._join_now, target, *how)
                return
            except (ConnectionRefusedError, FileNotFoundError) as error:
                self._refusal = str(error)
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.1)

    def _join_now(self, *how: Any) -> None:
        core = self.core = _native.WorkerCore.join(*how)
        # At once, on the thread that has joined: from now on it is asked.
        core.set_host(self._host.ask, self._told_to_close, self._add_thread)
        if self.status is not Status.starting:
            core.close("it was closed while it joined")

    def _find_scheduler(self) -> Any:
        given, port, file = self._scheduler_given
        default = "tls" if self.security.has_tls("worker") else "tcp"
        self.scheduler_address = scheduler_to_join(given, port, file, default)
        # In the scheduler's own process there is no wire between them, whatever its address.
        self.scheduler_core = _inproc.find(self.scheduler_address)
        if self.scheduler_core is None and self.scheduler_address.startswith("inproc://"):
            raise OSError(f"there is no scheduler at {self.scheduler_address} in this process")
        return self.scheduler_core or self.scheduler_address

    def _addresses(self) -> list[str]:
        assert self.scheduler_address is not None
        if self.scheduler_address.startswith("inproc://"):
            return [in_process()]
        if self._listen["protocol"] is None:
            self._listen["protocol"] = self.scheduler_address.partition("://")[0]
        if self._listen["protocol"].startswith("unix"):
            assert self._folder is not None
            return [f"unix://{self._folder.path}/socket"]
        return listen_addresses(
            **self._listen,
            is_secure=self.security.has_tls("worker"),
            default_host=host_towards(self.scheduler_address),
        )

    async def _set_up(self) -> None:
        greeting = await self._greet()
        for plugin in self._given_plugins:
            await self.plugin_add(plugin)
        for name, pickled in greeting.get("plugins", ()):
            # A plugin of somebody else's must not keep a new worker from working: it is logged.
            with suppress(Exception):
                if name not in self.plugins:
                    await self.plugin_add(_pickle.loads(bytes(pickled)), name=name)
        await self.preloads.start()

    async def _greet(self) -> dict[str, Any]:
        """Ask the scheduler what a new worker needs to know."""
        from oxidask.distributed.scheduler import scheduler_here

        assert self.scheduler_address is not None
        here = scheduler_here(self.scheduler_address)
        if here is not None:
            here._workers_here.add(self)
            return here._host.greet({})
        secrets = self.security.for_core("worker")
        found = await in_own_thread(
            tell, self.scheduler_address, secrets, "scheduler.greet", {"address": self.address}
        )
        return dict(found)

    def _start_threads(self) -> None:
        for _ in range(self.nthreads):
            self._add_thread()
        self._sampled = _sampling.watch(self._thread_idents())

    def _add_thread(self) -> None:
        """Start a thread that runs tasks; also in the stead of one whose task has seceded."""
        number = len(self._threads)
        thread = threading.Thread(
            target=self._work,
            args=(number,),
            name=f"Dask-Worker-Threads-{self.name}-{number}",
            daemon=True,
        )
        self._threads.append(thread)
        thread.start()

    def _work(self, number: int) -> None:
        with _worker_state.worker_scope(self):
            self.core.work(number)

    def _told_to_close(self, reason: str) -> None:
        """The scheduler lets this worker go; on a thread of the core's."""
        if self.status in (Status.closing, Status.closed):
            return
        self._spawn(self.close(reason=reason))

    def _lifetime_is_over(self) -> None:
        if self.status in (Status.running, Status.paused):
            reason = "worker-lifetime-reached"
            self._spawn(self.close_gracefully(restart=self.lifetime_restart, reason=reason))

    async def close_gracefully(self, restart: bool | None = None, reason: str = "") -> None:
        """Let others have what this worker holds, then close.

        Parameters
        ----------
        restart
            Whether the nanny is to start another.
        reason
            Written into the log.
        """
        if self.status in (Status.closing, Status.closed, Status.closing_gracefully):
            await self.finished()
            return
        self.status = Status.closing_gracefully
        self._logger.info("Closing worker gracefully: %s. Reason: %s", self.address, reason)
        self.reason = f"restart: {reason}" if restart else reason
        self.core.retire()
        with suppress(Exception):
            await in_own_thread(self.core.wait, 30.0)
        await self.close(reason=reason)

    async def close(
        self, timeout: float = 30, executor_wait: bool = True, nanny: bool = True, reason: str = ""
    ) -> None:
        """End the worker at once: what it held is computed anew where it is needed.

        Parameters
        ----------
        timeout, executor_wait
            Accepted for Dask's sake: nobody waits for the tasks that run.
        nanny
            Whether the nanny is to end too.
        reason
            Written into the log.
        """
        if self.status in (Status.closing, Status.closed):
            await self.finished()
            return
        was_started = self.core is not None
        self.status = Status.closing
        self.reason = self.reason or reason or "worker-close"
        if was_started:
            self._logger.info("Stopping worker at %s. Reason: %s", self.address, self.reason)
        await self.preloads.teardown()
        for name in list(self.plugins):
            with suppress(Exception):
                await self.plugin_remove(name)
        if was_started:
            from oxidask.distributed._current import close_worker_client

            await in_own_thread(close_worker_client, self)
            from oxidask.distributed.actor import close_actors

            close_actors(self)
            _sampling.forget(self._sampled)
            self.core.close(self.reason)
        if self._folder is not None:
            self._folder.remove()
        self._set_closed()

    @property
    def address(self) -> str | None:
        """Where other workers reach it."""
        return None if self.core is None else str(self.core.address)

    worker_address = address

    @property
    def name(self) -> Any:
        """What it is called."""
        return self.address if self._name is None else self._name

    @property
    def id(self) -> str:
        """A name that no other worker has."""
        return f"{type(self).__name__}-{self.address}"

    @property
    def scheduler(self) -> Any:
        """The scheduler, as far as its address goes."""
        return SimpleNamespace(address=self.scheduler_address)

    @property
    def local_directory(self) -> str:
        """Its folder."""
        return "" if self._folder is None else self._folder.path

    @property
    def data(self) -> dict[Any, Any]:
        """The values that it holds, by key: fetched when it is looked at."""
        if self.core is None or self.status is Status.closed:
            return {}
        client = self._connect("values")
        try:
            held = client.ask("info.has_what", {"workers": [self.address]}).get(self.address, [])
            futures = [_native.FutureCore(key, client) for key in held]
            values = client.gather(futures, 30.0, "raise")
        finally:
            client.close()
        return dict(zip(held, values, strict=True))

    def _connect(self, purpose: str) -> Any:
        """Return a connection to the scheduler, as a client of its own."""
        name, secrets = f"{purpose} of {self.address}", self.security.for_core("worker")
        target = self.scheduler_core or self.scheduler_address
        return _native.ClientCore.connect(target, name, 30.0, secrets)

    @property
    def state(self) -> Any:
        """Its threads, and its tasks by key."""
        tasks: dict[Any, str] = {}
        if self.core is not None and self.status is not Status.closed:
            client = self._connect("tasks")
            try:
                body = {"workers": [self.address]}
                for verb, name in (("info.processing", "executing"), ("info.has_what", "memory")):
                    found = client.ask(verb, body).get(self.address, ())
                    tasks.update(dict.fromkeys(found, name))
            finally:
                client.close()
        from oxidask.distributed.actor import actors_of

        return SimpleNamespace(
            nthreads=self.nthreads,
            tasks=tasks,
            address=self.address,
            actors=actors_of(str(self.address)),
        )

    @property
    def client(self) -> Any:
        """The client that its tasks share."""
        with _worker_state.worker_scope(self):
            return get_client()

    def identity(self) -> dict[str, Any]:
        """Return what it is."""
        return {
            "type": type(self).__name__,
            "id": self.id,
            "name": self.name,
            "address": self.address,
            "scheduler": self.scheduler_address,
            "nthreads": self.nthreads,
            "memory_limit": self.memory_manager.memory_limit,
            "local_directory": self.local_directory,
            "pid": os.getpid(),
            "status": self.status.name,
        }

    def log_event(self, topic: Any, msg: Any) -> None:
        """Tell those who listen to a topic."""
        from oxidask.distributed import _values

        if isinstance(msg, dict):
            msg = {**msg, "worker": self.address}
        for name in [topic] if isinstance(topic, str) else topic:
            self.core.push(name, _values.pack(msg))

    def _executing(self) -> dict[Any, int]:
        """Return the threads that run tasks, by the task's key."""
        if self.core is None:
            return {}
        idents = self._thread_idents()
        return {key: idents[number] for key, number in self.core.executing()}

    def _thread_idents(self) -> list[int]:
        return [thread.ident for thread in self._threads if thread.ident is not None]

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.address!r}, name: {self.name}, "
            f"status: {self.status.name}, threads: {self.nthreads}>"
        )


#: What Dask's workers take and ours have no use for.
_ACCEPTED = frozenset(
    {
        "loop", "services", "executor", "data", "reconnect", "heartbeat_interval", "extensions",
        "metrics", "startup_information", "dashboard", "dashboard_address", "http_prefix",
        "service_kwargs", "low_level_profiler", "validate", "profile_cycle_interval",
        "transition_counter_max", "scheduler_sni", "batched_send_interval", "ncores",
        "blocked_handlers", "connection_limit", "worker_port",
    }
)  # fmt: skip


def _connect_timeout() -> float:
    return seconds_of(config.get("distributed.comm.timeouts.connect", "30s")) or 30.0


def _is_taken(error: OSError) -> bool:
    import errno

    return error.errno in (errno.EADDRINUSE, errno.EACCES) or "already" in str(error)
