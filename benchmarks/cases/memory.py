"""Memory: what a task of an explicit graph takes, and work that is larger than its budget."""

from __future__ import annotations

import gc
import tempfile
import time
from functools import partial
from typing import Any

import resident
from case import Measure, case, library, scratch

MIB = 2**20
# Of the graph that is larger than its budget.
N_VALUES = 128


def nop(*args: Any) -> None:
    """Do nothing."""


def warm(contender: str) -> None:
    """Have the imports done and the threads running."""
    library(contender).delayed(nop)().compute(scheduler="threads")
    get = library(contender, "threaded").get
    get({("warm", i): (nop,) for i in range(1000)}, [("warm", i) for i in range(1000)])


@case(
    "a dict of {n} tasks, beside the dict itself: highest while it runs",
    Measure("B/task", target="≤ 200"),
    contenders=("oxidask", "dask"),
    sizes=(20_000, 500_000),
    quick=1_000,
    largest={"dask": 20_000},
)
def of_a_dict(contender: str, n: int) -> float:
    warm(contender)
    get = library(contender, "threaded").get
    graph: dict[Any, Any] = {("nop", i): (nop, ("nop", i - 1)) for i in range(1, n)}
    graph["nop", 0] = (nop,)
    last = ("nop", n - 1)
    gc.collect()
    resident.forget_highest()
    before = resident.now()
    get(graph, last)
    return (resident.highest() - before) / n


@case(
    "{n} delayed calls on the last, only the final one kept",
    Measure("B/task", "at rest", target="≤ 200"),
    Measure("B/task", "highest in `compute`, further"),
    contenders=("oxidask", "dask"),
    sizes=(20_000, 500_000),
    quick=1_000,
    largest={"dask": 1_000},
)
def of_delayed(contender: str, n: int) -> tuple[float, float]:
    warm(contender)
    lazy = library(contender).delayed(nop, pure=False)
    value = lazy()
    gc.collect()
    before = resident.now()
    for _ in range(n - 1):
        value = lazy(value)
    gc.collect()
    built = resident.now()
    resident.forget_highest()
    value.compute(scheduler="threads")
    return (built - before) / n, (resident.highest() - built) / n


@case(
    "{n} delayed calls and their sum, all of them kept",
    Measure("B/task", "at rest", target="≤ 200"),
    Measure("B/task", "highest in `compute`, further"),
    contenders=("oxidask", "dask"),
    sizes=(20_000, 500_000),
    quick=1_000,
    largest={"dask": 20_000},
)
def of_kept_delayed(contender: str, n: int) -> tuple[float, float]:
    warm(contender)
    delayed = library(contender).delayed
    lazy = delayed(nop, pure=False)
    leaves: list[Any] = [None] * n
    gc.collect()
    before = resident.now()
    for i in range(n):
        leaves[i] = lazy()
    total = delayed(nop)(leaves)
    gc.collect()
    built = resident.now()
    resident.forget_highest()
    total.compute(scheduler="threads")
    return (built - before) / n, (resident.highest() - built) / n


def make(size: int, seed: int) -> Any:
    """Give bytes that don't compress."""
    import numpy

    return numpy.random.default_rng(seed).integers(0, 2**63, size // 8)


def check(value: Any, *readers: Any) -> int:
    return int(value[0]) & 1


def spilling_graph(size: int) -> dict[Any, Any]:
    """Give values that are read twice, the second time when all were read once.

    So all of them are needed at the same moment, whatever the order is.
    """
    n = N_VALUES
    graph: dict[Any, Any] = {("value", i): (make, size, i) for i in range(n)}
    graph |= {("first", i): (check, ("value", i)) for i in range(n)}
    graph["all"] = (sum, [("first", i) for i in range(n)])
    graph |= {("second", i): (check, ("value", i), "all") for i in range(n)}
    graph["total"] = (sum, [("second", i) for i in range(n)])
    return graph


@case(
    "{n} MiB of values needed at once, a quarter of that as our budget",
    Measure("s", "time", target="2 × plain"),
    Measure("budgets", "highest memory", target="≤ 1.2"),
    contenders=("oxidask", "dask", "plain"),
    sizes=(1024,),
    quick=16,
)
def larger_than_budget(contender: str, n: int) -> tuple[float, float]:
    budget, size = n * MIB // 4, n * MIB // N_VALUES
    make(size, 0)
    if contender == "plain":
        run = partial(through_a_file, size)
    else:
        warm(contender)
        get = library(contender, "threaded").get
        limit = {"memory_limit": budget} if contender == "oxidask" else {}
        run = partial(get, spilling_graph(size), "total", **limit)
    gc.collect()
    resident.forget_highest()
    before = resident.now()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began, (resident.highest() - before) / budget


def through_a_file(size: int) -> int:
    """Make the same values, write each to a file and read it back: what the disk itself takes."""
    import numpy

    with tempfile.TemporaryFile(dir=scratch()) as file:
        for seed in range(N_VALUES):
            file.write(make(size, seed))
        file.seek(0)
        return sum(check(numpy.frombuffer(file.read(size), "i8")) for _ in range(N_VALUES))
