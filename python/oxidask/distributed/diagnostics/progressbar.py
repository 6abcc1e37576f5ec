"""Progress bars of futures and persisted collections: in a terminal, or in a notebook."""

from __future__ import annotations

import asyncio
import html
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from oxidask.utils import format_time, key_split, parse_timedelta

__all__ = [
    "MultiProgressBar",
    "MultiProgressWidget",
    "ProgressBar",
    "ProgressWidget",
    "TextProgressBar",
    "get_scheduler",
    "progress",
]

_GROUPINGS = ("prefix", "spans")


class _Connection:
    """What a bar reads from: its own client of the scheduler, open while the bar listens."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._client: Any = None

    async def open(self) -> Any:
        from oxidask.distributed.client import Client

        self._client = await Client(self.address, asynchronous=True, set_as_default=False)
        return self._client

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def closed(self) -> bool:
        """Whether nothing is read any more."""
        return self._client is None


class ProgressBar:
    """Watches tasks until all have ended, or one has failed.

    Parameters
    ----------
    keys
        The tasks, by key or as futures.
    scheduler
        The scheduler, or its address; by default that of the current client.
    interval
        Seconds between looks, or text such as ``"100 ms"``.
    complete
        Whether tasks that had ended before count.

    Attributes
    ----------
    status
        ``"pending"``, ``"finished"`` or ``"error"``.
    """

    def __init__(
        self, keys: Any, scheduler: Any = None, interval: Any = "100ms", complete: bool = True
    ) -> None:
        self.keys = {getattr(key, "key", key) for key in keys}
        self.scheduler = get_scheduler(scheduler)
        self.interval = parse_timedelta(interval, default="s")
        self.complete = complete
        self.status = "pending"
        self.comm: _Connection | None = None
        self.last_response: dict[str, Any] = {}
        self._start_time = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the bar was made."""
        return time.monotonic() - self._start_time

    async def listen(self) -> None:
        """Draw until all tasks have ended, or one has failed."""
        from oxidask.distributed.client import Future

        self.comm = _Connection(self.scheduler)
        client = await self.comm.open()
        try:
            futures = [Future(key, client) for key in self.keys]
            skip = set() if self.complete else {f.key for f in futures if f.status != "pending"}
            watched = [future for future in futures if future.key not in skip]
            while True:
                states = {future.key: future.status for future in watched}
                done = self._look(states)
                if done or self.status != "pending":
                    break
                await asyncio.sleep(self.interval)
        finally:
            await self.comm.close()

    def _look(self, states: dict[Any, str]) -> bool:
        """Draw what the tasks' states are, and return whether that was the last time."""
        failed = any(state not in ("pending", "finished") for state in states.values())
        n_left = sum(state == "pending" for state in states.values())
        self.last_response = {"all": len(states), "remaining": n_left, "states": states}
        if failed or n_left == 0:
            self.status = "error" if failed else "finished"
        self._draw(**self.last_response)
        if self.status != "pending":
            self._draw_stop(remaining=n_left, status=self.status)
        return self.status != "pending"

    def _draw(self, all: int, remaining: int, states: dict[Any, str]) -> None:
        """Show how far it is."""

    def _draw_stop(self, remaining: int, status: str) -> None:
        """Show that it is over."""


