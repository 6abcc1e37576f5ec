"""Dataframes, series and indexes."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from oxidask.dataframe._absent import without
from oxidask.dataframe._collection import Collection, natively, new_collection, python_layer
from oxidask.dataframe._conversions import Conversions
from oxidask.dataframe._labels import Labels
from oxidask.dataframe._methods import PartwiseMethods
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._reductions import Reductions
from oxidask.dataframe._rows import Rows, warn_of_objects
from oxidask.dataframe._scalar import Scalar
from oxidask.dataframe._setting import Setting
from oxidask.dataframe._text import Text
from oxidask.dataframe._whole import Whole
from oxidask.dataframe._windows import Windows

__all__ = ["DataFrame", "FrameBase", "Series"]


class FrameBase(
    Text,
    Setting,
    PartwiseMethods,
    Reductions,
    Rows,
    Windows,
    Whole,
    Labels,
    Conversions,
    Collection,
):
    """What dataframes, series and indexes have in common."""

    def __len__(self) -> int:
        return int(self.size_of_rows().compute())

    def size_of_rows(self) -> Scalar:
        """Return the number of rows, lazily."""
        first = self
        if isinstance(self, DataFrame):
            expr = natively(lambda: self._expr.project([], "frame"))
            first = new_collection(expr) if expr is not None else self
        lengths = python_layer(
            len, [("partition", first._expr)], self.npartitions, name="len-chunk"
        )
        total = python_layer(sum, [("every", lengths)], 1, name="len")
        return Scalar(total, np.int64(1), (None, None))

    @property
    def index(self) -> Any:
        """The index."""
        expr = natively(lambda: self._expr.project([], "index"))
        if expr is None:
            return self._partwise(operator.attrgetter("index"))
        return self._with(expr)

    @index.setter
    def index(self, labels: Any) -> None:
        self._become(self._with_index(labels))

    @property
    def loc(self) -> Any:
        """Rows by label: ``df.loc["a":"c"]``, ``df.loc[df.x > 0, ["x"]]``."""
        from oxidask.dataframe._indexing import Loc

        return Loc(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.compute(), dtype=dtype)

    def __hash__(self) -> int:
        return hash(self._name)

    def __bool__(self) -> bool:
        raise ValueError(
            f"The truth value of a {type(self).__name__} is ambiguous. Use a.any() or a.all()."
        )


class Series(FrameBase):
    """A lazy column: a pandas series in partitions.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas
    >>> s = from_pandas(pd.Series([3, 1, 2], name="x"), npartitions=2)
    >>> int(s.max().compute()), (s + 1).compute().tolist()
    (3, [4, 2, 3])
    """

    ndim = 1

    @property
    def name(self) -> Any:
        """The label of the column."""
        return self._meta.name

    @name.setter
    def name(self, name: Any) -> None:
        renamed = self.rename(name)
        self._become(renamed)

    @property
    def dtype(self) -> Any:
        """The dtype of the values."""
        return self._meta.dtype

    @property
    def shape(self) -> tuple[Any, ...]:
        """The number of rows, lazily."""
        return (self.size_of_rows(),)

    @property
    def size(self) -> Scalar:
        """The number of rows, lazily."""
        return self.size_of_rows()

    @property
    def values(self) -> Any:
        """The values of each partition as arrays: an array of chunks of unknown sizes."""
        warn_of_objects(self)
        return self.to_dask_array()

    def rename(self, index: Any, sorted_index: bool = False) -> Any:
        """Give the series another name, or map the labels of rows by a dict or a function.

        Parameters
        ----------
        index
            The name; or a function, a dict or a series that gives labels.
        sorted_index
            Whether greater labels give greater ones: the divisions stay known.

        Raises
        ------
        ValueError
            If that is said, and is not so for the divisions.
        """
        from oxidask.dataframe._labels import with_labels

        if callable(index) or isinstance(index, (dict, pd.Series, Collection)):
            return with_labels(self, index, sorted_index)
        meta = self._meta.rename(index)
        expr = natively(lambda: self._expr.relabel("series", [index], None))
        if expr is not None:
            return self._with(expr, meta)
        return self._partwise(pd.Series.rename, index=index)

    def to_frame(self, name: Any = None) -> Any:
        """Return a dataframe of the one column."""
        label = self.name if name is None else name
        kwargs = {} if name is None else {"name": name}
        expr = natively(lambda: self._expr.relabel("frame", [0 if label is None else label], None))
        if expr is not None:
            return self._with(expr, self._meta.to_frame(**kwargs))
        return self._partwise(pd.Series.to_frame, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Series):
            return self._filtered(key)
        if isinstance(key, (list, slice)):
            return self.loc[key]
        raise NotImplementedError(
            f"Series getitem is only supported for other series objects with matching partition "
            f"structure, not for {key!r}; use .loc[{key!r}]"
        )

    def __iter__(self) -> Iterator[Any]:
        for at in range(self.npartitions):
            yield from self.partitions[at].compute()

    def map(self, arg: Any, na_action: Any = None, meta: Any = None) -> Any:
        """Map the values by a function, a dict or a series.

        Parameters
        ----------
        meta
            What the result is like; by default a function is tried, with a warning.
        """
        from oxidask.dataframe._mapping import map_values

        return map_values(self, arg, na_action, meta)

    def case_when(self, caselist: Any) -> Any:
        """Return replacements where conditions are true: pairs of both, the first that holds."""
        flat = [one for pair in caselist for one in pair]
        return self._partwise(_case_when, *flat)

    def apply(self, func: Any, args: tuple[Any, ...] = (), meta: Any = None, **kwargs: Any) -> Any:
        """Call a function on each value."""
        from oxidask.dataframe._mapping import apply_values

        return apply_values(self, func, args, meta, kwargs)

    @property
    def str(self) -> Any:
        """Functions of text: ``s.str.upper()``."""
        from oxidask.dataframe._accessors import Accessor

        return Accessor(self, "str")

    @property
    def dt(self) -> Any:
        """Functions of times: ``s.dt.year``."""
        from oxidask.dataframe._accessors import Accessor

        return Accessor(self, "dt")

    @property
    def cat(self) -> Any:
        """Functions of categories: ``s.cat.codes``."""
        from oxidask.dataframe._accessors import Accessor

        return Accessor(self, "cat")

    def __dir__(self) -> list[builtins.str]:
        absent = {name for name in ("str", "dt", "cat") if not hasattr(self._meta_nonempty, name)}
        return [name for name in super().__dir__() if name not in absent]

    def groupby(self, by: Any, **kwargs: Any) -> Any:
        """Group the rows."""
        from oxidask.dataframe.groupby import SeriesGroupBy

        return SeriesGroupBy(self, by, **kwargs)


class DataFrame(FrameBase):
    """A lazy dataframe: pandas dataframes in partitions.

    Examples
    --------
    >>> import pandas as pd
    >>> from oxidask.dataframe import from_pandas
    >>> df = from_pandas(pd.DataFrame({"k": ["a", "b", "a"], "x": [1, 2, 3]}), npartitions=2)
    >>> df[df.x > 1].groupby("k").x.sum().compute().to_dict()
    {'a': 3, 'b': 2}
    """

    ndim = 2
    _reserved = frozenset({"_expr", "_known_meta", "_known_divisions", "columns", "index"})

    @property
    def columns(self) -> Any:
        """The labels of the columns."""
        return self._meta.columns

    @columns.setter
    def columns(self, labels: Any) -> None:
        renamed = self._relabelled(labels if isinstance(labels, pd.Index) else list(labels))
        self._become(renamed)

    def _relabelled(self, labels: Any) -> Any:
        meta = self._meta.set_axis(labels, axis=1)
        if getattr(labels, "name", None) is None:
            expr = natively(lambda: self._expr.relabel("frame", list(labels), None))
            if expr is not None:
                return self._with(expr, meta)
        return self._partwise(_with_columns, labels)

    @property
    def dtypes(self) -> Any:
        """The dtypes of the columns."""
        return self._meta.dtypes

    @property
    def shape(self) -> tuple[Any, int]:
        """The numbers of rows, lazily, and of columns."""
        return self.size_of_rows(), len(self.columns)

    @property
    def size(self) -> Any:
        """The number of values, lazily."""
        rows: Any = self.size_of_rows()
        return rows * len(self.columns)

    @property
    def empty(self) -> bool:
        """Whether there are no rows, or no columns: computes."""
        return len(self.columns) == 0 or len(self) == 0

    @property
    def values(self) -> Any:
        """The values of each partition as arrays: an array of chunks of unknown sizes."""
        warn_of_objects(self)
        return self.to_dask_array()

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and "_expr" in self.__dict__ and name in self._meta.columns:
            return self[name]
        raise AttributeError(f"'DataFrame' object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._reserved and name in self._meta.columns:
            self[name] = value
        else:
            object.__setattr__(self, name, value)

    def __dir__(self) -> list[builtins.str]:
        labels = [str(c) for c in self._meta.columns if isinstance(c, str) and c.isidentifier()]
        return [*super().__dir__(), *labels]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Series):
            return self._filtered(key)
        if isinstance(key, Collection):
            return self.where(key)
        if isinstance(key, slice):
            from oxidask.dataframe._indexing import rows_between

            return rows_between(self, key)
        is_list = isinstance(key, (list, np.ndarray, pd.Index, pd.Series))
        labels = list(key) if is_list else [key]
        known = self._meta.columns
        missing = [label for label in labels if label not in known]
        if missing:
            raise KeyError(f"{missing if is_list else key} not in index")
        kind = "frame" if is_list else "series"
        if known.is_unique:
            expr = natively(lambda: self._expr.project(labels, kind))
            if expr is not None:
                return self._with(expr, self._meta[labels if is_list else key])
        return self._partwise(operator.itemgetter(labels if is_list else key))

    def __delitem__(self, key: Any) -> None:
        dropped = self.drop(columns=[key])
        self._become(dropped)

    def __contains__(self, label: Any) -> bool:
        return label in self.columns

    def __iter__(self) -> Iterator[Any]:
        return iter(self.columns)

    def assign(self, **kwargs: Any) -> DataFrame:
        """Return the dataframe with more columns, or others.

        Parameters
        ----------
        **kwargs
            Columns by label: series, scalars, or functions of the dataframe.
        """
        result = self
        for label, value in kwargs.items():
            result = result._assigned({label: value(result) if callable(value) else value})
        return result

    def rename(self, index: Any = None, columns: Any = None) -> Any:
        """Map labels by a dict or a function."""
        renamed = self
        if columns is not None:
            renamed = self._relabelled(list(self._meta.rename(columns=columns).columns))
        if index is None:
            return renamed
        from oxidask.dataframe._labels import with_labels

        return with_labels(renamed, index)

    def drop(
        self, labels: Any = None, axis: Any = 0, columns: Any = None, errors: str = "raise"
    ) -> Any:
        """Return the dataframe without some columns."""
        if columns is None and axis in (1, "columns"):
            columns = labels
        if columns is None:
            raise NotImplementedError(
                "Drop currently only works for axis=1 or when columns is not None; drop rows by "
                "a condition: df[~df.index.isin(labels)]"
            )
        kept = self._meta.drop(columns=columns, errors=errors).columns
        return self[list(kept)]

    def groupby(self, by: Any, **kwargs: Any) -> Any:
        """Group the rows.

        Parameters
        ----------
        by
            A label, a series over the same rows, or a list of such.
        **kwargs
            ``sort``, ``dropna``, ``observed``, ``group_keys`` as pandas has them.
        """
        from oxidask.dataframe.groupby import DataFrameGroupBy

        return DataFrameGroupBy(self, by, **kwargs)

    def merge(self, right: Any, how: str = "inner", on: Any = None, **kwargs: Any) -> Any:
        """Join with another dataframe: see :func:`oxidask.dataframe.merge`."""
        from oxidask.dataframe._merge import merge

        return merge(self, right, how=how, on=on, **kwargs)

    def join(self, other: Any, on: Any = None, how: str = "left", **kwargs: Any) -> Any:
        """Join with another dataframe by its index."""
        from oxidask.dataframe._merge import join

        return join(self, other, on=on, how=how, **kwargs)

    @classmethod
    def from_dict(cls, data: Any, *, npartitions: int = 1, **kwargs: Any) -> Any:
        """Make a dataframe of a dict: see :func:`oxidask.dataframe.from_dict`."""
        from oxidask.dataframe._io import from_dict

        return from_dict(data, npartitions, **kwargs)

    def apply(
        self,
        function: Any,
        axis: Any = 0,
        args: tuple[Any, ...] = (),
        meta: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Call a function on each row: ``axis=1``."""
        if axis not in (1, "columns"):
            raise NotImplementedError(
                "dd.DataFrame.apply only supports axis=1: columns lie over several partitions. "
                "Try: df.apply(func, axis=1), or map_partitions"
            )
        from oxidask.dataframe._mapping import apply_rows

        return apply_rows(self, function, args, meta, kwargs)

    def map(self, func: Any, na_action: Any = None, meta: Any = None, **kwargs: Any) -> Any:
        """Call a function on each value."""
        from oxidask.dataframe._mapping import map_frame

        return map_frame(self, func, na_action, meta, kwargs)

    def to_parquet(self, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Write a Parquet file of each partition: see :func:`oxidask.dataframe.to_parquet`."""
        from oxidask.dataframe._to_parquet import to_parquet

        return to_parquet(self, path, *args, **kwargs)

    def to_orc(self, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Write an ORC file of each partition: see :func:`oxidask.dataframe.to_orc`."""
        from oxidask.dataframe._formats import to_orc

        return to_orc(self, path, *args, **kwargs)

    @property
    def iloc(self) -> Any:
        """Columns by position: ``df.iloc[:, [0, 2]]``."""
        from oxidask.dataframe._indexing import ILoc

        return ILoc(self)

    def set_index(self, other: Any, **kwargs: Any) -> Any:
        """Make a column the index and order the rows by it."""
        from oxidask.dataframe._sorting import set_index

        return set_index(self, other, **kwargs)

    def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True) -> Any:
        """Return the rows by the protocol of interchange: computes them."""
        return self.compute().__dataframe__(nan_as_null=nan_as_null, allow_copy=allow_copy)

    def query(self, expr: str, **kwargs: Any) -> Any:
        """Return the rows for which an expression of text is true."""
        return self._filter_partwise(pd.DataFrame.query, expr, **kwargs)

    def eval(self, expr: str, **kwargs: Any) -> Any:
        """Return what an expression of text gives."""
        return self._partwise(pd.DataFrame.eval, expr, **kwargs)

    def items(self) -> Iterator[tuple[Any, Series]]:
        """Yield labels and columns."""
        for label in self.columns:
            yield label, self[label]

    def select_dtypes(self, include: Any = None, exclude: Any = None) -> DataFrame:
        """Return the columns of some dtypes."""
        result: DataFrame = self[list(self._meta.select_dtypes(include, exclude).columns)]
        return result


def _case_when(part: Any, *flat: Any) -> Any:
    return part.case_when(list(zip(flat[::2], flat[1::2], strict=True)))


def _with_columns(part: Any, labels: list[Any]) -> Any:
    part = part.copy(deep=False)
    part.columns = labels
    return part


def _binary_operator(name: str, reflected: bool) -> Callable[[FrameBase, Any], Any]:
    op = getattr(operator, name)

    def method(self: FrameBase, other: Any) -> Any:
        return self._binary(op, other, reflected)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor"):
    setattr(FrameBase, f"__{_name.rstrip('_')}__", _binary_operator(_name, False))
    setattr(FrameBase, f"__r{_name.rstrip('_')}__", _binary_operator(_name, True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(FrameBase, f"__{_name}__", _binary_operator(_name, False))
without(
    DataFrame,
    ("autocorr", "between", "is_monotonic_decreasing", "is_monotonic_increasing", "unique"),
)
