"""A progress bar for computations on this machine, in terminals, log files and notebooks."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import warnings
from collections.abc import Hashable, Mapping
from timeit import default_timer
from typing import Any, Protocol, TextIO

from oxidask.callbacks import Callback
from oxidask.diagnostics.notebook_bar import NotebookBar, in_notebook
from oxidask.utils import format_time as _format_time

__all__ = ["ProgressBar", "format_time"]


class ProgressBar(Callback):
    r"""Show how much of a computation is done, and for how long it has run.

    Parameters
    ----------
    minimum : float, optional
        Show nothing for computations that take less than so many seconds.
    width : int, optional
        Width of the bar in characters.
    dt : float, optional
        Seconds between two looks at the scheduler.
    out : file-like, optional
        Where to write; standard output, as it is when the computation starts, by default.

    Attributes
    ----------
    last_duration : float
        Seconds that the last computation took; 0 before the first.

    Notes
    -----
    In a notebook the bar is a display of its own. In a file or a pipe it is written anew each tenth
    of the way only, so that logs stay short.

    Differs from Dask: a computation never waits for the next look at the end, and unchanged
    progress does not fill a log.

    Examples
    --------
    >>> import io
    >>> from operator import add
    >>> from oxidask.local import get_sync
    >>> out = io.StringIO()
    >>> with ProgressBar(width=10, out=out):
    ...     get_sync({"x": (add, 1, 2)}, "x")
    3
    >>> out.getvalue().split(" | ")[:2]
    ['\r[##########]', '100% Completed']
    """

    def __init__(
        self,
        minimum: float = 0,
        width: int = 40,
        dt: float = 0.1,
        out: TextIO | None = None,
    ) -> None:
        super().__init__()
        if dt <= 0:
            raise ValueError(f"dt must be a positive number of seconds, got {dt!r}")
        self._minimum = minimum
        self._width = width
        self._dt = dt
        self._out = out
        self.last_duration: float = 0
        self._state: Mapping[str, Any] | None = None
        self._running = False
        self._timer: threading.Thread | None = None
        self._stop = threading.Event()
        self._bar: _Bar = _TextBar(io.StringIO(), width)

    def _start(self, dsk: Mapping[Hashable, Any]) -> None:
        self._stop_timer()  # One bar can only show one computation: the newest.
        self._state = None
        self._start_time = default_timer()
        self._bar = _make_bar(self._out, self._width)
        self._running = True
        self._stop = threading.Event()
        self._timer = threading.Thread(
            target=self._timer_func, args=(self._stop,), name="oxidask-progress", daemon=True
        )
        self._timer.start()

    def _start_state(self, dsk: Mapping[Hashable, Any], state: Mapping[str, Any]) -> None:
        # The state changes in place, so no function is needed that runs at every task.
        self._state = state

    def _finish(
        self, dsk: Mapping[Hashable, Any], state: Mapping[str, Any] | None, errored: bool
    ) -> None:
        self._stop_timer()
        elapsed = default_timer() - self._start_time
        self.last_duration = elapsed
        if elapsed >= self._minimum:
            if errored:
                self._update_bar(elapsed)
            else:
                self._draw_bar(1, elapsed)
            self._bar.close()
        # The state leads to the results: the bar must not keep them alive.
        self._state = None

    def _stop_timer(self) -> None:
        self._running = False
        self._stop.set()
        if self._timer is not None:
            self._timer.join()

    def _timer_func(self, stop: threading.Event) -> None:
        # Output that cannot be written any more must not disturb the computation.
        with contextlib.suppress(OSError, ValueError):
            while not stop.is_set():
                elapsed = default_timer() - self._start_time
                if elapsed >= self._minimum:
                    self._update_bar(elapsed)
                stop.wait(self._dt)

    def _update_bar(self, elapsed: float) -> None:
        state = self._state
        if state is None:
            self._draw_bar(0, elapsed)
            return
        n_done = len(state["finished"])
        n_tasks = n_done + sum(len(state[name]) for name in ("ready", "waiting", "running"))
        # The end is for `_finish` to announce, once.
        self._draw_bar(min(n_done / n_tasks, 0.99) if n_tasks else 0, elapsed)

    def _draw_bar(self, frac: float, elapsed: float) -> None:
        self._bar.draw(frac, _format_time(elapsed), last=not self._running)


class _Bar(Protocol):
    """Where a fraction and an elapsed time are shown."""

    def draw(self, frac: float, elapsed: str, last: bool) -> None: ...

    def close(self) -> None: ...


class _TextBar:
    """A bar of characters, written over the previous one."""

    def __init__(self, file: TextIO, width: int) -> None:
        self._file = file
        self._width = width
        self._length = 0
        self._is_terminal = _is_terminal(file)
        self._tenths = 0

    def draw(self, frac: float, elapsed: str, last: bool) -> None:
        tenths = int(10 * frac)
        if not (last or self._is_terminal or tenths > self._tenths):
            return
        self._tenths = tenths
        done = "#" * int(self._width * frac)
        text = f"[{done:<{self._width}}] | {int(100 * frac)}% Completed | {elapsed}"
        # Pad, lest the end of a longer text stays.
        self._file.write(f"\r{text:<{self._length}}")
        self._length = len(text)
        self._file.flush()

    def close(self) -> None:
        self._file.write("\n")
        self._file.flush()


def _make_bar(out: TextIO | None, width: int) -> _Bar:
    if out is not None:
        return _TextBar(out, width)
    if in_notebook():
        return NotebookBar()
    # There is no standard output in a program without a console (pythonw on Windows).
    return _TextBar(sys.stdout if sys.stdout is not None else io.StringIO(), width)


def _is_terminal(file: TextIO) -> bool:
    isatty = getattr(file, "isatty", None)
    try:
        return bool(isatty and isatty())
    except ValueError:  # closed
        return False


def format_time(t: float) -> str:
    """Write seconds as hours, minutes and seconds; deprecated, with a warning.

    Differs from Dask only in that both functions are documented: use `oxidask.utils.format_time`.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     format_time(100.4)
    ' 1min 40.4s'
    """
    warnings.warn(
        "oxidask.diagnostics.progress.format_time is deprecated, use oxidask.utils.format_time "
        "(which also shows milliseconds) instead",
        FutureWarning,
        stacklevel=2,
    )
    minutes, seconds = divmod(t, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{int(hours):2d}hr {int(minutes):2d}min {seconds:4.1f}s"
    if minutes:
        return f"{int(minutes):2d}min {seconds:4.1f}s"
    return f"{seconds:4.1f}s"
