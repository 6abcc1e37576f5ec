"""Joins."""

from __future__ import annotations

import contextlib
from typing import Any

from oxidask.dataframe._collection import Collection, natively, new_collection
from oxidask.dataframe._join import joined
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
        Labels of the keys; by default the columns that both have, or the indexes if there are none.
    left_index, right_index
        Whether an index is the key.
    suffixes
        Appended to labels that both have.
    npartitions
        How many partitions the result has, where rows have to be shuffled.

    Notes
    -----
    Rows are in pandas' order within a partition; where both sides have several, the partitions are
    by the hash of the keys, or by the divisions of two indexes where both are known. Integers
    on a side whose rows may find no partner become floats.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas, merge
    >>> a = from_pandas(pd.DataFrame({"k": [1, 2, 3], "x": [1, 2, 3]}), npartitions=2)
    >>> b = pd.DataFrame({"k": [2, 3, 4], "y": [5, 6, 7]})
    >>> merge(a, b, on="k").compute().y.tolist()
    [5, 6]
    """
    if how not in _HOWS:
        raise ValueError(
            f"oxidask.dataframe.merge does not support how={how!r}; options are {list(_HOWS)}"
        )
    left, right = _lazy(left), _lazy(right)
    if on is None and left_on is None and right_on is None and not left_index and not right_index:
        on = [label for label in left.columns if label in right.columns]
        if not on and how == "leftsemi":
            raise NotImplementedError("leftsemi joins by right_index=True are not supported")
        if not on:
            on, left_index, right_index = None, True, True
    if on is not None:
        left_on = right_on = on
    if how == "leftsemi":
        return _semi(left, right, left_on, right_on)
    settings = {
        "how": how,
        "left_on": left_on,
        "right_on": right_on,
        "left_index": left_index,
        "right_index": right_index,
        "suffixes": suffixes,
        "indicator": indicator,
    }
    if not left_index and not right_index and not indicator:
        result = None
        # What is wrong with keys and labels pandas says better.
        with contextlib.suppress(TypeError, ValueError, KeyError):
            result = _natively(left, right, settings, npartitions)
        if result is not None:
            return result
    return joined(left, right, settings, _meta(left, right, settings), npartitions)


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
    firsts, seconds = _list(settings["left_on"]), _list(settings["right_on"])
    if any(isinstance(key, Collection) for key in (*firsts, *seconds)):
        raise NotImplementedError(
            "merge by series: assign them to the dataframes, and merge by label"
        )
    first, second = left._meta, right._meta
    meta = pd.merge(first, second, **settings).iloc[:0]
    # Of tables without rows pandas takes the index of another side.
    meta.index = pd.merge(left._meta_nonempty, right._meta_nonempty, **settings).index[:0]
    for a, b in zip(firsts, seconds, strict=False):
        if _are_categories(first, a, second, b):
            dtype = pd.CategoricalDtype([])
            meta = meta.astype({label: dtype for label in {a, b} if label in meta.columns})
    return meta


def _are_categories(left: Any, a: Any, right: Any, b: Any) -> bool:
    """Whether both keys are columns of categories, and not known to be of the same."""
    if a not in left.columns or b not in right.columns:
        return False
    dtypes = left[a].dtype, right[b].dtype
    if not all(isinstance(dtype, pd.CategoricalDtype) for dtype in dtypes):
        return False
    return dtypes[0] != dtypes[1] or len(dtypes[0].categories) == 0


def _natively(left: Any, right: Any, settings: dict[str, Any], npartitions: Any) -> Any:
    left_on, right_on = _list(settings["left_on"]), _list(settings["right_on"])
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
    if expr is None:
        return None
    result = new_collection(expr)
    for a, b in zip(left_on, right_on, strict=True):
        if _are_categories(left._meta, a, right._meta, b):
            for label in {a, b} & set(result._meta.columns):
                if not isinstance(result._meta[label].dtype, pd.CategoricalDtype):
                    column = result[label]._partwise(pd.Series.astype, "category")
                    result = result._assigned({label: column})
    return result


def _semi(left: Any, right: Any, left_on: Any, right_on: Any) -> Any:
    firsts, seconds = _list(left_on), _list(right_on)
    for frame, labels in ((left, firsts), (right, seconds)):
        if any(label not in frame._meta.columns for label in labels):
            raise NotImplementedError(
                "leftsemi joins on columns from the index are not supported: reset_index() first"
            )
    keys = right[seconds].drop_duplicates()
    if firsts != seconds:
        keys = keys.rename(columns=dict(zip(seconds, firsts, strict=True)))
    return merge(left, keys, on=firsts)[list(left.columns)]


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
        if any(not isinstance(one, (Collection, pd.DataFrame, pd.Series)) for one in other):
            raise ValueError("other must be DataFrame or Series objects, or a list of such")
        if how not in ("left", "outer"):
            raise ValueError(f"merge_multi only supports left or outer joins, not how={how!r}")
        for one in other:
            left = join(left, one, on=on, how=how, lsuffix=lsuffix, rsuffix=rsuffix)
        return left
    if not isinstance(other, (Collection, pd.DataFrame, pd.Series)):
        raise ValueError(f"other must be DataFrame or Series, not {type(other).__name__}")
    if getattr(other, "ndim", 2) == 1 and getattr(other, "name", None) is None:
        raise ValueError("other must be named to be joined")
    settings: dict[str, Any] = {"right_index": True, "suffixes": (lsuffix, rsuffix), "how": how}
    settings |= {"left_index": True} if on is None else {"left_on": on}
    other = _lazy(other)
    overlap = left._meta.columns.intersection(other._meta.columns)
    if len(overlap) and not lsuffix and not rsuffix:
        raise ValueError(f"columns overlap but no suffix specified: {overlap}")
    return merge(left, other, npartitions=npartitions, **settings)