class TextProgressBar(ProgressBar):
    """A bar of characters in a terminal.

    Parameters
    ----------
    keys, scheduler, interval, complete
        As for :class:`ProgressBar`.
    width
        Characters of a full bar.
    loop
        The loop that the bar runs on; by default the package's.
    start
        Whether to draw at once, until all has ended.
    """

    def __init__(
        self,
        keys: Any,
        scheduler: Any = None,
        interval: Any = "100ms",
        width: int = 40,
        loop: Any = None,
        complete: bool = True,
        start: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(keys, scheduler, interval, complete)
        self.width = width
        self.loop = loop
        if start:
            from oxidask.distributed import _loop

            _loop.run(self.listen())

    def _draw(self, all: int, remaining: int, states: dict[Any, str]) -> None:
        done = 1 - remaining / all if all else 1.0
        bar = "#" * int(self.width * done)
        elapsed = format_time(self.elapsed)
        line = f"\r[{bar:<{self.width}}] | {100 * done:.0f}% Completed | {elapsed}"
        sys.stdout.write(line)
        sys.stdout.flush()

    def _draw_stop(self, remaining: int, status: str) -> None:
        # What follows is written over the line, which has been read.
        sys.stdout.write("\r" if status == "finished" else f" {status}\n")
        sys.stdout.flush()


class ProgressWidget(ProgressBar):
    """A bar in a notebook, drawn anew in its place."""

    def __init__(
        self,
        keys: Any,
        scheduler: Any = None,
        interval: Any = "100ms",
        complete: bool = True,
        loop: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(keys, scheduler, interval, complete)
        self._display: Any = None

    def _rows(self, states: dict[Any, str]) -> list[tuple[str, int, int]]:
        return [("", _count_done(states.values()), len(states))]

    def _repr_html_(self) -> str:
        states = self.last_response.get("states", dict.fromkeys(self.keys, "pending"))
        colour = "#b00020" if self.status == "error" else "#2e7d32"
        rows = []
        for name, n_done, n in self._rows(states):
            percent = 100 * n_done / n if n else 100
            rows.append(
                f'<div>{html.escape(name)} <span style="float:right">{n_done} / {n}</span>'
                f'<div style="background:#ddd"><div style="background:{colour};height:1em;'
                f'width:{percent:.1f}%"></div></div></div>'
            )
        status = f"{self.status}: {format_time(self.elapsed)}"
        return f'<div style="max-width:40em">{"".join(rows)}<div>{status}</div></div>'

    def _ipython_display_(self, **kwargs: Any) -> None:
        from oxidask.distributed import _loop
        from oxidask.utils import import_required

        display = import_required("IPython.display", "progress bars in notebooks need IPython")
        self._display = display.display(display.HTML(self._repr_html_()), display_id=True)
        _loop.get_loop().call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self.listen())

    def _draw(self, all: int, remaining: int, states: dict[Any, str]) -> None:
        if self._display is not None:
            from oxidask.utils import import_required

            display = import_required("IPython.display", "progress bars in notebooks need IPython")
            self._display.update(display.HTML(self._repr_html_()))

    def _draw_stop(self, remaining: int, status: str) -> None:
        self._draw(**self.last_response)


class MultiProgressBar(ProgressBar):
    """A bar for each kind of task.

    Parameters
    ----------
    func
        The kind of a task, from its key; by default the name of its function.
    group_by
        ``"prefix"``, or ``"spans"``, which is the same here.
    """

    def __init__(
        self,
        keys: Any,
        scheduler: Any = None,
        func: Callable[[Any], str] | None = None,
        group_by: str = "prefix",
        interval: Any = "100ms",
        complete: bool = True,
        **kwargs: Any,
    ) -> None:
        _check_grouping(group_by)
        super().__init__(keys, scheduler, interval, complete)
        self.func = func or key_split

    def _rows(self, states: dict[Any, str]) -> list[tuple[str, int, int]]:
        groups: dict[str, list[str]] = {}
        for key, state in states.items():
            groups.setdefault(str(self.func(key)), []).append(state)
        return [(name, _count_done(found), len(found)) for name, found in sorted(groups.items())]


class MultiProgressWidget(MultiProgressBar, ProgressWidget):
    """A bar for each kind of task, in a notebook."""

    def __init__(self, keys: Any, scheduler: Any = None, **kwargs: Any) -> None:
        MultiProgressBar.__init__(self, keys, scheduler, **kwargs)
        self._display = None


def _count_done(states: Iterable[str]) -> int:
    return sum(state == "finished" for state in states)


def _check_grouping(group_by: Any) -> None:
    if group_by not in _GROUPINGS:
        raise ValueError(f"`group_by` should be one of {', '.join(_GROUPINGS)}, not {group_by!r}")


def get_scheduler(scheduler: Any) -> str:
    """Return the address of a scheduler, which may be given as a client or a cluster too.

    Examples
    --------
    >>> get_scheduler("tcp://127.0.0.1:8786")
    'tcp://127.0.0.1:8786'
    """
    if scheduler is None:
        from oxidask.distributed._current import get_client

        scheduler = get_client().scheduler
    if isinstance(scheduler, str):
        return scheduler
    inner = getattr(scheduler, "scheduler", scheduler)
    return str(getattr(inner, "address", inner))


def progress(
    *futures: Any,
    notebook: bool | None = None,
    multi: bool = True,
    complete: bool = True,
    group_by: str = "prefix",
    **kwargs: Any,
) -> Any:
    """Show how far futures or persisted collections are.

    In a terminal it returns when all have ended. In a notebook it returns a widget at once.

    Parameters
    ----------
    *futures
        Futures or collections, nested as you like.
    notebook
        Whether to draw for a notebook; by default looked for.
    multi
        Whether a notebook gets a bar for each kind of task.
    complete
        Whether tasks that had ended before count.
    group_by
        How tasks are grouped: ``"prefix"``, by the names of their functions.

    Examples
    --------
    >>> from oxidask.distributed import Client
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     futures = client.map(abs, range(10))
    ...     progress(futures)  # doctest: +ELLIPSIS
    [...] | 100% Completed | ...
    """
    from oxidask.distributed.client import futures_of

    _check_grouping(group_by)
    found = futures_of(futures)
    if notebook is None:
        notebook = _is_in_notebook()
    loop = kwargs.pop("loop", None)
    if found and "scheduler" not in kwargs:
        kwargs["scheduler"] = found[0].client
    if not notebook:
        TextProgressBar(found, complete=complete, loop=loop, **kwargs)
        return None
    if multi:
        return MultiProgressWidget(found, complete=complete, group_by=group_by, **kwargs)
    return ProgressWidget(found, complete=complete, **kwargs)


def _is_in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and hasattr(shell, "kernel")
