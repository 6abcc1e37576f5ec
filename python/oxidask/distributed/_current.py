"""Which client is meant where none is named: by context, by worker, by default."""

from __future__ import annotations

import threading
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from oxidask import config
from oxidask.distributed._worker_state import current_worker

if TYPE_CHECKING:
    from oxidask.distributed.client import Client

__all__ = [
    "client_of",
    "close_worker_client",
    "current_client",
    "default_client",
    "get_client",
    "implied_client",
    "open_clients",
    "register",
    "unregister",
]

NO_CLIENT = (
    "No clients found\n"
    "Start a client and point it to the scheduler address\n"
    "  from distributed import Client\n"
    "  client = Client('ip-addr-of-scheduler:8786')\n"
)

current_client: ContextVar[Any] = ContextVar("client", default=None)
"""The client of ``with client:`` and ``with client.as_current():``."""

SCHEDULER = "dask.distributed"
"""The name of the scheduler of collections while there are clients."""

# Clients that are open, by the identifier of their native part: forgotten ones are closed at exit.
_open: dict[str, Any] = {}
# All that still exist, also closed ones: their futures ask for them.
_known: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
# Those that serve as default, the latest last.
_defaults: list[Any] = []
# Those of workers, for the tasks that ask for a client.
_of_workers: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_lock = threading.RLock()


# What the scheduler of collections was before there were clients.
_before: list[Any] = []


def _take_over() -> None:
    """Make clients the scheduler of collections."""
    if not _before:
        _before.append(config.get("scheduler", None))
    config.set({"scheduler": SCHEDULER})


def _give_back() -> None:
    """Make the scheduler of collections what it was, unless somebody has set it since."""
    before = _before.pop() if _before else None
    if config.get("scheduler", None) == SCHEDULER:
        config.set({"scheduler": before})


def register(client: Client, is_default: bool) -> None:
    """Note a client that is connected."""
    with _lock:
        _open[client.id] = client
        _known[client.id] = client
        if is_default:
            _defaults.append(client)
            _take_over()


def unregister(client: Client) -> None:
    """Forget a client that is closed."""
    with _lock:
        _open.pop(client.id, None)
        if client in _defaults:
            _defaults.remove(client)
            if not _defaults:
                _give_back()


def open_clients() -> list[Any]:
    """Return the clients of this process that are open."""
    with _lock:
        return list(_open.values())


def client_of(core: Any) -> Any:
    """Return the client that `core` is the native part of; None if it no longer exists."""
    return None if core is None else _known.get(core.id)


def implied_client(allow_global: bool = True) -> Any:
    """Return the client that is meant, None if there is none.

    The one of the context, then the one of the worker whose task runs here, then the default.
    """
    client = current_client.get()
    if client is not None and client.status == "running":
        return client
    if not allow_global:
        return None
    worker = current_worker()
    if worker is not None:
        return _client_of_worker(worker)
    with _lock:
        return _defaults[-1] if _defaults else None


def default_client(c: Any = None) -> Any:
    """Return `c`, or else the client that is meant where none is named.

    Parameters
    ----------
    c
        A client.

    Returns
    -------
    Client

    Raises
    ------
    ValueError
        Without a client.
    """
    client = implied_client() if c is None else c
    if client is None:
        raise ValueError(NO_CLIENT)
    return client


def get_client(address: Any = None, timeout: Any = None, resolve_address: bool = True) -> Any:
    """Return a client of the cluster that this code runs on, inside a task or out of it.

    Parameters
    ----------
    address
        The address of a scheduler; by default that of the worker, or of the default client.
    timeout
        Seconds to wait for a connection.
    resolve_address
        Not needed: addresses are compared as they are.

    Returns
    -------
    Client

    Raises
    ------
    ValueError
        Outside of tasks and without a client.
    """
    worker = current_worker()
    address = getattr(address, "address", address)
    client = implied_client()
    if client is not None and (not address or _address_of(client) == address):
        return client
    if worker is not None and not address:
        return _client_of_worker(worker, timeout)
    if address:
        from oxidask.distributed.client import Client

        return Client(address) if timeout is None else Client(address, timeout=timeout)
    raise ValueError(
        "No global client found and no address provided: make a Client, or call this inside a task"
    )


def _address_of(client: Any) -> Any:
    return client.scheduler.address if client.status == "running" else None


def _client_of_worker(worker: Any, timeout: Any = None) -> Any:
    """Return the client that tasks of `worker` share."""
    with _lock:
        client = _of_workers.get(worker)
        if client is not None and client.status == "running":
            return client
        address = worker.scheduler_address
        for other in reversed(_defaults):
            # A worker in the process of its client: one connection is enough.
            if _address_of(other) == address:
                return other
        from oxidask.distributed.client import Client

        options = {} if timeout is None else {"timeout": timeout}
        client = Client(
            getattr(worker, "scheduler_core", None) or address,
            asynchronous=False,
            set_as_default=False,
            security=getattr(worker, "security", None),
            name=f"worker-{worker.name}",
            **options,
        )
        _of_workers[worker] = client
        return client


def close_worker_client(worker: Any) -> None:
    """Close the client that tasks of `worker` shared, if they had one."""
    with _lock:
        client = _of_workers.pop(worker, None)
    if client is not None:
        client.close()
