"""Delayed calls: what one costs to make, and what many cost to compute."""

from __future__ import annotations

from typing import Any

from case import Measure, case, library, seconds


def inc(x: int) -> int:
    return x + 1


@case(
    "making {n} calls",
    Measure("µs/call", target="≤ 2, flat"),
    contenders=("oxidask", "dask"),
    sizes=(1_000, 10_000, 100_000, 1_000_000),
    quick=100,
    largest={"dask": 10_000},
)
def independent_calls(contender: str, n: int) -> float:
    lazy = library(contender).delayed(inc, pure=False)
    lazy(0)
    return seconds(lambda: [lazy(i) for i in range(n)]) / n * 1e6


@case(
    "making {n} calls, each on the last",
    Measure("µs/call", target="≤ 2, flat"),
    contenders=("oxidask", "dask"),
    sizes=(1_000, 10_000, 100_000, 1_000_000),
    quick=100,
    largest={"dask": 10_000},
)
def chained_calls(contender: str, n: int) -> float:
    lazy = library(contender).delayed(inc, pure=False)

    def chain() -> Any:
        value = lazy(0)
        for _ in range(n - 1):
            value = lazy(value)
        return value

    return seconds(chain) / n * 1e6


@case(
    "making {n} pure calls",
    Measure("µs/call"),
    contenders=("oxidask", "dask"),
    sizes=(1_000, 10_000, 100_000),
    quick=100,
    largest={"dask": 10_000},
)
def pure_calls(contender: str, n: int) -> float:
    lazy = library(contender).delayed(inc, pure=True)
    lazy(0)
    return seconds(lambda: [lazy(i) for i in range(n)]) / n * 1e6


@case(
    "`delayed(sum)` of {n} calls: making it",
    Measure("µs/leaf"),
    contenders=("oxidask", "dask"),
    sizes=(1_000, 10_000, 100_000),
    quick=100,
    largest={"dask": 10_000},
)
def sum_made(contender: str, n: int) -> float:
    delayed = library(contender).delayed
    lazy = delayed(inc, pure=False)
    leaves = [lazy(i) for i in range(n)]
    return seconds(lambda: delayed(sum)(leaves)) / n * 1e6


@case(
    "`delayed(sum)` of {n} calls: `compute`",
    Measure("µs/leaf", target="flat"),
    contenders=("oxidask", "dask"),
    sizes=(1_000, 10_000, 100_000),
    quick=100,
    largest={"dask": 10_000},
)
def sum_computed(contender: str, n: int) -> float:
    delayed = library(contender).delayed
    lazy = delayed(inc, pure=False)
    lazy(0).compute()
    total = delayed(sum)([lazy(i) for i in range(n)])
    return seconds(total.compute) / n * 1e6
