"""Plugins on their way: from a client to the scheduler, which hands them on."""

from __future__ import annotations

import uuid
from typing import Any

from oxidask._pickle import dumps
from oxidask.distributed._scheduler_plugins import warn_of_unheard

__all__ = ["SetupPlugin", "register", "unregister"]


async def register(client: Any, plugin: Any, name: str | None = None) -> Any:
    """Add a plugin; the scheduler keeps it for workers to come.

    Returns
    -------
    dict
        Addresses to answers.
    """
    if isinstance(plugin, type):
        raise TypeError(f"register_plugin takes an instance of a plugin, got the class {plugin!r}")
    kind = _kind_of(plugin)
    if name is None:
        name = getattr(plugin, "name", None) or f"{type(plugin).__name__}-{uuid.uuid4().hex}"
    if kind == "scheduler":
        warn_of_unheard(plugin)
    body = {
        "kind": kind,
        "plugin": dumps(plugin),
        "name": str(name),
        "idempotent": bool(getattr(plugin, "idempotent", False)),
    }
    return await client._ask("scheduler.plugin.add", body)


async def unregister(client: Any, kind: str, name: str) -> Any:
    """Take a plugin away again.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    return await client._ask("scheduler.plugin.remove", {"kind": kind, "name": str(name)})


def _kind_of(plugin: Any) -> str:
    """Return whose plugin it is: by the name of a base class, so that stock Dask's count."""
    names = {base.__name__ for base in type(plugin).__mro__}
    for kind, base in (
        ("nanny", "NannyPlugin"),
        ("scheduler", "SchedulerPlugin"),
        ("worker", "WorkerPlugin"),
    ):
        if base in names:
            return kind
    raise TypeError(
        f"{plugin!r} is no plugin: it must be a WorkerPlugin, a NannyPlugin or a SchedulerPlugin"
    )


class WorkerPlugin:
    """The base that tells what kind :class:`SetupPlugin` is."""


class SetupPlugin(WorkerPlugin):
    """Calls a function on each worker.

    Parameters
    ----------
    function
        It gets the worker as ``dask_worker`` if it takes that.
    """

    idempotent = False

    def __init__(self, function: Any) -> None:
        self._function = function
        self.name = f"setup-{getattr(function, '__name__', 'function')}-{uuid.uuid4().hex}"

    def setup(self, worker: Any) -> Any:
        """Call the function."""
        import inspect

        takes_worker = "dask_worker" in inspect.signature(self._function).parameters
        return self._function(dask_worker=worker) if takes_worker else self._function()

    def teardown(self, worker: Any) -> None:
        """Do nothing."""
