"""Which code a cluster computes for, noted where the settings ask for it."""

from __future__ import annotations

import inspect
import re
import sys
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from oxidask import config

__all__ = [
    "TOPIC",
    "Computation",
    "SourceCode",
    "code_of_callers",
    "computations_of",
    "message_of",
]

TOPIC = "computations"
_SETTINGS = "distributed.diagnostics.computations"


class SourceCode(NamedTuple):
    """The code of one frame.

    Attributes
    ----------
    code
        Its source.
    lineno_frame
        Where in the file it begins.
    lineno_relative
        The line in it that was at work, counted from 1.
    filename
        The file.
    """

    code: str
    lineno_frame: int
    lineno_relative: int
    filename: str


class Computation(NamedTuple):
    """What was computed at one time.

    Attributes
    ----------
    start
        When it was submitted, in seconds since the epoch.
    code
        For each submission the frames that led to it, the outermost first.
    """

    start: float
    code: tuple[tuple[SourceCode, ...], ...]


def code_of_callers() -> tuple[SourceCode, ...]:
    """Return the code that called into this package, as many frames as are asked for.

    Modules that match ``distributed.diagnostics.computations.ignore-modules`` are left out.

    Examples
    --------
    >>> code_of_callers()  # nobody asks for any
    ()
    """
    n_frames = int(config.get(f"{_SETTINGS}.nframes", 0))
    if n_frames <= 0:
        return ()
    patterns = config.get(f"{_SETTINGS}.ignore-modules", []) or []
    ignored = re.compile("|".join([r"^oxidask(\.|$)", *map(str, patterns)]))
    found: list[SourceCode] = []
    frame = sys._getframe(1)
    while frame is not None and len(found) < n_frames:
        if not ignored.search(str(frame.f_globals.get("__name__", ""))):
            found.append(_of_frame(frame))
        frame = frame.f_back  # type: ignore[assignment]
    return tuple(reversed(found))


def _of_frame(frame: Any) -> SourceCode:
    try:
        lines, first = inspect.getsourcelines(frame)
    except (OSError, TypeError):  # typed in, or generated
        lines, first = ["<source not available>"], frame.f_lineno
    first = max(first, 1)
    relative = frame.f_lineno - first + 1
    return SourceCode("".join(lines), first, relative, frame.f_code.co_filename)


def message_of(code: Iterable[SourceCode]) -> dict[str, Any]:
    """Return what tells the scheduler of a computation, as plain data."""
    return {"start": time.time(), "code": [list(one) for one in code]}


def computations_of(events: Iterable[Any]) -> list[Computation]:
    """Return the computations that the events of the topic tell of, the oldest first.

    Examples
    --------
    >>> found = computations_of([(1.0, {"start": 1.0, "code": [["f()", 1, 1, "x.py"]]})])
    >>> found[0].code[0][0].code
    'f()'
    """
    return [
        Computation(message["start"], (tuple(SourceCode(*one) for one in message["code"]),))
        for _, message in events
    ]
