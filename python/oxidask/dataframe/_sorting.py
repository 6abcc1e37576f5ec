"""Order over partitions: ``sort_values``, ``set_index``, ``sort_index``."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from oxidask.dataframe._collection import Collection, natively, new_collection, on_all, python_layer
from oxidask.dataframe._meta import remembered
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import map_partitions

__all__ = ["set_index", "sort_values"]


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
            return result.reset_index(drop=True) if ignore_index else result
    # What pandas alone can order it orders in one partition.
    settings = {
        "ascending": ways if not is_series else ways[0],
        "na_position": na_position,
        "ignore_index": ignore_index,
    }
    settings |= {} if is_series else {"by": labels}
    settings |= sort_function_kwargs or {}
    method = sort_function or type(collection._meta).sort_values
    args = [("literal", method), ("every", collection._expr)]
    layer = python_layer(on_all, args, 1, settings, name="sort-values")
    return new_collection(layer, collection._meta)


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
    if append:
        raise NotImplementedError("append=True is not supported: name the levels as columns")
    if isinstance(other, list):
        if len(other) != 1:
            raise NotImplementedError("Dask dataframe does not yet support multi-indexes")
        (other,) = other
    if isinstance(other, pd.DataFrame) or getattr(other, "ndim", 0) == 2:
        raise NotImplementedError("Dask dataframe does not yet support multi-indexes")
    if isinstance(other, Collection):
        label = other._meta.name
        temporary = label if label is not None else "__index__"
        df = (
            df.assign(**{temporary: other})
            if isinstance(temporary, str)
            else df._assigned({temporary: other})
        )
        result = set_index(df, temporary, True, sorted, npartitions, divisions, sort)
        return result if label is not None else result._renamed_index(None)
    if other not in df._meta.columns:
        raise KeyError(other)
    if sorted and divisions is None:
        return _of_sorted(df, other, drop)
    if not sort or (sorted and divisions is not None):
        if divisions is not None:
            _check_divisions(divisions)
            if len(divisions) != df.npartitions + 1:
                raise ValueError(
                    "When specifying both `sorted=True` and `divisions`, the number of partitions "
                    f"must be one less than the divisions: {df.npartitions} and {len(divisions)}"
                )
        return _labelled(df, other, drop, divisions)
    if divisions is not None:
        _check_divisions(divisions)
        splits = list(divisions[1:-1])
        ends = tuple(divisions)
    else:
        n_out = df.npartitions if npartitions in (None, "auto") else int(npartitions)
        low, high, splits = _found(df, other, n_out)
        ends = (low, *splits, high)
    return _sorted_at(df, other, drop, splits, ends)


def _check_divisions(divisions: Sequence[Any]) -> None:
    if not isinstance(divisions, (tuple, list)):
        raise ValueError("New division must be list or tuple")
    ordered = list(divisions)
    if ordered != builtins.sorted(ordered):
        raise ValueError("New division must be sorted")


def _labelled(df: Any, label: Any, drop: bool, divisions: Any) -> Any:
    expr = None
    if df._expr.is_native:
        expr = natively(lambda: df._expr.with_index_of([label], drop))
    ends = None if divisions is None else tuple(divisions)
    if expr is not None:
        return new_collection(expr, remembered(expr, df._known_meta, frequency=False), ends)
    result = map_partitions(
        pd.DataFrame.set_index, df, label, drop=drop, enforce_metadata=False, clear_divisions=True
    )
    return new_collection(result._expr, result._meta, ends)


def _of_sorted(df: Any, label: Any, drop: bool) -> Any:
    """Index rows that are in order: the ends of partitions are computed."""
    bounds = (
        df[label]
        .map_partitions(_ends, meta=df._meta[[label]], enforce_metadata=False, clear_divisions=True)
        .to_delayed()
    )
    from oxidask.base import compute

    ends = [pair for pair in compute(*bounds) if pair is not None]
    if not ends:
        return _labelled(df, label, drop, None)
    lows, highs = [low for low, _ in ends], [high for _, high in ends]
    if lows != builtins.sorted(lows) or any(
        high > low for high, low in zip(highs[:-1], lows[1:], strict=True)
    ):
        raise ValueError(
            "Partitions are not sorted ascending by the index; sort the rows (set_index without "
            f"sorted=True): they begin with {lows} and end with {highs}"
        )
    if len(ends) != df.npartitions:
        return _labelled(df, label, drop, None)
    return _labelled(df, label, drop, (*lows, highs[-1]))


def _ends(part: Any) -> Any:
    return (part.iloc[0], part.iloc[-1]) if len(part) else None


def _found(df: Any, label: Any, n_out: int) -> tuple[Any, Any, list[Any]]:
    """Return the least and the greatest label, and labels that cut the rows into equal parts."""
    from oxidask.base import compute

    column = df[label]
    if df._expr.is_native:
        expr = natively(lambda: df._expr.project([label], "frame").splits([(label, False)], n_out))
        if expr is not None:
            found, low, high = compute(new_collection(expr), column.min(), column.max())
            splits = [s for s in found[label].tolist() if not pd.isna(s) and low < s <= high]
            return low, high, splits
    values = column.dropna().compute().sort_values()
    if not len(values):
        return None, None, []
    at = [values.iloc[len(values) * i // n_out] for i in range(1, n_out)]
    unique = list(dict.fromkeys(v for v in at if v > values.iloc[0]))
    return values.iloc[0], values.iloc[-1], unique


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
    args = [
        ("literal", label),
        ("literal", splits),
        ("per_block", _number),
        ("literal", drop),
        ("every", df._expr),
    ]
    layer = python_layer(_range_of, args, n_out, name="set-index")
    meta = df._meta.set_index(label, drop=drop)
    return new_collection(layer, meta, ends)


def _number(index: tuple[int, ...]) -> int:
    return index[0]


def _range_of(label: Any, splits: list[Any], at: int, drop: bool, parts: list[Any]) -> Any:
    import numpy as np

    rows = []
    for part in parts:
        column = part[label]
        keep = np.ones(len(part), bool)
        if at > 0:
            keep &= (column >= splits[at - 1]).to_numpy(dtype=bool, na_value=False)
        if at < len(splits):
            keep &= (column < splits[at]).to_numpy(dtype=bool, na_value=False)
        rows.append(part[keep])
    whole = pd.concat(rows).sort_values(label, kind="stable")
    return whole.set_index(label, drop=drop)
