"""Graphs of many shapes, to compare schedulers on.

Each function builds one workload from a namespace with the parts of a Dask-like library that it
needs (`delayed`, `array`, `bag`, `datasets`) and returns collections that are not computed yet.
Many are known from the literature on schedulers: rsds (Böhm and Beránek, 2020), Task Bench
(Slaughter and others, 2020), Taskflow's and Coiled's benchmarks; the comments say which.

    python benchmarks/workloads.py      shapes of all of them, with stock Dask, at small scale
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

WORKLOADS: dict[str, Callable[..., Any]] = {}


def workload(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a workload by its name."""
    WORKLOADS[function.__name__] = function
    return function


# What the tasks do.


def nop(*args: Any) -> int:
    return 0


def inc(x: int) -> int:
    return x + 1


def add(a: int, b: int) -> int:
    return a + b


def sleep(duration_s: float, *args: Any) -> float:
    time.sleep(duration_s)
    return duration_s


def make(nbytes: int, *args: Any) -> np.ndarray:
    return np.zeros(max(1, nbytes // 8))


def burn(duration_us: float, *args: Any) -> int:
    """Keep the processor busy for that long."""
    end = time.perf_counter() + duration_us * 1e-6
    while time.perf_counter() < end:
        pass
    return 0


def split(values: np.ndarray, at: int) -> np.ndarray:
    return values[at : at + 1]


def gather(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts)


# Delayed calls.


@workload
def merge(ns: Any, n: int = 10_000) -> Any:
    """Tasks that all feed one (rsds: merge)."""
    lazy = ns.delayed(inc, pure=False)
    return ns.delayed(nop)(*[lazy(i) for i in range(n)])


@workload
def merge_slow(ns: Any, n: int = 5_000, duration_s: float = 0.1) -> Any:
    """The same with tasks that sleep (rsds: merge_slow)."""
    lazy = ns.delayed(sleep, pure=False)
    return ns.delayed(nop)(*[lazy(duration_s) for _ in range(n)])


@workload
def tree(ns: Any, exponent: int = 12) -> Any:
    """A binary reduction of 2 to the exponent numbers (rsds: tree)."""
    lazy = ns.delayed(add, pure=False)
    row: list[Any] = list(range(2**exponent))
    while len(row) > 1:
        row = [lazy(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


@workload
def fanout(ns: Any, n: int = 10_000, nbytes: int = 2**20) -> Any:
    """One value of some size that many tasks read (Coiled: trivial workloads, not to be stolen)."""
    root = ns.delayed(make, pure=False)(nbytes)
    lazy = ns.delayed(nop, pure=False)
    return ns.delayed(nop)(*[lazy(root, i) for i in range(n)])


@workload
def chains(ns: Any, k: int = 4, n: int = 1_000) -> Any:
    """Some chains of n tasks each: bound by latency."""
    lazy = ns.delayed(inc, pure=False)
    ends = []
    for start in range(k):
        value: Any = start
        for _ in range(n):
            value = lazy(value)
        ends.append(value)
    return ns.delayed(nop)(*ends)


@workload
def stencil(ns: Any, width: int = 64, steps: int = 50, duration_us: float = 100) -> Any:
    """A 1-D stencil of radius 1 (Task Bench: stencil_1d); the duration is the grain."""
    lazy = ns.delayed(burn, pure=False)
    row = [lazy(duration_us) for _ in range(width)]
    for _ in range(steps - 1):
        row = [lazy(duration_us, *row[max(0, i - 1) : i + 2]) for i in range(width)]
    return ns.delayed(nop)(*row)


@workload
def wavefront(ns: Any, n: int = 60, duration_us: float = 0) -> Any:
    """A square whose cells wait for those above and to the left (Taskflow: wavefront)."""
    lazy = ns.delayed(burn, pure=False)
    cells: dict[tuple[int, int], Any] = {}
    for i in range(n):
        for j in range(n):
            before = [cells[at] for at in ((i - 1, j), (i, j - 1)) if at in cells]
            cells[i, j] = lazy(duration_us, *before)
    return cells[n - 1, n - 1]


@workload
def shuffle_tasks(ns: Any, p: int = 50) -> Any:
    """All to all: p producers, p splits of each, p that gather."""
    lazy_make, lazy_split, lazy_gather = (
        ns.delayed(function, pure=False) for function in (make, split, gather)
    )
    sources = [lazy_make(8 * p) for _ in range(p)]
    gathered = [lazy_gather(*[lazy_split(source, j) for source in sources]) for j in range(p)]
    return ns.delayed(nop)(*gathered)


@workload
def skewed(ns: Any, n: int = 500, mean_s: float = 0.02) -> Any:
    """Tasks with lognormal durations (Coiled: stealing with inhomogeneous durations)."""
    rng = random.Random(0)
    lazy = ns.delayed(sleep, pure=False)
    durations = [min(mean_s * rng.lognormvariate(0, 1.3), 60 * mean_s) for _ in range(n)]
    return ns.delayed(nop)(*[lazy(duration_s) for duration_s in durations])


@workload
def random_dag(ns: Any, n: int = 5_000, seed: int = 0) -> Any:
    """A random graph in which each task reads at most four of the 200 before it."""
    rng = random.Random(seed)
    lazy = ns.delayed(nop, pure=False)
    calls: list[Any] = []
    for i in range(n):
        n_inputs = rng.randrange(5) if i else 0
        inputs = {rng.randrange(max(0, i - 200), i) for _ in range(n_inputs)}
        calls.append(lazy(*[calls[at] for at in sorted(inputs)]))
    return ns.delayed(nop)(*calls[-200:])


@workload
def vectorizer(ns: Any, p: int = 300, nbytes: int = 10_000_000) -> Any:
    """Independent tasks with large outputs, each asked for."""
    lazy = ns.delayed(make, pure=False)
    return [lazy(nbytes) for _ in range(p)]


# Arrays.


def random_square(ns: Any, size: int, p: int) -> Any:
    return ns.array.random.random((size, size), chunks=size // p)


@workload
def array_sum(ns: Any, size: int = 4_000, p: int = 40) -> Any:
    """A map and a reduction in a tree (Coiled: basic_sum)."""
    return random_square(ns, size, p).sum()


@workload
def transpose(ns: Any, size: int = 4_000, p: int = 40) -> Any:
    """A matrix plus its transpose, sliced, averaged, summed (rsds: numpy)."""
    x = random_square(ns, size, p)
    y = x + x.T
    return y[::2, size // 2 :].mean(axis=1).sum()


@workload
def anomaly(ns: Any, t: int = 400, chunk: int = 50_000) -> Any:
    """Deviations from a mean over many small chunks of time (Pangeo): roots come too early."""
    x = ns.array.random.random((t, chunk), chunks=(1, chunk))
    return (x - x.mean(axis=0)).std()


@workload
def overlap(ns: Any, size: int = 2_000, chunk: int = 50) -> Any:
    """Many tiny chunks that see their neighbours' edges (Coiled: map_overlap_sample)."""
    x = ns.array.random.random((size, size), chunks=chunk)
    return x.map_overlap(lambda block: block, depth=1).sum()


@workload
def double_diff(ns: Any, size: int = 4_000, p: int = 20) -> Any:
    """Differences of shifted differences of two arrays (Coiled: double_diff)."""
    difference = random_square(ns, size, p) - random_square(ns, size, p)
    return (difference[1:, 1:] - difference[:-1, :-1]).sum()


@workload
def rechunk(ns: Any, size: int = 4_000, p: int = 20) -> Any:
    """Tiles to rows (Coiled: tiles_to_rows)."""
    return random_square(ns, size, p).rechunk((size // p, size)).sum()


@workload
def matmul(ns: Any, size: int = 1_000, p: int = 10) -> Any:
    """A product of matrices by blocks (Coiled: dot_product)."""
    x = random_square(ns, size, p)
    return (x @ x.T).sum()


@workload
def svd(ns: Any, n: int = 20_000, m: int = 20, chunk: int = 500) -> Any:
    """A compressed singular value decomposition: hard on the order."""
    x = ns.array.random.random((n, m), chunks=(chunk, m))
    return ns.array.linalg.svd_compressed(x, 5)[1].sum()


# Bags and dataframes.


@workload
def bag(ns: Any, n: int = 1_000, p: int = 20) -> Any:
    """A cartesian product, filtered and summed (rsds: bag)."""
    numbers = ns.bag.from_sequence(range(n), npartitions=p)
    return numbers.product(numbers).filter(lambda pair: pair[0] > pair[1]).pluck(0).sum()


@workload
def wordcount(ns: Any, n: int = 20_000, p: int = 40) -> Any:
    """The most frequent of many words (rsds: wordbag)."""
    rng = random.Random(0)
    words = [f"w{rng.randrange(1000)}" for _ in range(n)]
    counts = ns.bag.from_sequence(words, npartitions=p).frequencies()
    return counts.topk(10, key=lambda word_and_count: word_and_count[1])


def timeseries(ns: Any, days: int, freq: str) -> Any:
    return ns.datasets.timeseries(
        start="2020-01-01",
        end=f"2020-01-{days + 1:02}",
        freq=freq,
        partition_freq="1h",
        seed=0,
    )


@workload
def groupby(ns: Any, days: int = 10) -> Any:
    """Means by group of a series of measurements (rsds: groupby)."""
    return timeseries(ns, days, "10s").groupby("name").x.mean().sum()


@workload
def join(ns: Any, days: int = 1) -> Any:
    """A table joined with itself (rsds: join)."""
    table = timeseries(ns, days, "60s")
    merged = table.merge(table, on="id")
    return (merged.x_x + merged.x_y).sum()


def shape_of(collections: Any) -> tuple[int, int, int]:
    """Count tasks, edges, and tasks on the longest path, before any optimisation."""
    from dask.core import get_dependencies

    if not isinstance(collections, list):
        collections = [collections]
    graph = {}
    for collection in collections:
        graph.update(collection.__dask_graph__())
    inputs = {key: get_dependencies(graph, key) for key in graph}
    waiting = {key: len(keys) for key, keys in inputs.items()}
    readers: dict[Any, list[Any]] = {key: [] for key in inputs}
    for key, keys in inputs.items():
        for read in keys:
            readers[read].append(key)
    depth = dict.fromkeys(inputs, 1)
    ready = [key for key, count in waiting.items() if not count]
    while ready:
        key = ready.pop()
        for reader in readers[key]:
            depth[reader] = max(depth[reader], depth[key] + 1)
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    return len(inputs), sum(map(len, inputs.values())), max(depth.values())


def main() -> None:
    import dask
    import dask.array
    import dask.bag
    import dask.datasets

    print(f"{'workload':<14} {'tasks':>7} {'edges':>7} {'depth':>6}  build")
    for name, function in WORKLOADS.items():
        began = time.perf_counter()
        try:
            built = function(dask)
        except ImportError as error:
            print(f"{name:<14} {error}")
            continue
        took = time.perf_counter() - began
        tasks, edges, depth = shape_of(built)
        print(f"{name:<14} {tasks:>7} {edges:>7} {depth:>6}  {took:.2f} s")


if __name__ == "__main__":
    main()
