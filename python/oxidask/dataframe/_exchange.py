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
    """Return a hash for each row of some columns or indexes: equal keys have equal ones.

    Whatever compares equal is hashed alike: a column may be of integers in one partition, of floats
    or of objects in another where a value is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> a, b = hashes([pd.Series([1.0, None])]), hashes([pd.Series([None, 1], dtype=object)])
    >>> a.tolist() == b[::-1].tolist()
    True
    """
    total = None
    for key in keys:
        hashed = _hashed(key)
        total = hashed if total is None else (total * np.uint64(31)) ^ hashed
    return total


# What a missing value is hashed to.
_MISSING = np.uint64(0x5851_F42D_4C95_7F2D)


def _hashed(key: Any) -> Any:
    dtype = key.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = np.asarray(key.cat.codes if isinstance(key, pd.Series) else key.codes)
        return np.append(_hashed(dtype.categories), _MISSING)[codes]
    missing = np.asarray(key.isna())
    if pd.api.types.is_bool_dtype(dtype) or getattr(dtype, "kind", "O") in "biuf":
        hashed = _of_numbers(key.to_numpy("f8", na_value=np.nan))
    elif getattr(dtype, "kind", "O") in "mM":
        # Times of any unit: less than a microsecond tells no keys apart here.
        hashed = _of_numbers(np.asarray(key, f"{dtype.kind}8[us]").astype("i8").astype("f8"))
    else:
        hashed = _of_objects(np.asarray(key, object), missing)
    return np.where(missing, _MISSING, hashed)


def _of_numbers(values: Any) -> Any:
    # There is but one zero.
    return pd.util.hash_array(values + 0.0)


def _of_objects(values: Any, missing: Any) -> Any:
    numbers = (bool, int, float, np.number, np.bool_)
    is_number = np.fromiter((isinstance(x, numbers) for x in values), bool, len(values))
    is_number &= ~missing
    hashed = np.empty(len(values), "u8")
    hashed[is_number] = _of_numbers(values[is_number].astype("f8"))
    others = ~is_number & ~missing
    hashed[others] = pd.util.hash_array(values[others], categorize=False)
    return hashed
