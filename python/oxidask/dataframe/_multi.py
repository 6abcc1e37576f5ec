"""Several collections as one."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any

from oxidask._native import FrameExpr
from oxidask.dataframe._collection import (
    Collection,
    natively,
    new_collection,
    put_in_one,
    python_layer,
)
from oxidask.dataframe._meta import remembered
from oxidask.dataframe._needs import pandas as pd

__all__ = ["concat", "stacked"]


def stacked(exprs: Sequence[FrameExpr]) -> FrameExpr:
    """Return the partitions of several expressions, one after the other."""
    expr: FrameExpr | None = natively(lambda: FrameExpr.stacked(list(exprs)))
    if expr is not None:
        return expr
    n = sum(e.npartitions for e in exprs)
    # Each block reads the one partition it is, and the first of all others.
    args: list[tuple[Any, ...]] = [("per_block", _Owner([e.npartitions for e in exprs]))]
    before = 0
    for e in exprs:
        at = [min(max(i - before, 0), e.npartitions - 1) for i in range(n)]
        args.append(("at", e, at))
        before += e.npartitions
    return python_layer(_own, args, n, name="concat")


class _Owner:
    """Of which of several collections each block is."""

    def __init__(self, counts: list[int]) -> None:
        self.owners = [at for at, count in enumerate(counts) for _ in range(count)]

    def __call__(self, index: tuple[int, ...]) -> int:
        return self.owners[index[0]]


def _own(owner: int, *parts: Any) -> Any:
    return parts[owner]


def concat(
    dfs: Sequence[Any],
    axis: Any = 0,
    join: str = "outer",
    ignore_unknown_divisions: bool = False,
    ignore_order: bool = False,
    interleave_partitions: bool = False,
    **kwargs: Any,
) -> Any:
    """Put dataframes or series one after the other, or side by side.

    Parameters
    ----------
    dfs
        Collections and pandas objects.
    axis
        0 for one after the other, 1 for side by side.
    join
        ``"outer"`` for all columns, ``"inner"`` for those that all have.
    interleave_partitions
        Whether rows are put in order of their index where divisions overlap.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import concat, from_pandas
    >>> a = from_pandas(pd.DataFrame({"x": [1, 2]}), npartitions=1)
    >>> concat([a, a]).compute().x.tolist()
    [1, 2, 1, 2]
    """
    from oxidask.dataframe._io import from_pandas

    if not isinstance(dfs, (list, tuple)):
        raise TypeError("dfs must be a list of DataFrames/Series objects")
    if len(dfs) == 0:
        raise ValueError("No objects to concatenate")
    if join not in ("inner", "outer"):
        raise ValueError("'join' must be 'inner' or 'outer'")
    dfs = [x if isinstance(x, Collection) else from_pandas(x, npartitions=1) for x in dfs]
    if len(dfs) == 1 and axis in (0, "index"):
        return dfs[0]
    if axis in (1, "columns"):
        return _side_by_side(dfs, join, ignore_unknown_divisions)
    if ignore_order:
        dfs = [x._partwise(_unordered) if _has_order(x._meta) else x for x in dfs]
    meta = _meta(dfs, join, kwargs)
    known = all(x.known_divisions for x in dfs)
    ends: Any = None
    if known and all(a.divisions[-1] < b.divisions[0] for a, b in itertools.pairwise(dfs)):
        ends = (*(end for x in dfs for end in x.divisions[:-1]), dfs[-1].divisions[-1])
    elif known and interleave_partitions:
        return _interleaved(dfs, meta, join)
    native = natively(lambda: FrameExpr.stacked([x._expr for x in dfs]))
    if native is not None and join == "outer" and not kwargs:
        return new_collection(native, remembered(native, meta, frequency=False), ends)
    parts = [x if _is_like(x._meta, meta) else x._filter_partwise(_fitted, meta) for x in dfs]
    return new_collection(stacked([x._expr for x in parts]), meta, ends)


def _meta(dfs: Sequence[Any], join: str, kwargs: dict[str, Any]) -> Any:
    """Return what rows of all are like: categories are those of all, where they are known."""
    from pandas.api.types import union_categoricals

    meta = pd.concat([x._meta_nonempty for x in dfs], join=join, **kwargs).iloc[:0]
    for label in [None] if meta.ndim == 1 else meta.columns[~meta.columns.duplicated()]:
        columns = [
            x._meta if x._meta.ndim == 1 else x._meta[label]
            for x in dfs
            if x._meta.ndim == 1 or label in x._meta.columns
        ]
        if any(c.ndim != 1 or not isinstance(c.dtype, pd.CategoricalDtype) for c in columns):
            continue
        is_known = all(len(c.dtype.categories) for c in columns)
        dtype = union_categoricals(columns, ignore_order=True).dtype if is_known else "category"
        dtype = columns[0].dtype if all(c.dtype == columns[0].dtype for c in columns) else dtype
        empty = pd.Series([], dtype=dtype)
        if meta.ndim == 1:
            meta = empty.set_axis(meta.index).rename(meta.name)
        else:
            meta[label] = empty.array
    return meta


def _has_order(meta: Any) -> bool:
    dtypes = [meta.dtype] if meta.ndim == 1 else meta.dtypes
    return any(isinstance(dtype, pd.CategoricalDtype) and dtype.ordered for dtype in dtypes)


def _unordered(part: Any) -> Any:
    if part.ndim == 1:
        return part.cat.as_unordered()
    columns = {
        label: part[label].cat.as_unordered()
        for label, dtype in part.dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype)
    }
    return part.assign(**columns)


def _is_like(a: Any, b: Any) -> bool:
    if a.ndim != b.ndim:
        return False
    if a.ndim == 1:
        return bool(a.dtype == b.dtype and a.name == b.name)
    return list(a.columns) == list(b.columns) and list(a.dtypes) == list(b.dtypes)


def _fitted(part: Any, meta: Any) -> Any:
    if meta.ndim == 2 and part.ndim == 1:
        part = part.to_frame(name=0 if part.name is None else part.name)
    if meta.ndim == 1:
        part = part.rename(meta.name)
        return part if isinstance(meta.dtype, pd.CategoricalDtype) else part.astype(meta.dtype)
    part = part.reindex(columns=meta.columns)
    for label, dtype in meta.dtypes.items():
        is_other = isinstance(dtype, pd.CategoricalDtype)
        if part[label].dtype != dtype and (not is_other or part[label].isna().all()):
            part[label] = part[label].astype(dtype)
    return part


def _interleaved(dfs: list[Any], meta: Any, join: str) -> Any:
    ends = sorted({end for x in dfs for end in x.divisions})
    parts = [x.repartition(divisions=ends, force=True) for x in dfs]
    args = [("literal", meta), *(("partition", x._expr) for x in parts)]
    expr = python_layer(_rows_of_all, args, len(ends) - 1, name="concat")
    return new_collection(expr, meta, tuple(ends))


def _rows_of_all(meta: Any, *parts: Any) -> Any:
    full = [_fitted(part, meta) for part in parts if len(part)]
    return put_in_one(full, full[0]) if full else meta


def _side_by_side(dfs: list[Any], join: str, ignores: bool) -> Any:
    from oxidask.dataframe._aligning import align

    meta = pd.concat([x._meta for x in dfs], axis=1, join=join)
    known = all(x.known_divisions for x in dfs)
    same = all(x._expr.has_rows_of(dfs[0]._expr) for x in dfs[1:])
    if not known and not same:
        counts = [x.npartitions for x in dfs]
        if len(set(counts)) > 1:
            raise ValueError(
                "dataframes of unknown divisions can't be put side by side (axis=1): they have "
                f"{counts} partitions; set_index finds divisions"
            )
        if not ignores:
            warnings.warn(
                "dataframes of unknown divisions are put side by side as if their partitions held "
                "the same labels; ignore_unknown_divisions=True says that they do",
                UserWarning,
                stacklevel=3,
            )
    elif not same:
        dfs = list(align(tuple(dfs)))
    args = [("literal", join), ("literal", known or same), *(("partition", x._expr) for x in dfs)]
    expr = python_layer(_columns_of_all, args, dfs[0].npartitions, name="concat")
    return new_collection(expr, meta, dfs[0]._known_divisions)


def _columns_of_all(join: str, known: bool, *parts: Any) -> Any:
    if not known:
        counts = [len(part) for part in parts]
        if len(set(counts)) > 1:
            raise ValueError(
                f"partitions of {counts} rows can't be put side by side without known divisions"
            )
    return pd.concat(parts, axis=1, join=join)
