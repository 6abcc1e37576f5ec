"""The one-machine schedulers' common parts, and the one that runs in the calling thread."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Executor, Future
from functools import lru_cache
from queue import Empty, Queue
from typing import Any

from oxidask import _native, config
from oxidask._interrupts import raise_held, released_interrupts
from oxidask._observed import observed
from oxidask.utils import parse_bytes, parse_timedelta

__all__ = ["get_async", "get_sync"]


# What a run takes for no limit.
_UNLIMITED = 2**64 - 1


def _memory_limit(given: Any) -> int | None:
    """Bytes of a memory limit as the configuration gives it; None for the default."""
    if given is None:
        return _UNLIMITED
    if given == "auto":
        return None
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise TypeError(
            "local.memory-limit must be a number of bytes, text such as '1 GiB', a fraction of "
            f"this machine's memory such as 0.5, 'auto', or None for no limit; got {given!r}"
        )
    return _bytes(given)


@lru_cache(maxsize=16)
def _bytes(text: Any) -> int:
    limit = float(text) if isinstance(text, int | float) else float(parse_bytes(text))
    if 0 < limit <= 1:
        limit *= _native.machine_memory_bytes()
    if not 1 <= limit < _UNLIMITED:
        raise ValueError(f"local.memory-limit must be positive or 'auto', got {text!r}")
    return int(limit)


@lru_cache(maxsize=16)
def _microseconds(text: Any) -> int:
    return max(1, round(float(parse_timedelta(text, default="ms")) * 1e6))


def _task_room() -> int | None:
    """Return how many bytes a task of a plan should hold: a quarter of each worker's share."""
    from oxidask.system import CPU_COUNT

    limit = _memory_limit(config.get("local.memory-limit", "auto"))
    if limit is None:
        limit = _native.machine_memory_bytes()
    workers = config.get("num_workers", None) or CPU_COUNT
    return None if limit == _UNLIMITED else limit // (4 * _worker_count(workers))


def _worker_count(given: Any) -> int:
    """Return `given` if it is a number of workers."""
    try:
        count = operator.index(given)
    except TypeError:
        raise TypeError(f"num_workers must be a positive integer, got {given!r}") from None
    if count < 1:
        raise ValueError(f"num_workers must be at least 1, got {given!r}")
    return count


def _graph(dsk: Any) -> Any:
    """Return the graph of what a scheduler is given: a mapping, or an object that has one."""
    if hasattr(dsk, "items"):
        return dsk
    if hasattr(dsk, "__dask_graph__"):
        return dsk.__dask_graph__()
    raise TypeError(f"a graph must be a mapping of keys to tasks, got {type(dsk).__name__}")


def _settings(num_workers: Any, memory_limit: Any = None) -> dict[str, Any]:
    """Return the settings of a native run."""
    num_workers = _worker_count(num_workers)
    if memory_limit is None:
        # An argument of None is no argument; in the configuration it means no limit.
        memory_limit = config.get("local.memory-limit", "auto")
    directory = config.get("local.spill-directory", None) or config.get("temporary-directory", None)
    if directory is not None and not isinstance(directory, str | os.PathLike):
        raise TypeError(f"local.spill-directory must be a path, got {directory!r}")
    return {
        "num_workers": num_workers,
        "memory_limit": _memory_limit(memory_limit),
        "spill_directory": directory,
        "slice_us": _microseconds(config.get("local.gil-batch", "1ms")),
    }


def _compute(
    dsk: Mapping[Any, Any],
    keys: Any,
    num_workers: Any,
    *,
    pool: Any = None,
    executor: Any = None,
    cache: Any = None,
    callbacks: Any = None,
    memory_limit: Any = None,
) -> Any:
    """Run a graph in this process: on a native pool, an executor, or the calling thread."""
    dsk = _graph(dsk)
    settings = _settings(num_workers, memory_limit)
    if cache is None:
        cache = config.get("cache", None)
    with observed(dsk, callbacks, cache) as (graph, calls):
        return _native.compute(
            graph,
            keys,
            settings,
            pool=pool,
            executor=executor,
            cache=cache,
            callbacks=calls,
        )


