"""Looking at a cluster: progress, tasks, memory, code; and plugins that hear of what happens."""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {"MemorySampler": "memory_sampler", "SchedulerPlugin": "plugin"}

__all__ = ["MemorySampler", "SchedulerPlugin"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
