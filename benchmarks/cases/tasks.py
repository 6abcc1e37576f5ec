"""What the schedulers themselves cost: tasks that do nothing, as microseconds for each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from case import Measure, case, library, seconds
from frisky_cluster import client

COST = Measure("µs/task", target="≤ 2")
EVERYBODY = ("oxidask", "dask", "frisky", "thread pool")


def nop(*args: Any) -> None:
    """Do nothing."""


@contextmanager
def scheduler(contender: str) -> Iterator[Any]:
    """Give the contender's function that takes a graph and keys, with its threads running."""
    if contender == "frisky":
        with client() as connected:
            connected.get({"warm": (nop,)}, "warm")
            yield connected.get
    else:
        get = library(contender, "threaded").get
        get({("warm", i): (nop,) for i in range(100)}, [("warm", i) for i in range(100)])
        yield get


@contextmanager
def thread_pool() -> Iterator[ThreadPoolExecutor]:
    """Give a pool with a thread for each core, running."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(nop, range(100)))
        yield pool


def cost(get: Any, graph: dict[Any, Any], keys: Any) -> float:
    """Microseconds for each task of a graph."""
    return seconds(get, graph, keys) / len(graph) * 1e6


@case(
    "one task at a time, `threaded.get`",
    Measure("µs"),
    contenders=EVERYBODY,
    sizes=(1_000,),
    quick=10,
)
def alone(contender: str, n: int) -> float:
    if contender == "thread pool":
        with thread_pool() as pool:
            return seconds(lambda: [pool.submit(nop).result() for _ in range(n)]) / n * 1e6
    graph = {"x": (nop,)}
    with scheduler(contender) as get:
        return seconds(lambda: [get(graph, "x") for _ in range(n)]) / n * 1e6


@case(
    "{n} independent tasks, `threaded.get`",
    COST,
    contenders=EVERYBODY,
    sizes=(10_000, 100_000),
    quick=100,
    largest={"dask": 10_000, "frisky": 10_000},
)
def independent(contender: str, n: int) -> float:
    if contender == "thread pool":
        with thread_pool() as pool:
            return seconds(lambda: list(pool.map(nop, range(n)))) / n * 1e6
    graph = {("nop", i): (nop,) for i in range(n)}
    with scheduler(contender) as get:
        return cost(get, graph, list(graph))


@case(
    "{n} tasks that feed one, `threaded.get`",
    COST,
    contenders=EVERYBODY,
    sizes=(10_000, 100_000),
    quick=100,
    largest={"dask": 10_000, "frisky": 10_000},
)
def fan_in(contender: str, n: int) -> float:
    if contender == "thread pool":

        def by_hand(pool: ThreadPoolExecutor) -> None:
            parts = [pool.submit(nop, i) for i in range(n)]
            pool.submit(nop, [part.result() for part in parts]).result()

        with thread_pool() as pool:
            return seconds(by_hand, pool) / n * 1e6
    graph: dict[Any, Any] = {("nop", i): (nop,) for i in range(n)}
    graph["sink"] = (nop, list(graph))
    with scheduler(contender) as get:
        return cost(get, graph, "sink")


@case(
    "{n} tasks, each feeding the next, `threaded.get`",
    COST,
    contenders=EVERYBODY,
    sizes=(2_000, 100_000),
    quick=100,
    largest={"dask": 2_000, "frisky": 2_000},
)
def chain(contender: str, n: int) -> float:
    if contender == "thread pool":

        def by_hand(pool: ThreadPoolExecutor) -> None:
            value = None
            for _ in range(n):
                value = pool.submit(nop, value).result()

        with thread_pool() as pool:
            return seconds(by_hand, pool) / n * 1e6
    graph: dict[Any, Any] = {("nop", i): (nop, ("nop", i - 1)) for i in range(1, n)}
    graph["nop", 0] = (nop,)
    with scheduler(contender) as get:
        return cost(get, graph, ("nop", n - 1))


@case(
    "{n} independent tasks, `local.get_sync`",
    COST,
    contenders=("oxidask", "dask"),
    sizes=(10_000,),
    quick=100,
)
def sync(contender: str, n: int) -> float:
    get = library(contender, "local").get_sync
    get({"warm": (nop,)}, "warm")
    graph = {("nop", i): (nop,) for i in range(n)}
    return cost(get, graph, list(graph))


@case(
    "{n} delayed calls that feed one, `compute` with a callback active",
    Measure("µs/task"),
    contenders=("oxidask", "dask"),
    sizes=(2_000, 50_000),
    quick=100,
    largest={"dask": 2_000},
)
def observed(contender: str, n: int) -> float:
    delayed = library(contender).delayed
    lazy = delayed(nop, pure=False)
    total = delayed(nop)([lazy() for _ in range(n)])
    with scheduler(contender), library(contender, "callbacks").Callback(posttask=nop):
        return seconds(total.compute, scheduler="threads") / n * 1e6


@case(
    "{n} independent tasks, `multiprocessing.get` on a running pool",
    Measure("µs/task"),
    contenders=("oxidask", "dask"),
    sizes=(5_000,),
    quick=20,
)
def processes(contender: str, n: int) -> float:
    get = library(contender, "multiprocessing").get
    graph = {("nop", i): (nop,) for i in range(n)}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        get({("warm", i): (nop,) for i in range(20)}, [("warm", i) for i in range(20)], pool=pool)
        return seconds(get, graph, list(graph), pool=pool) / n * 1e6


@case(
    "a dict of {n} tasks, a binary tree, ordered and run",
    Measure("s", target="1,000,000: < 3"),
    contenders=("oxidask", "dask"),
    sizes=(20_000, 1_000_000),
    quick=100,
    largest={"dask": 20_000},
)
def tree_of_tuples(contender: str, n: int) -> float:
    graph: dict[Any, Any] = {}
    for i in range(1, n + 1):
        inputs = [("tree", child) for child in (2 * i, 2 * i + 1) if child <= n]
        graph["tree", i] = (nop, *inputs)
    with scheduler(contender) as get:
        return seconds(get, graph, ("tree", 1))


@case(
    "{n} delayed calls, a binary tree, ordered and run",
    Measure("s", target="1,000,000: < 3"),
    contenders=("oxidask", "dask"),
    sizes=(20_000, 1_000_000),
    quick=100,
    largest={"dask": 20_000},
)
def tree_of_calls(contender: str, n: int) -> float:
    lazy = library(contender).delayed(nop, pure=False)
    calls: list[Any] = [None] * (n + 1)
    for i in range(n, 0, -1):
        calls[i] = lazy(*(calls[child] for child in (2 * i, 2 * i + 1) if child <= n))
    with scheduler(contender):
        return seconds(calls[1].compute, scheduler="threads")
