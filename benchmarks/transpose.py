"""The graph of the `transpose` workload, built by stock Dask: the static order's test piece."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from case import library, scratch


def graph(p: int, is_culled: bool) -> dict[Any, Any]:
    """Build the graph of about p × p chunks: culled as `compute` does it, or as it was written.

    Their sizes don't divide the matrix, so the sum of it and its transpose has ragged chunks.
    """
    import dask._task_spec

    array = library("dask", "array")
    from workloads import transpose

    total = transpose(SimpleNamespace(array=array), size=50_000 * p // 140, p=p)
    layers = total.__dask_graph__()
    if is_culled:
        layers = layers.cull(set(total.__dask_keys__()))
    return dask._task_spec.convert_legacy_graph(dict(layers))


def inputs_of(tasks: dict[Any, Any]) -> dict[Any, set[Any]]:
    """Give the keys that each task reads."""
    return {key: set(task.dependencies) for key, task in tasks.items()}


def edges(p: int, is_culled: bool) -> list[list[int]]:
    """Give the graph as lists of indices, in key order; made once for all measurements."""
    path = scratch() / f"transpose-{p}-{is_culled}.pickle"
    if not path.exists():
        inputs = inputs_of(graph(p, is_culled))
        at = {key: i for i, key in enumerate(sorted(inputs, key=str))}
        rows = [sorted(at[other] for other in inputs[key]) for key in at]
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps(rows))
        part.rename(path)
    return pickle.loads(path.read_bytes())


def edges_file(p: int, is_culled: bool) -> Path:
    """Write the graph as the Rust program `order_file` reads it."""
    path = scratch() / f"transpose-{p}-{is_culled}.txt"
    if not path.exists():
        path.write_text("".join(" ".join(map(str, row)) + "\n" for row in edges(p, is_culled)))
    return path
