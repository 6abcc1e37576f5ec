"""Profilers: what ran where and when, what the machine spent on it, and what was held.

Each is a callback whose ``results`` list can be read after a computation; the drawing is done in
`oxidask.diagnostics.profile_visualize`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from timeit import default_timer
from typing import Any, NamedTuple

from oxidask.callbacks import Callback
from oxidask.diagnostics.process_usage import Reading, UsageReader, usage_reader

__all__ = [
    "CacheData",
    "CacheProfiler",
    "Profiler",
    "ResourceData",
    "ResourceProfiler",
    "TaskData",
]

Graph = Mapping[Hashable, Any]
State = Mapping[str, Any]
Span = tuple[float | None, float | None]


class TaskData(NamedTuple):
    """One task that ran; times are those of `timeit.default_timer`."""

    key: Hashable
    task: Any
    start_time: float
    end_time: float
    worker_id: Hashable


class ResourceData(NamedTuple):
    """What was in use at a time: memory in MB, and processors in percent of one, since the last."""

    time: float
    mem: float
    cpu: float


class CacheData(NamedTuple):
    """One result that the scheduler held, from `cache_time` to `free_time`."""

    key: Hashable
    task: Any
    metric: float
    cache_time: float
    free_time: float


def _task_of(dsk: Graph, key: Hashable) -> Any:
    """Return the task of a key; the key itself for one that was added to run the graph."""
    return dsk.get(key, key)


class _Profiler(Callback):
    """What the profilers share: when the observation began and ended, and how to draw it."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[Any] = []
        self.start_time: float | None = None
        self.end_time: float | None = None

    def __enter__(self) -> Any:
        self.clear()
        self.start_time = default_timer()
        return super().__enter__()

    def __exit__(self, *args: object) -> None:
        self.end_time = default_timer()
        super().__exit__(*args)

    def clear(self) -> None:
        """Forget what was recorded.

        Examples
        --------
        >>> profiler = Profiler()
        >>> profiler.clear()
        >>> profiler.results
        []
        """
        self.results = []
        self.start_time = None
        self.end_time = None

    def visualize(self, **kwargs: Any) -> Any:
        """Draw what was recorded: see `oxidask.diagnostics.visualize` for the keywords.

        Examples
        --------
        >>> from operator import add
        >>> from oxidask.local import get_sync
        >>> with Profiler() as profiler:
        ...     get_sync({"x": (add, 1, 2)}, "x")
        3
        >>> picture = profiler.visualize(show=False, save=False)
        """
        from oxidask.diagnostics.profile_visualize import visualize

        return visualize(self, **kwargs)

    @property
    def _span(self) -> Span:
        return self.start_time, self.end_time

    def _begin(self) -> None:
        # A registered profiler is never entered, yet its picture needs a time to start from.
        if self.start_time is None:
            self.start_time = default_timer()


class Profiler(_Profiler):
    """Record for each task when it started and ended, and on which worker.

    Attributes
    ----------
    results : list of TaskData
        The tasks that succeeded, in the order in which they started; filled when a computation
        ends.

    Examples
    --------
    >>> from operator import add, mul
    >>> from oxidask.local import get_sync
    >>> with Profiler() as profiler:
    ...     get_sync({"x": (add, 1, 2), "y": (mul, "x", 2)}, "y")
    6
    >>> [task.key for task in profiler.results]
    ['x', 'y']
    """

    results: list[TaskData]

    def __init__(self) -> None:
        super().__init__()
        self._dsk: dict[Hashable, Any] = {}
        self._results: dict[Hashable, tuple[float, float | None, Hashable]] = {}

    def clear(self) -> None:
        """Forget what was recorded."""
        super().clear()
        self._dsk = {}
        self._results = {}

    def _start(self, dsk: Graph) -> None:
        self._begin()

    def _pretask(self, key: Hashable, dsk: Graph, state: State) -> None:
        self._results[key] = (default_timer(), None, None)

    def _posttask(self, key: Hashable, value: Any, dsk: Graph, state: State, id: Hashable) -> None:
        end = default_timer()
        self._results[key] = (self._results[key][0], end, id)

    def _finish(self, dsk: Graph, state: State | None, failed: bool) -> None:
        for key, (start, end, worker_id) in self._results.items():
            if end is not None:
                self._dsk[key] = task = _task_of(dsk, key)
                self.results.append(TaskData(key, task, start, end, worker_id))
        self._results = {}
        self.end_time = default_timer()

    def _plot(self, span: Span | None = None, **kwargs: Any) -> Any:
        from oxidask.diagnostics.profile_visualize import plot_tasks

        return plot_tasks(self.results, self._dsk, *(span or self._span), **kwargs)


