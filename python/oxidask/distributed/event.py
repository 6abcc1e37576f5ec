"""A flag on the scheduler that clients and tasks share."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from oxidask.distributed._shared import Shared
from oxidask.distributed._task_options import seconds

__all__ = ["Event"]


class Event(Shared):
    """A flag that clients and tasks share by a name, like :class:`threading.Event`.

    Parameters
    ----------
    name
        By default a new one.
    client
        By default the current one.

    Examples
    --------
    >>> event = Event("x")  # doctest: +SKIP
    >>> event.set()  # doctest: +SKIP
    >>> event.wait()  # doctest: +SKIP
    True
    """

    def __await__(self) -> Generator[Any, Any, Event]:
        return self._itself().__await__()

    async def _itself(self) -> Event:
        return self

    def wait(self, timeout: Any = None) -> Any:
        """Wait until the flag is set.

        Parameters
        ----------
        timeout
            Seconds, or text such as ``"100 ms"``; by default for ever.

        Returns
        -------
        bool
            Whether it is set.
        """
        return self.sync(self._wait, timeout)

    async def _wait(self, timeout: Any) -> bool:
        try:
            found = await self._ask("event.wait", timeout_s=seconds(timeout))
        except TimeoutError:
            return False
        return found is not False

    def set(self) -> Any:
        """Set the flag and wake those who wait."""
        return self.sync(self._ask, "event.set")

    def clear(self) -> Any:
        """Take the flag back."""
        return self.sync(self._ask, "event.clear")

    def is_set(self) -> Any:
        """Return whether the flag is set."""
        return self.sync(self._ask, "event.is_set")
