"""Where the least and greatest values are, and whether values are in order: by few rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask.dataframe._collection import new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import tree

__all__ = ["is_monotonic", "place_of"]


def place_of(df: Any, name: str, skipna: bool, meta: Any, split_every: Any = None) -> Any:
    """Return the labels of the least or greatest values: `name` is ``idxmin`` or ``idxmax``.

    What is left of each partition are the rows that have these values of a column.
    """
    said = {"name": name, "skipna": skipna}
    return tree(
        df,
        _candidates,
        _place,
        meta,
        combine=_candidates,
        split_every=split_every,
        chunk_kwargs=said,
        combine_kwargs=said,
        aggregate_kwargs=said,
        token=name,
    )


def _candidates(rows: Any, name: str, skipna: bool) -> Any:
    columns = [rows] if rows.ndim == 1 else [rows.iloc[:, at] for at in range(rows.shape[1])]
    chosen: set[int] = set()
    for column in columns:
        missing = np.flatnonzero(column.isna())
        if len(missing) < len(column):
            chosen.add(int(column.argmin() if name == "idxmin" else column.argmax()))
        if len(missing) and (not skipna or len(missing) == len(column)):
            chosen.add(int(missing[0]))
    return rows.iloc[sorted(chosen)]


def _place(rows: Any, name: str, skipna: bool) -> Any:
    return getattr(rows, name)(skipna=skipna)


def is_monotonic(values: Any, name: str) -> Any:
    """Return whether values are in order: `name` is pandas' property."""
    n = values.npartitions
    args = [("literal", name), ("partition", values._expr)]
    expr = python_layer(_ends, args, n, name=name)
    expr = python_layer(_are_in_order, [("literal", name), ("every", expr)], 1, name=name)
    return new_collection(expr, True)


def _ends(name: str, part: Any) -> tuple[bool, Any]:
    places = [0, -1] if len(part) else []
    return bool(getattr(part, name)), part.take(places)


def _are_in_order(name: str, parts: list[tuple[bool, Any]]) -> bool:
    if not all(good for good, _ in parts):
        return False
    full = [ends for _, ends in parts if len(ends)]
    if not full:
        return True
    whole = (
        pd.concat(full)
        if full[0].ndim and isinstance(full[0], pd.Series)
        else full[0].append(full[1:])
    )
    return bool(getattr(whole, name))
