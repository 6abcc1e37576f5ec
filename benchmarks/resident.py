"""Resident memory of this process, now and at its highest, as Linux counts it."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from case import NotHereError

_MARK = "OXIDASK_BENCHMARK_FAMILY"


def now() -> int:
    return _status("VmRSS")


def highest() -> int:
    """Give the most bytes since the process began, or since `forget_highest`."""
    return _status("VmHWM")


def forget_highest() -> None:
    """Let the highest count from now."""
    now()
    Path("/proc/self/clear_refs").write_text("5")


def mark_family() -> None:
    """Let `highest_of_all` know whatever this process starts from now on, however detached."""
    os.environ[_MARK] = str(os.getpid())


def highest_of_all() -> int:
    """Give the sum of the highest of this process and of all it has started since the mark."""
    mark = f"{_MARK}={os.getpid()}\0".encode()
    total = highest()
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes() + b"\0":
                total += _status("VmHWM", process.name)
    return total


def _status(name: str, process: str = "self") -> int:
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        if process != "self":
            return 0  # It has ended meanwhile.
        raise NotHereError("memory is measured on Linux only") from None
    found = re.search(rf"{name}:\s*(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0
