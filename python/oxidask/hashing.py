"""Hashes of buffers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from oxidask import _native

Hasher = Callable[[Any], bytes]


def _xxh3(buffer: Any) -> bytes:
    view = memoryview(buffer)
    return bytes(_native.hash_buffer(view if view.ndim else view.tobytes()))


def _sha1(buffer: Any) -> bytes:
    view = memoryview(buffer)
    try:
        view = view.cast("B")
    except TypeError:  # structured items have no cast
        view = memoryview(view.tobytes())
    return hashlib.sha1(view, usedforsecurity=False).digest()


#: The hash functions at hand, the best one first.
hashers: list[Hasher] = [_xxh3, _sha1]


def hash_buffer(buf: Any, hasher: Hasher | None = None) -> bytes:
    """Hash of a contiguous buffer. Not for cryptography.

    Parameters
    ----------
    buf : object with the buffer protocol
    hasher : callable, optional
        From the buffer to bytes. Default: XXH3, 128 bits.

    Returns
    -------
    bytes

    Examples
    --------
    >>> len(hash_buffer(b"abc"))
    16
    >>> hash_buffer(b"abc") == hash_buffer(bytearray(b"abc"))
    True
    """
    return (hasher or _xxh3)(buf)


def hash_buffer_hex(buf: Any, hasher: Hasher | None = None) -> str:
    """As `hash_buffer`, in hexadecimal digits.

    Examples
    --------
    >>> len(hash_buffer_hex(b"abc"))
    32
    """
    return hash_buffer(buf, hasher).hex()
