"""Which scheduler runs a computation: by argument, configuration, or the collections' default."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import partial
from typing import Any

__all__ = ["get_err_msg", "get_scheduler", "named_schedulers"]

named_schedulers: dict[str, Callable[..., Any]] = {}
"""Names to schedulers; others can be added."""

get_err_msg = """
The get= keyword has been removed.

Please use the scheduler= keyword instead, with the name of a scheduler

    x.compute(scheduler="single-threaded")
    x.compute(scheduler="threads")
    x.compute(scheduler="processes")

or with a function that takes a graph and keys, or with a client

    x.compute(scheduler=my_get)
    x.compute(scheduler=client)
""".strip()

# The default schedulers of stock Dask's collections, and what runs these collections here.
_STOCK_DEFAULTS = {
    ("dask.threaded", "get"): "threads",
    ("dask.multiprocessing", "get"): "processes",
    ("dask.local", "get_sync"): "sync",
}


def get_scheduler(
    get: Any = None,
    scheduler: Any = None,
    collections: Iterable[Any] | None = None,
    cls: Any = None,
) -> Callable[..., Any] | None:
    """Return the function that will run a computation.

    Parameters
    ----------
    get
        No longer used; raises TypeError.
    scheduler
        A name, a function, an executor or a client.
    collections
        The collections to compute, whose default scheduler is used if nothing else is said.
    cls
        A type of collection, whose default scheduler is used if nothing else is said.

    Returns
    -------
    callable or None
        None if nothing says which.

    Examples
    --------
    >>> from oxidask import threaded
    >>> get_scheduler(scheduler="threads") is threaded.get
    True
    """
    if get:
        raise TypeError(get_err_msg)
    if scheduler is not None:
        return _named_or_given(scheduler)

    from oxidask import config

    configured = config.get("scheduler", None)
    if configured is not None:
        return get_scheduler(scheduler=configured)
    client = _implied_client()
    if client is not None:
        return client.get  # type: ignore[no-any-return]
    if cls is not None:
        return _default_of(cls)
    defaults = [_default_of(collection) for collection in collections or ()]
    if not defaults:
        return None
    if any(default != defaults[0] for default in defaults):
        raise ValueError(
            "Compute called on multiple collections with differing default schedulers. "
            "Please specify a `scheduler=` parameter explicitly in compute or globally with "
            "`oxidask.config.set`."
        )
    return defaults[0]


def _named_or_given(scheduler: Any) -> Callable[..., Any]:
    if isinstance(scheduler, str):
        name = scheduler.lower()
        if name in named_schedulers:
            return named_schedulers[name]
        if name in ("distributed", "dask.distributed"):
            from oxidask.distributed import default_client

            return default_client().get  # type: ignore[no-any-return]
        names = ", ".join(sorted({"distributed", *named_schedulers}))
        raise ValueError(f"Unknown scheduler {scheduler!r}. Expected one of [{names}]")
    if isinstance(scheduler, Executor):
        return _on_executor(scheduler)
    if callable(scheduler):
        return scheduler  # type: ignore[no-any-return]
    if callable(get := getattr(scheduler, "get", None)) and hasattr(scheduler, "submit"):
        return get  # type: ignore[no-any-return]
    raise ValueError(
        f"Unexpected scheduler: {scheduler!r}. Expected a name ({', '.join(named_schedulers)}), "
        "a function of a graph and keys, an executor or a client"
    )


def _implied_client() -> Any:
    """Return the client that is meant where none is named; None where there is no cluster."""
    current = sys.modules.get("oxidask.distributed._current")
    return None if current is None else current.implied_client()


def _on_executor(executor: Executor) -> Callable[..., Any]:
    from oxidask.local import get_async
    from oxidask.system import CPU_COUNT

    n_workers = getattr(executor, "_max_workers", None) or CPU_COUNT
    return partial(get_async, executor.submit, n_workers)


def _default_of(collection: Any) -> Callable[..., Any]:
    scheduler: Callable[..., Any] = collection.__dask_scheduler__
    place = (getattr(scheduler, "__module__", ""), getattr(scheduler, "__name__", ""))
    return named_schedulers[_STOCK_DEFAULTS[place]] if place in _STOCK_DEFAULTS else scheduler


def _fill_named_schedulers() -> None:
    from oxidask import local, multiprocessing, threaded

    sync = local.get_sync
    named_schedulers.update(
        {
            "sync": sync,
            "synchronous": sync,
            "single-threaded": sync,
            "threads": threaded.get,
            "threading": threaded.get,
            "processes": multiprocessing.get,
            "multiprocessing": multiprocessing.get,
        }
    )


_fill_named_schedulers()
