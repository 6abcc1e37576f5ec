"""Has each contender answer a query, from files to a dataframe of pandas."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from case import library

from tpch.data import ORDERS_OF_SCALE_1, TABLES, prepared
from tpch.sql import SQL

Question = Callable[[], Any]


class Tables:
    """The tables as attributes, read when asked for; and the scale."""

    def __init__(self, scale: float, read: Callable[[str], Any]) -> None:
        self.scale = scale
        self._read = read

    def __getattr__(self, name: str) -> Any:
        if name not in TABLES:
            raise AttributeError(name)
        table = self._read(name)
        setattr(self, name, table)
        return table


def columns_of(query: str) -> dict[str, list[str]]:
    """Return the columns of each table that a query names: pandas doesn't find out itself."""
    prefixes = {"l": "lineitem", "o": "orders", "ps": "partsupp", "p": "part"}
    prefixes |= {"c": "customer", "s": "supplier", "n": "nation", "r": "region"}
    columns: dict[str, list[str]] = {}
    for column, prefix in re.findall(r"\b((ps|[loprcsn])_[a-z0-9]+)\b", SQL[query]):
        if column not in ("l_year", "o_year", "c_count", "c_orders"):
            named = columns.setdefault(prefixes[prefix], [])
            if column not in named:
                named.append(column)
    return columns


def question(contender: str, query: str, n_orders: int) -> Question:
    """Return a function that answers a query from the files."""
    folder = prepared(n_orders)
    scale = n_orders / ORDERS_OF_SCALE_1
    ways = {"duckdb": _duckdb, "polars": _polars, "pandas": _pandas}
    return ways.get(contender, _collections)(contender, query, folder, scale)


def _collections(contender: str, query: str, folder: Path, scale: float) -> Question:
    from tpch.queries import QUERIES

    dd = library(contender, "dataframe")

    def ask() -> Any:
        tables = Tables(scale, lambda name: dd.read_parquet(str(folder / name)))
        return QUERIES[query](tables).compute()

    return ask


def _pandas(contender: str, query: str, folder: Path, scale: float) -> Question:
    import pandas as pd

    from tpch.queries import QUERIES

    columns = columns_of(query)

    def ask() -> Any:
        tables = Tables(scale, lambda name: pd.read_parquet(folder / name, columns=columns[name]))
        return QUERIES[query](tables)

    return ask


def _duckdb(contender: str, query: str, folder: Path, scale: float) -> Question:
    connection = library(contender).connect()
    for name in TABLES:
        files = str(folder / name / "*.parquet")
        connection.execute(f"create view {name} as select * from read_parquet('{files}')")
    text = SQL[query].replace("{scale}", repr(scale))
    return lambda: connection.execute(text).df()


def _polars(contender: str, query: str, folder: Path, scale: float) -> Question:
    pl = library(contender)
    text = SQL[query].replace("{scale}", repr(scale))

    def ask() -> Any:
        scans = {name: pl.scan_parquet(folder / name / "*.parquet") for name in TABLES}
        return pl.SQLContext(scans).execute(text).collect().to_pandas()

    return ask
