"""Reductions: natively where there are kernels, by pandas in a tree where not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask.dataframe._collection import Collection, natively, new_collection, python_layer
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import tree
from oxidask.utils import funcname

__all__ = ["Reductions"]

_PANDAS = (pd.DataFrame, pd.Series, pd.Index)


class Reductions(Collection):
    """Methods that make one value of a column, or one row of all."""

    def _reduced(
        self,
        name: str,
        setting: float = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        split_every: Any = None,
        axis: Any = 0,
        **kwargs: Any,
    ) -> Any:
        if axis in (1, "columns") and self._meta.ndim == 2:
            method = getattr(pd.DataFrame, name)
            settings = {"numeric_only": numeric_only}
            settings |= {} if name == "count" else {"skipna": skipna}
            return self._partwise(method, axis=1, **settings, **kwargs)
        if axis is None and self._meta.ndim == 2:
            return self._of_all(name, skipna=skipna, numeric_only=numeric_only)
        if axis not in (0, "index", "rows", None):
            raise ValueError(f"No axis named {axis} for object type {type(self._meta).__name__}")
        collection = self._numeric(name) if numeric_only else self
        meta = self._meta_of(collection, name, skipna, kwargs)
        if self._meta.ndim == 2 and not len(collection._meta.columns):
            return new_collection(python_layer(_said, [("literal", meta)], 1, name=name), meta)
        if skipna:
            expr = natively(lambda: collection._row_of(name, setting, split_every))
            if expr is not None:
                return _finished(expr, meta)
        return _by_pandas(collection, name, skipna, kwargs, meta)

    def reduction(
        self,
        chunk: Callable[..., Any],
        aggregate: Callable[..., Any] | None = None,
        combine: Callable[..., Any] | None = None,
        meta: Any = None,
        token: str | None = None,
        split_every: Any = None,
        chunk_kwargs: dict[str, Any] | None = None,
        aggregate_kwargs: dict[str, Any] | None = None,
        combine_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Reduce the rows by functions of yours, in a tree.

        Parameters
        ----------
        chunk
            Called with each partition. A series that it returns is a row of what comes next.
        aggregate, combine
            Called with what came, put together: `combine` for some at a time, `aggregate` for the
            rest. By default they are `chunk`, and `aggregate`.
        meta
            What the result is like; by default the functions are tried on two made-up rows.
        split_every
            How many results `combine` takes; False for all in one.
        chunk_kwargs, aggregate_kwargs, combine_kwargs
            Keywords of each function; all others are passed to every one.

        Examples
        --------
        >>> import pandas as pd
        >>> from oxidask.dataframe import from_pandas
        >>> df = from_pandas(pd.DataFrame({"x": [3, 1, 4, 1]}), npartitions=2)
        >>> df.reduction(lambda rows: rows.nlargest(2, "x")).compute().x.tolist()
        [4, 3]
        """
        steps = {
            "chunk": (chunk, {**kwargs, **(chunk_kwargs or {})}),
            "aggregate": (aggregate or chunk, {**kwargs, **(aggregate_kwargs or {})}),
            "combine": (combine or aggregate or chunk, {**kwargs, **(combine_kwargs or {})}),
        }
        if combine is None and combine_kwargs is None:
            steps["combine"] = steps["aggregate"]
        elif combine is None:
            raise ValueError("`combine_kwargs` provided with no `combine`")
        if meta is None:
            meta = self._meta_nonempty
            meta = _step_of_yours(meta, *steps["chunk"])
            meta = _last_of_yours(
                meta if hasattr(meta, "iloc") else pd.Series([meta]), *steps["aggregate"]
            )
        first, last, between = (
            {"step": func, "settings": settings} for func, settings in steps.values()
        )
        return tree(
            self,
            _step_of_yours,
            _last_of_yours,
            make_meta(meta),
            _step_of_yours,
            split_every,
            first,
            last,
            between,
            token=token or funcname(chunk).strip("<>"),
        )

    def _of_all(self, name: str, **settings: Any) -> Any:
        """Return one value of all columns: ``axis=None``."""
        if name == "mean":
            count = self.count(numeric_only=settings["numeric_only"]).sum()
            return self.sum(**settings).sum(skipna=settings["skipna"]) / count
        if name in ("min", "max", "sum", "prod", "any", "all"):
            settings = {} if name in ("any", "all") else settings
            return getattr(getattr(self, name)(**settings), name)()
        raise NotImplementedError(
            f"`axis=None` isn't currently supported for `{name}`: take it of the columns, or of "
            "a series"
        )

    def _numeric(self, name: str) -> Any:
        if not isinstance(self._meta, pd.DataFrame):
            return self
        chosen = self._meta._get_numeric_data()
        return self[list(chosen.columns)]  # type: ignore[index]

    @staticmethod
    def _meta_of(collection: Any, name: str, skipna: bool, kwargs: dict[str, Any]) -> Any:
        settings = {} if name == "count" else {"skipna": skipna}
        meta = collection._meta_nonempty
        if not len(getattr(meta, "columns", [None])):
            meta = collection._meta
        try:
            # A row of answers keeps its labels: what is done with it goes by them.
            return getattr(meta, name)(**settings, **kwargs)
        except TypeError as error:
            if meta.ndim == 1 and getattr(meta.dtype, "kind", "") == "O":
                raise ValueError(f"`{name}` not supported with {meta.dtype} series") from error
            raise

    def _row_of(self, name: str, setting: float, split_every: Any) -> Any:
        """Return the expression of one row with the aggregate of each column."""
        if not self._expr.is_native or isinstance(self._meta, pd.Index):
            return None
        if isinstance(self._meta, pd.DataFrame) and not self._meta.columns.is_unique:
            return None
        labels = list(self._meta.columns) if self._meta.ndim == 2 else [self._meta.name]
        if not labels:
            return None
        wants = [(label, name, setting, label) for label in labels]
        by = 8 if split_every in (None, True) else (2**31 if split_every is False else split_every)
        kind = "frame" if self._meta.ndim == 2 else "series"
        return self._expr.group_by([], [], wants, kind, split_every=by)

    def sum(
        self,
        axis: Any = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        min_count: int = 0,
        split_every: Any = False,
        **kwargs: Any,
    ) -> Any:
        """Return sums."""
        extra = {"min_count": min_count} if min_count else {}
        return self._reduced(
            "sum", min_count, skipna, numeric_only, split_every or None, axis, **extra
        )

    def prod(
        self,
        axis: Any = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        min_count: int = 0,
        split_every: Any = False,
        **kwargs: Any,
    ) -> Any:
        """Return products."""
        extra = {"min_count": min_count} if min_count else {}
        return self._reduced(
            "prod", min_count, skipna, numeric_only, split_every or None, axis, **extra
        )

    product = prod

    def mean(
        self,
        axis: Any = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        split_every: Any = False,
        **kwargs: Any,
    ) -> Any:
        """Return arithmetic means."""
        return self._reduced("mean", 0, skipna, numeric_only, split_every or None, axis)

    def var(
        self,
        axis: Any = 0,
        skipna: bool = True,
        ddof: int = 1,
        numeric_only: bool = False,
        split_every: Any = False,
        **kwargs: Any,
    ) -> Any:
        """Return variances."""
        return self._reduced(
            "var", ddof, skipna, numeric_only, split_every or None, axis, ddof=ddof
        )

    def std(
        self,
        axis: Any = 0,
        skipna: bool = True,
        ddof: int = 1,
        numeric_only: bool = False,
        split_every: Any = False,
        **kwargs: Any,
    ) -> Any:
        """Return standard deviations."""
        return self._reduced(
            "std", ddof, skipna, numeric_only, split_every or None, axis, ddof=ddof
        )

    def sem(
        self,
        axis: Any = 0,
        skipna: bool = True,
        ddof: int = 1,
        numeric_only: bool = False,
        split_every: Any = False,
        **kwargs: Any,
    ) -> Any:
        """Return standard errors of means."""
        return self._reduced(
            "sem", ddof, skipna, numeric_only, split_every or None, axis, ddof=ddof
        )

    def skew(
        self, axis: Any = 0, skipna: bool = True, numeric_only: bool = False, **kwargs: Any
    ) -> Any:
        """Return skewnesses, as pandas has them: without bias."""
        return self._reduced("skew", 0, skipna, numeric_only, None, axis)

    def kurt(
        self, axis: Any = 0, skipna: bool = True, numeric_only: bool = False, **kwargs: Any
    ) -> Any:
        """Return excess kurtoses, as pandas has them: without bias."""
        return self._reduced("kurt", 0, skipna, numeric_only, None, axis)

    kurtosis = kurt

    def min(
        self,
        axis: Any = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        split_every: Any = False,
        **kwargs: Any,
    ) -> Any:
        """Return the least values."""
        if isinstance(self._meta, pd.Index):
            return _of_index(self, "min")
        return self._reduced("min", 0, skipna, numeric_only, split_every or None, axis)

    def max(
        self,
        axis: Any = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        split_every: Any = False,
        **kwargs: Any,
    ) -> Any:
        """Return the greatest values."""
        if isinstance(self._meta, pd.Index):
            return _of_index(self, "max")
        return self._reduced("max", 0, skipna, numeric_only, split_every or None, axis)

    def count(
        self, axis: Any = 0, numeric_only: bool = False, split_every: Any = False, **kwargs: Any
    ) -> Any:
        """Return how many values are there."""
        if isinstance(self._meta, pd.Index):
            return self.to_series().count()  # type: ignore[attr-defined]
        return self._reduced("count", 0, True, numeric_only, split_every or None, axis)

    def any(
        self, axis: Any = 0, skipna: bool = True, split_every: Any = False, **kwargs: Any
    ) -> Any:
        """Whether any value is true."""
        if axis in (1, "columns") and self._meta.ndim == 2:
            return self._partwise(pd.DataFrame.any, axis=1, skipna=skipna)
        return self._reduced("any", 0, skipna, False, split_every or None, axis)

    def all(
        self, axis: Any = 0, skipna: bool = True, split_every: Any = False, **kwargs: Any
    ) -> Any:
        """Whether all values are true."""
        if axis in (1, "columns") and self._meta.ndim == 2:
            return self._partwise(pd.DataFrame.all, axis=1, skipna=skipna)
        return self._reduced("all", 0, skipna, False, split_every or None, axis)

    def nunique(
        self, split_every: Any = False, dropna: bool = True, axis: Any = 0, **kwargs: Any
    ) -> Any:
        """Return how many different values there are, in each column or in each row."""
        if axis in (1, "columns"):
            return self._partwise(pd.DataFrame.nunique, axis=1, dropna=dropna)
        if self._meta.ndim == 2:
            parts = [self[label].nunique(dropna=dropna) for label in self._meta.columns]  # type: ignore[index]
            args = [("literal", list(self._meta.columns)), *(("partition", p._expr) for p in parts)]
            return new_collection(
                python_layer(_labelled, args, 1, name="nunique"), pd.Series([], dtype="int64")
            )
        different = self.drop_duplicates() if self._meta.name is not None else self.unique()  # type: ignore[attr-defined]
        return different.dropna().size_of_rows() if dropna else different.size_of_rows()

    def mode(
        self,
        dropna: bool = True,
        split_every: Any = False,
        axis: Any = 0,
        numeric_only: Any = False,
    ) -> Any:
        """Return the most frequent values."""
        if self._meta.ndim == 2:
            from oxidask.dataframe._whole import of_all_rows

            return of_all_rows(pd.DataFrame.mode, self, dropna=dropna, numeric_only=numeric_only)
        counts = self.value_counts(dropna=dropna, sort=False)  # type: ignore[attr-defined]
        meta = self._meta
        expr = python_layer(_most_frequent, [("every", counts._expr), ("literal", meta)], 1)
        return new_collection(expr, meta)

    @property
    def nbytes(self) -> Any:
        """The bytes of all values, lazily."""
        return tree(self, _nbytes, sum, np.int64(1), concat=False, token="nbytes")

    def memory_usage(self, index: bool = True, deep: bool = False) -> Any:
        """Return the bytes of each column."""
        chunk = {"index": index, "deep": deep}
        meta = self._meta.memory_usage(**chunk)
        return tree(
            self,
            type(self._meta).memory_usage,
            _summed,
            meta if np.isscalar(meta) else meta.iloc[:0],
            chunk_kwargs=chunk,
            concat=False,
            token="memory-usage",
        )


