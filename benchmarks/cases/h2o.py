"""The ten group-by and five join questions of h2o's benchmark, on tables in memory.

Everybody has the tables in its own form before, and afterwards: pandas, Dask and Oxidask in pandas'
dataframes, Polars in its own, DuckDB in its tables and an Arrow table.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from case import Measure, case, library
from h2o.data import to_group, to_join
from h2o.questions import GROUPS, JOINS, SQL_GROUPS, SQL_JOINS, polars_groups, polars_joins
from repeated import seconds_of

N_PARTITIONS = 8


def tables(contender: str, kind: str, n: int) -> SimpleNamespace:
    """Return the tables in a contender's form."""
    import pandas as pd

    folder = to_group(n) if kind == "groups" else to_join(n)
    frames = {path.stem: path for path in folder.glob("*.parquet")}
    if contender == "polars":
        pl = library(contender)
        return SimpleNamespace(**{name: pl.read_parquet(p).lazy() for name, p in frames.items()})
    read = {name: pd.read_parquet(path) for name, path in frames.items()}
    if contender != "pandas":
        dd = library(contender, "dataframe")
        for name, frame in read.items():
            # A partition for a small table, as Dask's own guide has it.
            count = N_PARTITIONS if len(frame) * 100 > n else 1
            read[name] = dd.from_pandas(frame, npartitions=count, sort=False)
    return SimpleNamespace(**read)


def duckdb_question(kind: str, number: int, n: int) -> Callable[[], Any]:
    connection = library("duckdb").connect()
    folder = to_group(n) if kind == "groups" else to_join(n)
    for path in folder.glob("*.parquet"):
        connection.execute(f"create table {path.stem} as select * from '{path}'")
    text = SQL_GROUPS[number] if kind == "groups" else SQL_JOINS[number]
    return lambda: connection.execute(text).to_arrow_table()


def question(contender: str, kind: str, number: int, n: int) -> Callable[[], Any]:
    """Return what answers a question."""
    if contender == "duckdb":
        return duckdb_question(kind, number, n)
    t = tables(contender, kind, n)
    if contender == "polars":
        pl = library("polars")
        if kind == "groups":
            return lambda: polars_groups(pl, t.x, number).collect()
        return lambda: polars_joins(t, number).collect()
    ask = GROUPS[number - 1] if kind == "groups" else JOINS[number - 1]
    on: Any = t.x if kind == "groups" else t
    if contender == "pandas":
        return lambda: ask(on)
    return lambda: ask(on).compute()


def measured(kind: str, number: int) -> Callable[[str, int], float]:
    """Return the function of a case, which is registered by its name."""

    def function(contender: str, n: int) -> float:
        return seconds_of(question(contender, kind, number, n))

    function.__name__ = f"{kind}_{number}"
    return function


for the_kind, questions, what in (("groups", GROUPS, "groups"), ("joins", JOINS, "join")):
    for the_number, asked in enumerate(questions, 1):
        said = (asked.__doc__ or "").strip().rstrip(".")
        case(
            f"{what} {the_number} of {{n}} rows: {said[0].lower()}{said[1:]}",
            Measure("s"),
            contenders=("oxidask", "dask", "polars", "duckdb", "pandas"),
            sizes=(10_000_000,),
            quick=1_000,
            most_rounds={"dask": 1, "pandas": 1},
            limit_s=120,
        )(measured(the_kind, the_number))
