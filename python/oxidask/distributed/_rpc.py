"""Questions to a scheduler by its address, without a client of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any

__all__ = ["rpc"]


class rpc:
    """Ask a scheduler, from an event loop: each attribute is a question.

    Parameters
    ----------
    arg
        The scheduler's address, or whatever has one as ``.address``.
    timeout
        Seconds to wait for the connection.
    connection_args
        Not needed.
    **kwargs
        ``security`` for schedulers with certificates.

    Examples
    --------
    >>> from oxidask.distributed import LocalCluster
    >>> async def main(address):
    ...     async with rpc(address) as scheduler:
    ...         return await scheduler.identity()
    >>> with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
    ...     asyncio.run(main(cluster.scheduler_address))["type"]
    'Scheduler'
    """

    def __init__(
        self, arg: Any = None, *, timeout: Any = None, connection_args: Any = None, **kwargs: Any
    ) -> None:
        self.address = str(getattr(arg, "address", arg))
        self.status = "running"
        self._options = {"security": kwargs["security"]} if "security" in kwargs else {}
        if timeout is not None:
            self._options["timeout"] = timeout
        self._client: Any = None
        self._connecting = asyncio.Lock()

    async def _connected(self) -> Any:
        from oxidask.distributed.client import Client

        if self.status == "closed":
            raise RuntimeError(f"this rpc to {self.address} is closed")
        async with self._connecting:
            if self._client is None:
                self._client = await Client(
                    self.address, asynchronous=True, set_as_default=False, **self._options
                )
        return self._client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)

        async def ask(**kwargs: Any) -> Any:
            client = await self._connected()
            method = getattr(client.scheduler, name, None) or getattr(client, name)
            answer = method(**kwargs)
            return await answer if hasattr(answer, "__await__") else answer

        return ask

    async def close_rpc(self) -> None:
        """End the connection."""
        self.status = "closed"
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def __aenter__(self) -> rpc:
        await self._connected()
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close_rpc()

    def __await__(self) -> Generator[Any, Any, rpc]:
        return self.__aenter__().__await__()

    def __repr__(self) -> str:
        return f"<rpc to {self.address!r}: {self.status}>"
