"""From what users name a cluster by to a connection."""

from __future__ import annotations

import importlib
import itertools
import json
import logging
import time
from pathlib import Path
from typing import Any

from oxidask import config
from oxidask.distributed import _inproc

__all__ = ["Target", "connect", "target_of"]

logger = logging.getLogger("distributed.client")

_DEFAULT_PORT = 8786
_REFUSED = "refused"
_MAX_PAUSE_S = 0.2
# After so many the user is told what is waited for: about half a second.
_PATIENT_ATTEMPTS = 6


class Target:
    """Where a client connects to.

    Attributes
    ----------
    where
        An address, or the scheduler itself if it is in this process; None as long as there is none.
    address
        The address that users see.
    cluster
        The cluster that was named, if one was.
    security
        What the connection is secured with.
    """

    def __init__(self, where: Any, address: str | None, cluster: Any, security: Any) -> None:
        self.where = where
        self.address = address
        self.cluster = cluster
        self.security = security

    def look_again(self, cluster: Any) -> None:
        """Take the address of a cluster that is ready now."""
        self.where, self.address = _place_of(cluster)
        self.cluster = cluster
        if self.security is None:
            self.security = getattr(cluster, "security", None)


def target_of(
    address: Any, scheduler_file: str | None, security: Any, cluster_options: dict[str, Any]
) -> Target:
    """Return where to connect to.

    Parameters
    ----------
    address
        An address, a cluster, a scheduler, or None.
    scheduler_file
        A file with the address.
    security
        A :class:`Security`, keywords of one, True, or None.
    cluster_options
        What was said about a new cluster; an error if none is made.
    """
    if address is None and scheduler_file is not None:
        address = json.loads(_wait_for(Path(scheduler_file)))["address"]
    if address is None:
        address = config.get("scheduler-address", None)
    if isinstance(security, dict):
        from oxidask.distributed.security import Security

        security = Security(**security)
    if address is None:
        return Target(None, None, None, security)
    if cluster_options:
        raise ValueError(f"Unexpected keyword arguments: {sorted(cluster_options)}")
    if isinstance(address, str):
        return _by_address(address, security)
    if not hasattr(address, "scheduler_address") and not hasattr(address, "address"):
        raise TypeError(
            f"Scheduler address must be a string or a Cluster instance, got {type(address)}"
        )
    if getattr(address, "status", None) is not None and _is_closed(address.status):
        raise RuntimeError("Trying to connect to an already closed or closing Cluster")
    where, name = _place_of(address)
    security = security or getattr(address, "security", None)
    return Target(where or address, name, address, security)


def core_of(scheduler: Any) -> Any:
    """Return the native part of a scheduler of this process."""
    return getattr(scheduler, "core", scheduler)


def _is_closed(status: Any) -> bool:
    return getattr(status, "name", status) in ("closed", "closing")


def _place_of(cluster: Any) -> tuple[Any, str]:
    """Return where the scheduler of a cluster is reached, and what its address is."""
    address = getattr(cluster, "scheduler_address", None) or getattr(cluster, "address", None)
    core = getattr(cluster, "scheduler_core", None)
    if core is None and isinstance(address, str):
        core = core_of(_inproc.find(address))
    return (core if core is not None else address), str(address)


def _by_address(address: str, security: Any) -> Target:
    if security is None:
        security = _loaded_security(address)
    if address.startswith("inproc://"):
        core = core_of(_inproc.find(address))
        if core is None:
            raise OSError(f"there is no scheduler in this process at {address}")
        return Target(core, address, None, security)
    if "://" not in address:
        scheme = "tls" if getattr(security, "require_encryption", False) else "tcp"
        address = f"{scheme}://{address}"
    scheme, _, rest = address.partition("://")
    if scheme in ("tcp", "tls") and ":" not in rest.rpartition("]")[2]:
        address = f"{address}:{_DEFAULT_PORT}"
    if security is None and scheme == "tls":
        from oxidask.distributed.security import Security

        security = Security()
    return Target(address, address, None, security)


def _loaded_security(address: str) -> Any:
    """Return what the configured function says about the security of an address."""
    path = config.get("distributed.client.security-loader", None)
    if not path:
        return None
    module, _, name = path.rpartition(".")
    try:
        loader = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImportError(
            f"Failed to import `{path}` configured at `distributed.client.security-loader`: "
            "is the module installed?"
        ) from error
    return loader({"address": address})


def connect(target: Target, name: str, timeout_s: float | None) -> Any:
    """Return a native client that is connected.

    A scheduler that refuses may be about to start: it is asked again as long as there is time, and
    the log says so.

    Raises
    ------
    OSError
        Nobody answers at the address.
    """
    from oxidask._native import ClientCore

    options = None if target.security is None else _native_security(target.security)
    seconds = 1e9 if timeout_s is None else timeout_s
    end = time.monotonic() + seconds
    for attempt in itertools.count():
        left = end - time.monotonic()
        try:
            return ClientCore.connect(target.where, name, max(left, 0.01), options)
        except OSError as error:
            if _REFUSED not in str(error) or left < _MAX_PAUSE_S:
                raise
        if attempt == _PATIENT_ATTEMPTS:
            text = "Connection refused: nobody listens at %s yet; waiting for %.1f s more"
            logger.warning(text, target.address, left)
        time.sleep(min(_MAX_PAUSE_S, 0.01 * 2 ** min(attempt, 10)))
    raise AssertionError("unreachable")


def _wait_for(path: Path) -> str:
    """Return the text of a file that a scheduler may be about to write."""
    from oxidask.distributed._task_options import seconds

    end = time.monotonic() + (seconds(config.get("distributed.comm.timeouts.connect", "30s")) or 30)
    while time.monotonic() < end and not (path.exists() and path.stat().st_size):
        time.sleep(_MAX_PAUSE_S / 10)
    return path.read_text()


def _native_security(security: Any) -> Any:
    native = getattr(security, "for_core", None)
    return native("client") if callable(native) else None
