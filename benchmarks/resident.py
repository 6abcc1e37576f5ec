"""Resident memory of this process, now and at its highest, as Linux counts it."""

from __future__ import annotations

import re
from pathlib import Path

from case import NotHereError


def now() -> int:
    return _status("VmRSS")


def highest() -> int:
    """Give the most bytes since the process began, or since `forget_highest`."""
    return _status("VmHWM")


def forget_highest() -> None:
    """Let the highest count from now."""
    now()
    Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> int:
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        raise NotHereError("memory is measured on Linux only") from None
    return int(re.search(rf"{name}:\s*(\d+) kB", text)[1]) * 1024
