"""Columns made categorical, with categories that are known without computing."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import elementwise_like

__all__ = ["categorize", "known_dtype"]


def categorize(df: Any, columns: Any, index: Any, split_every: Any) -> Any:
    """Return a dataframe with columns of text as known categories: computes these."""
    by_default = split_every is None or isinstance(split_every, bool)
    if not by_default and not (isinstance(split_every, int) and split_every >= 2):
        raise ValueError(f"split_every must be an integer >= 2, not {split_every!r}")
    meta = df._meta
    if columns is None:
        chosen = [
            label
            for label, dtype in meta.dtypes.items()
            if _is_text(dtype) or isinstance(dtype, pd.CategoricalDtype)
        ]
    elif isinstance(columns, str) or not hasattr(columns, "__iter__"):
        chosen = [columns]
    else:
        chosen = list(columns)
    chosen = [label for label in chosen if not _is_known(meta[label].dtype)]
    labels = meta.index
    if index is None:
        index = _is_text(labels.dtype) or isinstance(labels.dtype, pd.CategoricalDtype)
    with_index = bool(index) and not _is_known(labels.dtype)
    if not chosen and not with_index:
        return df
    from oxidask.base import compute

    columns_of = [df[label] for label in chosen] + ([df.index.to_series()] if with_index else [])
    different = compute(*(values.dropna().unique() for values in columns_of))
    dtypes = [
        known_dtype(values, values_of._meta.dtype)
        for values, values_of in zip(different, columns_of, strict=True)
    ]
    new_labels = dtypes.pop() if with_index else None
    by_label = dict(zip(chosen, dtypes, strict=True))
    result = elementwise_like(_typed(meta, by_label, new_labels), _typed, df, by_label, new_labels)
    if with_index:
        result = result.clear_divisions()
    return result


def known_dtype(values: Any, dtype: Any) -> Any:
    """Return the categorical dtype of some different values: their categories, or them in order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        ordered = bool(getattr(dtype, "ordered", False))
        used = values if isinstance(values, pd.Index) else values.cat
        return pd.CategoricalDtype(used.categories, ordered)
    return pd.CategoricalDtype(pd.Index(values).sort_values())


def _is_text(dtype: Any) -> bool:
    return isinstance(dtype, pd.StringDtype) or getattr(dtype, "kind", "") == "O"


def _is_known(dtype: Any) -> bool:
    return isinstance(dtype, pd.CategoricalDtype) and len(dtype.categories) > 0


def _typed(part: Any, dtypes: dict[Any, Any], index: Any) -> Any:
    part = part.astype(dtypes)
    return part if index is None else part.set_axis(part.index.astype(index), axis=0)
