"""Channels for messages of one's own: listeners and connections over TCP, TLS or within a process.

Schedulers, workers and clients don't use these: they talk in Rust. This is for programs that want
a channel beside the cluster's, secured like it.
"""

from __future__ import annotations

from oxidask.distributed.comm.addresses import (
    get_address_host,
    get_address_host_port,
    get_local_address_for,
    normalize_address,
    parse_address,
    parse_host_port,
    resolve_address,
    unparse_address,
    unparse_host_port,
)
from oxidask.distributed.comm.channel import Comm, Listener, connect, listen
from oxidask.distributed.exceptions import CommClosedError

__all__ = [
    "Comm",
    "CommClosedError",
    "Listener",
    "connect",
    "get_address_host",
    "get_address_host_port",
    "get_local_address_for",
    "listen",
    "normalize_address",
    "parse_address",
    "parse_host_port",
    "resolve_address",
    "unparse_address",
    "unparse_host_port",
]
