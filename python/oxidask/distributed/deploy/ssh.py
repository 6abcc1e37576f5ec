"""A cluster whose scheduler and workers are commands on machines that are reached by SSH."""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import suppress
from typing import Any

from oxidask.distributed.deploy._remote import (
    CommandProcess,
    SchedulerProcess,
    WorkerProcess,
    flags,
)
from oxidask.distributed.deploy.spec import SpecCluster

__all__ = ["SSHCluster", "Scheduler", "Worker"]

#: Options of asyncssh that the program `ssh` has too.
_PROGRAM_OPTIONS = {"port": "-p", "username": "-l", "client_keys": "-i"}


class _Remote(CommandProcess):
    """A command on another machine: by `asyncssh` if that is installed, else by ``ssh``."""

    def __init__(
        self,
        address: str,
        connect_options: dict[str, Any] | None = None,
        remote_python: str | None = None,
    ) -> None:
        super().__init__()
        self.host = address
        self.connect_options = dict(connect_options or {})
        self.remote_python = remote_python
        self._connection: Any = None
        self._process: Any = None

    def _command(self) -> list[str]:
        raise NotImplementedError

    async def _launch(self) -> Any:
        python = self.remote_python or sys.executable
        words = [python, "-m", "oxidask", *self._command()]
        command = " ".join(shlex.quote(word) for word in words)
        try:
            import asyncssh  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            return await self._by_program(command)
        self._connection = await asyncssh.connect(self.host, **self.connect_options)
        self._process = await self._connection.create_process(command)
        return self._process.stderr

    async def _by_program(self, command: str) -> Any:
        options = ["-o", "BatchMode=yes"]
        for name, value in self.connect_options.items():
            if name == "known_hosts" and value is None:
                options += ["-o", "StrictHostKeyChecking=no"]
                options += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
            elif name in _PROGRAM_OPTIONS:
                found = value[0] if isinstance(value, (list, tuple)) else value
                options += [_PROGRAM_OPTIONS[name], str(found)]
            elif value is not None:
                raise ImportError(
                    f"SSHCluster requires the `asyncssh` package for the option {name!r}: install "
                    "it with `pip install asyncssh`"
                )
        try:
            # A terminal (-tt) ties the command's life to the connection's.
            self._process = await asyncio.create_subprocess_exec(
                "ssh", "-tt", *options, self.host, command + " 2>&1",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise RuntimeError(
                "SSHCluster requires the `asyncssh` package or the program ssh: install one of them"
            ) from error
        return self._process.stdout

    async def close(self, **kwargs: Any) -> None:
        """End the command and the connection."""
        if self._process is not None:
            with suppress(Exception):
                self._process.terminate()
            with suppress(Exception):
                await asyncio.wait_for(self._process.wait(), 5)
        if self._connection is not None:
            self._connection.close()
        await super().close()


class Scheduler(SchedulerProcess, _Remote):
    """A scheduler on another machine.

    Parameters
    ----------
    address
        The machine.
    connect_options
        As `asyncssh.connect` takes them.
    kwargs
        Options of the command.
    remote_python
        The interpreter there.
    """

    def __init__(
        self,
        address: str,
        connect_options: dict[str, Any],
        kwargs: dict[str, Any],
        remote_python: str | None = None,
    ) -> None:
        super().__init__(address, connect_options, remote_python)
        self.kwargs = kwargs

    def _command(self) -> list[str]:
        return ["scheduler", *flags(self.kwargs)]


class Worker(WorkerProcess, _Remote):
    """Workers on another machine.

    Parameters
    ----------
    scheduler
        The scheduler's address.
    address
        The machine.
    connect_options
        As `asyncssh.connect` takes them.
    kwargs
        Options of the command.
    worker_class
        A class derived from `Worker`, by its name.
    name
        What they are called.
    remote_python
        The interpreter there.
    """

    def __init__(
        self,
        scheduler: str,
        address: str,
        connect_options: dict[str, Any],
        kwargs: dict[str, Any],
        worker_class: str = "oxidask.distributed.Nanny",
        name: Any = None,
        remote_python: str | None = None,
        loop: Any = None,
    ) -> None:
        super().__init__(address, connect_options, remote_python)
        self.scheduler = scheduler
        self.name = name
        self.kwargs = dict(kwargs)
        if worker_class.rpartition(".")[2] not in ("Nanny", "Worker"):
            self.kwargs["worker_class"] = worker_class

    def _command(self) -> list[str]:
        return ["worker", self.scheduler, "--name", str(self.name), *flags(self.kwargs)]


def SSHCluster(  # named as Dask names it
    hosts: list[str] | None = None,
    connect_options: dict[str, Any] | list[dict[str, Any]] | None = None,
    worker_options: dict[str, Any] | None = None,
    scheduler_options: dict[str, Any] | None = None,
    worker_class: str = "oxidask.distributed.Nanny",
    remote_python: str | list[str] | None = None,
    **kwargs: Any,
) -> SpecCluster:
    """Return a cluster on machines that are reached by SSH.

    Parameters
    ----------
    hosts
        The machines: the scheduler runs on the first, workers on the others.
    connect_options
        As `asyncssh.connect` takes them: one dict, or one for each machine.
    worker_options, scheduler_options
        Options of the commands ``oxidask worker`` and ``oxidask scheduler``.
    worker_class
        A class derived from `Worker`, by its name.
    remote_python
        The interpreter there: one, or one for each machine.
    **kwargs
        As `SpecCluster` takes them.

    Returns
    -------
    SpecCluster
    """
    if not hosts:
        raise ValueError(
            f"hosts={hosts!r}: the first machine is for the scheduler, the others for workers"
        )
    connections = _for_each("connect_options", connect_options or {}, hosts)
    pythons = _for_each("remote_python", remote_python, hosts)
    scheduler = {
        "cls": Scheduler,
        "options": {
            "address": hosts[0],
            "connect_options": connections[0],
            "kwargs": {"port": 0, "host": hosts[0], **(scheduler_options or {})},
            "remote_python": pythons[0],
        },
    }
    workers = {
        number: {
            "cls": Worker,
            "options": {
                "address": host,
                "connect_options": connections[number + 1],
                "kwargs": dict(worker_options or {}),
                "worker_class": worker_class,
                "remote_python": pythons[number + 1],
            },
        }
        for number, host in enumerate(hosts[1:])
    }
    cluster = SpecCluster(workers, scheduler, name=kwargs.pop("name", "SSHCluster"), **kwargs)
    cluster._supports_scaling = False
    return cluster


def _for_each(what: str, given: Any, hosts: list[str]) -> list[Any]:
    if not isinstance(given, list):
        return [given] * len(hosts)
    if len(given) != len(hosts):
        raise RuntimeError(f"{what} has {len(given)} entries for {len(hosts)} hosts")
    return given
