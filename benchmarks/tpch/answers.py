"""What the queries must answer: DuckDB's answers, kept beside the tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from tpch.data import prepared
from tpch.engines import question

# Relative: the order in which floats are added differs.
TOLERANCE = 1e-6


class WrongAnswerError(Exception):
    """An answer that is not DuckDB's: its time says nothing."""


def right_answer(query: str, n_orders: int) -> Any:
    """Return DuckDB's answer, from the folder of the tables once it is known."""
    import pandas as pd

    path = prepared(n_orders) / "answers" / f"{query}.parquet"
    if path.exists():
        return pd.read_parquet(path)
    # A sum of no rows is null in SQL, and 0 in pandas.
    answer = question("duckdb", query, n_orders)().fillna(0)
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    answer.to_parquet(unfinished)
    Path(unfinished).rename(path)
    return answer


def compare(answer: Any, right: Any) -> None:
    """Raise unless two answers are the same, whatever the order of rows and of columns.

    Raises
    ------
    WrongAnswerError
        Naming the first difference.
    """
    if not hasattr(answer, "columns"):
        answer = table_of(answer).set_axis(right.columns, axis=1)
    if sorted(answer.columns) != sorted(right.columns):
        raise WrongAnswerError(f"columns {list(answer.columns)} instead of {list(right.columns)}")
    if len(answer) != len(right):
        raise WrongAnswerError(f"{len(answer):,} rows instead of {len(right):,}")
    floats = [name for name in right.columns if right[name].dtype.kind == "f"]
    others = [name for name in right.columns if name not in floats]
    # Floats come last: they may differ in their last digits, so they decide only among equals.
    ours = answer.sort_values([*others, *floats])
    theirs = right.sort_values([*others, *floats])
    for name in right.columns:
        _compare_columns(name, ours[name].to_numpy(), theirs[name].to_numpy())


def table_of(number: float) -> Any:
    """Return a lone number as SQL has it."""
    import pandas as pd

    return pd.DataFrame({"number": [float(number)]})


def _compare_columns(name: str, ours: Any, theirs: Any) -> None:
    if theirs.dtype.kind == "f":
        is_same = np.isclose(ours.astype(float), theirs, rtol=TOLERANCE, atol=0, equal_nan=True)
    else:
        is_same = ours == theirs
    if not is_same.all():
        at = int(np.argmin(is_same))
        raise WrongAnswerError(f"{name} is {ours[at]!r} instead of {theirs[at]!r}")
