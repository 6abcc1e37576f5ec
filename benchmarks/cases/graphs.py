"""Graphs of arrays: building, optimising and ordering them, nothing computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from case import Measure, case, library, seconds

LESS = Measure("s", "build, optimise, order", target="Dask / 50")
TWO = ("oxidask", "dask")


def graph_cost(contender: str, build: Callable[[Any], Any]) -> float:
    """Time everything that happens before the first task could run."""
    da = library(contender, "array")
    # What is imported and set up once is not the graph's.
    prepare(contender, da.ones(3, chunks=2) + 1)
    return seconds(lambda: prepare(contender, build(da)))


def prepare(contender: str, array: Any) -> None:
    if contender == "oxidask":
        array.explain()
        return
    import dask
    from dask.order import order

    (optimised,) = dask.optimize(array)
    order(dict(optimised.dask))


def shape_of(n: int, ndim: int) -> tuple[int, ...]:
    return (n,) * ndim


@case("`x + 1` on {n} chunks", LESS, contenders=TWO, sizes=(10_000, 100_000), quick=100,
      largest={"dask": 10_000})  # fmt: skip
def elementwise(contender: str, n: int) -> float:
    return graph_cost(contender, lambda da: da.ones((n,), chunks=1) + 1)


@case("`map_overlap` on {n}³ chunks", LESS, contenders=TWO, sizes=(20,), quick=3)
def overlap(contender: str, n: int) -> float:
    def build(da: Any) -> Any:
        x = da.ones(shape_of(n * 10, 3), chunks=10)
        return x.map_overlap(lambda block: block, depth=1, boundary="none", dtype=x.dtype)

    return graph_cost(contender, build)


@case("random take of {n} rows", LESS, contenders=TWO, sizes=(10_000,), quick=100,
      most_rounds={"dask": 1})  # fmt: skip
def take(contender: str, n: int) -> float:
    import numpy as np

    index = np.random.default_rng(0).permutation(n)
    return graph_cost(contender, lambda da: da.ones((n, 100), chunks=(10, 100))[index])


@case("`x @ x` of {n} × {n} blocks", LESS, contenders=TWO, sizes=(40,), quick=4)
def dot(contender: str, n: int) -> float:
    def build(da: Any) -> Any:
        x = da.ones(shape_of(n * 10, 2), chunks=10)
        return x @ x

    return graph_cost(contender, build)


@case("`(x + x.T).sum()` of {n} × {n} blocks", LESS, contenders=TWO, sizes=(300, 600), quick=5,
      largest={"dask": 300}, most_rounds={"dask": 1})  # fmt: skip
def transposed(contender: str, n: int) -> float:
    def build(da: Any) -> Any:
        x = da.ones(shape_of(n, 2), chunks=1)
        return (x + x.T).sum()

    return graph_cost(contender, build)
