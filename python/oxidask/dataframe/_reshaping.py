"""Tables of other shapes: ``pivot_table``, ``get_dummies``, ``melt``."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._collection import new_collection, python_layer, together
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd

__all__ = ["get_dummies", "melt", "pivot_table"]


def melt(
    frame: Any,
    id_vars: Any = None,
    value_vars: Any = None,
    var_name: Any = None,
    value_name: Any = "value",
    col_level: Any = None,
) -> Any:
    """Return a row for each value: see ``DataFrame.melt``."""
    return frame.melt(id_vars, value_vars, var_name, value_name, col_level)


def pivot_table(df: Any, index: Any, columns: Any, values: Any, aggfunc: Any = "mean") -> Any:
    """Return aggregates in a table: rows by the values of one column, columns by another's.

    Parameters
    ----------
    index
        The label of the column that gives rows.
    columns
        That of the one that gives columns: of known categories.
    values
        That of the values, or a list of such.
    aggfunc
        ``"mean"``, ``"sum"``, ``"count"``, ``"first"`` or ``"last"``.
    """
    known = ("mean", "sum", "count", "first", "last")
    if not isinstance(index, str) or index not in df._meta.columns:
        raise ValueError("'index' must be the name of an existing column")
    if not isinstance(columns, str) or columns not in df._meta.columns:
        raise ValueError("'columns' must be the name of an existing column")
    dtype = df._meta[columns].dtype
    if not isinstance(dtype, pd.CategoricalDtype):
        raise ValueError("'columns' must be category dtype")
    if len(df._meta[columns].cat.categories) == 0:
        raise ValueError(
            "'columns' must have known categories. Please use "
            "`df[columns].cat.as_known()` beforehand to ensure known categories"
        )
    if not (isinstance(values, list) and all(v in df._meta.columns for v in values)) and (
        not isinstance(values, str) or values not in df._meta.columns
    ):
        raise ValueError("'values' must refer to an existing column or columns")
    if not isinstance(aggfunc, str) or aggfunc not in known:
        raise ValueError("aggfunc must be either " + ", ".join(f"'{x}'" for x in known))
    wanted = values if isinstance(values, list) else [values]
    # One row for each pair of labels that occurs; a table of these is all that is made in one task.
    groups = df.groupby([index, columns], sort=False, observed=True)[wanted]
    found = getattr(groups, aggfunc)().reset_index()
    sample = df._meta_nonempty.astype({columns: dtype})
    meta = make_meta(_table(sample, index, columns, values, aggfunc))
    last = {"count": "sum", "mean": "mean", "sum": "sum"}.get(aggfunc, "first")
    args = [("literal", x) for x in (index, columns, values, last, dtype)]
    expr = python_layer(_table_of, [("every", found._expr), *args], 1, name="pivot-table")
    return new_collection(expr, meta)


def _table(rows: Any, index: Any, columns: Any, values: Any, aggfunc: str) -> Any:
    return rows.pivot_table(
        index=index, columns=columns, values=values, aggfunc=aggfunc, observed=False, dropna=False
    )


def _table_of(
    parts: list[Any], index: Any, columns: Any, values: Any, aggfunc: str, dtype: Any
) -> Any:
    rows = together(parts)
    table = _table(rows.astype({columns: dtype}), index, columns, values, aggfunc)
    # Sums and counts of nothing are zero; of other rows without any value there is nothing to say.
    return table if aggfunc == "sum" else table.dropna(how="all")


def get_dummies(
    data: Any,
    prefix: Any = None,
    prefix_sep: str = "_",
    dummy_na: bool = False,
    columns: Any = None,
    sparse: bool = False,
    drop_first: bool = False,
    dtype: Any = bool,
    **kwargs: Any,
) -> Any:
    """Return a column for each category."""
    settings = {
        "prefix": prefix,
        "prefix_sep": prefix_sep,
        "dummy_na": dummy_na,
        "columns": columns,
        "sparse": sparse,
        "drop_first": drop_first,
        "dtype": dtype,
        **kwargs,
    }
    if isinstance(data, (pd.DataFrame, pd.Series)):
        return pd.get_dummies(data, **settings)
    meta = data._meta
    unknown = (
        "`get_dummies` with unknown categories is not supported. Please use "
        "`column.cat.as_known()` or `df.categorize()` beforehand"
    )
    chosen = (
        [meta]
        if meta.ndim == 1
        else [
            meta[c]
            for c in (
                meta.select_dtypes(["object", "string", "category"]).columns
                if columns is None
                else columns
            )
        ]
    )
    for column in chosen:
        if not isinstance(column.dtype, pd.CategoricalDtype):
            raise NotImplementedError(
                "`get_dummies` with non-categorical dtypes is not supported. Please use "
                "`df.categorize()` beforehand to convert to categorical dtype."
            )
        if len(column.cat.categories) == 0:
            raise NotImplementedError(unknown)
    return data._partwise(pd.get_dummies, **settings)
