"""What the objects that clients and tasks share by name have in common."""

from __future__ import annotations

import uuid
from typing import Any

from oxidask.distributed import _current
from oxidask.distributed._values import unpack

__all__ = ["Shared"]


class Shared:
    """An object on the scheduler that is found by its name, from clients and from tasks.

    Parameters
    ----------
    name
        By default a new one.
    client
        By default the one that is meant where the object is used.
    """

    def __init__(self, name: str | None = None, client: Any = None) -> None:
        self.name = name or f"{type(self).__name__.lower()}-{uuid.uuid4().hex}"
        self._client = client

    @property
    def client(self) -> Any:
        """The client that asks for it."""
        if self._client is None:
            self._client = _current.get_client()
        return self._client

    @property
    def asynchronous(self) -> bool:
        """Whether methods return coroutines here."""
        return bool(self.client.asynchronous)

    @property
    def loop(self) -> Any:
        """The client's loop."""
        return self.client.loop

    @property
    def scheduler(self) -> Any:
        """The client's scheduler."""
        return self.client.scheduler

    def sync(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a coroutine function; see :meth:`Client.sync`."""
        return self.client.sync(func, *args, **kwargs)

    def __getstate__(self) -> Any:
        return self.name

    def __setstate__(self, state: Any) -> None:
        self.name = state
        self._client = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.name}>"

    async def _ask(self, verb: str, **body: Any) -> Any:
        return await self.client._ask(verb, {"name": self.name, **body})

    async def _unpacked(self, packed: Any) -> Any:
        """Return a value; if it is a future, one that knows its state."""
        value = unpack(packed, self.client)
        if type(packed) is dict and "key" in packed:
            # What the scheduler knows of the future comes before the answer to this.
            await self.client._ask("publish.list")
        return value
