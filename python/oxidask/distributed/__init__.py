"""Clusters: a scheduler, many workers, and clients with futures."""

from __future__ import annotations

import importlib
from typing import Any

from oxidask.distributed.exceptions import (
    CancelledError,
    FutureCancelledError,
    KilledWorker,
    Reschedule,
    TimeoutError,
)

#: Where the other names come from: a worker's process should start without those it never uses.
_MODULES = {
    "_task_options": ("Retry",),
    "_task_output": ("print", "warn"),
    "_worker_state": ("get_worker",),
    "actor": ("Actor", "ActorFuture", "BaseActorFuture"),
    "client": (
        "Client",
        "Future",
        "as_completed",
        "default_client",
        "fire_and_forget",
        "futures_of",
        "get_client",
        "wait",
    ),
    "comm": ("connect",),
    "_rpc": ("rpc",),
    "core": ("Status",),
    "deploy": ("Adaptive", "LocalCluster", "SSHCluster", "SpecCluster", "SubprocessCluster"),
    "diagnostics.memory_sampler": ("MemorySampler",),
    "diagnostics.performance_report": ("performance_report",),
    "diagnostics.plugin": (
        "CondaInstall",
        "Environ",
        "InstallPlugin",
        "NannyPlugin",
        "PipInstall",
        "SchedulerPlugin",
        "UploadDirectory",
        "UploadFile",
        "WorkerPlugin",
    ),
    "diagnostics.progressbar": ("progress",),
    "diagnostics.task_metadata": ("get_task_metadata",),
    "diagnostics.task_stream": ("get_task_stream",),
    "event": ("Event",),
    "lock": ("Lock",),
    "multi_lock": ("MultiLock",),
    "nanny": ("Nanny",),
    "pubsub": ("Pub", "Sub"),
    "queues": ("Queue",),
    "scheduler": ("Scheduler",),
    "security": ("Security",),
    "semaphore": ("Semaphore",),
    "spans": ("span",),
    "utils": ("sync",),
    "variable": ("Variable",),
    "worker": ("Worker",),
    "worker_client": ("local_client", "rejoin", "secede", "worker_client"),
}
# Importing a module puts it into this package under its name: where that is a function's, too, the
# function has to come after it.
_NAMESAKES = ("worker_client",)
_PLACES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [  # noqa: PLE0604  # the names of a table are text too
    "CancelledError",
    "FutureCancelledError",
    "KilledWorker",
    "Reschedule",
    "TimeoutError",
    *_PLACES,
]


def __getattr__(name: str) -> Any:
    if name == "config":
        from oxidask import config

        return config
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{place}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


for _name in _NAMESAKES:
    globals()[_name] = getattr(importlib.import_module(f"{__name__}.{_name}"), _name)
