"""Clusters: a scheduler, many workers, and clients with futures."""

from __future__ import annotations

from oxidask.distributed.exceptions import (
    CancelledError,
    FutureCancelledError,
    KilledWorker,
    Reschedule,
    TimeoutError,
)

__all__ = ["CancelledError", "FutureCancelledError", "KilledWorker", "Reschedule", "TimeoutError"]
