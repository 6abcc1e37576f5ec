"""Arrays: the talks' expressions and everyday operations, beside Dask and plain NumPy.

Every operation is timed twice: with all cores, and with one (`num_workers=1`), which is what NumPy
is compared with. Sources are made before the clock starts, except where making them is the case.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from case import Measure, case, library, seconds

CORES = Measure("s", "all cores")
ONE = Measure("s", "one core")
THREE = ("oxidask", "dask", "plain")

# What is asked of an array module `da` (ours, Dask's or NumPy) and of a source made for it.
Ask = Callable[[Any, Any], Any]


def one_thread() -> None:
    """NumPy's own threads would count as further cores."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def array_of(da: Any, values: Any, chunks: Any) -> Any:
    return da.from_array(values, chunks=chunks) if hasattr(da, "from_array") else values


def timed(contender: str, make: Callable[[Any], Any], ask: Ask) -> tuple[float, float]:
    """Time an operation with all cores and with one; the best of three each."""
    one_thread()
    import numpy as np

    if contender == "plain":
        source = make(np)
        ask(np, source)
        best = min(seconds(ask, np, source) for _ in range(3))
        return best, best
    da = library(contender, "array")
    source = make(da)

    def compute(n_workers: int) -> None:
        result = ask(da, source)
        outcome = result.compute(scheduler="threads", num_workers=n_workers)
        del outcome

    compute(2)
    return tuple(min(seconds(compute, n) for _ in range(3)) for n in (2, 1))  # type: ignore[return-value]


def numbers(shape: tuple[int, ...], chunks: Any, da: Any) -> Any:
    import numpy as np

    return array_of(da, np.random.default_rng(0).random(shape), chunks)


def chunked(da: Any) -> dict[str, int]:
    return {"chunks": 1_000_000} if hasattr(da, "from_array") else {}


def normal_mean(da: Any, n: int) -> Any:
    return da.random.normal(10, 0.1, size=n, **chunked(da)).mean()


@case(
    "`random.normal(10, 0.1, size={n}).mean()`",
    Measure("s", "all cores", target="≤ 0.35; Dask / 6, NumPy / 25"),
    ONE,
    contenders=THREE,
    sizes=(200_000_000,),
    quick=2_000_000,
)
def headline(contender: str, n: int) -> tuple[float, float]:
    return timed(contender, lambda _: n, normal_mean)


def generator_mean(da: Any, n: int) -> Any:
    return da.random.default_rng().normal(10, 0.1, size=n, **chunked(da)).mean()


@case(
    "`default_rng().normal(10, 0.1, size={n}).mean()`",
    Measure("s", "all cores", target="NumPy / 25"),
    ONE,
    contenders=THREE,
    sizes=(200_000_000,),
    quick=2_000_000,
)
def generator(contender: str, n: int) -> tuple[float, float]:
    return timed(contender, lambda _: n, generator_mean)


