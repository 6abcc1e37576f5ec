"""Task nodes: the values of a task graph.

A graph maps keys to nodes.  A :class:`Task` calls a function, an :class:`Alias` stands for another
key, a :class:`DataNode` holds a value, and containers (:class:`List`, :class:`Tuple`,
:class:`Set`, :class:`Dict`) are tasks that build a Python container.  Arguments name other tasks
by :class:`TaskRef`; only the arguments themselves are looked at, never the inside of a plain list
or dictionary among them, so that building a task costs its number of arguments.
:func:`parse_input` turns references inside plain containers into container nodes.

Nodes of stock Dask behave alike and are accepted wherever a node is: they are recognised by the
names of their classes, without importing Dask.

Containers are in :mod:`oxidask._task_containers`, functions on whole graphs of nodes in
:mod:`oxidask._task_graph`; the names of both are re-exported here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

__all__ = [
    "Alias",
    "DataNode",
    "DependenciesMapping",
    "Dict",
    "GraphNode",
    "List",
    "NestedContainer",
    "Set",
    "Task",
    "TaskRef",
    "Tuple",
    "convert_legacy_graph",
    "convert_legacy_task",
    "cull",
    "execute_graph",
    "fuse",
    "fuse_linear_task_spec",
    "is_node",
    "is_reference",
    "parse_input",
    "resolve_aliases",
]

_NO_DEPENDENCIES: frozenset[Any] = frozenset()
_PLAIN, _NODE, _REFERENCE = range(3)
_FOREIGN_MODULE = "dask._task_spec"


def _kind_of_class(cls: Any) -> int:
    """Tell whether instances of `cls` are nodes, references or plain values."""
    for base in cls.__mro__:
        if base is GraphNode:
            return _NODE
        if base is TaskRef:
            return _REFERENCE
        if base.__module__ == _FOREIGN_MODULE:
            if base.__name__ == "GraphNode":
                return _NODE
            if base.__name__ == "TaskRef":
                return _REFERENCE
    return _PLAIN


_kind: Callable[[Any], int] = lru_cache(maxsize=4096)(_kind_of_class)


def is_node(obj: object) -> bool:
    """Whether `obj` is a task node, ours or stock Dask's.

    Examples
    --------
    >>> is_node(DataNode("x", 1)), is_node(1)
    (True, False)
    """
    return _kind(type(obj)) == _NODE


def is_reference(obj: object) -> bool:
    """Whether `obj` is a reference to a key.

    Examples
    --------
    >>> is_reference(TaskRef("x")), is_reference("x")
    (True, False)
    """
    return _kind(type(obj)) == _REFERENCE


class TaskRef:
    """An argument that stands for the value of another key.

    Parameters
    ----------
    key
        The key that is meant.

    Examples
    --------
    >>> Task("y", abs, TaskRef("x")).dependencies
    frozenset({'x'})
    """

    __slots__ = ("key",)
    key: Any

    def __init__(self, key: Any) -> None:
        self.key = key

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r})"

    def __hash__(self) -> int:
        return hash((TaskRef, self.key))

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is type(self) and other.key == self.key)

    def __reduce__(self) -> Any:
        return type(self), (self.key,)

    def __dask_tokenize__(self) -> Any:
        return "TaskRef", self.key

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> Any:
        """Return what `subs` puts in this reference's place: a reference or a node.

        Examples
        --------
        >>> TaskRef("a").substitute({"a": "b"})
        TaskRef('b')
        """
        if self.key not in subs:
            return self
        new = subs[self.key]
        if is_node(new):
            return new if new.key == self.key else new.substitute({}, key=self.key)
        return new if is_reference(new) else TaskRef(new)


class GraphNode:
    """The base of all task nodes: a key, and the keys that it depends on."""

    __slots__ = ("_dependencies", "key")
    key: Any
    _dependencies: frozenset[Any]

    def __init__(self) -> None:
        raise TypeError("GraphNode is abstract; use Task, Alias or DataNode")

    @property
    def dependencies(self) -> frozenset[Any]:
        """The keys whose values the node needs."""
        return self._dependencies

    @property
    def data_producer(self) -> bool:
        """Whether the node brings data into the graph rather than transforming it."""
        return False

    @property
    def block_fusion(self) -> bool:
        """Whether the node must stay as it is when chains are fused."""
        return False

    @property
    def is_coro(self) -> bool:
        """Whether calling the node gives a coroutine."""
        return False

    def ref(self) -> Alias:
        """Return a reference to this node, to use as an argument of another.

        Examples
        --------
        >>> Task("x", abs, -1).ref()
        Alias('x')
        """
        return Alias(self.key)

    def copy(self) -> Any:
        """Return a shallow copy."""
        new = object.__new__(type(self))
        for slot in self.get_all_slots():
            setattr(new, slot, getattr(self, slot))
        return new

    @classmethod
    def get_all_slots(cls) -> tuple[str, ...]:
        """Return the names of all attributes that instances hold, those of bases first."""
        return _slots_of(cls)

    def __reduce__(self) -> Any:
        values = tuple(getattr(self, slot) for slot in self.get_all_slots()[1:])
        return _restore, (type(self), *values)

    def _verify_values(self, values: Any) -> None:
        missing = [key for key in self._dependencies if key not in values]
        if missing:
            names = ", ".join(sorted(map(repr, missing)))
            raise RuntimeError(f"Not enough arguments provided: missing keys {{{names}}}")

    def __call__(self, values: Any = ()) -> Any:
        """Compute the node's value; `values` maps at least its dependencies to theirs."""
        raise NotImplementedError(type(self))

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> Any:
        """Return the node with dependencies replaced by other keys or by nodes."""
        raise NotImplementedError(type(self))

    @staticmethod
    def fuse(*tasks: Any, key: Any = None) -> Any:
        """Join `tasks` into one node, which computes the only one that no other of them uses.

        Raises
        ------
        ValueError
            If more than one of the tasks is not used by the others.

        Examples
        --------
        >>> double = Task("double", int.__mul__, TaskRef("x"), 2)
        >>> fused = GraphNode.fuse(double, Task("y", abs, double.ref()))
        >>> fused.key, sorted(fused.dependencies), fused({"x": -3})
        ('y', ['x'], 6)
        """
        return fuse(*tasks, key=key)


