"""Methods that go partition by partition and leave rows where they are."""

from __future__ import annotations

import functools
import operator
import pickle
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from oxidask.dataframe._collection import Collection, natively
from oxidask.dataframe._meta import unknown_categories
from oxidask.dataframe._native_calls import NOT_NATIVE, native_dtype, native_scalar
from oxidask.dataframe._needs import pandas as pd

__all__ = ["PartwiseMethods"]

# Methods of pandas' that see one row at a time: name, and for which classes.
_PLAIN = (
    "abs",
    "isna",
    "isnull",
    "notna",
    "notnull",
    "isin",
    "replace",
)
_ARITHMETIC = (
    "add",
    "sub",
    "mul",
    "div",
    "divide",
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


_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})


class PartwiseMethods(Collection):
    """Elementwise methods and operators."""

    def _binary(self, op: Callable[[Any, Any], Any], other: Any, reflected: bool = False) -> Any:
        from oxidask.array.core import Array

        kinds = (Collection, pd.Series, pd.DataFrame, Array)
        if not isinstance(other, kinds) and not _is_scalar(other):
            return NotImplemented
        if isinstance(other, (pd.Series, pd.DataFrame)):
            from oxidask.dataframe._io import from_pandas

            other = from_pandas(other, npartitions=1)
        expr = natively(lambda: self._binary_natively(op, other, reflected))
        if expr is not None:
            return self._with(expr)
        first, second = (other, self) if reflected else (self, other)
        if isinstance(self._meta, pd.Index):
            op = functools.partial(_of_labels, op)
        from oxidask.dataframe._partitions import elementwise

        return elementwise(op, first, second)

    def _binary_natively(self, op: Any, other: Any, reflected: bool) -> Any:
        build = getattr(self._expr, "binary", None)
        name = op.__name__.rstrip("_")
        if build is None or not self._expr.is_native or isinstance(self._meta, pd.Index):
            return None
        single = getattr(other, "_native", None)
        if single is not None:
            return self._expr.binary_single(name, single, reflected)
        if isinstance(other, Collection):
            if (
                isinstance(other._meta, pd.Index)
                or not other._expr.is_native
                or not self._expr.has_rows_of(other._expr)
            ):
                return None
            return build(name, other._expr, reflected)
        scalar = native_scalar(other)
        return None if scalar is NOT_NATIVE else build(name, scalar, reflected)

    def __neg__(self) -> Any:
        return self._unary("neg", operator.neg)

    def __pos__(self) -> Any:
        return self._partwise(operator.pos)

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
        is_index = isinstance(self._meta, pd.Index)
        if is_index:
            op = functools.partial(_of_labels, op)
        if build is not None and self._expr.is_native and not is_index:
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
        if self._expr.is_native and not isinstance(self._meta, pd.Index):
            expr = natively(lambda: self._cast(dtype))
            if expr is not None:
                return self._with(expr)
        meta = self._meta.astype(dtype)
        if isinstance(self._meta, pd.DataFrame):
            wanted = dtype if isinstance(dtype, dict) else dict.fromkeys(meta.columns, dtype)
            before = self._meta.dtypes
            meta = unknown_categories(
                meta, [label for label, to in wanted.items() if _forgets(before[label], to)]
            )
        elif _forgets(self._meta.dtype, dtype):
            meta = unknown_categories(meta)
        from oxidask.dataframe._partitions import elementwise_like

        return elementwise_like(meta, _class_of(self).astype, self, dtype)

    def combine_first(self, other: Any) -> Any:
        """Return the values with those of another collection where they are missing."""
        return self._partwise(_class_of(self).combine_first, _as_lazy(other))

    def _arithmetic(
        self, name: str, other: Any, axis: Any = "columns", fill_value: Any = None
    ) -> Any:
        method = getattr(_class_of(self), name)
        settings = {"axis": axis if self._meta.ndim == 2 else 0}
        if name not in _COMPARISONS or self._meta.ndim == 1:
            settings["fill_value"] = fill_value
        by_rows = isinstance(other, pd.DataFrame) or axis in (0, "index") or self._meta.ndim == 1
        return self._partwise(method, _as_lazy(other) if by_rows else other, **settings)

    def _cast(self, dtype: Any) -> Any:
        by_label = dtype if isinstance(dtype, dict) else {None: dtype}
        if isinstance(dtype, dict) and self._missing_labels(dtype):
            return None
        names = [(label, native_dtype(to)) for label, to in by_label.items()]
        if any(name is None for _, name in names):
            return None
        expr = self._expr.cast(names)
        dtypes = [self._meta.dtype] if self._meta.ndim == 1 else list(self._meta.dtypes)
        if not any(isinstance(found, pd.StringDtype) for found in dtypes):
            return expr
        # What text says is not always plain to the kernel, nor what is wrong with it.
        otherwise = functools.partial(_class_of(self).astype, dtype=dtype)
        return expr.otherwise(pickle.dumps(otherwise))

    def _missing_labels(self, labels: Any) -> list[Any]:
        known = self._meta.columns if self._meta.ndim == 2 else [self._meta.name]
        return [label for label in labels if label not in known or label is None]

    def _mapped(self, build: Callable[[], Any]) -> Any:
        """Return the collection of a native expression; None if there is none."""
        if not self._expr.is_native or isinstance(self._meta, pd.Index):
            return None
        return self._with(natively(build))

    def fillna(self, value: Any = None, axis: Any = None) -> Any:
        """Return the values with others in place of missing ones.

        Parameters
        ----------
        value
            A scalar, a dict of scalars by label, or a collection over the same rows.
        """
        if value is None:
            raise ValueError("Must specify a fill 'value'; to fill from neighbours: ffill, bfill")
        if self._meta.ndim == 1:
            _check_rows("Series", axis)
            value = _as_lazy(value)
        elif isinstance(value, pd.DataFrame):
            value = _as_lazy(value)
        by_label = value if isinstance(value, dict) else {None: value}
        scalars = [(label, native_scalar(fill)) for label, fill in by_label.items()]
        if (
            axis in (None, 0, "index")
            and not any(fill is NOT_NATIVE for _, fill in scalars)
            and not (isinstance(value, dict) and self._missing_labels(value))
        ):
            native = self._mapped(lambda: self._expr.fill(scalars))
            if native is not None:
                return native
        settings = {} if axis is None or self._meta.ndim == 1 else {"axis": axis}
        return self._partwise(_class_of(self).fillna, value, **settings)

    def clip(self, lower: Any = None, upper: Any = None, axis: Any = None, **kwargs: Any) -> Any:
        """Return values no less than `lower` and no greater than `upper`.

        Parameters
        ----------
        lower, upper
            Scalars, or series: over the rows with ``axis=0``, over the columns with ``axis=1``.
        """
        if self._meta.ndim == 1:
            _check_rows("Series", axis)
        if axis in (0, "index"):
            lower, upper = (_as_lazy(x) for x in (lower, upper))
        bounds = [None if b is None else native_scalar(b) for b in (lower, upper)]
        if axis is None and not kwargs and NOT_NATIVE not in bounds:
            native = self._mapped(lambda: self._expr.clip(*bounds))
            if native is not None:
                return native
        return self._partwise(_class_of(self).clip, lower=lower, upper=upper, axis=axis, **kwargs)

    def round(self, decimals: Any = 0) -> Any:
        """Return numbers with so many decimals."""
        if type(decimals) is int:
            native = self._mapped(lambda: self._expr.round(decimals))
            if native is not None:
                return native
        return self._partwise(_class_of(self).round, decimals)

    def where(self, cond: Any, other: Any = np.nan) -> Any:
        """Return the values where a condition holds, and others elsewhere."""
        return self._chosen("where", cond, other)

    def mask(self, cond: Any, other: Any = np.nan) -> Any:
        """Return the values where a condition doesn't hold, and others elsewhere."""
        return self._chosen("mask", cond, other)

    def _chosen(self, name: str, cond: Any, other: Any) -> Any:
        if self.npartitions > 1 and isinstance(cond, (list, np.ndarray)):
            raise ValueError(
                "a condition in memory has no labels by which it can be aligned with partitions: "
                "pass a series or a dataframe"
            )
        is_plain = self._meta.ndim == 1 and not isinstance(self._meta.dtype, pd.CategoricalDtype)
        if is_plain and isinstance(cond, Collection) and cond._expr.is_native:
            if isinstance(other, Collection):
                value = other._expr if other._expr.is_native else NOT_NATIVE
            else:
                value = native_scalar(other)
            if value is not NOT_NATIVE:
                native = self._mapped(lambda: self._expr.choose(cond._expr, value, name == "mask"))
                if native is not None:
                    return native
        return self._partwise(getattr(_class_of(self), name), cond, other)

    def isin(self, values: Any) -> Any:
        """Whether values are among some."""
        if isinstance(values, (list, tuple)) and any(hasattr(v, "__dask_graph__") for v in values):
            from oxidask.base import compute

            values = list(compute(*values))
        if isinstance(values, Collection):
            raise NotImplementedError(
                "Passing a Dask collection is not supported: compute it first"
            )
        if self._meta.ndim == 2 and isinstance(values, (pd.DataFrame, pd.Series)):
            raise NotImplementedError(
                "isin goes by labels of rows for a dataframe or a series: pass a list or a dict"
            )
        if self._meta.ndim == 2 and not isinstance(values, dict):
            values = list(values)
        if not isinstance(values, dict | str):
            scalars = [native_scalar(value) for value in values]
            # Missing values are pandas' business: what is like what depends on the dtype.
            plain = all(x is not NOT_NATIVE and x == x for x in scalars)
            if plain and scalars:
                native = self._mapped(lambda: self._expr.is_in(scalars, False))
                if native is not None:
                    return native
        return self._partwise(_class_of(self).isin, values)

    def to_timestamp(self, freq: Any = None, how: str = "start") -> Any:
        """Return the rows with an index of times in place of periods."""
        result = self._partwise(_class_of(self).to_timestamp, freq=freq, how=how)
        if self.known_divisions:
            ends = pd.PeriodIndex(list(self.divisions)).to_timestamp(freq, how)
            result._known_divisions = tuple(ends)
        return result

    def between(self, left: Any, right: Any, inclusive: str = "both") -> Any:
        """Whether values lie between two."""
        ops = {
            "both": (operator.ge, operator.le),
            "left": (operator.ge, operator.lt),
            "right": (operator.gt, operator.le),
            "neither": (operator.gt, operator.lt),
        }
        if inclusive not in ops:
            raise ValueError(
                "Inclusive has to be either string of 'both','left', 'right', or 'neither'."
            )
        above, below = ops[inclusive]
        values: Any = self
        return above(values, left) & below(values, right)

    def explode(self, *args: Any, **kwargs: Any) -> Any:
        """Return a row for each item of lists."""
        return self._filter_partwise(_class_of(self).explode, *args, **kwargs)

    def dropna(self, **kwargs: Any) -> Any:
        """Return the rows that miss nothing."""
        if kwargs.get("axis", 0) not in (0, "index"):
            raise NotImplementedError("dropna drops rows only")
        if "how" in kwargs and "thresh" in kwargs:
            raise TypeError("cannot set both the how and thresh arguments at the same time")
        if self._expr.is_native and not set(kwargs) - {"axis", "subset", "how"}:
            native = self._without_missing(kwargs.get("subset"), kwargs.get("how") or "any")
            if native is not None:
                return native
        return self._filter_partwise(_class_of(self).dropna, **kwargs)

    def _without_missing(self: Any, subset: Any, how: str) -> Any:
        if self._meta.ndim == 1:
            return self._filtered(self.notna()) if subset is None else None
        labels = list(self._meta.columns) if subset is None else subset
        labels = labels if isinstance(labels, (list, tuple)) else [labels]
        if how != "any" or not self._meta.columns.is_unique or not labels:
            return None
        known = [label for label in labels if label in self._meta.columns]
        if len(known) != len(labels):
            return None
        present = functools.reduce(operator.and_, (self[label].notna() for label in labels))
        return self._filtered(present)

    def _filter_partwise(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of pandas' that leaves rows out, or repeats them."""
        from oxidask.dataframe._partitions import choosing

        return choosing(func, self, *args, **kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc.nin > 2:
            return NotImplemented
        if ufunc.nin == 1 and not kwargs:
            native = self._mapped(lambda: self._expr.unary(ufunc.__name__))
            if native is not None:
                return native
        from oxidask.dataframe._partitions import elementwise

        out = kwargs.pop("out", None)
        result = elementwise(ufunc, *inputs, **kwargs)
        return result if out is None else _written(result, out[0])

    def _elemwise(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of arrays: gives an array, if it is none that knows dataframes."""
        from oxidask.array.core import elemwise

        if isinstance(func, np.ufunc):
            return func(*args, **kwargs)
        arrays: Any = [
            cast("Any", x).to_dask_array() if isinstance(x, Collection) else x for x in args
        ]
        return elemwise(func, *arrays, **kwargs)

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        """Not here: where the rows would go nobody could say."""
        raise NotImplementedError(
            "`repeat` is not implemented for collections in partitions; use map_partitions"
        )

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self


def _of_labels(op: Callable[..., Any], *labels: Any) -> Any:
    """Return what an operator gives for labels, as an index where it gives an array."""
    result = op(*labels)
    return pd.Index(result) if isinstance(result, np.ndarray) else result


def _written(result: Any, out: Any) -> Any:
    """Make `out` stand for a result, as NumPy's keyword of that name has it."""
    if type(out) is not type(result):
        raise TypeError(
            f"Mismatched types between result and out parameter: out={type(out).__name__}, "
            f"result={type(result).__name__}"
        )
    if result._meta.ndim == 2 and len(out.columns) != len(result.columns):
        raise ValueError(
            f"Mismatched columns count between result and out parameter: "
            f"out={len(out.columns)}, result={len(result.columns)}"
        )
    out._expr, out._known_meta = result._expr, result._known_meta
    out._known_divisions = result._known_divisions
    return out


def _as_lazy(value: Any) -> Any:
    """Return rows in memory as a collection: they go by their labels, wherever these lie."""
    if isinstance(value, (pd.DataFrame, pd.Series)):
        from oxidask.dataframe._io import from_pandas

        return from_pandas(value, npartitions=1)
    return value


def _check_rows(kind: str, axis: Any) -> None:
    if axis not in (None, 0, "index", "rows"):
        raise ValueError(f"No axis named {axis} for {kind}")


def _forgets(before: Any, wanted: Any) -> bool:
    """Whether it takes the values to tell the categories of a dtype that is asked for."""
    if isinstance(before, pd.CategoricalDtype):
        return False
    if isinstance(wanted, pd.CategoricalDtype):
        return wanted.categories is None
    return isinstance(wanted, str) and wanted == "category"


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


def _by_name(name: str) -> Callable[..., Any]:
    def method(
        self: PartwiseMethods,
        other: Any,
        axis: Any = "columns",
        level: Any = None,
        fill_value: Any = None,
    ) -> Any:
        if level is not None:
            raise NotImplementedError("level must be None: indexes in partitions have one level")
        return self._arithmetic(name, other, axis, fill_value)

    method.__name__ = name
    method.__doc__ = f"As pandas' ``{name}``, for rows of equal labels."
    return method


for _name in _PLAIN:
    if not hasattr(PartwiseMethods, _name):
        setattr(PartwiseMethods, _name, _plain(_name))
for _name in _ARITHMETIC:
    setattr(PartwiseMethods, _name, _by_name(_name))
