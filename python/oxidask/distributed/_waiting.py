"""Waiting for futures, and finding those of collections."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, NamedTuple

from oxidask.distributed import _current
from oxidask.distributed._future import Future
from oxidask.distributed._settling import on_settled, settled
from oxidask.distributed._task_options import seconds
from oxidask.distributed.exceptions import FutureCancelledError, FuturesCancelledError

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "DoneAndNotDoneFutures",
    "fire_and_forget",
    "futures_of",
    "wait",
]

ALL_COMPLETED = "ALL_COMPLETED"
FIRST_COMPLETED = "FIRST_COMPLETED"


class DoneAndNotDoneFutures(NamedTuple):
    """Futures that are done, and those that are not."""

    done: set[Any]
    not_done: set[Any]


def futures_of(o: Any, client: Any = None) -> list[Future]:
    """Return the futures in collections, and in containers of them, each once.

    Parameters
    ----------
    o
        A collection, a future, or lists, tuples, sets and dictionaries of these.
    client
        If given, cancelled futures are an error.

    Returns
    -------
    list

    Examples
    --------
    >>> futures_of([1, 2])
    []
    """
    found: dict[int, Future] = {}
    stack = [o]
    while stack:
        obj = stack.pop()
        cls = type(obj)
        if cls is Future or isinstance(obj, Future):
            found.setdefault(id(obj), obj)
        elif cls in (list, tuple, set, frozenset):
            stack.extend(reversed(list(obj)))
        elif cls is dict:
            stack.extend(reversed(list(obj.values())))
        elif not isinstance(obj, type):
            stack.extend(_of_graph(obj))
    futures = list(found.values())
    if client is not None:
        _raise_cancelled(futures)
    return futures


def _of_graph(obj: Any) -> list[Any]:
    """Return what may be or hold futures in the graph of a collection."""
    from oxidask._task_spec import is_node
    from oxidask.base import is_dask_collection

    if is_node(obj):
        return [value for value in (getattr(obj, "value", None),) if value is not None] + [
            *getattr(obj, "args", ())
        ]
    if not is_dask_collection(obj):
        return []
    graph = obj.__dask_graph__()
    return list(reversed(list(graph.values())))


def _raise_cancelled(futures: list[Future]) -> None:
    cancelled = [FutureCancelledError(future.key) for future in futures if future.cancelled()]
    if cancelled:
        raise FuturesCancelledError(cancelled)


def wait(fs: Any, timeout: Any = None, return_when: str = ALL_COMPLETED) -> Any:
    """Wait until all futures are done, or the first of them.

    Parameters
    ----------
    fs
        Futures, collections with futures, or containers of these.
    timeout
        Seconds, or text such as ``"100 ms"``; by default for ever.
    return_when
        ``"ALL_COMPLETED"`` or ``"FIRST_COMPLETED"``.

    Returns
    -------
    DoneAndNotDoneFutures
        Two sets; a coroutine of them if the client is asynchronous.

    Raises
    ------
    TimeoutError
        They are not done in time.
    CancelledError
        Some of them were cancelled.
    """
    if return_when not in (ALL_COMPLETED, FIRST_COMPLETED):
        raise NotImplementedError(
            f"return_when={return_when!r}: only 'ALL_COMPLETED' and 'FIRST_COMPLETED' are known"
        )
    futures = futures_of(fs)
    client = _client_of(futures)
    timeout = seconds(timeout)
    if client is not None and client.asynchronous:
        return _wait_async(futures, timeout, return_when)
    if not _settle(futures, timeout, return_when):
        _time_out(futures, timeout)
    return _sorted_out(futures)


def _client_of(futures: list[Future]) -> Any:
    return futures[0].client if futures else _current.implied_client()


def _settle(futures: list[Future], timeout: float | None, return_when: str) -> bool:
    if not futures:
        return True
    core = futures[0].client_core
    if return_when == ALL_COMPLETED and all(future.client_core is core for future in futures):
        return bool(core.wait(futures, timeout))
    is_settled = threading.Event()
    on_settled(futures, return_when == FIRST_COMPLETED, is_settled.set)
    return is_settled.wait(timeout)


async def _wait_async(futures: list[Future], timeout: float | None, return_when: str) -> Any:
    try:
        await asyncio.wait_for(settled(None, futures, return_when == FIRST_COMPLETED), timeout)
    except TimeoutError:
        _time_out(futures, timeout)
    return _sorted_out(futures)


def _time_out(futures: list[Future], timeout: float | None) -> None:
    n_open = sum(not future.done() for future in futures)
    raise TimeoutError(f"{n_open} of {len(futures)} futures are not done after {timeout} s")


def _sorted_out(futures: list[Future]) -> DoneAndNotDoneFutures:
    _raise_cancelled(futures)
    done = {future for future in futures if future.done()}
    return DoneAndNotDoneFutures(done, {future for future in futures if future not in done})


def fire_and_forget(obj: Any) -> None:
    """Let tasks run to their end although nobody keeps their futures.

    The scheduler holds them until then, even if this client is closed at once.

    Parameters
    ----------
    obj
        Futures, collections with futures, or containers of these.

    Examples
    --------
    >>> fire_and_forget(client.submit(print, "done"))  # doctest: +SKIP
    """
    for future in futures_of(obj):
        if future.client_core is not None:
            future.client_core.ask_then("tasks.keep", {"keys": [future.key]}, _nobody_waits)


def _nobody_waits(answer: Any, error: BaseException | None) -> None:
    """Take an answer that says nothing, or that the client was closed meanwhile."""
