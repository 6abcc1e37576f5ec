"""The scheduler as a client sees it: its address, and what it can be asked."""

from __future__ import annotations

from typing import Any

from oxidask.distributed._addresses import host_and_port

__all__ = ["SchedulerProxy"]


class SchedulerProxy:
    """What :attr:`Client.scheduler` is.

    Parameters
    ----------
    client
        The client that asks.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.address: str = client._target.address

    @property
    def port(self) -> int | None:
        """The port of its address; None inside of one process."""
        if self.address.startswith("inproc"):
            return None
        return host_and_port(self.address)[1]

    async def identity(self, n_workers: int = -1) -> dict[str, Any]:
        """Return what the scheduler says about itself and its workers."""
        info = self._client._identity()
        if n_workers >= 0:
            info["workers"] = dict(list(info["workers"].items())[:n_workers])
        return info  # type: ignore[no-any-return]

    async def publish_list(self) -> tuple[Any, ...]:
        """Return the names of the published datasets."""
        return await self._client._list_datasets()  # type: ignore[no-any-return]

    async def ask(self, verb: str, **body: Any) -> Any:
        """Ask the scheduler a question by name; see the protocol."""
        return await self._client._ask(verb, body)

    def __repr__(self) -> str:
        return f"<scheduler at {self.address!r}>"
