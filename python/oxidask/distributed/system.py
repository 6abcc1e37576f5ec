"""How much memory this process may use."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["MEMORY_LIMIT", "memory_limit", "memory_of"]


def memory_limit() -> int:
    """Bytes that this process may use: the least of the machine's, its control group's and its own.

    Examples
    --------
    >>> memory_limit() > 0
    True
    """
    limits = [_machine()]
    if os.path.exists("/proc/self/cgroup"):
        limits += [_number(path) for path in _group_files()]
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_RSS)
        limits += [value for value in (soft, hard) if value > 0]
    except (ImportError, OSError):
        pass
    return int(min(value for value in limits if value))


def memory_of(pid: int | None = None) -> int | None:
    """Bytes of memory that a process holds; None where the system does not tell.

    Parameters
    ----------
    pid
        The process; this one by default.

    Examples
    --------
    >>> memory_of() is None or memory_of() > 0
    True
    """
    if os.path.exists("/proc/self/statm"):
        try:
            words = Path(f"/proc/{pid or os.getpid()}/statm").read_text().split()
            return int(words[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            return None
    try:
        import psutil
    except ImportError:
        return None
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def _machine() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        import psutil  # where the system has no such figures

        return int(psutil.virtual_memory().total)


def _group_files() -> list[Path]:
    """Files with limits of the control group and of those around it."""
    root = Path("/sys/fs/cgroup")
    files = [root / "memory" / "memory.limit_in_bytes", root / "memory.max"]
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return files
    for line in lines:
        if line.startswith("0::"):
            folder = root / line[3:].strip().lstrip("/")
            while folder != root and root in folder.parents:
                files.append(folder / "memory.max")
                folder = folder.parent
    return files


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return None


MEMORY_LIMIT: int = memory_limit()
