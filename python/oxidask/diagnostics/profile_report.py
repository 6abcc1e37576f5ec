"""The pictures of profiles without bokeh: a page of SVG, with no scripts and nothing to fetch.

What lies under the mouse is told by the browser's own tooltips.
"""

from __future__ import annotations

import html
import sys
import tempfile
import webbrowser
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from oxidask.diagnostics.notebook_bar import in_notebook
from oxidask.diagnostics.profile_series import (
    function_label,
    held_over_time,
    shorten,
    task_label,
    time_axis,
)
from oxidask.diagnostics.svg_chart import Chart, distinct_colors

if TYPE_CHECKING:
    from oxidask.diagnostics.profile import CacheData, ResourceData, TaskData

__all__ = ["ProfileReport"]

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>:root {{ color-scheme: light dark }} body {{ font-family: sans-serif; margin: 2em }}</style>
</head>
<body>
{body}
</body>
</html>
"""

# Bars narrower than this, in pixels, are drawn together, so that a page stays small however many
# tasks there are.
_LEAST_WIDTH = 0.5
# More legend entries than this are a table to scroll, not a legend.
_LEGEND_ENTRIES = 30


class ProfileReport:
    """A picture of what profilers recorded, as a page that stands for itself.

    Parameters
    ----------
    title : str or None
        The heading.
    panels : sequence of str
        Fragments of HTML.

    Attributes
    ----------
    html : str
        The page.

    Examples
    --------
    >>> report = ProfileReport("Profile Results", ["<p>nothing ran</p>"])
    >>> report.html.startswith("<!DOCTYPE html>")
    True
    """

    def __init__(self, title: str | None, panels: Sequence[str]) -> None:
        self.title = title
        self.panels = list(panels)

    @property
    def html(self) -> str:
        """The whole page."""
        return _PAGE.format(title=html.escape(self.title or "Profile"), body=self._repr_html_())

    def save(self, filename: str) -> None:
        """Write the page to a file.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ProfileReport("Profile", []).save(f"{folder}/profile.html")
        """
        Path(filename).write_text(self.html, encoding="utf-8")

    def __repr__(self) -> str:
        return f"<ProfileReport {self.title!r}, {len(self.panels)} panels>"

    def _repr_html_(self) -> str:
        heading = "" if self.title is None else f"<h3>{html.escape(self.title)}</h3>\n"
        return heading + "\n".join(self.panels)


class _Options(NamedTuple):
    title: str | None
    width: int
    height: int


def tasks(
    results: Sequence[TaskData],
    start_time: float | None,
    end_time: float | None,
    palette: str,
    label_size: int,
    **kwargs: Any,
) -> ProfileReport:
    """Draw bars for tasks, a row for each worker."""
    options = _options(kwargs)
    start, span = time_axis(start_time, end_time)
    by_worker: dict[Hashable, list[TaskData]] = {}
    for result in results:
        by_worker.setdefault(result.worker_id, []).append(result)
    functions = {id(result): function_label(result.task, label_size) for result in results}
    colors = distinct_colors(functions.values())
    n_rows = max(1, len(by_worker))
    chart = Chart(options.width, options.height, span)
    chart.y_labels("Worker ID", [(row + 0.5, str(row)) for row in range(n_rows)], n_rows)
    for row, of_worker in enumerate(by_worker.values()):
        for group in _groups(of_worker, _LEAST_WIDTH * span / chart.plot_width):
            first = group[0]
            begin, end = first.start_time, max(task.end_time for task in group)
            if len(group) == 1:
                milliseconds = 1000 * (end - begin)
                text = f"{first.key}\n{task_label(first.task, label_size)}\n{milliseconds:.3f} ms"
            else:
                names = Counter(functions[id(task)] for task in group).most_common(5)
                text = f"{len(group)} tasks\n" + "\n".join(f"{n} {name}" for name, n in names)
            color = colors[functions[id(first)]]
            chart.bar(begin - start, end - start, row, n_rows, color, text)
    counts = Counter(functions.values())
    seconds = dict.fromkeys(counts, 0.0)
    for result in results:
        seconds[functions[id(result)]] += result.end_time - result.start_time
    legend = [
        (colors[name], f"{name}: {counts[name]} tasks, {1000 * seconds[name]:.3f} ms")
        for name in sorted(seconds, key=lambda name: -seconds[name])
    ]
    return ProfileReport(options.title, [chart.svg() + _legend(legend)])


def resources(
    results: Sequence[ResourceData],
    start_time: float | None,
    end_time: float | None,
    palette: str,
    **kwargs: Any,
) -> ProfileReport:
    """Draw a line for processors, on the left axis, and one for memory, on the right."""
    options = _options(kwargs)
    start, span = time_axis(start_time, end_time)
    cpu = [(time - start, percent) for time, _, percent in results]
    memory = [(time - start, megabytes) for time, megabytes, _ in results]
    cpu_top = max(100.0, max((value for _, value in cpu), default=0))
    memory_top = max(100.0, max((value for _, value in memory), default=0))
    colors = distinct_colors(["% CPU", "Memory (MB)"])
    chart = Chart(options.width, options.height, span)
    chart.y_scale("% CPU", cpu_top)
    chart.line(cpu, cpu_top, colors["% CPU"], "% CPU")
    chart.y_scale("Memory (MB)", memory_top, right=True)
    chart.line(memory, memory_top, colors["Memory (MB)"], "Memory (MB)")
    # One target for the mouse in each few pixels is enough.
    for time, megabytes, percent in results[:: max(1, len(results) // 200)]:
        text = f"{time - start:.3f} s\n{percent:.1f} % CPU\n{megabytes:.1f} MB"
        chart.dot(time - start, percent / cpu_top, colors["% CPU"], text)
        chart.dot(time - start, megabytes / memory_top, colors["Memory (MB)"], text)
    legend = [(color, name) for name, color in colors.items()]
    return ProfileReport(options.title, [chart.svg() + _legend(legend)])


def cache(
    results: Sequence[CacheData],
    start_time: float | None,
    end_time: float | None,
    metric_name: str,
    palette: str,
    label_size: int,
    **kwargs: Any,
) -> ProfileReport:
    """Draw a line of the held amount for each function."""
    options = _options(kwargs)
    start, span = time_axis(start_time, end_time)
    held = held_over_time(results, start, start + span, label_size)
    peaks = {name: max(amount for _, amount in points) for name, points in held.items()}
    top = max(peaks.values(), default=0) or 1
    colors = distinct_colors(held)
    chart = Chart(options.width, options.height, span)
    chart.y_scale(f"Cache Size ({metric_name})", top)
    for name, points in held.items():
        text = f"{name}\nat most {peaks[name]:g} {metric_name}"
        chart.line(_steps(points), top, colors[name], text)
    ranked = sorted(peaks.items(), key=lambda item: -item[1])
    legend = [(colors[name], f"{name}: at most {peak:g} {metric_name}") for name, peak in ranked]
    return ProfileReport(options.title, [chart.svg() + _legend(legend)])


def stack(
    profilers: Sequence[Any], span: tuple[float | None, float | None], **kwargs: Any
) -> ProfileReport:
    """Draw the pictures of several profilers above each other, on one time axis."""
    title = kwargs.pop("title", "Profile Results")
    reports = [profiler._plot(span=span, title=None, **kwargs) for profiler in profilers]
    return ProfileReport(title, [panel for report in reports for panel in report.panels])


def deliver(
    picture: ProfileReport, filename: str, show: bool, save: bool, mode: str | None
) -> None:
    """Save the page and show it."""
    if save:
        picture.save(filename)
    if not show:
        return
    if in_notebook():
        sys.modules["IPython"].display.display(picture)
        return
    if not save:
        # The browser reads it later, so nobody can tell when to delete it.
        with tempfile.NamedTemporaryFile(suffix=".html", delete=False) as file:
            filename = file.name
        picture.save(filename)
    webbrowser.open(Path(filename).resolve().as_uri())


def _options(kwargs: dict[str, Any]) -> _Options:
    title = kwargs.pop("title", "Profile Results")
    width = kwargs.pop("width", 800)
    height = kwargs.pop("height", 300)
    kwargs.pop("tools", None)  # What the mouse can do in a bokeh figure.
    if kwargs:
        raise AttributeError(
            f"unexpected attribute {next(iter(kwargs))!r}: without bokeh a picture has title, "
            "width, height and label_size. Install bokeh (3 or newer) for the others."
        )
    return _Options(title, width, height)


def _groups(tasks_of_worker: Iterable[TaskData], least: float) -> Iterable[list[TaskData]]:
    """Put neighbours together until they are `least` seconds wide."""
    group: list[TaskData] = []
    for task in sorted(tasks_of_worker, key=lambda task: task.start_time):
        if group and task.end_time - group[0].start_time > least:
            yield group
            group = []
        group.append(task)
    if group:
        yield group


def _steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Give the corners of a line that keeps its height until the next point."""
    corners = list(points[:1])
    for (_, before), (time, amount) in pairwise(points):
        corners += [(time, before), (time, amount)]
    return corners


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    items = [
        f'<span style="white-space: nowrap; margin-right: 1.5em"><span style="color: {color}">'
        f"&#9632;</span> {html.escape(shorten(text, 120))}</span>"
        for color, text in entries[:_LEGEND_ENTRIES]
    ]
    if len(entries) > _LEGEND_ENTRIES:
        items.append(f"<span>and {len(entries) - _LEGEND_ENTRIES} more</span>")
    return '\n<div style="font-size: 12px; max-width: 800px">' + "\n".join(items) + "</div>"
