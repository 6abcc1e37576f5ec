"""Clusters that have as many workers as there is work for."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import time
import weakref
from collections import defaultdict, deque
from contextlib import suppress
from typing import Any

from oxidask import config
from oxidask.distributed._loop_view import LoopView
from oxidask.distributed._node import seconds_of
from oxidask.distributed._periodic import Periodic
from oxidask.distributed.core import Status

__all__ = ["Adaptive"]

logger = logging.getLogger("distributed.deploy.adaptive")


class Adaptive:
    """Asks the scheduler how many workers its work is worth, and scales a cluster to that.

    Workers are added at once. One is closed only when it was too many several times in a row,
    so that a short pause costs none.

    Parameters
    ----------
    cluster
        The cluster.
    interval
        How often to look.
    minimum, maximum
        Bounds of the number of workers.
    wait_count
        How often in a row a worker must be too many before it is closed.
    target_duration
        In how long the work that waits should be done.
    worker_key
        Groups workers that are closed together: a function of what the scheduler knows of one.
    **kwargs
        Given to ``workers.plan`` of the scheduler.

    Attributes
    ----------
    log
        What was done: pairs of a time and a dict.
    state
        ``"starting"``, ``"running"`` or ``"stopped"``.

    Examples
    --------
    >>> from oxidask.distributed import LocalCluster
    >>> with LocalCluster(n_workers=0, processes=False) as cluster:
    ...     cluster.adapt(minimum=0, maximum=4).maximum
    4
    """

    def __init__(
        self,
        cluster: Any = None,
        interval: Any = None,
        minimum: int | None = None,
        maximum: float | None = None,
        wait_count: int | None = None,
        target_duration: Any = None,
        worker_key: Any = None,
        **kwargs: Any,
    ) -> None:
        self.cluster = cluster
        self.worker_key = worker_key
        self._workers_to_close_kwargs = kwargs
        self.interval = seconds_of(_or_configured(interval, "interval")) or 0.0
        self.minimum = _or_configured(minimum, "minimum")
        self.maximum = _or_configured(maximum, "maximum")
        self.wait_count = _or_configured(wait_count, "wait-count")
        self.target_duration = seconds_of(_or_configured(target_duration, "target-duration"))
        if not isinstance(self.minimum, int):
            raise TypeError(f"minimum must be an integer; got {self.minimum!r}")
        if not math.isinf(self.maximum) and not float(self.maximum).is_integer():
            raise TypeError(f"maximum must be an integer or inf; got {self.maximum!r}")
        if self.maximum < self.minimum:
            raise ValueError(f"minimum={self.minimum} is more than maximum={self.maximum}")
        self.close_counts: defaultdict[Any, int] = defaultdict(int)
        self.log: deque[tuple[float, dict[str, Any]]] = deque(maxlen=10_000)
        self.state = "starting"
        self._adapting = False
        self.periodic_callback: Periodic | None = None
        if self.interval:
            # The loop must not keep alive what nobody else holds.
            me = weakref.ref(self)
            self.periodic_callback = Periodic(lambda: _adapt(me), self.interval)
            self._begin(self.periodic_callback)
        logger.info("Adaptive scaling started: minimum=%s maximum=%s", self.minimum, self.maximum)

    def _begin(self, periodic: Periodic) -> None:
        loop = self.cluster.loop
        if loop is None:
            self.state = "running"
            return
        me = weakref.ref(self)

        def begin() -> None:
            this = me()
            if this is not None and this.periodic_callback is periodic:
                periodic.start()
                this.state = "running"

        with suppress(RuntimeError):
            loop.asyncio_loop.call_soon_threadsafe(begin)

    def stop(self) -> None:
        """Leave the cluster as it is from now on."""
        if self.state == "stopped":
            return
        self.state = "stopped"
        periodic, self.periodic_callback = self.periodic_callback, None
        if periodic is not None:
            periodic.stop()
        logger.info(
            "Adaptive scaling stopped: minimum=%s maximum=%s. Reason: manual stop or cluster close",
            self.minimum,
            self.maximum,
        )

    @property
    def scheduler(self) -> Any:
        """The scheduler of the cluster."""
        return self.cluster.scheduler

    @property
    def loop(self) -> LoopView | None:
        """The event loop of the cluster."""
        found: LoopView | None = self.cluster.loop
        return found

    @property
    def plan(self) -> set[Any]:
        """Names of the workers there are to be."""
        return set(self.cluster.plan)

    @property
    def requested(self) -> set[Any]:
        """Names of the workers that were started."""
        return set(self.cluster.requested)

    @property
    def observed(self) -> set[Any]:
        """Names of the workers that the scheduler knows."""
        return set(self.cluster.observed)

    async def target(self) -> int:
        """Return how many workers the work that waits is worth."""
        body = {"target_duration_s": self.target_duration}
        return int(await self.cluster._ask("adaptive.target", body))

    async def safe_target(self) -> int:
        """Return that within the bounds."""
        n = max(self.minimum, await self.target())
        return int(n if math.isinf(self.maximum) else min(self.maximum, n))

    async def workers_to_close(self, target: int) -> list[Any]:
        """Return names of workers to close so that `target` are left."""
        body = {"target": target, **self._workers_to_close_kwargs}
        addresses = await self.cluster._ask("workers.plan", body)
        if hasattr(self.cluster.scheduler, "may_be_closed"):  # it is of this process
            addresses = self.cluster.scheduler.may_be_closed(list(addresses))
        known = self.cluster.scheduler_info["workers"]
        return [known[address]["name"] for address in addresses if address in known]

    async def recommendations(self, target: int) -> dict[str, Any]:
        """Return what to do to have `target` workers.

        Returns
        -------
        dict
            ``{"status": "up", "n": ...}``, ``{"status": "down", "workers": [...]}`` or
            ``{"status": "same"}``.
        """
        plan, requested, observed = self.plan, self.requested, self.observed
        if target == len(plan):
            self.close_counts.clear()
            return {"status": "same"}
        if target > len(plan):
            self.close_counts.clear()
            return {"status": "up", "n": target}
        # Those that never came are the cheapest to lose.
        surplus = len(plan) - target
        doomed = list(plan - requested)[:surplus]
        if len(doomed) < surplus:
            doomed += list(requested - observed)[: surplus - len(doomed)]
        if len(doomed) < surplus:
            chosen = await self._chosen(target)
            doomed += [name for name in chosen if name not in doomed][: surplus - len(doomed)]
        ready = []
        for name in doomed:
            self.close_counts[name] += 1
            if self.close_counts[name] >= self.wait_count:
                ready.append(name)
        for name in set(self.close_counts) - set(doomed):
            del self.close_counts[name]
        for name in ready:
            del self.close_counts[name]
        return {"status": "down", "workers": ready} if ready else {"status": "same"}

    async def _chosen(self, target: int) -> list[Any]:
        chosen = self.workers_to_close(target)
        return list(await chosen if inspect.isawaitable(chosen) else chosen)

    async def adapt(self) -> None:
        """Look once, and scale if that is due."""
        if self._adapting:
            return
        self._adapting = True
        try:
            status = getattr(self.cluster, "status", Status.running)
            if status not in (Status.running, Status.created, Status.starting):
                self.stop()
                return
            found: Any = self.safe_target()
            target = await found if inspect.isawaitable(found) else found
            advice = await self.recommendations(target)
            await self._follow(advice)
        except asyncio.CancelledError:
            raise
        except Exception:
            if self.cluster.status is not Status.running:
                self.stop()
                return
            logger.warning("Adaptive encountered an error", exc_info=True)
        finally:
            self._adapting = False

    async def _follow(self, advice: dict[str, Any]) -> None:
        advice = dict(advice)
        status = advice.pop("status")
        if status == "same":
            return
        self.log.append((time.time(), {"status": status, **advice}))
        done = self.scale_up(**advice) if status == "up" else self.scale_down(**advice)
        if inspect.isawaitable(done):
            await done

    async def scale_up(self, n: int) -> None:
        """Have `n` workers."""
        logger.info("Scaling up to %d workers", n)
        done = self.cluster.scale(n)
        if inspect.iscoroutine(done):
            await done

    async def scale_down(self, workers: Any) -> None:
        """Close workers of these names."""
        if not workers:
            return
        logger.info("Retiring workers %s", workers)
        done = self.cluster.scale_down(workers)
        if inspect.isawaitable(done):
            await done

    def __del__(self) -> None:
        periodic = getattr(self, "periodic_callback", None)
        if periodic is not None:
            periodic.stop()


async def _adapt(reference: weakref.ref[Adaptive]) -> None:
    adaptive = reference()
    if adaptive is not None:
        await adaptive.adapt()


def _or_configured(value: Any, name: str) -> Any:
    return config.get(f"distributed.adaptive.{name}") if value is None else value
