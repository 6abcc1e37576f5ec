"""How much memory and processor time this process and its children use.

Linux tells it in ``/proc``; elsewhere psutil is asked, when it is installed.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeAlias

__all__ = ["UsageReader", "usage_reader"]

# For each process: resident bytes and the processor seconds it has used so far.
Usage: TypeAlias = dict[int, tuple[int, float]]


class UsageReader(Protocol):
    """Something that reads the usage of this process and of its descendants."""

    def read(self) -> Usage:
        """Read it now."""


def usage_reader() -> UsageReader:
    """The reader for this system.

    Raises
    ------
    RuntimeError
        On a system without ``/proc`` and without psutil.

    Examples
    --------
    >>> import os
    >>> resident_bytes, cpu_seconds = usage_reader().read()[os.getpid()]
    >>> resident_bytes > 0
    True
    """
    if sys.platform == "linux" and Path("/proc/self/statm").exists():
        return _ProcReader()
    try:
        return _PsutilReader()
    except ImportError:
        raise RuntimeError(
            f"on {sys.platform} the use of memory and processors is read with psutil, which is "
            "not installed. Install it with `pip install psutil`."
        ) from None


class _ProcReader:
    def __init__(self) -> None:
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._tick_seconds = 1 / os.sysconf("SC_CLK_TCK")

    def read(self) -> Usage:
        own_pid = os.getpid()
        usage: Usage = {}
        pending = [own_pid]
        while pending:
            pid = pending.pop()
            try:
                resident = int(_read(pid, "statm").split()[1]) * self._page_bytes
                # The kernel's clock is finer than its ticks, but only our own is to be had.
                cpu = time.process_time() if pid == own_pid else self._ticks(pid)
                children = _children(pid)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # It ended while we looked, or became another user's.
            usage[pid] = (resident, cpu)
            pending += children
        return usage

    def _ticks(self, pid: int) -> float:
        # The name, in brackets, may hold anything; what follows starts at the third field.
        fields = _read(pid, "stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * self._tick_seconds


class _PsutilReader:
    def __init__(self) -> None:
        self._psutil = import_module("psutil")

    def read(self) -> Usage:
        usage: Usage = {}
        own = self._psutil.Process()
        for process in [own, *own.children(recursive=True)]:
            try:
                times = process.cpu_times()
                usage[process.pid] = (process.memory_info().rss, times.user + times.system)
            except (self._psutil.NoSuchProcess, self._psutil.AccessDenied):
                continue
        return usage


def _children(pid: int) -> list[int]:
    """The processes that any thread of `pid` started; none where the kernel does not list them."""
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            found += map(int, _read(pid, f"task/{thread}/children").split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
