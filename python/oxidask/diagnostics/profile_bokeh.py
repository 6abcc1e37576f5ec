"""The pictures of profiles as bokeh figures. Imported only when bokeh is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bokeh.io import save as _save
from bokeh.io import show as _show
from bokeh.io.output import output_file as _output_file
from bokeh.io.state import curstate
from bokeh.layouts import gridplot
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, LinearAxis, Range1d
from bokeh.plotting import figure

from oxidask.diagnostics.notebook_bar import in_notebook
from oxidask.diagnostics.profile_series import (
    function_label,
    held_over_time,
    task_label,
    time_axis,
)
from oxidask.diagnostics.profile_visualize import fix_bounds, get_colors

if TYPE_CHECKING:
    from oxidask.diagnostics.profile import CacheData, ResourceData, TaskData

_TOOLS = "save,reset,xwheel_zoom,xpan"


def tasks(
    results: Sequence[TaskData],
    start_time: float | None,
    end_time: float | None,
    palette: str,
    label_size: int,
    **kwargs: Any,
) -> Any:
    """Draw bars for tasks, a row for each worker."""
    start, span = time_axis(start_time, end_time)
    worker_ids = dict.fromkeys(result.worker_id for result in results)
    rows = {worker_id: str(row) for row, worker_id in enumerate(worker_ids)}
    # Bokeh warns of a plot without a row.
    y_range = FactorRange(factors=list(rows.values()) or ["0"])
    fig = _figure(span, {"y_range": y_range, "tools": "hover," + _TOOLS, **kwargs})
    functions = [function_label(result.task, label_size) for result in results]
    source = {
        "left": [result.start_time - start for result in results],
        "right": [result.end_time - start for result in results],
        "y": [rows[result.worker_id] for result in results],
        "key": [str(result.key) for result in results],
        "function": [task_label(result.task, label_size) for result in results],
        "ms": [1000 * (result.end_time - result.start_time) for result in results],
        "color": get_colors(palette, functions),
    }
    fig.hbar(
        y="y",
        left="left",
        right="right",
        height=0.9,
        fill_color="color",
        line_color="gray",
        source=ColumnDataSource(source),
    )
    fig.grid.grid_line_color = None
    fig.yaxis.axis_label = "Worker ID"
    _hover(fig, [("Key", "@key"), ("Task", "@function"), ("Time", "@ms{0.000} ms")])
    return fig


def resources(
    results: Sequence[ResourceData],
    start_time: float | None,
    end_time: float | None,
    palette: str,
    **kwargs: Any,
) -> Any:
    """Draw a line for processors, on the left axis, and one for memory, on the right."""
    start, span = time_axis(start_time, end_time)
    times = [time - start for time, _, _ in results]
    memory = [megabytes for _, megabytes, _ in results]
    cpu = [percent for _, _, percent in results]
    cpu_low, cpu_high = fix_bounds(0, max(cpu, default=0), 100)
    memory_low, memory_high = fix_bounds(min(memory, default=0), max(memory, default=0), 100)
    y_range = Range1d(start=cpu_low, end=cpu_high)
    fig = _figure(span, {"y_range": y_range, "tools": _TOOLS, **kwargs})
    fig.extra_y_ranges = {"memory": Range1d(start=memory_low, end=memory_high)}
    fig.add_layout(LinearAxis(y_range_name="memory", axis_label="Memory (MB)"), "right")
    fig.yaxis[0].axis_label = "% CPU"
    cpu_color, memory_color = get_colors(palette, ["cpu", "memory"])
    fig.line(times, cpu, line_color=cpu_color, line_width=4, legend_label="% CPU")
    fig.line(
        times,
        memory,
        line_color=memory_color,
        line_width=4,
        legend_label="Memory",
        y_range_name="memory",
    )
    return fig


def cache(
    results: Sequence[CacheData],
    start_time: float | None,
    end_time: float | None,
    metric_name: str,
    palette: str,
    label_size: int,
    **kwargs: Any,
) -> Any:
    """Draw a line of the held amount for each function."""
    start, span = time_axis(start_time, end_time)
    fig = _figure(span, {"tools": "hover," + _TOOLS, **kwargs})
    held = held_over_time(results, start, start + span, label_size)
    for (function, points), color in zip(held.items(), get_colors(palette, held), strict=True):
        source = {
            "x": [time for time, _ in points],
            "y": [amount for _, amount in points],
            "label": [function] * len(points),
        }
        fig.step(
            "x", "y", mode="after", line_color=color, line_width=3, source=ColumnDataSource(source)
        )
    if not held:
        # Bokeh warns of a plot without anything in it.
        fig.line([0, span], [0, 0], line_alpha=0)
    fig.yaxis.axis_label = f"Cache Size ({metric_name})"
    _hover(fig, [("Task", "@label"), ("Held", "@y")])
    return fig


def stack(profilers: Sequence[Any], span: tuple[float | None, float | None], **kwargs: Any) -> Any:
    """Draw the figures of several profilers above each other, on one time axis."""
    title = kwargs.pop("title", "Profile Results")
    figures = [
        profiler._plot(span=span, title=title if row == 0 else None, **kwargs)
        for row, profiler in enumerate(profilers)
    ]
    for fig in figures[:-1]:
        fig.xaxis.axis_label = None
    for fig in figures[1:]:
        fig.x_range = figures[0].x_range
    return gridplot([[fig] for fig in figures])


def deliver(picture: Any, filename: str, show: bool, save: bool, mode: str | None) -> None:
    """Save the picture and show it."""
    if save:
        # Where bokeh shows it as well, so that the file is written once.
        mode_of_file: Any = mode
        _output_file(filename, title="Profile Results", mode=mode_of_file)
    if show:
        if in_notebook() and not curstate().notebook:
            from bokeh.io import output_notebook

            output_notebook(hide_banner=True)
        _show(picture)
    elif save:
        _save(picture)


def _figure(span: float, options: Mapping[str, Any]) -> Any:
    defaults = {
        "title": "Profile Results",
        "width": 800,
        "height": 300,
        "x_range": Range1d(start=0, end=span),
        "toolbar_location": "above",
    }
    fig = figure(**{**defaults, **options})
    fig.xaxis.axis_label = "Time (s)"
    return fig


def _hover(fig: Any, lines: list[tuple[str, str]]) -> None:
    for tool in fig.select(HoverTool):
        tool.tooltips = lines
        tool.point_policy = "follow_mouse"
