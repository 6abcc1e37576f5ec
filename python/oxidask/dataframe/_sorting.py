"""Order over partitions: ``sort_values``, ``set_index``, ``sort_index``."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask.dataframe._collection import Collection, natively, new_collection, python_layer
from oxidask.dataframe._meta import remembered
from oxidask.dataframe._multi import stacked
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import map_partitions
from oxidask.dataframe._repartition import rows_between
from oxidask.dataframe._shuffle import by_ranges, splits_of

__all__ = ["current_divisions", "set_index", "sort_values"]


def sort_values(
    collection: Any,
    by: Any,
    ascending: Any,
    na_position: str,
    npartitions: Any,
    ignore_index: bool,
    sort_function: Any,
    sort_function_kwargs: Any,
) -> Any:
    """Return the rows of a collection in order: see ``DataFrame.sort_values``."""
    if na_position not in ("first", "last"):
        raise ValueError("na_position must be either 'first' or 'last'")
    is_series = collection._meta.ndim == 1
    labels = [collection._meta.name] if is_series else list(by) if isinstance(by, list) else [by]
    if not is_series:
        missing = [label for label in labels if label not in collection._meta.columns]
        if missing and not all(isinstance(label, (str, tuple)) for label in missing):
            raise NotImplementedError(
                f"Dataframes only support sorting by named columns; {missing} are not among them"
            )
        if missing:
            raise KeyError(f"{missing} not in index")
    ways = list(ascending) if isinstance(ascending, (list, tuple)) else [ascending] * len(labels)
    if len(ways) != len(labels):
        raise ValueError(f"Length of ascending ({len(ways)}) != length of by ({len(labels)})")
    if not all(isinstance(way, bool) for way in ways):
        raise NotImplementedError(f"ascending must be a bool or a list of bools, not {ascending!r}")
    n_out = collection.npartitions if npartitions in (None, "auto") else int(npartitions)
    if sort_function is None and collection._expr.is_native:
        order = [(label, not way) for label, way in zip(labels, ways, strict=True)]
        expr = natively(lambda: collection._expr.sorted(order, na_position == "last", n_out))
        if expr is not None:
            known = remembered(expr, collection._known_meta, frequency=False)
            result = new_collection(expr, known)
            result._moved = result._name
            return result.reset_index(drop=True) if ignore_index else result
    return _by_pandas(
        collection,
        labels,
        ways,
        na_position,
        n_out,
        ignore_index,
        sort_function,
        sort_function_kwargs,
    )


def _by_pandas(
    collection: Any,
    labels: list[Any],
    ways: list[bool],
    na_position: str,
    n_out: int,
    ignore_index: bool,
    sort_function: Any,
    sort_function_kwargs: Any,
) -> Any:
    """Return the rows in order: ranges of the first key, each of them ordered by pandas."""
    is_series = collection._meta.ndim == 1
    settings: dict[str, Any] = {
        "ascending": ways if len(ways) > 1 else ways[0],
        "na_position": na_position,
        "ignore_index": False,
    }
    settings |= {} if is_series else {"by": labels if len(labels) > 1 else labels[0]}
    settings |= {} if sort_function else {"kind": "stable"}
    settings |= sort_function_kwargs or {}
    method = sort_function or type(collection._meta).sort_values
    key = None if is_series else labels[0]
    expr = by_ranges(
        collection,
        key,
        splits_of(collection, key, n_out),
        n_out,
        method,
        descending=not ways[0],
        na_last=na_position == "last",
        settings=settings,
    )
    result = new_collection(expr, collection._meta)
    return result.reset_index(drop=True) if ignore_index else result


def set_index(
    df: Any,
    other: Any,
    drop: bool = True,
    sorted: bool = False,
    npartitions: Any = None,
    divisions: Sequence[Any] | None = None,
    sort: bool = True,
    upsample: float = 1.0,
    partition_size: Any = 128e6,
    append: bool = False,
    **options: Any,
) -> Any:
    """Make a column the index, and order the rows by it.

    Parameters
    ----------
    df
        The dataframe.
    other
        The label of a column, or a series over the same rows.
    drop
        Whether the column is no column any more.
    sorted
        Whether the rows are in its order already.
    npartitions
        How many partitions; by default as many as before.
    divisions
        Labels between partitions; by default they are found by computing.
    sort
        Whether to order the rows at all.
    """
    if options.pop("inplace", False):
        raise NotImplementedError("The inplace= keyword is not supported")
    if isinstance(other, list):
        if len(other) != 1 and any(isinstance(key, Collection) for key in other):
            raise TypeError(
                "a list of series is not supported by set_index: assign them as columns"
            )
        if len(other) != 1:
            raise NotImplementedError("Dask dataframe does not yet support multi-indexes")
        (other,) = other
    if isinstance(other, pd.DataFrame) or getattr(other, "ndim", 0) == 2:
        raise NotImplementedError("Dask dataframe does not yet support multi-indexes")
    if divisions is not None:
        _check_divisions(divisions)
    if append and (sort or isinstance(other, Collection)):
        raise NotImplementedError(
            "append=True is only supported for a label with sort=False: several levels are in no "
            "order over partitions"
        )
    if isinstance(other, Collection):
        if isinstance(other._meta, pd.Index) and other._name == df.index._name:
            return df
        label = other._meta.name
        if _is_column(df, label, other):
            return set_index(df, label, False, sorted, npartitions, divisions, sort)
        temporary = "__index__"
        while temporary in df._meta.columns:
            temporary += "_"
        df = _with_key(df, temporary, other)
        result = set_index(df, temporary, True, sorted, npartitions, divisions, sort)
        return _renamed_index(result, label)
    if other not in df._meta.columns:
        raise KeyError(other)
    if sorted and divisions is None:
        return _of_sorted(df, other, drop)
    if not sort or (sorted and divisions is not None):
        if divisions is not None and len(divisions) != df.npartitions + 1:
            raise ValueError(
                "When specifying both `sorted=True` and `divisions`, the number of partitions must "
                f"be one less than the divisions: {df.npartitions} and {len(divisions)}"
            )
        return _labelled(df, other, drop, divisions, append)
    if divisions is not None:
        splits = list(divisions[1:-1])
        ends = tuple(divisions)
    else:
        n_out = df.npartitions if npartitions in (None, "auto") else int(npartitions)
        low, high, splits = _found(df, other, n_out)
        ends = (low, *splits, high)
    return _sorted_at(df, other, drop, splits, ends)


def _is_column(df: Any, label: Any, other: Any) -> bool:
    """Whether a series is a column of the rows themselves."""
    if isinstance(other._meta, pd.Index) or label not in df._meta.columns:
        return False
    return bool(df._meta.columns.is_unique and df[label]._name == other._name)


def _with_key(df: Any, label: str, other: Any) -> Any:
    """Return the rows with a column more, of a series or an index."""
    if isinstance(other._meta, pd.Series):
        return df._assigned({label: other})
    if other.npartitions != df.npartitions:
        raise ValueError(
            f"an index of {other.npartitions} partitions can't be that of rows in {df.npartitions}"
        )
    meta = df._meta.assign(**{label: other._meta})
    args = [("literal", label), ("partition", df._expr), ("partition", other._expr)]
    expr = python_layer(_with_labels, args, df.npartitions, name="set-index-key")
    return new_collection(expr, meta, df._known_divisions)


def _with_labels(label: str, part: Any, labels: Any) -> Any:
    return part.assign(**{label: labels})


def _renamed_index(df: Any, name: Any) -> Any:
    expr = None
    if df._expr.is_native:
        expr = natively(lambda: df._expr.relabel("frame", None, [name]))
    if expr is None:
        expr = df._partwise(pd.DataFrame.rename_axis, index=name)._expr
    return new_collection(expr, df._meta.rename_axis(index=name), df._known_divisions)


def _check_divisions(divisions: Sequence[Any]) -> None:
    if not isinstance(divisions, (tuple, list)):
        raise ValueError("New division must be list or tuple")
    ordered = list(divisions)
    if len(ordered) < 2:
        raise ValueError(f"New division must have a first and a last label, not {ordered}")
    if ordered != builtins.sorted(ordered):
        raise ValueError("New division must be sorted")


def _labelled(df: Any, label: Any, drop: bool, divisions: Any, append: bool = False) -> Any:
    expr = None
    if df._expr.is_native and not append:
        expr = natively(lambda: df._expr.with_index_of([label], drop))
    ends = None if divisions is None else tuple(divisions)
    if expr is not None:
        return new_collection(expr, None, ends)
    result = map_partitions(
        pd.DataFrame.set_index,
        df,
        label,
        drop=drop,
        append=append,
        enforce_metadata=False,
        clear_divisions=True,
    )
    return new_collection(result._expr, result._meta, ends)


def _of_sorted(df: Any, label: Any, drop: bool) -> Any:
    """Index rows that are in order: the ends of partitions are computed.

    Partitions without rows are left out. Rows of a label that several partitions have go to the
    last of these.
    """
    full, lows, highs = _ends_of(df, label)
    if not full:
        return _labelled(df.partitions[0], label, drop, None)
    if len(full) < df.npartitions:
        df = df.partitions[full]
    ends = (*lows, highs[-1])
    result = _labelled(df, label, drop, None)
    if all(high < low for high, low in zip(highs[:-1], lows[1:], strict=True)):
        return new_collection(result._expr, result._meta, ends)
    parts = []
    for at, (low, high) in enumerate(itertools.pairwise(ends)):
        first = next(i for i in range(at + 1) if highs[i] >= low)
        chosen = result.partitions[first : at + 1]
        parts.append(rows_between(chosen, low, high, at == len(lows) - 1))
    return new_collection(stacked(parts), result._meta, ends)


def _ends_of(df: Any, label: Any) -> tuple[list[int], list[Any], list[Any]]:
    """Return which partitions have rows, and the first and the last keys of these.

    Raises
    ------
    ValueError
        If one partition's keys go beyond the next one's.
    """
    from oxidask.base import compute

    column = df.index if label is None else df[label]
    args = [("partition", column._expr)]
    layer = python_layer(_ends, args, df.npartitions, name="set-index-ends")
    bounds = new_collection(layer, pd.Series([])).to_delayed()
    ends = list(compute(*bounds))
    full = [at for at, pair in enumerate(ends) if pair is not None]
    lows, highs = ([ends[at][side] for at in full] for side in (0, 1))
    if any(high > low for high, low in zip(highs[:-1], lows[1:], strict=True)):
        raise ValueError(
            "Partitions are not sorted ascending by the index; sort the rows (set_index without "
            f"sorted=True): they begin with {lows} and end with {highs}"
        )
    return full, lows, highs


def _ends(part: Any) -> Any:
    part = part.dropna()
    if not len(part):
        return None
    return tuple(x.item() if isinstance(x, np.number) else x for x in (part.min(), part.max()))


def current_divisions(df: Any, label: Any, set_divisions: bool) -> Any:
    """Compute the divisions of rows in order: see ``DataFrame.compute_current_divisions``."""
    if label is None and df.known_divisions:
        return df if set_divisions else df.divisions
    full, lows, highs = _ends_of(df, label)
    ends = (*lows, highs[-1]) if full else (None,) * (df.npartitions + 1)
    if not set_divisions:
        return ends
    if label is not None:
        raise NotImplementedError("set_divisions needs the index: set_index(col, sorted=True)")
    rows = df.partitions[full] if 0 < len(full) < df.npartitions else df
    return new_collection(rows._expr, df._meta, ends)


def _found(df: Any, label: Any, n_out: int) -> tuple[Any, Any, list[Any]]:
    """Return the least and the greatest label, and labels that cut the rows into equal parts."""
    from oxidask.base import compute

    column = df[label]
    expr = None
    if df._expr.is_native:
        expr = natively(lambda: df._expr.project([label], "frame").splits([(label, False)], n_out))
    if expr is not None:
        # Of no rows an integer has no least value: one that may be missing has.
        nullable = {"i": "Int64", "u": "UInt64", "b": "boolean"}.get(column.dtype.kind)
        values = column if nullable is None else column.astype(nullable)
        found, low, high = compute(new_collection(expr), values.min(), values.max())
        if pd.isna(low):
            return None, None, []
        splits = found[label].tolist()
    else:
        ends = python_layer(
            _least_and_greatest,
            [("every", python_layer(_ends, [("partition", column._expr)], df.npartitions))],
            1,
        )
        cuts = new_collection(splits_of(df, label, n_out), pd.Index([]))
        (pair,), splits = compute(new_collection(ends, 0), cuts)
        if pair is None:
            return None, None, []
        low, high = pair
    return low, high, [s for s in dict.fromkeys(splits) if not pd.isna(s) and low < s <= high]


def _least_and_greatest(pairs: list[Any]) -> Any:
    full = [pair for pair in pairs if pair is not None]
    return [(min(low for low, _ in full), max(high for _, high in full)) if full else None]


def _sorted_at(df: Any, label: Any, drop: bool, splits: list[Any], ends: tuple[Any, ...]) -> Any:
    if ends[0] is None or pd.isna(ends[0]):
        return _labelled(df.repartition(npartitions=1), label, drop, None)
    n_out = len(splits) + 1
    if df._expr.is_native:
        from oxidask.dataframe._io import from_pandas

        keys = pd.DataFrame({label: pd.Series(splits, dtype=df._meta[label].dtype)})
        table = from_pandas(keys, npartitions=1)._expr
        expr = natively(lambda: df._expr.sorted_at([(label, False)], table, n_out))
        if expr is not None:
            expr = natively(lambda: expr.with_index_of([label], drop))
            if expr is not None:
                known = remembered(expr, df._known_meta, frequency=False)
                return new_collection(expr, known, ends)
    dtype = df._meta[label].dtype
    settings = {} if isinstance(dtype, pd.CategoricalDtype) else {"dtype": dtype}
    keys = python_layer(pd.Index, [("literal", splits)], 1, settings, name="set-index-splits")
    layer = by_ranges(df, label, keys, n_out, _ordered, settings={"label": label, "drop": drop})
    return new_collection(layer, df._meta.set_index(label, drop=drop), ends)


def _ordered(part: Any, label: Any, drop: bool) -> Any:
    return part.sort_values(label, kind="stable").set_index(label, drop=drop)
