"""What a worker's process answers, beyond its core: functions to run, plugins, logs, stacks."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oxidask import _pickle
from oxidask.distributed import _benchmark
from oxidask.distributed.system import memory_of

if TYPE_CHECKING:
    from oxidask.distributed.worker import Worker

__all__ = ["WorkerHost", "install_file"]


class WorkerHost:
    """Answers questions by name, each on a thread of its own."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._verbs: dict[str, Callable[[dict[str, Any]], Any]] = {
            "worker.run": lambda body: worker._run(body, "dask_worker"),
            "worker.plugin.add": self._add_plugin,
            "worker.plugin.remove": self._remove_plugin,
            "worker.upload_file": self._upload_file,
            "worker.logs": lambda body: worker.get_logs(n=body.get("n")),
            "worker.call_stack": self._call_stack,
            "worker.profile": self._profile,
            "worker.versions": self._versions,
            "worker.memory": self._memory,
            "worker.env": lambda body: dict(os.environ),
            "worker.identity": lambda body: worker.identity(),
            "worker.actor": self._actor,
            "worker.benchmark": lambda body: _benchmark.measure(worker.local_directory),
        }

    def ask(self, verb: str, body: Any) -> Any:
        """Answer a question; those for the nanny are passed on."""
        from oxidask.distributed._worker_state import worker_scope

        if verb == "nanny.ask":
            verb, body = body["verb"], body.get("body")
            if self.worker.nanny is None:
                raise ValueError(f"worker {self.worker.address} has no nanny to be asked {verb!r}")
            return self.worker.nanny.ask(f"nanny.{verb.partition('.')[2]}", body or {})
        answer = self._verbs.get(verb)
        if answer is None:
            raise NotImplementedError(f"a worker does not know how to answer {verb!r}")
        with worker_scope(self.worker):
            return answer(body or {})

    def _add_plugin(self, body: dict[str, Any]) -> dict[str, Any]:
        plugin = _pickle.loads(body["plugin"])
        self.worker._on_loop(self.worker.plugin_add(plugin, name=str(body["name"])))
        return {"status": "OK"}

    def _remove_plugin(self, body: dict[str, Any]) -> dict[str, Any]:
        self.worker._on_loop(self.worker.plugin_remove(str(body["name"])))
        return {"status": "OK"}

    def _upload_file(self, body: dict[str, Any]) -> dict[str, Any]:
        data = bytes(body["data"])
        install_file(self.worker.local_directory, body["filename"], data, body.get("load", True))
        return {"status": "OK", "nbytes": len(data)}

    def _call_stack(self, body: dict[str, Any]) -> dict[str, list[str]]:
        wanted = body.get("keys")
        frames = sys._current_frames()
        found = {}
        for key, thread in self.worker._executing().items():
            frame = frames.get(thread)
            if frame is None or (wanted is not None and key not in wanted):
                continue
            lines = traceback.format_stack(frame)
            # Outside of the task's own frames are those of the worker's thread.
            own = [f"{os.sep}distributed{os.sep}worker.py" in line for line in lines]
            found[str(key)] = lines[own.index(True) + 1 :] if True in own else lines
        return found

    def _profile(self, body: dict[str, Any]) -> Any:
        from oxidask.distributed import profile

        if self.worker._sampled is None or body.get("server"):
            return profile.create()
        return self.worker._sampled.between(body.get("start"), body.get("stop"))

    def _versions(self, body: dict[str, Any]) -> Any:
        from oxidask.distributed.versions import get_versions

        return get_versions(packages=body.get("packages"))

    def _memory(self, body: dict[str, Any]) -> dict[str, Any]:
        held = dict(getattr(self.worker.core, "memory", None) or {})
        return {**held, "process": memory_of(), "limit": self.worker.memory_manager.memory_limit}

    def _actor(self, body: dict[str, Any]) -> Any:
        from oxidask.distributed.actor import answer

        return answer(self.worker, body)


def install_file(folder: str, filename: str, data: bytes, load: bool = True) -> str:
    """Write a file into a folder that Python imports from, and import it anew.

    Parameters
    ----------
    folder
        Put onto ``sys.path`` if it is not there.
    filename
        Its name: what its path has before that is dropped.
    data
        What is in it.
    load
        Whether a ``.py`` is imported, and a ``.zip`` or ``.egg`` made importable.

    Returns
    -------
    str
        Where it is.
    """
    name = os.path.basename(filename)
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    stem, extension = os.path.splitext(name)
    if not load:
        return path
    if extension in (".zip", ".egg"):
        if path not in sys.path:
            sys.path.insert(0, path)
        importlib.invalidate_caches()
    elif extension in (".py", ".pyc"):
        if folder not in sys.path:
            sys.path.insert(0, folder)
        importlib.invalidate_caches()
        if stem in sys.modules:
            # Two versions may be written within the resolution of the file's time.
            cached = importlib.util.cache_from_source(path)
            if os.path.exists(cached):
                os.remove(cached)
            del sys.modules[stem]
        importlib.import_module(stem)
    return path
