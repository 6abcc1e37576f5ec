"""Lazy single values: what reductions of series give."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from oxidask._native import FrameExpr
from oxidask.dataframe._collection import Collection, natively, new_collection, python_layer
from oxidask.dataframe._native_calls import NOT_NATIVE, native_scalar
from oxidask.dataframe._needs import pandas as pd

__all__ = ["Scalar"]


class Scalar(Collection):
    """A lazy single value, such as the sum of a series.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas
    >>> total = from_pandas(pd.Series([1, 2, 3]), npartitions=2).sum()
    >>> int((total + 1).compute())
    7
    """

    _is_gathered = False
    # The table of one row that holds the value natively; None if there is none.
    _native: FrameExpr | None = None
    ndim = 0
    shape = ()

    def __dask_keys__(self) -> list[Any]:
        return [(self._name, 0)]

    def __dask_postcompute__(self) -> tuple[Any, tuple[Any, ...]]:
        return _only, ()

    @property
    def _meta_nonempty(self) -> Any:
        return self._meta

    @property
    def dtype(self) -> Any:
        """The dtype of the value."""
        return getattr(self._meta, "dtype", type(self._meta))

    @property
    def key(self) -> Any:
        """The key of the one task."""
        return (self._name, 0)

    def to_series(self, index: Any = 0) -> Any:
        """Return the value as a series of one row, with this label."""
        meta = pd.Series([self._meta], index=[index]).iloc[:0]
        args = [("partition", self._expr), ("literal", index)]
        return new_collection(python_layer(_row, args, 1, name="to-series"), meta)

    def __repr__(self) -> str:
        return f"<oxidask.dataframe.Scalar {self._name}, type={type(self._meta).__name__}>"

    def __hash__(self) -> int:
        return hash(self._name)

    def __bool__(self) -> bool:
        raise TypeError(f"Trying to convert {self} to a boolean value. Call .compute() first.")

    def to_delayed(self, optimize_graph: bool = True) -> Any:
        """Return the value as a delayed value."""
        return super().to_delayed(optimize_graph)[0]

    def to_dask_array(self) -> Any:
        """Return the value as an array of no axes."""
        from oxidask.array import from_delayed

        return from_delayed(self.to_delayed(), shape=(), dtype=self.dtype)

    def _binary(self, op: Callable[[Any, Any], Any], other: Any, reflected: bool = False) -> Any:
        if isinstance(other, Collection) and not isinstance(other, Scalar):
            return NotImplemented
        first, second = ("partition", self._expr), ("literal", other)
        if isinstance(other, Scalar):
            second = ("partition", other._expr)
        known = other._meta if isinstance(other, Scalar) else other
        args = [second, first] if reflected else [first, second]
        metas = (known, self._meta) if reflected else (self._meta, known)
        try:
            meta = op(*metas)
        except (TypeError, ValueError, ZeroDivisionError):
            meta = self._meta
        result: Scalar = new_collection(python_layer(op, args, 1), meta)
        if isinstance(result, Scalar):
            result._native = self._binary_natively(op, other, reflected)
        return result

    def _binary_natively(self, op: Any, other: Any, reflected: bool) -> FrameExpr | None:
        own, name = self._native, op.__name__.rstrip("_")
        if own is None:
            return None
        expr: FrameExpr | None = None
        if isinstance(other, Scalar):
            second = other._native
            if second is not None:
                expr = natively(lambda: own.binary_single(name, second, reflected))
        else:
            plain = native_scalar(other)
            if plain is not NOT_NATIVE:
                expr = natively(lambda: own.binary(name, plain, reflected))
        return expr

    def _unary(self, op: Callable[[Any], Any]) -> Any:
        return new_collection(python_layer(op, [("partition", self._expr)], 1), op(self._meta))

    def __neg__(self) -> Any:
        return self._unary(operator.neg)

    def __abs__(self) -> Any:
        return self._unary(abs)


def _row(value: Any, label: Any) -> Any:
    return pd.Series([value], index=[label])


def _only(parts: Any) -> Any:
    return parts[0]


def _operator(name: str, reflected: bool) -> Callable[[Scalar, Any], Any]:
    op = getattr(operator, name)

    def method(self: Scalar, other: Any) -> Any:
        return self._binary(op, other, reflected)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Scalar, f"__{_name}__", _operator(_name, False))
    setattr(Scalar, f"__r{_name}__", _operator(_name, True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Scalar, f"__{_name}__", _operator(_name, False))
for _name in ("and_", "or_", "xor"):
    setattr(Scalar, f"__{_name.rstrip('_')}__", _operator(_name, False))
