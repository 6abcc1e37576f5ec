"""A cluster whose scheduler and workers are commands on this machine."""

from __future__ import annotations

import asyncio
import math
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from typing import Any

from oxidask.distributed.deploy._remote import (
    CommandProcess,
    SchedulerProcess,
    WorkerProcess,
    flags,
)
from oxidask.distributed.deploy.spec import SpecCluster
from oxidask.distributed.deploy.utils import nprocesses_nthreads
from oxidask.system import CPU_COUNT

__all__ = ["Subprocess", "SubprocessCluster", "SubprocessScheduler", "SubprocessWorker"]


class Subprocess(CommandProcess):
    """A command on this machine."""

    process: Process | None = None

    def _command(self) -> list[str]:
        raise NotImplementedError

    async def _launch(self) -> Any:
        if sys.platform == "win32":
            raise RuntimeError(f"{type(self).__name__} does not support Windows")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "oxidask",
            *self._command(),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        return self.process.stderr

    async def close(self, **kwargs: Any) -> None:
        """End the command: kindly, and by force if that takes long."""
        process = self.process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        await super().close()


class SubprocessScheduler(SchedulerProcess, Subprocess):
    """A scheduler that is a command on this machine.

    Parameters
    ----------
    scheduler_kwargs
        Options of the command.
    """

    def __init__(self, scheduler_kwargs: dict[str, Any] | None = None) -> None:
        if sys.platform == "win32":
            raise RuntimeError("SubprocessScheduler does not support Windows")
        self.scheduler_kwargs = dict(scheduler_kwargs or {})
        super().__init__()

    def _command(self) -> list[str]:
        return ["scheduler", *flags({"port": 0, **self.scheduler_kwargs})]


class SubprocessWorker(WorkerProcess, Subprocess):
    """A worker that is a command on this machine.

    Parameters
    ----------
    scheduler
        The scheduler's address.
    worker_class
        A class derived from `Worker`, by its name.
    name
        What it is called.
    worker_kwargs
        Options of the command.
    """

    def __init__(
        self,
        scheduler: str,
        worker_class: str = "oxidask.distributed.Nanny",
        name: Any = None,
        worker_kwargs: dict[str, Any] | None = None,
    ) -> None:
        if sys.platform == "win32":
            raise RuntimeError("SubprocessWorker does not support Windows")
        self.scheduler = scheduler
        self.name = name
        self.worker_kwargs = dict(worker_kwargs or {})
        self.worker_class = worker_class
        super().__init__()

    def _command(self) -> list[str]:
        options = dict(self.worker_kwargs)
        if self.worker_class.rpartition(".")[2] not in ("Nanny", "Worker"):
            options["worker_class"] = self.worker_class
        elif self.worker_class.endswith("Worker"):
            options.setdefault("nanny", False)
        return ["worker", self.scheduler, "--name", str(self.name), *flags(options)]


def SubprocessCluster(  # named as Dask names it
    host: str | None = None,
    scheduler_port: int = 0,
    scheduler_kwargs: dict[str, Any] | None = None,
    dashboard_address: Any = ":8787",
    worker_class: str = "oxidask.distributed.Nanny",
    n_workers: int | None = None,
    threads_per_worker: int | None = None,
    worker_kwargs: dict[str, Any] | None = None,
    **kwargs: Any,
) -> SpecCluster:
    """Return a cluster whose scheduler and workers are commands on this machine.

    Parameters
    ----------
    host, scheduler_port, dashboard_address
        Of the scheduler.
    scheduler_kwargs, worker_kwargs
        Options of the commands.
    worker_class
        A class derived from `Worker`, by its name.
    n_workers, threads_per_worker
        How many workers, with how many threads each.
    **kwargs
        As `SpecCluster` takes them.

    Returns
    -------
    SpecCluster
    """
    if n_workers is None and threads_per_worker is None:
        n_workers, threads_per_worker = nprocesses_nthreads()
    elif n_workers is None:
        assert threads_per_worker is not None
        n_workers = max(1, CPU_COUNT // threads_per_worker)
    elif threads_per_worker is None:
        threads_per_worker = max(1, math.ceil(CPU_COUNT / n_workers)) if n_workers else 1
    scheduler_options = {
        "host": host,
        "port": scheduler_port,
        "dashboard": None if dashboard_address is not None else False,
        "dashboard_address": dashboard_address,
        **(scheduler_kwargs or {}),
    }
    worker = {
        "cls": SubprocessWorker,
        "options": {
            "worker_class": worker_class,
            "worker_kwargs": {"nthreads": threads_per_worker, **(worker_kwargs or {})},
        },
    }
    scheduler = {
        "cls": SubprocessScheduler,
        "options": {"scheduler_kwargs": scheduler_options},
    }
    workers = {number: worker for number in range(n_workers)}  # noqa: C420
    silence = kwargs.pop("silence_logs", False)
    return SpecCluster(
        workers=workers,
        scheduler=scheduler,
        worker=worker,
        name=kwargs.pop("name", "SubprocessCluster"),
        silence_logs=silence,
        **kwargs,
    )
