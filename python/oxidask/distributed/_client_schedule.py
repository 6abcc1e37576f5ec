"""Periodic tasks: a function that runs on the cluster again and again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

from oxidask.distributed import _loop
from oxidask.distributed._client_base import ClientBase, logger
from oxidask.distributed._cron import Cron
from oxidask.distributed._task_options import seconds

__all__ = ["Schedule", "ScheduleMixin"]


class ScheduleMixin(ClientBase):
    """``schedule``."""

    _schedules: set[Any]

    def schedule(
        self,
        func: Callable[..., Any],
        *args: Any,
        every: Any = None,
        cron: str | None = None,
        times: int | None = None,
        overlap: bool = False,
        **kwargs: Any,
    ) -> Schedule:
        """Run a function on the cluster periodically, as long as the client is open.

        Parameters
        ----------
        func, *args, **kwargs
            As for :meth:`submit`, with its options such as ``retries`` and ``workers``.
        every
            Seconds between two runs, or text such as ``"10 minutes"``; the first run is at once.
        cron
            A line of cron instead, in local time, such as ``"0 9 * * mon-fri"``.
        times
            How many runs; by default without end.
        overlap
            Whether a run starts although the one before has not ended; else it is left out.

        Returns
        -------
        Schedule

        Examples
        --------
        >>> job = client.schedule(refresh, every="10 minutes")  # doctest: +SKIP
        >>> job.latest.result()  # doctest: +SKIP
        >>> job.cancel()  # doctest: +SKIP
        """
        if (every is None) == (cron is None):
            raise ValueError("schedule needs either every= or cron=")
        if not callable(func):
            raise TypeError(f"schedule takes a function and its arguments, got {func!r}")
        if times is not None and times < 1:
            raise ValueError(f"times= must be at least 1, got {times}")
        self._open_core()
        if cron is not None:
            timing: Any = Cron.parse(cron)
        else:
            timing = seconds(every)
            if not timing > 0:
                raise ValueError(f"every= must be a time above 0, got {every!r}")
        schedule = Schedule(self, (func, args, kwargs), timing, times, overlap)
        self._schedules.add(schedule)
        schedule.start()
        return schedule


class Schedule:
    """A periodic task; :meth:`Client.schedule` makes it.

    Attributes
    ----------
    latest
        The future of the latest run; None before the first.
    n_runs, n_skipped
        How many runs were submitted, and how many were left out.
    is_active
        Whether more runs will come.
    """

    def __init__(
        self, client: Any, call: tuple[Any, Any, Any], timing: Any, times: int | None, overlap: bool
    ) -> None:
        self.latest: Any = None
        self.n_runs = 0
        self.n_skipped = 0
        self.is_active = True
        self._client = client
        self._call = call
        self._timing = timing
        self._times = times
        self._overlap = overlap
        self._name = f"{getattr(call[0], '__name__', 'task')}-{uuid.uuid4().hex[:12]}"
        self._begun = monotonic()
        self._n_due = 0
        self._loop: asyncio.AbstractEventLoop = client._aio_loop or _loop.get_loop()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Have the first run come."""
        self._loop.call_soon_threadsafe(self._set_timer)

    def cancel(self) -> None:
        """Let no more runs come; one that runs goes on."""
        self.is_active = False
        self._client._schedules.discard(self)
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._stop_timer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self) -> None:
        if not self.is_active:
            return
        self._timer = self._loop.call_later(max(0.0, self._delay()), self._run)

    def _delay(self) -> float:
        """Return the seconds until the next run is due. Runs do not drift."""
        if isinstance(self._timing, Cron):
            now = datetime.now()
            return (self._timing.after(now) - now).total_seconds()
        delay: float = self._begun + self._n_due * self._timing - monotonic()
        self._n_due += 1
        return delay

    def _run(self) -> None:
        if not self.is_active or self._client.status != "running":
            self.is_active = False
            return
        if self._overlap or self.latest is None or self.latest.done():
            self._submit()
        else:
            self.n_skipped += 1
        if self._times is not None and self.n_runs >= self._times:
            self.is_active = False
            self._client._schedules.discard(self)
        else:
            self._set_timer()

    def _submit(self) -> None:
        function, args, kwargs = self._call
        key = f"{self._name}-{self.n_runs}"
        try:
            self.latest = self._client.submit(function, *args, key=key, pure=False, **kwargs)
        except Exception:
            logger.exception("a run of the periodic task %s could not be submitted", self._name)
        self.n_runs += 1

    def __repr__(self) -> str:
        state = "active" if self.is_active else "ended"
        return f"<Schedule: {self._name}, {state}, runs: {self.n_runs}>"
