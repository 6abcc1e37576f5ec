"""What goes wrong on a cluster."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import Any

__all__ = [
    "CancelledError",
    "ClosedClientError",
    "CommClosedError",
    "FutureCancelledError",
    "FuturesCancelledError",
    "KilledWorker",
    "Reschedule",
    "TimeoutError",
    "WorkerStartTimeoutError",
]

TimeoutError = TimeoutError  # part of the module, as in Dask


class Reschedule(Exception):
    """Raised by a task that wants to run again, maybe elsewhere.

    Examples
    --------
    >>> raise Reschedule("this worker is not ready")
    Traceback (most recent call last):
    ...
    oxidask.distributed.exceptions.Reschedule: this worker is not ready
    """


class CommClosedError(OSError):
    """A connection is closed."""


class ClosedClientError(RuntimeError):
    """A client is used after it was closed."""


class FutureCancelledError(CancelledError):
    """The result of a future is asked for that was cancelled, or that nobody knows any more.

    Parameters
    ----------
    key
        The future's.
    reason, msg
        Why.
    """

    def __init__(self, key: Any, reason: str | None = None, msg: str | None = None) -> None:
        self.key = key
        self.reason = reason or "unknown"
        self.msg = msg
        super().__init__(key, reason, msg)

    def __str__(self) -> str:
        text = f"{self.key!r} was cancelled, reason: {self.reason}"
        return f"{text} ({self.msg})" if self.msg else text


class FuturesCancelledError(CancelledError):
    """Results of futures are asked for that were cancelled.

    Parameters
    ----------
    error_groups
        The errors of the futures.
    """

    def __init__(self, error_groups: list[FutureCancelledError]) -> None:
        self.error_groups = error_groups
        super().__init__(error_groups)

    def __str__(self) -> str:
        return "\n".join(map(str, self.error_groups))


class KilledWorker(Exception):
    """Workers died while they ran a task, one after the other: the task may be why.

    Parameters
    ----------
    task
        Its key.
    last_worker
        The last of them.
    allowed_failures
        How many deaths were allowed.
    reason
        What is known of them and of why the last one died.
    """

    def __init__(
        self, task: Any, last_worker: Any, allowed_failures: int, reason: str = ""
    ) -> None:
        self.task = task
        self.last_worker = last_worker
        self.allowed_failures = allowed_failures
        self.reason = reason
        super().__init__(task, last_worker, allowed_failures, reason)

    def __str__(self) -> str:
        if self.reason:
            return self.reason
        worker = getattr(self.last_worker, "address", self.last_worker)
        return (
            f"{self.allowed_failures + 1} workers died one after the other while they ran "
            f"{self.task!r}, the last of them {worker}: it is not tried again. See what it does "
            "to memory, its native code, and the logs of the workers."
        )


class WorkerStartTimeoutError(TimeoutError):
    """Not all workers came within the time.

    Parameters
    ----------
    available_workers, expected_workers
        How many are there and how many were waited for.
    timeout
        How long, as the user said it.
    """

    def __init__(self, available_workers: int, expected_workers: int, timeout: Any) -> None:
        self.available_workers = available_workers
        self.expected_workers = expected_workers
        self.timeout = timeout
        super().__init__(available_workers, expected_workers, timeout)

    def __str__(self) -> str:
        return (
            f"{self.available_workers}/{self.expected_workers} workers are there after "
            f"{self.timeout}"
        )
