"""Finding collections inside Python containers, and putting results in their places."""

from __future__ import annotations

import copy
import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from oxidask._native import ArrayExpr, Delayed, FrameExpr

__all__ = [
    "child_expressions",
    "expression_of",
    "is_dask_collection",
    "is_expression",
    "is_native_delayed",
    "native_form",
    "unpack_collections",
]


def _has_expression_base(cls: Any) -> bool:
    return any(
        base.__name__ == "Expr" and base.__module__ in ("dask._expr", "oxidask._expr")
        for base in cls.__mro__
    )


_is_expression_class: Callable[[Any], bool] = lru_cache(maxsize=4096)(_has_expression_base)


def is_expression(obj: object) -> bool:
    """Whether `obj` is an expression, ours or stock Dask's.

    Examples
    --------
    >>> is_expression(1)
    False
    """
    return _is_expression_class(type(obj))


def is_native_delayed(obj: object) -> bool:
    """Whether `obj` is a delayed value of this package.

    Examples
    --------
    >>> from oxidask import delayed
    >>> is_native_delayed(delayed(1)), is_native_delayed(1)
    (True, False)
    """
    return isinstance(obj, Delayed)


def native_form(obj: object) -> Any:
    """Return what stands for a collection of this package in native graphs; None for others.

    Delayed values stand for themselves, arrays and dataframes have expressions.

    Examples
    --------
    >>> from oxidask import delayed
    >>> x = delayed(1)
    >>> native_form(x) is x, native_form(1)
    (True, None)
    """
    if isinstance(obj, Delayed):
        return obj
    expr = getattr(obj, "_expr", None)
    return expr if isinstance(expr, (ArrayExpr, FrameExpr)) else None


_CONTAINER_TYPES = frozenset({list, tuple, dict, set, OrderedDict})
# Most values that are looked at are of these types, which cannot be collections.
_PLAIN_TYPES = frozenset({int, float, complex, bool, str, bytes, type(None), slice, type})


def is_dask_collection(x: object) -> bool:
    """Whether `x` is a collection: an object with a task graph.

    A collection made of expressions, an array for one, is recognised without making its graph.

    Examples
    --------
    >>> from oxidask import delayed
    >>> is_dask_collection(delayed(1)), is_dask_collection([delayed(1)])
    (True, False)
    """
    if isinstance(x, Delayed):
        return True
    cls = type(x)
    if cls in _PLAIN_TYPES or isinstance(x, type):
        return False
    # Asked of the class first: instances may make up any attribute they are asked for.
    if not hasattr(cls, "__dask_graph__") and not hasattr(x, "__dask_graph__"):
        return False
    if native_form(x) is not None or is_expression(x):
        return True
    if expression_of(x) is not None or child_expressions(x):
        return True
    graph = x.__dask_graph__  # type: ignore[attr-defined]
    return callable(graph) and graph() is not None


def expression_of(x: Any) -> Any:
    """Return the expression that a collection is made of, None if there is none.

    Only an attribute that really exists is asked for: delayed values make up any other.

    Examples
    --------
    >>> expression_of(1) is None
    True
    """
    if not hasattr(type(x), "expr") and "expr" not in getattr(x, "__dict__", ()):
        return None
    expr = x.expr
    return expr if is_expression(expr) else None


def child_expressions(x: Any) -> tuple[Any, ...]:
    """Return the expressions that a composite collection consists of; empty if it is none.

    Examples
    --------
    >>> child_expressions(1)
    ()
    """
    method = getattr(type(x), "__dask_exprs__", None)
    found = None if method is None else x.__dask_exprs__()
    if not found or not all(map(is_expression, found)):
        return ()
    return tuple(found)


def unpack_collections(
    *args: Any, traverse: bool = True
) -> tuple[list[Any], Callable[[Any], tuple[Any, ...]]]:
    """Return the collections among `args`, each once, and a function that puts values back.

    Lists, tuples, sets, dictionaries, named tuples, instances of dataclasses and iterators (which
    become lists) are looked into, however deep.

    Parameters
    ----------
    *args
        Any objects.
    traverse
        Whether to look into containers.

    Returns
    -------
    collections, repack
        ``repack(values)`` returns `args` as a tuple, with the values in the collections' places.

    Examples
    --------
    >>> from oxidask import delayed
    >>> x = delayed(1)
    >>> collections, repack = unpack_collections([x, {"a": x}], 2)
    >>> len(collections), repack(["new"])
    (1, (['new', {'a': 'new'}], 2))
    """
    finder = _Finder(traverse)
    templates = [finder.template(arg) for arg in args]

    def repack(values: Any) -> tuple[Any, ...]:
        return tuple(_filled(args, templates, values))

    return finder.collections, repack


# How to make an object again with values in the places of its collections: a collection itself is
# the value of an index, None is the object as it is.
_Template = int | Callable[[Any], Any] | None


class _Finder:
    """Collects collections and makes templates of the objects that hold them."""

    def __init__(self, traverse: bool) -> None:
        self.collections: list[Any] = []
        self._index_of: dict[int, int] = {}
        self._traverse = traverse

    def template(self, obj: Any) -> _Template:
        """Return the template of `obj`, None if there is no collection in it."""
        cls = type(obj)
        if cls in _PLAIN_TYPES:
            return None
        if cls not in _CONTAINER_TYPES and is_dask_collection(obj):
            # The same object, not an equal one: comparing could compute.
            index = self._index_of.setdefault(id(obj), len(self.collections))
            if index == len(self.collections):
                self.collections.append(obj)
            return index
        if not self._traverse:
            return None
        if cls in (list, tuple, set):
            return self._sequence(list(obj), cls)
        if cls in (dict, OrderedDict):
            return self._mapping(obj, cls)
        if isinstance(obj, Iterator):
            items = list(obj)
            return self._sequence(items, list) or (lambda values: items)
        if isinstance(obj, tuple) and hasattr(cls, "_fields"):
            return self._sequence(list(obj), cls._make)
        if dataclasses.is_dataclass(obj):
            return self._dataclass(obj)
        return None

    def _sequence(
        self, items: list[Any], build: Callable[[Any], Any]
    ) -> Callable[[Any], Any] | None:
        templates = [self.template(item) for item in items]
        if all(template is None for template in templates):
            return None
        return lambda values: build(_filled(items, templates, values))

    def _mapping(self, obj: Any, build: Callable[[Any], Any]) -> _Template:
        pairs = self._sequence([part for pair in obj.items() for part in pair], list)
        if pairs is None:
            return None

        def fill(values: Any) -> Any:
            flat = pairs(values)
            return build(zip(flat[::2], flat[1::2], strict=True))

        return fill

    def _dataclass(self, obj: Any) -> _Template:
        names = [f.name for f in dataclasses.fields(obj) if hasattr(obj, f.name)]
        items = self._sequence([getattr(obj, name) for name in names], list)
        if items is None:
            return None

        def fill(values: Any) -> Any:
            # Not made by its constructor, which may compute fields from others or be custom.
            new = copy.copy(obj)
            for name, value in zip(names, items(values), strict=True):
                object.__setattr__(new, name, value)
            return new

        return fill


def _filled(items: Sequence[Any], templates: list[_Template], values: Any) -> list[Any]:
    filled = list(items)
    for position, template in enumerate(templates):
        if template is None:
            continue
        filled[position] = values[template] if type(template) is int else template(values)  # type: ignore[operator]
    return filled
