"""Workloads of many shapes: what a task costs once it is part of something.

Those of delayed calls are built and run by each library. Those of arrays and bags are built and
optimised by stock Dask, and the two schedulers run one and the same graph; the chunks are small,
so that it is the schedulers that differ. What the tasks themselves take is there beside them:
`plain` calls one after the other.
"""

from __future__ import annotations

import time
from graphlib import TopologicalSorter
from typing import Any

from case import Measure, case, library

BOTH = ("oxidask", "dask")
# Name in `workloads.py`, its settings, and those of a quick run.
DELAYED: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "merge": ({"n": 5_000}, {"n": 10}),
    "tree": ({"exponent": 12}, {"exponent": 3}),
    "fanout": ({"n": 5_000}, {"n": 10}),
    "chains": ({"k": 4, "n": 1_000}, {"k": 2, "n": 5}),
    "stencil": ({"duration_us": 0}, {"duration_us": 0, "width": 4, "steps": 3}),
    "wavefront": ({"n": 60}, {"n": 4}),
    "shuffle_tasks": ({"p": 50}, {"p": 3}),
    "random_dag": ({"n": 5_000}, {"n": 20}),
}
COLLECTIONS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "array_sum": ({"size": 400}, {"size": 8, "p": 4}),
    "transpose": ({"size": 400}, {"size": 8, "p": 4}),
    "anomaly": ({"chunk": 100}, {"t": 4, "chunk": 100}),
    "overlap": ({"size": 400, "chunk": 10}, {"size": 40, "chunk": 10}),
    "double_diff": ({"size": 200}, {"size": 8, "p": 4}),
    "rechunk": ({"size": 400}, {"size": 8, "p": 4}),
    "matmul": ({"size": 100}, {"size": 8, "p": 4}),
    "svd": ({"n": 2_000, "chunk": 20}, {"n": 100, "chunk": 20}),
    "bag": ({"n": 100}, {"n": 10, "p": 2}),
    "wordcount": ({"n": 2_000}, {"n": 10, "p": 2}),
}


def settings_of(table: Any, name: str, is_full: int) -> dict[str, int]:
    full, quick = table[name]
    return full if is_full else quick


def by_each_library(name: str) -> Any:
    def measure(contender: str, is_full: int) -> tuple[float, float]:
        from workloads import WORKLOADS

        namespace = library(contender)
        namespace.delayed(int)().compute(scheduler="threads")
        settings = settings_of(DELAYED, name, is_full)
        began = time.perf_counter()
        built = WORKLOADS[name](namespace, **settings)
        made = time.perf_counter()
        built.compute(scheduler="threads")
        done = time.perf_counter()
        n_tasks = len(dict(built.__dask_graph__()))
        return (made - began) / n_tasks * 1e6, (done - made) / n_tasks * 1e6

    return named(measure, name)


def by_stock_dask(name: str) -> Any:
    def measure(contender: str, is_full: int) -> float:
        dask = library("dask")
        for module in ("array", "bag", "base"):
            library("dask", module)
        from workloads import WORKLOADS

        get = one_by_one if contender == "plain" else library(contender, "threaded").get
        built = WORKLOADS[name](dask, **settings_of(COLLECTIONS, name, is_full))
        graph = dict(dask.base.collections_to_expr([built]).optimize().__dask_graph__())
        graph = dask._task_spec.convert_legacy_graph(graph)
        keys = list(dask.core.flatten(built.__dask_keys__()))
        if contender != "plain":
            get({"warm": (int,)}, "warm")
        began = time.perf_counter()
        get(graph, keys)
        return (time.perf_counter() - began) / len(graph) * 1e6

    return named(measure, name)


def one_by_one(graph: dict[Any, Any], keys: list[Any]) -> list[Any]:
    """Run a graph with nothing that deserves to be called a scheduler."""
    values: dict[Any, Any] = {}
    for key in TopologicalSorter(
        {k: task.dependencies for k, task in graph.items()}
    ).static_order():
        task = graph[key]
        values[key] = task({read: values[read] for read in task.dependencies})
    return [values[key] for key in keys]


def named(function: Any, name: str) -> Any:
    function.__name__ = name
    return function


# The size of these cases only says whether the run is a quick one.
for _name in DELAYED:
    case(
        f"`{_name}`, of delayed calls",
        Measure("µs/task", "building"),
        Measure("µs/task", "`compute`"),
        contenders=BOTH,
        sizes=(1,),
        quick=0,
    )(by_each_library(_name))
for _name in COLLECTIONS:
    case(
        f"`{_name}`, stock Dask's graph",
        Measure("µs/task", "`threaded.get`"),
        contenders=(*BOTH, "plain"),
        sizes=(1,),
        quick=0,
    )(by_stock_dask(_name))
