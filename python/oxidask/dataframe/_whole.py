"""What needs all rows together: methods of pandas' run in one task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oxidask.dataframe._collection import Collection, new_collection, python_layer
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd

__all__ = ["Whole", "of_all_rows"]


def of_all_rows(func: Callable[..., Any], df: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function of pandas' on all rows of a collection, in one task."""
    sample = [x._meta_nonempty if isinstance(x, Collection) else x for x in args]
    raw = func(df._meta_nonempty, *sample, **kwargs)
    # A row of answers keeps its labels: what is done with it goes by them.
    is_row = df._meta.ndim == 2 and isinstance(raw, pd.Series) and raw.index.equals(df.columns)
    meta = raw if is_row else make_meta(raw)
    described = [("every", x._expr) if isinstance(x, Collection) else ("literal", x) for x in args]
    expr = python_layer(
        _run,
        [("literal", func), ("every", df._expr), *described],
        1,
        kwargs,
        name=str(getattr(func, "__name__", "whole")),
    )
    return new_collection(expr, meta)


def _run(func: Callable[..., Any], parts: list[Any], *args: Any, **kwargs: Any) -> Any:
    return func(_joined(parts), *(_joined(a) for a in args), **kwargs)


def _joined(parts: Any) -> Any:
    from oxidask.dataframe._collection import together

    kinds = (pd.DataFrame, pd.Series, pd.Index)
    if isinstance(parts, list) and parts and isinstance(parts[0], kinds):
        return together(parts)
    return parts


