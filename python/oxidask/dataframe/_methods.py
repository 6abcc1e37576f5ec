"""Methods that go partition by partition and leave rows where they are."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask.dataframe._collection import Collection, natively
from oxidask.dataframe._needs import pandas as pd

__all__ = ["PartwiseMethods"]

# Methods of pandas' that see one row at a time: name, and for which classes.
_PLAIN = (
    "abs",
    "round",
    "isna",
    "isnull",
    "notna",
    "notnull",
    "isin",
    "clip",
    "replace",
    "where",
    "mask",
    "fillna",
    "combine_first",
    "map",
)
_ARITHMETIC = (
    "add",
    "sub",
    "mul",
    "div",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "radd",
    "rsub",
    "rmul",
    "rdiv",
    "rtruediv",
    "rfloordiv",
    "rmod",
    "rpow",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
)


class PartwiseMethods(Collection):
    """Elementwise methods and operators."""

    def _binary(self, op: Callable[[Any, Any], Any], other: Any, reflected: bool = False) -> Any:
        from oxidask.dataframe._scalar import Scalar

        if not isinstance(other, (Collection, pd.Series, pd.DataFrame)) and not _is_scalar(other):
            return NotImplemented
        if isinstance(other, (pd.Series, pd.DataFrame)):
            from oxidask.dataframe._io import from_pandas

            other = from_pandas(other, npartitions=1)
        if not isinstance(other, Scalar):
            expr = natively(lambda: self._binary_natively(op, other, reflected))
            if expr is not None:
                return self._with(expr)
        first, second = (other, self) if reflected else (self, other)
        from oxidask.dataframe._partitions import elementwise

        return elementwise(op, first, second)

    def _binary_natively(self, op: Any, other: Any, reflected: bool) -> Any:
        build = getattr(self._expr, "binary", None)
        name = op.__name__.rstrip("_")
        if build is None or not self._expr.is_native:
            return None
        if isinstance(other, Collection):
            if not other._expr.is_native or not self._expr.has_rows_of(other._expr):
                return None
            return build(name, other._expr, reflected)
        scalar = native_scalar(other)
        return None if scalar is _NOT_NATIVE else build(name, scalar, reflected)

    def __neg__(self) -> Any:
        return self._unary("neg", operator.neg)

    def __invert__(self) -> Any:
        return self._unary("not", operator.invert)

    def __abs__(self) -> Any:
        return self._unary("abs", operator.abs)

    def abs(self) -> Any:
        """Return absolute values."""
        return self.__abs__()

    def isna(self) -> Any:
        """Whether values are missing."""
        return self._unary("isna", operator.methodcaller("isna"))

    isnull = isna

    def notna(self) -> Any:
        """Whether values are not missing."""
        return self._unary("notna", operator.methodcaller("notna"))

    notnull = notna

    def _unary(self, name: str, op: Callable[[Any], Any]) -> Any:
        build = getattr(self._expr, "unary", None)
        if build is not None and self._expr.is_native:
            expr = natively(lambda: build(name))
            if expr is not None:
                return self._with(expr)
        return self._partwise(op)

    def astype(self, dtype: Any) -> Any:
        """Return values of other dtypes.

        Parameters
        ----------
        dtype
            One for all columns, or a dict of dtypes by label.
        """
        return self._partwise(_class_of(self).astype, dtype)

    def fillna(self, value: Any = None, axis: Any = None) -> Any:
        """Return the values with others in place of missing ones.

        Parameters
        ----------
        value
            A scalar, a dict of scalars by label, or a collection over the same rows.
        """
        if axis not in (0, "index", None):
            raise NotImplementedError("fillna works along axis 0 only")
        if value is None:
            raise ValueError("Must specify a fill 'value'; to fill from neighbours: ffill, bfill")
        return self._partwise(_class_of(self).fillna, value)

    def isin(self, values: Any) -> Any:
        """Whether values are among some."""
        if isinstance(values, (list, tuple)) and any(hasattr(v, "__dask_graph__") for v in values):
            from oxidask.base import compute

            values = list(compute(*values))
        if isinstance(values, Collection):
            raise NotImplementedError(
                "Passing a Dask collection is not supported: compute it first"
            )
        if _class_of(self) is pd.DataFrame and not isinstance(values, dict):
            values = list(values)
        return self._partwise(_class_of(self).isin, values)

    def to_timestamp(self, freq: Any = None, how: str = "start") -> Any:
        """Return the rows with an index of times in place of periods."""
        return self._partwise(_class_of(self).to_timestamp, freq=freq, how=how)

    def between(self, left: Any, right: Any, inclusive: str = "both") -> Any:
        """Whether values lie between two."""
        return self._partwise(pd.Series.between, left, right, inclusive=inclusive)

    def explode(self, *args: Any, **kwargs: Any) -> Any:
        """Return a row for each item of lists."""
        return self._filter_partwise(_class_of(self).explode, *args, **kwargs)

    def dropna(self, **kwargs: Any) -> Any:
        """Return the rows that miss nothing."""
        if kwargs.get("axis", 0) not in (0, "index"):
            raise NotImplementedError("dropna drops rows only")
        return self._filter_partwise(_class_of(self).dropna, **kwargs)

    def _filter_partwise(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of pandas' that leaves rows out, or repeats them."""
        from oxidask.dataframe._partitions import map_partitions

        return map_partitions(func, self, *args, enforce_metadata=False, **kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc.nin > 2:
            return NotImplemented
        from oxidask.dataframe._partitions import elementwise

        return elementwise(ufunc, *inputs, **kwargs)


_NOT_NATIVE = object()


def native_scalar(value: Any) -> Any:
    """Return a scalar as native expressions take it; a marker for others."""
    if isinstance(value, pd.Timestamp):
        if value is pd.NaT:
            return None
        zone = str(value.tz) if value.tz is not None else None
        return "datetime", value._value, value.unit, zone
    if isinstance(value, pd.Timedelta):
        return "timedelta", value._value, value.unit
    if isinstance(value, np.generic):
        if value.dtype.kind not in "biuf":
            return _NOT_NATIVE
        if (value.dtype.kind in "iu" and value.dtype.itemsize < 8) or value.dtype == "f4":
            return _NOT_NATIVE
        return value.item()
    if value is pd.NA or value is pd.NaT or value is None:
        return _NOT_NATIVE
    return value if type(value) in (bool, int, float, str) else _NOT_NATIVE


def _is_scalar(x: Any) -> bool:
    return (
        np.isscalar(x)
        or x is None
        or pd.api.types.is_scalar(x)
        or (isinstance(x, np.ndarray) and x.ndim == 0)
    )


def _class_of(collection: Collection) -> Any:
    return type(collection._meta) if not isinstance(collection._meta, pd.Index) else pd.Index


def _plain(name: str) -> Callable[..., Any]:
    def method(self: PartwiseMethods, *args: Any, **kwargs: Any) -> Any:
        return self._partwise(getattr(_class_of(self), name), *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"As pandas' ``{name}``, partition by partition."
    return method


for _name in (*_PLAIN, *_ARITHMETIC):
    if not hasattr(PartwiseMethods, _name):
        setattr(PartwiseMethods, _name, _plain(_name))
