"""Functions of the module that convert values: ``to_numeric``, ``to_datetime``, ``isna``."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._collection import Collection
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import map_partitions

__all__ = ["isna", "to_datetime", "to_numeric", "to_timedelta"]


def to_numeric(arg: Any, errors: str = "raise", downcast: Any = None, meta: Any = None) -> Any:
    """Return the numbers that text says.

    Parameters
    ----------
    arg
        A series, an array of one axis, or a single value.
    errors
        ``"raise"``, or ``"coerce"`` for missing values where text says no number.
    downcast
        The kind of the smallest dtype that holds them, as pandas has it.
    meta
        What the result is like; not for single values.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas, to_numeric
    >>> to_numeric(from_pandas(pd.Series(["1", "2"]), npartitions=2)).compute().tolist()
    [1, 2]
    """
    from oxidask.array.core import Array

    if errors not in ("raise", "coerce"):
        raise ValueError("invalid error value specified")
    settings = {"errors": errors, "downcast": downcast}
    if isinstance(arg, Array) and arg.ndim == 1:
        meta = pd.to_numeric(["1"], **settings)[:0] if meta is None else meta
        return arg.map_blocks(pd.to_numeric, dtype=meta.dtype, meta=meta, **settings)
    if isinstance(arg, Collection) and arg._meta.ndim == 1:
        meta = _numbers_of(arg, settings) if meta is None else make_meta(meta)
        return map_partitions(pd.to_numeric, arg, meta=meta, enforce_metadata=False, **settings)
    if isinstance(arg, (Collection, Array)) or not pd.api.types.is_scalar(arg):
        raise TypeError(
            "arg must be a list, tuple, dask.array.Array, or dask.dataframe.Series of one axis, "
            f"not {type(arg).__name__}"
        )
    if meta is not None:
        raise KeyError("``meta`` is not allowed in to_numeric when arg is a scalar.")
    from oxidask.delayed import delayed

    return delayed(pd.to_numeric, pure=True)(arg, **settings)


def _numbers_of(series: Any, settings: dict[str, Any]) -> Any:
    sample = series._meta_nonempty
    if isinstance(sample.dtype, pd.StringDtype) or sample.dtype == object:
        # What text says nobody knows: that numbers are whole is as good a guess as any.
        sample = sample.map(lambda _: "1").astype(sample.dtype)
    return make_meta(pd.to_numeric(sample, **settings))


def to_datetime(arg: Any, meta: Any = None, **kwargs: Any) -> Any:
    """Return the times that text, numbers, or columns of years, months and days say.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas, to_datetime
    >>> days = from_pandas(pd.Series(["2024-01-05", "2024-02-06"]), npartitions=2)
    >>> to_datetime(days).dt.month.compute().tolist()
    [1, 2]
    """
    if isinstance(arg, (pd.DataFrame, pd.Series)):
        return pd.to_datetime(arg, **kwargs)
    if isinstance(arg, Collection) and isinstance(arg._meta, pd.Index):
        return arg._partwise(pd.to_datetime, **kwargs)
    if not isinstance(arg, Collection):
        raise NotImplementedError(
            "dask.dataframe.to_datetime does not support non-index-able arguments (like scalars): "
            "use pandas.to_datetime"
        )
    if meta is None:
        meta = pd.to_datetime(arg._meta, **kwargs)
        if arg._meta.ndim == 2 or getattr(arg._meta.dtype, "kind", "") == "O":
            # The unit of what text says is not that of no text.
            said = pd.to_datetime(pd.Series(["2000-01-01"]), utc=kwargs.get("utc", False))
            meta = meta.astype(said.dtype)
    return map_partitions(pd.to_datetime, arg, meta=meta, enforce_metadata=False, **kwargs)


def to_timedelta(arg: Any, unit: Any = None, errors: str = "raise") -> Any:
    """Return the differences of times that text or numbers say."""
    if isinstance(arg, pd.Series):
        return pd.to_timedelta(arg, unit=unit, errors=errors)
    if not isinstance(arg, Collection) or arg._meta.ndim != 1:
        raise TypeError(f"arg must be a Series, not {type(arg).__name__}: use pandas.to_timedelta")
    return arg._partwise(pd.to_timedelta, unit=unit, errors=errors)


def isna(arg: Any) -> Any:
    """Whether values are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas, isna
    >>> isna(from_pandas(pd.Series([1.0, None]), npartitions=1)).compute().tolist()
    [False, True]
    """
    return arg.isna() if hasattr(arg, "isna") else pd.isna(arg)
