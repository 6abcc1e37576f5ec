"""The static order through Python: how long `order.order` takes, and the peak that it gives."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import transpose
from case import Measure, case, library

MEASURES = (
    Measure("s", "time"),
    Measure("values", "most held at once"),
)


def peak(inputs: Mapping[Any, set[Any]], priority: Mapping[Any, int]) -> int:
    """Run the tasks in that order on paper; the most values that are held at any time.

    A value is held until its last reader has run; what nobody reads is a result and is kept.
    """
    readers_left = dict.fromkeys(inputs, 0)
    for keys in inputs.values():
        for key in keys:
            readers_left[key] += 1
    held = most = 0
    for key in sorted(inputs, key=priority.__getitem__):
        held += 1
        most = max(most, held)
        for read in inputs[key]:
            readers_left[read] -= 1
            held -= not readers_left[read]
    return most


def measure(contender: str, graph: dict[Any, Any]) -> tuple[float, float]:
    order = library(contender, "order").order
    inputs = transpose.inputs_of(graph)
    began = time.perf_counter()
    priority = order(graph)
    took = time.perf_counter() - began
    return took, peak(inputs, priority)


@case(
    "`transpose`, {n} × {n} chunks, culled",
    *MEASURES,
    contenders=("oxidask", "dask"),
    sizes=(40, 140, 200),
    quick=4,
    most_rounds={"dask": 1},
)
def culled(contender: str, n: int) -> tuple[float, float]:
    return measure(contender, transpose.graph(n, is_culled=True))


@case(
    "`transpose`, {n} × {n} chunks, raw",
    *MEASURES,
    contenders=("oxidask", "dask"),
    sizes=(40, 140, 200),
    quick=4,
    most_rounds={"dask": 1},
)
def raw(contender: str, n: int) -> tuple[float, float]:
    return measure(contender, transpose.graph(n, is_culled=False))
