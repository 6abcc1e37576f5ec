"""Exceptions to bytes and back, with what their tracebacks show.

A traceback can't be pickled, but what it shows can: file, function and line of each frame. The
frames that come out of :func:`loads` are of empty functions with these names, so that tracebacks
print as they did where the exception was raised.
"""

from __future__ import annotations

import pickle
import sys
import types
from typing import Any

import cloudpickle

from oxidask._pickle import loads as _loads

__all__ = ["dumps", "loads"]

_MAX_FRAMES = 200
_MAX_TEXT = 10_000


def dumps(error: BaseException) -> bytes:
    """Pickle an exception, its traceback, and those of its causes.

    What can't be pickled is replaced by an exception with the same text.

    Examples
    --------
    >>> loads(dumps(ValueError("no")))
    ValueError('no')
    """
    chain: list[tuple[bytes, list[tuple[str, str, int]], str]] = []
    seen: set[int] = set()
    link = ""
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(chain) < _MAX_FRAMES:
        seen.add(id(current))
        chain.append((_one(current), _frames(current.__traceback__), link))
        if current.__cause__ is not None:
            link, current = "cause", current.__cause__
        elif not current.__suppress_context__:
            link, current = "context", current.__context__
        else:
            current = None
    return pickle.dumps(chain, protocol=5)


def loads(data: bytes) -> BaseException:
    """Return the exception that :func:`dumps` pickled."""
    first: BaseException | None = None
    last: BaseException | None = None
    for body, frames, link in pickle.loads(data):
        error: BaseException = _loads(body)
        error = error.with_traceback(_traceback(frames))
        if last is None:
            first = error
        elif link == "cause":
            last.__cause__ = error
        else:
            last.__context__ = error
        last = error
    assert first is not None
    return first


def _one(error: BaseException) -> bytes:
    text = str(error)
    if len(text) > _MAX_TEXT:
        try:
            error = type(error)("Long error message", text[:_MAX_TEXT])
        except Exception:  # some want other arguments
            error = RuntimeError("Long error message", type(error), text[:_MAX_TEXT])
    try:
        data: bytes = cloudpickle.dumps(error, protocol=5)
        if not isinstance(_loads(data), BaseException):
            raise TypeError("it comes back as no exception")
    except Exception as why:
        stand_in = RuntimeError(
            f"{type(error).__name__}: {error} (the exception itself can't be pickled: {why})"
        )
        data = pickle.dumps(stand_in, protocol=5)
    return data


def _frames(traceback: types.TracebackType | None) -> list[tuple[str, str, int]]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append((code.co_filename, code.co_name, traceback.tb_lineno or 0))
        traceback = traceback.tb_next
    return frames[:_MAX_FRAMES]


def _traceback(frames: list[tuple[str, str, int]]) -> types.TracebackType | None:
    traceback = None
    for filename, name, line in reversed(frames):
        traceback = types.TracebackType(traceback, _frame(filename, name), -1, line)
    return traceback


def _frame(filename: str, name: str) -> types.FrameType:
    code = compile("frame = get(0)", filename, "exec").replace(co_name=name)
    names: dict[str, Any] = {"get": sys._getframe, "__name__": name, "__file__": filename}
    exec(code, names)
    frame: types.FrameType = names.pop("frame")
    return frame
