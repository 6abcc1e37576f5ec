"""Says what the benchmarks ran on: what matters for the figures, and nothing that names a host."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "oxidask",
    "dask",
    "frisky",
    "numpy",
    "cloudpickle",
    "pandas",
    "pyarrow",
    "polars",
    "duckdb",
)


def describe() -> dict[str, str]:
    cores, memory = _usable_cores(), _memory_gib()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{cores} cores of {_processor()}, {memory:.0f} GiB of memory",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "load at the start": load(),
    }


def load() -> str:
    """How many threads wanted to run during the last minute, five and fifteen, us included."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _version(package: str) -> str:
    if package == "oxidask":
        # Found by a path in the benchmarks' environment, so it has no metadata there.
        import oxidask

        return str(oxidask.__version__)
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
