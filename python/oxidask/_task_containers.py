"""Task nodes that build Python containers, and the search for references inside plain ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from oxidask._task_spec import Alias, Task, is_node, is_reference, same_value

__all__ = [
    "Dict",
    "List",
    "NestedContainer",
    "Set",
    "Tuple",
    "container_node",
    "parse_input",
]


def _build_list(*items: Any) -> list[Any]:
    return list(items)


def _build_tuple(*items: Any) -> tuple[Any, ...]:
    return items


def _build_set(*items: Any) -> set[Any]:
    return set(items)


def _build_dict(*flat: Any) -> dict[Any, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


class NestedContainer(Task):
    """A task that builds a container from its arguments; :class:`List` and its siblings.

    A single argument that is such a container already gives its items.
    """

    __slots__ = ()
    klass: ClassVar[Callable[..., Any]]
    _build: ClassVar[Callable[..., Any]]

    def __init__(self, *args: Any) -> None:
        if len(args) == 1 and isinstance(args[0], self.klass):  # type: ignore[arg-type]
            args = tuple(args[0])
        Task.__init__(self, None, type(self)._build, *args)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.args!r})"

    def __iter__(self) -> Iterator[Any]:
        return iter(self.args)

    def __dask_tokenize__(self) -> Any:
        items: Any = self.args
        if isinstance(self, Set):
            from oxidask.tokenize import tokenize

            items = sorted(map(tokenize, self.args))
        return type(self).__name__, items

    def __reduce__(self) -> Any:
        return _restore_container, (type(self), self.key, self.args)


def _restore_container(cls: Any, key: Any, args: tuple[Any, ...]) -> Any:
    new: Any = object.__new__(cls)
    Task.__init__(new, key, cls._build, *args)
    return new


class List(NestedContainer):
    """A list of arguments.

    Examples
    --------
    >>> from oxidask._task_spec import TaskRef
    >>> List(TaskRef("x"), 2)({"x": 1})
    [1, 2]
    """

    __slots__ = ()
    klass = list
    _build = staticmethod(_build_list)


class Tuple(NestedContainer):
    """A tuple of arguments.

    Examples
    --------
    >>> from oxidask._task_spec import TaskRef
    >>> Tuple(TaskRef("x"), 2)({"x": 1})
    (1, 2)
    """

    __slots__ = ()
    klass = tuple
    _build = staticmethod(_build_tuple)


class Set(NestedContainer):
    """A set of arguments.

    Examples
    --------
    >>> from oxidask._task_spec import TaskRef
    >>> Set(TaskRef("x"), 2)({"x": 1})
    {1, 2}
    """

    __slots__ = ()
    klass = set
    _build = staticmethod(_build_set)


class Dict(NestedContainer, Mapping[Any, Any]):
    """A dictionary of arguments; made like a ``dict``, keys may be references too.

    Examples
    --------
    >>> from oxidask._task_spec import TaskRef
    >>> Dict({"a": TaskRef("x")})({"x": 1})
    {'a': 1}
    """

    __slots__ = ()
    klass = dict
    _build = staticmethod(_build_dict)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise TypeError("Dict takes either positional or keyword arguments, not both")
        items: Any
        if kwargs:
            items = kwargs.items()
        elif len(args) == 1 and isinstance(args[0], Mapping):
            items = args[0].items()
        elif len(args) == 1:
            pairs = list(args[0])
            flat = any(not isinstance(pair, (list, tuple)) for pair in pairs)
            items = [(pairs[i], pairs[i + 1]) for i in range(0, len(pairs), 2)] if flat else pairs
        else:
            items = [(args[i], args[i + 1]) for i in range(0, len(args), 2)]
        flattened = [part for key, value in items for part in (key, value)]
        Task.__init__(self, None, _build_dict, *flattened)

    def __repr__(self) -> str:
        return f"Dict({', '.join(f'{k}: {v}' for k, v in self._pairs())})"

    def _pairs(self) -> list[tuple[Any, Any]]:
        return list(zip(self.args[::2], self.args[1::2], strict=True))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.args[::2])

    def __len__(self) -> int:
        return len(self.args) // 2

    def __getitem__(self, key: Any) -> Any:
        for k, v in self._pairs():
            if k == key:
                return v
        raise KeyError(key)

    __hash__ = Task.__hash__

    def __eq__(self, other: object) -> bool:
        return type(other) is Dict and same_value(self, other)

    def __dask_tokenize__(self) -> Any:
        from oxidask.tokenize import tokenize

        return "Dict", sorted(map(tokenize, self._pairs()))


_CONTAINERS: dict[type, type[NestedContainer]] = {list: List, tuple: Tuple, set: Set}


def parse_input(obj: Any) -> Any:
    """Return `obj` with the containers that hold references or nodes turned into nodes.

    Examples
    --------
    >>> from oxidask._task_spec import TaskRef
    >>> parse_input([1, [TaskRef("x")]])
    List((1, List((Alias('x'),))))
    >>> parse_input([1, 2])
    [1, 2]
    """
    if is_node(obj):
        return obj
    if is_reference(obj):
        return Alias(obj.key)
    if isinstance(obj, dict):
        parsed = [(parse_input(k), parse_input(v)) for k, v in obj.items()]
        changed = any(is_node(part) for pair in parsed for part in pair)
        return Dict(parsed) if changed else obj
    if isinstance(obj, (list, tuple, set, frozenset)):
        items = [parse_input(item) for item in obj]
        if not any(map(is_node, items)):
            return obj
        return container_node(type(obj), items, None)
    return obj


def container_node(cls: type, items: Iterable[Any], key: Any) -> Task:
    """Return a task under `key` that builds a `cls` of `items`, some of which are nodes.

    Examples
    --------
    >>> from oxidask._task_spec import TaskRef
    >>> container_node(list, [TaskRef("x")], "y")({"x": 1})
    [1]
    """
    if cls in _CONTAINERS:
        return _restore_container(_CONTAINERS[cls], key, tuple(items))  # type: ignore[no-any-return]
    if hasattr(cls, "_fields"):
        return Task(key, _build_named_tuple, cls, *items)
    return Task(key, _build_from_iterable, cls, *items)


def _build_named_tuple(cls: Any, *items: Any) -> Any:
    return cls._make(items)


def _build_from_iterable(cls: Any, *items: Any) -> Any:
    return cls(items)