def _slots_of_class(cls: Any) -> tuple[str, ...]:
    slots: list[str] = []
    for base in reversed(cls.__mro__):
        own = base.__dict__.get("__slots__", ())
        slots.extend([own] if isinstance(own, str) else own)
    return tuple(slots)


_slots_of: Callable[[Any], tuple[str, ...]] = lru_cache(maxsize=1024)(_slots_of_class)


def _restore(cls: type, *values: Any) -> Any:
    new: Any = object.__new__(cls)
    for slot, value in zip(_slots_of(cls)[1:], values, strict=True):
        setattr(new, slot, value)
    new._dependencies = _dependencies_of_node(new)
    return new


def _dependencies_of_node(node: Any) -> frozenset[Any]:
    if isinstance(node, Task):
        return _dependencies_of_arguments(node.args, node.kwargs)
    if isinstance(node, Alias):
        return frozenset((node.target,))
    return _NO_DEPENDENCIES


def _dependencies_of_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> frozenset[Any]:
    found: set[Any] | None = None
    for arg in (*args, *kwargs.values()) if kwargs else args:
        kind = _kind(type(arg))
        if kind == _PLAIN:
            continue
        if found is None:
            found = set()
        if kind == _REFERENCE:
            found.add(arg.key)
        else:
            found.update(arg.dependencies)
    return frozenset(found) if found else _NO_DEPENDENCIES


def _get_dependencies(obj: object) -> Any:
    """Return the keys that an argument needs: those of a reference or node, else none."""
    return _dependencies_of_arguments((obj,), {})


def _value_of(arg: Any, values: Any) -> Any:
    kind = _kind(type(arg))
    if kind == _PLAIN:
        return arg
    return values[arg.key] if kind == _REFERENCE else arg(values)


