"""A nanny: starts a worker in a process of its own, watches it, and starts another when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import cloudpickle

from oxidask import _pickle, config
from oxidask.distributed._addresses import host_towards, join_address, scheduler_to_join
from oxidask.distributed._child import Child, cause_of_death
from oxidask.distributed._logs import shown_level
from oxidask.distributed._loop import in_own_thread
from oxidask.distributed._nanny_answers import AnswersOfNanny
from oxidask.distributed._nanny_plugins import PluginsOfNanny
from oxidask.distributed._node import Node, seconds_of
from oxidask.distributed._periodic import Periodic
from oxidask.distributed._worker_folder import remove_folder
from oxidask.distributed._worker_memory import MemoryManager
from oxidask.distributed.core import Status
from oxidask.distributed.preloading import PreloadManager
from oxidask.distributed.security import security_of
from oxidask.distributed.system import memory_of
from oxidask.system import CPU_COUNT
from oxidask.utils import format_bytes

__all__ = ["Nanny"]

#: A worker that lived for less is not replaced at once.
_SHORT_LIFE_S = 1.0
_LONGEST_PAUSE_S = 5.0
#: After so many workers in a row that died while they started, no more are.
_ATTEMPTS = 5


class WorkerDied(RuntimeError):
    """A worker's process ended before it had joined the scheduler.

    Attributes
    ----------
    cause
        Why it ended.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(f"the worker's process ended before it had joined: {cause}")
        self.cause = cause


