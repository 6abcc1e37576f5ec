"""Dataframes: the shapes of h2o's questions, joins, sorts and files, on all cores.

`plain` is pandas. Every contender starts from the same pandas dataframe in memory, or from the same
files, and ends with a pandas object.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from case import Measure, case, library

SECONDS = Measure("s")
CONTENDERS = ("oxidask", "dask", "plain")
N_PARTITIONS = 8


def table(n: int) -> Any:
    """Return a table like those of h2o's group-by benchmark, with fewer columns."""
    import pandas as pd

    rng = np.random.default_rng(0)
    names = np.array([f"id{i:03d}" for i in range(100)], dtype=object)
    return pd.DataFrame(
        {
            "id1": pd.Series(names[rng.integers(0, 100, n)], dtype="str"),
            "id4": rng.integers(0, 100, n),
            "id6": rng.integers(0, max(1, n // 100), n),
            "v1": rng.integers(0, 5, n),
            "v3": rng.random(n) * 100,
        }
    )


def timed(contender: str, n: int, question: Callable[[Any, Any], Any]) -> float:
    """Return the median seconds of three answers to a question of the table."""
    frame = table(n)
    if contender == "plain":
        return ask(lambda: question(frame, frame.head(0)))
    dd = library(contender, "dataframe")
    lazy = dd.from_pandas(frame, npartitions=N_PARTITIONS, sort=False)
    return ask(lambda: question(lazy, dd).compute())


def ask(question: Callable[[], Any]) -> float:
    took = []
    for _ in range(3):
        began = time.perf_counter()
        question()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def of_frames(title: str) -> Any:
    return case(
        title,
        SECONDS,
        contenders=CONTENDERS,
        sizes=(10_000_000,),
        quick=1_000,
        most_rounds={"dask": 1},
    )


@of_frames("sum by 100 texts, {n} rows")
def sum_by_text(contender: str, n: int) -> float:
    return timed(contender, n, lambda df, _: df.groupby("id1").v1.sum())


@of_frames("sum by two keys of 100 values, {n} rows")
def sum_by_two_keys(contender: str, n: int) -> float:
    return timed(contender, n, lambda df, _: df.groupby(["id1", "id4"]).v1.sum())


@of_frames("sums of two columns by n / 100 integers, {n} rows")
def sums_by_many(contender: str, n: int) -> float:
    return timed(contender, n, lambda df, _: df.groupby("id6")[["v1", "v3"]].sum())


@of_frames("mean and standard deviation by 100 integers, {n} rows")
def moments(contender: str, n: int) -> float:
    return timed(contender, n, lambda df, _: df.groupby("id4").v3.agg(["mean", "std"]))


@of_frames("sum of the rows that meet a condition, {n} rows")
def filtered(contender: str, n: int) -> float:
    return timed(contender, n, lambda df, _: one(df[df.v3 > 50].v1.sum()))


@of_frames("join with a table of n / 100 rows and the mean of a column, {n} rows")
def join(contender: str, n: int) -> float:
    import pandas as pd

    other = pd.DataFrame({"id6": np.arange(max(1, n // 100)), "w": 1.5})
    return timed(contender, n, lambda df, _: one(df.merge(other, on="id6").w.mean()))


@of_frames("all rows in order of a column of floats, {n} rows")
def sort(contender: str, n: int) -> float:
    return timed(contender, n, lambda df, _: df[["v3", "v1"]].sort_values("v3"))


class One:
    """A number that pandas has computed already."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def compute(self) -> Any:
        """Give the number."""
        return self.value


def one(value: Any) -> Any:
    return value if hasattr(value, "compute") else One(value)


@of_frames("mean by 100 texts of a Parquet file of {n} rows")
def parquet(contender: str, n: int) -> float:
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "table.parquet")
        table(n).to_parquet(path, row_group_size=max(1, n // N_PARTITIONS))
        if contender == "plain":
            columns = ["id1", "v3"]
            return ask(lambda: pd.read_parquet(path, columns=columns).groupby("id1").v3.mean())
        dd = library(contender, "dataframe")
        read = {"split_row_groups": True}
        return ask(lambda: dd.read_parquet(path, **read).groupby("id1").v3.mean().compute())


@of_frames("mean by 100 texts of a CSV file of {n} / 10 rows")
def csv(contender: str, n: int) -> float:
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "table.csv")
        table(n // 10).to_csv(path, index=False)
        if contender == "plain":
            return ask(lambda: pd.read_csv(path).groupby("id1").v3.mean())
        dd = library(contender, "dataframe")
        read = {"blocksize": "16MB"}
        return ask(lambda: dd.read_csv(path, **read).groupby("id1").v3.mean().compute())
