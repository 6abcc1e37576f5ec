"""Rows in other partitions."""

from __future__ import annotations

import bisect
import itertools
from typing import Any

import numpy as np

from oxidask.dataframe._collection import natively, new_collection, python_layer, together
from oxidask.dataframe._meta import remembered
from oxidask.dataframe._needs import pandas as pd
from oxidask.utils import parse_bytes

__all__ = ["repartition"]


def repartition(
    df: Any,
    divisions: Any = None,
    npartitions: Any = None,
    partition_size: Any = None,
    freq: Any = None,
    force: bool = False,
) -> Any:
    """Return the rows of a collection in other partitions: see ``DataFrame.repartition``."""
    if isinstance(df, (pd.DataFrame, pd.Series)):
        from oxidask.dataframe._io import from_pandas

        return _by_divisions(from_pandas(df, npartitions=1), divisions, True)
    said = [x for x in (divisions, npartitions, partition_size, freq) if x is not None]
    if len(said) != 1:
        raise ValueError(
            "Please provide exactly one of ``npartitions=``, ``freq=``, ``divisions=``, "
            "``partition_size=`` keyword arguments"
        )
    if callable(npartitions):
        npartitions = npartitions(df.npartitions)
    if npartitions is not None:
        return _by_number(df, int(npartitions))
    if partition_size is not None:
        return _by_size(df, parse_bytes(partition_size))
    if freq is not None:
        return _by_divisions(df, _ends_by(df, freq), True)
    return _by_divisions(df, divisions, force)


def _by_number(df: Any, n: int) -> Any:
    if n < 1:
        raise ValueError(f"npartitions must be at least 1, not {n}")
    m = df.npartitions
    if n == m:
        return df
    if n < m:
        bounds = np.linspace(0, m, n + 1).astype(int).tolist()
        return _coalesced(df, bounds)
    if df.known_divisions and _can_interpolate(df.divisions):
        return _by_divisions(df, _interpolated(df.divisions, n), True)
    # Each partition in so many pieces.
    counts = [len(part) for part in np.array_split(np.arange(n), m)]
    pieces = [(at, i, count) for at, count in enumerate(counts) for i in range(count)]
    args = [("at", df._expr, [p[0] for p in pieces]), ("per_block", _Piece(pieces))]
    expr = python_layer(_piece, args, n, name="repartition-split")
    return new_collection(expr, df._meta)


def _coalesced(df: Any, bounds: list[int]) -> Any:
    ends = tuple(df.divisions[at] for at in bounds) if df.known_divisions else None
    expr = natively(lambda: df._expr.coalesced(bounds) if df._expr.is_native else None)
    if expr is not None:
        return new_collection(expr, remembered(expr, df._known_meta), ends)
    parts = [
        python_layer(together, [("every", df.partitions[a:b]._expr)], 1, name="repartition-merge")
        for a, b in itertools.pairwise(bounds)
    ]
    return _side_by_side(parts, df._meta, ends)


def _side_by_side(parts: list[Any], meta: Any, ends: Any) -> Any:
    """Return a collection of the partitions of several expressions."""
    from oxidask.dataframe._multi import stacked

    return new_collection(stacked(parts), meta, ends)


class _Piece:
    """Which piece of a partition each block is: its number and how many there are."""

    def __init__(self, pieces: list[tuple[int, int, int]]) -> None:
        self.pieces = pieces

    def __call__(self, index: tuple[int, ...]) -> tuple[int, int]:
        return self.pieces[index[0]][1:]


def _piece(part: Any, which: tuple[int, int]) -> Any:
    i, n = which
    start, end = len(part) * i // n, len(part) * (i + 1) // n
    return part[start:end] if isinstance(part, pd.Index) else part.iloc[start:end]


def _can_interpolate(ends: Any) -> bool:
    kinds = (int, float, np.integer, np.floating, pd.Timestamp)
    return all(isinstance(end, kinds) and not isinstance(end, bool) for end in ends)


