"""A lock on the scheduler that clients and tasks share."""

from __future__ import annotations

import uuid
from typing import Any

from oxidask.distributed._task_options import seconds
from oxidask.distributed.semaphore import Semaphore

__all__ = ["Lock"]


class Lock(Semaphore):
    """A lock that clients and tasks share by a name, like :class:`threading.Lock`.

    The lock of a client or worker that is lost is free again.

    Parameters
    ----------
    name
        By default a new one.
    scheduler_rpc, loop
        Not needed.
    client
        By default the current one.

    Examples
    --------
    >>> lock = Lock("x")  # doctest: +SKIP
    >>> with lock:  # doctest: +SKIP
    ...     only_here()
    """

    def __init__(
        self,
        name: str | None = None,
        scheduler_rpc: Any = None,
        loop: Any = None,
        client: Any = None,
    ) -> None:
        super().__init__(1, name, client=client)

    async def _register(self) -> Any:
        return self

    def acquire(  # type: ignore[override]  # as in Dask, where it can be tried
        self, blocking: bool = True, timeout: Any = None
    ) -> Any:
        """Take the lock.

        Parameters
        ----------
        blocking
            Whether to wait until it is free.
        timeout
            Seconds, or text such as ``"100 ms"``; by default for ever.

        Returns
        -------
        bool
            Whether it was given.
        """
        timeout_s = seconds(timeout)
        if not blocking:
            if timeout is not None:
                raise ValueError(f"timeout={timeout!r} says nothing with blocking=False")
            timeout_s = 0.0
        return self.sync(self._acquire, timeout_s)

    async def _acquire(self, timeout_s: float | None) -> bool:
        holder = uuid.uuid4().hex
        try:
            found = await self._ask("lock.acquire", id=holder, timeout_s=timeout_s)
        except TimeoutError:
            return False
        if found is False:
            return False
        self._leases.append(holder)
        return True

    async def _release(self) -> bool:
        if not self._leases:
            raise RuntimeError(f"{self!r} is not held: it can't be released")
        await self._ask("lock.release", id=self._leases.pop(0))
        return True

    def locked(self) -> Any:
        """Return whether somebody holds the lock."""
        return self.sync(self._ask, "lock.locked")

    async def _get_value(self) -> int:
        return int(await self._ask("lock.locked"))

    async def _close(self) -> None:
        while self._leases:
            await self._release()