def get_sync(
    dsk: Mapping[Any, Any],
    keys: Any,
    cache: dict[Hashable, Any] | None = None,
    callbacks: Any = None,
    **kwargs: Any,
) -> Any:
    """Run a graph in the calling thread, one task after the other.

    For debugging: breakpoints, profilers and Ctrl-C work as in any other code.

    Parameters
    ----------
    dsk
        Keys to tasks.
    keys
        A key, or lists of keys, nested at will.
    cache
        Values of keys that are known; it receives the values of the tasks that run.
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

    Examples
    --------
    >>> get_sync({"x": 1, "y": (lambda x: x + 1, "x")}, ["x", "y"])
    (1, 2)
    """
    return _compute(
        dsk,
        keys,
        1,
        cache=cache,
        callbacks=callbacks,
        memory_limit=kwargs.get("memory_limit"),
    )


# Tasks that leave this thread: their structure as plain tuples.


def _part_constant(obj: Any) -> tuple[Any, ...]:
    return ("const", obj)


def _part_call(function: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    return ("call", function, args, kwargs)


def _part_container(kind: str, items: list[Any]) -> tuple[Any, ...]:
    return (kind, items)


_BUILDERS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}


def _evaluate(part: tuple[Any, ...], values: Any = ()) -> Any:
    """Return the value of a task's structure."""
    kind = part[0]
    if kind == "const":
        return part[1]
    if kind == "value":
        return values[part[1]]
    if kind == "call":
        args = [_evaluate(arg, values) for arg in part[2]]
        kwargs = {name: _evaluate(arg, values) for name, arg in part[3].items()}
        return _evaluate(part[1], values)(*args, **kwargs)
    if kind == "dict":
        return {_evaluate(k, values): _evaluate(v, values) for k, v in part[1]}
    if kind == "node":
        return part[1]({key: values[at] for key, at in part[2]})
    return _BUILDERS[kind](_evaluate(item, values) for item in part[1])


def _run_program(steps: list[tuple[Any, ...]], *args: Any) -> Any:
    """Return the value of the last of several steps, each of which may use the earlier ones'."""
    values = list(args)
    for step in steps:
        values.append(_evaluate(step, values))
    return values[-1]


def _identity(value: Any) -> Any:
    return value


class SynchronousExecutor(Executor):
    """An executor that runs each call at once, in the calling thread.

    Examples
    --------
    >>> SynchronousExecutor().submit(abs, -1).result()
    1
    """

    _max_workers = 1

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the call and return its finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


synchronous_executor = SynchronousExecutor()


def default_get_id() -> int:
    """Return the identity of the worker that runs a task: the process's.

    Examples
    --------
    >>> default_get_id() == os.getpid()
    True
    """
    return os.getpid()


def default_pack_exception(error: BaseException, dumps: Callable[[Any], Any]) -> Any:
    """Return what travels back for an exception; the default raises it on the spot."""
    raise error


def reraise(error: BaseException, traceback: Any = None) -> None:
    """Raise an exception that came back from a worker."""
    raise error


def _run_batch(
    batch: list[tuple[int, Any]],
    loads: Callable[[Any], Any],
    dumps: Callable[[Any], Any],
    get_id: Callable[[], Any],
    pack_exception: Callable[..., Any],
) -> list[tuple[int, Any, bool, Any]]:
    """Run tasks on a worker; give number, packed result, whether it failed, and the worker."""
    results = []
    for number, packed in batch:
        try:
            function, args = loads(packed)
            result, failed = dumps((function(*args), get_id())), False
        except BaseException as error:
            result, failed = pack_exception(error, dumps), True
        results.append((number, result, failed, get_id()))
        if failed:
            break
    return results