def _interpolated(ends: Any, n: int) -> list[Any]:
    times = isinstance(ends[0], pd.Timestamp)
    # Times by how long they are after the first: floats hold no nanoseconds since 1970.
    numbers = [(end - ends[0]).value for end in ends] if times else list(ends)
    at = np.interp(
        np.linspace(0, len(ends) - 1, n + 1), np.arange(len(ends)), np.array(numbers, "f8")
    )
    if times:
        steps = [pd.Timedelta(round(float(x)), unit="ns").as_unit(ends[0].unit) for x in at]
        new = [min(ends[0] + step, ends[-1]) for step in steps]
    elif all(isinstance(end, (int, np.integer)) for end in ends):
        new = [round(float(x)) for x in at]
    else:
        new = at.tolist()
    new[0], new[-1] = ends[0], ends[-1]
    return list(dict.fromkeys(new)) if len(set(new)) > 1 else [ends[0], ends[-1]]


def _by_divisions(df: Any, divisions: Any, force: bool) -> Any:
    if not df.known_divisions:
        raise ValueError(
            "Cannot repartition on divisions with unknown divisions; set an index first"
        )
    old, new = list(df.divisions), list(divisions)
    if len(new) < 2 or any(a > b for a, b in itertools.pairwise(new)):
        raise ValueError(f"New division must be sorted: {new}")
    if len(set(new[:-1])) != len(new[:-1]):
        raise ValueError("New division must be unique, except for the last element")
    if not force and (new[0] != old[0] or new[-1] != old[-1]):
        which = "left" if new[0] != old[0] else "right"
        raise ValueError(f"{which} side of old and new divisions are different")
    if force and (new[0] > old[0] or new[-1] < old[-1]):
        raise ValueError("the new divisions must reach as far as those that are there")
    parts = []
    for at, (low, high) in enumerate(itertools.pairwise(new)):
        is_last = at == len(new) - 2
        first = max(0, min(bisect.bisect_left(old, low) - 1, len(old) - 2))
        last = min(len(old) - 2, bisect.bisect_right(old, high) - 1)
        chosen = df.partitions[first : max(first, last) + 1]
        parts.append(rows_between(chosen, low, high, is_last))
    return _side_by_side(parts, df._meta, tuple(new))


def rows_between(df: Any, low: Any, high: Any, is_last: bool) -> Any:
    """Return the expression of the rows with labels from `low` to `high`, in one partition.

    Those of `high` itself are among them only if `is_last`.
    """
    args = [("literal", low), ("literal", high), ("literal", is_last), ("every", df._expr)]
    return python_layer(_between, args, 1, name="repartition-divisions")


def _between(low: Any, high: Any, is_last: bool, parts: list[Any]) -> Any:
    whole = together(parts)
    labels = whole if isinstance(whole, pd.Index) else whole.index
    keep = (labels >= low) & ((labels <= high) if is_last else (labels < high))
    return whole[keep]


def _by_size(df: Any, nbytes: float) -> Any:
    sizes = df.map_partitions(_nbytes, enforce_metadata=False, meta=(None, "i8")).compute().tolist()
    bounds, total = [0], 0
    for at, size in enumerate(sizes):
        if total and total + size > nbytes:
            bounds.append(at)
            total = 0
        total += size
    bounds.append(len(sizes))
    split = max((-(-size // max(int(nbytes), 1)) for size in sizes), default=1)
    if split > 1:
        pieces = [
            (at, i, n)
            for at, size in enumerate(sizes)
            for n in [max(1, -(-int(size) // max(int(nbytes), 1)))]
            for i in range(n)
        ]
        args = [("at", df._expr, [p[0] for p in pieces]), ("per_block", _Piece(pieces))]
        return new_collection(
            python_layer(_piece, args, len(pieces), name="repartition-size"), df._meta
        )
    return _coalesced(df, bounds)


def _nbytes(part: Any) -> Any:
    usage = part.memory_usage(deep=True)
    return pd.Series([int(usage.sum() if hasattr(usage, "sum") else usage)])


def _ends_by(df: Any, freq: Any) -> list[Any]:
    if not df.known_divisions or not isinstance(df.divisions[0], pd.Timestamp):
        raise TypeError("Can only repartition on frequency for timeseries")
    first, last = df.divisions[0], df.divisions[-1]
    offset = pd.tseries.frequencies.to_offset(freq)
    try:
        start = first.floor(offset)
    except ValueError:
        start = first
    ends = pd.date_range(start=start, end=last, freq=offset).tolist()
    ends = [end for end in ends if end > first]
    # A label that begins a period has a partition of its own, the last one too.
    return [first, *ends, last]
