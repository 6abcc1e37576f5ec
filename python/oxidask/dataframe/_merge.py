"""Joins."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._collection import Collection, natively, new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd

__all__ = ["join", "merge"]

_HOWS = ("inner", "left", "right", "outer", "leftsemi")


def merge(
    left: Any,
    right: Any,
    how: str = "inner",
    on: Any = None,
    left_on: Any = None,
    right_on: Any = None,
    left_index: bool = False,
    right_index: bool = False,
    suffixes: tuple[Any, Any] = ("_x", "_y"),
    indicator: Any = False,
    npartitions: Any = None,
    shuffle_method: Any = None,
    broadcast: Any = None,
) -> Any:
    """Join two dataframes by the values of columns, or of their index.

    Parameters
    ----------
    left, right
        Dataframes, of ours or of pandas'.
    how
        ``"inner"``, ``"left"``, ``"right"``, ``"outer"`` or ``"leftsemi"``.
    on, left_on, right_on
        Labels of the keys; by default the columns that both have.
    left_index, right_index
        Whether an index is the key.
    suffixes
        Appended to labels that both have.
    npartitions
        How many partitions the result has, where rows have to be shuffled.

    Notes
    -----
    Rows are in pandas' order within a partition; where both sides have several, the partitions are
    by the hash of the keys. Integers on a side whose rows may find no partner become floats.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas, merge
    >>> a = from_pandas(pd.DataFrame({"k": [1, 2, 3], "x": [1, 2, 3]}), npartitions=2)
    >>> b = pd.DataFrame({"k": [2, 3, 4], "y": [5, 6, 7]})
    >>> merge(a, b, on="k").compute().y.tolist()
    [5, 6]
    """
    left, right = _lazy(left), _lazy(right)
    if how not in _HOWS:
        raise ValueError(f"merge supports how={list(_HOWS)}, not {how!r}")
    if on is None and left_on is None and right_on is None and not left_index and not right_index:
        on = [label for label in left.columns if label in right.columns]
        if not on:
            raise pd.errors.MergeError("No common columns to perform merge on.")
    if on is not None:
        left_on = right_on = on
    settings = {
        "how": how,
        "left_on": left_on,
        "right_on": right_on,
        "left_index": left_index,
        "right_index": right_index,
        "suffixes": suffixes,
        "indicator": indicator,
    }
    if how == "leftsemi":
        return _semi(left, right, left_on, right_on)
    meta = _meta(left, right, settings)
    if not left_index and not right_index and not indicator:
        result = _natively(left, right, settings, npartitions)
        if result is not None:
            return result
    return _by_pandas(left, right, settings, meta)


def _lazy(x: Any) -> Any:
    if isinstance(x, Collection):
        frame: Any = x
        return frame.to_frame() if frame.ndim == 1 else frame
    from oxidask.dataframe._io import from_pandas

    if isinstance(x, pd.Series):
        x = x.to_frame()
    if not isinstance(x, pd.DataFrame):
        raise TypeError(f"can only merge dataframes and series, not {type(x).__name__}")
    return from_pandas(x, npartitions=1, sort=False)


def _list(labels: Any) -> list[Any]:
    return list(labels) if isinstance(labels, (list, tuple)) else [labels]


def _meta(left: Any, right: Any, settings: dict[str, Any]) -> Any:
    keys = {
        side: [k._meta if isinstance(k, Collection) else k for k in _list(settings[side])]
        for side in ("left_on", "right_on")
        if settings[side] is not None
    }
    return pd.merge(left._meta, right._meta, **{**settings, **keys}).iloc[:0]


def _natively(left: Any, right: Any, settings: dict[str, Any], npartitions: Any) -> Any:
    left_on, right_on = _list(settings["left_on"]), _list(settings["right_on"])
    if any(isinstance(key, Collection) for key in (*left_on, *right_on)):
        return None
    known = (
        left._meta.columns.is_unique
        and right._meta.columns.is_unique
        and all(k in left._meta.columns for k in left_on)
        and all(k in right._meta.columns for k in right_on)
    )
    suffixes = settings["suffixes"]
    if not known or not (left._expr.is_native and right._expr.is_native):
        return None
    if not all(isinstance(s, str) for s in suffixes):
        return None
    expr = natively(
        lambda: left._expr.join(
            right._expr, settings["how"], left_on, right_on, tuple(suffixes), False, npartitions
        )
    )
    return None if expr is None else new_collection(expr)


def _semi(left: Any, right: Any, left_on: Any, right_on: Any) -> Any:
    keys = right[_list(right_on)].drop_duplicates()
    if _list(left_on) != _list(right_on):
        keys = keys.rename(columns=dict(zip(_list(right_on), _list(left_on), strict=True)))
    return merge(left, keys, on=_list(left_on))[list(left.columns)]


def _by_pandas(left: Any, right: Any, settings: dict[str, Any], meta: Any) -> Any:
    """Join all of the right side with each partition of the left, or all with all."""
    pieces = settings["how"] in ("inner", "left") or left.npartitions == 1
    if any(
        isinstance(k, Collection)
        for k in (*_list(settings["left_on"]), *_list(settings["right_on"]))
    ):
        raise NotImplementedError(
            "merge by series: assign them to the dataframes, and merge by label"
        )
    n = left.npartitions if pieces else 1
    sides = ("partition", left._expr) if pieces else ("every", left._expr)
    args = [sides, ("every", right._expr)]
    expr = python_layer(_merged, args, n, settings, name="merge")
    ends = left._known_divisions if pieces and settings["left_index"] else None
    return new_collection(expr, meta, ends)


def _merged(left: Any, right: list[Any], **settings: Any) -> Any:
    from oxidask.dataframe._collection import together

    if isinstance(left, list):
        left = together(left)
    return pd.merge(left, together(right), **settings)


def join(
    left: Any,
    other: Any,
    on: Any = None,
    how: str = "left",
    lsuffix: str = "",
    rsuffix: str = "",
    npartitions: Any = None,
    **options: Any,
) -> Any:
    """Join with another dataframe by its index."""
    if isinstance(other, (list, tuple)):
        for one in other:
            left = join(left, one, on=on, how=how)
        return left
    if getattr(other, "ndim", 2) == 1 and getattr(other, "name", None) is None:
        raise ValueError("other must be named to be joined")
    settings: dict[str, Any] = {"right_index": True, "suffixes": (lsuffix, rsuffix), "how": how}
    settings |= {"left_index": True} if on is None else {"left_on": on}
    other = _lazy(other)
    overlap = left._meta.columns.intersection(other._meta.columns)
    if len(overlap) and not lsuffix and not rsuffix:
        raise ValueError(f"columns overlap but no suffix specified: {overlap}")
    return merge(left, other, npartitions=npartitions, **settings)
