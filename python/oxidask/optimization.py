"""Optimisations of plain graphs: cull, inline, and fuse into bigger tasks.

Everything here takes time linear in tasks plus edges.  Nodes of :mod:`oxidask._task_spec` among the
plain tasks are left as they are; :func:`oxidask._task_spec.fuse_linear_task_spec` fuses those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from math import log
from typing import Any

from oxidask._fuse_reductions import MAX_NESTING, FuseLimits, fuse_reductions, substitute
from oxidask._fused_keys import default_fused_keys_renamer, default_fused_linear_keys_renamer
from oxidask._task_spec import is_node
from oxidask.core import (
    flatten,
    get_dependencies,
    ishashable,
    istask,
    keys_in_tasks,
    reverse_dict,
    toposort,
)
from oxidask.typing import Graph, Key

__all__ = [
    "SubgraphCallable",
    "cull",
    "default_fused_keys_renamer",
    "default_fused_linear_keys_renamer",
    "functions_of",
    "fuse",
    "fuse_linear",
    "inline",
    "inline_functions",
    "unwrap_partial",
]


class Default(Enum):
    """The type of an option that was not given and is read from the configuration."""

    token = 0

    def __repr__(self) -> str:
        return "<default>"


_default = Default.token


def _key_set(keys: Any) -> set[Any]:
    """Return `keys`, one key or several, as a set."""
    if keys is None:
        return set()
    if isinstance(keys, (set, frozenset)):
        return set(keys)
    return set(flatten(keys)) if isinstance(keys, list) else {keys}


def _listed(dsk: Graph, dependencies: Mapping[Any, Iterable[Any]] | None) -> dict[Any, list[Any]]:
    """Return keys to lists of dependencies, an entry for each use.

    A set tells that a key is used but not how often, so such entries are counted anew.
    """
    if dependencies is None:
        return {key: get_dependencies(dsk, task=task, as_list=True) for key, task in dsk.items()}
    return {
        key: list(deps)
        if isinstance(deps := dependencies.get(key, ()), list)
        else get_dependencies(dsk, task=task, as_list=True)
        for key, task in dsk.items()
    }


def cull(dsk: Graph, keys: Any) -> tuple[dict[Any, Any], dict[Any, list[Any]]]:
    """Return the part of a graph that `keys` need.

    Parameters
    ----------
    dsk
        The graph.
    keys
        A key, or keys in nested lists.

    Returns
    -------
    dsk, dependencies
        The smaller graph, and the direct dependencies of its keys as lists, an entry for each use.

    Examples
    --------
    >>> cull({"x": 1, "y": (abs, "x"), "z": 2}, "y")[1]
    {'y': ['x'], 'x': []}
    """
    work = list(dict.fromkeys(flatten(keys) if isinstance(keys, (list, set)) else [keys]))
    seen = set(work)
    culled = {}
    dependencies = {}
    while work:
        key = work.pop()
        task = dsk[key]
        culled[key] = task
        dependencies[key] = get_dependencies(dsk, task=task, as_list=True)
        for dep in dependencies[key]:
            if dep not in seen:
                seen.add(dep)
                work.append(dep)
    return culled, dependencies


def fuse_linear(
    dsk: Graph,
    keys: Any = None,
    dependencies: Mapping[Any, Any] | None = None,
    rename_keys: bool | Callable[[list[Key]], Any] = True,
) -> tuple[dict[Any, Any], dict[Any, set[Any]]]:
    """Fuse chains of tasks, each the only input and the only user of its neighbour.

    Parameters
    ----------
    dsk
        The graph.
    keys
        Keys that must remain in it.
    dependencies
        The direct dependencies of each key, if known.
    rename_keys
        Whether fused tasks get keys made of those of their parts, an alias remaining under the
        old one; or a function that makes the key.

    Returns
    -------
    dsk, dependencies

    Examples
    --------
    >>> fuse_linear({"a": 1, "b": (abs, "a")}, rename_keys=False)[0] == {"b": (abs, 1)}
    True
    """
    keep = _key_set(keys)
    deps = _listed(dsk, dependencies)
    n_uses = Counter(dep for inputs in deps.values() for dep in inputs)
    rename = default_fused_linear_keys_renamer if rename_keys is True else rename_keys

    def before(key: Any) -> list[Any]:
        """Return the task that is to be fused into `key`, if there is one."""
        inputs = set(deps[key])
        if len(inputs) != 1 or is_node(dsk[key]):
            return []
        (dep,) = inputs
        alone = n_uses[dep] == 1 and dep not in keep and not is_node(dsk[dep])
        return [dep] if alone and dep != key else []

    inputs_of = {key: before(key) for key in dsk}
    _cut_long_chains(inputs_of)
    absorbed = {dep for inputs in inputs_of.values() for dep in inputs}
    fused: dict[Any, Any] = {}
    new_names: dict[Any, Any] = {}
    for key in dsk:
        if key in absorbed:
            continue
        chain = [key]
        while inputs_of[chain[-1]]:
            chain.extend(inputs_of[chain[-1]])
        task = dsk[chain[-1]]
        for child, parent in zip(reversed(chain), reversed(chain[:-1]), strict=False):
            task = substitute(dsk[parent], {child: task})
        fused[key] = task
        if len(chain) > 1 and rename:
            new = rename(chain)
            if new is not None and new != key and new not in dsk and new not in fused:
                new_names[key] = new
    kept_aliases = set(new_names) if keys is None else keep
    fused = _renamed(fused, new_names, kept_aliases)
    return fused, {key: get_dependencies(fused, task=task) for key, task in fused.items()}


def _cut_long_chains(inputs_of: dict[Any, list[Any]]) -> None:
    """Remove links so that no chain is longer than tasks may be nested."""
    user_of = {inputs[0]: key for key, inputs in inputs_of.items() if inputs}
    for key in [key for key, inputs in inputs_of.items() if not inputs]:
        length = 1
        while key in user_of:
            key = user_of[key]
            length += 1
            if length > MAX_NESTING:
                inputs_of[key] = []
                length = 1


def _renamed(
    dsk: dict[Any, Any], new_names: Mapping[Any, Any], kept_aliases: set[Any]
) -> dict[Any, Any]:
    """Return `dsk` with tasks under new names and used by them; some old names become aliases."""
    if not new_names:
        return dsk
    result = {}
    for key, task in dsk.items():
        new_task = task if is_node(task) else substitute(task, new_names)
        if key in new_names:
            result[new_names[key]] = new_task
            if key in kept_aliases:
                result[key] = new_names[key]
        else:
            result[key] = new_task
    return result


def inline(
    dsk: Graph,
    keys: Any = None,
    inline_constants: bool = True,
    dependencies: Mapping[Any, Any] | None = None,
) -> dict[Any, Any]:
    """Put the tasks of some keys in the place of their uses.

    Parameters
    ----------
    dsk
        The graph; its keys all remain.
    keys
        The keys to put in place.
    inline_constants
        Whether literals, and aliases of them, are put in place too.
    dependencies
        The direct dependencies of each key, if known.

    Examples
    --------
    >>> inline({"x": 1, "y": (abs, "x"), "z": (abs, "y")}, "y") == {
    ...     "x": 1, "y": (abs, 1), "z": (abs, (abs, 1))}
    True
    """
    chosen = _key_set(keys)
    if dependencies is None:
        dependencies = {key: get_dependencies(dsk, task=task) for key, task in dsk.items()}
    if inline_constants:
        chosen |= {k for k, v in dsk.items() if not is_node(v) and _is_constant(dsk, v)}
    chosen = {key for key in chosen if not is_node(dsk[key])}
    replacements: dict[Any, Any] = {}
    for key in toposort(dsk, dependencies={k: dependencies.get(k, ()) for k in dsk}):
        if key in chosen:
            replacements[key] = _inlined(dsk[key], dependencies.get(key, ()), replacements)
    return {
        key: replacements[key]
        if key in chosen
        else _inlined(task, dependencies.get(key, ()), replacements)
        for key, task in dsk.items()
    }


def _is_constant(dsk: Graph, value: Any) -> bool:
    if ishashable(value) and value in dsk:
        return True
    return not istask(value) and not keys_in_tasks(dsk, [value])


def _inlined(task: Any, dependencies: Iterable[Any], replacements: Mapping[Any, Any]) -> Any:
    if is_node(task) or not any(dep in replacements for dep in dependencies):
        return task
    return substitute(task, replacements)


def inline_functions(
    dsk: Graph,
    output: Any,
    fast_functions: Collection[Callable[..., Any]] | None = None,
    inline_constants: bool = False,
    dependencies: Mapping[Any, Any] | None = None,
) -> dict[Any, Any]:
    """Put tasks that only call cheap functions in the place of their uses.

    Parameters
    ----------
    dsk
        The graph.
    output
        Keys that must remain in it.
    fast_functions
        The cheap functions.
    inline_constants, dependencies
        See :func:`inline`.

    Examples
    --------
    >>> dsk = {"x": 1, "y": (abs, "x"), "z": (max, "y", 2)}
    >>> inline_functions(dsk, ["z"], [abs]) == {"x": 1, "z": (max, (abs, "x"), 2)}
    True
    """
    if not fast_functions:
        return dict(dsk)
    keep = _key_set(output)
    fast = set(fast_functions)
    if dependencies is None:
        dependencies = {key: get_dependencies(dsk, task=task) for key, task in dsk.items()}
    users = reverse_dict(dependencies)

    def is_cheap(key: Any, task: Any) -> bool:
        if not istask(task) or key in keep or not users.get(key):
            return False
        # A node cannot hold a plain task, so one that is used by a node stays.
        if any(user in dsk and is_node(dsk[user]) for user in users[key]):
            return False
        try:
            return functions_of(task) <= fast
        except TypeError:  # a callable that cannot be hashed
            return False

    cheap = {key for key, task in dsk.items() if is_cheap(key, task)}
    if not cheap:
        return dict(dsk)
    result = inline(dsk, cheap, inline_constants=inline_constants, dependencies=dependencies)
    return {key: task for key, task in result.items() if key not in cheap}


def unwrap_partial(func: Any) -> Any:
    """Return the function under partial applications.

    Examples
    --------
    >>> from functools import partial
    >>> unwrap_partial(partial(pow, 2)) is pow
    True
    """
    while hasattr(func, "func"):
        func = func.func
    return func


def functions_of(task: Any) -> set[Any]:
    """Return the functions that a task calls, partial applications unwrapped.

    Examples
    --------
    >>> functions_of((max, (abs, 1), [(min, 1, 2)])) == {max, abs, min}
    True
    """
    found = set()
    work = [task]
    while work:
        item = work.pop()
        if istask(item):
            found.add(unwrap_partial(item[0]))
            work.extend(item[1:])
        elif type(item) is list:
            work.extend(item)
    return found


def fuse(
    dsk: Graph,
    keys: Any = None,
    dependencies: Mapping[Any, Any] | None = None,
    ave_width: Any = _default,
    max_width: Any = _default,
    max_height: Any = _default,
    max_depth_new_edges: Any = _default,
    rename_keys: Any = _default,
) -> tuple[Mapping[Any, Any], Mapping[Any, Any]]:
    """Fuse tasks that form reductions, trading parallelism for fewer tasks.

    Parameters
    ----------
    dsk
        The graph.
    keys
        Keys that must remain in it.
    dependencies
        The direct dependencies of each key, if known; lists with an entry for each use.
    ave_width
        How wide a fused reduction may be on average; at 1 only chains are fused.
    max_width, max_height
        How wide and how high it may be at most.
    max_depth_new_edges
        Up to which height fusing may add dependencies to the task that remains.
    rename_keys
        Whether fused tasks get keys made of those of their parts; or a function that makes them.

    Options that are not given are read from ``optimization.fuse`` in the configuration.

    Returns
    -------
    dsk, dependencies

    Examples
    --------
    >>> dsk = {"a": 1, "b": (abs, "a"), "c": (abs, "b")}
    >>> fuse(dsk, rename_keys=False)[0] == {"c": (abs, (abs, 1))}
    True
    """
    from oxidask import config

    # Unless told otherwise the optimisation runs, also where no configuration file says so.
    if config.get("optimization.fuse.active", True) is False:
        return dsk, dependencies if dependencies is not None else {}

    def option(given: Any, name: str, fallback: Any) -> Any:
        if given is not _default:
            return given
        configured = config.get(f"optimization.fuse.{name}", fallback)
        return fallback if configured is None else configured

    width = option(ave_width, "ave-width", 1)
    limits = FuseLimits(
        ave_width=width,
        max_width=option(max_width, "max-width", 1.5 + width * log(width + 1)),
        max_height=option(max_height, "max-height", float("inf")),
        max_depth_new_edges=option(max_depth_new_edges, "max-depth-new-edges", width * 1.5),
    )
    if not limits.ave_width or not limits.max_height:
        return dsk, dependencies if dependencies is not None else {}
    rename = option(rename_keys, "rename-keys", True)
    renamer = default_fused_keys_renamer if rename is True else rename or None
    return fuse_reductions(dsk, _key_set(keys), _listed(dsk, dependencies), limits, renamer)


class SubgraphCallable:
    """A function that runs a graph: the inputs are values of keys, the output that of a key.

    Parameters
    ----------
    dsk
        The graph.
    outkey
        The key whose value is returned.
    inkeys
        The keys that the arguments are values of, in order.
    name
        A name for the function; two with the same name, keys and graph are equal.

    Examples
    --------
    >>> SubgraphCallable({"y": (max, "a", "b")}, "y", ["a", "b"])(1, 2)
    2
    """

    __slots__ = ("dsk", "inkeys", "name", "outkey")
    dsk: Any
    outkey: Any
    inkeys: tuple[Any, ...]
    name: str

    def __init__(
        self, dsk: Graph, outkey: Key, inkeys: Iterable[Key], name: str | None = None
    ) -> None:
        self.dsk = dsk
        self.outkey = outkey
        self.inkeys = tuple(inkeys)
        if name is None:
            from oxidask.tokenize import tokenize

            name = f"subgraph_callable-{tokenize(dsk, outkey, self.inkeys)}"
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and isinstance(other, SubgraphCallable)
            and (self.name, self.outkey, self.inkeys) == (other.name, other.outkey, other.inkeys)
        )

    def __hash__(self) -> int:
        return hash((self.name, self.outkey, self.inkeys))

    def __call__(self, *args: Any) -> Any:
        """Return the value of the output key for these values of the input keys."""
        if len(args) != len(self.inkeys):
            raise ValueError(f"Expected {len(self.inkeys)} arguments, got {len(args)}")
        from oxidask.core import get

        return get(self.dsk, self.outkey, dict(zip(self.inkeys, args, strict=True)))

    def __reduce__(self) -> Any:
        return SubgraphCallable, (self.dsk, self.outkey, self.inkeys, self.name)