class Nanny(AnswersOfNanny, PluginsOfNanny, Node):
    """A worker in a process of its own. ``await`` it, or use ``async with``, to start it.

    Parameters
    ----------
    scheduler_ip, scheduler_port, scheduler_file
        The scheduler, as `Worker` takes it.
    worker_port
        The port of the worker; `port` is that of the nanny, which needs none.
    worker_class : type, optional
        A class derived from `Worker`.
    env : dict, optional
        Environment variables of the worker.
    preload_nanny, preload_nanny_argv
        Code to run in the nanny's process.
    nthreads, name, memory_limit, resources, security, death_timeout, host, interface, protocol
        As `Worker` takes them. A worker that holds more than the configured share
        (``distributed.worker.memory.terminate``) of its memory limit is ended and replaced.
    config : dict, optional
        The worker's configuration; this process's by default.
    **worker_kwargs
        Further arguments of the worker.

    Examples
    --------
    >>> from oxidask.distributed.scheduler import Scheduler
    >>> async def main():
    ...     async with Scheduler(port=0) as scheduler:
    ...         async with Nanny(scheduler.address, nthreads=1) as nanny:
    ...             return nanny.pid != os.getpid()
    >>> asyncio.run(main())
    True
    """

    _logged = "distributed.nanny"

    def __init__(
        self,
        scheduler_ip: Any = None,
        scheduler_port: int | None = None,
        scheduler_file: str | os.PathLike[str] | None = None,
        worker_port: Any = 0,
        nthreads: int | None = None,
        name: Any = None,
        memory_limit: Any = "auto",
        resources: Mapping[str, float] | None = None,
        silence_logs: Any = None,
        death_timeout: Any = None,
        preload_nanny: Any = None,
        preload_nanny_argv: Any = None,
        security: Any = None,
        contact_address: str | None = None,
        listen_address: str | None = None,
        worker_class: type | None = None,
        env: Mapping[str, Any] | None = None,
        interface: str | None = None,
        host: str | None = None,
        port: int | str | Sequence[int] | None = None,
        protocol: str | None = None,
        config: Mapping[str, Any] | None = None,
        local_directory: str | os.PathLike[str] | None = None,
        auto_restart: bool = True,
        **worker_kwargs: Any,
    ) -> None:
        super().__init__(start_timeout=death_timeout)
        for unused in ("loop", "services", "reconnect", "quiet", "validate"):
            worker_kwargs.pop(unused, None)
        self.security = security_of(security)
        self.name_given = name
        self.nthreads = int(nthreads or CPU_COUNT)
        self.memory_manager = MemoryManager(memory_limit, self.nthreads)
        self.plugins: dict[str, Any] = {}
        self.process: Any = None
        self.auto_restart = auto_restart
        self.scheduler_addr: str | None = None
        self.python_path: list[str] = []
        #: Why each worker's process that ended did: pairs of time and cause.
        self.deaths: list[tuple[float, str]] = []
        self._scheduler_given = (scheduler_ip, scheduler_port, scheduler_file)
        self._worker_class = worker_class
        self._start_port = port
        self._config = config
        self._base = local_directory
        self.env, self._env_given = _environ(), dict(env or {})
        self._worker_kwargs = {
            "nthreads": self.nthreads,
            "name": name,
            "memory_limit": memory_limit,
            "resources": resources,
            "security": self.security,
            "death_timeout": death_timeout,
            "contact_address": contact_address,
            "interface": interface,
            "host": listen_address or host,
            "port": worker_port or None,
            "protocol": protocol,
            "local_directory": local_directory,
            **worker_kwargs,
        }
        self.silence_logs = silence_logs
        self._reason: str | None = None
        self._memory: Periodic | None = None
        self._started_s = 0.0
        self._pause_s = 0.0
        self._restarting: asyncio.Lock | None = None
        from oxidask import config as settings

        if preload_nanny is None:
            preload_nanny = settings.get("distributed.nanny.preload", [])
        argv = preload_nanny_argv or settings.get("distributed.nanny.preload-argv", [])
        self.preloads = PreloadManager(self, preload_nanny, argv)

    async def _start(self) -> None:
        self.preloads.load()
        self._restarting = asyncio.Lock()
        self._find_scheduler()
        await self.preloads.start()
        for name, pickled in (await self._greet()).get("nanny_plugins", ()):
            # A plugin of somebody else's must not keep a new nanny from working: it is logged.
            with suppress(Exception):
                await self._set_plugin_up(_pickle.loads(bytes(pickled)), name)
        await self.instantiate()
        limit = self.memory_manager.memory_limit
        share = config.get("distributed.worker.memory.terminate", 0.95)
        if limit and share:
            interval = config.get("distributed.worker.memory.monitor-interval", "100ms")
            self._memory = Periodic(self._check_memory, seconds_of(interval) or 0.1)
            self._memory_bytes = int(limit * share)
            self._memory.start()

    def _find_scheduler(self) -> None:
        given, port, file = self._scheduler_given
        default = "tls" if self.security.has_tls("worker") else "tcp"
        self.scheduler_addr = scheduler_to_join(given, port, file, default)
        if self.scheduler_addr.startswith("inproc://"):
            raise ValueError(
                f"{self.scheduler_addr} is a scheduler for this process only: a nanny's worker is "
                "another; start the scheduler with protocol='tcp://'"
            )

    async def _greet(self) -> dict[str, Any]:
        from oxidask.distributed._telling import tell
        from oxidask.distributed.scheduler import scheduler_here

        assert self.scheduler_addr is not None
        here = scheduler_here(self.scheduler_addr)
        if here is not None:
            return here._host.greet({})
        try:
            secrets = self.security.for_core("worker")
            found = await in_own_thread(tell, self.scheduler_addr, secrets, "scheduler.greet", {})
            return dict(found)
        except OSError:
            return {}  # not there yet: its worker waits for it

    async def instantiate(self) -> Status:
        """Start a worker's process and wait until it has joined the scheduler."""
        environ = {**self.env, **{k: str(v) for k, v in self._env_given.items()}}
        self._reason = self._joined = None
        self._started_s = time.monotonic()
        child = Child(environ, sys.path, self._answer, self._ended)
        self.process = child
        await child.start()
        try:
            info = await child.channel.ask("start", self._order())
        except ConnectionError as error:
            cause = cause_of_death(await asyncio.shield(child.returncode))
            await self._report_death(self._joined, cause)
            raise WorkerDied(cause) from error
        except BaseException:
            await child.kill()
            raise
        child.worker_address = info["address"]
        child.worker_dir = info["local_directory"]
        child.worker_name = info["name"]
        return Status.running

    def _order(self) -> dict[str, Any]:
        cls: Any = self._worker_class
        if cls is None:
            from oxidask.distributed.worker import Worker as cls
        settings = config.config if self._config is None else self._config
        return {
            "scheduler": self.scheduler_addr,
            "cls": cloudpickle.dumps(cls),
            "kwargs": _pickle.dumps(self._worker_kwargs),
            "config": dict(settings),
            "python_path": [*self.python_path, *(path or os.getcwd() for path in sys.path)],
            "nanny": self.address or f"process {os.getpid()}",
            "log_level": self.silence_logs or shown_level(),
            "folder": os.getcwd(),
        }

    def _ended(self, child: Child, status: int) -> None:
        """The worker's process is gone."""
        if child.worker_dir:
            # One that was killed could not remove its folder.
            remove_folder(child.worker_dir)
        if child is not self.process or self.status is not Status.running:
            return
        if child.worker_address is None:
            return  # whoever waits for it to start hears of it
        if self._restarting is not None and self._restarting.locked():
            return
        reason = self._reason
        if reason is not None and not reason.startswith("restart"):
            self._spawn(self.close(reason=reason))
            return
        if reason is None:
            cause = self._cause or cause_of_death(status)
            self.deaths.append((time.time(), cause))
            self._logger.warning("Worker process %s died: %s", child.pid, cause)
            self._spawn(self._report_death(child.worker_address, cause))
        self._cause = None
        if reason is None and not self.auto_restart:
            self._spawn(self.close(reason="worker-died"))
        else:
            self._spawn(self._replace())

    _cause: str | None = None

    async def _report_death(self, address: str | None, cause: str) -> None:
        """Tell the scheduler, which would wait for the worker to come back, that it is dead."""
        from oxidask.distributed import _inproc

        if address is None or self.scheduler_addr is None:
            return
        body = {"address": address, "cause": cause}
        from oxidask.distributed._telling import tell

        here = _inproc.find(self.scheduler_addr)
        with suppress(Exception):
            if here is not None:
                here.ask("workers.died", body)
            else:
                secrets = self.security.for_core("worker")
                await in_own_thread(tell, self.scheduler_addr, secrets, "workers.died", body)

    async def _replace(self) -> None:
        """Start another worker; a worker that can't live long is not replaced in haste."""
        for attempt in range(_ATTEMPTS):
            short = time.monotonic() - self._started_s < _SHORT_LIFE_S
            self._pause_s = min(_LONGEST_PAUSE_S, max(0.1, 2 * self._pause_s)) if short else 0.0
            if self._pause_s:
                await asyncio.sleep(self._pause_s)
            if not self._is_running():
                return
            self._logger.info("Restarting worker")
            try:
                await self.instantiate()
                return
            except WorkerDied as error:
                if not self._is_running():
                    return  # the nanny is closed, and has ended it
                # It may have been killed while it started, as any worker may be at any time.
                self.deaths.append((time.time(), error.cause))
                self._logger.warning("A worker's process died while it started: %s", error.cause)
                if attempt + 1 == _ATTEMPTS:
                    self._logger.error("%d workers died while they started", _ATTEMPTS)
            except Exception:
                self._logger.exception("Failed to restart worker")
                break
        await self.close(reason="nanny-instantiate-failed")

    def _is_running(self) -> bool:
        return self.status is Status.running

    def _check_memory(self) -> None:
        process = self.process
        if process is None or not process.is_alive() or process.pid is None:
            return
        used = memory_of(process.pid)
        if used is None or used <= self._memory_bytes:
            return
        limit = self.memory_manager.memory_limit or 0
        self._cause = (
            f"it held {format_bytes(used)} of memory, more than "
            f"{self._memory_bytes / limit:.0%} of its limit of {format_bytes(limit)}"
        )
        self._logger.warning("Worker process %s is ended: %s", process.pid, self._cause)
        process.signal(signal.SIGKILL)

    async def restart(self, timeout: float = 30, reason: str = "nanny-restart") -> Status:
        """End the worker and start another."""
        assert self._restarting is not None
        async with self._restarting:
            await self.kill(reason=reason)
            if self.status is Status.running:
                await self.instantiate()
        return self.status

    async def kill(self, timeout: float = 2, reason: str = "nanny-kill") -> None:
        """End the worker's process: kindly, and by force if that takes longer than `timeout`."""
        process = self.process
        if process is None or process.process is None or not process.is_alive():
            return
        try:
            await asyncio.wait_for(process.channel.ask("close", {"reason": reason}), timeout)
            await asyncio.wait_for(asyncio.shield(process.returncode), timeout)
        except (TimeoutError, ConnectionError):
            pass
        await process.kill()

    async def close(self, timeout: float = 5, reason: str = "nanny-close") -> str:
        """End the worker and the nanny."""
        if self.status in (Status.closing, Status.closed):
            await self.finished()
            return "OK"
        self.status = Status.closing
        self._logger.info("Closing Nanny at %r. Reason: %s", self.address_safe, reason)
        if self._memory is not None:
            self._memory.stop()
        for name in list(self.plugins):
            with suppress(Exception):
                await self.plugin_remove(name)
        await self.preloads.teardown()
        await self.kill(timeout=timeout, reason=reason)
        self._set_closed()
        return "OK"

    async def close_gracefully(self, reason: str = "nanny-close-gracefully") -> None:
        """Do not replace the worker once it ends."""
        self.auto_restart = False
        self.status = Status.closing_gracefully

    def is_alive(self) -> bool:
        """Whether the worker's process is there."""
        return self.process is not None and self.process.is_alive()

    @property
    def pid(self) -> int | None:
        """The worker's process."""
        return None if self.process is None else self.process.pid

    @property
    def worker_address(self) -> str | None:
        """Where the worker is reached."""
        return getattr(self.process, "worker_address", None)

    @property
    def worker_dir(self) -> str | None:
        """The worker's folder."""
        return getattr(self.process, "worker_dir", None)

    @property
    def local_directory(self) -> str:
        """Where folders of workers are made."""
        import tempfile

        chosen = self._base or config.get("temporary-directory", None) or tempfile.gettempdir()
        return os.fspath(chosen)

    @property
    def address(self) -> str | None:
        """Its port, if it was given one; else that of its worker: a nanny is asked through it."""
        if isinstance(self._start_port, int) and self._start_port:
            host = host_towards(self.scheduler_addr or "")
            return join_address("tcp", host, self._start_port)
        return self.worker_address

    @property
    def name(self) -> Any:
        """What its worker is called."""
        return getattr(self.process, "worker_name", None) or self.name_given

    @property
    def scheduler(self) -> Any:
        """The scheduler, as far as its address goes."""
        return SimpleNamespace(address=self.scheduler_addr)

    def __repr__(self) -> str:
        return f"<Nanny: {self.worker_address}, threads: {self.nthreads}>"


def _environ() -> dict[str, str]:
    """Return this process's environment with what the configuration adds to it."""
    added: dict[str, Any] = {}
    for setting in ("distributed.nanny.pre-spawn-environ", "distributed.nanny.environ"):
        added.update(config.get(setting, {}) or {})
    return {**{name: str(value) for name, value in added.items()}, **os.environ}
