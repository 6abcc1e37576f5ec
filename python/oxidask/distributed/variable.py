"""A value on the scheduler that clients and tasks share."""

from __future__ import annotations

from typing import Any

from oxidask.distributed._shared import Shared
from oxidask.distributed._task_options import seconds
from oxidask.distributed._values import pack

__all__ = ["Variable"]


class Variable(Shared):
    """A value that clients and tasks share by a name: data, or a future.

    Parameters
    ----------
    name
        By default a new one.
    client
        By default the current one.

    Examples
    --------
    >>> x = Variable("x")  # doctest: +SKIP
    >>> x.set(123)  # doctest: +SKIP
    >>> x.get()  # doctest: +SKIP
    123
    """

    def set(self, value: Any, timeout: Any = "30 s", **kwargs: Any) -> Any:
        """Set the value.

        Parameters
        ----------
        value
            A future, or any object that can be pickled; it goes through the scheduler, so it should
            be small.
        timeout
            Not needed: the scheduler takes it at once.
        **kwargs
            ``asynchronous``.
        """
        return self.sync(self._set, value, **kwargs)

    async def _set(self, value: Any) -> None:
        await self._ask("variable.set", value=pack(value))

    def get(self, timeout: Any = None, **kwargs: Any) -> Any:
        """Return the value; wait until there is one.

        Parameters
        ----------
        timeout
            Seconds to wait, or text such as ``"100 ms"``; by default for ever.
        **kwargs
            ``asynchronous``.

        Raises
        ------
        TimeoutError
            There is no value in time.
        """
        return self.sync(self._get, timeout, **kwargs)

    async def _get(self, timeout: Any) -> Any:
        found = await self._ask("variable.get", timeout_s=seconds(timeout))
        return await self._unpacked(found)

    def delete(self) -> Any:
        """Remove the value, and let go of its future."""
        return self.sync(self._delete)

    async def _delete(self) -> None:
        await self._ask("variable.delete")
