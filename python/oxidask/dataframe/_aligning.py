"""Collections brought to the same partitions: rows of equal labels meet in those of one number.

By divisions where they are known. Where they are not, partitions of the same number are taken to
belong together, unless rows have moved since: then rows meet by the hashes of their labels.
"""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._collection import Collection, natively, new_collection
from oxidask.dataframe._exchange import exchanged, hashes
from oxidask.dataframe._needs import pandas as pd

__all__ = ["align", "is_partitioned"]


def is_partitioned(x: Any) -> bool:
    """Whether `x` is a collection of rows, not of one value."""
    from oxidask.dataframe._scalar import Scalar

    return isinstance(x, Collection) and not isinstance(x, Scalar)


def align(args: tuple[Any, ...], by_rows: bool = False) -> tuple[Any, ...]:
    """Return the arguments with all collections over the same partitions.

    Parameters
    ----------
    args
        Collections, and whatever else stays as it is.
    by_rows
        Whether rows go with those of the same label: then they are made to meet at any cost.
        Else one partition may go with each of several, of which nobody knows the divisions.

    Raises
    ------
    ValueError
        If divisions differ and are not known, where rows need not meet.
    """
    several = [x for x in args if is_partitioned(x)]
    if len(several) < 2:
        return args
    first = several[0]
    if all(x._expr.has_rows_of(first._expr) for x in several[1:]):
        return args
    if all(x.known_divisions for x in several):
        if all(x.divisions == first.divisions for x in several[1:]):
            return args
        ends = sorted({end for x in several for end in x.divisions})
        ends = ends * 2 if len(ends) == 1 else ends
        return _replaced(args, [x.repartition(divisions=ends, force=True) for x in several])
    stayed = len({x._moved for x in several}) == 1
    counts = {x.npartitions for x in several}
    if len(counts) == 1 and (stayed or not by_rows):
        return args
    few = [x for x in several if x.npartitions == 1]
    ndim = max(x._meta.ndim for x in several)
    # A series beside a dataframe whose labels are those of columns goes with each partition.
    if len(counts) == 2 and few and all(x._meta.ndim < ndim or len(x._meta) for x in few):
        return args
    if by_rows:
        return _replaced(args, _by_hashes(several, max(counts)))
    if len(counts) == 2 and few:
        return args
    raise ValueError(
        "Not all divisions are known, can't align partitions. "
        "Please use `set_index` to set the index."
    )


def _replaced(args: tuple[Any, ...], collections: list[Any]) -> tuple[Any, ...]:
    following = iter(collections)
    return tuple(next(following) if is_partitioned(x) else x for x in args)


def _by_hashes(several: list[Any], n: int) -> list[Any]:
    """Return collections whose rows are where the hash of their label says."""
    dtypes = {str(getattr(x._meta, "index", x._meta).dtype) for x in several}
    exprs = None
    if len(dtypes) == 1 and all(x._expr.is_native and hasattr(x._meta, "index") for x in several):
        exprs = natively(lambda: [x._expr.shuffled([], n) for x in several])
    if exprs is None:
        exprs = [
            exchanged(_cut, [("partition", x._expr)], x.npartitions, n, _only, name="align")
            for x in several
        ]
    moved = [new_collection(e, x._meta) for e, x in zip(exprs, several, strict=True)]
    for x in moved:
        x._moved = moved[0]._name
    return moved


def _cut(part: Any) -> tuple[list[Any], Any]:
    labels = part if isinstance(part, pd.Index) else part.index
    if isinstance(labels, pd.MultiIndex):
        return [part], hashes([labels.get_level_values(at) for at in range(labels.nlevels)])
    return [part], hashes([labels])


def _only(bundle: list[Any]) -> Any:
    return bundle[0]