def _nbytes(part: Any) -> int:
    return int(part.nbytes)


def _said(value: Any) -> Any:
    return value


def _of_index(index: Any, name: str) -> Any:
    meta = getattr(index._meta_nonempty, name)()
    return tree(
        index, getattr(pd.Index, name), getattr(pd.Series, name), meta, token=f"{name}-index"
    )


def _summed(parts: list[Any]) -> Any:
    return sum(parts[1:], parts[0])


def _labelled(labels: list[Any], *values: Any) -> Any:
    return pd.Series([int(value) for value in values], index=labels)


def _most_frequent(parts: list[Any], meta: Any) -> Any:
    counts = pd.concat(parts)
    best = counts[counts == counts.max()].index if len(counts) else counts.index
    result = best.to_series(index=range(len(best)), name=meta.name)
    if not isinstance(meta.dtype, pd.CategoricalDtype) or len(meta.cat.categories):
        result = result.astype(meta.dtype)
    elif not isinstance(result.dtype, pd.CategoricalDtype):
        result = result.astype("category")
    return result.sort_values(ignore_index=True)


def _finished(expr: Any, meta: Any) -> Any:
    """Return the collection of an expression of one row."""
    run: Callable[..., Any] = _first_value if not isinstance(meta, pd.Series) else _first_row
    layer = python_layer(run, [("partition", expr), ("literal", meta)], 1, name="reduction")
    result = new_collection(layer, meta)
    if not isinstance(meta, pd.Series):
        result._native = expr
    return result


