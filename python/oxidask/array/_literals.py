"""Lazy values among the arguments of a function of blocks: computed once, passed to every block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask._task_spec import Alias
from oxidask.base import is_dask_collection, unpack_collections

__all__ = ["is_lazy", "lazy_literal", "with_lazy_keywords"]


def is_lazy(value: Any) -> bool:
    """Whether `value` is lazy, or a container of something lazy."""
    if is_dask_collection(value):
        return True
    if isinstance(value, (list, tuple, set, dict)):
        return bool(unpack_collections(value)[0])
    return False


def lazy_literal(value: Any) -> tuple[Any, ...]:
    """Return the argument of a block's call that is the computed value."""
    from oxidask.array.core import Array
    from oxidask.delayed import delayed

    whole = delayed(value)
    graph = dict(whole.dask)
    name = f"value-{whole.key}"
    key = (name,)
    graph[key] = Alias(key, whole.key)
    array = Array(graph, name, (), dtype=object, meta=np.empty((), dtype=object))
    return ("blocks", array, [], [])


class _WithKeywords:
    """A function whose first argument holds more keywords."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = getattr(function, "__name__", "call")

    def __call__(self, keywords: dict[str, Any], *args: Any, **more: Any) -> Any:
        return self.function(*args, **keywords, **more)


def with_lazy_keywords(
    function: Callable[..., Any], args: list[tuple[Any, ...]], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], list[tuple[Any, ...]], dict[str, Any]]:
    """Return function, arguments and keywords such that lazy keywords are arguments."""
    lazy = {name: value for name, value in kwargs.items() if is_lazy(value)}
    if not lazy:
        return function, args, kwargs
    rest = {name: value for name, value in kwargs.items() if name not in lazy}
    return _WithKeywords(function), [lazy_literal(lazy), *args], rest
