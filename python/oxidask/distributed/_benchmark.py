"""How fast a worker's memory and disk are."""

from __future__ import annotations

import os
import tempfile
import time

__all__ = ["measure"]

_SIZES = {"1 kB": 1_000, "100 kB": 100_000, "1 MB": 1_000_000, "10 MB": 10_000_000}
_DURATION_S = 0.1


def measure(folder: str, duration_s: float = _DURATION_S) -> dict[str, dict[str, float]]:
    """Return bytes a second, of memory and of disk, by the size of what is copied.

    Parameters
    ----------
    folder
        Where files are written; they are removed.
    duration_s
        How long to try each size.

    Examples
    --------
    >>> sorted(measure(tempfile.gettempdir(), 0.001))
    ['disk', 'memory']
    """
    found: dict[str, dict[str, float]] = {"memory": {}, "disk": {}}
    for name, size in _SIZES.items():
        data = os.urandom(size)
        found["memory"][name] = _rate(lambda data=data: bytearray(data), size, duration_s)
        with tempfile.NamedTemporaryFile(dir=folder) as file:

            def write(data: bytes = data) -> None:
                file.seek(0)
                file.write(data)
                file.flush()

            found["disk"][name] = _rate(write, size, duration_s)
    return found


def _rate(function: object, size: int, duration_s: float) -> float:
    assert callable(function)
    begun, count = time.perf_counter(), 0
    while True:
        function()
        count += 1
        elapsed = time.perf_counter() - begun
        if elapsed > duration_s:
            return size * count / elapsed
