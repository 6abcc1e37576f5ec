"""Waiting, ordering and copying of collections: `checkpoint`, `wait_on`, `bind`, `clone`."""

from __future__ import annotations

import uuid
from collections.abc import Hashable
from typing import Any, Literal, TypeVar

from oxidask._task_spec import List, Task, TaskRef
from oxidask.base import (
    clone_key,
    get_collection_names,
    get_name_from_key,
    replace_name_in_key,
    tokenize,
    unpack_collections,
)
from oxidask.core import flatten
from oxidask.highlevelgraph import HighLevelGraph, Layer, MaterializedLayer
from oxidask.typing import Key

__all__ = ["bind", "checkpoint", "clone", "wait_on"]

T = TypeVar("T")
SplitEvery = float | Literal[False] | None
_DEFAULT_SPLIT_EVERY = 8


class chunks:
    """The functions that the tasks of this module call."""

    @staticmethod
    def bind(node: T, *args: Any, **kwargs: Any) -> T:
        """Return `node`; the other arguments are what it waits for."""
        return node

    @staticmethod
    def checkpoint(*args: Any, **kwargs: Any) -> None:
        """Return None once all arguments are there."""


def checkpoint(*collections: Any, split_every: SplitEvery = None) -> Any:
    """Return a delayed None that is there when all parts of all collections are computed.

    Parameters
    ----------
    *collections
        Collections, or containers of them.
    split_every
        How many parts a task waits for at most, at least 2; False for any number.  Default: 8.

    Examples
    --------
    >>> from oxidask import delayed
    >>> checkpoint(delayed(abs)(-1)).compute(scheduler="sync") is None
    True
    """
    from oxidask.delayed import Delayed

    found, _ = unpack_collections(*collections)
    if len(found) == 1:
        return _checkpoint_one(found[0], split_every)
    name = "checkpoint-" + tokenize(*found, split_every)
    singles = [_checkpoint_one(collection, split_every) for collection in found]
    layer = {name: Task(name, chunks.checkpoint, List(*(TaskRef(s.key) for s in singles)))}
    graph = HighLevelGraph.from_collections(name, layer, dependencies=singles)
    return Delayed(name, graph)


def _checkpoint_one(collection: Any, split_every: SplitEvery) -> Any:
    from oxidask.delayed import Delayed

    limit = _checked_split_every(split_every)
    name = "checkpoint-" + tokenize(collection, split_every)
    keys = list(dict.fromkeys(flatten(collection.__dask_keys__())))
    if len(keys) == 1 or not keys:
        layer = {name: Task(name, chunks.checkpoint, *map(TaskRef, keys))}
        return Delayed(name, HighLevelGraph.from_collections(name, layer, [collection]))
    mapped: dict[Key, Any] = {
        (f"{name}-map", i): Task((f"{name}-map", i), chunks.checkpoint, TaskRef(key))
        for i, key in enumerate(keys)
    }
    # Parts are joined in the order in which they come, joints queueing up behind the rest: every
    # joint takes `limit` parts, so their number is the smallest possible.
    queue: list[Any] = list(mapped)
    start = 0
    reduced: dict[Any, Any] = {}
    while limit and len(queue) - start > limit:
        key = (f"{name}-reduce", len(reduced))
        taken = queue[start : start + int(limit)]
        reduced[key] = Task(key, chunks.checkpoint, List(*map(TaskRef, taken)))
        start += int(limit)
        queue.append(key)
    reduced[name] = Task(name, chunks.checkpoint, List(*map(TaskRef, queue[start:])))
    graph = HighLevelGraph.from_collections(f"{name}-map", mapped, [collection])
    layers = {**graph.layers, name: reduced}
    return Delayed(
        name, HighLevelGraph(layers, {**graph.dependencies, name: {f"{name}-map"}}), layer=name
    )


def _checked_split_every(split_every: SplitEvery) -> float | None:
    """Return the limit, None if there is none."""
    if split_every is None:
        return _DEFAULT_SPLIT_EVERY
    if split_every is False:
        return None
    if not isinstance(split_every, (int, float)):
        raise TypeError(f"split_every must be a number, False or None, got {split_every!r}")
    if split_every < 2:
        raise ValueError(f"split_every must be at least 2, False or None, got {split_every!r}")
    return split_every


def wait_on(*collections: Any, split_every: SplitEvery = None) -> Any:
    """Return equal collections no part of which is there before all parts of all are computed.

    Parameters
    ----------
    *collections
        Collections, or containers of them.
    split_every
        See :func:`checkpoint`.

    Returns
    -------
    object or tuple
        The same as the argument, with the collections replaced; a tuple for several arguments.

    Examples
    --------
    >>> from oxidask import delayed
    >>> wait_on(delayed(abs)(-1)).compute(scheduler="sync")
    1
    """
    found, repack = unpack_collections(*collections)
    blocker = checkpoint(*found, split_every=split_every)
    waiting = []
    for collection in found:
        token = tokenize(collection, blocker)
        rename = {name: f"wait_on-{_tail_of(name)}-{token}" for name in _names(collection)}
        waiting.append(_bound_copy(collection, blocker, rename))
    result = repack(waiting)
    return result[0] if len(collections) == 1 else result


def _names(collection: Any) -> list[str]:
    return sorted(get_collection_names(collection))


def _tail_of(name: str) -> str:
    from oxidask.utils import key_split

    return str(key_split(name))


