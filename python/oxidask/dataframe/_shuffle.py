"""Rows in other partitions: by the hash of keys, or by ranges of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask._native import FrameExpr
from oxidask.dataframe._collection import (
    Collection,
    natively,
    new_collection,
    python_layer,
    together,
)
from oxidask.dataframe._exchange import exchanged, hashes
from oxidask.dataframe._needs import pandas as pd

__all__ = ["by_ranges", "shuffle", "splits_of"]

# Keys that are looked at for each partition of a sort.
_SAMPLES = 512


def shuffle(
    df: Any,
    on: Any,
    ignore_index: bool,
    npartitions: Any,
    shuffle_method: Any,
    on_index: bool,
) -> Any:
    """Return the rows with those of equal keys in one partition: see ``DataFrame.shuffle``."""
    if on is None and not on_index:
        raise TypeError("Must shuffle on either columns (on=) or the index (on_index=True)")
    if on is not None and on_index:
        raise TypeError("Cannot shuffle on both columns (on=) and the index (on_index=True)")
    n = int(npartitions or df.npartitions)
    on = _as_labels(df, on)
    if isinstance(on, Collection):
        result = _by_collection(df, on, n)
    else:
        labels = [] if on_index else list(on) if isinstance(on, (list, tuple, pd.Series)) else [on]
        missing = [label for label in labels if label not in df._meta.columns]
        if missing:
            raise KeyError(f"Cannot shuffle on column(s) not in dataframe to shuffle: {missing}")
        expr = natively(lambda: df._expr.shuffled(labels, n) if df._expr.is_native else None)
        if expr is None:
            args = [("literal", labels), ("partition", df._expr)]
            expr = exchanged(_cut_by_labels, args, df.npartitions, n, _only)
        result = new_collection(expr, df._meta)
    # By way of disks rows keep their labels, as with Dask.
    is_dropped = ignore_index and shuffle_method != "disk"
    return result.reset_index(drop=True) if is_dropped else result


def _as_labels(df: Any, on: Any) -> Any:
    """Return the labels of keys that are columns of the rows themselves."""
    if not isinstance(on, Collection) or df._meta.ndim != 2 or isinstance(on._meta, pd.Index):
        return on
    labels = [on._meta.name] if on._meta.ndim == 1 else list(on._meta.columns)
    if not df._meta.columns.is_unique or any(label not in df._meta.columns for label in labels):
        return on
    same = df[labels[0]] if on._meta.ndim == 1 else df[labels]
    return labels if same._name == on._name else on


def _by_collection(df: Any, on: Any, n: int) -> Any:
    if on.npartitions != df.npartitions:
        raise TypeError(
            "index must be aligned: what rows are shuffled by has "
            f"{on.npartitions} partitions, the rows {df.npartitions}"
        )
    args = [("partition", df._expr), ("partition", on._expr)]
    expr = exchanged(_cut_by_keys, args, df.npartitions, n, _only)
    return new_collection(expr, df._meta)


def _cut_by_labels(labels: list[Any], part: Any) -> tuple[list[Any], Any]:
    if labels:
        return [part], hashes([part[label] for label in labels])
    levels = range(part.index.nlevels)
    return [part], hashes([part.index.get_level_values(at) for at in levels])


def _cut_by_keys(part: Any, keys: Any) -> tuple[list[Any], Any]:
    if len(keys) != len(part):
        raise ValueError(f"{len(part)} rows can't be shuffled by {len(keys)} keys")
    columns = [keys[label] for label in keys.columns] if keys.ndim == 2 else [keys]
    return [part], hashes(columns)


def _only(bundle: list[Any]) -> Any:
    return bundle[0]


# Ranges, by pandas.


def splits_of(df: Any, label: Any, n_out: int) -> FrameExpr:
    """Return the expression of keys that cut the rows into `n_out` ranges, if as many differ."""
    args = [("literal", label), ("partition", df._expr)]
    samples = python_layer(_samples, args, df.npartitions, name="sort-sample")
    return python_layer(_splits, [("literal", n_out), ("every", samples)], 1, name="sort-splits")


def by_ranges(
    df: Any,
    label: Any,
    splits: FrameExpr,
    n_out: int,
    last: Callable[..., Any],
    descending: bool = False,
    na_last: bool = True,
    settings: dict[str, Any] | None = None,
) -> FrameExpr:
    """Return the expression of `last` of the rows of each range of a column.

    Parameters
    ----------
    label
        The column; None for a series itself.
    splits
        Keys between the ranges: an index.
    last
        Called with the rows of a range, in their old order, and `settings`.
    """
    literals = [("literal", x) for x in (label, n_out, descending, na_last)]
    args = [*literals, ("partition", splits), ("partition", df._expr)]
    return exchanged(
        _cut_ranges, args, df.npartitions, n_out, _ended, [last, settings or {}], "sort"
    )


def _column(part: Any, label: Any) -> Any:
    column = part if part.ndim == 1 else part[label]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return (
            column.cat.codes.where(column.notna()) if column.cat.ordered else column.astype(object)
        )
    return column


def _samples(label: Any, part: Any) -> Any:
    values = _column(part, label).dropna().sort_values()
    step = max(1, len(values) // _SAMPLES)
    return values.iloc[step // 2 :: step]


def _splits(n_out: int, samples: list[Any]) -> Any:
    values = together(samples).sort_values()
    at = [len(values) * i // n_out for i in range(1, n_out)] if len(values) else []
    return pd.Index(values.iloc[at]).unique()


def _cut_ranges(
    label: Any, n_out: int, descending: bool, na_last: bool, splits: Any, part: Any
) -> tuple[list[Any], Any]:
    column = _column(part, label)
    missing = column.isna().to_numpy()
    numbers = np.full(len(part), n_out - 1 if na_last else 0)
    found = splits.searchsorted(pd.Index(column[~missing]), side="right")
    numbers[~missing] = n_out - 1 - found if descending else found
    return [part], numbers.astype("u8")


def _ended(last: Any, settings: dict[str, Any], bundle: list[Any]) -> Any:
    return last(bundle[0], **settings)
