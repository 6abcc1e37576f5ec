"""TPC-H: its 22 queries from Parquet files, which everybody reads anew at each query.

The sizes are numbers of orders: 1,500,000 are scale 1. `tpch/data.py` says how the files are made.
An answer that is not DuckDB's fails, and has no time.
"""

from __future__ import annotations

from collections.abc import Callable

from case import Measure, case
from repeated import seconds_of
from tpch.answers import compare, right_answer
from tpch.data import ORDERS_OF_SCALE_1
from tpch.engines import question
from tpch.sql import SQL

TITLES = {
    "q1": "pricing summary",
    "q2": "minimum cost supplier",
    "q3": "shipping priority",
    "q4": "order priority checking",
    "q5": "local supplier volume",
    "q6": "forecasting revenue change",
    "q7": "volume shipping",
    "q8": "national market share",
    "q9": "product type profit",
    "q10": "returned items",
    "q11": "important stock",
    "q12": "shipping modes and order priority",
    "q13": "customer distribution",
    "q14": "promotion effect",
    "q15": "top supplier",
    "q16": "parts/supplier relationship",
    "q17": "small-quantity-order revenue",
    "q18": "large volume customers",
    "q19": "discounted revenue",
    "q20": "potential part promotion",
    "q21": "suppliers who kept orders waiting",
    "q22": "global sales opportunity",
}


def measured(query: str) -> Callable[[str, int], float]:
    """Return the function of a case, which is registered by its name."""

    def function(contender: str, n_orders: int) -> float:
        ask = question(contender, query, n_orders)
        compare(ask(), right_answer(query, n_orders))
        return seconds_of(ask)

    function.__name__ = query
    return function


for name in SQL:
    case(
        f"{name}, {TITLES[name]}, of {{n}} orders",
        Measure("s"),
        contenders=("oxidask", "dask", "polars", "duckdb", "pandas"),
        sizes=(ORDERS_OF_SCALE_1,),
        quick=ORDERS_OF_SCALE_1 // 100,
        most_rounds={"dask": 1, "pandas": 1},
        limit_s=60,
    )(measured(name))
