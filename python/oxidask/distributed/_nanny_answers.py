"""What a nanny answers: its worker, and those who ask through it."""

from __future__ import annotations

import logging
import os
from typing import Any

from oxidask import _pickle
from oxidask.distributed._loop import in_own_thread
from oxidask.distributed.core import Status

__all__ = ["AnswersOfNanny"]


class AnswersOfNanny:
    """The part of a nanny that answers.

    A nanny listens nowhere: who asks it asks the scheduler, which asks the worker, which asks its
    nanny.
    """

    process: Any
    name: Any
    nthreads: int
    scheduler_addr: str | None
    security: Any
    worker_address: Any
    get_logs: Any
    kill: Any
    plugin_add: Any
    plugin_remove: Any
    restart: Any
    status: Status
    _reason: str | None
    #: The address of the last worker that has joined the scheduler.
    _joined: str | None = None
    _logger: logging.Logger
    _run: Any
    _spawn: Any

    async def _answer(self, verb: str, body: Any) -> Any:
        """Answer what the worker asks, or what others ask through it."""
        if verb == "joined":
            self._joined = str(body["address"])
            return True
        if verb == "closing":
            self._reason = str(body.get("reason") or "closed")
            return True
        if verb == "nanny.run":
            return await in_own_thread(self._run, body, "dask_worker")
        if verb == "nanny.logs":
            return self.get_logs(n=body.get("n"))
        if verb == "nanny.plugin.add":
            await self.plugin_add(_pickle.loads(body["plugin"]), name=str(body["name"]))
            return {"status": "OK"}
        if verb == "nanny.plugin.remove":
            await self.plugin_remove(str(body["name"]))
            return {"status": "OK"}
        if verb in ("nanny.restart", "nanny.kill"):
            self._spawn(self.restart() if verb == "nanny.restart" else self.kill())
            return True
        raise NotImplementedError(f"a nanny does not know how to answer {verb!r}")

    async def run(
        self, comm: Any, function: Any, args: Any = (), kwargs: Any = None, wait: bool = True
    ) -> Any:
        """Call a function in this process, as ``client.run(function, nanny=True)`` does.

        Parameters
        ----------
        comm
            Accepted for Dask's sake.
        function
            A function, or a pickled one; it gets this nanny as ``dask_worker`` if it takes that.
        args, kwargs
            What it is called with; these may be pickled, too.
        wait
            Whether to wait for what it gives.
        """
        given = [_unpickled(each) for each in (args, kwargs)]
        body = {
            "function": function if isinstance(function, bytes) else _pickle.dumps(function),
            "args": _pickle.dumps((tuple(given[0]), dict(given[1] or {}))),
            "wait": wait,
        }
        answer = await in_own_thread(self._run, body, "dask_worker")
        return _unpickled(answer)

    async def listen(self, port_or_addr: Any = None, **kwargs: Any) -> None:
        """Not to be had: a nanny has no address of its own.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            "a nanny listens nowhere: it is asked through its worker, such as by "
            "client.run(function, nanny=True)"
        )

    def identity(self) -> dict[str, Any]:
        """Return what it is."""
        return {
            "type": type(self).__name__,
            "id": self.worker_address,
            "name": self.name,
            "scheduler": self.scheduler_addr,
            "worker": self.worker_address,
            "nthreads": self.nthreads,
            "pid": os.getpid(),
            "status": self.status.name,
        }

    def versions(self) -> dict[str, Any]:
        """Return the versions of Python and of packages here."""
        from oxidask.distributed.versions import get_versions

        return get_versions()

    def log_event(self, topic: Any, msg: Any) -> None:
        """Tell those who listen to a topic, or to several."""
        topics = [topic] if isinstance(topic, str) else list(topic)
        self._spawn(self._log_event(topics, msg))

    async def _log_event(self, topics: list[str], msg: Any) -> None:
        from oxidask.distributed import _values
        from oxidask.distributed._telling import tell

        secrets = self.security.for_core("worker")
        body = {"topic": topics, "body": _values.pack(msg)}
        try:
            await in_own_thread(tell, self.scheduler_addr, secrets, "topic.log", body)
        except OSError as error:
            self._logger.warning("The scheduler did not hear of an event: %s", error)


def _unpickled(given: Any) -> Any:
    return _pickle.loads(given) if isinstance(given, bytes) else given
