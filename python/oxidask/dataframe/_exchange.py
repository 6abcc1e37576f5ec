"""Rows that change partitions where no kernel moves them: cut by the hash of their keys.

What moves is a bundle: a list of pandas objects with the same rows, such as a partition and a key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask._native import FrameExpr
from oxidask.dataframe._collection import put_in_one, python_layer
from oxidask.dataframe._needs import pandas as pd

__all__ = ["exchanged", "hashes"]


def exchanged(
    cut: Callable[..., Any],
    args: Sequence[tuple[Any, ...]],
    n_in: int,
    n_out: int,
    last: Callable[..., Any],
    settings: Sequence[Any] = (),
    name: str = "shuffle",
) -> FrameExpr:
    """Return the expression of `last` of the rows whose hashes agree, modulo `n_out`.

    Parameters
    ----------
    cut
        Called with what `args` describe, as :func:`python_layer` has it: gives a bundle, and a hash
        for each row.
    last
        Called with `settings` and a bundle: all rows of a new partition, in their old order.
    """
    token = f"{name}-cut"
    parts = python_layer(_cut, [("literal", cut), ("literal", n_out), *args], n_in, {}, name=token)
    of = [i for _ in range(n_out) for i in range(n_in)]
    picked = python_layer(
        _pick, [("at", parts, of), ("per_block", _Part(n_in))], n_in * n_out, name=f"{name}-pick"
    )
    literals = [("literal", setting) for setting in settings]
    return python_layer(
        _last, [("literal", last), ("tree", picked, n_in), *literals], n_out, name=name
    )


class _Part:
    """Which part of a partition each task picks: new partitions one after the other."""

    def __init__(self, n_in: int) -> None:
        self.n_in = n_in

    def __call__(self, index: tuple[int, ...]) -> int:
        return index[0] // self.n_in


def _cut(cut: Callable[..., Any], n_out: int, *args: Any) -> list[Any]:
    bundle, hashed = cut(*args)
    if n_out == 1:
        return [bundle]
    part = hashed % np.uint64(n_out)
    order = np.argsort(part, kind="stable")
    ends = np.searchsorted(part[order], np.arange(n_out + 1))
    return [[_taken(x, order[ends[i] : ends[i + 1]]) for x in bundle] for i in range(n_out)]


def _taken(x: Any, positions: Any) -> Any:
    return x.take(positions)


def _pick(parts: list[Any], at: int) -> Any:
    return parts[at]


def _last(last: Callable[..., Any], bundles: list[list[Any]], *settings: Any) -> Any:
    pieces = zip(*bundles, strict=True)
    return last(*settings, [put_in_one(list(p), p[0]) for p in pieces])


def hashes(keys: Sequence[Any]) -> Any:
    """Return a hash for each row of some columns or indexes: alike for equal keys of equal dtypes.

    Examples
    --------
    >>> import pandas as pd
    >>> a, b = hashes([pd.Series([1.5, None])]), hashes([pd.Series([None, 1.5])])
    >>> a.tolist() == b[::-1].tolist()
    True
    """
    total = None
    for key in keys:
        hashed = _hashed(key)
        total = hashed if total is None else (total * np.uint64(31)) ^ hashed
    return total


def _hashed(key: Any) -> Any:
    if isinstance(key, (pd.Index, pd.Series)) and key.dtype.kind == "f":
        # One zero: that below it is equal.
        key = key + 0.0
    try:
        return np.asarray(pd.util.hash_pandas_object(key, index=False))
    except TypeError:
        values = np.array([hash(x) if x == x else 0 for x in key], dtype="i8")
        return values.astype("u8")
