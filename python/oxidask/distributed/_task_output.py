"""Printing and warning from tasks, so that the user sees it."""

from __future__ import annotations

import builtins
import sys
import warnings
from typing import Any

from oxidask.distributed._worker_state import current_worker

__all__ = ["print", "warn"]


def print(
    *args: Any,
    sep: str | None = " ",
    end: str | None = "\n",
    file: Any = None,
    flush: bool = False,
) -> None:
    """Print here, and, in a task, also where the clients are.

    Parameters
    ----------
    *args, sep, end, flush
        As for the built-in function.
    file
        ``sys.stdout``, ``sys.stderr`` or, outside of tasks, any file.

    Examples
    --------
    >>> print("Hello!", 123, sep=":")
    Hello!:123
    """
    worker = current_worker()
    if worker is not None:
        if file not in (None, 1, 2, sys.stdout, sys.stderr):
            raise TypeError(f"tasks can print to sys.stdout and sys.stderr only, got {file!r}")
        number = 2 if file in (2, sys.stderr) else 1
        message = {"args": _printable(args), "sep": sep, "end": end, "file": number, "flush": flush}
        worker.log_event("print", message)
    file = {1: sys.stdout, 2: sys.stderr}.get(file, file) if isinstance(file, int) else file
    builtins.print(*args, sep=sep, end=end, file=file, flush=flush)


def _printable(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments as others can show them: what is not plain as its text."""
    return tuple(arg if type(arg) in (str, int, float, bool) else str(arg) for arg in args)


def warn(
    message: Any,
    category: type[Warning] | None = UserWarning,
    stacklevel: int = 1,
    source: Any = None,
) -> None:
    """Warn here, and, in a task, also where the clients are.

    Parameters
    ----------
    message, category, stacklevel, source
        As for :func:`warnings.warn`.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("Hello!")
    >>> caught[0].message
    UserWarning('Hello!')
    """
    worker = current_worker()
    if worker is not None:
        worker.log_event("warn", {"message": message, "category": category})
    warnings.warn(message, category, stacklevel + 1, source)
