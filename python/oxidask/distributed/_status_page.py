"""A small page about a scheduler, over HTTP: for people at ``/status``, for programs beside it.

=========================  ==========================================
``/status``                workers, memory and tasks as HTML
``/health``                ``ok``
``/metrics``               numbers in Prometheus's text format
``/api/v1/identity``       what ``Client.scheduler_info`` gives, as JSON
=========================  ==========================================

It only reads; nothing can be changed through it.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import warnings
from collections.abc import Callable
from typing import Any

from oxidask.distributed._addresses import host_and_port, is_loopback
from oxidask.utils import format_bytes

__all__ = ["StatusServer", "dashboard_place"]

DEFAULT_PORT = 8787
_MAX_REQUEST_BYTES = 16_384
_MAX_SECONDS = 10.0
_HTML, _TEXT, _JSON = "text/html", "text/plain", "application/json"
_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed"}


def dashboard_place(address: Any, default_host: str) -> tuple[str, int]:
    """Return the host and the port that a dashboard's address means.

    Parameters
    ----------
    address
        A port, ``":port"``, ``"host"`` or ``"host:port"``.
    default_host
        Where it names no host.

    Examples
    --------
    >>> dashboard_place(":0", "127.0.0.1"), dashboard_place(9876, "127.0.0.1")
    (('127.0.0.1', 0), ('127.0.0.1', 9876))
    """
    if isinstance(address, int):
        return default_host, address
    host, port = host_and_port(str(address))
    return host or default_host, DEFAULT_PORT if port is None else port


class StatusServer:
    """Serves the page of one scheduler, on the loop that it was started on.

    Parameters
    ----------
    identity
        Gives what the scheduler says about itself and its workers.
    prefix
        What all paths begin with.
    page
        Whether there is something for people, too.
    """

    def __init__(
        self, identity: Callable[[], dict[str, Any]], prefix: str = "/", page: bool = True
    ) -> None:
        self._identity = identity
        self._prefix = "/" + prefix.strip("/")
        self._server: asyncio.Server | None = None
        self.host, self.port = "", 0
        self._pages: dict[str, Callable[[], tuple[str, str]]] = {
            **({"": self._status, "status": self._status} if page else {}),
            "health": lambda: (_TEXT, "ok"),
            "metrics": lambda: (_TEXT, _metrics(self._identity())),
            "api/v1/identity": lambda: (_JSON, json.dumps(self._identity(), default=str)),
        }

    async def start(self, address: Any, default_host: str = "127.0.0.1") -> None:
        """Listen, at a free port if somebody else has the one that is asked for."""
        self.host, port = dashboard_place(address, default_host)
        try:
            self._server = await asyncio.start_server(self._serve, self.host, port)
        except OSError:
            self._server = await asyncio.start_server(self._serve, self.host, 0)
            warnings.warn(
                f"Port {port} is already in use: another cluster may be running. "
                f"The dashboard of this one is at port {self._bound()}",
                stacklevel=2,
            )
        self.port = self._bound()

    def _bound(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    stop = close

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _MAX_SECONDS)
                if len(head) <= _MAX_REQUEST_BYTES:
                    writer.write(self._answer(head))
                    await asyncio.wait_for(writer.drain(), _MAX_SECONDS)
            except TimeoutError:
                pass
            finally:
                writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0].strip("/")
        prefix = self._prefix.strip("/")
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            path = path[len(prefix) :].strip("/")
        page = self._pages.get(path)
        if method not in ("GET", "HEAD"):
            status, kind, body = 405, _TEXT, "only GET"
        elif page is None:
            names = ", ".join(f"/{name}" for name in self._pages if name)
            status, kind, body = 404, _TEXT, f"there is no /{path}, but {names}"
        else:
            status, (kind, body) = 200, page()
        data = body.encode()
        lines = [
            f"HTTP/1.1 {status} {_REASONS[status]}",
            f"Content-Type: {kind}; charset=utf-8",
            f"Content-Length: {len(data)}",
            "Cache-Control: no-store",
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + (data if method == "GET" else b"")

    def _status(self) -> tuple[str, str]:
        return _HTML, _page(self._identity())

    def __repr__(self) -> str:
        reach = "this machine" if is_loopback(self.host) else "all who reach it"
        return f"<StatusServer {self.host}:{self.port} for {reach}>"


def _page(identity: dict[str, Any]) -> str:
    workers = identity.get("workers", {})
    columns = ["name", "address", "threads", "running", "managed", "process", "limit", "status"]
    rows = []
    for address, worker in workers.items():
        metrics = worker.get("metrics", {})
        cells = [
            worker.get("name"),
            address,
            worker.get("nthreads"),
            metrics.get("executing", 0),
            format_bytes(int(metrics.get("managed_bytes") or 0)),
            format_bytes(int(metrics.get("memory") or 0)),
            format_bytes(int(worker.get("memory_limit") or 0))
            if worker.get("memory_limit")
            else "",
            worker.get("status"),
        ]
        rows.append("".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    head = "".join(f"<th>{name}</th>" for name in columns)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="refresh" content="2"><title>Oxidask: status</title><style>'
        "body{font:14px sans-serif;margin:2em}td,th{text-align:left;padding:.2em 1em .2em 0}"
        f"</style></head><body><h1>{html.escape(str(identity.get('address')))}</h1>"
        f"<p>{len(workers)} workers, {sum(int(w.get('nthreads') or 0) for w in workers.values())} "
        f"threads, {identity.get('n_tasks', 0)} tasks</p>"
        f"<table><tr>{head}</tr>{body}</table></body></html>\n"
    )


def _metrics(identity: dict[str, Any]) -> str:
    workers = identity.get("workers", {}).values()
    totals = [
        ("scheduler_tasks", "Tasks that the scheduler knows.", identity.get("n_tasks", 0)),
        ("scheduler_workers", "Workers that are connected.", len(workers)),
        ("scheduler_threads", "Threads of all workers.", _total(workers, "nthreads")),
        ("scheduler_managed_bytes", "Bytes of results.", _measured(workers, "managed_bytes")),
        ("scheduler_spilled_bytes", "Bytes of these on disk.", _measured(workers, "spilled_bytes")),
        ("scheduler_process_bytes", "Bytes of the workers.", _measured(workers, "memory")),
    ]
    lines = []
    for name, what, number in totals:
        full = f"dask_{name}"
        lines += [f"# HELP {full} {what}", f"# TYPE {full} gauge", f"{full} {number or 0}"]
    return "\n".join(lines) + "\n"


def _total(workers: Any, name: str) -> float:
    return sum(worker.get(name) or 0 for worker in workers)


def _measured(workers: Any, name: str) -> float:
    return sum(worker.get("metrics", {}).get(name) or 0 for worker in workers)
