"""Dataframes: groups, joins, sorts and files, on all cores.

Everybody starts from the same table in memory, in its own form, or from the same files. Polars ends
with a frame of its own and DuckDB with an Arrow table, all others with a pandas object.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from case import Measure, case, library
from repeated import seconds_of

SECONDS = Measure("s")
CONTENDERS = ("oxidask", "dask", "polars", "duckdb", "pandas")
N_PARTITIONS = 8

Question = Callable[[Any], Any]


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


def timed(contender: str, n: int, question: Question, polars: Question, sql: str) -> float:
    """Return how long an answer takes: in the words of pandas, of Polars, or of SQL."""
    frame = table(n)
    if contender == "pandas":
        return seconds_of(lambda: question(frame))
    if contender == "polars":
        lazy = library(contender).from_pandas(frame).lazy()
        return seconds_of(lambda: polars(lazy).collect())
    if contender == "duckdb":
        connection = library(contender).connect()
        connection.execute("create table df as select * from frame")
        return seconds_of(lambda: connection.execute(sql).to_arrow_table())
    dd = library(contender, "dataframe")
    lazy = dd.from_pandas(frame, npartitions=N_PARTITIONS, sort=False)
    return seconds_of(lambda: question(lazy).compute())


def of_frames(title: str) -> Any:
    return case(
        title,
        SECONDS,
        contenders=CONTENDERS,
        sizes=(10_000_000,),
        quick=1_000,
        most_rounds={"dask": 1, "pandas": 1},
        limit_s=120,
    )


def column(name: str) -> Any:
    """Return a column in Polars' words."""
    import polars

    return polars.col(name)


@of_frames("sum by 100 texts, {n} rows")
def sum_by_text(contender: str, n: int) -> float:
    return timed(
        contender,
        n,
        lambda df: df.groupby("id1").v1.sum(),
        lambda df: df.group_by("id1").agg(column("v1").sum()),
        "select id1, sum(v1) from df group by id1",
    )


@of_frames("sum by two keys of 100 values, {n} rows")
def sum_by_two_keys(contender: str, n: int) -> float:
    return timed(
        contender,
        n,
        lambda df: df.groupby(["id1", "id4"]).v1.sum(),
        lambda df: df.group_by(["id1", "id4"]).agg(column("v1").sum()),
        "select id1, id4, sum(v1) from df group by id1, id4",
    )


@of_frames("sums of two columns by n / 100 integers, {n} rows")
def sums_by_many(contender: str, n: int) -> float:
    return timed(
        contender,
        n,
        lambda df: df.groupby("id6")[["v1", "v3"]].sum(),
        lambda df: df.group_by("id6").agg(column("v1").sum(), column("v3").sum()),
        "select id6, sum(v1), sum(v3) from df group by id6",
    )


@of_frames("mean and standard deviation by 100 integers, {n} rows")
def moments(contender: str, n: int) -> float:
    v3 = "v3"
    return timed(
        contender,
        n,
        lambda df: df.groupby("id4").v3.agg(["mean", "std"]),
        lambda df: df.group_by("id4").agg(column(v3).mean(), column(v3).std().alias("std")),
        "select id4, avg(v3), stddev(v3) from df group by id4",
    )


@of_frames("sum of the rows that meet a condition, {n} rows")
def filtered(contender: str, n: int) -> float:
    return timed(
        contender,
        n,
        lambda df: df[df.v3 > 50].v1.sum(),
        lambda df: df.filter(column("v3") > 50).select(column("v1").sum()),
        "select sum(v1) from df where v3 > 50",
    )


@of_frames("join with a table of n / 100 rows and the mean of a column, {n} rows")
def join(contender: str, n: int) -> float:
    import pandas as pd

    other = pd.DataFrame({"id6": np.arange(max(1, n // 100)), "w": 1.5})
    return timed(
        contender,
        n,
        lambda df: df.merge(other, on="id6").w.mean(),
        lambda df: df.join(lazily(other), on="id6").select(column("w").mean()),
        "select avg(w) from df join (select range as id6, 1.5::double as w "
        f"from range({len(other)})) using (id6)",
    )


def lazily(frame: Any) -> Any:
    import polars

    return polars.from_pandas(frame).lazy()


@of_frames("all rows in order of a column of floats, {n} rows")
def sort(contender: str, n: int) -> float:
    return timed(
        contender,
        n,
        lambda df: df[["v3", "v1"]].sort_values("v3"),
        lambda df: df.select("v3", "v1").sort("v3"),
        "select v3, v1 from df order by v3",
    )


def from_file(contender: str, path: str, kind: str, **settings: Any) -> float:
    """Return how long the means by a text take, from a file."""
    if contender == "duckdb":
        connection = library(contender).connect()
        sql = f"select id1, avg(v3) from '{path}' group by id1"
        return seconds_of(lambda: connection.execute(sql).to_arrow_table())
    if contender == "polars":
        pl = library(contender)
        scan = getattr(pl, f"scan_{kind}")
        return seconds_of(lambda: scan(path).group_by("id1").agg(pl.col("v3").mean()).collect())
    if contender == "pandas":
        import pandas as pd

        read = getattr(pd, f"read_{kind}")
        only = {"columns" if kind == "parquet" else "usecols": ["id1", "v3"]}
        return seconds_of(lambda: read(path, **only).groupby("id1").v3.mean())
    read = getattr(library(contender, "dataframe"), f"read_{kind}")
    return seconds_of(lambda: read(path, **settings).groupby("id1").v3.mean().compute())


@of_frames("mean by 100 texts of a Parquet file of {n} rows")
def parquet(contender: str, n: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "table.parquet")
        table(n).to_parquet(path, row_group_size=max(1, n // N_PARTITIONS))
        return from_file(contender, path, "parquet", split_row_groups=True)


@of_frames("mean by 100 texts of a CSV file of {n} / 10 rows")
def csv(contender: str, n: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "table.csv")
        table(n // 10).to_csv(path, index=False)
        return from_file(contender, path, "csv", blocksize="16MB")
