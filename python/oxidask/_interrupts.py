"""Ctrl-C held back until a computation can end in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["held_interrupts", "raise_held", "released_interrupts", "shielded"]


class _Hold:
    """Notes the first Ctrl-C; whoever presses it again gets it at once."""

    is_noted = False
    is_released = False

    def __call__(self, signum: int, frame: Any) -> None:
        if self.is_noted or self.is_released:
            signal.default_int_handler(signum, frame)
        self.is_noted = True


_hold: _Hold | None = None


@contextmanager
def held_interrupts() -> Iterator[None]:
    """Hold a Ctrl-C back until :func:`raise_held`, or until the block ends.

    ``KeyboardInterrupt`` can come between any two instructions: in the middle of the start of a
    process, which nobody would know of then. On threads other than the main one, and where the
    program has a handler of its own, nothing changes.

    Examples
    --------
    >>> import signal
    >>> try:
    ...     with held_interrupts():
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("still here")
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    still here
    interrupted
    """
    global _hold
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    hold = _hold = _Hold()
    signal.signal(signal.SIGINT, hold)
    try:
        yield
    except BaseException as error:
        # What went wrong since then is a consequence: Ctrl-C at a terminal reaches children too.
        if hold.is_noted and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _hold = None
    if hold.is_noted:
        raise KeyboardInterrupt


def raise_held() -> None:
    """Raise the ``KeyboardInterrupt`` that is held back, if there is one.

    Examples
    --------
    >>> raise_held()
    """
    is_main = threading.current_thread() is threading.main_thread()
    if _hold is not None and _hold.is_noted and is_main:
        raise KeyboardInterrupt


@contextmanager
def released_interrupts() -> Iterator[None]:
    """Let Ctrl-C through while a user's own code runs.

    Examples
    --------
    >>> with released_interrupts():
    ...     pass
    """
    hold = _hold
    if hold is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    hold.is_released = True
    try:
        raise_held()
        yield
    finally:
        hold.is_released = False


def shielded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function that starts processes, so that Ctrl-C does not reach these.

    They start with the signal blocked, and unblock it once they ignore it.

    Examples
    --------
    >>> shielded(sum)([1, 2])
    3
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            return function(*args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    return call
