"""Plugins that bring files and folders to where workers run."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import zipfile
from typing import TYPE_CHECKING, Any

from oxidask import _pickle
from oxidask.distributed.diagnostics._plugin_bases import NannyPlugin, SchedulerPlugin, WorkerPlugin

if TYPE_CHECKING:
    from oxidask.distributed.nanny import Nanny
    from oxidask.distributed.scheduler import Scheduler
    from oxidask.distributed.worker import Worker

__all__ = ["SchedulerUploadFile", "UploadDirectory", "UploadFile"]


class UploadFile(WorkerPlugin):
    """Brings a file to all workers.

    Parameters
    ----------
    filepath
        The file: modules (``.py``), or archives of them (``.zip``, ``.egg``), are made importable.
    load
        Whether it is made importable.
    """

    name: str = "upload-file"

    def __init__(self, filepath: str, load: bool = True) -> None:
        self.filename = os.path.basename(filepath)
        self.load = load
        with open(filepath, "rb") as file:
            self.data = file.read()
        self.name = f"upload-file-{self.filename}"

    async def setup(self, worker: Worker) -> None:
        """Write the file into the worker's folder."""
        from oxidask.distributed._worker_host import install_file

        install_file(worker.local_directory, self.filename, self.data, self.load)


class SchedulerUploadFile(SchedulerPlugin):
    """Brings a file to the scheduler.

    Parameters
    ----------
    filepath
        The file.
    load
        Whether it is made importable.
    """

    def __init__(self, filepath: str, load: bool = True) -> None:
        self.filename = os.path.basename(filepath)
        self.load = load
        with open(filepath, "rb") as file:
            self.data = file.read()
        self.name = f"scheduler-upload-file-{self.filename}"
        self._folder: Any = None

    async def start(self, scheduler: Scheduler) -> None:
        """Write the file into a folder of the scheduler's."""
        from oxidask.distributed._worker_host import install_file

        self._folder = tempfile.TemporaryDirectory(prefix="scheduler-")
        install_file(self._folder.name, self.filename, self.data, self.load)

    async def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.cleanup()


class UploadDirectory(SchedulerPlugin):
    """Brings a folder to the scheduler, to all workers, or to both.

    Parameters
    ----------
    path
        The folder.
    scheduler
        Whether it goes to the scheduler.
    destination
        Where it is put: the folder of the process by default.
    restart_workers
        Whether workers are started anew; they need nannies then.
    mode
        ``"workers"``, ``"scheduler"`` or ``"all"``.
    update_path
        Whether it is put onto ``sys.path``.
    skip_words
        Folders of these names are left out.
    skip
        Functions of a path: files for which one is true are left out.
    """

    def __init__(
        self,
        path: str,
        scheduler: bool | None = None,
        destination: str | None = None,
        restart_workers: bool = False,
        mode: str | None = None,
        update_path: bool = False,
        skip_words: Any = (".git", ".github", ".pytest_cache", "tests", "docs"),
        skip: Any = (lambda name: os.path.splitext(name)[1] == ".pyc",),
        restart: bool | None = None,
        nanny: Any = None,
    ) -> None:
        path = os.path.abspath(os.path.expanduser(path))
        self.path = os.path.split(path)[-1]
        self.destination = destination
        self.restart_workers = bool(restart_workers or restart)
        self.update_path = update_path
        self.mode = mode or ("all" if scheduler else "workers")
        if self.mode not in ("workers", "scheduler", "all"):
            raise ValueError(
                f"mode={mode!r} not supported, expected one of 'all', 'scheduler', 'workers'"
            )
        self.name = f"upload-directory-{self.path}"
        self.data = _packed(path, frozenset(skip_words), tuple(skip))

    async def start(self, scheduler: Scheduler) -> None:
        """Unpack it here, and have workers do so."""
        if self.mode in ("scheduler", "all"):
            folder = self.destination or os.path.join(tempfile.gettempdir(), "oxidask-uploads")
            _unpack(self.data, folder, self.path, self.update_path)
        if self.mode == "scheduler":
            return
        kind = "nanny" if self.restart_workers else "worker"
        cls = _UnpackOnNanny if self.restart_workers else _UnpackOnWorker
        plugin = cls(self.data, self.destination, self.path, self.update_path, self.name)
        body = {"kind": kind, "plugin": _pickle.dumps(plugin), "name": self.name}
        from oxidask.distributed._loop import in_own_thread

        await in_own_thread(scheduler._host.add_plugin, body)


class _Unpacking:
    def __init__(
        self, data: bytes, destination: str | None, path: str, update_path: bool, name: str
    ) -> None:
        self.data = data
        self.destination = destination
        self.path = path
        self.update_path = update_path
        self.name = name

    def unpack(self, folder: str) -> None:
        """Unpack the folder."""
        _unpack(self.data, self.destination or folder, self.path, self.update_path)


class _UnpackOnWorker(_Unpacking, WorkerPlugin):
    async def setup(self, worker: Worker) -> None:
        self.unpack(worker.local_directory)


class _UnpackOnNanny(_Unpacking, NannyPlugin):
    restart = True

    async def setup(self, nanny: Nanny) -> None:
        folder = nanny.local_directory
        self.unpack(folder)
        if self.update_path:
            nanny.python_path.insert(0, os.path.join(self.destination or folder, self.path))


def _packed(path: str, skip_words: frozenset[str], skip: tuple[Any, ...]) -> bytes:
    if not os.path.isdir(path):
        raise FileNotFoundError(f"{path} is no folder")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(set(folders) - skip_words)
            for file in sorted(files):
                name = os.path.join(folder, file)
                if not any(leave_out(name) for leave_out in skip):
                    archive.write(name, os.path.relpath(name, os.path.join(path, "..")))
    return buffer.getvalue()


def _unpack(data: bytes, folder: str, path: str, update_path: bool) -> None:
    os.makedirs(folder, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    if update_path:
        place = os.path.join(folder, path)
        if place not in sys.path:
            sys.path.insert(0, place)
