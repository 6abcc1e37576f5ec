"""What is known of the tasks that ran while a block ran."""

from __future__ import annotations

from typing import Any

from oxidask.distributed.diagnostics.task_stream import get_task_stream

__all__ = ["get_task_metadata"]


class get_task_metadata:
    """Collect what is known of the tasks that end while the block runs.

    Attributes
    ----------
    metadata
        For each key where and when the task ran, and the bytes and the type of its value.
    state
        For each key ``"memory"`` or ``"erred"``.

    Examples
    --------
    >>> from oxidask.distributed import Client
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     with get_task_metadata() as tasks:
    ...         result = client.submit(abs, -1, key="x").result()
    >>> tasks.state
    {'x': 'memory'}
    """

    def __init__(self) -> None:
        self._stream = get_task_stream()
        self.metadata: dict[Any, dict[str, Any]] = {}
        self.state: dict[Any, str] = {}

    def _collect(self) -> None:
        for row in self._stream.data:
            span = row["startstops"][-1]
            self.metadata[row["key"]] = {
                "worker": row["worker"],
                "thread": row["thread"],
                "start_time": span["start"],
                "stop_time": span["stop"],
                "nbytes": row["nbytes"],
                "type": row["type"],
            }
            self.state[row["key"]] = "erred" if row["status"] == "error" else "memory"

    def __enter__(self) -> get_task_metadata:
        self._stream.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self._stream.__exit__(*args)
        self._collect()

    async def __aenter__(self) -> get_task_metadata:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *args: object) -> None:
        await self._stream.__aexit__(*args)
        self._collect()
