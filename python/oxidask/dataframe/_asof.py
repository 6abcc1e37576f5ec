"""Joins with the nearest row: each partition meets the rows of the other side that are near."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from oxidask.dataframe._collection import new_collection, python_layer, together
from oxidask.dataframe._multi import stacked
from oxidask.dataframe._needs import pandas as pd

__all__ = ["merge_asof"]


def merge_asof(
    left: Any,
    right: Any,
    on: Any = None,
    left_on: Any = None,
    right_on: Any = None,
    left_index: bool = False,
    right_index: bool = False,
    by: Any = None,
    left_by: Any = None,
    right_by: Any = None,
    suffixes: Any = ("_x", "_y"),
    tolerance: Any = None,
    allow_exact_matches: bool = True,
    direction: str = "backward",
) -> Any:
    """Join each row with the nearest one of the other side: both are in the order of their keys.

    Parameters
    ----------
    left, right
        Dataframes in the order of their keys, over all partitions.
    on, left_on, right_on, left_index, right_index
        What the key is.
    by, left_by, right_by
        Labels of columns that must be equal.
    tolerance
        How far apart keys may be.
    allow_exact_matches
        Whether an equal key is near.
    direction
        ``"backward"``, ``"forward"`` or ``"nearest"``.

    Notes
    -----
    Each partition of `left` is joined with the rows of `right` between its first key and its last,
    and with the nearest ones of each group before and behind.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas, merge_asof
    >>> a = from_pandas(pd.DataFrame({"t": [1, 5, 10]}), npartitions=2)
    >>> b = from_pandas(pd.DataFrame({"t": [1, 2, 7], "y": [1, 2, 7]}), npartitions=2)
    >>> merge_asof(a, b, on="t").compute().y.tolist()
    [1, 2, 7]
    """
    from oxidask.dataframe._merge import _lazy

    if by is not None and (left_by is not None or right_by is not None):
        raise ValueError("Can't have combination of both 'by' with 'left_by' or 'right_by'")
    if on is not None and (left_on is not None or right_on is not None):
        raise ValueError("Can't have combination of both 'on' with 'left_on' or 'right_on'")
    left, right = _lazy(left), _lazy(right)
    if on is None and left_on is None and right_on is None and not (left_index or right_index):
        raise ValueError("merge_asof needs a key: on, left_on and right_on, or the indexes")
    settings = {
        "left_on": on if on is not None else left_on,
        "right_on": on if on is not None else right_on,
        "left_index": left_index,
        "right_index": right_index,
        "left_by": by if by is not None else left_by,
        "right_by": by if by is not None else right_by,
        "suffixes": suffixes,
        "tolerance": tolerance,
        "allow_exact_matches": allow_exact_matches,
        "direction": direction,
    }
    meta = pd.merge_asof(left._meta_nonempty, right._meta_nonempty, **settings).iloc[:0]
    ends = left._known_divisions if left_index else None
    if left.npartitions == right.npartitions == 1:
        args = [("literal", settings), ("partition", left._expr), ("partition", right._expr)]
        return new_collection(python_layer(_alone, args, 1, name="merge-asof"), meta, ends)
    return new_collection(_distributed(left, right, settings), meta, ends)


def _distributed(left: Any, right: Any, settings: dict[str, Any]) -> Any:
    n, m = left.npartitions, right.npartitions
    left_on = None if settings["left_index"] else settings["left_on"]
    right_on = None if settings["right_index"] else settings["right_on"]
    said: list[tuple[Any, ...]] = [("literal", left_on), ("partition", left._expr)]
    spans = python_layer(_span, said, n, name="merge-asof-span")
    bounds = python_layer(_bounds, [("every", spans)], 1, name="merge-asof-bounds")
    near = _near(right, right_on, settings["right_by"], bounds, n, m)
    around = [near]
    if settings["direction"] in ("backward", "nearest"):
        around.insert(0, _carried(near, settings["right_by"], True, range(n)))
    if settings["direction"] in ("forward", "nearest"):
        around.append(_carried(near, settings["right_by"], False, range(n - 1, -1, -1)))
    args = [
        ("literal", settings),
        ("index",),
        ("partition", bounds),
        ("partition", left._expr),
        *(("partition", expr) for expr in around),
    ]
    return python_layer(_nearest, args, n, name="merge-asof")


def _near(right: Any, on: Any, by: Any, bounds: Any, n: int, m: int) -> Any:
    """Return the rows of `right` between the ends of each partition, and the nearest around."""
    said = [("literal", on), ("literal", by), ("partition", bounds), ("partition", right._expr)]
    cut = python_layer(_cut, said, m, name="merge-asof-cut")
    at = [i for _ in range(n) for i in range(m)]
    picked = python_layer(
        _pick, [("at", cut, at), ("per_block", _Part(m))], n * m, name="merge-asof-pick"
    )
    pieces = [("literal", on), ("literal", by), ("tree", picked, m)]
    return python_layer(_joined, pieces, n, name="merge-asof-near")


def _alone(settings: dict[str, Any], left: Any, right: Any) -> Any:
    return pd.merge_asof(left, right, **settings)


def _keys(rows: Any, on: Any) -> Any:
    if on is None:
        return rows.index
    return pd.Index(rows[on]) if on in rows.columns else rows.index.get_level_values(on)


def _span(on: Any, rows: Any) -> tuple[Any, Any, int]:
    if not len(rows):
        return None, None, 0
    keys = _keys(rows, on)
    return keys[0], keys[-1], len(rows)


class _Bounds:
    """The first and last keys of partitions, and how many rows come before each.

    A partition without rows begins where the next one does, and ends where the last one did.
    """

    def __init__(self, spans: list[Any]) -> None:
        full = [(low, high) for low, high, count in spans if count]
        for (_, high), (low, _) in itertools.pairwise(full):
            if high > low:
                raise ValueError(f"left keys must be sorted: {low!r} comes after {high!r}")
        self.starts: list[Any] = [None] * len(spans)
        self.lasts: list[Any] = [None] * len(spans)
        before = behind = None
        for at, (_, high, count) in enumerate(spans):
            before = high if count else before
            self.lasts[at] = before
        for at in range(len(spans) - 1, -1, -1):
            low, _, count = spans[at]
            behind = low if count else behind
            self.starts[at] = behind
        self.rows_before = [0, *np.cumsum([count for *_, count in spans]).tolist()]


def _bounds(spans: list[Any]) -> _Bounds:
    return _Bounds(spans)


def _cut(on: Any, by: Any, bounds: _Bounds, rows: Any) -> list[Any]:
    keys = _sorted_keys(rows, on)

    def place(key: Any, side: str, default: int) -> int:
        return default if key is None else int(keys.searchsorted(key, side=side))

    n = len(rows)
    starts = [place(key, "left", n) for key in bounds.starts]
    lasts = [place(key, "right", 0) for key in bounds.lasts]
    pieces = []
    for at, (start, last) in enumerate(zip(starts, lasts, strict=True)):
        before = rows.iloc[starts[at - 1] if at else 0 : start]
        behind = rows.iloc[last : lasts[at + 1] if at + 1 < len(lasts) else n]
        near = rows.iloc[start:last]
        pieces.append((_ends(by, True, before), near, _ends(by, False, behind)))
    return pieces


def _sorted_keys(rows: Any, on: Any) -> Any:
    keys = _keys(rows, on)
    if not keys.is_monotonic_increasing:
        raise ValueError("right keys must be sorted")
    return keys


class _Part:
    """Which part of a partition each task picks."""

    def __init__(self, n_in: int) -> None:
        self.n_in = n_in

    def __call__(self, index: tuple[int, ...]) -> int:
        return index[0] // self.n_in


def _pick(parts: list[Any], at: int) -> Any:
    return parts[at]


def _joined(on: Any, by: Any, parts: list[Any]) -> Any:
    befores, nears, behinds = (list(pieces) for pieces in zip(*parts, strict=True))
    near = together(nears)
    _sorted_keys(near, on)
    return _ends(by, True, *befores), near, _ends(by, False, *behinds)


def _carried(near: Any, by: Any, is_before: bool, order: Any) -> Any:
    """Return for each partition the last row of each group before it, or the first behind it."""
    carry, carries = None, {}
    for at in order:
        args: list[tuple[Any, ...]] = [("literal", by), ("literal", is_before), ("at", near, [at])]
        if carry is not None:
            args.append(("partition", carry))
        carry = python_layer(_carry, args, 1, name="merge-asof-carry")
        carries[at] = carry
    return stacked([carries[at] for at in sorted(carries)])


def _carry(by: Any, is_before: bool, near: Any, *carry: Any) -> Any:
    return _ends(by, True, *carry, near[0]) if is_before else _ends(by, False, near[2], *carry)


def _ends(by: Any, is_before: bool, *parts: Any) -> Any:
    rows = together(list(parts))
    if by is None:
        return rows.tail(1) if is_before else rows.head(1)
    groups = rows.groupby(by, dropna=False, observed=True)
    return groups.tail(1) if is_before else groups.head(1)


def _nearest(
    settings: dict[str, Any], index: tuple[int, ...], bounds: _Bounds, left: Any, *around: Any
) -> Any:
    rows = [piece[1] if isinstance(piece, tuple) else piece for piece in around]
    if not len(left):
        rows = [rows[0].iloc[:0]]
    result = pd.merge_asof(left, together(rows), **settings)
    if not settings["left_index"] and isinstance(result.index, pd.RangeIndex):
        result.index = result.index + bounds.rows_before[index[0]]
    return result
