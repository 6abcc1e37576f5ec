"""What goes through the groups in the order of their rows: rows stay in their partitions.

Cumulative functions carry a value for each group from partition to partition; the first and the
last rows of groups are those of the first and the last rows of the groups of each partition.
"""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._collection import new_collection, python_layer, together
from oxidask.dataframe._grouping import Recipe, of_partitions
from oxidask.dataframe._multi import stacked
from oxidask.dataframe._needs import pandas as pd

__all__ = ["cumulative", "ends_of_groups"]

# The aggregate of the rows before that a cumulative function goes on from.
_CARRIED = {
    "cumsum": "sum",
    "cumprod": "prod",
    "cummin": "min",
    "cummax": "max",
    "cumcount": "size",
}


def cumulative(grouped: Any, name: str, meta: Any) -> Any:
    """Return a cumulative function of each group, row by row where the rows are."""
    recipe, described = of_partitions(grouped)
    n = grouped.obj.npartitions
    columns = grouped._columns()
    literals = [("literal", recipe), ("literal", name), ("literal", columns), ("literal", meta)]
    if n == 1:
        expr = python_layer(_run_first, [*literals, *described], 1, name=f"groupby-{name}")
        return new_collection(expr, meta, grouped.obj._known_divisions)
    lasts = python_layer(_totals, [*literals, *described], n, name=f"groupby-{name}-last")
    carry = python_layer(_none, [], 1, name=f"groupby-{name}-none", token="0")
    carries = [carry]
    for at in range(n - 1):
        args = [("literal", name), ("partition", carry), ("at", lasts, [at])]
        carry = python_layer(_went_on, args, 1, name=f"groupby-{name}-carry")
        carries.append(carry)
    args = [*literals, ("partition", stacked(carries)), *described]
    rows_of = grouped.obj._expr
    expr = python_layer(_run, args, n, name=f"groupby-{name}", rows_of=rows_of)
    return new_collection(expr, meta, grouped.obj._known_divisions)


def _none() -> None:
    return None


def _keyed(recipe: Recipe, columns: list[Any], rows: Any, given: Any) -> tuple[Any, list[int]]:
    """Return a table of the values and, in the last columns, the keys of rows; both by number."""
    keys = recipe.values(rows, given)
    values = rows.to_frame() if rows.ndim == 1 else rows[columns]
    found = {at: values.iloc[:, at].array for at in range(values.shape[1])}
    by = list(range(len(found), len(found) + len(keys)))
    found |= {at: key.array for at, key in zip(by, keys, strict=True)}
    return pd.DataFrame(found, index=pd.RangeIndex(len(rows))), by


def _grouped(table: Any, by: list[int], recipe_dropna: Any) -> Any:
    return table.groupby(by, sort=False, observed=True, dropna=recipe_dropna is not False)


def _totals(
    recipe: Recipe, name: str, columns: Any, meta: Any, rows: Any, *given: Any
) -> tuple[Any, Any]:
    """Return the aggregates of the groups of a partition, and their keys' columns."""
    table, by = _keyed(recipe, columns, rows, given)
    return _aggregates(table, by, name, recipe.settings.get("dropna"))


def _aggregates(table: Any, by: list[int], name: str, dropna: Any) -> tuple[Any, Any]:
    groups = _grouped(table, by, dropna)
    if name == "cumcount":
        totals = groups.size().rename("n")
        return totals.reset_index(), by
    totals = getattr(groups, _CARRIED[name])().reset_index()
    return totals, by


def _went_on(name: str, carry: Any, last: Any) -> Any:
    """Return the aggregates of all rows up to the end of a partition."""
    totals, by = last
    if carry is None or not len(carry[0]):
        return last
    if not len(totals):
        return carry
    both = together([carry[0], totals])
    groups = _grouped(both, by, False)
    merged = getattr(groups, "sum" if name == "cumcount" else _CARRIED[name])().reset_index()
    return merged, by


def _run_first(recipe: Recipe, name: str, columns: Any, meta: Any, rows: Any, *given: Any) -> Any:
    return getattr(recipe.groups(rows, given), name)()


def _run(
    recipe: Recipe, name: str, columns: Any, meta: Any, carry: Any, rows: Any, *given: Any
) -> Any:
    if carry is None or not len(carry[0]) or not len(rows):
        return _run_first(recipe, name, columns, meta, rows, *given)
    table, by = _keyed(recipe, columns, rows, given)
    before, _ = carry
    dropna = recipe.settings.get("dropna")
    if name == "cumcount":
        # Rows of no group have the number 0 to add to.
        sizes = table[by].merge(before, on=by, how="left")["n"].fillna(0).to_numpy("i8")
        return _run_first(recipe, name, columns, meta, rows, *given) + sizes
    before = before[table.columns]
    wider = {at: before[at].dtype for at in table.columns if at not in by}
    both = together([before, table.astype(wider)]).reset_index(drop=True)
    result = getattr(_grouped(both, by, dropna), name)().iloc[len(before) :]
    result.index = rows.index
    if meta.ndim == 1:
        return result.iloc[:, 0].rename(meta.name)
    result.columns = meta.columns
    return result


def ends_of_groups(grouped: Any, name: str, n: int) -> Any:
    """Return the first or the last rows of each group: `name` is ``head`` or ``tail``."""
    recipe, described = of_partitions(grouped)
    size = grouped.obj.npartitions
    literals = [("literal", recipe), ("literal", name), ("literal", n)]
    meta = getattr(grouped._meta, name)(n)
    if n < 0:
        # All but so many: which rows these are is not known before the last partition.
        from oxidask.dataframe._grouping import of_whole_groups

        expr = of_whole_groups(grouped, _ends, (name, n), meta, 1)
        return new_collection(expr, meta)
    expr = python_layer(_ends_of_part, [*literals, *described], size, name=f"groupby-{name}")
    while expr.npartitions > 1:
        by = 8
        blocks = -(-expr.npartitions // by)
        args = [*literals, ("tree", expr, by)]
        expr = python_layer(_ends_of_parts, args, blocks, name=f"groupby-{name}")
    expr = python_layer(
        _sliced, [("literal", recipe), ("partition", expr)], 1, name=f"groupby-{name}-rows"
    )
    return new_collection(expr, meta)


def _ends(groups: Any, name: str, n: int) -> Any:
    return getattr(groups, name)(n)


def _ends_of_part(recipe: Recipe, name: str, n: int, rows: Any, *given: Any) -> list[Any]:
    keys = [k.reindex(rows.index) if _is_other(k, rows) else k for k in given]
    values = recipe.values(rows, keys)
    table = pd.DataFrame({at: key.array for at, key in enumerate(values)})
    dropna = recipe.settings.get("dropna")
    chosen = getattr(_grouped(table, list(table.columns), dropna), name)(n).index.to_numpy()
    return [rows.take(chosen), *(key.take(chosen) for key in keys)]


def _is_other(key: Any, rows: Any) -> bool:
    return isinstance(key, pd.Series) and not key.index.equals(rows.index)


def _ends_of_parts(recipe: Recipe, name: str, n: int, bundles: list[list[Any]]) -> list[Any]:
    rows, *given = (together(list(pieces)) for pieces in zip(*bundles, strict=True))
    return _ends_of_part(recipe, name, n, rows, *given)


def _sliced(recipe: Recipe, bundle: list[Any]) -> Any:
    rows = bundle[0]
    return rows if recipe.slice is None else rows[recipe.slice]
