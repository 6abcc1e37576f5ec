"""Lazy indexes."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._absent import without
from oxidask.dataframe._frame import Series
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import tree

__all__ = ["Index"]

_TIME_FIELDS = (
    "date",
    "day",
    "day_of_week",
    "day_of_year",
    "dayofweek",
    "dayofyear",
    "days_in_month",
    "daysinmonth",
    "hour",
    "is_leap_year",
    "is_month_end",
    "is_month_start",
    "is_quarter_end",
    "is_quarter_start",
    "is_year_end",
    "is_year_start",
    "microsecond",
    "minute",
    "month",
    "nanosecond",
    "quarter",
    "second",
    "time",
    "timetz",
    "weekday",
    "year",
    "days",
    "seconds",
    "microseconds",
    "nanoseconds",
)
_CATEGORY_METHODS = (
    "add_categories",
    "as_ordered",
    "as_unordered",
    "remove_categories",
    "remove_unused_categories",
    "rename_categories",
    "reorder_categories",
    "set_categories",
)
_CATEGORY_FIELDS = ("categories", "codes", "ordered")


class Index(Series):
    """A lazy index.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas
    >>> days = pd.Series([1, 2], index=pd.to_datetime(["2024-01-05", "2024-02-06"]))
    >>> from_pandas(days, npartitions=2).index.month.compute().tolist()
    [1, 2]
    """

    @property
    def dt(self) -> Any:
        """Functions of times: ``df.index.dt.year``."""
        from oxidask.dataframe._index_times import IndexTimes

        return IndexTimes(self)

    @property
    def names(self) -> Any:
        """The names of the levels."""
        return self._meta.names

    def _own_names(self) -> tuple[str, ...]:
        """Return the names of what pandas' index of this kind has, and others have not."""
        if isinstance(self._meta, pd.CategoricalIndex):
            return (*_CATEGORY_FIELDS, *_CATEGORY_METHODS)
        names = _TIME_FIELDS
        kinds = (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)
        if not isinstance(self._meta, kinds):
            return ()
        return tuple(name for name in names if hasattr(type(self._meta), name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "_expr" not in self.__dict__ or name not in self._own_names():
            raise AttributeError(f"'Index' object has no attribute {name!r}")
        if isinstance(self._meta, pd.CategoricalIndex):
            return getattr(self.cat, name)
        return self._partwise(_field, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._own_names()]

    def memory_usage(self, deep: bool = False) -> Any:  # type: ignore[override]
        """Return the bytes of the labels."""
        return tree(
            self,
            pd.Index.memory_usage,
            sum,
            0,
            chunk_kwargs={"deep": deep},
            concat=False,
            token="memory-usage",
        )

    def to_frame(self, index: Any = True, name: Any = None) -> Any:  # type: ignore[override]
        """Return a dataframe of the labels."""
        kwargs = {} if name is None else {"name": name}
        return self._partwise(pd.Index.to_frame, index=index, **kwargs)

    def to_series(self, index: Any = None, name: Any = None) -> Any:
        """Return a series of the labels, by themselves."""
        return self._partwise(pd.Index.to_series)

    def rename(self, name: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Give the index another name."""
        result = self._partwise(pd.Index.rename, name)
        result._known_divisions = self._known_divisions
        return result

    def map(
        self, arg: Any, na_action: Any = None, meta: Any = None, is_monotonic: bool = False
    ) -> Any:
        """Map the labels by a function, a dict or a series.

        Parameters
        ----------
        meta
            What the result is like; by default a function is tried.
        is_monotonic
            Whether greater labels give greater ones: the divisions stay known.
        """
        from oxidask.dataframe._mapping import map_values

        return map_values(self, arg, na_action, meta, is_monotonic)

    def __repr__(self) -> str:
        return (
            f"Dask Index Structure:\nnpartitions={self.npartitions}\ndtype: {self.dtype}\n"
            f"Dask Name: {self._name}, {self.npartitions} partitions"
        )


def _field(part: Any, name: str) -> Any:
    return pd.Index(getattr(part, name), name=part.name)


without(
    Index,
    (
        "autocorr",
        "axes",
        "corr",
        "cov",
        "cummax",
        "cummin",
        "cumprod",
        "cumsum",
        "idxmax",
        "idxmin",
        "index",
        "kurt",
        "kurtosis",
        "mean",
        "mode",
        "prod",
        "product",
        "sem",
        "skew",
        "std",
        "sum",
        "var",
    ),
)
