"""Lazy calls of ordinary functions: see :func:`delayed`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from oxidask import _native
from oxidask._native import Delayed, DelayedAttr, DelayedLeaf
from oxidask._task_containers import Dict, List, Set, Tuple
from oxidask._task_spec import Alias, DataNode, GraphNode, Task, TaskRef
from oxidask.base import is_dask_collection, replace_name_in_key, tokenize
from oxidask.highlevelgraph import HighLevelGraph, MaterializedLayer
from oxidask.utils import apply

__all__ = ["Delayed", "DelayedAttr", "DelayedLeaf", "delayed", "optimize"]

_native.seed_tokens(os.urandom(16))
# A forked child must not give its calls the keys that its parent gives to others.
os.register_at_fork(after_in_child=lambda: _native.seed_tokens(os.urandom(16)))


class _Curried:
    """``delayed`` with some arguments, waiting for the object: ``@delayed(pure=True)``."""

    def __init__(self, **kwargs: Any) -> None:
        self._kwargs = kwargs

    def __call__(self, obj: Any, **kwargs: Any) -> Any:
        return delayed(obj, **{**self._kwargs, **kwargs})


_MISSING = object()


def delayed(
    obj: Any = _MISSING,
    name: Any = None,
    pure: bool | None = None,
    nout: int | None = None,
    traverse: bool = True,
) -> Any:
    """Make a function lazy, or wrap an object as a lazy value.

    Calling a delayed function returns a :class:`Delayed` value at once; operators, methods,
    attributes and further delayed calls on it build a task graph, which ``compute`` runs in
    parallel.

    Parameters
    ----------
    obj
        A function or any other object. Delayed values and collections inside lists, tuples, sets,
        dicts, named tuples and dataclasses are found.
    name
        The key of `obj` in the graph. Default: made from the object's name and a token.
    pure
        Whether equal calls give equal results, so that they share one key and run once. Default:
        the setting ``delayed_pure``, else False.
    nout
        How many values a call returns, so that its result can be unpacked. Default: one value.
    traverse
        Whether to look for collections inside `obj`.

    Returns
    -------
    Delayed

    Raises
    ------
    ValueError
        If `nout` is not a non-negative integer.

    Examples
    --------
    >>> from oxidask import delayed
    >>> @delayed
    ... def inc(x):
    ...     return x + 1
    >>> total = inc(1) + inc(2)
    >>> total.compute()
    5
    >>> quotient, remainder = delayed(divmod, nout=2)(7, 3)
    >>> remainder.compute()
    1
    """
    if obj is _MISSING:
        return _Curried(name=name, pure=pure, nout=nout, traverse=traverse)
    if isinstance(obj, Delayed):
        return obj
    if nout is not None and (type(nout) is not int or nout < 0):
        raise ValueError(f"nout must be None or a non-negative integer, got {nout!r}")
    if traverse or is_dask_collection(obj):
        structure = _native.delayed_structure(obj, name, pure, nout)
        if structure is not None:
            return structure
    return DelayedLeaf(obj, name, pure, nout)


def optimize(dsk: Any, keys: Any, **kwargs: Any) -> Any:
    """Return the part of a delayed graph that `keys` need.

    Examples
    --------
    >>> sorted(optimize({"x": 1, "y": 2}, ["x"]))
    ['x']
    """
    from oxidask.optimization import cull

    if isinstance(dsk, HighLevelGraph):
        return dsk.cull(keys)
    return cull(dsk, keys)[0]


# What the methods of Delayed forward to.


def _compute(value: Delayed, **kwargs: Any) -> Any:
    from oxidask.base import compute

    return compute(value, traverse=False, **kwargs)[0]


def _persist(value: Delayed, **kwargs: Any) -> Any:
    from oxidask.base import persist

    return persist(value, traverse=False, **kwargs)[0]


def _visualize(value: Delayed, filename: Any = "mydask", **kwargs: Any) -> Any:
    from oxidask.base import visualize

    return visualize(value, filename=filename, **kwargs)


def _layered_graph(value: Delayed) -> HighLevelGraph:
    """Return the graph with one layer for each call, as Dask lays it out."""
    layers: dict[Any, Any] = {}
    dependencies: dict[Any, set[Any]] = {}
    for key, inputs, task, notes in _native.merge_delayed([value]).tasks():
        layers[key] = MaterializedLayer({key: task}, annotations=notes)
        dependencies[key] = set(inputs)
    return HighLevelGraph(layers, dependencies)


def _single_key(values: Sequence[Any]) -> Any:
    return values[0]


def _postcompute(value: Delayed) -> Any:
    return _single_key, ()


def _postpersist(value: Delayed) -> Any:
    return value._rebuild, ()


def _rebuild(value: Delayed, dsk: Mapping[Any, Any], *, rename: Any = None) -> Any:
    key = replace_name_in_key(value.key, rename) if rename else value.key
    layer = key if not hasattr(dsk, "layers") or key in dsk.layers else next(iter(dsk.layers))
    return Delayed(key, dsk, value._length, layer)


def _finalize_parts(collection: Any) -> tuple[Any, Any, Any, str]:
    """Return graph, keys, the function that joins the parts, and the key of the joined value."""
    from oxidask.base import collections_to_dsk

    finish, args = collection.__dask_postcompute__()
    graph = collections_to_dsk([collection], True)
    join = _Join(finish, args) if args else finish
    name = getattr(finish, "__name__", type(finish).__name__).strip("<>")
    return graph, collection.__dask_keys__(), join, f"{name}-{tokenize(collection)}"


class _Join:
    """The function that joins a collection's parts, with its further arguments."""

    def __init__(self, finish: Any, args: tuple[Any, ...]) -> None:
        self.finish = finish
        self.args = args

    def __call__(self, parts: Any) -> Any:
        return self.finish(parts, *self.args)


# Makers of task objects, for code that reads graphs.

_CONTAINERS = {"list": List, "tuple": Tuple, "set": Set}


def _task_reference(key: Any) -> TaskRef:
    return TaskRef(key)


def _task_constant(obj: Any) -> Any:
    return obj


def _task_call(function: Any, args: list[Any], kwargs: dict[str, Any]) -> Task:
    if isinstance(function, (TaskRef, GraphNode)):
        return Task(None, apply, function, List(*args), Dict(kwargs))
    return Task(None, function, *args, **kwargs)


def _task_container(kind: str, items: list[Any]) -> Any:
    if kind == "dict":
        flat = [part for pair in items for part in pair]
        return Task(None, _dict_of, *flat)
    if kind == "frozenset":
        return Task(None, frozenset, List(*items))
    return _CONTAINERS[kind](*items)


def _dict_of(*flat: Any) -> dict[Any, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _task_data(key: Any, obj: Any) -> DataNode:
    return DataNode(key, obj)


def _task_finish(key: Any, expression: Any) -> GraphNode:
    if isinstance(expression, TaskRef):
        return Alias(key, expression.key)
    if isinstance(expression, Task):
        return Task(key, expression.func, *expression.args, **(expression.kwargs or {}))
    if isinstance(expression, GraphNode):
        return expression
    return DataNode(key, expression)


# Makers of plain tuples, for pickle.


def _plain_constant(obj: Any) -> tuple[Any, ...]:
    return ("const", obj)


def _plain_call(function: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    return ("call", function, args, kwargs)


def _plain_container(kind: str, items: list[Any]) -> tuple[Any, ...]:
    return (kind, items)