class Whole(Collection):
    """Methods that see all rows at once."""

    def describe(
        self,
        split_every: Any = None,
        percentiles: Any = None,
        percentiles_method: Any = "default",
        include: Any = None,
        exclude: Any = None,
    ) -> Any:
        """Return statistics of each column."""
        from oxidask.dataframe._quantiles import described

        if include is None and exclude is None:
            result = described(self, percentiles)
            if result is not None:
                return result
        return of_all_rows(
            type(self._meta).describe,
            self,
            percentiles=percentiles,
            include=include,
            exclude=exclude,
        )

    def quantile(
        self,
        q: Any = 0.5,
        axis: Any = 0,
        numeric_only: Any = False,
        method: Any = "default",
        **kwargs: Any,
    ) -> Any:
        """Return quantiles: exact ones, whatever the method is called."""
        if axis in (1, "columns"):
            return self._partwise(pd.DataFrame.quantile, q, axis=1, numeric_only=numeric_only)
        from oxidask.dataframe._quantiles import quantiles

        rows: Any = self
        if self._meta.ndim == 2 and numeric_only:
            rows = rows[list(self._meta._get_numeric_data().columns)]
        result = of_all_rows(type(self._meta).quantile, rows, q=q)
        expr = quantiles(rows, q)
        if expr is not None:
            result = new_collection(expr, result._meta)
        labels = q if pd.api.types.is_list_like(q) else getattr(result._meta, "index", ())
        if len(labels):
            result._known_divisions = (min(labels), max(labels))
        return result

    def median(self, axis: Any = 0, numeric_only: Any = False, **kwargs: Any) -> Any:
        """Return medians."""
        if axis in (1, "columns"):
            return self._partwise(pd.DataFrame.median, axis=1, numeric_only=numeric_only)
        from oxidask.dataframe._quantiles import quantiles

        rows: Any = self
        if self._meta.ndim == 2 and numeric_only:
            rows = rows[list(self._meta._get_numeric_data().columns)]
        result = of_all_rows(type(self._meta).median, rows)
        expr = quantiles(rows, 0.5)
        if expr is None:
            return result
        if self._meta.ndim == 2:
            expr = python_layer(_unnamed, [("partition", expr)], 1, name="median")
        return new_collection(expr, result._meta)

    def median_approximate(
        self, axis: Any = 0, method: Any = "default", numeric_only: Any = False
    ) -> Any:
        """Return medians: exact ones."""
        return self.median(axis=axis, numeric_only=numeric_only)

    def idxmin(
        self, axis: Any = 0, skipna: bool = True, numeric_only: Any = False, **kwargs: Any
    ) -> Any:
        """Return the labels of the least values."""
        return self._index_of("idxmin", axis, skipna, numeric_only)

    def idxmax(
        self, axis: Any = 0, skipna: bool = True, numeric_only: Any = False, **kwargs: Any
    ) -> Any:
        """Return the labels of the greatest values."""
        return self._index_of("idxmax", axis, skipna, numeric_only)

    def _index_of(self, name: str, axis: Any, skipna: bool, numeric_only: Any) -> Any:
        method = getattr(type(self._meta), name)
        more = {"numeric_only": numeric_only} if self._meta.ndim == 2 else {}
        if axis in (1, "columns"):
            return self._partwise(method, axis=1, skipna=skipna, **more)
        rows: Any = self
        if numeric_only and self._meta.ndim == 2:
            rows = rows[list(self._meta._get_numeric_data().columns)]
        from oxidask.dataframe._places import place_of

        meta = method(rows._meta_nonempty, skipna=skipna)
        return place_of(rows, name, skipna, meta)

    def corr(self, *args: Any, **kwargs: Any) -> Any:
        """Return correlations."""
        kwargs.pop("split_every", None)
        kwargs.pop("scalar", None)
        from oxidask.dataframe._pairs import of_pairs

        result = of_pairs(self, "corr", args, kwargs)
        if result is not None:
            return result
        return of_all_rows(type(self._meta).corr, self, *args, **kwargs)

    def cov(self, *args: Any, **kwargs: Any) -> Any:
        """Return covariances."""
        kwargs.pop("split_every", None)
        kwargs.pop("scalar", None)
        from oxidask.dataframe._pairs import of_pairs

        result = of_pairs(self, "cov", args, kwargs)
        if result is not None:
            return result
        return of_all_rows(type(self._meta).cov, self, *args, **kwargs)

    def autocorr(self, lag: int = 1, split_every: Any = None) -> Any:
        """Return the correlation with the series so many rows before."""
        if not isinstance(lag, int):
            raise TypeError("lag must be an integer")
        moved: Any = self.shift(lag)  # type: ignore[attr-defined]
        return self.corr(moved)

    @property
    def is_monotonic_increasing(self) -> Any:
        """Whether values never fall."""
        from oxidask.dataframe._places import is_monotonic

        return is_monotonic(self, "is_monotonic_increasing")

    @property
    def is_monotonic_decreasing(self) -> Any:
        """Whether values never rise."""
        from oxidask.dataframe._places import is_monotonic

        return is_monotonic(self, "is_monotonic_decreasing")

    def nunique_approx(self, split_every: Any = None) -> Any:
        """Return how many different rows there are: exactly."""
        different = self.drop_duplicates()  # type: ignore[attr-defined]
        return different.size_of_rows() * 1.0

    def pivot_table(
        self, index: Any = None, columns: Any = None, values: Any = None, aggfunc: str = "mean"
    ) -> Any:
        """Return a table of aggregates by rows and columns: see ``pivot_table``."""
        from oxidask.dataframe._reshaping import pivot_table

        return pivot_table(self, index, columns, values, aggfunc)

    def melt(
        self,
        id_vars: Any = None,
        value_vars: Any = None,
        var_name: Any = None,
        value_name: Any = "value",
        col_level: Any = None,
    ) -> Any:
        """Return a row for each value."""
        return self._filter_partwise(  # type: ignore[attr-defined]
            pd.DataFrame.melt,
            id_vars=id_vars,
            value_vars=value_vars,
            var_name=var_name,
            value_name=value_name,
            col_level=col_level,
        ).clear_divisions()

    def resample(self, rule: Any, closed: Any = None, label: Any = None) -> Any:
        """Return bins of an index of times."""
        from oxidask.dataframe._resample import Resampler

        return Resampler(self, rule, closed=closed, label=label)

    def categorize(
        self, columns: Any = None, index: Any = None, split_every: Any = None, **kwargs: Any
    ) -> Any:
        """Return the dataframe with columns of text as known categories: computes these.

        Parameters
        ----------
        columns
            Labels; by default those of text and of unknown categories.
        index
            Whether the index too; by default if it is of text or of unknown categories.
        """
        from oxidask.dataframe._categorizing import categorize

        return categorize(self, columns, index, split_every)

    def optimize(self, fuse: bool = True) -> Any:
        """Return the same: plans are optimised when they are computed."""
        return self

    def shuffle(
        self,
        on: Any = None,
        ignore_index: bool = False,
        npartitions: Any = None,
        shuffle_method: Any = None,
        on_index: bool = False,
        **options: Any,
    ) -> Any:
        """Return the rows with those of equal keys in one partition.

        Parameters
        ----------
        on
            Labels, or a series over the same rows.
        on_index
            Whether the index is the key.
        npartitions
            How many partitions.
        """
        from oxidask.dataframe._shuffle import shuffle

        result = shuffle(self, on, ignore_index, npartitions, shuffle_method, on_index)
        result._moved = result._name
        return result

    def compute_current_divisions(self, col: Any = None, set_divisions: bool = False) -> Any:
        """Compute the divisions of rows that are in order.

        Parameters
        ----------
        col
            The column that the rows are in order of; by default their index.
        set_divisions
            Whether to return the rows, with their divisions, instead of these.
        """
        from oxidask.dataframe._sorting import current_divisions

        return current_divisions(self, col, set_divisions)

    def squeeze(self, axis: Any = None) -> Any:
        """Return the only column of a dataframe."""
        frame: Any = self
        if axis not in (None, 0, 1, "index", "columns") or (
            axis in (1, "columns") and self._meta.ndim == 1
        ):
            raise ValueError(f"No axis {axis} for object type {type(self)}")
        if axis in (0, "index") and self._meta.ndim == 2:
            raise NotImplementedError(
                f"{type(self)} does not support squeeze along axis 0: nobody knows how many rows "
                "there are without computing"
            )
        is_one = self._meta.ndim == 2 and self._meta.shape[1] == 1
        return frame[self._meta.columns[0]] if is_one else frame

    def align(
        self, other: Any, join: str = "outer", axis: Any = None, fill_value: Any = None
    ) -> Any:
        """Return both collections over the same labels."""
        first, second = (
            self._partwise(_aligned, other, at, join, axis, fill_value) for at in (0, 1)
        )
        return first, second

    def info(self, buf: Any = None, verbose: bool = False, memory_usage: bool = False) -> None:
        """Write what is known of the dataframe."""
        import sys

        out = buf or sys.stdout
        labels = list(self._meta.columns)
        print(f"<class '{type(self).__module__}.{type(self).__name__}'>", file=out)
        print(
            f"Columns: {len(labels)} entries, {labels[0]} to {labels[-1]}"
            if labels
            else "Columns: 0 entries",
            file=out,
        )
        dtypes = self._meta.dtypes.value_counts()
        print("dtypes: " + ", ".join(f"{d}({n})" for d, n in dtypes.items()), file=out, end="")


def _unnamed(row: Any) -> Any:
    return row.rename(None)


def _aligned(part: Any, other: Any, at: int, join: str, axis: Any, fill_value: Any) -> Any:
    return part.align(other, join=join, axis=axis, fill_value=fill_value)[at]
