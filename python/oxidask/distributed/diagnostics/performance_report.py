"""A report of what a cluster did while a block ran: one HTML file that needs nothing else."""

from __future__ import annotations

import html
import inspect
import sys
import time
from collections.abc import Sequence
from typing import Any

from oxidask.distributed.diagnostics.task_stream import get_task_stream, rectangles
from oxidask.utils import format_bytes, format_time, key_split

__all__ = ["performance_report"]

_LANE, _WIDTH = 14, 1200


class performance_report:
    """Write a report of what the cluster does while the block runs.

    The file shows how many tasks ran and for how long, by kind and by worker, when each thread ran
    what, and the code that was run.

    Parameters
    ----------
    filename
        The HTML file to write: a path, or any URL that fsspec knows.
    stacklevel
        How many frames up the code is that the report shows.
    mode
        Not used: the file needs no other.
    storage_options
        Keywords for fsspec, where `filename` is a URL.

    Examples
    --------
    >>> import tempfile, os
    >>> from oxidask.distributed import Client
    >>> path = os.path.join(tempfile.mkdtemp(), "report.html")
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     with performance_report(path):
    ...         results = client.gather(client.map(abs, range(5)))
    >>> "abs" in open(path).read()
    True
    """

    def __init__(
        self,
        filename: str = "dask-report.html",
        stacklevel: int = 1,
        mode: str | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> None:
        self.filename = filename
        self._options = storage_options
        self._stream = get_task_stream()
        self._client = self._stream.client
        self._code = _code_of_caller(stacklevel)
        self._began = 0.0

    async def _start(self) -> None:
        self._began = time.time()
        await self._stream._start()

    async def _stop(self, failed: bool) -> None:
        await self._stream._stop()
        identity = await self._client._ask("info.identity", {"workers": True})
        text = _page(self._stream.data, identity, self._began, time.time(), self._code, failed)
        _write(str(self.filename), text, self._options or {})

    def __enter__(self) -> None:
        self._client.sync(self._start)

    def __exit__(self, kind: Any, *args: object) -> None:
        self._client.sync(self._stop, kind is not None)

    async def __aenter__(self) -> None:
        await self._start()

    async def __aexit__(self, kind: Any, *args: object) -> None:
        await self._stop(kind is not None)


def _code_of_caller(stacklevel: int) -> str:
    frame = sys._getframe(stacklevel + 1)
    try:
        return inspect.getsource(frame)
    except (OSError, TypeError):  # typed in, or generated
        return ""


def _write(filename: str, text: str, options: dict[str, Any]) -> None:
    if "://" in filename:
        from oxidask.utils import import_required

        fsspec = import_required("fsspec", f"{filename} is a URL: writing it needs fsspec")
        with fsspec.open(filename, mode="w", **options) as file:
            file.write(text)
        return
    with open(filename, "w", encoding="utf-8") as file:
        file.write(text)


def _page(
    data: Sequence[dict[str, Any]],
    identity: dict[str, Any],
    began: float,
    ended: float,
    code: str,
    failed: bool,
) -> str:
    workers = identity["workers"]
    n_threads = sum(int(worker["nthreads"]) for worker in workers.values())
    busy = sum(_seconds(row) for row in data)
    summary = [
        ("began", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(began))),
        ("took", format_time(ended - began) + (", and raised" if failed else "")),
        ("tasks", str(len(data))),
        ("computing", format_time(busy)),
        ("workers", str(len(workers))),
        ("threads", str(n_threads)),
        ("memory", format_bytes(sum(int(w["memory_limit"] or 0) for w in workers.values()))),
        ("busy", f"{100 * busy / max(1e-9, n_threads * (ended - began)):.0f} %"),
        ("scheduler", str(identity.get("address"))),
    ]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        "<title>Performance report</title><style>"
        "body{font:14px sans-serif;margin:2em;max-width:80em}"
        "td,th{text-align:left;padding:.2em 1em .2em 0}pre{background:#f4f4f4;padding:1em}"
        "</style></head><body><h1>Performance report</h1>"
        + _table(["", ""], summary)
        + "<h2>By kind of task</h2>"
        + _table(["task", "runs", "total", "mean", "longest"], _by(data, _name))
        + "<h2>By worker</h2>"
        + _table(["worker", "runs", "total", "mean", "longest"], _by(data, _worker))
        + "<h2>Task stream</h2>"
        + _drawing(data)
        + f"<h2>Code</h2><pre>{html.escape(code)}</pre></body></html>\n"
    )


def _seconds(row: dict[str, Any]) -> float:
    return float(sum(span["stop"] - span["start"] for span in row["startstops"]))


def _name(row: dict[str, Any]) -> str:
    return str(key_split(row["key"]))


def _worker(row: dict[str, Any]) -> str:
    return str(row["worker"])


def _by(data: Sequence[dict[str, Any]], group: Any) -> list[tuple[str, ...]]:
    times: dict[str, list[float]] = {}
    for row in data:
        times.setdefault(group(row), []).append(_seconds(row))
    return [
        (
            name,
            str(len(found)),
            format_time(sum(found)),
            format_time(sum(found) / len(found)),
            format_time(max(found)),
        )
        for name, found in sorted(times.items(), key=lambda item: -sum(item[1]))
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    line = "".join
    cells = line(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = line(
        "<tr>" + line(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{cells}</tr>{body}</table>"


def _drawing(data: Sequence[dict[str, Any]]) -> str:
    columns = rectangles(data)
    if not columns["start"]:
        return "<p>No task ran.</p>"
    halves = [duration / 2 for duration in columns["duration"]]
    first = min(middle - half for middle, half in zip(columns["start"], halves, strict=True))
    last = max(middle + half for middle, half in zip(columns["start"], halves, strict=True))
    scale = _WIDTH / max(last - first, 1e-6)
    shapes = [
        f'<rect x="{(middle - half - first) * scale:.2f}" y="{lane * _LANE}" '
        f'width="{max(2 * half * scale, 0.3):.2f}" height="{_LANE - 2}" fill="{colour}">'
        f"<title>{html.escape(key)} on {html.escape(worker)}: {text}</title></rect>"
        for middle, half, lane, colour, key, worker, text in zip(
            columns["start"], halves, columns["y"], columns["color"], columns["key"],
            columns["worker"], columns["text"], strict=True,
        )
    ]  # fmt: skip
    height = (max(columns["y"]) + 1) * _LANE
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="100%" role="img" '
        f'aria-label="Which thread ran which task when">{"".join(shapes)}</svg>'
        f"<p>{format_time((last - first) / 1000)} from left to right; a line for each thread.</p>"
    )
