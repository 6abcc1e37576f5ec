"""Accessors: ``.str``, ``.dt``, ``.cat``."""

from __future__ import annotations

import functools
import operator
from typing import Any

from oxidask.dataframe._native_calls import text_call, time_call
from oxidask.dataframe._needs import pandas as pd

__all__ = ["Accessor"]


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
        self._example = getattr(series._meta_nonempty, name)
        self._series, self._name = series, name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._example, name)
        if not callable(found):
            if not isinstance(found, (pd.Series, pd.Index, pd.DataFrame)):
                return self._value(name, found)
            if self._name == "dt":
                native = time_call(self._series, name, (), {})
                if native is not None:
                    return native
            return self._series._partwise(operator.attrgetter(f"{self._name}.{name}"))

        def method(*args: Any, **kwargs: Any) -> Any:
            native = self._natively(name, args, kwargs)
            if native is not None:
                return native
            return self._series._partwise(_call, self._name, name, args, kwargs)

        method.__name__ = name
        method.__doc__ = f"As pandas' ``.{self._name}.{name}``, partition by partition."
        return method

    def _natively(self, name: str, args: Any, kwargs: Any) -> Any:
        if self._name == "dt":
            return time_call(self._series, name, args, kwargs)
        if self._name != "str":
            return None
        otherwise = functools.partial(
            _call, accessor=self._name, name=name, args=args, kwargs=kwargs
        )
        return text_call(self._series, name, args, kwargs, otherwise)

    def _value(self, name: str, found: Any) -> Any:
        if self._name == "cat" and name in ("categories", "ordered"):
            if name == "categories" and not self.known:
                raise NotImplementedError(
                    "`df.column.cat.categories` with unknown categories is not supported. "
                    "Please use `column.cat.as_known()` or `df.categorize()` beforehand"
                )
            return getattr(self._series._meta.cat, name)
        return found

    @property
    def known(self) -> bool:
        """Whether the categories are known without computing."""
        return len(self._series._meta.cat.categories) > 0

    def as_known(self, **kwargs: Any) -> Any:
        """Return the series with known categories: computes them."""
        if self.known:
            return self._series
        categories = self._series.dropna().unique().compute(**kwargs)
        dtype = pd.CategoricalDtype(categories.cat.categories, self._series._meta.cat.ordered)
        return self._series._partwise(pd.Series.astype, dtype)

    def as_unknown(self) -> Any:
        """Return the series with unknown categories."""
        if not self.known:
            return self._series
        dtype = self._series._meta.dtype
        values = pd.CategoricalDtype(dtype.categories[:0], dtype.ordered)
        result = self._series.copy()
        result._known_meta = self._series._meta.astype(values)
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
    return getattr(getattr(part, accessor), name)(*args, **kwargs)


def _item(part: Any, accessor: str, index: Any) -> Any:
    return getattr(part, accessor)[index]
