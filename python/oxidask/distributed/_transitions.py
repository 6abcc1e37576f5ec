"""States of tasks as plugins are told of them, from what the scheduler says of its own.

The scheduler tells on the topic ``transitions``, and only while somebody follows it, one list for
each step: key, state before, state after, the address of the worker or None, and the time. Its
states are finer than those people know: what is *assigned* to a worker is *processing* in Dask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

__all__ = ["TOPIC", "ForSchedulers", "ForWorkers", "Step", "overrides"]

#: What the scheduler tells them on.
TOPIC = "transitions"

#: States that have another name for users.
_SHOWN = {
    "assigned": "processing",
    "limited": "queued",
    "delayed": "queued",
    "placed": "released",
}


class Step(NamedTuple):
    """One step of a task from state to state."""

    key: Any
    start: str
    finish: str
    worker: str | None = None


def overrides(plugin: Any, method: str, base: str) -> bool:
    """Whether a plugin has a method that is not just its base class's.

    Parameters
    ----------
    plugin
        A plugin, of a class of ours, of Dask's or of none of them.
    method
        The method's name.
    base
        The name of the class whose methods do nothing.

    Examples
    --------
    >>> from oxidask.distributed import SchedulerPlugin
    >>> class Counter(SchedulerPlugin):
    ...     def transition(self, key, start, finish, **kwargs): ...
    >>> overrides(Counter(), "transition", "SchedulerPlugin")
    True
    >>> overrides(Counter(), "restart", "SchedulerPlugin")
    False
    """
    if method in getattr(plugin, "__dict__", ()):
        return True
    for cls in type(plugin).__mro__:
        if method in cls.__dict__:
            return cls.__name__ != base
    return False


class ForSchedulers:
    """Makes what the scheduler tells into what its plugins are told.

    A task that ends without a value waits for an instant before it has failed or is tried again:
    that step is kept back until the next one says which.

    Examples
    --------
    >>> tell = ForSchedulers()
    >>> [*tell.read(["x", "queued", "assigned", "tcp://a", 0.0])][0][:3]
    ('x', 'queued', 'processing')
    >>> [*tell.read(["x", "processing", "waiting", None, 0.1])]
    []
    >>> [*tell.read(["x", "waiting", "erred", None, 0.1])][0][:3]
    ('x', 'processing', 'erred')
    """

    def __init__(self) -> None:
        self._kept: Step | None = None

    def read(self, told: Sequence[Any]) -> Iterator[Step]:
        """Give the steps that one of the scheduler's makes."""
        key, start, finish, worker = told[:4]
        start, finish = _SHOWN.get(start, start), _SHOWN.get(finish, finish)
        kept, self._kept = self._kept, None
        if kept is not None:
            if kept.key == key and start == "waiting" and finish == "erred":
                start = kept.start
            else:
                yield kept
        if start == finish:
            return
        step = Step(key, start, finish, worker)
        if (start, finish) == ("processing", "waiting"):
            self._kept = step
        else:
            yield step


class ForWorkers:
    """Makes what the scheduler tells of a worker's tasks into what that worker's plugins are told.

    Parameters
    ----------
    address
        The worker's.

    Examples
    --------
    >>> tell = ForWorkers("tcp://a")
    >>> for told in (
    ...     ["x", "queued", "assigned", "tcp://a", 0.0],
    ...     ["x", "assigned", "processing", "tcp://a", 0.1],
    ...     ["x", "processing", "memory", "tcp://a", 0.2],
    ... ):
    ...     print([(step.start, step.finish) for step in tell.read(told)])
    [('released', 'waiting'), ('waiting', 'ready')]
    [('ready', 'executing')]
    [('executing', 'memory')]
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._states: dict[Any, str] = {}

    def read(self, told: Sequence[Any]) -> Iterator[Step]:
        """Give the steps that one of the scheduler's makes."""
        key, start, finish, worker = told[:4]
        if finish in ("assigned", "processing"):
            if worker == self._address:
                yield from self._taken(key, finish)
            else:
                yield from self._gone(key)
        elif key not in self._states:
            return
        elif finish == "memory":
            yield self._to(key, "memory")
        elif finish == "erred":
            yield self._to(key, "error")
        elif (start, finish) != ("processing", "waiting"):  # whether it failed is told next
            yield from self._gone(key)

    def _taken(self, key: Any, state: str) -> Iterator[Step]:
        if self._states.get(key) not in ("ready", "executing"):
            yield from self._gone(key)
            self._states[key] = "released"
            yield self._to(key, "waiting")
            yield self._to(key, "ready")
        if state == "processing":
            yield self._to(key, "executing")

    def _gone(self, key: Any) -> Iterator[Step]:
        """The worker has no more to do with it."""
        if key not in self._states:
            return
        yield self._to(key, "released")
        yield self._to(key, "forgotten")
        del self._states[key]

    def _to(self, key: Any, state: str) -> Step:
        before, self._states[key] = self._states[key], state
        return Step(key, before, state, self._address)
