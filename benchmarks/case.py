"""What a benchmark case is, and the register of them all.

A case is a function of a contender's name and a size that returns what it measured: one number
for each of its measures. It runs in a process of its own (`measure.py`), so it may do what it
likes to it: import one library only, start threads, measure the process's memory.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# One order everywhere: us, whom we replace, a rival, what Python brings along, bare hands.
CONTENDERS = (
    "oxidask",
    "dask",
    "frisky",
    "ray",
    "polars",
    "duckdb",
    "pandas",
    "thread pool",
    "plain",
)


class NotHereError(Exception):
    """A contender is not installed, or can't do this: no number, but no failure either."""


@dataclass(frozen=True)
class Measure:
    """One number that a case returns."""

    unit: str
    what: str = ""
    target: str = ""
    more_is_better: bool = False


@dataclass(frozen=True)
class Case:
    """A thing to measure, at some sizes, for some contenders."""

    name: str
    title: str
    function: Callable[[str, int], float | tuple[float, ...]]
    measures: tuple[Measure, ...]
    contenders: tuple[str, ...]
    sizes: tuple[int, ...]
    quick: int
    # Contenders that are too slow for every size or round: their largest size, their most rounds.
    largest: Mapping[str, int] = field(default_factory=dict)
    most_rounds: Mapping[str, int] = field(default_factory=dict)
    # A measurement that takes longer is given up. The longest is Dask's order of 170,000 tasks.
    limit_s: int = 600

    @property
    def section(self) -> str:
        """The table that the case belongs to: the module that it is written in."""
        return self.name.partition(".")[0]


CASES: dict[str, Case] = {}


def case(title: str, *measures: Measure, **settings: Any) -> Callable[[Any], Any]:
    """Register a function as a case; `settings` are the further fields of :class:`Case`."""

    def register(function: Any) -> Any:
        section = function.__module__.rpartition(".")[2]
        name = f"{section}.{function.__name__}"
        CASES[name] = Case(name, title, function, measures, **settings)
        return function

    return register


def library(contender: str, module: str = "") -> Any:
    """Import a contender's package, or the module of it with that name."""
    full = f"{contender}.{module}" if module else contender
    try:
        return importlib.import_module(full)
    except ModuleNotFoundError as error:
        # A module that is missing from our own package is a failure, not an absence.
        if contender == "oxidask" or error.name != contender:
            raise
        raise NotHereError(f"{contender} is not installed") from None


def scratch() -> Path:
    """A folder for files that outlive one measurement; it goes when the run ends."""
    return Path(os.environ["BENCHMARK_SCRATCH"])


def seconds(function: Callable[..., Any], *args: Any, **kwargs: Any) -> float:
    """Time one call."""
    began = time.perf_counter()
    function(*args, **kwargs)
    return time.perf_counter() - began


def per_call(function: Callable[..., Any], *args: Any, at_least: float = 0.2) -> float:
    """Time calls that are too short to be timed singly: seconds for each of them."""
    calls = 1
    while (took := _loop(function, args, calls)) < at_least:
        calls *= 4
    return took / calls


def _loop(function: Callable[..., Any], args: tuple[Any, ...], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        function(*args)
    return time.perf_counter() - began
