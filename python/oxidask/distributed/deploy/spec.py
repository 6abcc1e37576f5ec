"""A cluster that is described: which scheduler, and which workers by name."""

from __future__ import annotations

import asyncio
import atexit
import copy
import importlib
import inspect
import math
import numbers
import os
import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Self

from oxidask import config
from oxidask.distributed._current import open_clients
from oxidask.distributed._logs import silence
from oxidask.distributed._node import seconds_of
from oxidask.distributed._periodic import Periodic
from oxidask.distributed.core import Status
from oxidask.distributed.deploy.cluster import Cluster
from oxidask.distributed.security import security_of
from oxidask.utils import parse_bytes

__all__ = ["NoOpAwaitable", "ProcessInterface", "SpecCluster", "close_clusters", "run_spec"]


class NoOpAwaitable:
    """Something to await that is done."""

    def __await__(self) -> Generator[Any, None, None]:
        return _nothing().__await__()


async def _nothing() -> None:
    """Be nothing to wait for."""


class ProcessInterface:
    """What a cluster asks of the schedulers and workers that it starts.

    Examples
    --------
    >>> async def main():
    ...     async with ProcessInterface() as process:
    ...         return process.status.name
    >>> asyncio.run(main())
    'running'
    """

    def __init__(self, scheduler: Any = None, name: Any = None) -> None:
        self.address = getattr(self, "address", None)
        self.external_address: str | None = None
        self.lock = asyncio.Lock()
        self.status = Status.created
        self._event_finished = asyncio.Event()

    def __await__(self) -> Generator[Any, None, Self]:
        return self._begin().__await__()

    async def _begin(self) -> Self:
        async with self.lock:
            if self.status is Status.created:
                await self.start()
        return self

    async def start(self) -> None:
        """Start the process."""
        self.status = Status.running

    async def close(self, **kwargs: Any) -> None:
        """End the process."""
        self.status = Status.closed
        self._event_finished.set()

    async def finished(self) -> None:
        """Wait until the process has ended."""
        await self._event_finished.wait()

    async def __aenter__(self) -> Self:
        await self
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: status={self.status.name}>"


