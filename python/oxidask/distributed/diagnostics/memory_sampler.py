"""The cluster's memory over time, sampled while something runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from oxidask.utils import import_required

__all__ = ["MemorySampler", "MemorySamplerExtension"]

_MEASURES = ("process", "managed", "spilled", "unmanaged", "optimistic")
_Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]


class MemorySampler:
    """Samples the memory that a cluster uses.

    Attributes
    ----------
    samples
        For each label a list of times and bytes.

    Examples
    --------
    >>> from oxidask.distributed import Client
    >>> sampler = MemorySampler()
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     with sampler.sample("before", measure="managed"):
    ...         pass
    >>> [n_bytes for _, n_bytes in sampler.samples["before"]]
    [0]
    """

    def __init__(self) -> None:
        self.samples: dict[str, list[tuple[float, int]]] = {}

    def sample(
        self,
        label: str | None = None,
        *,
        client: Any = None,
        measure: str = "process",
        interval: float = 0.5,
    ) -> Any:
        """Sample while the block runs: ``with``, or ``async with`` for an asynchronous client.

        Parameters
        ----------
        label
            What the samples are called; by default a name that nothing else has.
        client
            The client; by default the current one.
        measure
            ``"process"`` for the memory of the workers' processes, ``"managed"`` for that of their
            tasks' values, ``"spilled"`` for what of these is on disk, ``"unmanaged"`` for the
            processes' less the tasks'.
        interval
            Seconds between samples. The first one is taken at once.
        """
        if measure not in _MEASURES:
            raise ValueError(f"measure={measure!r} is none of {', '.join(_MEASURES)}")
        if client is None:
            from oxidask.distributed._current import get_client

            client = get_client()
        label = label or f"sample-{uuid.uuid4().hex[:8]}"
        rows = self.samples[label] = []
        return _Sampling(client, rows, measure, interval)

    def to_pandas(self, *, align: bool = False) -> Any:
        """Return the samples as a DataFrame with a column for each label.

        Parameters
        ----------
        align
            Whether all labels begin at time zero, for comparing runs.
        """
        pd = import_required("pandas", "MemorySampler.to_pandas needs the package pandas")
        columns = {}
        for label, rows in self.samples.items():
            column = pd.Series({pd.Timestamp(when, unit="s"): n for when, n in rows})
            if align and len(column):
                column.index = column.index - column.index[0]
            columns[label] = column[~column.index.duplicated()]
        frame = pd.DataFrame(columns)
        return frame.interpolate("index") if len(columns) > 1 else frame

    def plot(self, *, align: bool = False, **kwargs: Any) -> Any:
        """Plot the samples in GiB with pandas, which takes the keywords."""
        frame = self.to_pandas(align=align) / 2**30
        if align:
            frame.index = frame.index.total_seconds()
        labels = {"xlabel": "time (s)" if align else "time", "ylabel": "memory (GiB)"}
        return frame.plot(**{**labels, **kwargs})


class _Sampling:
    """One sampling: a context manager of both kinds."""

    def __init__(self, client: Any, rows: list[Any], measure: str, interval: float) -> None:
        self._client, self._rows = client, rows
        self._measure, self._interval = measure, interval
        self._task: asyncio.Task[None] | None = None

    async def _start(self) -> None:
        await self._once()
        self._task = asyncio.create_task(self._go_on())

    async def _once(self) -> None:
        self._rows.append((time.time(), await read_memory(self._client._ask, self._measure)))

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self._once()

    async def _stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def __enter__(self) -> None:
        self._client.sync(self._start)

    def __exit__(self, *args: object) -> None:
        self._client.sync(self._stop)

    async def __aenter__(self) -> None:
        await self._start()

    async def __aexit__(self, *args: object) -> None:
        await self._stop()


async def read_memory(ask: _Ask, measure: str) -> int:
    """Ask a scheduler how many bytes the cluster uses.

    Parameters
    ----------
    ask
        Asks the scheduler a question by name.
    measure
        See :meth:`MemorySampler.sample`.
    """
    if measure == "managed":
        return await _managed(ask)
    identity = await ask("info.identity", {"workers": True})
    metrics = [worker.get("metrics", {}) for worker in identity["workers"].values()]
    spilled = sum(int(one.get("spilled_bytes") or 0) for one in metrics)
    if measure == "spilled":
        return spilled
    process = sum(int(one.get("memory") or 0) for one in metrics)
    if measure == "process":
        return process
    in_memory = max(0, await _managed(ask) - spilled)
    # Managed memory may be counted that the processes have shared or not touched yet.
    return max(0, process - in_memory) if measure == "unmanaged" else max(in_memory, process)


async def _managed(ask: _Ask) -> int:
    return sum(n for _, n in await ask("info.nbytes", {"summary": True}))


class MemorySamplerExtension:
    """Samples memory in the scheduler's process, for whoever asks for it later.

    Parameters
    ----------
    scheduler
        A scheduler of this process.
    """

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.samples: dict[str, list[tuple[float, int]]] = {}
        self._running: dict[str, _Sampling] = {}

    async def start(self, client: str, measure: str, interval: float) -> str:
        """Begin to sample, and return the name that :meth:`stop` needs."""
        key = f"{client}-{uuid.uuid4().hex[:8]}"
        rows = self.samples[key] = []
        sampling = self._running[key] = _Sampling(_Asking(self.scheduler), rows, measure, interval)
        await sampling._start()
        return key

    async def stop(self, key: str) -> list[tuple[float, int]]:
        """End a sampling, and return what it sampled."""
        await self._running.pop(key)._stop()
        return self.samples.pop(key)


class _Asking:
    """A scheduler of this process, asked like a client asks."""

    def __init__(self, scheduler: Any) -> None:
        self._core = scheduler.core

    async def _ask(self, verb: str, body: dict[str, Any]) -> Any:
        return self._core.ask(verb, body)
