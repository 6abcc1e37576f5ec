"""Data that take long to make and stay from one run to the next."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def place() -> Path:
    """Return the folder of all such data: `run.py --data` says, else the user's cache."""
    if said := os.environ.get("BENCHMARK_DATA"):
        return Path(said)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "oxidask" / "benchmarks"


def folder(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder of data; if it isn't there, have a function fill a new one."""
    found = place() / name
    if found.exists():
        return found
    place().mkdir(parents=True, exist_ok=True)
    # Under another name until everything is there: a run may be broken off.
    with tempfile.TemporaryDirectory(dir=place(), prefix="unfinished-") as unfinished:
        filled = Path(unfinished) / "data"
        filled.mkdir()
        make(filled)
        try:
            filled.rename(found)
        except OSError:
            if not found.exists():  # else another process was faster
                raise
    return found
