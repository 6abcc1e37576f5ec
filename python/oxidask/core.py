"""Task graphs as plain dictionaries: what is a task, a key, a dependency; order, cycles, `get`.

A graph maps keys to tasks.  In the plain form a task is a tuple whose first item is callable, its
other items being literals, keys of the graph, lists of these, or further tasks; a graph may hold
nodes of :mod:`oxidask._task_spec` beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

from oxidask._task_spec import convert_legacy_task, is_node, is_reference
from oxidask.typing import Graph, Key, NoDefault, no_default

__all__ = [
    "flatten",
    "get",
    "get_dependencies",
    "get_deps",
    "getcycle",
    "has_tasks",
    "isdag",
    "ishashable",
    "iskey",
    "istask",
    "keys_in_tasks",
    "lists_to_tuples",
    "literal",
    "preorder_traversal",
    "quote",
    "reshapelist",
    "reverse_dict",
    "subs",
    "toposort",
    "validate_key",
]

T = TypeVar("T")


def istask(x: object) -> bool:
    """Whether `x` is a task: a tuple that starts with a callable.

    Examples
    --------
    >>> istask((abs, -1)), istask((1, 2)), istask(abs)
    (True, False, False)
    """
    return type(x) is tuple and bool(x) and callable(x[0])


def has_tasks(dsk: Graph, x: object) -> bool:
    """Whether `x` holds a task or a key of `dsk`, in lists however deep.

    Examples
    --------
    >>> has_tasks({"x": 1}, [[(abs, 1)]]), has_tasks({"x": 1}, ["x"]), has_tasks({"x": 1}, ["y"])
    (True, True, False)
    """
    work = [x]
    while work:
        item = work.pop()
        if istask(item) or is_node(item) or is_reference(item):
            return True
        if type(item) is list:
            work.extend(item)
        elif ishashable(item) and item in dsk:
            return True
    return False


def ishashable(x: object) -> bool:
    """Whether `x` can be hashed.

    Examples
    --------
    >>> ishashable((1, 2)), ishashable([1, 2])
    (True, False)
    """
    try:
        hash(x)
    except TypeError:
        return False
    return True


def iskey(key: object) -> bool:
    """Whether `key` may name a task: a str, an int, a float, or a tuple of keys.

    Examples
    --------
    >>> iskey(("x", 0)), iskey(["x", 0]), iskey(None)
    (True, False, False)
    """
    if type(key) is tuple:
        return all(map(iskey, key))
    return type(key) in (str, int, float)


def validate_key(key: object) -> None:
    """Raise TypeError when `key` may not name a task.

    Examples
    --------
    >>> validate_key(("x", 0))
    >>> validate_key(["x", 0])
    Traceback (most recent call last):
    ...
    TypeError: Unexpected key type <class 'list'> (key=['x', 0])
    """
    if iskey(key):
        return
    if type(key) is not tuple:
        raise TypeError(f"Unexpected key type {type(key)} (key={key!r})")
    index = next(i for i, part in enumerate(key) if not iskey(part))
    raise TypeError(f"Composite key contains unexpected key type at {index=} ({key=!r})")


def preorder_traversal(task: Any) -> Iterator[Any]:
    """Yield the functions and arguments of a task, outermost first; ``list`` stands for a list.

    Examples
    --------
    >>> list(preorder_traversal((max, (abs, -1), [2]))) == [max, abs, -1, list, 2]
    True
    """
    work = [task]
    while work:
        item = work.pop()
        if istask(item):
            yield item[0]
            work.extend(reversed(item[1:]))
        elif type(item) is list:
            yield list
            work.extend(reversed(item))
        else:
            yield item


def lists_to_tuples(res: Any, keys: Any) -> Any:
    """Return `res` with those lists made tuples that are lists in `keys`.

    Examples
    --------
    >>> lists_to_tuples([1, [2, 3]], ["x", ["y", "z"]])
    (1, (2, 3))
    """
    if not isinstance(keys, list):
        return res
    return tuple(map(lists_to_tuples, res, keys))


def reshapelist(shape: tuple[int, ...], seq: Iterable[Any]) -> Any:
    """Return the items of `seq` in nested lists of the given shape.

    Examples
    --------
    >>> reshapelist((2, 3), range(6))
    [[0, 1, 2], [3, 4, 5]]
    """
    items = list(seq)
    for size in reversed(shape[1:]):
        items = [items[i : i + size] for i in range(0, len(items), size)]
    return items


def flatten(seq: Any, container: Any = list) -> Iterator[Any]:
    """Yield the leaves of nested containers of one type; a string is a leaf.

    Parameters
    ----------
    seq
        The outermost container, of any iterable type.
    container
        The type, or tuple of types, to descend into.

    Examples
    --------
    >>> list(flatten([[1, 2], [[3], (4, 5)]]))
    [1, 2, 3, (4, 5)]
    """
    if isinstance(seq, str):
        yield seq
        return
    stack = [iter(seq)]
    while stack:
        for item in stack[-1]:
            if isinstance(item, container):
                stack.append(iter(item))
                break
            yield item
        else:
            stack.pop()


def reverse_dict(d: Mapping[T, Iterable[T]]) -> dict[T, set[T]]:
    """Turn keys to successors into keys to predecessors.

    Examples
    --------
    >>> reverse_dict({"y": ["x"], "x": []})
    {'y': set(), 'x': {'y'}}
    """
    result: dict[T, set[T]] = {key: set() for key in d}
    for key, successors in d.items():
        for successor in successors:
            result.setdefault(successor, set()).add(key)
    return result


def keys_in_tasks(keys: Collection[Key], tasks: Iterable[Any], as_list: bool = False) -> Any:
    """Return the members of `keys` that occur in `tasks`.

    Parameters
    ----------
    keys
        The keys to look for.
    tasks
        Tasks, keys, literals, and lists or dictionaries of them.
    as_list
        Whether to return a list with one entry for each occurrence instead of a set.

    Examples
    --------
    >>> keys_in_tasks({"x", "y"}, [(sum, ["x", "x"])], as_list=True)
    ['x', 'x']
    """
    found = []
    work = list(tasks)
    while work:
        item = work.pop()
        cls = type(item)
        if cls is tuple and item and callable(item[0]):
            work.extend(item[1:])
        elif cls is list:
            work.extend(item)
        elif cls is dict:
            work.extend(item.values())
        elif is_reference(item):
            if item.key in keys:
                found.append(item.key)
        elif is_node(item):
            found.extend(dep for dep in item.dependencies if dep in keys)
        else:
            try:
                if item in keys:
                    found.append(item)
            except TypeError:  # not hashable, so not a key
                pass
    return found if as_list else set(found)


def get_dependencies(
    dsk: Graph,
    key: Key | None = None,
    task: Any | NoDefault = no_default,
    as_list: bool = False,
) -> Any:
    """Return the keys of `dsk` that a task needs directly.

    Parameters
    ----------
    dsk
        The graph.
    key
        The key of the task; or else
    task
        the task itself.
    as_list
        Whether to return a list with one entry for each occurrence instead of a set.

    Examples
    --------
    >>> dsk = {"x": 1, "y": (abs, "x"), "z": (pow, "y", "x")}
    >>> sorted(get_dependencies(dsk, "z"))
    ['x', 'y']
    """
    if key is not None:
        task = dsk[key]
    elif task is no_default:
        raise ValueError("Provide either key or task")
    if is_node(task) and not as_list:
        return {dep for dep in task.dependencies if dep in dsk}
    return keys_in_tasks(dsk, [task], as_list=as_list)


def get_deps(dsk: Graph) -> tuple[dict[Key, set[Key]], dict[Key, set[Key]]]:
    """Return the direct dependencies and the direct dependents of every key.

    Examples
    --------
    >>> get_deps({"x": 1, "y": (abs, "x")})
    ({'x': set(), 'y': {'x'}}, {'x': {'y'}, 'y': set()})
    """
    dependencies = {key: get_dependencies(dsk, task=task) for key, task in dsk.items()}
    return dependencies, reverse_dict(dependencies)


def subs(task: Any, key: Any, val: Any) -> Any:
    """Return `task` with `val` in the place of `key`, in lists and nested tasks too.

    Only values of the key's own type are compared with it, so that arrays among the arguments
    are left alone.

    Examples
    --------
    >>> subs((pow, "x", ["x", "y"]), "x", 1) == (pow, 1, [1, "y"])
    True
    """
    cls = type(task)
    if cls is tuple and task and callable(task[0]):
        return (task[0], *(subs(arg, key, val) for arg in task[1:]))
    if cls is list:
        return [subs(item, key, val) for item in task]
    if cls is type(key) and task == key:
        return val
    return task


def _explore(roots: Iterable[Any], dependencies: Callable[[Any], Any]) -> Any:
    """Visit `roots` and all that they need, without recursion.

    Returns
    -------
    order, cycle
        The keys, dependencies first, and None; or the keys so far and the first cycle met, from
        a key back to itself.
    """
    order: list[Any] = []
    done: set[Any] = set()
    for root in roots:
        if root in done:
            continue
        path = [root]
        left = [iter(dependencies(root))]
        on_path = {root}
        while path:
            for dep in left[-1]:
                if dep in on_path:
                    return order, [*path[path.index(dep) :], dep]
                if dep not in done:
                    path.append(dep)
                    left.append(iter(dependencies(dep)))
                    on_path.add(dep)
                    break
            else:
                left.pop()
                key = path.pop()
                on_path.remove(key)
                done.add(key)
                order.append(key)
    return order, None


def _graph_dependencies(dsk: Graph) -> Callable[[Any], Any]:
    return lambda key: keys_in_tasks(dsk, [dsk[key]], as_list=True)


def toposort(dsk: Graph, dependencies: Mapping[Any, Any] | None = None) -> list[Key]:
    """Return the keys of `dsk`, each after all that it depends on.

    Raises
    ------
    RuntimeError
        If the graph has a cycle; the message shows it.

    Examples
    --------
    >>> toposort({"y": (abs, "x"), "x": 1})
    ['x', 'y']
    """
    lookup = _graph_dependencies(dsk) if dependencies is None else dependencies.__getitem__
    order, cycle = _explore(dsk, lookup)
    if cycle:
        raise RuntimeError(f"Cycle detected in Dask: {'->'.join(map(str, cycle))}")
    return order  # type: ignore[no-any-return]


def getcycle(d: Graph, keys: Any) -> list[Key]:
    """Return a cycle among what `keys` need, first key repeated at its end, or an empty list.

    Examples
    --------
    >>> getcycle({"x": (abs, "y"), "y": (abs, "x")}, ["x"])
    ['x', 'y', 'x']
    """
    roots = keys if isinstance(keys, (list, set, frozenset)) else [keys]
    dependencies = _graph_dependencies(d)
    cycle = _explore(flatten(list(roots)), dependencies)[1] or []
    # A short cycle tells more than a long one; looking from a few of its keys is enough.
    shorter = (_shortest_cycle(key, dependencies) for key in cycle[:8])
    return min([cycle, *shorter], key=len)


def _shortest_cycle(start: Any, dependencies: Callable[[Any], Any]) -> list[Any]:
    """Return the shortest cycle through `start`, which must be in one, by breadth-first search."""
    parents = {start: start}
    level = [start]
    while True:
        following = []
        for key in level:
            for dep in dependencies(key):
                if dep == start:
                    path = [start, key]
                    while path[-1] != start:
                        path.append(parents[path[-1]])
                    return path[::-1]
                if dep not in parents:
                    parents[dep] = key
                    following.append(dep)
        level = following


def isdag(d: Graph, keys: Any) -> bool:
    """Whether what `keys` need is free of cycles.

    Examples
    --------
    >>> isdag({"x": 1, "y": (abs, "x")}, ["y"])
    True
    """
    return not getcycle(d, keys)


def get(dsk: Graph, out: Any, cache: MutableMapping[Any, Any] | None = None) -> Any:
    """Compute keys of a graph in this thread: short, slow, and what other schedulers must equal.

    Parameters
    ----------
    dsk
        The graph.
    out
        A key, or keys in nested lists.
    cache
        Known values of keys; values computed are added to it.

    Returns
    -------
    object
        The value of the key; for lists, tuples of values nested alike.

    Examples
    --------
    >>> get({"x": 1, "y": (sum, ["x", 2])}, ["x", "y"])
    (1, 3)
    """
    if hasattr(dsk, "__dask_graph__"):
        dsk = dsk.__dask_graph__()
    if not isinstance(dsk, dict):
        dsk = dict(dsk)
    wanted = list(flatten(out)) if isinstance(out, list) else [out]
    cache = {} if cache is None else cache
    for key in wanted:
        if key not in dsk and key not in cache:
            raise KeyError(f"{key!r} is not a key in the graph")
    known = dsk.keys() | cache.keys() if cache else dsk
    nodes: dict[Any, Any] = {}

    def dependencies(key: Any) -> Any:
        if key in cache:
            return ()
        if key not in dsk:
            raise KeyError(f"{key!r} is needed but is not a key in the graph")
        nodes[key] = convert_legacy_task(key, dsk[key], known)
        return nodes[key].dependencies if is_node(nodes[key]) else ()

    order, cycle = _explore(wanted, dependencies)
    if cycle:
        listed = "".join(f"\n  -> {key}" for key in cycle)
        raise RuntimeError(f"Cycle detected between the following keys:{listed}")
    for key in order:
        if key not in cache:
            cache[key] = nodes[key](cache) if is_node(nodes[key]) else nodes[key]
    return _values_like(out, cache)


def _values_like(out: Any, values: Mapping[Any, Any]) -> Any:
    if isinstance(out, list):
        return tuple(_values_like(key, values) for key in out)
    return values[out]


class literal:
    """A task that returns what it holds, so that the value is not taken for a task or key.

    Examples
    --------
    >>> literal((abs, 1))() == (abs, 1)
    True
    """

    __slots__ = ("data",)

    def __init__(self, data: Any) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"literal<type={type(self.data).__name__}>"

    def __reduce__(self) -> Any:
        return literal, (self.data,)

    def __call__(self) -> Any:
        """Return the value."""
        return self.data


def quote(x: Any) -> Any:
    """Return what stands for `x` itself in a graph.

    Examples
    --------
    >>> get({"x": quote([1, (abs, -1)])}, "x") == [1, (abs, -1)]
    True
    """
    if istask(x) or type(x) in (list, dict):
        return (literal(x),)
    return x
