"""The scheduler on processes of this machine: for pure-Python work that keeps Python's lock."""

from __future__ import annotations

import multiprocessing
import multiprocessing.pool
import random
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

from oxidask import config
from oxidask._interrupts import held_interrupts, shielded
from oxidask._pickle import dumps as _dumps
from oxidask._pickle import loads as _loads
from oxidask.local import _worker_count, get_async
from oxidask.system import CPU_COUNT

__all__ = ["get", "get_context", "initialize_worker_process"]


class RemoteTraceback(Exception):
    """The traceback of an exception in another process, as text; the cause of the exception."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def remote_exception(error: BaseException, text: str) -> BaseException:
    """Return an exception of the type of `error` whose text ends with a traceback.

    Examples
    --------
    >>> "line 3" in str(remote_exception(ValueError("bad"), "line 3"))
    True
    """
    kind = type(error)
    try:
        name = kind.__name__
        mixed = type(name, (kind,), {"__str__": lambda self: self._text, "_text": ""})
        remote = mixed(*error.args)
        remote._text = f"{error}\n\nTraceback\n---------\n{text}"
    except TypeError:
        return error
    return remote  # type: ignore[no-any-return]


def _pack_exception(error: BaseException, dumps: Callable[[Any], Any]) -> Any:
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    error.__traceback__ = None
    try:
        packed = dumps((error, text))
        _loads(packed)
    except Exception:
        # Neither here nor there can it be pickled: its text must do.
        packed = dumps((RuntimeError(f"{type(error).__name__}: {error}"), text))
    return packed


def _raise_exception(error: BaseException, text: str) -> None:
    raise error from RemoteTraceback(text)


def get_context() -> Any:
    """Return the ``multiprocessing`` context of the setting ``multiprocessing.context``.

    Examples
    --------
    >>> get_context().get_start_method()
    'spawn'
    """
    return multiprocessing.get_context(config.get("multiprocessing.context", "spawn"))


def initialize_worker_process() -> None:
    """Prepare a worker process: Ctrl-C is its parent's business, and random numbers are its own.

    Examples
    --------
    >>> from concurrent.futures import ProcessPoolExecutor
    >>> executor = ProcessPoolExecutor(1, initializer=initialize_worker_process)
    >>> executor.shutdown()
    """
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Blocked since before this process was started: see `shielded`.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def _initialize(user: Callable[[], Any] | None) -> None:
    initialize_worker_process()
    if user is not None:
        user()


class _PoolSubmit:
    """``submit`` for a ``multiprocessing.Pool``."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    def __call__(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self.pool.apply_async(
            function, args, callback=future.set_result, error_callback=future.set_exception
        )
        return future


def _end_at_once(pool: ProcessPoolExecutor) -> None:
    """End the pool's processes, whatever they do."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    for process in processes:
        process.kill()
    pool.shutdown(cancel_futures=True)
    for process in processes:
        process.join()


def get(
    dsk: Mapping[Any, Any],
    keys: Any,
    num_workers: int | None = None,
    func_loads: Callable[[Any], Any] | None = None,
    func_dumps: Callable[[Any], Any] | None = None,
    optimize_graph: bool = True,
    pool: Any = None,
    initializer: Callable[[], Any] | None = None,
    chunksize: int | None = None,
    **kwargs: Any,
) -> Any:
    """Run a graph on processes.

    Tasks, arguments and results are pickled, so this pays for long tasks with small data.

    Parameters
    ----------
    dsk
        Keys to tasks.
    keys
        A key, or lists of keys, nested at will.
    num_workers
        Number of processes. Default: the setting ``num_workers``, else the number of CPUs.
    func_loads, func_dumps
        How tasks and results travel. Default: the settings of those names, else pickle with
        cloudpickle for what it refuses.
    optimize_graph
        Whether to run chains of tasks as one.
    pool
        A ``ProcessPoolExecutor`` or ``multiprocessing.Pool`` to use. Default: the setting ``pool``,
        else processes that end with the computation.
    initializer
        Called once in every process before its first task. Default: the setting
        ``multiprocessing.initializer``.
    chunksize
        Most tasks sent at a time. Default: the setting ``chunksize``, else 6.
    **kwargs
        As for :func:`oxidask.local.get_async`.

    Returns
    -------
    object
        The key's value, or a tuple of values for a list of keys.

    Raises
    ------
    concurrent.futures.process.BrokenProcessPool
        If a process dies, by a signal for example.

    Examples
    --------
    >>> get({"x": (sum, [1, 2])}, "x", num_workers=1)
    3
    """
    if pool is None:
        pool = config.get("pool", None)
    initializer = initializer or config.get("multiprocessing.initializer", None)
    if num_workers is None:
        num_workers = config.get("num_workers", None)
    if isinstance(pool, int):
        num_workers, pool = pool, None
    num_workers = _worker_count(CPU_COUNT if num_workers is None else num_workers)
    with held_interrupts():
        return _get_on_pool(
            pool,
            num_workers,
            initializer,
            dsk,
            keys,
            loads=func_loads or config.get("func_loads", None) or _loads,
            dumps=func_dumps or config.get("func_dumps", None) or _dumps,
            pack_exception=_pack_exception,
            raise_exception=_raise_exception,
            chunksize=chunksize or config.get("chunksize", 6),
            optimize_graph=optimize_graph,
            **kwargs,
        )


def _get_on_pool(
    pool: Any, num_workers: int, initializer: Any, dsk: Any, keys: Any, **kwargs: Any
) -> Any:
    """Run a graph on a pool, or on processes of its own, which are gone when this returns."""
    own = None
    if pool is None:
        own = pool = ProcessPoolExecutor(
            num_workers, mp_context=get_context(), initializer=partial(_initialize, initializer)
        )
    elif initializer is not None:
        raise ValueError("an initializer can't be given to a pool that exists already")
    if isinstance(pool, multiprocessing.pool.Pool):
        num_workers = getattr(pool, "_processes", num_workers)
        submit: Any = _PoolSubmit(pool)
    elif hasattr(pool, "submit"):
        num_workers = getattr(pool, "_max_workers", num_workers)
        submit = pool.submit if own is None else shielded(pool.submit)
    else:
        raise ValueError(
            "pool must be a ProcessPoolExecutor, a multiprocessing.Pool or a number of processes, "
            f"got {pool!r}"
        )
    is_done = False
    try:
        values = get_async(submit, num_workers, dsk, keys, **kwargs)
        is_done = True
        return values
    except BrokenProcessPool as error:
        raise BrokenProcessPool(
            "a worker process died while it ran a task: it was killed (by the system for lack of "
            "memory, perhaps), it crashed, its initializer failed (see above), or it could not "
            'start (a script that uses processes needs `if __name__ == "__main__":` around its '
            "main part)"
        ) from error
    finally:
        if own is not None:
            if is_done:
                own.shutdown()
            else:
                _end_at_once(own)
