"""Whole messages as frames, compressed where that pays."""

from __future__ import annotations

import zlib
from typing import Any

from oxidask.distributed.protocol.serialize import deserialize, serialize

__all__ = ["decompress", "dumps", "loads", "maybe_compress"]

_MIN_BYTES = 10_000
_SAMPLE_BYTES = 10_000
_WORTH_IT = 0.9


def dumps(msg: Any, serializers: Any = None, on_error: str = "message") -> list[Any]:
    """Return a message as frames.

    Examples
    --------
    >>> loads(dumps({"op": "add", "x": [1, 2]}))
    {'op': 'add', 'x': [1, 2]}
    """
    header, frames = serialize(msg, serializers, on_error)
    packed = [maybe_compress(frame) for frame in frames]
    head = {"header": header, "compression": [name for name, _ in packed]}
    _, [body, *_] = serialize(head)
    return [body, *(frame for _, frame in packed)]


def loads(frames: list[Any], deserialize: bool = True, deserializers: Any = None) -> Any:
    """Return the message that :func:`dumps` was given."""
    head = _read({}, frames[:1])
    header = {"compression": head["compression"]}
    return _read(head["header"], decompress(header, frames[1:]), deserializers)


def _read(header: Any, frames: list[Any], deserializers: Any = None) -> Any:
    return deserialize(header, frames, deserializers)


def maybe_compress(
    payload: Any, *, min_size: int = _MIN_BYTES, sample_size: int = _SAMPLE_BYTES
) -> tuple[str | None, Any]:
    """Compress bytes if that makes them a tenth smaller at least.

    Parameters
    ----------
    payload
        Bytes or a buffer.
    min_size
        What is smaller stays as it is.
    sample_size
        Bytes of the beginning that are tried first.

    Returns
    -------
    compression
        ``"zlib"`` or None.
    payload
        The compressed bytes, or what was given.

    Examples
    --------
    >>> maybe_compress(b"x" * 100_000)[0], maybe_compress(b"x")
    ('zlib', (None, b'x'))
    """
    view = memoryview(payload).cast("B")
    if view.nbytes < min_size:
        return None, payload
    sample = view[:sample_size]
    if len(zlib.compress(sample, 1)) > _WORTH_IT * sample.nbytes:
        return None, payload
    compressed = zlib.compress(view, 1)
    if len(compressed) > _WORTH_IT * view.nbytes:
        return None, payload
    return "zlib", compressed


def decompress(header: dict[str, Any], frames: list[Any]) -> list[Any]:
    """Return frames as they were before :func:`maybe_compress`.

    Parameters
    ----------
    header
        Its ``"compression"`` names what each frame was compressed with.
    frames
        The frames.

    Examples
    --------
    >>> name, frame = maybe_compress(b"x" * 100_000)
    >>> decompress({"compression": [name]}, [frame]) == [b"x" * 100_000]
    True
    """
    names = header.get("compression") or [None] * len(frames)
    return [
        frame if name is None else zlib.decompress(frame)
        for name, frame in zip(names, frames, strict=True)
    ]
