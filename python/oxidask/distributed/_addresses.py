"""Addresses of schedulers and workers: ``scheme://host:port``."""

from __future__ import annotations

import itertools
import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oxidask.distributed.preloading import configured_scheduler

__all__ = [
    "DEFAULT_PORT",
    "host_and_port",
    "host_towards",
    "in_process",
    "interface_host",
    "is_loopback",
    "join_address",
    "listen_addresses",
    "ports_to_try",
    "scheduler_to_join",
    "split_scheme",
    "with_scheme",
]

DEFAULT_PORT = 8786
_numbers = itertools.count(1)


def split_scheme(address: str, default: str = "tcp") -> tuple[str, str]:
    """Return the scheme and what follows it.

    Examples
    --------
    >>> split_scheme("tls://host:1")
    ('tls', 'host:1')
    >>> split_scheme("host:1")
    ('tcp', 'host:1')
    """
    scheme, found, rest = address.partition("://")
    return (scheme, rest) if found else (default, address)


def with_scheme(address: str, default: str = "tcp") -> str:
    """Return the address with its scheme, `default` if it names none.

    Examples
    --------
    >>> with_scheme("localhost:8786")
    'tcp://localhost:8786'
    """
    scheme, rest = split_scheme(address.strip(), default.removesuffix("://"))
    return f"{scheme}://{rest}"


def scheduler_to_join(given: Any, port: int | None, file: Any, default: str) -> str:
    """Return the address of the scheduler that a worker or a nanny was given.

    Parameters
    ----------
    given
        An address, or an object that has one; the configured one if it and `file` are ``None``.
    port
        Added to the address.
    file
        A scheduler file; it comes before `given`.
    default
        The scheme of an address that names none.

    Raises
    ------
    ValueError
        There is none.
    """
    if file is not None:
        given = json.loads(Path(file).read_text(encoding="utf-8"))["address"]
    if given is None:
        given = configured_scheduler()
    if given is None:
        raise ValueError(
            "No scheduler is given: pass its address, or a scheduler_file, or set "
            "DASK_SCHEDULER_ADDRESS"
        )
    if not isinstance(given, str):
        given = getattr(given, "scheduler_address", None) or given.address
    if port is not None:
        given = f"{given}:{port}"
    return with_scheme(given, default)


def host_and_port(address: str) -> tuple[str, int | None]:
    """Return the host and the port of an address, with or without a scheme.

    Examples
    --------
    >>> host_and_port("tcp://127.0.0.1:8786")
    ('127.0.0.1', 8786)
    >>> host_and_port("tcp://[::1]:80"), host_and_port("localhost")
    (('::1', 80), ('localhost', None))
    """
    rest = split_scheme(address)[1]
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") > 1:
        host, port = rest, ""
    else:
        host, _, port = rest.partition(":")
    return host, int(port) if port else None


def join_address(scheme: str, host: str, port: int) -> str:
    """Return the address of a host and a port.

    Examples
    --------
    >>> join_address("tcp", "::1", 80)
    'tcp://[::1]:80'
    """
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme.removesuffix('://')}://{shown}:{port}"


def in_process() -> str:
    """Return a new address inside of this process.

    Examples
    --------
    >>> in_process().startswith("inproc://")
    True
    """
    return f"inproc://127.0.0.1/{os.getpid()}/{next(_numbers)}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host of this name.

    Examples
    --------
    >>> is_loopback("127.0.0.2"), is_loopback("0.0.0.0"), is_loopback("localhost")
    (True, False, True)
    """
    return host in ("localhost", "::1") or host.startswith("127.")


def host_towards(address: str) -> str:
    """Return the address of this machine that a peer at `address` reaches it by.

    Examples
    --------
    >>> host_towards("tcp://127.0.0.1:8786")
    '127.0.0.1'
    """
    host, port = host_and_port(address)
    if is_loopback(host):
        return "127.0.0.1" if host == "localhost" else host
    try:
        infos = socket.getaddrinfo(host, port or 80, type=socket.SOCK_DGRAM)
        family, kind, proto, _, target = infos[0]
        with socket.socket(family, kind, proto) as probe:
            probe.connect(target)  # sends nothing: it only asks for the route
            return str(probe.getsockname()[0])
    except OSError:
        return "127.0.0.1"


def interface_host(interface: str) -> str:
    """Return the address of a network interface, such as ``eth0``.

    Raises
    ------
    ValueError
        If there is no such interface, or it has no address.
    """
    names = [name for _, name in socket.if_nameindex()]
    if interface not in names:
        raise ValueError(f"{interface!r} is not a valid network interface. Valid ones are: {names}")
    try:
        import fcntl
        import struct

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            packed = struct.pack("256s", interface.encode()[:15])
            answer = fcntl.ioctl(probe.fileno(), 0x8915, packed)  # SIOCGIFADDR of Linux
            return socket.inet_ntoa(answer[20:24])
    except (ImportError, OSError) as error:
        raise ValueError(f"interface {interface!r} has no IPv4 address: {error}") from error


def ports_to_try(port: int | str | Sequence[int] | None) -> list[int]:
    """Return the ports that a port, a range ``"8000:8010"`` or a list of them mean.

    Examples
    --------
    >>> ports_to_try("10:12"), ports_to_try(None), ports_to_try([3, 4])
    ([10, 11, 12], [0], [3, 4])
    """
    if port is None or port == "":
        return [0]
    if isinstance(port, str):
        first, found, last = port.partition(":")
        if not found:
            return [int(first)]
        if int(last) <= int(first):
            raise ValueError(f"port_stop must be greater than port_start, not {port!r}")
        return list(range(int(first), int(last) + 1))
    if isinstance(port, int):
        return [port]
    return list(port)


def listen_addresses(
    *,
    host: str | None,
    interface: str | None,
    port: int | str | Sequence[int] | None,
    protocol: str | None,
    is_secure: bool,
    default_host: str,
) -> list[str]:
    """Return the addresses to try to listen on, in order.

    Parameters
    ----------
    host
        A host, ``host:port`` or an address with a scheme; ``""`` means all interfaces.
    interface
        The name of a network interface, instead of a host.
    port
        One port, a range, or several.
    protocol
        The scheme, if `host` names none.
    is_secure
        Whether ``tls`` is the default scheme.
    default_host
        Where neither a host nor an interface is given.

    Examples
    --------
    >>> listen_addresses(host="127.0.0.1:80", interface=None, port=0, protocol=None,
    ...                  is_secure=False, default_host="")
    ['tcp://127.0.0.1:80']
    """
    if host is not None and interface is not None:
        raise ValueError(f"host={host!r} and interface={interface!r}: give only one of them")
    scheme = (protocol or ("tls" if is_secure else "tcp")).removesuffix("://")
    if interface is not None:
        name = interface_host(interface)
    elif host is None:
        name = default_host
    else:
        scheme, rest = split_scheme(host, scheme)
        name, own_port = host_and_port(rest)
        name = name or "0.0.0.0"
        if own_port is not None:
            return [join_address(scheme, name, own_port)]
    return [join_address(scheme, name, number) for number in ports_to_try(port)]
