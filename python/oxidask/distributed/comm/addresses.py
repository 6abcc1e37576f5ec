"""Addresses: ``scheme://host:port`` and what is inside them."""

from __future__ import annotations

import socket
from typing import Any

__all__ = [
    "get_address_host",
    "get_address_host_port",
    "get_local_address_for",
    "normalize_address",
    "parse_address",
    "parse_host_port",
    "resolve_address",
    "unparse_address",
    "unparse_host_port",
]

DEFAULT_SCHEME = "tcp"
_OPAQUE = frozenset({"inproc", "unix", "shm"})


def parse_address(addr: str, strict: bool = False) -> tuple[str, str]:
    """Split an address into its scheme and the rest.

    Parameters
    ----------
    addr
        The address.
    strict
        Whether an address without a scheme is an error; else it is TCP's.

    Examples
    --------
    >>> parse_address("tls://10.0.0.1:8786"), parse_address("localhost:8786")
    (('tls', '10.0.0.1:8786'), ('tcp', 'localhost:8786'))
    """
    if not isinstance(addr, str):
        raise TypeError(f"an address is text such as 'tcp://127.0.0.1:8786', not {addr!r}")
    scheme, mark, rest = addr.rpartition("://")
    if strict and not mark:
        raise ValueError(f"{addr!r} has no scheme: write 'tcp://{addr}', or 'tls://{addr}'")
    return scheme or DEFAULT_SCHEME, rest


def unparse_address(scheme: str, loc: str) -> str:
    """Put an address together.

    Examples
    --------
    >>> unparse_address("tcp", "127.0.0.1:8786")
    'tcp://127.0.0.1:8786'
    """
    return f"{scheme}://{loc}"


def normalize_address(addr: str) -> str:
    """Return an address with its scheme.

    Examples
    --------
    >>> normalize_address("127.0.0.1:8786")
    'tcp://127.0.0.1:8786'
    """
    return unparse_address(*parse_address(addr))


def parse_host_port(address: str, default_port: int | None = None) -> tuple[str, int]:
    """Split ``host:port``; hosts of IPv6 stand in brackets.

    Examples
    --------
    >>> parse_host_port("127.0.0.1:8786"), parse_host_port("[::1]:22"), parse_host_port("h", 1)
    (('127.0.0.1', 8786), ('::1', 22), ('h', 1))
    """
    address = address.rpartition("://")[2]
    if address.startswith("["):
        host, closed, port = address[1:].partition("]")
        if not closed:
            raise ValueError(f"{address!r} has no closing bracket")
        port = port.removeprefix(":")
    elif address.count(":") > 1:
        raise ValueError(f"write the IPv6 address {address!r} in brackets, as in [::1]:8786")
    else:
        host, _, port = address.partition(":")
    if port:
        return host, int(port)
    if default_port is None:
        raise ValueError(f"{address!r} has no port: write {address}:8786")
    return host, default_port


def unparse_host_port(host: str, port: int | None = None) -> str:
    """Put a host and a port together.

    Examples
    --------
    >>> unparse_host_port("::1", 8786)
    '[::1]:8786'
    """
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{host}:{port}" if port is not None else host


def get_address_host_port(addr: str, strict: bool = False) -> tuple[str, int]:
    """Return the host and the port of an address.

    Examples
    --------
    >>> get_address_host_port("tcp://127.0.0.1:8786")
    ('127.0.0.1', 8786)
    """
    scheme, rest = parse_address(addr, strict)
    if scheme in _OPAQUE:
        raise ValueError(f"addresses of {scheme} have no port: {addr!r}")
    return parse_host_port(rest)


def get_address_host(addr: str) -> str:
    """Return the host of an address.

    Examples
    --------
    >>> get_address_host("tcp://127.0.0.1:8786")
    '127.0.0.1'
    """
    scheme, rest = parse_address(addr)
    if scheme in _OPAQUE:
        return rest.partition("/")[0] if scheme == "inproc" else "127.0.0.1"
    return parse_host_port(rest, 0)[0]


def resolve_address(addr: str) -> str:
    """Return an address with its host's name looked up.

    Examples
    --------
    >>> resolve_address("tcp://127.0.0.1:8786")
    'tcp://127.0.0.1:8786'
    """
    scheme, rest = parse_address(addr)
    if scheme in _OPAQUE:
        return unparse_address(scheme, rest)
    host, port = parse_host_port(rest)
    return unparse_address(scheme, unparse_host_port(_ip_of(host), port))


def _ip_of(host: str) -> str:
    found: list[Any] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    by_family = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return str(by_family[0][4][0])


def get_local_address_for(addr: str) -> str:
    """Return an address of this machine, without a port, that `addr` can reach.

    Examples
    --------
    >>> get_local_address_for("tcp://127.0.0.1:8786")
    'tcp://127.0.0.1'
    """
    scheme, rest = parse_address(addr)
    if scheme in _OPAQUE:
        return unparse_address(scheme, rest)
    host, port = parse_host_port(rest)
    family = socket.AF_INET6 if ":" in _ip_of(host) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:  # nothing is sent
        probe.connect((host, port or 80))
        return unparse_address(scheme, unparse_host_port(str(probe.getsockname()[0])))
