"""Annotations: what schedulers should know about the tasks that a piece of code makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Number
from typing import Any

from oxidask import _native

__all__ = ["annotate", "get_annotations"]

_annotations: ContextVar[dict[str, Any] | None] = ContextVar("annotations", default=None)


def get_annotations() -> dict[str, Any]:
    """Return the annotations of the enclosing :func:`annotate` blocks.

    Examples
    --------
    >>> get_annotations()
    {}
    """
    return dict(_annotations.get() or {})


def _is_retries(value: Any) -> bool:
    return isinstance(value, Number) or hasattr(value, "as_option")


def _is_names(value: Any) -> bool:
    return isinstance(value, (str, list, tuple, set))


# Annotations that schedulers act on, what their values must be, and how to say so.
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "priority": (lambda v: isinstance(v, Number), "a Number"),
    "retries": (_is_retries, "a Number"),
    "workers": (_is_names, "a sequence of str, a str"),
    "allow_other_workers": (lambda v: isinstance(v, bool), "a bool"),
}


@contextmanager
def annotate(**annotations: Any) -> Iterator[None]:
    """Annotate the tasks of collections that are made inside the block.

    Parameters
    ----------
    **annotations
        Names and values; a value may be a function of a task's key.  Schedulers know ``priority``,
        ``retries``, ``workers``, ``allow_other_workers`` and ``resources``.

    Examples
    --------
    >>> with annotate(priority=1):
    ...     with annotate(retries=3):
    ...         get_annotations()
    {'priority': 1, 'retries': 3}
    """
    for name, (is_valid, expected) in _CHECKS.items():
        value = annotations.get(name)
        if value is not None and not callable(value) and not is_valid(value):
            raise TypeError(
                f"{name!r} annotation must be {expected} or a callable, but got {value!r}"
            )
    resources = annotations.get("resources")
    if resources is not None and not isinstance(resources, dict) and not callable(resources):
        raise TypeError(f"'resources' annotation must be a dict, but got {resources!r}")
    workers = annotations.get("workers")
    if workers is not None and not callable(workers):
        names = [workers] if isinstance(workers, str) else list(workers)
        annotations = {**annotations, "workers": names}
    _native.note_annotations()
    token = _annotations.set({**(_annotations.get() or {}), **annotations})
    try:
        yield
    finally:
        _annotations.reset(token)
