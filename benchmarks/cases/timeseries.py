"""Time series: a table like that of `datasets.timeseries`, a row each second, in memory.

Everybody ends with all rows of the answer, in the form that `frames` tells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from case import Measure, case, library
from repeated import seconds_of

N_PARTITIONS = 8


def table(n: int, is_shuffled: bool) -> Any:
    """Return rows in the order of their times, or in any."""
    import pandas as pd

    rng = np.random.default_rng(0)
    names = np.array(["Alice", "Bob", "Charlie", "Dan", "Edith", "Frank"], dtype=object)
    times = pd.date_range("2000-01-01", periods=n, freq="s", unit="us", name="timestamp")
    frame = pd.DataFrame(
        {
            "name": pd.Series(names[rng.integers(0, len(names), n)], dtype="str"),
            "id": rng.poisson(1000, n),
            "x": rng.random(n) * 2 - 1,
            "y": rng.random(n) * 2 - 1,
        }
    )
    if is_shuffled:
        return frame.assign(timestamp=times[rng.permutation(n)])
    return frame.set_index(times)


def timed(
    contender: str,
    n: int,
    question: Callable[[Any], Any],
    polars: Callable[[Any, Any], Any],
    sql: str,
    is_shuffled: bool = False,
) -> float:
    """Return how long an answer takes: in the words of pandas, of Polars, or of SQL."""
    frame = table(n, is_shuffled)
    if contender == "pandas":
        return seconds_of(lambda: question(frame))
    if contender in ("polars", "duckdb"):
        flat = frame if is_shuffled else frame.reset_index()
        if contender == "duckdb":
            connection = library(contender).connect()
            connection.execute("create table df as select * from flat")
            return seconds_of(lambda: connection.execute(sql).to_arrow_table())
        pl = library(contender)
        whole = pl.from_pandas(flat)
        if not is_shuffled:
            whole = whole.set_sorted("timestamp")
        return seconds_of(lambda: polars(whole.lazy(), pl).collect())
    dd = library(contender, "dataframe")
    lazy = dd.from_pandas(frame, npartitions=N_PARTITIONS, sort=not is_shuffled)
    return seconds_of(lambda: question(lazy).compute())


def of_times(title: str) -> Any:
    return case(
        title,
        Measure("s"),
        contenders=("oxidask", "dask", "polars", "duckdb", "pandas"),
        sizes=(10_000_000,),
        quick=10_000,
        most_rounds={"dask": 1, "pandas": 1},
        limit_s=120,
    )


@of_times("means of each hour, {n} seconds")
def resample(contender: str, n: int) -> float:
    return timed(
        contender,
        n,
        lambda df: df[["x", "y"]].resample("1h").mean(),
        lambda df, pl: df.group_by_dynamic("timestamp", every="1h").agg(pl.col("x", "y").mean()),
        """select time_bucket(interval 1 hour, timestamp) as hour, avg(x), avg(y)
        from df group by hour order by hour""",
    )


@of_times("means of 100 rows each, {n} seconds")
def rolling_rows(contender: str, n: int) -> float:
    return timed(
        contender,
        n,
        lambda df: df[["x", "y"]].rolling(100).mean(),
        lambda df, pl: df.select("timestamp", pl.col("x", "y").rolling_mean(100)),
        """select timestamp, avg(x) over rows_before as x, avg(y) over rows_before as y from df
        window rows_before as (order by timestamp rows between 99 preceding and current row)
        order by timestamp""",
    )


@of_times("means of the last minute at each row, {n} seconds")
def rolling_times(contender: str, n: int) -> float:
    return timed(
        contender,
        n,
        lambda df: df[["x", "y"]].rolling("60s").mean(),
        lambda df, pl: df.select(
            "timestamp", pl.col("x", "y").rolling_mean_by("timestamp", window_size="60s")
        ),
        """select timestamp, avg(x) over minute as x, avg(y) over minute as y from df
        window minute as (order by timestamp
            range between interval 59 seconds preceding and current row)
        order by timestamp""",
    )


def indexed(df: Any) -> Any:
    import pandas as pd

    df = df.set_index("timestamp")
    # That of pandas itself doesn't sort.
    return df.sort_index() if isinstance(df, pd.DataFrame) else df


@of_times("the times as the index, from rows in any order, {n} seconds")
def set_index(contender: str, n: int) -> float:
    return timed(
        contender,
        n,
        indexed,
        lambda df, pl: df.sort("timestamp"),
        "select * from df order by timestamp",
        is_shuffled=True,
    )
