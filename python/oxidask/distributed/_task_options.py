"""What users say about how tasks are to be run, as the scheduler wants it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

from oxidask._annotations import _annotations as _annotate_scope
from oxidask.utils import parse_timedelta

__all__ = ["Retry", "annotated_options", "split_task_keywords", "task_options"]


@dataclass(frozen=True)
class Retry:
    """How often, when and after which exceptions a task is tried again.

    Parameters
    ----------
    n
        Further attempts.
    backoff
        Seconds before the first of them, or text such as ``"500 ms"``.
    on
        The exceptions that count, with their subclasses: a class or several; by default all.
    factor
        By how much the wait grows with each attempt.
    max_backoff
        No wait is longer.

    Examples
    --------
    >>> Retry(3, backoff="100 ms", on=OSError).n
    3
    """

    n: int
    backoff: float | str = 0.0
    on: Any = ()
    factor: float = 2.0
    max_backoff: float | str = 60.0

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 0:
            raise ValueError(f"the number of retries must be an integer from 0 on, got {self.n!r}")

    def as_option(self) -> dict[str, Any]:
        """Return what the scheduler wants to know.

        Examples
        --------
        >>> Retry(2, on=UnboundLocalError).as_option()["only"]
        ['UnboundLocalError', 'builtins.UnboundLocalError']
        """
        classes = self.on if isinstance(self.on, (tuple, list, set, frozenset)) else (self.on,)
        names: set[str] = set()
        for cls in classes:
            names.update([cls] if isinstance(cls, str) else _names_of(cls))
        return {
            "n": self.n,
            "backoff_s": seconds(self.backoff),
            "factor": float(self.factor),
            "max_backoff_s": seconds(self.max_backoff),
            "only": sorted(names),
        }


def seconds(time: Any) -> Any:
    """Return a time in seconds; None is no limit.

    Examples
    --------
    >>> seconds("100 ms"), seconds(2), seconds(None)
    (0.1, 2.0, None)
    """
    if time is None:
        return None
    return float(time) if isinstance(time, (int, float)) else float(parse_timedelta(time))


def _names_of(cls: Any) -> set[str]:
    """Return the names of an exception class and of its subclasses."""
    if not isinstance(cls, type) or not issubclass(cls, BaseException):
        raise TypeError(f"retries on exceptions: expected exception classes, got {cls!r}")
    names = {f"{cls.__module__}.{cls.__qualname__}"}
    if cls.__module__ == "builtins":
        names.add(cls.__name__)
    for subclass in cls.__subclasses__():
        names |= _names_of(subclass)
    return names


def task_options(
    workers: Any = None,
    resources: Mapping[str, float] | None = None,
    retries: Any = None,
    priority: Any = 0,
    allow_other_workers: Any = False,
    actor: bool = False,
    timeout: Any = None,
    limit: Any = None,
) -> dict[str, Any] | None:
    """Return what is said about tasks; None if nothing is.

    Annotations of the enclosing :func:`oxidask.annotate` count where an argument says nothing.

    Examples
    --------
    >>> task_options() is None
    True
    >>> task_options(workers="alice", priority=1)
    {'priority': 1, 'workers': ['alice']}
    """
    options: dict[str, Any] = {}
    scope = _annotate_scope.get()
    if scope:
        options.update(annotated_options(scope) or {})
    if priority:
        options["priority"] = _priority(priority)
    if workers is not None:
        options["workers"] = worker_names(workers)
    if allow_other_workers not in (False, True, None) and not isinstance(
        allow_other_workers, (list, tuple, set)
    ):
        raise TypeError(f"allow_other_workers= must be True or False, got {allow_other_workers!r}")
    if allow_other_workers:
        if workers is None and "workers" not in options:
            raise ValueError("allow_other_workers= says something only together with workers=")
        options["allow_other_workers"] = True
    if resources:
        options["resources"] = _resources(resources)
    if retries:
        options["retries"] = retry_option(retries)
    if timeout is not None:
        options["timeout_s"] = seconds(timeout)
    if limit is not None:
        options["limit"] = _limit(limit)
    if actor:
        options["actor"] = True
    return options or None


def annotated_options(annotations: Mapping[str, Any], key: Any = None) -> dict[str, Any] | None:
    """Return what annotations say about tasks, or about the task `key`.

    A value may be a function of the key.

    Examples
    --------
    >>> annotated_options({"priority": lambda key: len(key), "colour": "red"}, "abc")
    {'priority': 3}
    """
    options: dict[str, Any] = {}
    for name, value in annotations.items():
        take = _ANNOTATIONS.get(name)
        if take is None:
            continue
        if callable(value) and not isinstance(value, Retry):
            value = value(key)
        if value is not None:
            options["timeout_s" if name == "timeout" else name] = take(value)
    return options or None


def worker_names(workers: Any) -> list[str]:
    """Return names, addresses or hosts of workers as a list of text.

    Examples
    --------
    >>> worker_names("alice"), worker_names([0, "bob"])
    (['alice'], ['0', 'bob'])
    """
    if isinstance(workers, (str, int)) or hasattr(workers, "address"):
        workers = [workers]
    if not isinstance(workers, Iterable):
        raise TypeError(f"workers= must be names or addresses of workers, got {workers!r}")
    return [str(getattr(worker, "address", worker)) for worker in workers]


def retry_option(retries: Any) -> Any:
    """Return the scheduler's form of ``retries=``: a number or a :class:`Retry`."""
    if isinstance(retries, Retry):
        return retries.as_option()
    if isinstance(retries, Number):
        return int(retries)  # type: ignore[call-overload]
    if isinstance(retries, Mapping):
        return dict(retries)
    raise TypeError(f"retries= must be a number or a Retry, got {retries!r}")


def _priority(priority: Any) -> float:
    if not isinstance(priority, Number):
        raise TypeError(f"priority= must be a number, got {priority!r}")
    return priority if isinstance(priority, int) else float(priority)  # type: ignore[arg-type]


def _resources(resources: Any) -> dict[str, float]:
    if not isinstance(resources, Mapping):
        raise TypeError(f"`resources` kwarg must be a dictionary, got {resources!r}")
    return {str(name): float(amount) for name, amount in resources.items()}


def _limit(limit: Any) -> list[Any]:
    try:
        name, n = limit
    except (TypeError, ValueError):
        raise TypeError(f"limit= must be a name and a number, got {limit!r}") from None
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"limit= of {name!r}: at least one task must be able to run, got {n!r}")
    return [str(name), n]


_ANNOTATIONS: dict[str, Callable[[Any], Any]] = {
    "priority": _priority,
    "workers": worker_names,
    "allow_other_workers": bool,
    "resources": _resources,
    "retries": retry_option,
    "timeout": seconds,
    "limit": _limit,
}


def split_task_keywords(function: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Take ``timeout`` and ``limit`` out of `kwargs`, unless `function` itself takes them.

    Examples
    --------
    >>> kwargs = {"timeout": 1, "x": 2}
    >>> split_task_keywords(lambda x: x, kwargs), kwargs
    ({'timeout': 1}, {'x': 2})
    >>> split_task_keywords(lambda timeout: timeout, {"timeout": 1})
    {}
    """
    named = [name for name in ("timeout", "limit") if name in kwargs]
    if not named:
        return {}
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return {}
    return {name: kwargs.pop(name) for name in named if name not in parameters}
