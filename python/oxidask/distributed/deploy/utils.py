"""How a machine's processors are shared out among workers."""

from __future__ import annotations

from oxidask.system import CPU_COUNT

__all__ = ["nprocesses_nthreads"]


def nprocesses_nthreads(n: int = CPU_COUNT) -> tuple[int, int]:
    """Return how many processes, with how many threads each, suit `n` processors.

    Up to four processors each is a process of its own; beyond that processes and threads are
    about as many.

    Examples
    --------
    >>> nprocesses_nthreads(4), nprocesses_nthreads(12), nprocesses_nthreads(32)
    ((4, 1), (4, 3), (8, 4))
    """
    if n <= 4:
        return n, 1
    processes = min(p for p in range(1, n + 1) if n % p == 0 and p * p >= n)
    return processes, n // processes
