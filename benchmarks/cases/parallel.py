"""Parallel work: whether two tasks on two cores take the time of one."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from case import Measure, case, library, seconds

TWO_TO_ONE = Measure("time of two / time of one", target="≈ 1")
IN_TURN = Measure("times as fast as in turn", target="2 cores: ≥ 1.8", more_is_better=True)
THREADS = ("oxidask", "dask", "thread pool")


def two_to_one(contender: str, work: Callable[[Any], Any], argument: Any) -> float:
    """Time two equal tasks side by side on two threads, and divide by the time of one."""
    work(argument)
    with ThreadPoolExecutor(2) as pool:

        def both() -> None:
            if contender == "thread pool":
                list(pool.map(work, [argument, argument]))
            else:
                get = library(contender, "threaded").get
                graph = {("both", i): (work, argument) for i in range(2)}
                get(graph, list(graph), num_workers=2)

        both()
        alone = min(seconds(work, argument) for _ in range(3))
        return min(seconds(both) for _ in range(3)) / alone


@case(
    "two tasks that sleep {n} ms",
    TWO_TO_ONE,
    contenders=THREADS,
    sizes=(200,),
    quick=10,
)
def sleep(contender: str, n: int) -> float:
    return two_to_one(contender, time.sleep, n / 1000)


@case(
    "two NumPy tasks over {n} numbers",
    TWO_TO_ONE,
    contenders=THREADS,
    sizes=(3_000_000,),
    quick=1_000,
)
def numpy(contender: str, n: int) -> float:
    import numpy as np

    numbers = np.random.default_rng(0).random(n)
    return two_to_one(contender, lambda x: np.sin(np.cos(np.sin(np.cos(x)))).sum(), numbers)


@case(
    "two tasks that compress {n} bytes",
    TWO_TO_ONE,
    contenders=THREADS,
    sizes=(8_000_000,),
    quick=1_000,
)
def compress(contender: str, n: int) -> float:
    return two_to_one(contender, zlib.compress, b"all work and no play " * (n // 21))


def count_primes(up_to: int) -> int:
    """Work in plain Python, which holds the lock all the time."""
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, up_to))


@case(
    "8 tasks of plain Python (primes to {n}) on processes, started for it",
    IN_TURN,
    contenders=("oxidask", "dask", "plain"),
    sizes=(400_000,),
    quick=100,
)
def processes(contender: str, n: int) -> float:
    in_turn = 8 * seconds(count_primes, n)
    if contender == "plain":

        def run() -> None:
            with ProcessPoolExecutor(2) as pool:
                list(pool.map(count_primes, [n] * 8))

        return in_turn / seconds(run)
    get = library(contender, "multiprocessing").get
    graph = {("primes", i): (count_primes, n) for i in range(8)}
    return in_turn / seconds(get, graph, list(graph), num_workers=2)
