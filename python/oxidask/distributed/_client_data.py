"""Data that a client puts on workers, copies and moves between them."""

from __future__ import annotations

import uuid
from typing import Any

from oxidask import config
from oxidask.distributed._client_base import ClientBase, no_default
from oxidask.distributed._future import Future
from oxidask.distributed._gathering import rebuilt, reject_iterators
from oxidask.distributed._loop import in_own_thread
from oxidask.distributed._task_options import seconds, worker_names
from oxidask.distributed._waiting import _wait_async, futures_of
from oxidask.tokenize import tokenize

__all__ = ["DataMixin", "connect_timeout"]


def connect_timeout(timeout: Any = no_default) -> float | None:
    """Return a timeout in seconds; by default the configured one for connections.

    Examples
    --------
    >>> connect_timeout("100 ms")
    0.1
    """
    if timeout == no_default:
        timeout = config.get("distributed.comm.timeouts.connect", "30s")
    found = seconds(timeout)
    return None if found is None else float(found)


class DataMixin(ClientBase):
    """``scatter``, ``replicate`` and ``rebalance``."""

    def scatter(
        self,
        data: Any,
        workers: Any = None,
        broadcast: bool | int = False,
        direct: bool | None = None,
        hash: bool = True,
        timeout: Any = no_default,
        asynchronous: bool | None = None,
    ) -> Any:
        """Put data on workers.

        Parameters
        ----------
        data
            A list, tuple or set of objects, a dictionary of keys to objects, or one object.
        workers
            Names, addresses or hosts of the workers that may have it; by default all.
        broadcast
            Whether every worker gets everything; a number says how many workers.
        direct
            Not needed: data always goes to the workers straight away.
        hash
            Whether equal objects have equal keys.
        timeout
            Seconds to wait for workers.
        asynchronous
            Whether to return a coroutine.

        Returns
        -------
        object
            Futures in a container like the one given, or one future.

        Raises
        ------
        TimeoutError
            There are no workers in time.

        Examples
        --------
        >>> [x, y] = client.scatter([1, 2])  # doctest: +SKIP
        """
        reject_iterators([data])
        core = self._open_core()
        keys, values, rebuild = _unpacked(data, hash)
        names = [] if workers is None else worker_names(workers)
        timeout_s = connect_timeout(timeout)
        arguments = (Future, values, keys, names, broadcast is True, timeout_s)
        n = None if isinstance(broadcast, bool) else int(broadcast)
        if self.asynchronous if asynchronous is None else asynchronous:
            return self._scatter(arguments, n, rebuild)
        futures = core.scatter(*arguments) if values else []
        if n:
            self.replicate(futures, n)
        return rebuild(futures)

    async def _scatter(self, arguments: tuple[Any, ...], n: int | None, rebuild: Any) -> Any:
        futures = await in_own_thread(self._open_core().scatter, *arguments) if arguments[1] else []
        if n:
            await self._replicate(futures, n)
        return rebuild(futures)

    def replicate(
        self,
        futures: Any,
        n: int | None = None,
        workers: Any = None,
        branching_factor: int = 2,
        **kwargs: Any,
    ) -> Any:
        """Put copies of results on more workers, and wait until they are there.

        Where more than `n` workers have one, the others drop theirs.

        Parameters
        ----------
        futures
            Futures or collections.
        n
            How many workers are to have each; by default all.
        workers
            Names or addresses of the workers that this is about; by default all.
        branching_factor
            Not needed: who has a copy serves it to others.
        **kwargs
            ``asynchronous``.

        Examples
        --------
        >>> client.replicate([x])  # to all workers  # doctest: +SKIP
        >>> client.replicate([x], n=1, workers=["alice", "bob"])  # to one of two  # doctest: +SKIP
        """
        if n is not None and n < 1:
            raise ValueError(f"n= copies must be at least 1, got {n}")
        return self.sync(self._replicate, futures, n, workers, **kwargs)

    async def _replicate(self, futures: Any, n: int | None = None, workers: Any = None) -> None:
        found = futures_of(futures, client=self)
        await _wait_async(found, None, "ALL_COMPLETED")
        body: dict[str, Any] = {"keys": [future.key for future in found], "n": n}
        if workers is not None:
            body["workers"] = worker_names(workers)
        await self._ask("data.replicate", body)

    def rebalance(self, futures: Any = None, workers: Any = None, **kwargs: Any) -> Any:
        """Even out how much memory results take on the workers.

        Parameters
        ----------
        futures
            Futures or collections; by default all that is on the cluster.
        workers
            The workers; by default all.
        **kwargs
            ``asynchronous``.
        """
        return self.sync(self._rebalance, futures, workers, **kwargs)

    async def _rebalance(self, futures: Any = None, workers: Any = None) -> None:
        body: dict[str, Any] = {}
        if futures is not None:
            found = futures_of(futures, client=self)
            await _wait_async(found, None, "ALL_COMPLETED")
            body["keys"] = [future.key for future in found]
        if workers is not None:
            body["workers"] = worker_names(workers)
        await self._ask("data.rebalance", body)


def _unpacked(data: Any, hashed: bool) -> tuple[list[Any], list[Any], Any]:
    """Return keys and values of what is to be scattered, and what makes a container of futures."""
    if isinstance(data, dict):
        keys = list(data)
        return keys, list(data.values()), lambda futures: dict(zip(keys, futures, strict=True))
    if isinstance(data, range):
        data = list(data)
    if isinstance(data, (list, tuple, set, frozenset)):
        values = list(data)
        names = [_key_of(value, hashed) for value in values]
        return names, values, lambda futures: rebuilt(data, futures)
    return [_key_of(data, hashed)], [data], lambda futures: futures[0]


def _key_of(value: Any, hashed: bool) -> str:
    token = tokenize(value) if hashed else uuid.uuid4().hex
    return f"{type(value).__name__}-{token}"
