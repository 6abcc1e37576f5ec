"""Functions of times of an index: ``df.index.dt.date``, which pandas has on the index itself."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._needs import pandas as pd

__all__ = ["IndexTimes"]


class IndexTimes:
    """Attributes and methods of pandas' index of times, partition by partition.

    Parameters
    ----------
    index
        The index.

    Raises
    ------
    AttributeError
        If it is not of times.
    """

    def __init__(self, index: Any) -> None:
        kinds = (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex)
        if not isinstance(index._meta, kinds):
            raise AttributeError(f"only an index of times has .dt, not one of {index.dtype}")
        self._index = index

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._index._meta_nonempty, name)
        if not callable(found):
            return self._index._partwise(_called, name, False, (), {})

        def method(*args: Any, **kwargs: Any) -> Any:
            return self._index._partwise(_called, name, True, args, kwargs)

        return method


def _called(index: Any, name: str, is_method: bool, args: Any, kwargs: Any) -> Any:
    found = getattr(index, name)
    result = found(*args, **kwargs) if is_method else found
    return result if isinstance(result, pd.Index) else pd.Index(result)
