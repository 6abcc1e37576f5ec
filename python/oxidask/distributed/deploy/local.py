"""A cluster on this machine."""

from __future__ import annotations

import logging
import math
import numbers
from typing import Any

from oxidask.distributed._addresses import split_scheme
from oxidask.distributed.deploy.spec import SpecCluster
from oxidask.distributed.deploy.utils import nprocesses_nthreads
from oxidask.distributed.security import security_of
from oxidask.distributed.system import MEMORY_LIMIT
from oxidask.system import CPU_COUNT

__all__ = ["LocalCluster"]


class LocalCluster(SpecCluster):
    """A scheduler in this process, and workers in processes of their own or in this one.

    Parameters
    ----------
    n_workers : int, optional
        How many workers; as many as suit the machine by default.
    threads_per_worker : int, optional
        Threads of each; together they use all processors by default.
    processes : bool, optional
        Whether workers are processes of their own (the default) or threads of this one, where
        nothing is copied and Python tasks share one lock.
    host : str, optional
        Where the scheduler listens; this machine only by default.
    scheduler_port : int
        The scheduler's port; 0 takes a free one.
    protocol : str, optional
        ``"tcp://"``, ``"tls://"`` or ``"inproc://"``.
    security : Security or bool, optional
        Certificates or a token; True makes temporary certificates.
    memory_limit
        What each worker may use, see `Worker`.
    dashboard_address, worker_dashboard_address
        Where the dashboard is to be.
    worker_class : type, optional
        A class derived from `Worker` or `Nanny`.
    silence_logs
        The level from which on logs are shown.
    interface, name, asynchronous, loop, scheduler_kwargs, scheduler_sync_interval
        As `SpecCluster` and `Scheduler` take them.
    **worker_kwargs
        Further arguments of the workers, such as ``resources``.

    Examples
    --------
    >>> with LocalCluster(n_workers=2, threads_per_worker=1, processes=False) as cluster:
    ...     len(cluster.workers)
    2
    """

    def __init__(
        self,
        name: str | None = None,
        n_workers: int | None = None,
        threads_per_worker: int | None = None,
        processes: bool | None = None,
        loop: Any = None,
        start: Any = None,
        host: str | None = None,
        ip: str | None = None,
        scheduler_port: int = 0,
        silence_logs: Any = logging.WARNING,
        dashboard_address: Any = ":8787",
        worker_dashboard_address: Any = None,
        diagnostics_port: Any = None,
        services: Any = None,
        worker_services: Any = None,
        service_kwargs: Any = None,
        asynchronous: bool = False,
        security: Any = None,
        protocol: str | None = None,
        blocked_handlers: Any = None,
        interface: str | None = None,
        worker_class: type | None = None,
        scheduler_kwargs: dict[str, Any] | None = None,
        scheduler_sync_interval: Any = 1,
        resources: Any = None,
        memory_limit: Any = "auto",
        **worker_kwargs: Any,
    ) -> None:
        from oxidask.distributed.nanny import Nanny
        from oxidask.distributed.worker import Worker

        _must_count("n_workers", n_workers, 0)
        _must_count("threads_per_worker", threads_per_worker, 1)
        if worker_class is not None and not isinstance(worker_class, type):
            raise TypeError(f"worker_class must be a class, got {worker_class!r}")
        if processes is None:
            processes = worker_class is None or issubclass(worker_class, Nanny)
        host = ip if host is None else host
        secured = security_of(security)
        protocol, host = _protocol(protocol, host, processes, scheduler_port, secured)
        n_workers, threads = _counts(n_workers, threads_per_worker, processes)
        if memory_limit == "auto" and n_workers:
            share = min(1.0, threads / CPU_COUNT)
            memory_limit = int(MEMORY_LIMIT * min(share, 1 / n_workers))
        if worker_class is None or not issubclass(worker_class, (Nanny, Worker)):
            cls: Any = worker_class or (Nanny if processes else Worker)
        elif processes and not issubclass(worker_class, Nanny):
            cls, worker_kwargs["worker_class"] = Nanny, worker_class
        else:
            cls = worker_class
        if host is None and interface is None:
            host = "127.0.0.1"
        options: dict[str, Any] = {
            "nthreads": threads,
            "memory_limit": memory_limit,
            "host": None if host in ("", "0.0.0.0") else host,
            "interface": interface,
            "protocol": protocol,
            "security": secured,
            **({"resources": resources} if resources is not None else {}),
            **({"silence_logs": silence_logs} if silence_logs and processes else {}),
            **worker_kwargs,
        }
        if protocol == "inproc":
            host = options["host"] = None
        scheduler_options = {
            "host": host,
            "interface": interface,
            "port": scheduler_port,
            "protocol": protocol,
            "security": secured,
            "dashboard": dashboard_address is not None,
            "dashboard_address": dashboard_address,
            "blocked_handlers": blocked_handlers,
            **(scheduler_kwargs or {}),
        }
        from oxidask.distributed.scheduler import Scheduler

        self.processes = processes
        worker = {"cls": cls, "options": options}
        super().__init__(
            name=name,
            scheduler={"cls": Scheduler, "options": scheduler_options},
            workers={number: worker for number in range(n_workers)},  # noqa: C420
            worker=worker,
            loop=loop,
            asynchronous=asynchronous,
            silence_logs=silence_logs,
            security=secured,
            scheduler_sync_interval=scheduler_sync_interval,
        )

    def start_worker(self, *args: Any, **kwargs: Any) -> Any:
        """Not there any more: use `scale`."""
        raise NotImplementedError("start_worker is no more: use cluster.scale(n)")


def _protocol(
    protocol: str | None, host: str | None, processes: bool, port: int, security: Any
) -> tuple[str, str | None]:
    """Return the scheme of addresses, and the host without it."""
    if host is not None and "://" in host:
        found, host = split_scheme(host)
        protocol = protocol or found
    if protocol is None:
        if security.has_tls("scheduler"):
            protocol = "tls"
        elif not processes and not port and host is None:
            protocol = "inproc"
        else:
            protocol = "tcp"
    return protocol.removesuffix("://"), host


def _must_count(name: str, count: Any, least: int) -> None:
    """Raise unless it is None or an integer that is large enough."""
    if count is None:
        return
    if isinstance(count, bool) or not isinstance(count, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {count!r}")
    if int(count) < least:
        raise ValueError(f"{name} is {count}; it must be at least {least}")


def _counts(n_workers: int | None, threads: int | None, processes: bool) -> tuple[int, int]:
    """Return how many workers there are, with how many threads each."""
    if n_workers is None and threads is None:
        return nprocesses_nthreads() if processes else (1, CPU_COUNT)
    if n_workers is None:
        assert threads is not None
        return (max(1, CPU_COUNT // threads) if processes else 1), threads
    if threads is None:
        # Processors that don't share out evenly are used twice rather than not at all.
        threads = max(1, math.ceil(CPU_COUNT / n_workers)) if n_workers else CPU_COUNT
    return n_workers, threads
