"""A chart over time, drawn as SVG text. It knows nothing of what it shows."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from itertools import groupby

__all__ = ["Chart", "distinct_colors", "round_ticks"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 60, 10, 40


class Chart:
    """Bars and lines over a time axis that begins at zero.

    Parameters
    ----------
    width, height : int
        The size in pixels, with the axes.
    span : float
        The length of the time axis in seconds.

    Examples
    --------
    >>> chart = Chart(400, 100, span=2.0)
    >>> chart.y_scale("bytes", top=10)
    >>> chart.line([(0, 0), (2, 10)], 10, "#000000", "growth")
    >>> "<polyline" in chart.svg()
    True
    """

    def __init__(self, width: int, height: int, span: float) -> None:
        self.width = width
        self.height = height
        self.span = span
        self.plot_width = max(1, width - _LEFT - _RIGHT)
        self.plot_height = max(1, height - _TOP - _BOTTOM)
        self._axes: list[str] = []
        self._marks: list[str] = []
        bottom = _TOP + self.plot_height
        for tick in round_ticks(span):
            x = self._x(tick)
            self._axes.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" stroke="currentColor" '
                f'stroke-opacity="0.15"/>'
            )
            self._text(x, bottom + 15, f"{tick:g}", "middle")
        self._text(_LEFT + self.plot_width / 2, bottom + 33, "Time (s)", "middle")

    def y_labels(self, title: str, labels: Sequence[tuple[float, str]], top: float) -> None:
        """Write labels at heights between 0 and `top`, and the title, on the left."""
        self._axis_title(title, right=False)
        # No more than fit.
        step = max(1, math.ceil(14 * len(labels) / self.plot_height))
        for height, label in labels[::step]:
            self._text(_LEFT - 6, self._y(height / top) + 4, label, "end")

    def y_scale(self, title: str, top: float, right: bool = False) -> None:
        """Write the numbers of a scale from 0 to `top`, on the left or on the right."""
        self._axis_title(title, right)
        for tick in round_ticks(top):
            x = _LEFT + self.plot_width + 6 if right else _LEFT - 6
            self._text(x, self._y(tick / top) + 4, f"{tick:.6g}", "start" if right else "end")

    def bar(
        self, begin: float, end: float, row: int, n_rows: int, color: str, tooltip: str
    ) -> None:
        """Draw a bar from `begin` to `end` seconds, in one of so many rows, counted from below."""
        left, right = self._x(begin), self._x(end)
        height = 0.9 * self.plot_height / n_rows
        top = self._y((row + 0.95) / n_rows)
        # An edge tells neighbours apart, but would hide a bar that is not wider than itself.
        edge = ' stroke="white" stroke-width="0.5"' if right - left > 2 else ""
        self._marks.append(
            f'<rect x="{left:.2f}" y="{top:.2f}" width="{max(0.5, right - left):.2f}" '
            f'height="{height:.2f}" fill="{color}"{edge}>'
            f"<title>{html.escape(tooltip)}</title></rect>"
        )

    def line(
        self, points: Sequence[tuple[float, float]], top: float, color: str, tooltip: str
    ) -> None:
        """Draw a line through (seconds, value), on a scale from 0 to `top`."""
        corners = [(self._x(x), self._y(y / top)) for x, y in points]
        path = " ".join(f"{x:.2f},{y:.2f}" for x, y in _thinned(corners))
        self._marks.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2">'
            f"<title>{html.escape(tooltip)}</title></polyline>"
        )

    def dot(self, time: float, height: float, color: str, tooltip: str) -> None:
        """Draw a dot at a height between 0 and 1."""
        self._marks.append(
            f'<circle cx="{self._x(time):.2f}" cy="{self._y(height):.2f}" r="3" fill="{color}">'
            f"<title>{html.escape(tooltip)}</title></circle>"
        )

    def svg(self) -> str:
        """Write the chart as an SVG element."""
        frame = (
            f'<rect x="{_LEFT}" y="{_TOP}" width="{self.plot_width}" height="{self.plot_height}" '
            'fill="none" stroke="currentColor" stroke-opacity="0.4"/>'
        )
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
            f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
            'font-family="sans-serif" font-size="11">'
        )
        return "\n".join(
            [
                head,
                *self._axes,
                *self._marks,
                frame,
                "</svg>",
            ]
        )

    def _x(self, time: float) -> float:
        return _LEFT + self.plot_width * time / self.span

    def _y(self, fraction: float) -> float:
        return _TOP + self.plot_height * (1 - fraction)

    def _text(self, x: float, y: float, text: str, anchor: str) -> None:
        self._axes.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">'
            f"{html.escape(text)}</text>"
        )

    def _axis_title(self, title: str, right: bool) -> None:
        x = self.width - 12 if right else 14
        y = _TOP + self.plot_height / 2
        self._axes.append(
            f'<text transform="translate({x},{y:.1f}) rotate(-90)" text-anchor="middle" '
            f'fill="currentColor">{html.escape(title)}</text>'
        )


def _thinned(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Keep of each column of a quarter pixel what can be seen: its ends and its extremes."""
    kept: list[tuple[float, float]] = []
    for _, column in groupby(corners, key=lambda corner: int(4 * corner[0])):
        inside = list(column)
        if len(inside) > 4:
            low = min(range(len(inside)), key=lambda i: inside[i][1])
            high = max(range(len(inside)), key=lambda i: inside[i][1])
            inside = [inside[i] for i in sorted({0, low, high, len(inside) - 1})]
        kept += inside
    return kept


def round_ticks(top: float) -> list[float]:
    """Five or so round numbers from 0 to `top`.

    Examples
    --------
    >>> round_ticks(100)
    [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    >>> round_ticks(0.3)
    [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]
    """
    if not top > 0 or math.isinf(top):
        return [0.0]
    power = 10.0 ** math.floor(math.log10(top / 4))
    step = next(power * factor for factor in (10, 5, 2, 1) if top / (power * factor) >= 4)
    return [float(f"{i * step:.6g}") for i in range(math.floor(top / step * (1 + 1e-9)) + 1)]


def distinct_colors(names: Iterable[str]) -> dict[str, str]:
    """Choose a colour for each name, the same for the same names in any order.

    Examples
    --------
    >>> distinct_colors(["f", "g"])
    {'f': 'hsl(210,60%,55%)', 'g': 'hsl(348,60%,55%)'}
    """
    # Steps of the golden angle keep any number of hues apart.
    return {
        name: f"hsl({(210 + 137.508 * i) % 360:.0f},60%,55%)"
        for i, name in enumerate(sorted(set(names)))
    }
