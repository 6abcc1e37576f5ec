"""Awaiting futures: without a thread that waits, and without holding the loop up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from oxidask.distributed._loop import call_back, in_own_thread

__all__ = ["on_settled", "results_of", "settled"]


def on_settled(futures: Sequence[Any], is_first_enough: bool, callback: Callable[[], Any]) -> None:
    """Call `callback` once when the futures are done, or the first of them; on any thread."""
    n_left = 1 if is_first_enough else len(futures)
    lock = threading.Lock()

    def one_settled() -> None:
        nonlocal n_left
        with lock:
            n_left -= 1
            is_last = n_left == 0
        if is_last:
            callback()

    if not futures:
        callback()
    for future in futures:
        future.client_core.when_settled(future, one_settled)


async def settled(core: Any, futures: Sequence[Any], is_first_enough: bool = False) -> None:
    """Wait until the futures are done, or the first of them."""
    is_done = any if is_first_enough else all
    # One future is always waited for: what its task printed, which came before it, is heard first.
    if len(futures) != 1 and is_done([future.done() for future in futures]):
        return
    await call_back(lambda done: on_settled(futures, is_first_enough, lambda: done(None, None)))


async def results_of(core: Any, futures: Sequence[Any]) -> list[Any]:
    """Wait for futures and return their results; raise the first exception."""
    await settled(core, futures)
    try:
        # Small results have come with the news that they are there.
        return core.gather(futures, 0.0, "raise")  # type: ignore[no-any-return]
    except TimeoutError:
        return await in_own_thread(core.gather, futures, None, "raise")  # type: ignore[no-any-return]