class ResourceProfiler(_Profiler):
    """Record the memory and processors used by this process and its children.

    A thread takes a sample at the start, every `dt` seconds, and at the end. As a context it
    samples until the block ends, and `results` is filled then; registered, it samples during each
    computation.

    Parameters
    ----------
    dt : float, optional
        Seconds between two samples.

    Attributes
    ----------
    results : list of ResourceData
        Memory in MB; processors in percent, where 100 is one of them fully used. The percentage
        is that since the previous sample, so the first of each recording is 0.

    Notes
    -----
    Linux needs nothing installed; other systems need psutil. The thread needs the GIL for an
    instant: a C extension that keeps it delays samples, whose times are right nevertheless.

    Examples
    --------
    >>> from operator import add
    >>> from oxidask.local import get_sync
    >>> with ResourceProfiler(dt=0.5) as profiler:
    ...     get_sync({"x": (add, 1, 2)}, "x")
    3
    >>> profiler.results[-1].mem > 0
    True
    """

    results: list[ResourceData]

    def __init__(self, dt: float = 1) -> None:
        super().__init__()
        if dt <= 0:
            raise ValueError(f"dt must be a positive number of seconds, got {dt!r}")
        self._dt = dt
        self._entered = False
        self._sampler: _Sampler | None = None

    def __enter__(self) -> Any:
        result = super().__enter__()
        try:
            self._start_collect()
        except BaseException:
            super().__exit__(None, None, None)
            raise
        self._entered = True
        return result

    def __exit__(self, *args: object) -> None:
        self._entered = False
        self.close()
        super().__exit__(*args)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Stop sampling; what was sampled so far is in `results`.

        Examples
        --------
        >>> profiler = ResourceProfiler()
        >>> profiler.close()
        """
        # An object whose construction failed is deleted as well.
        if getattr(self, "_sampler", None) is not None:
            self._stop_collect()

    def _is_running(self) -> bool:
        return self._sampler is not None and self._sampler.is_alive()

    def _start_collect(self) -> None:
        if self._sampler is None:
            self._sampler = _Sampler(self._dt, usage_reader())
            self._sampler.start()

    def _stop_collect(self) -> None:
        sampler, self._sampler = self._sampler, None
        if sampler is not None:
            self.results.extend(sampler.stop())

    def _start(self, dsk: Graph) -> None:
        self._begin()
        self._start_collect()

    def _finish(self, dsk: Graph, state: State | None, failed: bool) -> None:
        if not self._entered:
            self._stop_collect()
        self.end_time = default_timer()

    def _plot(self, span: Span | None = None, **kwargs: Any) -> Any:
        from oxidask.diagnostics.profile_visualize import plot_resources

        # There are no labels here, but a picture of several profilers has one set of keywords.
        kwargs.pop("label_size", None)
        return plot_resources(self.results, *(span or self._span), **kwargs)


class _Sampler(threading.Thread):
    """Samples until stopped. It does not know the profiler, so that one can be deleted."""

    def __init__(self, dt: float, reader: UsageReader) -> None:
        super().__init__(name="oxidask-resources", daemon=True)
        self._dt = dt
        self._reader = reader
        self._stop_event = threading.Event()
        self._last = reader.read()
        self._samples = [ResourceData(self._last.time, _megabytes(self._last), 0.0)]

    def run(self) -> None:
        while not self._stop_event.wait(self._dt):
            self._sample()

    def stop(self) -> list[ResourceData]:
        """Stop the thread, take the last sample and give them all."""
        self._stop_event.set()
        self.join()
        self._sample()
        self._reader.close()
        return self._samples

    def _sample(self) -> None:
        reading = self._reader.read()
        seconds = reading.time - self._last.time
        if seconds <= 0:
            return
        # By process, because one that has ended takes its past use with it.
        before = self._last.processes
        used = sum(
            max(0.0, cpu - before.get(pid, (0, 0.0))[1])
            for pid, (_, cpu) in reading.processes.items()
        )
        percent = 100 * used / seconds
        self._samples.append(ResourceData(reading.time, _megabytes(reading), percent))
        self._last = reading


def _megabytes(reading: Reading) -> float:
    return sum(resident for resident, _ in reading.processes.values()) / 1e6


class CacheProfiler(_Profiler):
    """Record for each result how long the scheduler held it, and how large it was.

    Parameters
    ----------
    metric : callable, optional
        Gives the size of a result, as a number; 1 for each by default. `oxidask.sizeof.sizeof`
        gives bytes.
    metric_name : str, optional
        What the metric is called in pictures; by default the name of the function, or "count".

    Attributes
    ----------
    results : list of CacheData
        The results, in the order in which they were let go.

    Examples
    --------
    >>> from operator import add, mul
    >>> from oxidask.local import get_sync
    >>> with CacheProfiler() as profiler:
    ...     get_sync({"x": (add, 1, 2), "y": (mul, "x", 2)}, "y")
    6
    >>> [held.key for held in profiler.results]
    ['x', 'y']
    """

    results: list[CacheData]

    def __init__(
        self,
        metric: Callable[[Any], float] | None = None,
        metric_name: str | None = None,
    ) -> None:
        super().__init__()
        self._metric = _count if metric is None else metric
        if metric_name is not None:
            self._metric_name = metric_name
        elif metric is not None:
            self._metric_name = getattr(metric, "__name__", type(metric).__name__)
        else:
            self._metric_name = "count"
        self.clear()

    def clear(self) -> None:
        """Forget what was recorded."""
        super().clear()
        self._dsk: dict[Hashable, Any] = {}
        # Held results, with their size and since when.
        self._cache: dict[Hashable, tuple[float, float]] = {}
        # Held results of which at least one dependent has finished: only these can be let go.
        self._candidates: set[Hashable] = set()
        self._finished: set[Hashable] = set()

    def _start(self, dsk: Graph) -> None:
        self._begin()

    def _posttask(self, key: Hashable, value: Any, dsk: Graph, state: State, id: Hashable) -> None:
        now = default_timer()
        self._cache[key] = (self._metric(value), now)
        self._finished.add(key)
        dependencies = state["dependencies"]
        pending = list(dependencies.get(key, ()))
        while pending:
            dep = pending.pop()
            if dep in self._cache:
                self._candidates.add(dep)
            elif dep not in self._finished:
                # Another name of something, which is no task: what it names may be let go.
                pending.extend(dependencies.get(dep, ()))
        released = state["released"]
        self._record([k for k in self._candidates if k in released], dsk, now)

    def _finish(self, dsk: Graph, state: State | None, failed: bool) -> None:
        now = default_timer()
        self._record(list(self._cache), dsk, now)
        self._candidates = set()
        self._finished = set()
        self.end_time = now

    def _record(self, keys: Iterable[Hashable], dsk: Graph, free_time: float) -> None:
        for key in keys:
            self._candidates.discard(key)
            metric, cache_time = self._cache.pop(key)
            self._dsk[key] = task = _task_of(dsk, key)
            self.results.append(CacheData(key, task, metric, cache_time, free_time))

    def _plot(self, span: Span | None = None, **kwargs: Any) -> Any:
        from oxidask.diagnostics.profile_visualize import plot_cache

        return plot_cache(
            self.results, self._dsk, *(span or self._span), self._metric_name, **kwargs
        )


def _count(value: Any) -> int:
    return 1
