"""How much memory and processor time this process and its children use.

Linux tells it in ``/proc``; elsewhere psutil is asked, when it is installed.

The reader shares the GIL with the tasks that it observes. Each file that it opens lets them go
first, for as long as they like, so a reading must open few, and must take the time together with
the processor time: otherwise the quotient of the two is wrong.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path
from timeit import default_timer
from typing import NamedTuple, Protocol

__all__ = ["Reading", "UsageReader", "usage_reader"]

# Between two listings of the children, which open a file for each of our threads.
_LISTING_SECONDS = 1.0


class Reading(NamedTuple):
    """For each process its resident bytes and the processor seconds that it has used so far."""

    time: float
    processes: dict[int, tuple[int, float]]


class UsageReader(Protocol):
    """Something that reads the usage of this process and of its descendants."""

    def read(self) -> Reading:
        """Read it now."""

    def close(self) -> None:
        """Give up what reading needs."""


def usage_reader() -> UsageReader:
    """Find the reader for this system.

    Raises
    ------
    RuntimeError
        On a system without ``/proc`` and without psutil.

    Examples
    --------
    >>> import os
    >>> reader = usage_reader()
    >>> resident_bytes, cpu_seconds = reader.read().processes[os.getpid()]
    >>> resident_bytes > 0
    True
    >>> reader.close()
    """
    if sys.platform == "linux" and Path("/proc/self/statm").exists():
        return ProcReader()
    try:
        return PsutilReader()
    except ImportError:
        raise RuntimeError(
            f"on {sys.platform} the use of memory and processors is read with psutil, which is "
            "not installed. Install it with `pip install psutil`."
        ) from None


class ProcReader:
    """Reads ``/proc``, as Linux has it.

    Parameters
    ----------
    listing_seconds : float
        How old the list of our children may be.
    """

    def __init__(self, listing_seconds: float = _LISTING_SECONDS) -> None:
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._tick_seconds = 1 / os.sysconf("SC_CLK_TCK")
        self._listing_seconds = listing_seconds
        self._listed_at = -float("inf")
        self._children: list[int] = []
        self._statm = open("/proc/self/statm", "rb", buffering=0)  # noqa: SIM115 - see `close`

    def read(self) -> Reading:
        """Read it now."""
        if default_timer() - self._listed_at >= self._listing_seconds:
            self._children = _descendants(os.getpid())
            self._listed_at = default_timer()
        processes = {}
        for pid in self._children:
            try:
                processes[pid] = (self._resident(_read(pid, "statm")), self._ticks(pid))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # It has ended, or became another user's.
        resident = self._resident(os.pread(self._statm.fileno(), 200, 0).decode())
        now, cpu = _time_and_own_cpu()
        processes[os.getpid()] = (resident, cpu)
        return Reading(now, processes)

    def close(self) -> None:
        """Close the file that is kept open between readings."""
        self._statm.close()

    def _resident(self, statm: str) -> int:
        return int(statm.split()[1]) * self._page_bytes

    def _ticks(self, pid: int) -> float:
        # The name, in brackets, may hold anything; what follows starts at the third field.
        fields = _read(pid, "stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * self._tick_seconds


class PsutilReader:
    """Reads what psutil tells."""

    def __init__(self) -> None:
        self._psutil = import_module("psutil")

    def read(self) -> Reading:
        """Read it now."""
        own = self._psutil.Process()
        processes = {}
        for process in own.children(recursive=True):
            try:
                times = process.cpu_times()
                processes[process.pid] = (process.memory_info().rss, times.user + times.system)
            except (self._psutil.NoSuchProcess, self._psutil.AccessDenied):
                continue
        resident = own.memory_info().rss
        now, cpu = _time_and_own_cpu()
        processes[own.pid] = (resident, cpu)
        return Reading(now, processes)

    def close(self) -> None:
        """Do nothing: psutil keeps nothing open."""


def _time_and_own_cpu() -> tuple[float, float]:
    """Tell both as of one instant: again, if another thread came in between."""
    for _ in range(5):
        before, cpu, after = default_timer(), time.process_time(), default_timer()
        if after - before < 1e-4:
            break
    return (before + after) / 2, cpu


def _descendants(pid: int) -> list[int]:
    """List the processes below `pid`; none where the kernel does not tell a thread's children."""
    found: list[int] = []
    pending = [pid]
    while pending:
        parent = pending.pop()
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except (FileNotFoundError, ProcessLookupError):
            continue
        for thread in threads:
            try:
                children = [
                    int(child) for child in _read(parent, f"task/{thread}/children").split()
                ]
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            found += children
            pending += children
    return found


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
