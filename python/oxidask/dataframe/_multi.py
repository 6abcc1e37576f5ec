"""Several collections as one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from oxidask._native import FrameExpr
from oxidask.dataframe._collection import Collection, natively, new_collection, python_layer
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
        return _side_by_side(dfs, join)
    meta = pd.concat([x._meta_nonempty for x in dfs], join=join, **kwargs).iloc[:0]
    known = all(x.known_divisions for x in dfs)
    ends: Any = None
    if known and all(a.divisions[-1] < b.divisions[0] for a, b in itertools.pairwise(dfs)):
        ends = (*(end for x in dfs for end in x.divisions[:-1]), dfs[-1].divisions[-1])
    elif known and interleave_partitions:
        return _interleaved(dfs, meta, join)
    native = natively(lambda: FrameExpr.stacked([x._expr for x in dfs]))
    if native is not None and join == "outer" and not kwargs:
        return new_collection(native, None, ends)
    parts = [x if _is_like(x._meta, meta) else x._filter_partwise(_fitted, meta) for x in dfs]
    return new_collection(stacked([x._expr for x in parts]), meta, ends)


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
        return part.rename(meta.name).astype(meta.dtype)
    part = part.reindex(columns=meta.columns)
    for label, dtype in meta.dtypes.items():
        if part[label].dtype != dtype:
            part[label] = part[label].astype(dtype)
    return part


def _interleaved(dfs: list[Any], meta: Any, join: str) -> Any:
    ends = sorted({end for x in dfs for end in x.divisions})
    parts = [x.repartition(divisions=ends, force=True) for x in dfs]
    args = [("literal", join), *(("partition", x._expr) for x in parts)]
    expr = python_layer(_rows_of_all, args, len(ends) - 1, name="concat")
    return new_collection(expr, meta, tuple(ends))


def _rows_of_all(join: str, *parts: Any) -> Any:
    full = [part for part in parts if len(part)] or [parts[0]]
    return pd.concat(full, join=join)


def _side_by_side(dfs: list[Any], join: str) -> Any:
    from oxidask.dataframe._partitions import align

    meta = pd.concat([x._meta for x in dfs], axis=1, join=join)
    dfs = list(align(tuple(dfs)))
    args = [("literal", join), *(("partition", x._expr) for x in dfs)]
    expr = python_layer(_columns_of_all, args, dfs[0].npartitions, name="concat")
    return new_collection(expr, meta, dfs[0]._known_divisions)


def _columns_of_all(join: str, *parts: Any) -> Any:
    return pd.concat(parts, axis=1, join=join)
