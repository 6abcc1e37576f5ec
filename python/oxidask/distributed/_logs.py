"""Logs of the processes of a cluster: kept for those who ask later, shown from warnings on."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from html import escape
from typing import Any

from oxidask import config

__all__ = ["KeptLogs", "Log", "Logs", "set_up_logging", "show_from", "shown_level", "silence"]

_lock = threading.Lock()
_shown: logging.StreamHandler[Any] | None = None


class Log(str):
    """A log, which notebooks show in a fixed-width font."""

    def _repr_html_(self) -> str:
        return f"<pre><code>\n{escape(self.rstrip())}\n</code></pre>"


class Logs(dict[str, Any]):
    """Logs by the name of who wrote them."""

    def _repr_html_(self) -> str:
        parts = (
            f"<details>\n<summary style='display:list-item'>{escape(name)}</summary>\n"
            f"{log._repr_html_()}\n</details>"
            for name, log in sorted(self.items())
        )
        return "\n".join(parts)


class KeptLogs(logging.Handler):
    """Keeps the last records of some loggers.

    Parameters
    ----------
    names
        The loggers, such as ``distributed.worker``.
    """

    def __init__(self, *names: str) -> None:
        super().__init__(logging.INFO)
        length = config.get("distributed.admin.log-length", 10_000)
        self.deque: deque[logging.LogRecord] = deque(maxlen=length or None)
        self.setFormatter(logging.Formatter(_format()))
        self._loggers = [logging.getLogger(name) for name in names]
        for logger in self._loggers:
            logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.deque.append(record)

    def lines(self, n: int | None = None) -> list[list[str]]:
        """Return the last `n` records, oldest first, as pairs of level and text; all by default."""
        records = list(self.deque)
        if n is not None:
            records = records[-n:] if n else []
        return [[record.levelname, self.format(record)] for record in records]

    def detach(self) -> None:
        """Stop to listen."""
        for logger in self._loggers:
            logger.removeHandler(self)


def set_up_logging() -> None:
    """Give the loggers of the cluster a place to write to, once."""
    global _shown
    with _lock:
        if _shown is not None:
            return
        root = logging.getLogger("distributed")
        _shown = _Stderr()
        _shown.setFormatter(logging.Formatter(_format()))
        _shown.setLevel(logging.WARNING)
        root.addHandler(_shown)
        if root.level == logging.NOTSET:
            root.setLevel(logging.INFO)
        root.propagate = False
        for name, level in dict(config.get("distributed.logging", {}) or {}).items():
            number = _level(level)
            logging.getLogger(name).setLevel(number)


def show_from(level: int | str) -> int:
    """Show records of this level and above; return what it was before.

    Examples
    --------
    >>> before = show_from("error")
    >>> show_from(before) == logging.ERROR
    True
    """
    set_up_logging()
    assert _shown is not None
    before = _shown.level
    _shown.setLevel(_level(level))
    return before


def silence(level: int | str) -> Callable[[], None]:
    """Show records of this level and above, also where the user has them written to.

    Returns
    -------
    callable
        Undoes it.

    Examples
    --------
    >>> undo = silence("error")
    >>> shown_level() == logging.ERROR
    True
    >>> undo()
    """
    set_up_logging()
    number = _level(level)
    handlers = [
        handler
        for handler in logging.getLogger("distributed").handlers
        if isinstance(handler, logging.StreamHandler)
    ]
    before = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(number)

    def undo() -> None:
        for handler, level_before in zip(handlers, before, strict=True):
            handler.setLevel(level_before)

    return undo


def shown_level() -> int:
    """Return the level from which on records are shown."""
    set_up_logging()
    assert _shown is not None
    return _shown.level


class _Stderr(logging.StreamHandler[Any]):
    """Writes to what ``sys.stderr`` is at the time: notebooks and tests replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def _level(level: int | str) -> int:
    if isinstance(level, int):
        return level
    number = logging.getLevelName(level.upper())
    if not isinstance(number, int):
        raise ValueError(f"{level!r} is no level of logging: take 'info', 'warning' or 'error'")
    return number


def _format() -> str:
    default = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
    return str(config.get("distributed.admin.log-format", default))