class SpecCluster(Cluster):
    """A cluster of a described scheduler and described workers.

    Parameters
    ----------
    workers : dict, optional
        Workers to start with: by name, a dict of ``"cls"`` and ``"options"``.
    scheduler : dict, optional
        The scheduler, described likewise; one of this process by default.
    worker : dict, optional
        What a further worker is like, for `scale` and `adapt`.
    asynchronous, loop, name, scheduler_sync_interval
        As `Cluster` takes them.
    security : Security, optional
        For those of the processes that take one.
    silence_logs
        The level from which on logs are shown.
    shutdown_on_close
        Whether the cluster ends when it is closed or the program ends.
    shutdown_scheduler
        Whether the scheduler ends with the cluster.

    Examples
    --------
    >>> from oxidask.distributed import Scheduler, Worker
    >>> cluster = SpecCluster(
    ...     scheduler={"cls": Scheduler, "options": {"port": 0}},
    ...     workers={"a": {"cls": Worker, "options": {"nthreads": 1}}},
    ... )
    >>> len(cluster.scheduler.workers)
    1
    >>> cluster.close()
    """

    _instances: ClassVar[weakref.WeakSet[SpecCluster]] = weakref.WeakSet()

    def __init__(
        self,
        workers: Mapping[Any, Any] | None = None,
        scheduler: Any = None,
        worker: Any = None,
        asynchronous: bool = False,
        loop: Any = None,
        security: Any = None,
        silence_logs: Any = False,
        name: str | None = None,
        shutdown_on_close: bool = True,
        scheduler_sync_interval: Any = 1,
        shutdown_scheduler: bool = True,
    ) -> None:
        self.security = security_of(security)
        self._unsilence: Callable[[], None] | None = None
        self.scheduler_spec = copy.copy(scheduler)
        self.worker_spec: dict[Any, Any] = copy.copy(dict(workers)) if workers else {}
        self.new_spec = copy.copy(worker)
        self.workers: dict[Any, Any] = {}
        self.shutdown_on_close = shutdown_on_close
        self.shutdown_scheduler = shutdown_scheduler
        self._next_number = 0
        self._correcting: asyncio.Lock | None = None
        self._correction: asyncio.Future[None] | None = None
        self._lost: dict[Any, float] = {}
        self._watch: Periodic | None = None
        super().__init__(
            asynchronous=asynchronous,
            loop=loop,
            name=name,
            scheduler_sync_interval=scheduler_sync_interval,
        )
        if silence_logs:
            self._unsilence = silence(silence_logs)
        SpecCluster._instances.add(self)
        if not self._asynchronous:
            try:
                self.sync(self._started)
            except BaseException:
                self.close()
                raise

    async def _started(self) -> Self:
        is_new = self.status is Status.created
        try:
            if is_new:
                await self._start()
            if self.status is not Status.closed:
                await self._correct_state()
        except BaseException:
            # Later it stays, as it is: whoever scales it may do so again.
            if is_new:
                await self._close()
            raise
        return self

    async def _start(self) -> None:
        self._correcting = asyncio.Lock()
        self.status = Status.starting
        if self.scheduler_spec is None:
            from oxidask.distributed.scheduler import Scheduler

            self.scheduler_spec = {"cls": Scheduler, "options": {"port": 0}}
        cls, options = _class_of(self.scheduler_spec), _options_of(self.scheduler_spec)
        if _accepts(cls, "security"):
            options.setdefault("security", self.security)
        self.scheduler = cls(**options)
        self._loop = asyncio.get_running_loop()
        await self.scheduler
        await super()._start()
        timeout = seconds_of(config.get("distributed.deploy.lost-worker-timeout", "15s")) or 0.0
        self._watch = Periodic(self._drop_closed, min(max(timeout / 4, 0.01), 1.0))
        self._watch.start()

    def _correct_state(self) -> Any:
        """Start and end workers until they are as described; wait for that by awaiting it."""
        if self._correction is None or self._correction.done():
            self._correction = asyncio.ensure_future(self._correct())
            # Its error is raised where it is awaited, and nowhere else.
            self._correction.add_done_callback(lambda done: done.cancelled() or done.exception())
        return _Correction(self._correction, self)

    async def _correct(self) -> None:
        assert self._correcting is not None
        async with self._correcting:
            self._drop_closed(at_once=True)
            await self._end_workers([n for n in self.workers if n not in self.worker_spec])
            await self._begin_workers([n for n in self.worker_spec if n not in self.workers])

    def _is_correct(self) -> bool:
        return set(self.workers) == set(self.worker_spec)

    async def _end_workers(self, names: list[Any]) -> None:
        if not names:
            return
        if self.scheduler.status is Status.running:
            addresses = [a for name in names for a in self._addresses_of(name)]
            if addresses:
                with suppress(Exception):
                    body = {"workers": addresses, "close": True}
                    await asyncio.wait_for(self._ask("workers.retire", body), 30)
        workers = [self.workers.pop(name) for name in names if name in self.workers]
        await asyncio.gather(*(_ended(worker) for worker in workers))

    def _addresses_of(self, name: Any) -> list[str]:
        """Return the addresses of the workers that a name of the description stands for."""
        worker = self.workers.get(name)
        group = self.worker_spec.get(name, self.new_spec or {}).get("group")
        if group is None:
            address = getattr(worker, "worker_address", None) or getattr(worker, "address", None)
            return [address] if address else []
        names = {f"{name}{suffix}" for suffix in group}
        known = self.scheduler_info["workers"].items()
        return [address for address, info in known if str(info.get("name")) in names]

    async def _begin_workers(self, names: list[Any]) -> None:
        workers = []
        for name in names:
            spec = self.worker_spec[name]
            cls, options = _class_of(spec), _options_of(spec)
            options.setdefault("name", name)
            if _accepts(cls, "security"):
                options.setdefault("security", self.security)
            address = getattr(self.scheduler, "contact_address", None) or self.scheduler.address
            workers.append((name, cls(address, **options)))
        if not workers:
            return
        self.workers.update(workers)
        results = await asyncio.gather(*(_begun(w) for _, w in workers), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed:
            for (name, _), result in zip(workers, results, strict=True):
                if isinstance(result, BaseException):
                    self.workers.pop(name, None)
            raise failed[0]

    def _drop_closed(self, at_once: bool = False) -> None:
        """Forget workers that have ended by themselves, after the time they have to come back."""
        now = asyncio.get_running_loop().time()
        patience = seconds_of(config.get("distributed.deploy.lost-worker-timeout", "15s")) or 0.0
        for name, worker in list(self.workers.items()):
            if getattr(worker, "status", None) not in (Status.closed, Status.failed):
                self._lost.pop(name, None)
            elif at_once or now - self._lost.setdefault(name, now) >= patience:
                self._lost.pop(name, None)
                del self.workers[name]

    async def _close(self) -> None:
        if self.status is Status.closed:
            return
        if self.status is Status.created:
            await super()._close()
            return
        self.status = Status.closing
        if self._adaptive is not None:
            self._adaptive.stop()
        if self._watch is not None:
            self._watch.stop()
        correction, self._correction = self._correction, None
        if correction is not None and not correction.done():
            correction.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await correction
        workers = list(self.workers.values())
        self.workers.clear()
        self.worker_spec.clear()
        await asyncio.gather(*(_ended(worker) for worker in workers), return_exceptions=True)
        if self._core is not None and self.shutdown_scheduler:
            with suppress(Exception):
                await asyncio.wait_for(self._ask("scheduler.close", {"reason": "cluster-close"}), 5)
        if self.scheduler is not None and self.shutdown_scheduler:
            with suppress(Exception):
                await self.scheduler.close()
        if self.shutdown_scheduler:
            # Who forgets to close them would be left with their threads.
            clients = [client for client in open_clients() if client.cluster is self]
            await asyncio.gather(*(client._lose() for client in clients), return_exceptions=True)
        await super()._close()
        if self._unsilence is not None:
            self._unsilence()
            self._unsilence = None

    async def __aexit__(self, *args: object) -> None:
        if self.shutdown_on_close:
            await self._close()

    def __exit__(self, *args: object) -> None:
        if self.shutdown_on_close:
            self.close()

    @property
    def plan(self) -> set[Any]:
        """Names of the workers there are to be."""
        return {n for name, spec in self.worker_spec.items() for n in _names_of(name, spec)}

    @property
    def requested(self) -> set[Any]:
        """Names of the workers that were started."""
        specs = self.worker_spec
        return {n for name in self.workers for n in _names_of(name, specs.get(name, {}))}

    def _new_worker_name(self, worker_number: int) -> Any:
        """Return the name of a further worker."""
        return worker_number

    def new_worker_spec(self) -> dict[Any, Any]:
        """Return the name and the description of a further worker."""
        if not self.new_spec:
            raise ValueError(
                f"{type(self).__name__} can't be scaled: it was not told what workers are like; "
                "give worker={'cls': ..., 'options': {...}}"
            )
        name = self._new_worker_name(self._next_number)
        while name in self.worker_spec:
            self._next_number += 1
            name = self._new_worker_name(self._next_number)
        self._next_number += 1
        return {name: self.new_spec}

    def _threads_per_worker(self) -> int:
        options = (self.new_spec or {}).get("options", {})
        return int(options.get("nthreads") or 1)

    def _memory_per_worker(self) -> int:
        limit = (self.new_spec or {}).get("options", {}).get("memory_limit")
        if not limit:
            raise ValueError(
                "to scale by memory workers must have a memory_limit: give it in the description "
                "of workers, or scale by n= or cores="
            )
        return int(parse_bytes(limit))

    def _count_for(self, n: Any, memory: Any, cores: Any) -> int:
        if not isinstance(n, numbers.Real) or not math.isfinite(n) or n < 0:
            raise ValueError(f"n={n!r} is no number of workers")
        wanted = [int(float(n))]
        if cores is not None:
            wanted.append(math.ceil(cores / self._threads_per_worker()))
        if memory is not None:
            wanted.append(math.ceil(parse_bytes(memory) / self._memory_per_worker()))
        return max(wanted)

    def scale(self, n: int = 0, memory: Any = None, cores: Any = None) -> Any:
        """Have so many workers.

        Parameters
        ----------
        n
            How many.
        memory
            As many as have so much together, such as ``"100 GB"``.
        cores
            As many as have so many threads together.

        Returns
        -------
        Awaitable
            On an event loop: done once it is so.
        """
        n = self._count_for(n, memory, cores)
        surplus = len(self.worker_spec) - n
        if surplus > 0:
            # Those that were not started yet are the cheapest to lose.
            idle = [name for name in self.worker_spec if name not in self.workers]
            for name in idle[:surplus]:
                del self.worker_spec[name]
            for name in list(self.worker_spec)[n:]:
                del self.worker_spec[name]
        while len(self.worker_spec) < n:
            self.worker_spec.update(self.new_worker_spec())
        return self._soon()

    async def bring_back(self) -> None:
        """Start anew the workers that have ended; from any event loop."""
        if self.status is not Status.running or self._loop is None:
            return
        if self._loop is asyncio.get_running_loop():
            await self._begin_again()
        else:
            begun = asyncio.run_coroutine_threadsafe(self._begin_again(), self._loop)
            await asyncio.wrap_future(begun)

    async def _begin_again(self) -> None:
        ending = [w for w in self.workers.values() if getattr(w, "status", None) is Status.closing]
        await asyncio.gather(*(worker.finished() for worker in ending))
        await self._correct_later()

    def _soon(self) -> Any:
        """Have workers become as described, without waiting for it."""
        if self.status not in (Status.running, Status.starting):
            return NoOpAwaitable()
        if self.called_from_running_loop:
            return self._correct_later()
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._correct_later)
        return NoOpAwaitable()

    def _correct_later(self) -> Any:
        # What is under way may have looked at the description before it changed.
        before = self._correction
        if before is None or before.done():
            return self._correct_state()
        self._correction = asyncio.ensure_future(self._correct())
        self._correction.add_done_callback(lambda done: done.cancelled() or done.exception())
        return _Correction(self._correction, self)

    async def scale_up(self, n: int = 0, memory: Any = None, cores: Any = None) -> None:
        """Have at least so many workers, and wait for them to start."""
        n = self._count_for(n, memory, cores)
        while len(self.worker_spec) < n:
            self.worker_spec.update(self.new_worker_spec())
        await self._correct_later()

    async def scale_down(self, workers: Any) -> None:
        """Close workers of these names."""
        wanted = set(workers)
        for name, spec in list(self.worker_spec.items()):
            if wanted & set(_names_of(name, spec)) or name in wanted:
                del self.worker_spec[name]
        await self._correct_later()

    def adapt(
        self,
        Adaptive: Any = None,
        minimum: float = 0,
        maximum: float = math.inf,
        minimum_cores: int | None = None,
        maximum_cores: int | None = None,
        minimum_memory: Any = None,
        maximum_memory: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Have as many workers as there is work for, within bounds; see `Cluster.adapt`."""
        if minimum_cores is not None:
            minimum = max(minimum or 0, math.ceil(minimum_cores / self._threads_per_worker()))
        if minimum_memory is not None:
            needed = math.ceil(parse_bytes(minimum_memory) / self._memory_per_worker())
            minimum = max(minimum or 0, needed)
        if maximum_cores is not None:
            maximum = min(maximum, maximum_cores // self._threads_per_worker())
        if maximum_memory is not None:
            maximum = min(maximum, parse_bytes(maximum_memory) // self._memory_per_worker())
        return super().adapt(Adaptive, minimum=minimum, maximum=maximum, **kwargs)

    def __repr__(self) -> str:
        if self.scheduler is None or self.status is Status.closed:
            return f"{self._cluster_class_name()}({self.name}, status={self.status.name})"
        return super().__repr__()


async def run_spec(spec: Mapping[Any, Any], *args: Any) -> dict[Any, Any]:
    """Start what a description names, with these arguments, and return it by name."""
    workers = {}
    for name, each in spec.items():
        options = _options_of(each)
        options.setdefault("name", name)
        workers[name] = _class_of(each)(*args, **options)
    if workers:
        await asyncio.gather(*(_begun(worker) for worker in workers.values()))
    return workers


# Clusters that a forked process got from its parent, whose they stay: their threads are there.
_of_parent: list[SpecCluster] = []


def _after_fork() -> None:
    for cluster in list(SpecCluster._instances):
        _of_parent.append(cluster)
        cluster.status = Status.closed
    SpecCluster._instances.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def close_clusters() -> None:
    """Close all clusters that are to end with the program."""
    for cluster in list(SpecCluster._instances):
        if not cluster.shutdown_on_close or cluster.status in (Status.closed, Status.created):
            continue
        loop = cluster._loop
        if loop is None or loop.is_closed() or (cluster._asynchronous and not loop.is_running()):
            continue
        with suppress(Exception):
            if cluster._asynchronous:
                future = asyncio.run_coroutine_threadsafe(cluster._close(), loop)
                future.result(10)
            else:
                cluster.close(timeout=10)


async def _begun(worker: Any) -> Any:
    return await worker


async def _ended(worker: Any) -> None:
    with suppress(Exception):
        await worker.close()


class _Correction:
    """A correction that is under way: to be awaited, or not."""

    def __init__(self, future: asyncio.Future[None], cluster: SpecCluster) -> None:
        self._future = future
        self._cluster = cluster

    def __await__(self) -> Generator[Any, None, SpecCluster]:
        yield from asyncio.shield(self._future).__await__()
        return self._cluster


def _names_of(name: Any, spec: Mapping[str, Any]) -> list[Any]:
    group = spec.get("group")
    return [f"{name}{suffix}" for suffix in group] if group else [name]


def _class_of(spec: Mapping[str, Any]) -> Any:
    if not isinstance(spec, Mapping) or "cls" not in spec:
        raise ValueError(
            f"{spec!r} describes no process: it needs a class, such as "
            "{'cls': Worker, 'options': {'nthreads': 2}}"
        )
    cls = spec["cls"]
    if isinstance(cls, str):
        module, _, name = cls.rpartition(".")
        for theirs in ("dask.distributed", "distributed"):
            if module == theirs or module.startswith(theirs + "."):
                module = "oxidask.distributed" + module[len(theirs) :]
                break
        cls = getattr(importlib.import_module(module), name)
    if not callable(cls):
        raise TypeError(f"cls={cls!r} is no class that makes a process")
    return cls


def _options_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    return dict(spec.get("options") or spec.get("opts") or {})


def _accepts(cls: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(cls).parameters
    except (TypeError, ValueError):
        return False
    return name in parameters