def square(n: int) -> Callable[[Any], Any]:
    return partial(numbers, (n, n), max(n // 10, 1))


def quarters(n: int) -> Callable[[Any], Any]:
    return partial(numbers, (n, n), max(n // 4, 1))


@case(
    "`(x + x.T - x.mean(axis=0)).sum()`, {n} × {n}",
    Measure("s", "all cores", target="≤ 0.15; Dask / 4"),
    ONE,
    contenders=THREE,
    sizes=(10_000,),
    quick=100,
)
def anomaly(contender: str, n: int) -> tuple[float, float]:
    return timed(contender, square(n), lambda da, x: (x + x.T - x.mean(axis=0)).sum())


def vector(n: int) -> Callable[[Any], Any]:
    return partial(numbers, (n,), max(n // 64, 1))


@case(
    "`((sin(x)**2 + cos(x)**2) * 3 - 1).sum()`, {n} numbers",
    Measure("s", "all cores", target="Dask / 4"),
    ONE,
    contenders=THREE,
    sizes=(64_000_000,),
    quick=10_000,
)
def fused(contender: str, n: int) -> tuple[float, float]:
    ask: Ask = lambda da, x: ((da.sin(x) ** 2 + da.cos(x) ** 2) * 3 - 1).sum()  # noqa: E731
    return timed(contender, vector(n), ask)


def operation(
    title: str, size: int, quick: int, make: Any, ask: Ask, contenders: tuple[str, ...] = THREE
) -> Any:
    """Register a case of one operation."""

    def run(contender: str, n: int) -> tuple[float, float]:
        return timed(contender, make(n), ask)

    run.__name__ = "".join(c if c.isalnum() else "_" for c in title.split(",")[0]).strip("_")
    settings: dict[str, Any] = {"contenders": contenders, "sizes": (size,), "quick": quick}
    return case(title, CORES, ONE, **settings)(run)


def thin(n: int) -> Callable[[Any], Any]:
    return partial(numbers, (n, 100), (max(n // 16, 1), 100))


def rows(n: int) -> Callable[[Any], Any]:
    return partial(numbers, (n, n), (max(n // 20, 1), n))


def svd_singular(da: Any, x: Any) -> Any:
    if hasattr(da, "from_array"):
        return da.linalg.svd_compressed(x, 10, seed=0)[1]
    # The same method in NumPy: a random range finder, then the small problem.
    omega = da.random.default_rng(0).standard_normal((x.shape[1], 20))
    q, _ = da.linalg.qr(x @ omega)
    return da.linalg.svd(q.T @ x, full_matrices=False)[1][:10]


def to_columns(da: Any, x: Any) -> Any:
    return x.rechunk((x.shape[0], max(x.shape[0] // 20, 1)))


def smooth(block: Any) -> Any:
    return (block[:-2] + block[1:-1] + block[2:]) / 3


def padded_smooth(block: Any) -> Any:
    import numpy as np

    return np.pad(smooth(block), ((1, 1), (0, 0)), mode="edge")


def overlapped(da: Any, x: Any) -> Any:
    if hasattr(da, "from_array"):
        return x.map_overlap(padded_smooth, depth={0: 1, 1: 0}, boundary="none", dtype=x.dtype)
    return padded_smooth(x)


def sorted_(da: Any, x: Any) -> Any:
    if hasattr(da, "sort"):
        return da.sort(x)
    # Stock Dask has no sort: the nearest is the whole of topk.
    return da.topk(x, x.shape[0])


operation("`x.std()`, {n} numbers", 64_000_000, 10_000, vector, lambda da, x: x.std())
operation("`x @ x`, {n} × {n}", 2_000, 50, square, lambda da, x: x @ x)
operation("`x @ x` in 4 × 4 blocks, {n} × {n}", 2_000, 50, quarters, lambda da, x: x @ x)
operation("`fft.fft(x, axis=1)`, {n} × {n}", 4_000, 50, rows, lambda da, x: da.fft.fft(x, axis=1))
operation("`svd_compressed(x, 10)`, {n} × 100", 1_000_000, 500, thin, svd_singular)
# An array in one piece has no chunks to change.
operation("rechunk rows to columns, {n} × {n}", 8_000, 50, rows, to_columns, ("oxidask", "dask"))
operation("`x.T + 1`, {n} × {n}", 8_000, 50, square, lambda da, x: x.T + 1)
operation("`map_overlap` of a NumPy function, {n} × {n}", 6_000, 60, rows, overlapped)
operation("`cumsum(x, axis=0)`, {n} × {n}", 6_000, 50, square, lambda da, x: da.cumsum(x, axis=0))
operation(
    "`x[x > 0.5].sum()`, {n} numbers", 32_000_000, 10_000, vector, lambda da, x: x[x > 0.5].sum()
)
operation("`sort(x)`, {n} numbers", 16_000_000, 10_000, vector, sorted_)
