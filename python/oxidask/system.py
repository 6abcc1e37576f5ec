"""How many processors this process may use."""

from __future__ import annotations

import math
import os
import sys

__all__ = ("CPU_COUNT", "cpu_count")


def cpu_count() -> int:
    """How many processors this process may use.

    The least of what the machine has, what the process is bound to, and, on Linux, the quota of
    its control group, rounded up.

    Returns
    -------
    int

    Examples
    --------
    >>> 1 <= cpu_count() <= os.cpu_count()
    True
    """
    limits = [float(os.cpu_count() or 1)]
    if hasattr(os, "process_cpu_count"):  # Python 3.13: heeds -X cpu_count and the affinity
        limits.append(float(os.process_cpu_count() or 1))
    bound = _affinity()
    if bound:
        limits.append(bound)
    if sys.platform == "linux":
        quota = _cgroup_quota()
        if quota:
            limits.append(quota)
    return max(1, math.ceil(min(limits)))


def _affinity() -> int | None:
    """Processors that the process is bound to, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return None


def _cgroup_quota() -> float | None:
    """Processors that the control group may keep busy, or None without a limit."""
    group = _cgroup_path()
    # A parent's limit holds for its children too.
    found = []
    while True:
        words = _read(f"/sys/fs/cgroup{group}cpu.max")
        if words is not None:
            found.append(_quotient(*words.split()[:2]))
        if group == "/":
            break
        group = group.rstrip("/").rpartition("/")[0] + "/"
    for name in ("cpuacct,cpu", "cpu,cpuacct", "cpu"):
        quota = _read(f"/sys/fs/cgroup/{name}/cpu.cfs_quota_us")
        period = _read(f"/sys/fs/cgroup/{name}/cpu.cfs_period_us")
        if quota is not None and period is not None:
            found.append(_quotient(quota, period))
    return min((quota for quota in found if quota is not None), default=None)


def _cgroup_path() -> str:
    """The path of the process in the unified hierarchy, with a slash at each end."""
    for line in (_read("/proc/self/cgroup") or "").splitlines():
        if line.startswith("0::"):
            path = line[len("0::") :].strip()
            # Within a namespace the path may begin above its root.
            return "/" if "/.." in path or path == "/" else path.rstrip("/") + "/"
    return "/"


def _quotient(quota: str, period: str) -> float | None:
    try:
        share = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):  # "max"
        return None
    return share if share > 0 else None


def _read(path: str) -> str | None:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


CPU_COUNT = cpu_count()
