"""What a client shows of the work of a cluster: task streams and profiles."""

from __future__ import annotations

from time import time
from typing import Any

from oxidask._pickle import loads
from oxidask.distributed._client_info import InfoMixin
from oxidask.distributed._task_options import seconds

__all__ = ["DiagnosticsMixin"]


class DiagnosticsMixin(InfoMixin):
    """``get_task_stream``, ``profile`` and what reproduces a failed task."""

    _stream_is_on = False

    def get_task_stream(
        self,
        start: Any = None,
        stop: Any = None,
        count: int | None = None,
        plot: bool | str = False,
        filename: str = "task-stream.html",
        bokeh_resources: Any = None,
    ) -> Any:
        """Return what tasks ran, where and when.

        Parameters
        ----------
        start, stop
            From when and until when: times in seconds, or text such as ``"10 s"`` for so long ago.
        count
            At most so many, the latest.
        plot
            Whether to return a bokeh figure, too; ``"save"`` writes it to `filename`.
        filename
            Where to.
        bokeh_resources
            Not needed.

        Returns
        -------
        list of dict
            Or a list and a figure.
        """
        return self.sync(self._get_task_stream, start, stop, count, plot, filename)

    async def _get_task_stream(
        self, start: Any, stop: Any, count: int | None, plot: bool | str, filename: str
    ) -> Any:
        from oxidask.distributed.diagnostics import task_stream

        if not self._stream_is_on:
            self._stream_is_on = True
            await self._ask("tasks.stream.start", {})
        body = {"start_s": _moment(start), "stop_s": _moment(stop), "count": count}
        rows = await self._ask("tasks.stream.get", {k: v for k, v in body.items() if v is not None})
        data = task_stream.to_rows(rows)
        if not plot:
            return data
        figure = task_stream.plot_task_stream(data)
        if plot == "save":
            task_stream.save_plot(figure, filename)
        return data, figure

    def profile(
        self,
        key: str | None = None,
        start: Any = None,
        stop: Any = None,
        workers: Any = None,
        merge_workers: bool = True,
        plot: bool | str = False,
        filename: str | None = None,
        server: bool = False,
        scheduler: bool = False,
    ) -> Any:
        """Return where the workers' threads spent their time.

        Parameters
        ----------
        key
            Only for tasks of this kind.
        start, stop
            As for :meth:`get_task_stream`.
        workers
            Addresses or names; by default all workers.
        merge_workers
            Whether to add them up.
        plot
            Whether to return a bokeh figure, too; ``"save"`` writes it to `filename`.
        filename
            Where to write a page with the figure.
        server
            Whether to look at the workers' own threads rather than at tasks.
        scheduler
            Whether to look at the scheduler.
        """
        write = filename or ("dask-profile.html" if plot == "save" else None)
        options = {"key": key, "start": _moment(start), "stop": _moment(stop), "server": server}
        return self.sync(
            self._profile, options, workers, merge_workers, bool(plot), write, scheduler
        )

    async def _profile(
        self,
        options: dict[str, Any],
        workers: Any,
        merge_workers: bool,
        plot: bool,
        filename: str | None,
        scheduler: bool,
    ) -> Any:
        from oxidask.distributed import profile

        if scheduler:
            found = {"scheduler": _tree(await self._ask("scheduler.profile", options))}
        else:
            answers = await self._of_workers("worker.profile", options, workers)
            found = {address: _tree(answer) for address, answer in answers.items()}
        state: Any = profile.merge(*found.values()) if merge_workers or scheduler else found
        if not plot and not filename:
            return state
        merged = state if merge_workers or scheduler else profile.merge(*found.values())
        figure = profile.plot_figure(profile.plot_data(merged))[0]
        if filename:
            from oxidask.distributed.diagnostics.task_stream import save_plot

            save_plot(figure, filename, title="Oxidask Profile")
        return state, figure

    @property
    def amm(self) -> _MemoryManager:
        """What evens out copies on the workers."""
        return _MemoryManager(self)


class _MemoryManager:
    """The scheduler's care for copies of results, which is always on."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def start(self) -> Any:
        """Do nothing: it is on."""
        return self._client.sync(self._answer, None)

    def stop(self) -> Any:
        """Do nothing: copies are only dropped where somebody asked for that."""
        return self._client.sync(self._answer, None)

    def run_once(self) -> Any:
        """Do nothing."""
        return self._client.sync(self._answer, None)

    def running(self) -> Any:
        """Return whether it is on."""
        return self._client.sync(self._answer, False)

    async def _answer(self, answer: Any) -> Any:
        return answer


def _tree(answer: Any) -> Any:
    return loads(answer) if isinstance(answer, bytes) else answer


def _moment(when: Any) -> float | None:
    """Return a time in seconds since the epoch; text says how long ago."""
    if when is None or isinstance(when, (int, float)):
        return when
    return time() - float(seconds(when))
