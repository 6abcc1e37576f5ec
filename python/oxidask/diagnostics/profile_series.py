"""The labels and series behind the pictures of profiles, whichever library draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oxidask.diagnostics.profile import CacheData

__all__ = ["function_label", "held_over_time", "shorten", "task_label", "time_axis"]


def time_axis(start_time: float | None, end_time: float | None) -> tuple[float, float]:
    """Give the start of the observation and its length; a second when there was none.

    Examples
    --------
    >>> time_axis(2.0, 5.0)
    (2.0, 3.0)
    >>> time_axis(None, None)
    (0.0, 1.0)
    """
    start = 0.0 if start_time is None else start_time
    span = 0.0 if end_time is None else end_time - start
    return start, span if span > 0 else 1.0


def function_label(task: Any, size: int = 60) -> str:
    """Name the function that a task calls.

    Examples
    --------
    >>> function_label((sum, [1, 2]))
    'sum'
    """
    function = getattr(task, "func", None)
    if function is None and isinstance(task, tuple) and task:
        function = task[0]
    if not callable(function):
        return type(task).__name__
    while hasattr(function, "func") and callable(function.func):  # functools.partial
        function = function.func
    return shorten(getattr(function, "__name__", None) or type(function).__name__, size)


def task_label(task: Any, size: int = 60) -> str:
    """Write a task as text of at most `size` characters.

    Examples
    --------
    >>> task_label((sum, [1, 2]))
    'sum([1, 2])'
    """
    if isinstance(task, tuple) and task and callable(task[0]):
        arguments = ", ".join(map(repr, task[1:]))
        return shorten(f"{function_label(task, size)}({arguments})", size)
    return shorten(repr(task), size)


def shorten(text: str, size: int) -> str:
    """Cut a text to `size` characters, the last of them dots where something is missing.

    Examples
    --------
    >>> shorten("abcdefghij", 6)
    'abc...'
    """
    return text if len(text) <= size else text[: max(0, size - 3)] + "..."


def held_over_time(
    results: Sequence[CacheData], start: float, end: float, label_size: int = 60
) -> dict[str, list[tuple[float, float]]]:
    """For each function, how much of its results was held: steps from `start` to `end`.

    Returns
    -------
    dict of lists of (seconds since `start`, amount from then on)

    Examples
    --------
    >>> from oxidask.diagnostics.profile import CacheData
    >>> held_over_time([CacheData("x", (sum, [1]), 8, 1.0, 3.0)], 0.0, 4.0)
    {'sum': [(0.0, 0.0), (1.0, 8.0), (3.0, 0.0), (4.0, 0.0)]}
    """
    changes: dict[str, list[tuple[float, float]]] = {}
    for held in results:
        of_function = changes.setdefault(function_label(held.task, label_size), [])
        of_function.append((held.cache_time - start, held.metric))
        of_function.append((held.free_time - start, -held.metric))
    series: dict[str, list[tuple[float, float]]] = {}
    for function, of_function in changes.items():
        points = [(0.0, 0.0)]
        amount = 0.0
        for time, change in sorted(of_function):
            amount += change
            if points[-1][0] == time:
                points[-1] = (time, amount)
            else:
                points.append((time, amount))
        if points[-1][0] < end - start:
            points.append((end - start, amount))
        series[function] = points
    return series