def _substituted(arg: Any, subs: Mapping[Any, Any]) -> Any:
    return arg if _kind(type(arg)) == _PLAIN else arg.substitute(subs)


def same_value(left: Any, right: Any) -> bool:
    """Whether two arguments are equal, decided without their own ``==``, which may be an array.

    Examples
    --------
    >>> same_value([1], [1])
    True
    """
    if left is right:
        return True
    from oxidask.tokenize import tokenize

    return bool(tokenize(left) == tokenize(right))


class Alias(GraphNode):
    """A key that has the value of another one.

    Examples
    --------
    >>> Alias("b", "a")({"a": 1})
    1
    """

    __slots__ = ("target",)
    __hash__ = None  # type: ignore[assignment]
    target: Any

    def __init__(self, key: Any, target: Any = None) -> None:
        if _kind(type(key)) == _REFERENCE:
            key = key.key
        if target is None:
            target = key
        elif _kind(type(target)) != _PLAIN:
            target = getattr(target, "target", target.key)
        self.key = key
        self.target = target
        self._dependencies = frozenset((target,))

    def __call__(self, values: Any = ()) -> Any:
        self._verify_values(values)
        return values[self.target]

    def __repr__(self) -> str:
        if self.key == self.target:
            return f"Alias({self.key!r})"
        return f"Alias({self.key!r}->{self.target!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is Alias and (self.key, self.target) == (other.key, other.target)

    def __reduce__(self) -> Any:
        return Alias, (self.key, self.target)

    def __dask_tokenize__(self) -> Any:
        return "Alias", self.key, self.target

    def copy(self) -> Alias:
        """Return a copy."""
        return Alias(self.key, self.target)

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> Any:
        """Return the alias, or the node that `subs` puts in its place, under `key`."""
        new_key = self.key if key is None else key
        if self.target not in subs:
            return self if new_key == self.key else Alias(new_key, self.target)
        if key is None and self.key == self.target and not is_node(subs[self.target]):
            return Alias(subs[self.target])  # an argument: it has no key of its own
        new = subs[self.target]
        if is_node(new):
            return new.substitute({}, key=new_key)
        return Alias(new_key, new)


class DataNode(GraphNode):
    """A key that has a given value.

    Examples
    --------
    >>> DataNode("x", [1, 2])()
    [1, 2]
    """

    __slots__ = ("typ", "value")
    value: Any
    typ: type

    def __init__(self, key: Any, value: Any) -> None:
        self.key = key
        self.value = value
        self.typ = type(value)
        self._dependencies = _NO_DEPENDENCIES

    @property
    def data_producer(self) -> bool:
        """Always true."""
        return True

    def __call__(self, values: Any = ()) -> Any:
        return self.value

    def __repr__(self) -> str:
        return f"DataNode({self.value!r})"

    def __hash__(self) -> int:
        return hash((DataNode, self.typ))

    def __eq__(self, other: object) -> bool:
        return type(other) is DataNode and same_value(self.value, other.value)

    def __reduce__(self) -> Any:
        return DataNode, (self.key, self.value)

    def __sizeof__(self) -> int:
        from oxidask.sizeof import sizeof

        return object.__sizeof__(self) + int(sizeof(self.key) + sizeof(self.value))

    def __dask_tokenize__(self) -> Any:
        # The key of a literal is often made up, and must not reach the token of what uses it.
        return "DataNode", self.value

    def copy(self) -> DataNode:
        """Return a copy that shares the value."""
        return DataNode(self.key, self.value)

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> DataNode:
        """Return the node under `key`; there is nothing to replace in it."""
        return self if key is None or key == self.key else DataNode(key, self.value)


