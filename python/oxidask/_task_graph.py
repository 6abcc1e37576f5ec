"""Functions on whole graphs of task nodes: conversion, execution, fusion, culling.

All of them take the number of tasks plus edges, and none of them recurses along the graph.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from oxidask._task_containers import container_node, parse_input
from oxidask._task_spec import Alias, DataNode, Task, TaskRef, is_node, is_reference

__all__ = [
    "DependenciesMapping",
    "convert_legacy_graph",
    "convert_legacy_task",
    "cull",
    "execute_graph",
    "fuse",
    "fuse_linear_task_spec",
    "resolve_aliases",
]

_KEY_TYPES = (str, int, float, tuple)


def convert_legacy_task(key: Any, task: Any, all_keys: Container[Any]) -> Any:
    """Return the node that a value of a legacy graph means.

    Parameters
    ----------
    key
        Where the value stands in its graph; None for an argument of another task.
    task
        The value: a tuple that starts with a callable, a key, a list, a node or a literal.
    all_keys
        The keys of the graph; only these are taken as references.

    Returns
    -------
    GraphNode or object
        A literal comes back as it is.

    Examples
    --------
    >>> convert_legacy_task("y", (sum, ["x", 1]), {"x", "y"})({"x": 2})
    3
    >>> convert_legacy_task("y", [1, 2], {"x", "y"})
    [1, 2]
    """
    if is_node(task):
        return task
    cls = type(task)
    if cls is tuple and task and callable(task[0]):
        args = [convert_legacy_task(None, arg, all_keys) for arg in task[1:]]
        return Task(key, task[0], *args)
    if is_reference(task):
        return task if key is None else Alias(key, task.key)
    if isinstance(task, _KEY_TYPES) and cls is not bool and _is_in(task, all_keys):
        return TaskRef(task) if key is None else Alias(key, task)
    if cls in (list, tuple, set, frozenset):
        items = [convert_legacy_task(None, item, all_keys) for item in task]
        if any(is_node(item) or is_reference(item) for item in items):
            return container_node(cls, items, key)
        return task
    # Keys inside dictionaries and named tuples were never looked for; explicit references are.
    parsed = parse_input(task)
    return parsed if parsed is task else parsed.substitute({}, key=key)


def _is_in(key: Any, keys: Container[Any]) -> bool:
    try:
        return key in keys
    except TypeError:
        return False


def convert_legacy_graph(
    dsk: Mapping[Any, Any], all_keys: Container[Any] | None = None
) -> dict[Any, Any]:
    """Return `dsk` with every value turned into a node; nodes stay the objects that they are.

    A key that only stands for itself (say, a persisted one) is left out.

    Examples
    --------
    >>> convert_legacy_graph({"x": 1, "y": "x", "z": (abs, "y")})
    {'x': DataNode(1), 'y': Alias('y'->'x'), 'z': <Task 'z' abs(TaskRef('y'))>}
    """
    all_keys = dsk.keys() if all_keys is None else all_keys
    converted: dict[Any, Any] = {}
    for key, value in dsk.items():
        node = convert_legacy_task(key, value, all_keys)
        if not is_node(node):
            node = DataNode(key, node)
        elif getattr(node, "target", _NOTHING) == key:
            continue
        elif node.key != key:
            node = node.substitute({}, key=key)
        converted[key] = node
    return converted


_NOTHING = object()


class DependenciesMapping(MutableMapping[Any, Any]):
    """Keys to the sets of keys they depend on, read from a graph of nodes when asked.

    Deleting a key removes it from the graph's keys and from the dependencies of all others; the
    graph itself stays as it was.

    Examples
    --------
    >>> dict(DependenciesMapping({"y": Task("y", abs, TaskRef("x"))}))
    {'y': {'x'}}
    """

    def __init__(self, dsk: Mapping[Any, Any]) -> None:
        self._dsk = dsk
        self._removed: set[Any] = set()
        self._replaced: dict[Any, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        if key in self._replaced:
            return self._replaced[key]
        if key in self._removed:
            raise KeyError(key)
        node = self._dsk[key]
        if not is_node(node):
            from oxidask.core import get_dependencies

            return get_dependencies(self._dsk, task=node)
        return set(node.dependencies) - self._removed

    def __setitem__(self, key: Any, value: Any) -> None:
        self._replaced[key] = value

    def __delitem__(self, key: Any) -> None:
        self._replaced.pop(key, None)
        self._removed.add(key)

    def __iter__(self) -> Iterator[Any]:
        return (key for key in self._dsk if key not in self._removed)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def cull(dsk: Mapping[Any, Any], keys: Iterable[Any]) -> dict[Any, Any]:
    """Return the part of a graph of nodes that `keys` need.

    Examples
    --------
    >>> dsk = {"x": DataNode("x", 1), "y": Task("y", abs, TaskRef("x")), "z": DataNode("z", 2)}
    >>> list(cull(dsk, ["y"]))
    ['y', 'x']
    """
    work = list(keys)
    seen = set(work)
    culled = {}
    while work:
        key = work.pop()
        node = dsk.get(key)
        if node is None:
            continue
        culled[key] = node
        for dep in node.dependencies:
            if dep not in seen:
                seen.add(dep)
                work.append(dep)
    return culled


def resolve_aliases(
    dsk: Mapping[Any, Any], keys: Container[Any], dependents: Mapping[Any, Any]
) -> dict[Any, Any]:
    """Return the graph that `keys` need, with aliases replaced by the tasks they stand for.

    A task takes the place of its alias where the alias is all that uses it and its own key is not
    among `keys`.

    Examples
    --------
    >>> dsk = {"y": Alias("y", "x"), "x": Task("x", abs, 1)}
    >>> resolve_aliases(dsk, {"y"}, {"x": {"y"}, "y": set()})
    {'y': <Task 'y' abs(1)>}
    """
    if not isinstance(keys, Iterable):
        raise TypeError(f"keys must be a set of keys, got {keys!r}")
    work = [key for key in keys if key in dsk]
    seen = set(work)
    resolved = {}
    while work:
        key = work.pop()
        node = dsk[key]
        passed = {key}
        while _is_alias(node):
            target = node.target
            if target in keys or target not in dsk or target in passed:
                break
            if len(dependents.get(target, ())) != 1:
                break
            passed.add(target)
            node = dsk[target]
        if node.key != key:
            node = node.copy()
            node.key = key
        resolved[key] = node
        for dep in node.dependencies:
            if dep in dsk and dep not in seen:
                seen.add(dep)
                work.append(dep)
    return resolved


def _is_alias(node: Any) -> bool:
    return isinstance(node, Alias) or (is_node(node) and type(node).__name__ == "Alias")


def fuse_linear_task_spec(dsk: Mapping[Any, Any], keys: Iterable[Any]) -> dict[Any, Any]:
    """Fuse chains of tasks, each the only input and the only user of its neighbour.

    A fused task gets a key made of those of its parts; an alias remains under the last of them,
    for :func:`resolve_aliases` to remove where nothing else needs it.

    Parameters
    ----------
    dsk
        A graph of nodes.
    keys
        Keys that must remain: a chain may end in one, not pass through it.

    Examples
    --------
    >>> dsk = {"x": Task("x", abs, -1), "y": Task("y", str, TaskRef("x"))}
    >>> fused = fuse_linear_task_spec(dsk, {"y"})
    >>> list(fused), fused["y"]
    (['x-y', 'y'], Alias('y'->'x-y'))
    """
    from oxidask._fused_keys import default_fused_keys_renamer

    keep = set(keys)
    dependents: dict[Any, list[Any]] = {}
    for key, node in dsk.items():
        for dep in node.dependencies:
            dependents.setdefault(dep, []).append(key)

    def fusible(key: Any) -> bool:
        node = dsk[key]
        return not (_is_alias(node) or node.block_fusion or len(node.dependencies) > 1)

    def successor(key: Any) -> Any:
        users = dependents.get(key, ())
        if key in keep or len(users) != 1 or not fusible(users[0]):
            return _NOTHING
        return users[0]

    fused: dict[Any, Any] = {}
    done: set[Any] = set()
    for key in dsk:
        if key in done:
            continue
        if not fusible(key):
            fused[key] = dsk[key]
            continue
        chain = _chain_through(key, dsk, fusible, successor)
        done.update(chain)
        new_key = default_fused_keys_renamer(chain) if len(chain) > 1 else None
        if new_key is None:
            fused.update((k, dsk[k]) for k in chain)
            continue
        fused[new_key] = fuse(*(dsk[k] for k in chain), key=new_key)
        if new_key != chain[-1]:
            fused[chain[-1]] = Alias(chain[-1], new_key)
    return fused


def _chain_through(key: Any, dsk: Mapping[Any, Any], fusible: Any, successor: Any) -> list[Any]:
    """Return the chain that `key` belongs to, from its first task to its last."""
    first = key
    passed = {key}
    while dsk[first].dependencies:
        (before,) = dsk[first].dependencies
        if before not in dsk or before in passed or not fusible(before):
            break
        if successor(before) is _NOTHING:
            break
        passed.add(before)
        first = before
    chain = [first]
    members = {first}
    while (after := successor(chain[-1])) is not _NOTHING and after not in members:
        chain.append(after)
        members.add(after)
    return chain


def fuse(*tasks: Any, key: Any = None) -> Any:
    """Join `tasks` into one node; see :meth:`GraphNode.fuse`.

    Examples
    --------
    >>> fuse(Task("x", abs, -1), Task("y", str, TaskRef("x")))()
    '1'
    """
    if len(tasks) == 1:
        return tasks[0].substitute({}, key=key)
    inner = {task.key: task for task in tasks}
    needed = dict.fromkeys(dep for task in tasks for dep in task.dependencies)
    outputs = [k for k in inner if k not in needed]
    if len(outputs) != 1:
        raise ValueError(f"Cannot fuse tasks with multiple outputs {outputs!r}")
    external = tuple(dep for dep in needed if dep not in inner)
    return Task(
        outputs[0] if key is None else key,
        _execute_subgraph,
        inner,
        outputs[0],
        external,
        *map(TaskRef, external),
        _data_producer=any(task.data_producer for task in tasks),
    )


def _execute_subgraph(inner: Any, output: Any, inputs: tuple[Any, ...], *values: Any) -> Any:
    """Run the tasks of a fused one: what :func:`fuse` makes it call.

    Examples
    --------
    >>> _execute_subgraph({"y": Task("y", abs, TaskRef("x"))}, "y", ("x",), -1)
    1
    """
    cache = dict(zip(inputs, values, strict=True))
    # The values would otherwise stay alive for the whole call.
    del values
    return execute_graph(inner, cache=cache, keys=(output,))[output]


def execute_graph(
    dsk: Iterable[Any] | Mapping[Any, Any],
    cache: MutableMapping[Any, Any] | None = None,
    keys: Iterable[Any] | None = None,
) -> MutableMapping[Any, Any]:
    """Run a graph of nodes in this thread, one after the other.

    Parameters
    ----------
    dsk
        The nodes, in any order.
    cache
        Values of keys that are not in the graph.
    keys
        The keys wanted.  Without it every value is kept; with it values are dropped as soon as
        nothing needs them.

    Returns
    -------
    MutableMapping
        `cache` with the values in it.

    Examples
    --------
    >>> x = Task("x", abs, -1)
    >>> execute_graph([x, Task("y", str, x.ref())], keys=["y"])
    {'y': '1'}
    """
    nodes = dsk if isinstance(dsk, Mapping) else {node.key: node for node in dsk}
    cache = {} if cache is None else cache
    uses: dict[Any, int] = {}
    for node in nodes.values():
        for dep in node.dependencies:
            uses[dep] = uses.get(dep, 0) + 1
    wanted = None if keys is None else set(keys)
    for key in _execution_order(nodes):
        node = nodes[key]
        if key not in cache:
            cache[key] = node(cache)
        if wanted is None:
            continue
        for dep in node.dependencies:
            uses[dep] -= 1
            if not uses[dep] and dep not in wanted:
                del cache[dep]
        if not uses.get(key) and key not in wanted:
            del cache[key]
    return cache


def _execution_order(nodes: Mapping[Any, Any]) -> Iterator[Any]:
    """Yield the keys of `nodes`, dependencies first, without recursion."""
    done: set[Any] = set()
    entered: set[Any] = set()
    for root in nodes:
        stack = [root]
        while stack:
            key = stack[-1]
            if key in done:
                stack.pop()
                continue
            waiting = [d for d in nodes[key].dependencies if d in nodes and d not in done]
            if not waiting:
                done.add(key)
                stack.pop()
                yield key
            elif key in entered:
                raise RuntimeError(f"Cycle detected in the graph of fused tasks, at {key!r}")
            else:
                entered.add(key)
                stack.extend(waiting)
