"""Clusters: what a task costs end to end between processes, and what graphs of many shapes take."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import resident
from case import Measure, NotHereError, case, library
from clusters import RIVALS, client

TASK = Measure("µs/task", target="≤ 12")
SUBMITTED = Measure("µs/task", target="≤ 20")
GRAPH_RIVALS = ("oxidask", "dask", "frisky")


def nop(x: Any) -> Any:
    """Give back what came."""
    return x


def inc(x: int) -> int:
    return x + 1


@case(
    "{n} no-op tasks by `map` and `gather`, two processes",
    TASK,
    contenders=RIVALS,
    sizes=(10_000,),
    quick=100,
    most_rounds={"dask": 2},
)
def map_gather(contender: str, n: int) -> float:
    with client(contender) as connected:
        return batch(connected, n)


@case(
    "{n} no-op tasks by `map` and `gather`, workers in the client's process",
    TASK,
    contenders=("oxidask", "dask", "frisky"),
    sizes=(10_000,),
    quick=100,
    most_rounds={"dask": 2},
)
def map_gather_in_process(contender: str, n: int) -> float:
    with client(contender, processes=False) as connected:
        return batch(connected, n)


def batch(connected: Any, n: int) -> float:
    """Microseconds a task: the median of three batches."""
    costs = []
    for at in range(3):
        began = time.perf_counter()
        futures = connected.map(nop, range(at * n, at * n + n))
        results = connected.gather(futures)
        costs.append((time.perf_counter() - began) / n * 1e6)
        assert results[-1] == at * n + n - 1
        del futures
    return statistics.median(costs)


@case(
    "{n} no-op tasks, each by a `submit` of its own, and `gather`, two processes",
    SUBMITTED,
    contenders=RIVALS,
    sizes=(10_000,),
    quick=100,
    most_rounds={"dask": 2},
)
def submit_gather(contender: str, n: int) -> float:
    with client(contender) as connected:
        costs = []
        for at in range(3):
            began = time.perf_counter()
            futures = [connected.submit(nop, at * n + i) for i in range(n)]
            connected.gather(futures)
            costs.append((time.perf_counter() - began) / n * 1e6)
            del futures
        return statistics.median(costs)


@case(
    "`submit(f).result()`, one after the other, two processes",
    Measure("ms", "median", target="≤ 0.15"),
    Measure("ms", "99th percentile", target="≤ 0.6"),
    contenders=RIVALS,
    sizes=(1_000,),
    quick=10,
    most_rounds={"dask": 2},
)
def round_trip(contender: str, n: int) -> tuple[float, float]:
    with client(contender) as connected:
        return trips(connected, n)


@case(
    "`submit(f).result()`, one after the other, workers in the client's process",
    Measure("ms", "median", target="≤ 0.15"),
    Measure("ms", "99th percentile", target="≤ 0.6"),
    contenders=("oxidask", "dask", "frisky"),
    sizes=(1_000,),
    quick=10,
    most_rounds={"dask": 2},
)
def round_trip_in_process(contender: str, n: int) -> tuple[float, float]:
    with client(contender, processes=False) as connected:
        return trips(connected, n)


def trips(connected: Any, n: int) -> tuple[float, float]:
    took = []
    for i in range(n):
        began = time.perf_counter()
        connected.submit(nop, i + 0.5).result()
        took.append((time.perf_counter() - began) * 1e3)
    took.sort()
    return statistics.median(took), took[int(n * 0.99)]


@case(
    "a chain of {n} tasks, each of which reads the one before, two processes",
    Measure("µs/link", target="≤ 60"),
    contenders=RIVALS,
    sizes=(1_000,),
    quick=10,
    most_rounds={"dask": 2},
)
def chain(contender: str, n: int) -> float:
    with client(contender) as connected:
        costs = []
        for at in range(3):
            began = time.perf_counter()
            future = connected.submit(inc, at * n * 1.5)
            for _ in range(n - 1):
                future = connected.submit(inc, future)
            assert future.result() == at * n * 1.5 + n
            costs.append((time.perf_counter() - began) / n * 1e6)
        return statistics.median(costs)


@case(
    "{n} bytes put on a worker and fetched back, two processes",
    Measure("GB/s", more_is_better=True),
    contenders=("oxidask", "dask", "ray"),
    sizes=(100_000_000,),
    quick=1_000,
)
def there_and_back(contender: str, n: int) -> float:
    values = np.arange(n // 8, dtype="f8")
    with client(contender) as connected:
        began = time.perf_counter()
        future = connected.scatter(values)
        back = future.result()
        took = time.perf_counter() - began
        assert back[-1] == values[-1]
        return 2 * values.nbytes / took / 1e9


@case(
    "an array of {n} bytes made on one worker and read on the other",
    Measure("GB/s", more_is_better=True),
    contenders=("oxidask", "dask"),
    sizes=(100_000_000,),
    quick=1_000,
)
def between_workers(contender: str, n: int) -> float:
    with client(contender) as connected:
        first, second = sorted(connected.nthreads())
        rates = []
        for at in range(3):
            made = connected.submit(make, n // 8, at, workers=[first])
            made.done() or connected.gather(connected.submit(len, made, workers=[first]))
            began = time.perf_counter()
            connected.submit(last, made, workers=[second]).result()
            rates.append(n / (time.perf_counter() - began) / 1e9)
        return statistics.median(rates)


def make(n: int, value: float) -> np.ndarray:
    return np.full(n, float(value))


def last(values: np.ndarray) -> float:
    return float(values[-1])


# Name in `workloads.py`, its settings, and those of a quick run.
GRAPHS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "merge": ({"n": 10_000}, {"n": 10}),
    "merge_slow": ({"n": 200, "duration_s": 0.01}, {"n": 4, "duration_s": 0.01}),
    "tree": ({"exponent": 12}, {"exponent": 3}),
    "fanout": ({"n": 5_000}, {"n": 10}),
    "chains": ({"k": 4, "n": 500}, {"k": 2, "n": 5}),
    "stencil": ({"duration_us": 100}, {"duration_us": 0, "width": 4, "steps": 3}),
    "wavefront": ({"n": 60}, {"n": 4}),
    "shuffle_tasks": ({"p": 50}, {"p": 3}),
    "skewed": ({"n": 200, "mean_s": 0.005}, {"n": 5, "mean_s": 0.001}),
    "random_dag": ({"n": 5_000}, {"n": 20}),
}


def by_cluster(name: str) -> Any:
    def measure(contender: str, is_full: int) -> tuple[float, ...]:
        from workloads import WORKLOADS

        full, quick = GRAPHS[name]
        namespace = library("dask" if contender == "frisky" else contender)
        resident.mark_family()
        with client(contender) as connected:
            # Workers import what the tasks need.
            run_graph(contender, connected, WORKLOADS[name](namespace, **quick))
            built = WORKLOADS[name](namespace, **(full if is_full else quick))
            n_tasks = len(dict(built.__dask_graph__()))
            resident.forget_highest()
            sent = loopback_bytes()
            began = time.perf_counter()
            run_graph(contender, connected, built)
            took = time.perf_counter() - began
            sent = loopback_bytes() - sent
            peak = resident.highest_of_all()
            return took * 1e3, took / n_tasks * 1e6, peak / 1e6, sent / 1e6

    measure.__module__ = __name__
    measure.__name__ = f"graph_{name}".replace("_tasks", "")
    return case(
        f"the graph `{name}` on two processes",
        Measure("ms", "makespan"),
        Measure("µs/task"),
        Measure("MB", "peak memory of all processes"),
        Measure("MB", "sent over loopback"),
        contenders=GRAPH_RIVALS,
        sizes=(1,),
        quick=0,
        most_rounds={"dask": 2},
    )(measure)


def run_graph(contender: str, connected: Any, built: Any) -> None:
    """Run a graph as it is, without optimisation."""
    if contender == "frisky":
        connected.get(dict(built.__dask_graph__()), built.__dask_keys__()[0])
    else:
        connected.compute(built, optimize_graph=False).result()


def loopback_bytes() -> int:
    """Give the bytes that everybody sent over the loopback interface since the machine began."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            return int(counts.split()[8])
    raise NotHereError("traffic is counted on Linux only")


