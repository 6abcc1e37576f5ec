"""Sending what workers write and log to their clients."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["ForwardingHandler", "forward_stream"]


class ForwardingHandler(logging.Handler):
    """Tells records on a topic.

    Parameters
    ----------
    worker
        Who tells.
    topic
        The topic.
    level
        From which level on.
    """

    def __init__(self, worker: Any, topic: str, level: int | str = logging.NOTSET) -> None:
        super().__init__(level)
        self._worker = worker
        self._topic = topic

    def emit(self, record: logging.LogRecord) -> None:
        """Tell a record as plain data: its arguments are put into its message here."""
        try:
            fields = {
                name: value
                for name, value in record.__dict__.items()
                if isinstance(value, (str, int, float, bool)) or value is None
            }
            fields["msg"] = record.getMessage()
            fields["args"] = None
            if record.exc_info:
                fields["exc_text"] = logging.Formatter().formatException(record.exc_info)
            fields["exc_info"] = None
            self._worker.log_event(self._topic, fields)
        except Exception:
            self.handleError(record)


class _Tee:
    """Writes to a stream and to clients."""

    def __init__(self, name: str, stream: Any, worker: Any) -> None:
        self._name = name
        self._stream = stream
        self._worker = worker

    def write(self, text: str) -> int:
        written: int = self._stream.write(text)
        if text:
            message = {"args": [text], "file": 1 if self._name == "stdout" else 2}
            self._worker.log_event("print", {**message, "sep": "", "end": "", "flush": False})
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def forward_stream(stream: str, worker: Any) -> Callable[[], None]:
    """Send what is written to ``"stdout"`` or ``"stderr"`` to clients too; return the undoing."""
    if stream not in ("stdout", "stderr"):
        raise ValueError(f"Expected stream to be 'stdout' or 'stderr'; got {stream!r}")
    before = getattr(sys, stream)
    setattr(sys, stream, _Tee(stream, before, worker))

    def undo() -> None:
        setattr(sys, stream, before)

    return undo
