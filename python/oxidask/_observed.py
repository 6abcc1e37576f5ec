"""What callbacks see of a computation on the one-machine schedulers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from oxidask.callbacks import local_callbacks

__all__ = ["Calls", "ObservedGraph", "observed"]


class ObservedGraph(MutableMapping[Any, Any]):
    """A graph as callbacks see it: keys to task objects.

    Task objects are made when somebody first looks at one; a progress bar never does. What
    callbacks write takes part in the computation.
    """

    def __init__(self, source: Mapping[Any, Any]) -> None:
        self._source = source
        self._tasks: dict[Any, Any] | None = None
        self._is_changed = False

    @property
    def to_run(self) -> Mapping[Any, Any]:
        """The graph to run: the original one, unless a callback has changed it."""
        return self._all() if self._is_changed else self._source

    def _all(self) -> dict[Any, Any]:
        if self._tasks is None:
            from oxidask._task_graph import convert_legacy_graph

            self._tasks = dict(convert_legacy_graph(dict(self._source)))
        return self._tasks

    def __getitem__(self, key: Any) -> Any:
        return self._all()[key]

    def __setitem__(self, key: Any, task: Any) -> None:
        self._all()[key] = task
        self._is_changed = True

    def __delitem__(self, key: Any) -> None:
        del self._all()[key]
        self._is_changed = True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.to_run)

    def __contains__(self, key: object) -> bool:
        return key in self.to_run

    def __len__(self) -> int:
        return len(self.to_run)

    def __repr__(self) -> str:
        return repr(self._all())


class Calls:
    """Passes the stages of a native run on to the active callbacks, and values to a cache."""

    def __init__(
        self,
        graph: ObservedGraph,
        callbacks: list[Any],
        cache: MutableMapping[Hashable, Any] | None,
    ) -> None:
        self.graph = graph
        self.started: list[Any] = []
        self.cache = cache
        self.is_finished = False
        #: Whether anybody wants to know of single tasks; if not, they run at full speed.
        self.watches_tasks = cache is not None or any(c[2] or c[3] for c in callbacks)

    def start(self, callbacks: list[Any]) -> None:
        """Start the callbacks; those that did are told of the end, whatever happens."""
        for callback in callbacks:
            self.started.append(callback)
            if callback[0] is not None:
                callback[0](self.graph)

    def start_state(self, state: Any) -> None:
        """Tell that all is ready; called by the run."""
        if self.cache is not None:
            self.cache.update(state["cache"])
        self._call(1, self.graph, state)

    def pretask(self, key: Any, state: Any) -> None:
        """Tell that a task is about to run; called by the run."""
        self._call(2, key, self.graph, state)

    def posttask(self, key: Any, value: Any, state: Any, worker_id: int) -> None:
        """Tell that a task has run; called by the run."""
        if self.cache is not None:
            self.cache[key] = value
        self._call(3, key, value, self.graph, state, worker_id)

    def finish(self, state: Any, errored: bool) -> None:
        """Tell that the run is over; called by it if it came to be."""
        if not self.is_finished:
            self.is_finished = True
            self._call(4, self.graph, {} if state is None else state, errored)

    def _call(self, stage: int, *args: Any) -> None:
        for callback in self.started:
            if callback[stage] is not None:
                callback[stage](*args)


@contextmanager
def observed(
    dsk: Mapping[Any, Any], callbacks: Any, cache: MutableMapping[Hashable, Any] | None
) -> Iterator[tuple[Mapping[Any, Any], Calls | None]]:
    """Start the callbacks; give the graph to run, and the object that tells them of the rest.

    Parameters
    ----------
    dsk
        Keys to tasks.
    callbacks
        Those of this computation, or None for the active ones.
    cache
        Receives the values of the tasks.

    Examples
    --------
    >>> with observed({"x": 1}, None, None) as (graph, calls):
    ...     graph, calls
    ({'x': 1}, None)
    """
    with local_callbacks(callbacks) as found:
        active = [tuple(callback) for callback in found or ()]
        if not active and cache is None:
            yield dsk, None
            return
        graph = ObservedGraph(dsk)
        calls = Calls(graph, active, cache)
        errored = True
        try:
            calls.start(active)
            yield graph.to_run, calls
            errored = False
        finally:
            calls.finish(None, errored)
