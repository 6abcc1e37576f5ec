"""MessagePack of plain data, for files that other programs read.

None, bool, int, float, str, bytes, lists, tuples (as lists) and dictionaries. The format's
specification is at https://github.com/msgpack/msgpack/blob/master/spec.md.
"""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["packb", "unpackb"]

_INTS = ((0xCC, ">B", 0, 2**8), (0xCD, ">H", 0, 2**16), (0xCE, ">I", 0, 2**32),
         (0xCF, ">Q", 0, 2**64), (0xD0, ">b", -(2**7), 0), (0xD1, ">h", -(2**15), 0),
         (0xD2, ">i", -(2**31), 0), (0xD3, ">q", -(2**63), 0))  # fmt: skip
_NUMBERS = {mark: form for mark, form, _, _ in _INTS} | {0xCA: ">f", 0xCB: ">d"}
# For each kind the mark of its short form, how long that may be, and the marks of the others.
_TEXT = (0xA0, 31, ((0xD9, ">B"), (0xDA, ">H"), (0xDB, ">I")))
_BYTES = (0, -1, ((0xC4, ">B"), (0xC5, ">H"), (0xC6, ">I")))
_LIST = (0x90, 15, ((0xDC, ">H"), (0xDD, ">I")))
_MAP = (0x80, 15, ((0xDE, ">H"), (0xDF, ">I")))
_SIZES = {mark: (kind, form) for kind, (_, _, longer) in enumerate((_TEXT, _BYTES, _LIST, _MAP))
          for mark, form in longer}  # fmt: skip


def packb(obj: Any) -> bytes:
    r"""Return plain data as MessagePack.

    Examples
    --------
    >>> packb([1, "x", None]).hex()
    '9301a178c0'
    """
    out = bytearray()
    _pack(obj, out)
    return bytes(out)


def _pack(obj: Any, out: bytearray) -> None:
    if obj is None:
        out.append(0xC0)
    elif obj is True or obj is False:
        out.append(0xC3 if obj else 0xC2)
    elif isinstance(obj, int):
        _pack_int(obj, out)
    elif isinstance(obj, float):
        out += struct.pack(">Bd", 0xCB, obj)
    elif isinstance(obj, str):
        text = obj.encode("utf-8", "surrogatepass")
        _pack_size(len(text), _TEXT, out)
        out += text
    elif isinstance(obj, (bytes, bytearray, memoryview)):
        _pack_size(len(obj), _BYTES, out)
        out += obj
    elif isinstance(obj, (list, tuple)):
        _pack_size(len(obj), _LIST, out)
        for item in obj:
            _pack(item, out)
    elif isinstance(obj, dict):
        _pack_size(len(obj), _MAP, out)
        for name, value in obj.items():
            _pack(name, out)
            _pack(value, out)
    else:
        raise TypeError(f"{type(obj).__name__} is no plain data: {obj!r}")


def _pack_int(number: int, out: bytearray) -> None:
    if -32 <= number < 128:
        out += struct.pack(">b", number)
        return
    for mark, form, least, beyond in _INTS:
        if least <= number < beyond:
            out.append(mark)
            out += struct.pack(form, number)
            return
    raise OverflowError(f"{number} does not fit into 64 bits")


def _pack_size(size: int, kind: Any, out: bytearray) -> None:
    short, most, longer = kind
    if size <= most:
        out.append(short | size)
        return
    for mark, form in longer:
        if size < 256 ** struct.calcsize(form):
            out.append(mark)
            out += struct.pack(form, size)
            return
    raise OverflowError(f"{size} entries or bytes are too many")


def unpackb(data: bytes) -> Any:
    """Return the data of some MessagePack.

    Raises
    ------
    ValueError
        If it is cut short, or holds what is no plain data.

    Examples
    --------
    >>> unpackb(packb({"x": [1.5, -1000, b"y"]}))
    {'x': [1.5, -1000, b'y']}
    """
    try:
        value, end = _unpack(memoryview(data), 0)
    except (IndexError, struct.error) as error:
        raise ValueError("the MessagePack is cut short") from error
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes follow behind the MessagePack")
    return value


def _unpack(data: memoryview, at: int) -> tuple[Any, int]:
    mark = data[at]
    at += 1
    if mark < 0x80 or mark >= 0xE0:
        return (mark if mark < 0x80 else mark - 256), at
    if mark in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[mark], at
    if mark in _NUMBERS:
        form = _NUMBERS[mark]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    if mark in _SIZES:
        kind, form = _SIZES[mark]
        (size,) = struct.unpack_from(form, data, at)
        at += struct.calcsize(form)
    elif mark < 0xC0:
        kind, size = (
            (3, mark & 15) if mark < 0x90 else (2, mark & 15) if mark < 0xA0 else (0, mark & 31)
        )
    else:
        raise ValueError(f"the mark {mark:#x} is not of plain data")
    return _unpack_sized(data, at, kind, size)


def _unpack_sized(data: memoryview, at: int, kind: int, size: int) -> tuple[Any, int]:
    if kind < 2:
        body = bytes(data[at : at + size])
        if len(body) < size:
            raise IndexError
        return (body if kind else body.decode("utf-8", "surrogatepass")), at + size
    items = []
    for _ in range(size if kind == 2 else 2 * size):
        item, at = _unpack(data, at)
        items.append(item)
    if kind == 2:
        return items, at
    names = [tuple(name) if isinstance(name, list) else name for name in items[::2]]
    return dict(zip(names, items[1::2], strict=True)), at
