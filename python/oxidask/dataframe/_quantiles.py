"""Quantiles, exactly: values are sorted over partitions, and those in the right places picked."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask._native import FrameExpr
from oxidask.dataframe._collection import new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd

__all__ = ["described", "quantiles"]


def _is_number(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "iuf"


def quantiles(df: Any, q: Any) -> FrameExpr | None:
    """Return the expression of quantiles as pandas has them; None where it must see all rows.

    Parameters
    ----------
    df
        A series, or a dataframe of which each column is sorted by itself.
    q
        A share, or a list of such.
    """
    meta = df._meta
    labels = [None] if meta.ndim == 1 else list(meta.columns)
    dtypes = [meta.dtype] if meta.ndim == 1 else list(meta.dtypes)
    shares = np.atleast_1d(np.asarray(q, "f8"))
    if df.npartitions == 1 or not labels or not all(map(_is_number, dtypes)):
        return None
    if len(set(labels)) < len(labels) or not ((shares >= 0) & (shares <= 1)).all():
        return None
    found = [_of_column(df if meta.ndim == 1 else df[label], shares) for label in labels]
    name = meta.name if meta.ndim == 1 else None
    literals = [("literal", x) for x in (q, name, None if meta.ndim == 1 else meta.columns)]
    args = [*literals, *(("partition", expr) for expr in found)]
    return python_layer(_together, args, 1, name="quantile")


def _of_column(column: Any, shares: Any) -> FrameExpr:
    ordered = column.dropna().sort_values()._expr
    n = ordered.npartitions
    counts = python_layer(len, [("partition", ordered)], n, name="quantile-count")
    starts = python_layer(_starts, [("every", counts)], 1, name="quantile-starts")
    said: list[tuple[Any, ...]] = [("literal", shares), ("partition", starts)]
    args = [*said, ("index",), ("partition", ordered)]
    picked = python_layer(_picked, args, n, name="quantile-pick")
    return python_layer(_between, [*said, ("every", picked)], 1, name="quantile-values")


def _starts(counts: list[int]) -> Any:
    return np.cumsum([0, *counts])


def _places(shares: Any, n: int) -> tuple[Any, Any, Any]:
    """Return the places of the values on both sides, and how far from the first one to go."""
    exact = shares * (n - 1)
    low = np.floor(exact).astype("i8")
    return low, np.minimum(low + 1, n - 1), exact - low


def _picked(shares: Any, starts: Any, index: tuple[int, ...], part: Any) -> dict[int, Any]:
    first, n = int(starts[index[0]]), int(starts[-1])
    if not n:
        return {}
    low, high, _ = _places(shares, n)
    wanted = {int(at) for at in (*low, *high) if first <= at < first + len(part)}
    values = part.to_numpy()
    return {at: values[at - first] for at in wanted}


def _between(shares: Any, starts: Any, picked: list[dict[int, Any]]) -> Any:
    n = int(starts[-1])
    if not n:
        return np.full(len(shares), np.nan)
    values = {at: value for part in picked for at, value in part.items()}
    low, high, share = _places(shares, n)
    a = np.array([values[int(at)] for at in low], "f8")
    b = np.array([values[int(at)] for at in high], "f8")
    # As NumPy: from the nearer side, so that whole steps are exact; infinities stay.
    with np.errstate(invalid="ignore"):
        moved = np.where(share < 0.5, a + (b - a) * share, b - (b - a) * (1 - share))
    return np.where((a == b) | (share == 0), a, moved)


def _together(q: Any, name: Any, columns: Any, *found: Any) -> Any:
    is_one = not pd.api.types.is_list_like(q)
    if columns is None:
        return found[0][0] if is_one else pd.Series(found[0], index=pd.Index(q), name=name)
    table = np.stack(found, axis=1)
    if is_one:
        return pd.Series(table[0], index=columns, name=q)
    return pd.DataFrame(table, index=pd.Index(q), columns=columns)


def described(df: Any, percentiles: Any) -> Any:
    """Return statistics of columns of numbers; None where pandas must see all rows."""
    meta = df._meta
    dtypes = [meta.dtype] if meta.ndim == 1 else list(meta.dtypes)
    if any(getattr(dtype, "kind", "O") in "mM" for dtype in dtypes):
        return None
    if meta.ndim == 2:
        labels = [label for label, dtype in meta.dtypes.items() if _is_number(dtype)]
        odd = [d for d in dtypes if not _is_number(d) and pd.api.types.is_numeric_dtype(d)]
        is_bool = all(pd.api.types.is_bool_dtype(d) for d in odd)
        if not labels or not is_bool or not meta.columns.is_unique:
            return None
        df = df[labels]
    shares = [0.25, 0.5, 0.75] if percentiles is None else list(percentiles)
    found = quantiles(df, shares)
    if found is None:
        return None
    expected = type(meta).describe(df._meta_nonempty, percentiles=percentiles)
    parts = [df.count(), df.mean(), df.std(), df.min()]
    args = [
        ("literal", expected.iloc[:0]),
        ("literal", list(expected.index)),
        *(("partition", part._expr) for part in (*parts, df.max())),
        ("partition", found),
    ]
    return new_collection(python_layer(_statistics, args, 1, name="describe"), expected.iloc[:0])


def _statistics(
    meta: Any, labels: list[Any], count: Any, mean: Any, std: Any, low: Any, high: Any, inner: Any
) -> Any:
    rows = [count, mean, std, low, *(inner.iloc[at] for at in range(len(inner))), high]
    if meta.ndim == 1:
        return pd.Series(rows, index=labels, name=meta.name, dtype=meta.dtype)
    return pd.DataFrame([row.to_numpy("f8") for row in rows], index=labels, columns=meta.columns)
