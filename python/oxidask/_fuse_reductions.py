"""Fusing tree-shaped parts of a plain graph into single tasks.

A task can be absorbed by the one that uses it when nothing else does.  Such tasks form trees; going
from the leaves up, a task absorbs all of its absorbable inputs or none of them, depending on how
wide, how high and how parallel the absorbed tree would be (:class:`FuseLimits`).  The heuristic's
parameters are those of Dask's ``optimization.fuse`` configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Number
from typing import Any

from oxidask._task_spec import is_node
from oxidask.core import reverse_dict, toposort

__all__ = ["MAX_NESTING", "FuseLimits", "fuse_reductions", "substitute"]

MAX_NESTING = 200
"""How deep tasks are nested at most: what runs or pickles them goes down recursively."""

# Beyond this, a tree that was not absorbed is measured afresh: to carry the inputs of all that is
# below it up to every task would take more than linear time.
_MAX_BORDER = 100
# Tasks, keys and scalars.  Other values (arrays, say) are better serialised once, on their own.
_INLINE_TYPES = (tuple, str, Number)


@dataclass(frozen=True)
class FuseLimits:
    """What a fused tree may measure at most."""

    ave_width: float
    max_width: float
    max_height: float
    max_depth_new_edges: float


@dataclass
class _Tree:
    """A task with what it has absorbed so far.

    The measures are those of the whole tree, absorbed or not: a tree that has grown too big does
    not start to grow again higher up.
    """

    task: Any
    keys: list[Any]
    depth: int = 1
    height: int = 1
    width: int = 1
    n_tasks: int = 1
    # Tasks on the border whose inputs differ could have run in parallel: they count as well.
    border: float = 0
    inputs: set[Any] = field(default_factory=set)
    border_inputs: set[Any] = field(default_factory=set)


def substitute(task: Any, replacements: Mapping[Any, Any]) -> Any:
    """Return a plain task with keys replaced, all in one walk.

    Examples
    --------
    >>> substitute((max, "x", ["y"]), {"x": 1, "y": (abs, 2)}) == (max, 1, [(abs, 2)])
    True
    """
    cls = type(task)
    if cls is tuple and task and callable(task[0]):
        return (task[0], *(substitute(arg, replacements) for arg in task[1:]))
    if cls is list:
        return [substitute(item, replacements) for item in task]
    if cls in (str, int, float, tuple):
        try:
            return replacements.get(task, task)
        except TypeError:  # a tuple that cannot be hashed, so not a key
            return task
    return task


def fuse_reductions(
    dsk: Mapping[Any, Any],
    keep: set[Any],
    dependencies: Mapping[Any, list[Any]],
    limits: FuseLimits,
    rename: Callable[[list[Any]], Any] | None,
) -> tuple[dict[Any, Any], dict[Any, set[Any]]]:
    """Return the graph with trees fused, and its dependencies.

    Parameters
    ----------
    dsk
        The graph.
    keep
        Keys that must remain.
    dependencies
        Keys to what they need, an entry for each use.
    limits
        What a fused tree may measure.
    rename
        Makes the key of a fused task from the keys of its parts, the last being the visible one;
        None to leave it under that one.
    """
    absorbable = _absorbable_keys(dsk, keep, dependencies)
    trees: dict[Any, _Tree] = {}
    for key in toposort(dsk, dependencies=dependencies):
        inputs = {dep for dep in dependencies[key] if dep in dsk}
        # Sorted by the order of use, so that the result does not depend on hashes.
        children = [dep for dep in dict.fromkeys(dependencies[key]) if dep in absorbable]
        tree = _absorb(key, dsk[key], inputs, [(c, trees[c]) for c in children], limits)
        if len(tree.keys) > 1:
            for child in children:
                del trees[child]
        trees[key] = tree
    return _assembled(dsk, trees, rename)


def _absorbable_keys(
    dsk: Mapping[Any, Any], keep: set[Any], dependencies: Mapping[Any, list[Any]]
) -> set[Any]:
    n_uses: dict[Any, int] = {}
    for deps in dependencies.values():
        for dep in deps:
            n_uses[dep] = n_uses.get(dep, 0) + 1
    users = reverse_dict(dependencies)
    return {
        key
        for key, task in dsk.items()
        if n_uses.get(key) == 1
        and key not in keep
        and isinstance(task, _INLINE_TYPES)
        and not any(is_node(dsk[user]) for user in users[key])
    }


def _absorb(
    key: Any,
    task: Any,
    inputs: set[Any],
    children: list[tuple[Any, _Tree]],
    limits: FuseLimits,
) -> _Tree:
    if not children:
        return _Tree(task, [key], inputs=inputs, border_inputs=inputs)
    height = max(child.height for _, child in children)
    width = sum(child.width for _, child in children)
    n_tasks = sum(child.n_tasks for _, child in children)
    child_inputs: set[Any] = set().union(*(child.border_inputs for _, child in children))
    most_inputs = max(len(child.border_inputs) for _, child in children)
    border = sum(child.border for _, child in children)
    border += min(len(children) - 1, max(0, len(child_inputs) - most_inputs))
    other_inputs = inputs - {child_key for child_key, _ in children}
    adds_inputs = not other_inputs <= child_inputs
    # Bounded, so that a wide border alone never keeps a tree from growing for ever.
    border = min(border, limits.ave_width - 1) + adds_inputs
    depth = 1 + max(child.depth for _, child in children)
    is_chain = len(children) == 1 and not adds_inputs
    is_small = depth <= MAX_NESTING
    if not is_chain:
        is_small = is_small and (
            (n_tasks + border) / height <= limits.ave_width
            and sum(child.height == 1 for _, child in children) <= limits.ave_width
            and width <= limits.max_width
            and (height <= limits.max_height or len(children) == 1)
            and not (adds_inputs and height >= limits.max_depth_new_edges)
        )
    border_inputs = child_inputs | other_inputs
    if not is_small and len(border_inputs) > _MAX_BORDER:
        return _Tree(task, [key], inputs=inputs, border_inputs=inputs)
    tree = _Tree(
        task,
        [key],
        height=height if is_chain else height + 1,
        width=width,
        n_tasks=n_tasks if is_chain else n_tasks + 1,
        border=border,
        inputs=inputs,
        border_inputs=border_inputs,
    )
    if is_small:
        tree.task = substitute(task, {child_key: child.task for child_key, child in children})
        tree.keys = [k for _, child in children for k in child.keys] + [key]
        tree.depth = depth
        tree.inputs = other_inputs.union(*(child.inputs for _, child in children))
    return tree


def _assembled(
    dsk: Mapping[Any, Any], trees: Mapping[Any, _Tree], rename: Callable[[list[Any]], Any] | None
) -> tuple[dict[Any, Any], dict[Any, set[Any]]]:
    """Return the graph of the trees' tasks, under their new keys where they get one."""
    fused: dict[Any, Any] = {}
    dependencies: dict[Any, set[Any]] = {}
    for key, tree in trees.items():
        new_key = rename(tree.keys) if rename and len(tree.keys) > 1 else None
        if new_key is None or new_key in dsk or new_key in fused:
            fused[key] = tree.task
            dependencies[key] = tree.inputs
            continue
        fused[new_key] = tree.task
        dependencies[new_key] = tree.inputs
        fused[key] = new_key
        dependencies[key] = {new_key}
    return fused, dependencies
