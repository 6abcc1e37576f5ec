"""Graphs of arrays as Python code reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from oxidask import _native
from oxidask._layer import MaterializedLayer
from oxidask._task_spec import Task, TaskRef
from oxidask.highlevelgraph import HighLevelGraph

__all__ = ["block_task", "layered_graph", "nested_keys"]


def block_task(key: Any, body: Any, inputs: Sequence[Any]) -> Task:
    """Return the task object of one block: `body` called with the values of `inputs`."""
    return Task(key, body, *map(TaskRef, inputs))


def layered_graph(exprs: Iterable[Any], fuse: bool = False) -> HighLevelGraph:
    """Return the graph of some array expressions in layers."""
    graph = _native.merge_arrays(list(exprs), fuse)
    said = graph.annotations()
    layers = {}
    for name, tasks in graph.layer_dicts():
        annotations = {k: v for known in said.get(name, ()) for k, v in known.items()}
        layers[name] = MaterializedLayer(tasks, annotations=annotations)
    dependencies = {name: set(inputs) for name, inputs in graph.dependencies()}
    return HighLevelGraph(layers, dependencies)


def nested_keys(name: str, numblocks: Sequence[int]) -> Any:
    """Return the keys of an array's blocks in lists, nested as the blocks lie."""

    def keys(*index: int) -> Any:
        axis = len(index)
        if axis == len(numblocks):
            return (name, *index)
        return [keys(*index, i) for i in range(numblocks[axis])]

    result = keys()
    return result if isinstance(result, list) else [result]
