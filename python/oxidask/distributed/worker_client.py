"""Clients inside of tasks: tasks that submit tasks and wait for them.

A task that waits for others holds a thread of its worker that these may need. So it secedes first:
its thread goes on outside of the worker's count, and another one takes its place.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from oxidask import _native
from oxidask.distributed._current import get_client
from oxidask.distributed._worker_state import current_worker, get_worker

__all__ = ["get_client", "get_worker", "local_client", "rejoin", "secede", "worker_client"]


def secede() -> None:
    """Give this task's thread to other tasks of the worker, and go on without one.

    Done before a task waits for other tasks, which may need the thread. Once is enough.

    Raises
    ------
    ValueError
        Outside of tasks.

    See Also
    --------
    rejoin

    Examples
    --------
    >>> def total(n):
    ...     client = get_client()
    ...     futures = client.map(abs, range(n))
    ...     secede()
    ...     results = client.gather(futures)
    ...     rejoin()
    ...     return sum(results)
    >>> from oxidask.distributed import Client
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     client.submit(total, 4).result()
    6
    """
    running = _running("secede")
    if running is not None:
        running.secede()


def rejoin() -> None:
    """Take a thread of the worker again after :func:`secede`; waits until one is free.

    Raises
    ------
    ValueError
        Outside of tasks.
    """
    running = _running("rejoin")
    if running is not None:
        running.rejoin()


def _running(name: str) -> Any:
    """Return the task of this thread; None where an actor's method or a coroutine runs."""
    running = _native.running_task()
    if running is None and current_worker() is None:
        raise ValueError(f"{name}() is called outside of tasks: there is no thread to give")
    return running


@contextmanager
def worker_client(timeout: Any = None, separate_thread: bool = True) -> Iterator[Any]:
    """Give the client of this task's worker, and leave the task's thread to other tasks.

    Parameters
    ----------
    timeout
        Seconds to wait for the connection, if it has to be made.
    separate_thread
        Whether the task secedes, so that what it waits for finds a thread.

    Examples
    --------
    >>> def total(n):
    ...     with worker_client() as client:
    ...         return sum(client.gather(client.map(abs, range(n))))
    >>> from oxidask.distributed import Client
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     client.submit(total, 4).result()
    6
    """
    get_worker()  # raises outside of tasks
    client = get_client(timeout=timeout)
    if separate_thread:
        secede()
    with client.as_current():
        yield client


def local_client(*args: Any, **kwargs: Any) -> AbstractContextManager[Any]:
    """Return :func:`worker_client`, which has this name no longer."""
    warnings.warn("local_client has moved to worker_client", stacklevel=2)
    return worker_client(*args, **kwargs)
