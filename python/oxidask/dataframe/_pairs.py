"""Covariances and correlations of columns: states of each partition that merge."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from oxidask.dataframe._collection import Collection, new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import align

__all__ = ["Pairs", "of_pairs", "pairs_of"]


class Pairs:
    """What is known of all pairs of some columns, of the rows that have both values.

    Attributes
    ----------
    n
        How many rows these are.
    mean
        The mean of the first column of a pair.
    squares, products
        The sums of squares of the first one's deviations, and of products with the second one's.
    """

    def __init__(self, n: Any, mean: Any, squares: Any, products: Any) -> None:
        self.n, self.mean, self.squares, self.products = n, mean, squares, products

    @classmethod
    def of(cls, values: Any) -> Pairs:
        """Return what the columns of an array are known by."""
        there = ~np.isnan(values)
        has_any = there.any(axis=0)
        # Deviations from some value of the column: those of equal values are 0, not almost.
        at = there.argmax(axis=0) if len(values) else []
        first = np.zeros(values.shape[1])
        first[has_any] = values[at, np.arange(values.shape[1])][has_any] if len(values) else []
        moved = np.where(there, values - first, 0.0)
        mask = there.astype("f8")
        n = mask.T @ mask
        sums = moved.T @ mask
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(n > 0, sums / n, 0.0)
        squares = (moved**2).T @ mask - n * mean**2
        products = moved.T @ moved - n * mean * mean.T
        return cls(n, mean + first[:, None], np.maximum(squares, 0.0), products)

    def merged(self, other: Pairs) -> Pairs:
        """Return what is known of the rows of both."""
        n = self.n + other.n
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(n > 0, other.n / n, 0.0)
        moved = other.mean - self.mean
        moved = np.where((self.n > 0) & (other.n > 0), moved, 0.0)
        weight = self.n * share
        mean = np.where(self.n > 0, self.mean + moved * share, other.mean)
        squares = self.squares + other.squares + moved**2 * weight
        products = self.products + other.products + moved * moved.T * weight
        return Pairs(n, mean, squares, products)

    def cov(self, min_periods: int, ddof: int) -> Any:
        """Return the covariances."""
        with np.errstate(invalid="ignore", divide="ignore"):
            result = self.products / (self.n - ddof)
        return np.where((self.n >= max(min_periods, 1)) & (self.n > ddof), result, np.nan)

    def corr(self, min_periods: int) -> Any:
        """Return the correlations."""
        with np.errstate(invalid="ignore", divide="ignore"):
            result = self.products / np.sqrt(self.squares * self.squares.T)
        result = np.clip(result, -1.0, 1.0)
        return np.where(self.n >= max(min_periods, 1), result, np.nan)


def of_pairs(df: Any, name: str, args: Any, kwargs: Any) -> Any:
    """Return covariances or correlations, as pandas' method; None if there are no states."""
    said = inspect.signature(getattr(type(df._meta), name)).bind(df._meta, *args, **kwargs)
    said.apply_defaults()
    asked = said.arguments
    if asked.get("method", "pearson") != "pearson":
        return None
    columns = [df]
    if df._meta.ndim == 1:
        if not isinstance(asked["other"], Collection):
            return None
        columns = list(align((df, asked["other"])))
        asked["other"] = asked["other"]._meta_nonempty
    elif asked["numeric_only"]:
        columns = [df[list(df._meta._get_numeric_data().columns)]]
    metas = [x._meta for x in columns]
    dtypes = [d for m in metas for d in ([m.dtype] if m.ndim == 1 else m.dtypes)]
    if not dtypes or any(getattr(d, "kind", "O") not in "biuf" for d in dtypes):
        return None
    asked["self"] = df._meta_nonempty
    meta = getattr(type(df._meta), name)(*said.args, **said.kwargs)
    expr = pairs_of([("partition", x._expr) for x in columns], columns[0].npartitions)
    ddof = asked.get("ddof", 1)
    labels = None if df._meta.ndim == 1 else metas[0].columns
    finish = [("literal", x) for x in (name, labels, asked["min_periods"] or 1, ddof)]
    expr = python_layer(_finished, [*finish, ("partition", expr)], 1, name=name)
    return new_collection(expr, meta.iloc[:0] if labels is not None else meta)


def _finished(name: str, labels: Any, min_periods: int, ddof: Any, pairs: Pairs) -> Any:
    ddof = 1 if ddof is None else ddof
    result = pairs.corr(min_periods) if name == "corr" else pairs.cov(min_periods, ddof)
    if labels is None:
        return result[0, 1]
    return pd.DataFrame(result, index=labels, columns=labels)


def pairs_of(parts: list[tuple[Any, ...]], n: int) -> Any:
    """Return the expression, of one partition, of what is known of the columns of some rows.

    Parameters
    ----------
    parts
        What describes the columns of a partition: a dataframe, or two series.
    n
        How many partitions.
    """
    expr = python_layer(_pairs, parts, n, name="pairs")
    while expr.npartitions > 1:
        blocks = -(-expr.npartitions // 8)
        expr = python_layer(_merged, [("tree", expr, 8)], blocks, name="pairs-merge")
    return expr


def _pairs(rows: Any, other: Any = None) -> Pairs:
    if other is not None:
        first, second = rows.align(other, join="inner")
        both = [x.to_numpy("f8", na_value=np.nan) for x in (first, second)]
        return Pairs.of(np.stack(both, axis=1))
    return Pairs.of(rows.to_numpy("f8", na_value=np.nan))


def _merged(parts: list[Pairs]) -> Pairs:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.merged(part)
    return whole
