"""Several locks taken together, so that two who want the same ones never wait for each other."""

from __future__ import annotations

import uuid
from typing import Any

from oxidask.distributed import _current
from oxidask.distributed._task_options import seconds

__all__ = ["MultiLock"]


class MultiLock:
    """Several locks that are taken all at once, or so many of them.

    Parameters
    ----------
    names
        The names of the locks; by default one new one.
    client
        By default the current one.

    Examples
    --------
    >>> with MultiLock(["x", "y"]):  # doctest: +SKIP
    ...     use_both()
    """

    def __init__(self, names: list[str] | None = None, client: Any = None) -> None:
        self.names = list(names or [])
        self.id = uuid.uuid4().hex
        self._client = client
        self._locked = False

    @property
    def client(self) -> Any:
        """The client that asks for them."""
        if self._client is None:
            self._client = _current.get_client()
        return self._client

    def acquire(
        self, blocking: bool = True, timeout: Any = None, num_locks: int | None = None
    ) -> Any:
        """Take the locks.

        Parameters
        ----------
        blocking
            Whether to wait until they are free.
        timeout
            Seconds, or text such as ``"100 ms"``; by default for ever.
        num_locks
            How many of them are enough; by default all.

        Returns
        -------
        bool
            Whether they were given.
        """
        if self._locked:
            raise RuntimeError(f"{self!r} is held already")
        timeout_s = seconds(timeout)
        if not blocking:
            if timeout is not None:
                raise ValueError(f"timeout={timeout!r} says nothing with blocking=False")
            timeout_s = 0.0
        if not self.names:
            raise ValueError("names= is empty: there is no lock to take")
        n = len(self.names) if num_locks is None else num_locks
        if not 1 <= n <= len(self.names):
            raise ValueError(f"num_locks= must be from 1 to {len(self.names)}, got {num_locks}")
        return self.client.sync(self._acquire, n, timeout_s)

    async def _acquire(self, n: int, timeout_s: float | None) -> bool:
        body = {"names": self.names, "id": self.id, "n": n, "timeout_s": timeout_s}
        try:
            found = await self.client._ask("multilock.acquire", body)
        except TimeoutError:
            found = False
        self._locked = found is not False
        return self._locked

    def release(self) -> Any:
        """Give the locks back.

        Raises
        ------
        RuntimeError
            They are not held.
        """
        if not self._locked:
            raise RuntimeError(f"{self!r} is not held: it can't be released")
        return self.client.sync(self._release)

    async def _release(self) -> None:
        self._locked = False
        await self.client._ask("multilock.release", {"id": self.id, "names": self.names})

    def locked(self) -> bool:
        """Return whether this object holds the locks."""
        return self._locked

    def __repr__(self) -> str:
        return f"<MultiLock: {', '.join(map(str, self.names))}>"

    def __enter__(self) -> Any:
        self.acquire()
        return self

    def __exit__(self, *args: object) -> None:
        self.release()

    async def __aenter__(self) -> Any:
        await self.acquire()
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.release()

    def __reduce__(self) -> Any:
        return type(self), (self.names,)
