"""The task stream: which thread ran which task when."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from oxidask.utils import format_time, import_required, key_split

__all__ = ["colour_of", "get_task_stream", "plot_task_stream", "rectangles", "save_plot", "to_rows"]

# Colours that are told apart also by those who see fewer, and that bear black text.
_COLOURS = [
    "#4e79a7",
    "#f28e2b",
    "#59a14f",
    "#76b7b2",
    "#edc948",
    "#b07aa1",
    "#ff9da7",
    "#9c755f",
    "#bab0ac",
    "#86bcb6",
    "#d4a6c8",
    "#8cd17d",
    "#a0cbe8",
    "#ffbe7d",
    "#f1ce63",
    "#d7b5a6",
]
_FAILED = "#111111"


class get_task_stream:
    """Collect the tasks that run while the block runs.

    Parameters
    ----------
    client
        The client; by default the current one.
    plot
        True for a bokeh figure of them in ``.figure``, ``"save"`` to write it to `filename` too.
    filename
        The HTML file to write.

    Attributes
    ----------
    data
        A dictionary for each task: ``key``, ``worker``, ``thread``, ``status``, ``nbytes``,
        ``type``, ``startstops``.

    Examples
    --------
    >>> from oxidask.distributed import Client
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     with get_task_stream() as stream:
    ...         results = client.gather(client.map(abs, range(5)))
    >>> len(stream.data)
    5
    """

    def __init__(
        self, client: Any = None, plot: bool | str = False, filename: str = "task-stream.html"
    ) -> None:
        if client is None:
            from oxidask.distributed._current import get_client

            client = get_client()
        self.client = client
        self._plot, self._filename = plot, filename
        self.data: list[dict[str, Any]] = []
        self.figure: Any = None
        self._seen: set[Any] = set()

    async def _start(self) -> None:
        await self.client._ask("tasks.stream.start", {})
        so_far = await self.client._ask("tasks.stream.get", {})
        self._seen = {_identity(row) for row in so_far}

    async def _stop(self) -> None:
        raw = await self.client._ask("tasks.stream.get", {})
        self.data.extend(to_rows(row for row in raw if _identity(row) not in self._seen))
        if self._plot:
            self.figure = plot_task_stream(self.data)
        if self._plot == "save":
            save_plot(self.figure, self._filename)

    def __enter__(self) -> get_task_stream:
        self.client.sync(self._start)
        return self

    def __exit__(self, *args: object) -> None:
        self.client.sync(self._stop)

    async def __aenter__(self) -> get_task_stream:
        await self._start()
        return self

    async def __aexit__(self, *args: object) -> None:
        await self._stop()


def _identity(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["key"], row["worker"], row["begun_s"]


def to_rows(raw: Any) -> list[dict[str, Any]]:
    """Return what the scheduler has recorded as users get it.

    Examples
    --------
    >>> raw = {"key": "f-1", "worker": "tcp://h:1", "thread": 0, "begun_s": 5.0, "duration_s": 2.0}
    >>> to_rows([raw])[0]["startstops"]
    [{'action': 'compute', 'start': 5.0, 'stop': 7.0}]
    """
    rows = []
    for row in raw:
        begun = row["begun_s"]
        span = {"action": "compute", "start": begun, "stop": begun + row["duration_s"]}
        rows.append(
            {
                "key": row["key"],
                "worker": row["worker"],
                "name": row.get("name"),
                "thread": row.get("thread"),
                "status": row.get("status", "OK"),
                "nbytes": row.get("nbytes"),
                "type": row.get("type"),
                "typename": row.get("type"),
                "startstops": [span],
            }
        )
    return rows


def colour_of(name: str) -> str:
    """Return the colour of the tasks of this name: always the same.

    Examples
    --------
    >>> colour_of("inc") == colour_of("inc")
    True
    """
    digest = hashlib.blake2b(name.encode(), digest_size=2).digest()
    return _COLOURS[int.from_bytes(digest, "big") % len(_COLOURS)]


def rectangles(data: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return the columns of a task stream's drawing, one entry a task.

    Times are in milliseconds since the epoch; ``y`` numbers the threads of all workers.
    """
    lanes: dict[Any, int] = {}
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("start", "duration", "key", "name", "color", "alpha", "worker", "y", "text")
    }
    for row in sorted(data, key=lambda row: str(row["worker"])):
        lane = lanes.setdefault((row["worker"], row["thread"]), len(lanes))
        name = key_split(row["key"])
        failed = row["status"] == "error"
        for span in row["startstops"]:
            seconds = span["stop"] - span["start"]
            columns["start"].append((span["start"] + span["stop"]) / 2 * 1000)
            columns["duration"].append(seconds * 1000)
            columns["key"].append(str(row["key"]))
            columns["name"].append(name)
            columns["color"].append(_FAILED if failed else colour_of(name))
            columns["alpha"].append(0.9)
            columns["worker"].append(row["worker"])
            columns["y"].append(lane)
            columns["text"].append(format_time(seconds))
    return columns


def plot_task_stream(data: Sequence[dict[str, Any]]) -> Any:
    """Return a bokeh figure of a task stream."""
    message = "plots of the task stream need the package bokeh"
    plotting = import_required("bokeh.plotting", message)
    models = import_required("bokeh.models", message)
    source = models.ColumnDataSource(rectangles(data))
    figure = plotting.figure(
        title="Task Stream",
        x_axis_type="datetime",
        height=500,
        tools="xwheel_zoom,xpan,reset",
        sizing_mode="stretch_width",
    )
    figure.rect(
        source=source, x="start", y="y", width="duration", height=0.8, fill_color="color",
        line_color="color", fill_alpha="alpha",
    )  # fmt: skip
    figure.yaxis.visible = False
    tooltips = [("task", "@name"), ("took", "@text"), ("key", "@key"), ("worker", "@worker")]
    figure.add_tools(models.HoverTool(tooltips=tooltips))
    return figure


def save_plot(figure: Any, filename: str, title: str = "Oxidask Task Stream") -> None:
    """Write a bokeh figure to an HTML file that fetches bokeh from the network."""
    message = "plots need the package bokeh"
    plotting = import_required("bokeh.plotting", message)
    resources = import_required("bokeh.resources", message)
    plotting.save(figure, title=title, filename=filename, resources=resources.CDN)
