"""Which worker runs the current thread or coroutine: set by workers, read by everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["current_task", "current_worker", "get_worker", "task_scope", "worker_scope"]

# Threads that run tasks set it once; coroutines get it with their context.
_worker: ContextVar[Any] = ContextVar("worker", default=None)
# The key of the task that runs.
_task: ContextVar[Any] = ContextVar("task", default=None)


def current_worker() -> Any:
    """Return the worker whose task runs here; None outside of tasks.

    Examples
    --------
    >>> current_worker() is None
    True
    """
    return _worker.get()


def current_task() -> Any:
    """Return the key of the task that runs here, as far as the worker said so; else None."""
    return _task.get()


@contextmanager
def worker_scope(worker: Any) -> Iterator[None]:
    """Mark what runs inside the block as `worker`'s.

    Examples
    --------
    >>> with worker_scope("a worker"):
    ...     current_worker()
    'a worker'
    """
    token = _worker.set(worker)
    try:
        yield
    finally:
        _worker.reset(token)


@contextmanager
def task_scope(key: Any) -> Iterator[None]:
    """Mark what runs inside the block as the task `key`."""
    token = _task.set(key)
    try:
        yield
    finally:
        _task.reset(token)


def get_worker() -> Any:
    """Return the worker that runs the task that calls this.

    Returns
    -------
    Worker

    Raises
    ------
    ValueError
        Outside of tasks.

    Examples
    --------
    >>> get_worker()
    Traceback (most recent call last):
    ...
    ValueError: No worker found: get_worker() works inside of tasks only
    """
    worker = _worker.get()
    if worker is None:
        raise ValueError("No worker found: get_worker() works inside of tasks only")
    return worker