def _bound_copy(collection: Any, blocker: Any, rename: dict[str, str]) -> Any:
    """Return `collection` with one more task per key, which waits for `blocker`."""
    per_name: dict[str, dict[Any, Any]] = {name: {} for name in rename}
    for key in flatten(collection.__dask_keys__()):
        new_key = replace_name_in_key(key, rename)
        task = Task(new_key, chunks.bind, TaskRef(key), TaskRef(blocker.key))
        per_name[get_name_from_key(key)][new_key] = task
    graph: Any = HighLevelGraph.from_collections("wait_on", {}, [collection, blocker])
    inputs = graph.dependencies["wait_on"]
    layers = {name: layer for name, layer in graph.layers.items() if name != "wait_on"}
    dependencies = {name: deps for name, deps in graph.dependencies.items() if name != "wait_on"}
    for name, layer in per_name.items():
        layers[rename[name]] = layer
        dependencies[rename[name]] = set(inputs)
    rebuild, args = collection.__dask_postpersist__()
    return rebuild(HighLevelGraph(layers, dependencies), *args, rename=rename)


def bind(
    children: T,
    parents: Any,
    *,
    omit: Any = None,
    seed: Hashable | None = None,
    assume_layers: bool = True,
    split_every: SplitEvery = None,
) -> T:
    """Return copies of collections that start only after others are computed.

    Parameters
    ----------
    children
        Collections, or containers of them, to copy.
    parents
        Collections, or containers of them, to wait for.
    omit
        Collections whose tasks are not copied but shared.
    seed
        What the new keys depend on; random by default.
    assume_layers
        Whether whole layers of the graph are copied, which is quicker; a layer of `omit` is then
        shared as a whole.
    split_every
        See :func:`checkpoint`.

    Examples
    --------
    >>> from oxidask import delayed
    >>> bind(delayed(abs)(-1), delayed(print)()).compute(scheduler="sync")
    <BLANKLINE>
    1
    """
    if seed is None:
        seed = uuid.uuid4().bytes
    blocker = None if parents is None else checkpoint(parents, split_every=split_every)
    omitted, _ = unpack_collections(omit)
    omit_layers: set[str] = set()
    omit_keys: set[Key] = set()
    for collection in omitted:
        graph = collection.__dask_graph__()
        if assume_layers:
            # A graph without layers has none to share: its keys are looked at below.
            omit_layers.update(getattr(graph, "layers", ()))
            if not hasattr(graph, "layers"):
                omit_keys.update(graph)
        else:
            omit_keys.update(graph.keys())
    found, repack = unpack_collections(children)
    return repack(  # type: ignore[no-any-return]
        [_bind_one(child, blocker, omit_layers, omit_keys, seed) for child in found]
    )[0]


def _bind_one(
    child: Any, blocker: Any, omit_layers: set[str], omit_keys: set[Key], seed: Hashable
) -> Any:
    """Return a copy of `child` whose first tasks wait for `blocker`."""
    names = get_collection_names(child)
    if not names:
        return child  # nothing to copy
    source = HighLevelGraph.merge(child.__dask_graph__())
    candidates = [name for name in source.layers if name not in omit_layers]
    # All keys of a layer, not only those that other layers may use: it is copied as a whole.
    clone_keys = {k for name in candidates for k in source.layers[name] if k not in omit_keys}
    copied_names = {
        name for name in candidates if any(key in clone_keys for key in source.layers[name])
    }
    blocker_key = None if blocker is None else blocker.key
    layers: dict[str, Any] = {}
    dependencies: dict[str, set[str]] = {}
    for name, layer in source.layers.items():
        if name not in copied_names:
            layers[name] = layer
            dependencies[name] = set(source.dependencies[name])
            continue
        kept, copied = _split_layer(layer, clone_keys)
        new_name = str(clone_key(name, seed))
        new_layer, bound = copied.clone(clone_keys, seed=seed, bind_to=blocker_key)
        new_dependencies = {
            str(clone_key(dep, seed)) if dep in copied_names else dep
            for dep in source.dependencies[name]
        }
        if kept is not None:
            layers[name] = kept
            dependencies[name] = set(source.dependencies[name])
            new_dependencies.add(name)
            # What remains of a dependency is needed as well as its copy.
            new_dependencies.update(source.dependencies[name])
        if bound:
            new_dependencies.update(blocker.__dask_layers__())
        layers[new_name] = new_layer
        dependencies[new_name] = new_dependencies
    if blocker is not None:
        graph = blocker.__dask_graph__()
        layers.update(graph.layers)
        dependencies.update(graph.dependencies)
    dependencies = {n: {d for d in deps if d in layers} for n, deps in dependencies.items()}
    rebuild, args = child.__dask_postpersist__()
    rename = {name: clone_key(name, seed) for name in names}
    return rebuild(HighLevelGraph(layers, dependencies), *args, rename=rename)


def _split_layer(layer: Layer, clone_keys: set[Key]) -> tuple[Layer | None, Layer]:
    """Return the tasks of a layer that are shared, None if there are none, and those to copy."""
    shared = {key for key in layer if key not in clone_keys} if layer.is_materialized() else set()
    if not shared:
        return None, layer
    annotations = layer.annotations or {}
    return (
        MaterializedLayer({k: layer[k] for k in layer if k in shared}, annotations),
        MaterializedLayer({k: layer[k] for k in layer if k not in shared}, annotations),
    )


def clone(
    *collections: Any,
    omit: Any = None,
    seed: Hashable = None,
    assume_layers: bool = True,
) -> Any:
    """Return copies of collections that share no task with the originals.

    Parameters
    ----------
    *collections
        Collections, or containers of them.
    omit, seed, assume_layers
        See :func:`bind`.

    Returns
    -------
    object or tuple
        The same as the argument, with the collections replaced; a tuple for several arguments.

    Examples
    --------
    >>> from oxidask import delayed
    >>> one = delayed(abs)(-1)
    >>> clone(one).key == one.key
    False
    """
    result = bind(collections, parents=None, omit=omit, seed=seed, assume_layers=assume_layers)
    return result[0] if len(result) == 1 else result
