"""How much memory a worker may use, and at which shares of it something is done."""

from __future__ import annotations

import logging
from typing import Any

from oxidask import config
from oxidask.distributed.system import MEMORY_LIMIT
from oxidask.system import CPU_COUNT
from oxidask.utils import parse_bytes

__all__ = ["MemoryManager", "parse_memory_limit"]

logger = logging.getLogger("distributed.worker.memory")


def parse_memory_limit(
    memory_limit: Any, nthreads: int = 1, total_cores: int = CPU_COUNT
) -> int | None:
    """Return a worker's memory limit in bytes; None without one.

    Parameters
    ----------
    memory_limit
        ``"auto"``: a share of this machine's as large as that of its processors; a fraction of this
        machine's; bytes, as a number or as text (``"4 GB"``); 0 or None for no limit.
    nthreads
        Threads of the worker.
    total_cores
        Processors of the machine.

    Examples
    --------
    >>> parse_memory_limit("500 B"), parse_memory_limit(0)
    (500, None)
    """
    if memory_limit is None:
        return None
    original = memory_limit
    if memory_limit == "auto":
        memory_limit = int(MEMORY_LIMIT * min(1, nthreads / total_cores))
    if isinstance(memory_limit, str):
        try:
            memory_limit = float(memory_limit)
        except ValueError:
            memory_limit = parse_bytes(memory_limit)
    if isinstance(memory_limit, float):
        memory_limit = int(memory_limit * MEMORY_LIMIT) if memory_limit <= 1 else int(memory_limit)
    limit = int(memory_limit)
    if limit < 0:
        raise ValueError(f"memory_limit={original!r} is negative; 0 means no limit")
    if limit == 0:
        return None
    if limit > MEMORY_LIMIT:
        logger.info("Ignoring memory_limit=%r: this machine has %d bytes", original, MEMORY_LIMIT)
        return MEMORY_LIMIT
    return limit


class MemoryManager:
    """A worker's memory limit and thresholds.

    Parameters
    ----------
    memory_limit
        As `parse_memory_limit` takes it.
    nthreads
        Threads of the worker.
    target, spill, pause
        Shares of the limit; False turns the measure off, None takes the configured one.
    max_spill
        Bytes on disk; False for no limit.
    """

    def __init__(
        self,
        memory_limit: Any,
        nthreads: int,
        target: Any = None,
        spill: Any = None,
        pause: Any = None,
        max_spill: Any = None,
    ) -> None:
        self.memory_limit = parse_memory_limit(memory_limit, nthreads)
        self.memory_target_fraction = _share("target", target)
        self.memory_spill_fraction = _share("spill", spill)
        self.memory_pause_fraction = _share("pause", pause)
        if max_spill is None:
            max_spill = config.get("distributed.worker.memory.max-spill", False)
        self.max_spill = parse_bytes(max_spill) if isinstance(max_spill, str) else max_spill

    def options(self) -> dict[str, Any]:
        """Return what the worker's core needs to know."""
        return {
            "target": self.memory_target_fraction,
            "spill": self.memory_spill_fraction,
            "pause": self.memory_pause_fraction,
            "max_spill": self.max_spill,
        }


def _share(name: str, given: Any) -> float | bool:
    value = config.get(f"distributed.worker.memory.{name}", False) if given is None else given
    return False if not value else float(value)
