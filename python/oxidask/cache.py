"""An opportunistic cache: keep the results that are dear to compute and cheap to hold.

`Cache` is the callback that times tasks and offers their results; `CostAwareCache` is the store
that decides what stays within a byte budget. Any object with cachey's ``data`` and ``put`` can
take the store's place.
"""

from __future__ import annotations

import heapq
import itertools
import sys
import threading
from collections.abc import Callable, Hashable, Mapping, MutableMapping
from numbers import Real
from timeit import default_timer
from typing import Any

from oxidask.callbacks import Callback

__all__ = ["Cache", "CostAwareCache", "Scorer"]

# What the store itself spends on an entry: its places in three dicts and in the heap.
_ENTRY_BYTES = 4 * sys.getsizeof(1.0)


class Cache(Callback):
    """Reuse results between computations, within a byte budget.

    While active, every finished task's result is offered to the store with the time that it would
    take to compute again, divided by its size. The store keeps the best of them, and a later
    computation that contains the same key takes the value from there.

    Parameters
    ----------
    cache : int or cachey-like object
        The budget in bytes, or a store: an object with a mapping ``data`` and a method
        ``put(key, value, cost, nbytes=...)``.
    *args, **kwargs
        Passed to `CostAwareCache` when `cache` is a number, for instance ``limit=``.

    Attributes
    ----------
    cache : CostAwareCache or the given object
        The store.

    Notes
    -----
    Differs from Dask: the store is ours, so the ``cachey`` package is not needed.

    Examples
    --------
    >>> from operator import add
    >>> from oxidask.local import get_sync
    >>> cache = Cache(2_000_000)
    >>> with cache:
    ...     get_sync({"x": (add, 1, 2)}, "x")
    3
    >>> cache.cache.data["x"]
    3
    """

    def __init__(self, cache: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        if isinstance(cache, Real):
            cache = CostAwareCache(float(cache), *args, **kwargs)
        elif args or kwargs:
            raise TypeError(
                "a store was given, so further arguments have no use: "
                f"{args or ''} {kwargs or ''}. Pass them where the store is made."
            )
        self.cache = cache
        self.starttimes: dict[Hashable, float] = {}
        self.durations: dict[Hashable, float] = {}

    def _start(self, dsk: MutableMapping[Hashable, Any]) -> None:
        from oxidask._task_spec import DataNode

        # A data node, because a bare value that is a tuple or a string could read as a task or key.
        for key in [key for key in self.cache.data if key in dsk]:
            dsk[key] = DataNode(key, self.cache.data[key])

    def _pretask(
        self, key: Hashable, dsk: Mapping[Hashable, Any], state: Mapping[str, Any]
    ) -> None:
        self.starttimes[key] = default_timer()

    def _posttask(
        self,
        key: Hashable,
        value: Any,
        dsk: Mapping[Hashable, Any],
        state: Mapping[str, Any],
        id: Any,
    ) -> None:
        from oxidask.sizeof import sizeof

        duration = default_timer() - self.starttimes.pop(key)
        # Its inputs will be gone by then, so the dearest of them is part of the price.
        inputs = state["dependencies"].get(key, ())
        duration += max((self.durations.get(dep, 0.0) for dep in inputs), default=0.0)
        self.durations[key] = duration
        nbytes = sizeof(value) + sys.getsizeof(key) + _ENTRY_BYTES
        self.cache.put(key, value, cost=duration / nbytes, nbytes=nbytes)

    def _finish(self, dsk: Mapping[Hashable, Any], state: Mapping[str, Any], errored: bool) -> None:
        self.starttimes.clear()
        self.durations.clear()


class Scorer:
    """Scores that grow with each use and fade with a half-life counted in uses of anything.

    Instead of fading every score at each use, the newest use weighs more: the weight doubles
    every `halflife` uses.

    Parameters
    ----------
    halflife : float
        After so many uses of the cache, an earlier use counts half.

    Examples
    --------
    >>> scorer = Scorer(halflife=1)
    >>> scorer.touch("x", cost=1.0)
    1.0
    >>> scorer.touch("y", cost=1.0)
    2.0
    """

    def __init__(self, halflife: float = 1000) -> None:
        if halflife <= 0:
            raise ValueError(f"halflife must be positive, got {halflife!r}")
        self.cost: dict[Hashable, float] = {}
        self.score: dict[Hashable, float] = {}
        self._growth = 2.0 ** (1.0 / halflife)
        self._weight = 1.0

    @property
    def weight(self) -> float:
        """How much a use counts now, relative to one at the beginning."""
        return self._weight

    def touch(self, key: Hashable, cost: float | None = None) -> float:
        """Count one use of `key` and give its new score.

        Examples
        --------
        >>> Scorer().touch("x", cost=2.5)
        2.5
        """
        if cost is not None:
            self.cost[key] = cost
        score = self.score.get(key, 0.0) + self.cost[key] * self._weight
        self.score[key] = score
        self._weight *= self._growth
        return score

    def forget(self, key: Hashable) -> None:
        """Drop what is known about `key`.

        Examples
        --------
        >>> scorer = Scorer()
        >>> _ = scorer.touch("x", cost=1.0)
        >>> scorer.forget("x")
        >>> scorer.score
        {}
        """
        self.cost.pop(key, None)
        self.score.pop(key, None)

    def rescale(self) -> None:
        """Divide every score by the current weight, which becomes one: the order stays.

        Examples
        --------
        >>> scorer = Scorer(halflife=1)
        >>> _ = scorer.touch("x", cost=1.0)
        >>> scorer.rescale()
        >>> scorer.score["x"], scorer.weight
        (0.5, 1.0)
        """
        self.score = {key: score / self._weight for key, score in self.score.items()}
        self._weight = 1.0


class CostAwareCache:
    """A store of values within a byte budget; those of the least score go first.

    Parameters
    ----------
    available_bytes : float
        The budget. A value larger than it is not stored.
    limit : float
        The least cost that is worth storing.
    scorer : Scorer, optional
        Keeps the scores; the default one has `halflife`.
    halflife : float
        See `Scorer`.
    nbytes : callable, optional
        Gives the size of a value; the default is `oxidask.sizeof.sizeof`.

    Attributes
    ----------
    data : dict
        The stored values.
    total_bytes : float
        The size of them all.

    Examples
    --------
    >>> cache = CostAwareCache(100)
    >>> cache.put("cheap", 1, cost=1.0, nbytes=60)
    >>> cache.put("dear", 2, cost=9.0, nbytes=60)
    >>> cache.data
    {'dear': 2}
    """

    def __init__(
        self,
        available_bytes: float,
        limit: float = 0,
        scorer: Scorer | None = None,
        halflife: float = 1000,
        nbytes: Callable[[Any], float] | None = None,
    ) -> None:
        self.available_bytes = available_bytes
        self.limit = limit
        self.scorer = Scorer(halflife) if scorer is None else scorer
        self.get_nbytes = nbytes
        self.data: dict[Hashable, Any] = {}
        self.nbytes: dict[Hashable, float] = {}
        self.total_bytes: float = 0
        # Entries are not removed when a score changes; one that is out of date is skipped.
        self._heap: list[tuple[float, int, Hashable]] = []
        self._counter = itertools.count()
        self._lock = threading.RLock()

    def put(self, key: Hashable, value: Any, cost: float, nbytes: float | None = None) -> None:
        """Offer a value: it is stored if its score earns it a place.

        Parameters
        ----------
        key : hashable
            Its name.
        value : object
            The value.
        cost : float
            What it takes to make it again, per byte.
        nbytes : float, optional
            Its size.

        Examples
        --------
        >>> cache = CostAwareCache(100)
        >>> cache.put("x", 1, cost=1.0, nbytes=200)
        >>> "x" in cache.data
        False
        """
        if nbytes is None:
            nbytes = self._measure(value)
        with self._lock:
            # Also when it turns out not to be stored: the old value must not be served any more.
            if key in self.data:
                self.total_bytes -= self.nbytes.pop(key)
                del self.data[key]
            if cost < self.limit or nbytes > self.available_bytes:
                self.scorer.forget(key)
                return
            self.data[key] = value
            self.nbytes[key] = nbytes
            self.total_bytes += nbytes
            self._touch(key, cost)
            self.shrink()

    def get(self, key: Hashable, default: Any = None) -> Any:
        """Give the stored value, which counts as a use, or `default`.

        Examples
        --------
        >>> cache = CostAwareCache(100)
        >>> cache.put("x", 1, cost=1.0, nbytes=8)
        >>> cache.get("x"), cache.get("y", "nothing")
        (1, 'nothing')
        """
        with self._lock:
            if key not in self.data:
                return default
            self._touch(key, None)
            return self.data[key]

    def retire(self, key: Hashable) -> None:
        """Remove a stored value.

        Examples
        --------
        >>> cache = CostAwareCache(100)
        >>> cache.put("x", 1, cost=1.0, nbytes=8)
        >>> cache.retire("x")
        >>> cache.total_bytes
        0
        """
        with self._lock:
            del self.data[key]
            self.total_bytes -= self.nbytes.pop(key)
            self.scorer.forget(key)

    def shrink(self) -> None:
        """Remove the values of least score until the budget is met.

        Examples
        --------
        >>> cache = CostAwareCache(100)
        >>> cache.put("x", 1, cost=1.0, nbytes=80)
        >>> cache.available_bytes = 50
        >>> cache.shrink()
        >>> cache.data
        {}
        """
        with self._lock:
            while self.total_bytes > self.available_bytes and self._heap:
                score, _, key = heapq.heappop(self._heap)
                if key in self.data and self.scorer.score.get(key) == score:
                    self.retire(key)

    def resize(self, available_bytes: float) -> None:
        """Change the budget.

        Examples
        --------
        >>> cache = CostAwareCache(100)
        >>> cache.resize(50)
        >>> cache.available_bytes
        50
        """
        with self._lock:
            self.available_bytes = available_bytes
            self.shrink()

    def clear(self) -> None:
        """Remove everything.

        Examples
        --------
        >>> cache = CostAwareCache(100)
        >>> cache.put("x", 1, cost=1.0, nbytes=8)
        >>> cache.clear()
        >>> cache.data
        {}
        """
        with self._lock:
            for key in list(self.data):
                self.retire(key)
            self._heap.clear()

    def _measure(self, value: Any) -> float:
        if self.get_nbytes is not None:
            return float(self.get_nbytes(value))
        from oxidask.sizeof import sizeof

        return float(sizeof(value))

    def _touch(self, key: Hashable, cost: float | None) -> None:
        score = self.scorer.touch(key, cost)
        heapq.heappush(self._heap, (score, next(self._counter), key))
        # Rescaling long before the weight overflows also drops the heap's entries of old scores.
        if self.scorer.weight > 1e100 or len(self._heap) > 2 * len(self.data) + 64:
            self.scorer.rescale()
            self._heap = [(self.scorer.score[key], next(self._counter), key) for key in self.data]
            heapq.heapify(self._heap)
