"""Leases of which only so many are given out on a cluster."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from typing import Any

from oxidask.distributed._shared import Shared
from oxidask.distributed._task_options import seconds

__all__ = ["Semaphore"]


class Semaphore(Shared):
    """A semaphore that clients and tasks share by a name.

    The leases of a client or worker that is lost come back.

    Parameters
    ----------
    max_leases
        How many may be held at a time.
    name
        By default a new one.
    scheduler_rpc, loop
        Not needed.
    client
        By default the current one.

    Examples
    --------
    >>> semaphore = Semaphore(max_leases=2, name="database")  # doctest: +SKIP
    >>> with semaphore:  # doctest: +SKIP
    ...     query()
    """

    def __init__(
        self,
        max_leases: int = 1,
        name: str | None = None,
        scheduler_rpc: Any = None,
        loop: Any = None,
        client: Any = None,
    ) -> None:
        super().__init__(name, client)
        if max_leases < 1:
            raise ValueError(f"max_leases= must be at least 1, got {max_leases}")
        self.max_leases = max_leases
        self._leases: list[str] = []
        self._is_registered = False

    def __getstate__(self) -> Any:
        return self.name, self.max_leases

    def __setstate__(self, state: Any) -> None:
        self.name, self.max_leases = state
        self._client = None
        self._leases = []
        self._is_registered = False

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._register().__await__()

    def register(self, **kwargs: Any) -> Any:
        """Tell the scheduler of the semaphore; :meth:`acquire` does it when needed."""
        return self.sync(self._register, **kwargs)

    async def _register(self) -> Any:
        if not self._is_registered:
            await self._ask("semaphore.register", max_leases=self.max_leases)
            self._is_registered = True
        return self

    def acquire(self, timeout: Any = None) -> Any:
        """Take a lease; wait until one is free.

        Parameters
        ----------
        timeout
            Seconds, or text such as ``"100 ms"``; by default for ever.

        Returns
        -------
        bool
            Whether it was given.
        """
        return self.sync(self._acquire, seconds(timeout))

    async def _acquire(self, timeout_s: float | None) -> bool:
        await self._register()
        lease = uuid.uuid4().hex
        try:
            found = await self._ask("semaphore.acquire", lease=lease, timeout_s=timeout_s)
        except TimeoutError:
            return False
        if found is False:
            return False
        self._leases.append(lease)
        return True

    def release(self) -> Any:
        """Give a lease back.

        Raises
        ------
        RuntimeError
            None is held.
        """
        return self.sync(self._release)

    async def _release(self) -> bool:
        if not self._leases:
            raise RuntimeError(f"{self!r} is released too often: it holds no lease")
        found = await self._ask("semaphore.release", lease=self._leases.pop(0))
        return found is not False

    def get_value(self) -> Any:
        """Return how many leases are given out."""
        return self.sync(self._get_value)

    async def _get_value(self) -> int:
        await self._register()
        return int(await self._ask("semaphore.value"))

    def close(self) -> Any:
        """Remove the semaphore from the scheduler; leases are no longer given."""
        return self.sync(self._close)

    async def _close(self) -> None:
        await self._ask("semaphore.close")

    def __enter__(self) -> Any:
        self.acquire()
        return self

    def __exit__(self, *args: object) -> None:
        self.release()

    async def __aenter__(self) -> Any:
        await self._acquire(None)
        return self

    async def __aexit__(self, *args: object) -> None:
        await self._release()
