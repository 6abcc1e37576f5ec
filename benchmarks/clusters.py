"""Clusters of each contender on this machine: two worker processes of a thread each, or one.

Dask, Frisky and we have one and the same API, so that a case is written once. Ray has its own: its
part of the API that the cases need is behind :class:`RayClient`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from case import NotHereError, library

RIVALS = ("oxidask", "dask", "frisky", "ray")


@contextmanager
def client(contender: str, processes: bool = True, n_workers: int = 2) -> Iterator[Any]:
    """Give a client of a cluster whose workers run."""
    if contender == "ray":
        if not processes:
            raise NotHereError("Ray has worker processes only")
        with ray_client(n_workers) as connected:
            yield connected
        return
    distributed = library("dask.distributed" if contender == "dask" else module_of(contender))
    settings: dict[str, Any] = {"n_workers": n_workers, "threads_per_worker": 1}
    settings |= {"processes": processes, "dashboard_address": None}
    if contender == "frisky":
        settings["silence_summary"] = True
    with (
        distributed.LocalCluster(**settings) as cluster,
        cluster.get_client() if contender == "frisky" else distributed.Client(cluster) as connected,
    ):
        wait = getattr(connected, "wait_for_workers", None)
        if wait is not None:
            wait(n_workers)
        connected.gather(connected.map(abs, range(100)))
        yield connected


def module_of(contender: str) -> str:
    return {"oxidask": "oxidask.distributed"}.get(contender, contender)


@contextmanager
def ray_client(n_workers: int) -> Iterator[RayClient]:
    """Give what stands for a client where tasks are Ray's."""
    ray = library("ray")
    os.environ["RAY_DEDUP_LOGS"] = "0"
    ray.init(num_cpus=n_workers, include_dashboard=False, log_to_driver=False)
    try:
        connected = RayClient(ray)
        connected.gather([connected.submit(abs, -1) for _ in range(100)])
        yield connected
    finally:
        ray.shutdown()


class RayClient:
    """Ray behind the few calls of a client that the cases make."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._remote: dict[Callable[..., Any], Any] = {}

    def submit(self, function: Callable[..., Any], *args: Any, **_: Any) -> RayFuture:
        """Run a call."""
        if function not in self._remote:
            self._remote[function] = self._ray.remote(_named(function))
        args = tuple(arg.reference if isinstance(arg, RayFuture) else arg for arg in args)
        return RayFuture(self._ray, self._remote[function].remote(*args))

    def map(self, function: Callable[..., Any], *iterables: Any, **_: Any) -> list[RayFuture]:
        """Run a call for each of the elements."""
        return [self.submit(function, *args) for args in zip(*iterables, strict=False)]

    def scatter(self, value: Any) -> RayFuture:
        """Put a value into Ray's store."""
        return RayFuture(self._ray, self._ray.put(value))

    def gather(self, futures: list[RayFuture]) -> list[Any]:
        """Wait for results."""
        results: list[Any] = self._ray.get([future.reference for future in futures])
        return results


def _named(function: Callable[..., Any]) -> Callable[..., Any]:
    # Ray takes no builtin functions.
    def call(*args: Any) -> Any:
        return function(*args)

    return call


class RayFuture:
    """A reference of Ray's with the one call of a future that the cases make."""

    def __init__(self, ray: Any, reference: Any) -> None:
        self._ray, self.reference = ray, reference

    def result(self) -> Any:
        """Wait for the result."""
        return self._ray.get(self.reference)
