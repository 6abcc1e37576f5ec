"""Conditions on rows as Parquet's readers take them: lists of ``(column, operator, value)``."""

from __future__ import annotations

import operator
from typing import Any

from oxidask.dataframe._needs import pandas as pd

__all__ = ["checked", "chosen", "chosen_of", "native_conditions"]

_COMPARISONS = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_OTHERS = ("in", "not in", "is", "is not")


def checked(filters: Any) -> Any:
    """Return filters as alternatives of conjunctions; None if there are none.

    Raises
    ------
    ValueError
        If an operator is none.
    TypeError
        If ``in`` is asked of something that is no collection of values.
    """
    if filters is None or len(filters) == 0:
        return None
    alternatives = filters if isinstance(filters[0], list) else [list(filters)]
    for label, op, value in (test for tests in alternatives for test in tests):
        if op not in _COMPARISONS and op not in _OTHERS:
            raise ValueError(f"{op!r} is not a valid operator in predicates of {label!r}.")
        if op in ("in", "not in") and not isinstance(value, (list, tuple, set, frozenset)):
            raise TypeError(
                f"Value of '{op}' filter must be a list, a set or a tuple, not {value!r}: "
                f"({label!r}, {op!r}, {value!r})"
            )
    return alternatives


def native_conditions(filters: Any) -> Any:
    """Return conditions as the native reader takes them: with times as it writes them."""
    from oxidask.dataframe._native_calls import native_scalar

    def native(value: Any) -> Any:
        if isinstance(value, (list, tuple, set, frozenset)):
            return [native_scalar(item) for item in value]
        return native_scalar(value)

    return [[(label, op, native(value)) for label, op, value in tests] for tests in filters]


def chosen(df: Any, filters: Any) -> Any:
    """Return the rows that meet filters."""
    labels = {label for tests in filters for label, _, _ in tests}
    in_index = labels - set(df.columns)
    absent = in_index - set(df._meta.index.names)
    if absent:
        raise ValueError(
            f"filters ask for {sorted(absent, key=str)}, which are not among {list(df.columns)}"
        )
    if in_index:
        return df._partwise(chosen_of, filters)
    return df[_condition(df, filters)]


def chosen_of(part: Any, filters: Any) -> Any:
    """Return the rows of a pandas object that meet filters, on levels of its index too."""
    flat = part.reset_index()
    return part[_condition(flat, filters).to_numpy()]


def _condition(df: Any, filters: Any) -> Any:
    either = None
    for tests in filters:
        both = None
        for label, op, value in tests:
            test = _test(df[label], op, value)
            both = test if both is None else both & test
        either = both if either is None else either | both
    return either


def _test(column: Any, op: str, value: Any) -> Any:
    if op in ("in", "not in"):
        found = column.isin(list(value))
        return found if op == "in" else ~found
    if op in ("is", "is not"):
        return column.isna() if op == "is" else column.notna()
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) and op not in ("=", "==", "!="):
        # Categories compare by their values, whatever their order: so do row groups' bounds.
        values = column._meta if hasattr(column, "_meta") else column
        column = column.astype(values.cat.categories.dtype)
    return _COMPARISONS[op](column, value)
