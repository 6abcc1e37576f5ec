"""Folders of workers: one for each, gone when it ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress

from oxidask import config

__all__ = ["WorkerFolder", "remove_folder"]

_PARENT = "dask-scratch-space"


class WorkerFolder:
    """A folder of a worker's own.

    Parameters
    ----------
    base
        Where it is made; the configured ``temporary-directory``, or the system's, by default.
    """

    def __init__(self, base: str | os.PathLike[str] | None = None) -> None:
        chosen = base or config.get("temporary-directory", None) or tempfile.gettempdir()
        parent = os.path.abspath(os.fspath(chosen))
        if os.path.basename(parent) != _PARENT:
            parent = os.path.join(parent, _PARENT)
        try:
            os.makedirs(parent, exist_ok=True)
            self.path = tempfile.mkdtemp(prefix="worker-", dir=parent)
        except PermissionError:
            if base is not None:
                raise
            # Somebody else made the folder: take one that belongs to this user.
            parent = f"{parent}-{os.getuid()}"
            os.makedirs(parent, exist_ok=True)
            self.path = tempfile.mkdtemp(prefix="worker-", dir=parent)

    def remove(self) -> None:
        """Remove it with all that is in it, and the folder around it if that is empty."""
        remove_folder(self.path)


def remove_folder(path: str) -> None:
    """Remove a worker's folder, and the folder around it if that is empty."""
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        os.rmdir(os.path.dirname(path))
