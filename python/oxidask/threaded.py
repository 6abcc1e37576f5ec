"""The scheduler on this process's threads: the default of most collections."""

from __future__ import annotations

import atexit
import os
from collections.abc import Hashable, Mapping
from typing import Any

from oxidask import _native, config
from oxidask.local import _compute
from oxidask.system import CPU_COUNT

__all__ = ["get"]

_pool = _native.ThreadPool()


def _forget_pool() -> None:
    """Start afresh in a forked child, where the parent's threads don't exist."""
    global _pool
    _native.forget_crews()
    _pool = _native.ThreadPool()


os.register_at_fork(after_in_child=_forget_pool)
# Daemon threads may still compute when the interpreter ends.
atexit.register(_native.close_crews)


def get(
    dsk: Mapping[Any, Any],
    keys: Any,
    cache: dict[Hashable, Any] | None = None,
    num_workers: int | None = None,
    pool: Any = None,
    callbacks: Any = None,
    **kwargs: Any,
) -> Any:
    """Run a graph on threads.

    Threads take Python's lock for many small tasks at a time; tasks that release it (NumPy,
    compression, input and output) run in parallel.

    Parameters
    ----------
    dsk
        Keys to tasks.
    keys
        A key, or lists of keys, nested at will.
    cache
        Values of keys that are known; it receives the values of the tasks that run.
    num_workers
        Most threads at work. Default: the setting ``num_workers``, else the number of CPUs.
    pool
        An executor or ``multiprocessing.pool.ThreadPool`` whose threads to use. Default: the
        setting ``pool``, else threads of Oxidask's own, which end after ten idle seconds.
    callbacks
        Callbacks of this computation; default: the active ones.
    **kwargs
        ``memory_limit``: bytes, or text such as ``"1 GiB"``, beyond which values are spilled.

    Returns
    -------
    object
        The key's value, or a tuple of values for a list of keys.

    Raises
    ------
    KeyError
        If a key is not in the graph.
    RuntimeError
        If tasks wait for each other.

    Examples
    --------
    >>> get({"x": 1, "y": (lambda x: x + 1, "x")}, "y")
    2
    """
    if pool is None:
        pool = config.get("pool", None)
    if num_workers is None:
        num_workers = config.get("num_workers", None)
    if isinstance(pool, int):
        num_workers, pool = pool if num_workers is None else num_workers, None
    if pool is not None:
        if num_workers is None:
            num_workers = getattr(pool, "_max_workers", None) or getattr(pool, "_processes", None)
        return _compute(
            dsk,
            keys,
            CPU_COUNT if num_workers is None else num_workers,
            executor=pool,
            cache=cache,
            callbacks=callbacks,
            memory_limit=kwargs.get("memory_limit"),
        )
    return _compute(
        dsk,
        keys,
        CPU_COUNT if num_workers is None else num_workers,
        pool=_pool,
        cache=cache,
        callbacks=callbacks,
        memory_limit=kwargs.get("memory_limit"),
    )