def get_async(
    submit: Callable[..., Any],
    num_workers: int,
    dsk: Mapping[Any, Any],
    result: Any,
    cache: dict[Hashable, Any] | None = None,
    get_id: Callable[[], Any] = default_get_id,
    rerun_exceptions_locally: bool | None = None,
    pack_exception: Callable[..., Any] = default_pack_exception,
    raise_exception: Callable[..., None] = reraise,
    callbacks: Any = None,
    dumps: Callable[[Any], Any] = _identity,
    loads: Callable[[Any], Any] = _identity,
    chunksize: int | None = None,
    optimize_graph: bool = False,
    memory_limit: Any = None,
    **kwargs: Any,
) -> Any:
    """Run a graph on any executor.

    Parameters
    ----------
    submit
        ``submit(function, *args)`` starts a call and returns a future with ``add_done_callback``.
    num_workers
        How many batches of tasks to keep running.
    dsk, result
        The graph, and the keys wanted of it.
    cache
        Values of keys that are known; it receives the values of the tasks that run.
    get_id
        Identifies a worker; called on it.
    rerun_exceptions_locally
        Whether to run a failed task again in this thread, for debugging. Default: the setting of
        that name.
    pack_exception, raise_exception
        How an exception travels back, and how it is raised here.
    callbacks
        Callbacks of this computation; default: the active ones.
    dumps, loads
        How tasks and results travel.
    chunksize
        Most tasks in a batch. Default: the setting of that name, else 1.
    optimize_graph
        Whether to run chains of tasks as one.
    memory_limit
        Bytes beyond which values are spilled to disk.

    Returns
    -------
    object
        As for :func:`get_sync`.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as executor:
    ...     get_async(executor.submit, 2, {"x": (sum, [1, 2])}, "x")
    3
    """
    if chunksize is None:
        chunksize = config.get("chunksize", 1)
    if chunksize < 1:
        chunksize = 1 << 30
    if rerun_exceptions_locally is None:
        rerun_exceptions_locally = config.get("rerun_exceptions_locally", False)
    if cache is None:
        cache = config.get("cache", None)
    dsk = _graph(dsk)
    settings = _settings(num_workers, memory_limit)
    with observed(dsk, callbacks, cache) as (graph, calls):
        run = _native.ExternalRun(
            graph,
            result,
            settings,
            cache=cache,
            callbacks=calls,
            optimize_graph=optimize_graph,
        )
        errored = True
        try:
            driver = _Driver(run, submit, num_workers, chunksize, dumps, loads)
            driver.extra = (loads, dumps, get_id, pack_exception)
            driver.drive(rerun_exceptions_locally, raise_exception)
            errored = False
        finally:
            run.close(errored)
        return run.answer()


class _Driver:
    """Keeps an executor busy with the ready tasks of a run."""

    extra: tuple[Any, ...]

    def __init__(
        self,
        run: Any,
        submit: Callable[..., Any],
        num_workers: int,
        chunksize: int,
        dumps: Callable[[Any], Any],
        loads: Callable[[Any], Any],
    ) -> None:
        self.run = run
        self.submit = submit
        self.num_workers = num_workers
        self.chunksize = chunksize
        self.dumps = dumps
        self.loads = loads
        # Not `SimpleQueue`: a signal at its timeout makes the wait endless (CPython 3.11).
        self.done: Queue[Any] = Queue()
        self.n_batches = 0
        self.calls: dict[int, tuple[Any, Any]] = {}

    def drive(self, rerun_locally: bool, raise_exception: Callable[..., None]) -> None:
        """Run until every task has its value, or one fails."""
        while not self.run.is_over:
            self._fill()
            if self.n_batches == 0:
                raise RuntimeError("no task is ready or running, though not all have run")
            future = self._next_done()
            self.n_batches -= 1
            for number, packed, failed, worker_id in future.result():
                function, args = self.calls.pop(number)
                if not failed:
                    value, _ = self.loads(packed)
                elif rerun_locally:
                    with released_interrupts():
                        value = function(*args)
                else:
                    error, traceback = self.loads(packed)
                    raise_exception(error, traceback)
                self.run.finish(number, value, worker_id)

    def _next_done(self) -> Any:
        while True:
            raise_held()
            try:
                # A wait without end would keep Ctrl-C out on some systems.
                return self.done.get(timeout=0.05)
            except Empty:
                continue

    def _fill(self) -> None:
        """Take ready tasks and hand them out evenly."""
        n_free = self.num_workers - self.n_batches
        if n_free <= 0:
            return
        taken: list[tuple[int, Any]] = []
        while len(taken) < n_free * self.chunksize and (task := self.run.take()) is not None:
            raise_held()
            number, function, args = task
            self.calls[number] = (function, args)
            try:
                taken.append((number, self.dumps((function, args))))
            except Exception as error:
                key = self.run.key(number)
                error.add_note(f"task {key!r} can't be sent to another process: {error}")
                raise
        size = max(1, -(-len(taken) // max(1, n_free)))
        for start in range(0, len(taken), size):
            batch = taken[start : start + size]
            future = self.submit(_run_batch, batch, *self.extra)
            self.n_batches += 1
            future.add_done_callback(self.done.put)
