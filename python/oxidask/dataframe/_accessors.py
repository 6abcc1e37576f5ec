"""Accessors: ``.str``, ``.dt``, ``.cat``."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from oxidask.dataframe._collection import Collection
from oxidask.dataframe._meta import unknown_categories
from oxidask.dataframe._native_calls import text_call, time_call
from oxidask.dataframe._needs import pandas as pd

__all__ = ["Accessor", "AttributeNotImplementedError"]


class AttributeNotImplementedError(NotImplementedError, AttributeError):
    """Something that pandas has and there is no lazy form of."""


class Accessor:
    """Methods and properties of pandas' accessor of the same name, partition by partition.

    Parameters
    ----------
    series
        The series.
    name
        ``"str"``, ``"dt"`` or ``"cat"``.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas
    >>> s = from_pandas(pd.Series(["a", "b"]), npartitions=1)
    >>> s.str.upper().compute().tolist()
    ['A', 'B']
    """

    def __init__(self, series: Any, name: str) -> None:
        # As pandas does: a series of another kind has no such accessor.
        self._example = _of(series._meta_nonempty, name)
        self._series, self._name = series, name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in ("categories", "codes") and self._name == "cat" and not self.known:
            raise AttributeNotImplementedError(
                f"`df.column.cat.{name}` with unknown categories is not supported. "
                "Please use `column.cat.as_known()` or `df.categorize()` beforehand"
            )
        found = getattr(self._example, name)
        if not callable(found):
            if isinstance(found, np.ndarray):
                found = pd.Index(found)
            if name == "categories":
                return _of(self._series._meta, "cat").categories
            if not isinstance(found, (pd.Series, pd.Index, pd.DataFrame)):
                return found
            native = time_call(self._series, name, (), {}) if self._name == "dt" else None
            if native is not None:
                return native
            return self._series._partwise(_field, self._name, name)

        def method(*args: Any, **kwargs: Any) -> Any:
            native = self._natively(name, args, kwargs)
            if native is not None:
                return native
            result = self._series._partwise(_call, self._name, name, args, kwargs)
            if self._name == "cat" and name != "set_categories" and not self.known:
                result._known_meta = unknown_categories(result._meta)
            return result

        method.__name__ = name
        method.__doc__ = f"As pandas' ``.{self._name}.{name}``, partition by partition."
        return method

    def cat(
        self, others: Any = None, sep: Any = None, na_rep: Any = None, join: str = "left"
    ) -> Any:
        """Return the text of each row with that of other columns after it.

        Parameters
        ----------
        others
            A series over the same rows, or a list of such.
        sep, na_rep, join
            As pandas has them.
        """
        if self._name != "str":
            raise AttributeError(f"'{self._name}' accessor has no attribute 'cat'")
        if others is None:
            raise NotImplementedError(
                "str.cat of all rows to one text (`others=None`) is not supported: compute() the "
                "series first"
            )
        columns = list(others) if isinstance(others, (list, tuple)) else [others]
        if not all(isinstance(x, (Collection, pd.Series, pd.Index)) for x in columns):
            raise TypeError(
                "others must be a Series or an Index, or a list of such, not "
                f"{type(others).__name__}"
            )
        return self._series._partwise(_with_text_of, *columns, sep=sep, na_rep=na_rep, join=join)

    def _natively(self, name: str, args: Any, kwargs: Any) -> Any:
        if self._name == "dt":
            return time_call(self._series, name, args, kwargs)
        if self._name != "str":
            return None
        otherwise = functools.partial(
            _call, accessor=self._name, name=name, args=args, kwargs=kwargs
        )
        return text_call(self._series, name, args, kwargs, otherwise)

    @property
    def known(self) -> bool:
        """Whether the categories are known without computing."""
        return len(_of(self._series._meta, "cat").categories) > 0

    def as_known(self, **kwargs: Any) -> Any:
        """Return the series with known categories: computes them."""
        if self.known:
            return self._series
        from oxidask.dataframe._categorizing import known_dtype

        labels = self._series
        if isinstance(labels._meta, pd.Index):
            labels = labels.to_series()
        different = labels.dropna().unique().compute(**kwargs)
        return self._series.astype(known_dtype(different, self._series._meta.dtype))

    def remove_unused_categories(self) -> Any:
        """Return the series without categories that no row has: computes which those are."""
        used = self._series.drop_duplicates().compute()
        kept = _of(used, "cat").remove_unused_categories()
        return self.set_categories(_of(kept, "cat").categories)

    def as_unknown(self) -> Any:
        """Return the series with unknown categories."""
        if not self.known:
            return self._series
        result = self._series.copy()
        result._known_meta = unknown_categories(self._series._meta)
        return result

    def __getitem__(self, index: Any) -> Any:
        if self._name == "str" and isinstance(index, int):
            return self.get(index)
        if self._name == "str" and isinstance(index, slice):
            return self.slice(index.start, index.stop, index.step)
        return self._series._partwise(_item, self._name, index)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(n for n in dir(self._example) if not n.startswith("_"))]


def _call(part: Any, accessor: str, name: str, args: Any, kwargs: Any) -> Any:
    return getattr(_of(part, accessor), name)(*args, **kwargs)


def _with_text_of(part: Any, *others: Any, **settings: Any) -> Any:
    return part.str.cat(list(others), **settings)


def _field(part: Any, accessor: str, name: str) -> Any:
    found = getattr(_of(part, accessor), name)
    return pd.Index(found, name=part.name) if isinstance(found, np.ndarray) else found


def _of(part: Any, accessor: str) -> Any:
    """Return the accessor of a pandas object; an index of categories is its own."""
    is_own = accessor == "cat" and isinstance(part, pd.CategoricalIndex)
    return part if is_own else getattr(part, accessor)


def _item(part: Any, accessor: str, index: Any) -> Any:
    return getattr(part, accessor)[index]
