"""The progress bar as a notebook shows it: one display that is updated in place.

IPython is never imported here unless it is running already.
"""

from __future__ import annotations

import html
import sys
from typing import Any

__all__ = ["NotebookBar", "in_notebook"]


class NotebookBar:
    """A bar in the output of the notebook cell that started the computation."""

    def __init__(self) -> None:
        self._handle: Any = None

    def draw(self, frac: float, elapsed: str, last: bool) -> None:
        """Show that the fraction `frac` was done after the time `elapsed`."""
        view = _View(frac, elapsed)
        if self._handle is None:
            self._handle = sys.modules["IPython"].display.display(view, display_id=True)
        else:
            self._handle.update(view)

    def close(self) -> None:
        """Leave the bar as it is."""


class _View:
    """What is shown at one moment; the text is for front ends that have no HTML."""

    def __init__(self, frac: float, elapsed: str) -> None:
        self._frac = frac
        self._label = f"{int(100 * frac)}% Completed | {elapsed}"

    def __repr__(self) -> str:
        return f"[{'#' * int(40 * self._frac):<40}] | {self._label}"

    def _repr_html_(self) -> str:
        return (
            f'<progress value="{self._frac:.4f}" max="1" style="width: 20em"></progress> '
            f"<code>{html.escape(self._label)}</code>"
        )


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook (and not a terminal with IPython).

    Examples
    --------
    >>> in_notebook()
    False
    """
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    return getattr(shell, "kernel", None) is not None
