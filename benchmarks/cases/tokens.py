"""Small things that everything else does often: tokens, settings; and pictures of graphs."""

from __future__ import annotations

from typing import Any

from case import Measure, NotHereError, case, library, per_call, scratch, seconds

BOTH = ("oxidask", "dask")


@case("`tokenize` of {n} small arguments", Measure("µs"), contenders=BOTH, sizes=(3,), quick=1)
def tokenize_small(contender: str, n: int) -> float:
    tokenize = library(contender, "base").tokenize
    return per_call(tokenize, *(1, "two", 3.0)[:n]) * 1e6


@case(
    "`tokenize` of a list of {n} ints",
    Measure("ms"),
    contenders=BOTH,
    sizes=(1_000_000,),
    quick=100,
)
def tokenize_list(contender: str, n: int) -> float:
    tokenize = library(contender, "base").tokenize
    tokenize([1])
    return seconds(tokenize, list(range(n))) * 1e3


@case(
    "`tokenize` of an array of {n} bytes",
    Measure("ms"),
    contenders=BOTH,
    sizes=(100_000_000,),
    quick=1_000,
)
def tokenize_array(contender: str, n: int) -> float:
    import numpy

    tokenize = library(contender, "base").tokenize
    tokenize(numpy.ones(3))
    return seconds(tokenize, numpy.random.default_rng(0).random(n // 8)) * 1e3


@case(
    "`config.get` of a setting {n} levels down",
    Measure("µs"),
    contenders=BOTH,
    sizes=(2,),
    quick=2,
)
def config_get(contender: str, n: int) -> float:
    config = library(contender, "config")
    names = ".".join("abcdefgh"[:n])
    config.set({names: 1})
    return per_call(config.get, names) * 1e6


def inc(x: int) -> int:
    return x + 1


def join(*parts: Any) -> None:
    """Stand for anything that reads several values."""


def picture(contender: str, n: int, suffix: str) -> float:
    """Draw n tasks: layers of ten times fewer tasks each, down to one."""
    lazy, lazy_join = (library(contender).delayed(f, pure=False) for f in (inc, join))
    row = [lazy(i) for i in range(n // 2)]
    count = len(row)
    while len(row) > 1:
        kept = [lazy(call) for call in row] if count + len(row) < n * 0.8 else row
        row = [lazy_join(*kept[at : at + 5]) for at in range(0, len(kept), 5)]
        count += len(row) + (len(kept) if kept is not row else 0)
    path = scratch() / f"{contender}-{n}.{suffix}"
    try:
        return seconds(row[0].visualize, filename=str(path))
    except RuntimeError as error:
        if contender == "oxidask":
            raise
        raise NotHereError(str(error)) from None  # Dask without the system's graphviz
    finally:
        path.unlink(missing_ok=True)


@case(
    "a picture of about {n} tasks as SVG",
    Measure("s", target="5,000: < 1"),
    contenders=BOTH,
    sizes=(5_000,),
    quick=50,
)
def svg(contender: str, n: int) -> float:
    return picture(contender, n, "svg")


@case(
    "a picture of about {n} tasks as PNG",
    Measure("s", target="5,000: < 1"),
    contenders=BOTH,
    sizes=(5_000,),
    quick=50,
)
def png(contender: str, n: int) -> float:
    return picture(contender, n, "png")
