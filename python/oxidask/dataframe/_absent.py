"""Names that a class inherits and pandas' class of its name has not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["without"]


class _Absent:
    def __init__(self, kind: str, name: str) -> None:
        self._kind, self._name = kind, name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        raise AttributeError(f"{self._kind!r} object has no attribute {self._name!r}")


def without(cls: type, names: Iterable[str]) -> None:
    """Take methods away from a class: to ask for them raises AttributeError."""
    for name in names:
        setattr(cls, name, _Absent(cls.__name__, name))
