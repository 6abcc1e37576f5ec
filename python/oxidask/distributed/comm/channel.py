"""Connections and listeners: whole messages, in order, in both directions."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import os
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from oxidask._pickle import dumps, loads
from oxidask.distributed.comm.addresses import (
    get_address_host,
    parse_address,
    parse_host_port,
    unparse_address,
    unparse_host_port,
)
from oxidask.distributed.exceptions import CommClosedError

__all__ = ["Comm", "Listener", "connect", "listen"]

_LENGTH = struct.Struct("<Q")
_MAX_BYTES = 2**31
_ENCRYPTED = frozenset({"tls", "inproc"})

_Handler = Callable[["Comm"], Any]
_numbers = itertools.count()
_inproc: dict[str, Listener] = {}


class Comm:
    """One end of a connection. Messages are any objects that can be pickled.

    Attributes
    ----------
    local_address, peer_address
        Of both ends.
    extra_info
        What is known of the connection: its ``cipher`` for TLS.
    """

    def __init__(self, local_address: str, peer_address: str) -> None:
        self.local_address = local_address
        self.peer_address = peer_address
        self.extra_info: dict[str, Any] = {}
        self.name = ""

    async def read(self, deserializers: Any = None) -> Any:
        """Wait for the next message.

        Raises
        ------
        CommClosedError
            If none will come any more.
        """
        raise NotImplementedError

    async def write(self, msg: Any, serializers: Any = None, on_error: str = "message") -> int:
        """Send a message; returns its bytes."""
        raise NotImplementedError

    async def close(self) -> None:
        """Send what is on its way, and end."""
        raise NotImplementedError

    def abort(self) -> None:
        """End at once."""
        raise NotImplementedError

    def closed(self) -> bool:
        """Whether this end is closed."""
        raise NotImplementedError

    def __repr__(self) -> str:
        state = " (closed)" if self.closed() else ""
        ends = f"local={self.local_address} remote={self.peer_address}"
        return f"<{type(self).__name__}{state} {self.name} {ends}>"


class _Stream(Comm):
    """Over a socket: each message behind its length."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, scheme: str
    ) -> None:
        names = [writer.get_extra_info(which) for which in ("sockname", "peername")]
        ends = [
            unparse_address(scheme, unparse_host_port(str(name[0]), name[1])) if name else ""
            for name in names
        ]
        super().__init__(*ends)
        self._reader, self._writer = reader, writer
        cipher = writer.get_extra_info("cipher")
        if cipher is not None:
            self.extra_info["cipher"] = cipher
            self.extra_info["peercert"] = writer.get_extra_info("peercert")

    async def read(self, deserializers: Any = None) -> Any:
        try:
            (n_bytes,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if n_bytes > _MAX_BYTES:
                self.abort()
                raise CommClosedError(f"a message of {n_bytes} bytes from {self.peer_address}")
            body = await self._reader.readexactly(n_bytes)
        except (asyncio.IncompleteReadError, OSError) as error:
            self.abort()
            raise CommClosedError(f"{self!r} ended while reading: {error}") from error
        return loads(body)

    async def write(self, msg: Any, serializers: Any = None, on_error: str = "message") -> int:
        if self.closed():
            raise CommClosedError(f"{self!r} is closed")
        body = dumps(msg)
        self._writer.write(_LENGTH.pack(len(body)))
        self._writer.write(body)
        try:
            await self._writer.drain()
        except OSError as error:
            self.abort()
            raise CommClosedError(f"{self!r} ended while writing: {error}") from error
        return len(body)

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def abort(self) -> None:
        self._writer.transport.abort()

    def closed(self) -> bool:
        return self._writer.is_closing()


class _InProc(Comm):
    """Within a process: the objects themselves."""

    def __init__(self, local_address: str, peer_address: str) -> None:
        super().__init__(local_address, peer_address)
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._peer: _InProc | None = None
        self._is_closed = False

    async def read(self, deserializers: Any = None) -> Any:
        if self._is_closed and self._inbox.empty():
            raise CommClosedError(f"{self!r} is closed")
        kind, message = await self._inbox.get()
        if kind == "end":
            self._is_closed = True
            raise CommClosedError(f"{self!r} was closed by its peer")
        return message

    async def write(self, msg: Any, serializers: Any = None, on_error: str = "message") -> int:
        if self._is_closed or self._peer is None or self._peer._is_closed:
            raise CommClosedError(f"{self!r} is closed")
        self._peer._inbox.put_nowait(("message", msg))
        return 1

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            if self._peer is not None:
                self._peer._inbox.put_nowait(("end", None))

    def closed(self) -> bool:
        return self._is_closed


class Listener:
    """Takes connections, and calls a function with each; see :func:`listen`.

    Attributes
    ----------
    contact_address
        The address that :func:`connect` needs.
    """

    def __init__(self, scheme: str, rest: str, handle: _Handler, arguments: dict[str, Any]) -> None:
        self._scheme, self._rest, self._handle = scheme, rest, handle
        self._ssl = arguments.get("ssl_context")
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.contact_address = ""

    @property
    def listen_address(self) -> str:
        """The address that it is bound to."""
        return self.contact_address

    async def start(self) -> None:
        """Begin to listen."""
        if self._scheme == "inproc":
            name = self._rest or f"127.0.0.1/{os.getpid()}/comm-{next(_numbers)}"
            self.contact_address = unparse_address("inproc", name)
            _inproc[self.contact_address] = self
            return
        host, port = parse_host_port(self._rest or "127.0.0.1:0", 0)
        self._server = await asyncio.start_server(
            self._accept, host or None, port, ssl=self._ssl if self._scheme == "tls" else None
        )
        bound = self._server.sockets[0].getsockname()
        location = unparse_host_port(get_address_host(str(bound[0])), bound[1])
        self.contact_address = unparse_address(self._scheme, location)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serve(_Stream(reader, writer, self._scheme))

    def _serve(self, comm: Comm) -> None:
        result = self._handle(comm)
        if inspect.isawaitable(result):
            task = asyncio.ensure_future(_ignoring_the_end(result))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Take no more connections, and end those that are served."""
        _inproc.pop(self.contact_address, None)
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            self._server.close()

    async def __aenter__(self) -> Listener:
        await self.start()
        return self

    async def __aexit__(self, *args: object) -> None:
        self.stop()

    def __await__(self) -> Any:
        return self.__aenter__().__await__()


async def _ignoring_the_end(served: Awaitable[Any]) -> None:
    with contextlib.suppress(CommClosedError):
        await served


def _check(scheme: str, addr: str, arguments: dict[str, Any]) -> None:
    if scheme not in ("tcp", "tls", "inproc"):
        raise ValueError(f"the scheme of {addr!r} is none of tcp, tls, inproc")
    if arguments.get("require_encryption") and scheme not in _ENCRYPTED:
        raise RuntimeError(
            f"encryption required by the configuration, and {addr!r} has none: use tls"
        )
    if scheme == "tls" and arguments.get("ssl_context") is None:
        raise TypeError(f"{addr!r} needs an ssl_context: give certificates in a Security")


def listen(addr: str, handle_comm: _Handler, **kwargs: Any) -> Listener:
    """Listen at an address; the result is entered with ``async with``, or awaited.

    Parameters
    ----------
    addr
        Such as ``"tcp://127.0.0.1:0"``, ``"tls://"`` or ``"inproc://"``.
    handle_comm
        Called with each connection, a :class:`Comm`; may be a coroutine function.
    **kwargs
        What :meth:`Security.get_listen_args` gives.

    Examples
    --------
    >>> async def main():
    ...     async def handle(comm):
    ...         await comm.write(await comm.read() + 1)
    ...     async with listen("tcp://127.0.0.1:0", handle) as listener:
    ...         comm = await connect(listener.contact_address)
    ...         await comm.write(1)
    ...         answer = await comm.read()
    ...         await comm.close()
    ...     return answer
    >>> asyncio.run(main())
    2
    """
    scheme, rest = parse_address(addr)
    _check(scheme, addr, kwargs)
    return Listener(scheme, rest, handle_comm, kwargs)


async def connect(addr: str, timeout: Any = None, **kwargs: Any) -> Comm:
    """Connect to a listener.

    Parameters
    ----------
    addr
        The listener's address.
    timeout
        Seconds to wait; by default what ``distributed.comm.timeouts.connect`` says, or 30.
    **kwargs
        What :meth:`Security.get_connection_args` gives.

    Raises
    ------
    OSError
        If nobody listens there.
    """
    from oxidask import config
    from oxidask.utils import parse_timedelta

    scheme, rest = parse_address(addr)
    _check(scheme, addr, kwargs)
    if scheme == "inproc":
        return _connect_inproc(addr)
    if timeout is None:
        timeout = config.get("distributed.comm.timeouts.connect", "30s")
    host, port = parse_host_port(rest)
    more = {"ssl": kwargs["ssl_context"], "server_hostname": host} if scheme == "tls" else {}
    try:
        opening = asyncio.open_connection(host, port, **more)
        reader, writer = await asyncio.wait_for(opening, parse_timedelta(timeout))
    except (TimeoutError, OSError) as error:
        raise OSError(f"{addr} can't be reached: {str(error) or 'no answer'}") from error
    return _Stream(reader, writer, scheme)


def _connect_inproc(addr: str) -> Comm:
    listener = _inproc.get(addr)
    if listener is None:
        raise OSError(f"nobody in this process listens at {addr}")
    mine = f"{addr}/client-{next(_numbers)}"
    here, there = _InProc(mine, addr), _InProc(addr, mine)
    here._peer, there._peer = there, here
    listener._serve(there)
    return here