class Task(GraphNode):
    """A call of a function, some arguments of which are values of other keys.

    Parameters
    ----------
    key
        The key of the task in its graph; None for a task that is an argument of another.
    func
        What to call.
    *args, **kwargs
        The arguments: references and nodes are replaced by their values, all else is passed as
        it is.

    Examples
    --------
    >>> task = Task("y", pow, TaskRef("x"), 2)
    >>> task
    <Task 'y' pow(TaskRef('x'), 2)>
    >>> task({"x": 5})
    25
    >>> task.substitute({"x": "z"}).dependencies
    frozenset({'z'})
    """

    __slots__ = ("_data_producer", "args", "func", "kwargs")
    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    _data_producer: bool

    def __init__(
        self,
        key: Any,
        func: Callable[..., Any],
        /,
        *args: Any,
        _data_producer: bool = False,
        **kwargs: Any,
    ) -> None:
        self.key = key
        self.func = func
        self.args = args
        self.kwargs = kwargs
        self._data_producer = _data_producer
        self._dependencies = _dependencies_of_arguments(args, kwargs)

    @property
    def data_producer(self) -> bool:
        """Whether the task was declared to bring data into the graph."""
        return self._data_producer

    @property
    def is_coro(self) -> bool:
        """Whether the function is a coroutine function."""
        call = getattr(self.func, "__call__", None)  # noqa: B004
        return inspect.iscoroutinefunction(self.func) or inspect.iscoroutinefunction(call)

    def has_subgraph(self) -> bool:
        """Whether the task was fused from several.

        Examples
        --------
        >>> Task("x", abs, 1).has_subgraph()
        False
        """
        return self.func is _execute_subgraph

    def __call__(self, values: Any = ()) -> Any:
        if self._dependencies:
            self._verify_values(values)
        args = [_value_of(arg, values) for arg in self.args]
        if not self.kwargs:
            return self.func(*args)
        return self.func(*args, **{k: _value_of(v, values) for k, v in self.kwargs.items()})

    def __repr__(self) -> str:
        from oxidask.utils import funcname

        args = [repr(arg) for arg in self.args]
        args += [f"{name}={value!r}" for name, value in self.kwargs.items()]
        shown = ", ".join(args)
        # A long call hides the task that it is: beyond a line only the function is shown.
        return f"<Task {self.key!r} {funcname(self.func)}({shown if len(shown) < 80 else '...'})>"

    def __hash__(self) -> int:
        name = getattr(self.func, "__name__", "")
        return hash((type(self).__name__, name, len(self.args), self._dependencies))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or not isinstance(other, Task):
            return False
        if self._dependencies != other._dependencies or len(self.args) != len(other.args):
            return False
        if self.func is other.func and self.kwargs == other.kwargs == {}:
            return all(map(same_value, self.args, other.args))
        return same_value(self, other)

    def __sizeof__(self) -> int:
        from oxidask.sizeof import sizeof

        parts = (self.key, self.func, self.args, self.kwargs)
        return object.__sizeof__(self) + int(sum(map(sizeof, parts)))

    def __dask_tokenize__(self) -> Any:
        return type(self).__name__, self.func, self.args, self.kwargs

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> Any:
        """Return the task with dependencies replaced by other keys or by nodes, under `key`.

        The task itself is returned when nothing changes.
        """
        relevant = {k: subs[k] for k in self._dependencies if k in subs}
        relevant = {k: v for k, v in relevant.items() if is_node(v) or v != k}
        if not relevant and (key is None or key == self.key):
            return self
        new = self.copy()
        if key is not None:
            new.key = key
        if relevant:
            new.args = tuple(_substituted(arg, relevant) for arg in self.args)
            new.kwargs = {name: _substituted(v, relevant) for name, v in self.kwargs.items()}
            new._dependencies = _dependencies_of_arguments(new.args, new.kwargs)
        return new


# The modules below need the nodes defined above.
from oxidask._task_containers import (  # noqa: E402
    Dict,
    List,
    NestedContainer,
    Set,
    Tuple,
    parse_input,
)
from oxidask._task_graph import (  # noqa: E402
    DependenciesMapping,
    _execute_subgraph,
    convert_legacy_graph,
    convert_legacy_task,
    cull,
    execute_graph,
    fuse,
    fuse_linear_task_spec,
    resolve_aliases,
)
