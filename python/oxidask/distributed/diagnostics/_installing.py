"""Plugins that install packages where workers run."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oxidask import _pickle
from oxidask.distributed.diagnostics._plugin_bases import NannyPlugin, SchedulerPlugin, WorkerPlugin

if TYPE_CHECKING:
    from oxidask.distributed.scheduler import Scheduler

__all__ = ["CondaInstall", "InstallPlugin", "PipInstall"]

logger = logging.getLogger("distributed.diagnostics.plugin")


class InstallPlugin(SchedulerPlugin):
    """Runs a function that installs something, once on each machine.

    Parameters
    ----------
    install_fn
        Called without arguments on the scheduler's and the workers' machines.
    restart_workers
        Whether workers are started anew afterwards; they need nannies then.
    """

    idempotent = True

    def __init__(self, install_fn: Callable[[], Any], restart_workers: bool) -> None:
        self._install_fn = install_fn
        self.restart_workers = restart_workers
        self.name = f"{type(self).__name__}-{_digest(install_fn)}"
        self._scheduler: Any = None

    async def start(self, scheduler: Scheduler) -> None:
        """Install here, and have workers and nannies install before they run anything."""
        self._scheduler = scheduler
        await _install_once(self._install_fn)
        kind = "nanny" if self.restart_workers else "worker"
        cls = _OnNanny if self.restart_workers else _OnWorker
        plugin = cls(self._install_fn, self.name)
        body = {"kind": kind, "plugin": _pickle.dumps(plugin), "name": self.name}
        from oxidask.distributed._loop import in_own_thread

        await in_own_thread(scheduler._host.add_plugin, {**body, "idempotent": True})

    async def close(self) -> None:
        """Let those to come go without."""
        kind = "nanny" if self.restart_workers else "worker"
        if self._scheduler is not None:
            self._scheduler._host.plugins[kind].pop(self.name, None)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_scheduler": None}


class _OnWorker(WorkerPlugin):
    idempotent = True

    def __init__(self, install_fn: Callable[[], Any], name: str) -> None:
        self._install_fn = install_fn
        self.name = name

    async def setup(self, worker: Any) -> None:
        await _install_once(self._install_fn)


class _OnNanny(NannyPlugin):
    idempotent = True
    restart = True

    def __init__(self, install_fn: Callable[[], Any], name: str) -> None:
        self._install_fn = install_fn
        self.name = name

    async def setup(self, nanny: Any) -> None:
        await _install_once(self._install_fn)


class PipInstall(InstallPlugin):
    """Installs packages with pip on all machines.

    Parameters
    ----------
    packages
        As ``pip install`` takes them.
    pip_options
        Further options, such as ``["--upgrade"]``.
    restart_workers
        Whether workers are started anew afterwards.
    """

    def __init__(
        self,
        packages: list[str],
        pip_options: list[str] | None = None,
        restart_workers: bool = False,
    ) -> None:
        options = list(pip_options or [])
        command = [sys.executable, "-m", "pip", "install", *options, *packages]
        super().__init__(_Command("Pip", tuple(command)), restart_workers)
        self.packages = list(packages)


class CondaInstall(InstallPlugin):
    """Installs packages with conda on all machines.

    Parameters
    ----------
    packages
        As ``conda install`` takes them.
    conda_options
        Further options, such as ``["--update-deps"]``.
    restart_workers
        Whether workers are started anew afterwards.
    """

    def __init__(
        self,
        packages: list[str],
        conda_options: list[str] | None = None,
        restart_workers: bool = False,
    ) -> None:
        options = list(conda_options or [])
        command = ["conda", "install", "-y", *options, *packages]
        super().__init__(_Command("Conda", tuple(command)), restart_workers)
        self.packages = list(packages)


class _Command:
    """Runs a program, and says what it wrote if it fails."""

    def __init__(self, label: str, command: tuple[str, ...]) -> None:
        self.label = label
        self.command = command

    def __call__(self) -> None:
        logger.info("%s installing: %s", self.label, " ".join(self.command))
        command = list(self.command)
        if command[1:2] == ["-m"]:
            command[0] = sys.executable  # Python is elsewhere on other machines
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise RuntimeError(f"{self.label} install failed: there is no {command[0]}") from error
        if done.returncode != 0:
            raise RuntimeError(f"{self.label} install failed with: {done.stderr.strip()!r}")


def _digest(function: Any) -> str:
    from oxidask.tokenize import tokenize

    shown = function.command if isinstance(function, _Command) else _pickle.dumps(function)
    return str(tokenize(shown))


async def _install_once(function: Callable[[], Any]) -> None:
    """Run a function on this machine, once by all processes of one cluster's parent."""
    from oxidask.distributed._loop import in_own_thread

    digest = _digest(function)
    if digest in _done:
        return
    async with _installing():
        if digest not in _done:
            await in_own_thread(_locked, digest, function)
            _done.add(digest)


# What this process has installed.
_done: set[str] = set()
_lock: tuple[Any, asyncio.Lock] | None = None


def _installing() -> asyncio.Lock:
    """Return the lock of this event loop."""
    global _lock
    loop = asyncio.get_running_loop()
    if _lock is None or _lock[0] is not loop:
        _lock = (loop, asyncio.Lock())
    return _lock[1]


def _locked(digest: str, function: Callable[[], Any]) -> None:
    """Run a function while no other process of this user's on this machine does."""
    try:
        import fcntl
    except ImportError:
        function()
        return
    path = os.path.join(tempfile.gettempdir(), f"oxidask-install-{os.getuid()}-{digest[:16]}")
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            function()
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
    os.unlink(path) if os.path.exists(path) else None