for _name in GRAPHS:
    by_cluster(_name)


@case(
    "a web server by asyncio that submits a task for each request, {n} s of 16 connections",
    Measure("requests/s", more_is_better=True),
    Measure("ms", "median"),
    Measure("ms", "99th percentile"),
    contenders=("oxidask", "dask"),
    sizes=(60,),
    quick=1,
    most_rounds={"oxidask": 1, "dask": 1},
)
def web_asyncio(contender: str, n: int) -> tuple[float, float, float]:
    return web(contender, n, tornado=False)


@case(
    "the same server by tornado, {n} s of 16 connections",
    Measure("requests/s", more_is_better=True),
    Measure("ms", "median"),
    Measure("ms", "99th percentile"),
    contenders=("oxidask", "dask"),
    sizes=(60,),
    quick=1,
    most_rounds={"oxidask": 1, "dask": 1},
)
def web_tornado(contender: str, n: int) -> tuple[float, float, float]:
    return web(contender, n, tornado=True)


def web(contender: str, seconds: int, tornado: bool) -> tuple[float, float, float]:
    """The example of a web server under load; a request that fails raises."""
    sys.path.append(str(Path(__file__).parents[2] / "examples"))
    import web_server

    distributed = library(contender, "distributed")
    options = argparse.Namespace(port=8765, tornado=tornado, serve=False, load=float(seconds))
    latencies = asyncio.run(web_server.main(options, distributed.Client))
    p99 = latencies[int(len(latencies) * 0.99)]
    return len(latencies) / seconds, statistics.median(latencies) * 1e3, p99 * 1e3
