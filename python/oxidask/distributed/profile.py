"""Profiles: trees of what threads were seen doing, and their drawing as flames.

A node is a dictionary: ``identifier``, ``description`` (of the frame), ``count`` (how often it was
seen), and ``children``, nodes by their identifiers.
"""

from __future__ import annotations

import linecache
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

from oxidask.utils import format_time, import_required

__all__ = [
    "call_stack",
    "create",
    "identifier",
    "info_frame",
    "llprocess",
    "merge",
    "plot_data",
    "plot_figure",
    "process",
    "repr_frame",
]

_Node = dict[str, Any]


def create() -> _Node:
    """Return an empty profile.

    Examples
    --------
    >>> create()["count"]
    0
    """
    return {"count": 0, "children": {}, "identifier": "root", "description": {}}


def identifier(frame: types.FrameType) -> str:
    """Return what frames of the same function have in common."""
    code = frame.f_code
    return f"{code.co_name};{code.co_filename};{code.co_firstlineno}"


def info_frame(frame: types.FrameType) -> dict[str, Any]:
    """Describe a frame: file, function and line."""
    code = frame.f_code
    line = linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals).strip()
    return {
        "filename": code.co_filename,
        "name": code.co_name,
        "line_number": frame.f_lineno,
        "line": line,
    }


def repr_frame(frame: types.FrameType) -> str:
    """Return a frame as tracebacks show it."""
    info = info_frame(frame)
    head = f'  File "{info["filename"]}", line {info["line_number"]}, in {info["name"]}'
    return f"{head}\n\t{info['line']}\n"


def call_stack(frame: types.FrameType | None) -> list[str]:
    """Return a thread's frames as text, outermost first.

    Examples
    --------
    >>> import sys
    >>> len(call_stack(sys._getframe())) > 1
    True
    """
    frames = []
    while frame is not None:
        frames.append(repr_frame(frame))
        frame = frame.f_back
    return frames[::-1]


def process(
    frame: types.FrameType,
    child: Any,
    state: _Node,
    *,
    stop: str | None = None,
    omit: Sequence[str] | None = None,
    depth: int | None = None,
) -> _Node | None:
    """Count one look at a thread in a profile.

    Parameters
    ----------
    frame
        The thread's innermost frame.
    child
        None.
    state
        The profile, which is changed.
    stop
        Frames of files that end so, and all outside of them, are left out.
    omit
        Nothing is counted if a frame is of a file that ends with one of these.
    depth
        Frames that are counted at most; by default as many as Python allows.
    """
    frames: list[types.FrameType] = []
    limit = depth or sys.getrecursionlimit()
    current: types.FrameType | None = frame
    while current is not None and len(frames) < limit:
        filename = current.f_code.co_filename
        if omit and any(filename.endswith(end) for end in omit):
            return None
        if stop and filename.endswith(stop):
            break
        frames.append(current)
        current = current.f_back
    state["count"] += 1
    node = state
    for one in reversed(frames):
        name = identifier(one)
        node = node["children"].setdefault(
            name,
            {"count": 0, "identifier": name, "description": info_frame(one), "children": {}},
        )
        node["count"] += 1
    return state


def llprocess(frames: Any, child: Any, state: _Node) -> None:
    """Do nothing: stacks of native code are not looked at."""


def merge(*profiles: _Node) -> _Node:
    """Add profiles up.

    Examples
    --------
    >>> merge({**create(), "count": 2}, {**create(), "count": 3})["count"]
    5
    """
    found = [profile for profile in profiles if profile]
    if not found:
        return create()
    children: dict[str, list[_Node]] = {}
    for profile in found:
        for name, child in profile["children"].items():
            children.setdefault(name, []).append(child)
    return {
        "identifier": found[0]["identifier"],
        "description": found[0]["description"],
        "count": sum(profile["count"] for profile in found),
        "children": {name: merge(*nodes) for name, nodes in children.items()},
    }


def plot_data(state: _Node, profile_interval: float = 0.010) -> dict[str, list[Any]]:
    """Return the columns of a profile's drawing, one entry a node.

    Parameters
    ----------
    state
        The profile.
    profile_interval
        Seconds between two looks.
    """
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("left", "right", "bottom", "top", "name", "filename", "line_number", "line",
                     "color", "time", "percentage")
    }  # fmt: skip
    total = max(1, state["count"])
    for node, left, level in _flames(state, 0.0, 0):
        what = node["description"]
        columns["left"].append(left)
        columns["right"].append(left + node["count"])
        columns["bottom"].append(level)
        columns["top"].append(level + 1)
        columns["name"].append(what.get("name", node["identifier"]))
        for name in ("filename", "line_number", "line"):
            columns[name].append(what.get(name, ""))
        columns["color"].append(_colour(what.get("filename", "")))
        columns["time"].append(format_time(node["count"] * profile_interval))
        columns["percentage"].append(f"{100 * node['count'] / total:.1f} %")
    return columns


def _flames(node: _Node, left: float, level: int) -> Iterator[tuple[_Node, float, int]]:
    todo = [(node, left, level)]
    while todo:
        node, left, level = todo.pop()
        yield node, left, level
        for child in sorted(node["children"].values(), key=lambda child: -int(child["count"])):
            todo.append((child, left, level + 1))
            left += child["count"]


def _colour(filename: str) -> str:
    from oxidask.distributed.diagnostics.task_stream import colour_of

    return colour_of(filename) if filename else "#dddddd"


def plot_figure(data: dict[str, list[Any]], **kwargs: Any) -> tuple[Any, Any]:
    """Return a bokeh figure of what :func:`plot_data` gives, and its data source."""
    message = "plots of profiles need the package bokeh"
    plotting = import_required("bokeh.plotting", message)
    models = import_required("bokeh.models", message)
    source = models.ColumnDataSource(data)
    figure = plotting.figure(tools="tap,box_zoom,xwheel_zoom,reset", **kwargs)
    figure.quad("left", "right", "top", "bottom", color="color", line_color="black", source=source)
    tooltips = [("name", "@name"), ("file", "@filename"), ("line", "@line_number: @line"),
                ("time", "@time"), ("share", "@percentage")]  # fmt: skip
    figure.add_tools(models.HoverTool(tooltips=tooltips))
    for axis in (*figure.xaxis, *figure.yaxis):
        axis.visible = False
    return figure, source
