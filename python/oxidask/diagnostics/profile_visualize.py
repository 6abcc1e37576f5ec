"""Pictures of what the profilers recorded.

With bokeh (3 or newer) installed these are bokeh figures, as in Dask; without it they are our own
pictures, from `oxidask.diagnostics.profile_report`. This module chooses, shows and saves.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from oxidask.diagnostics.notebook_bar import in_notebook

if TYPE_CHECKING:
    from oxidask.diagnostics.profile import CacheData, ResourceData, TaskData

__all__ = [
    "BOKEH_VERSION",
    "fix_bounds",
    "get_colors",
    "plot_cache",
    "plot_resources",
    "plot_tasks",
    "unquote",
    "visualize",
]


class Version(NamedTuple):
    """A release number."""

    major: int
    minor: int
    micro: int


def BOKEH_VERSION() -> Version:
    """Tell the version of the installed bokeh; zeros when there is none.

    Examples
    --------
    >>> BOKEH_VERSION().major >= 0
    True
    """
    try:
        import bokeh
    except ImportError:
        return Version(0, 0, 0)
    numbers = [
        int("".join(filter(str.isdigit, part)) or 0) for part in bokeh.__version__.split(".")
    ]
    major, minor, micro = [*numbers, 0, 0, 0][:3]
    return Version(major, minor, micro)


def visualize(
    profilers: Any,
    filename: str = "profile.html",
    show: bool = True,
    save: bool | None = None,
    mode: str | None = None,
    **kwargs: Any,
) -> Any:
    """Draw what one or more profilers recorded, above each other on one time axis.

    Parameters
    ----------
    profilers : profiler or sequence of profilers
        `Profiler`, `ResourceProfiler` and `CacheProfiler` objects.
    filename : str, optional
        Where to save the page.
    show : bool, optional
        Open the page in a browser, or show the picture in the notebook.
    save : bool, optional
        Save the page; by default yes, except in a notebook.
    mode : str, optional
        With bokeh: where the page finds its scripts, for example "inline" or "cdn".
    **kwargs
        For the figure: ``width``, ``height``, ``title``, ``palette``, ``label_size``, and with
        bokeh everything else that ``bokeh.plotting.figure`` takes.

    Returns
    -------
    bokeh figure or grid, or ProfileReport
        The picture. A `ProfileReport`, which is what there is without bokeh, is a page that needs
        no scripts and no network.

    Examples
    --------
    >>> from operator import add
    >>> from oxidask.diagnostics import CacheProfiler, Profiler
    >>> from oxidask.local import get_sync
    >>> with Profiler() as tasks, CacheProfiler() as cache:
    ...     get_sync({"x": (add, 1, 2)}, "x")
    3
    >>> picture = visualize([tasks, cache], show=False, save=False)
    """
    if "file_path" in kwargs:
        warnings.warn(
            "The file_path keyword argument is deprecated; use filename instead.",
            FutureWarning,
            stacklevel=2,
        )
        filename = str(kwargs.pop("file_path"))
    several = isinstance(profilers, Iterable)
    members = list(profilers) if several else [profilers]
    if not members:
        raise ValueError("there is nothing to draw: `profilers` is empty. Give at least one.")
    for member in members:
        if not hasattr(member, "_plot"):
            raise AttributeError(f"cannot draw {member!r}: it is not a profiler")
    if len(members) == 1:
        picture = members[0]._plot(**kwargs)
    else:
        starts = [m.start_time for m in members if m.start_time is not None]
        ends = [m.end_time for m in members if m.end_time is not None]
        span = (min(starts, default=None), max(ends, default=None))
        picture = _drawing().stack(members, span, **kwargs)
    if save is None:
        save = not in_notebook()
    _drawing().deliver(picture, filename, show=show, save=save, mode=mode)
    return picture


def plot_tasks(
    results: Sequence[TaskData],
    dsk: Mapping[Hashable, Any],
    start_time: float | None,
    end_time: float | None,
    palette: str = "Viridis",
    label_size: int = 60,
    **kwargs: Any,
) -> Any:
    """Draw tasks as bars on the time axis, a row for each worker, a colour for each function.

    Parameters
    ----------
    results : sequence of TaskData
        What `Profiler.results` holds.
    dsk : mapping
        The graph; unused, because the results hold their tasks.
    start_time, end_time : float or None
        The ends of the time axis.
    palette : str, optional
        With bokeh: the name of a palette.
    label_size : int, optional
        How much of a task to show, in characters.

    Examples
    --------
    >>> from oxidask.diagnostics.profile import TaskData
    >>> picture = plot_tasks([TaskData("x", (sum, [1]), 0.1, 0.3, 7)], {}, 0.0, 1.0)
    """
    return _drawing().tasks(
        results, start_time, end_time, palette=palette, label_size=label_size, **kwargs
    )


def plot_resources(
    results: Sequence[ResourceData],
    start_time: float | None,
    end_time: float | None,
    palette: str = "Viridis",
    **kwargs: Any,
) -> Any:
    """Draw the use of processors and memory over time.

    Parameters
    ----------
    results : sequence of ResourceData
        What `ResourceProfiler.results` holds.
    start_time, end_time : float or None
        The ends of the time axis.
    palette : str, optional
        With bokeh: the name of a palette.

    Examples
    --------
    >>> from oxidask.diagnostics.profile import ResourceData
    >>> picture = plot_resources([ResourceData(0.5, 100.0, 90.0)], 0.0, 1.0)
    """
    return _drawing().resources(results, start_time, end_time, palette=palette, **kwargs)


def plot_cache(
    results: Sequence[CacheData],
    dsk: Mapping[Hashable, Any],
    start_time: float | None,
    end_time: float | None,
    metric_name: str,
    palette: str = "Viridis",
    label_size: int = 60,
    **kwargs: Any,
) -> Any:
    """Draw how much was held over time, a line for each function.

    Parameters
    ----------
    results : sequence of CacheData
        What `CacheProfiler.results` holds.
    dsk : mapping
        The graph; unused, because the results hold their tasks.
    start_time, end_time : float or None
        The ends of the time axis.
    metric_name : str
        What the sizes are called.
    palette : str, optional
        With bokeh: the name of a palette.
    label_size : int, optional
        How much of a function's name to show, in characters.

    Examples
    --------
    >>> from oxidask.diagnostics.profile import CacheData
    >>> picture = plot_cache([CacheData("x", (sum, [1]), 8, 0.1, 0.3)], {}, 0.0, 1.0, "nbytes")
    """
    return _drawing().cache(
        results,
        start_time,
        end_time,
        metric_name,
        palette=palette,
        label_size=label_size,
        **kwargs,
    )


def fix_bounds(start: float, end: float, min_span: float) -> tuple[float, float]:
    """Widen a range to at least `min_span`, at its end.

    Examples
    --------
    >>> fix_bounds(1, 1, 2)
    (1, 3)
    """
    return start, max(end, start + min_span)


def get_colors(palette: str, funcs: Iterable[Hashable]) -> list[str]:
    """Give each function a colour of a bokeh palette; equal functions get equal ones.

    Parameters
    ----------
    palette : str
        The name of a palette, such as "Viridis".
    funcs : iterable
        The functions; their order does not matter.

    Examples
    --------
    >>> get_colors("Viridis", ["f", "g", "f"])  # doctest: +SKIP
    ['#440154', '#208F8C', '#440154']
    """
    from bokeh.palettes import all_palettes

    sizes = all_palettes.get(palette)
    if sizes is None:
        raise ValueError(
            f"bokeh has no palette {palette!r}; it has {', '.join(sorted(all_palettes))}"
        )
    funcs = list(funcs)
    unique = sorted(set(funcs), key=str)
    # Too many functions for the largest palette share its colours.
    colors = sizes[min((n for n in sizes if n >= len(unique)), default=max(sizes))]
    step = max(1.0, (len(colors) - 1) / max(1, len(unique) - 1))
    if len(unique) in sizes:
        step = 1.0
    chosen = {f: colors[round(i * step) % len(colors)] for i, f in enumerate(unique)}
    return [chosen[f] for f in funcs]


def unquote(expr: Any) -> Any:
    """Turn the task ``(dict, [[key, value], ...])`` into the dict that it stands for.

    Examples
    --------
    >>> unquote((dict, [["a", 1]]))
    {'a': 1}
    >>> unquote([1, 2])
    [1, 2]
    """
    builders: tuple[Callable[..., Any], ...] = (dict, list, set, tuple)
    if isinstance(expr, tuple) and expr and expr[0] in builders:
        return expr[0](*map(unquote, expr[1:]))
    if isinstance(expr, list):
        return [unquote(item) for item in expr]
    return expr


def _drawing() -> Any:
    """Choose the module that draws: both have the same functions."""
    # A bokeh before 3 names the arguments of a figure differently.
    if BOKEH_VERSION().major >= 3:
        from oxidask.diagnostics import profile_bokeh

        return profile_bokeh
    from oxidask.diagnostics import profile_report

    return profile_report