def _first_value(part: Any, meta: Any) -> Any:
    return part.iloc[0]


def _first_row(part: Any, meta: Any) -> Any:
    row = part.iloc[0]
    row.name = None
    return row if row.dtype == meta.dtype else row.astype(meta.dtype)


_COMBINED = {
    "count": "sum",
    "any": "any",
    "all": "all",
    "min": "min",
    "max": "max",
    "sum": "sum",
    "prod": "prod",
}


def _by_pandas(collection: Any, name: str, skipna: bool, kwargs: dict[str, Any], meta: Any) -> Any:
    combined = _COMBINED.get(name)
    is_extreme = name in ("min", "max") and not skipna and collection.npartitions > 1
    if combined is None or kwargs.get("min_count") or is_extreme:
        # No states that merge (what is missing may only be a partition's rows): all rows at once.
        args = [
            ("literal", name),
            ("literal", {"skipna": skipna, **kwargs}),
            ("every", collection._expr),
        ]
        return new_collection(python_layer(_whole, args, 1, name=name), meta)
    settings = {} if name == "count" else {"skipna": skipna}
    settings |= kwargs
    merge = {} if combined == "sum" and name == "count" else {"skipna": skipna}
    chunk = {"name": name, "settings": settings}
    return tree(
        collection,
        _row,
        _merged,
        meta,
        chunk_kwargs=chunk,
        token=name,
        concat=False,
        aggregate_kwargs={"name": combined, "settings": merge},
    )


def _step_of_yours(part: Any, step: Callable[..., Any], settings: dict[str, Any]) -> Any:
    """Call a user's step; make a row of a series, so that several make a table."""
    result = step(part, **settings)
    return result.to_frame().T if isinstance(result, pd.Series) else result


def _last_of_yours(part: Any, step: Callable[..., Any], settings: dict[str, Any]) -> Any:
    return step(part, **settings)


def _row(part: Any, name: str, settings: dict[str, Any]) -> Any:
    return getattr(part, name)(**settings)


def _merged(parts: list[Any], name: str, settings: dict[str, Any]) -> Any:
    if not isinstance(parts[0], pd.Series):
        return getattr(pd.Series(parts), name)(**settings)
    frame = pd.DataFrame(dict(enumerate(parts)))
    return getattr(frame, name)(axis=1, **settings).astype(parts[0].dtype)


def _whole(name: str, settings: dict[str, Any], parts: list[Any]) -> Any:
    from oxidask.dataframe._collection import together

    return getattr(together(parts), name)(**settings)
