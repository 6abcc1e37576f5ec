"""``python -m oxidask.distributed._worker_main FD``: the process of a worker that a nanny started.

Everything it needs to know comes through the socket `FD`, see `oxidask.distributed._child`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import sys
from typing import Any

__all__ = ["NannyLink", "main"]


class NannyLink:
    """The nanny, as the worker sees it.

    Parameters
    ----------
    channel
        The way to it.
    loop
        The event loop of the channel.
    address
        What the nanny is called.
    """

    def __init__(self, channel: Any, loop: asyncio.AbstractEventLoop, address: str | None) -> None:
        self._channel = channel
        self._loop = loop
        self.address = address

    def ask(self, verb: str, body: Any) -> Any:
        """Ask it, from another thread than the loop's."""
        return asyncio.run_coroutine_threadsafe(self._channel.ask(verb, body), self._loop).result()

    def joined(self, address: str) -> None:
        """Tell it the worker's address, on the loop: the process may die before it has started."""
        with contextlib.suppress(ConnectionError):
            self._channel.tell("joined", {"address": address})


class _Process:
    def __init__(self) -> None:
        from oxidask.distributed._child import Channel

        self.channel = Channel(self._answer, self._lost)
        self.worker: Any = None
        self.over = asyncio.Event()
        self.status = 0

    async def _answer(self, verb: str, body: Any) -> Any:
        if verb == "start":
            return await self._start(body)
        if verb == "close":
            self._end(body.get("reason", "nanny-close"))
            return True
        raise NotImplementedError(f"a worker's process does not know {verb!r}")

    async def _start(self, body: dict[str, Any]) -> dict[str, Any]:
        from oxidask import config

        sys.path[:] = list(dict.fromkeys([*body["python_path"], *sys.path]))
        if body.get("folder"):
            with contextlib.suppress(OSError):
                os.chdir(body["folder"])
        config.update(config.global_config, body["config"], priority="new")
        from oxidask.distributed._logs import show_from

        show_from(body["log_level"])
        cls = pickle.loads(body["cls"])
        kwargs = pickle.loads(body["kwargs"])
        link = NannyLink(self.channel, asyncio.get_running_loop(), body["nanny"])
        self.worker = cls(body["scheduler"], nanny=link, **kwargs)
        await self.worker
        self._watch = asyncio.ensure_future(self._finish())
        return {
            "address": self.worker.address,
            "name": self.worker.name,
            "local_directory": self.worker.local_directory,
        }

    async def _finish(self) -> None:
        await self.worker.finished()
        reason = self.worker.reason
        with contextlib.suppress(ConnectionError):
            self.channel.tell("closing", {"reason": reason})
            await self.channel.drain()
        self.over.set()

    def _end(self, reason: str) -> None:
        if self.worker is None or self.worker.status.name in ("failed", "closed"):
            self.over.set()
            return
        self._closing = asyncio.ensure_future(self._close(reason))

    async def _close(self, reason: str) -> None:
        try:
            await self.worker.close(reason=reason)
        finally:
            self.over.set()

    def _lost(self) -> None:
        """The nanny's process is dead: nothing may be left of it."""
        if not self.over.is_set():
            asyncio.get_running_loop().call_later(5, os._exit, 1)
            self._end("nanny-lost")


async def _serve(descriptor: int) -> int:
    process = _Process()
    # Ctrl-C goes to all processes of a terminal; whether the worker ends is up to its nanny.
    signal.signal(signal.SIGINT, lambda *_: None)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, process._end, "sigterm")
    sock = socket.socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)
    sock.setblocking(False)
    await process.channel.open(sock)
    await process.over.wait()
    process.channel.close()
    return process.status


def main() -> None:
    """Run until the worker is closed."""
    status = 1
    try:
        status = asyncio.run(_serve(int(sys.argv[1])))
    finally:
        # Threads of tasks that run on must not keep a closed worker's process alive, nor must
        # those that come back find an interpreter half gone.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
