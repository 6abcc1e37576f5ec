"""Whether an object looks like an array, a frame, a series, whatever library it comes from."""

from __future__ import annotations

import importlib
import numbers
import types
from typing import Any

from oxidask._callables import typename


def is_integer(i: Any) -> bool:
    """Whether a number is whole.

    Examples
    --------
    >>> is_integer(6), is_integer(42.0), is_integer(0.5), is_integer("abc")
    (True, True, False, False)
    """
    whole = getattr(i, "is_integer", None)
    return isinstance(i, numbers.Integral) or (callable(whole) and bool(whole()))


def is_namedtuple_instance(obj: Any) -> bool:
    """Whether an object is a named tuple.

    Examples
    --------
    >>> from collections import namedtuple
    >>> is_namedtuple_instance(namedtuple("Point", "x y")(1, 2)), is_namedtuple_instance((1, 2))
    (True, False)
    """
    return isinstance(obj, tuple) and all(
        hasattr(obj, name) for name in ("_make", "_asdict", "_replace", "_fields")
    )


def is_empty(obj: Any) -> bool:
    """Whether an object holds nothing, as far as it says.

    It is asked for its length, then for ``nnz``, then for its ``shape``.

    Examples
    --------
    >>> is_empty([]), is_empty((1,)), is_empty(object())
    (True, False, False)
    """
    try:
        return len(obj) == 0
    except (TypeError, AttributeError):
        pass
    if hasattr(obj, "nnz"):
        return bool(obj.nnz == 0)
    shape = getattr(obj, "shape", None)
    return isinstance(shape, (tuple, list)) and 0 in shape


def _class_of(obj: Any) -> type:
    return obj if isinstance(obj, type) else type(obj)


def _looks_like(obj: Any, names: tuple[str, ...], kind: str) -> bool:
    cls = _class_of(obj)
    return kind in cls.__name__.lower() and all(hasattr(obj, name) for name in names)


def is_dataframe_like(df: Any) -> bool:
    """Whether an object, or a class, looks like pandas' frames.

    Examples
    --------
    >>> is_dataframe_like([1])
    False
    """
    if (_class_of(df).__module__, _class_of(df).__name__) == ("pandas", "DataFrame"):
        return True
    wanted = ("groupby", "head", "merge", "mean", "dtypes", "columns", "index")
    return all(hasattr(df, name) for name in wanted) and not _is_mock_or_type_variable(df)


def is_series_like(s: Any) -> bool:
    """Whether an object, or a class, looks like pandas' series.

    Examples
    --------
    >>> is_series_like([1])
    False
    """
    wanted = ("name", "dtype", "groupby")
    return all(hasattr(s, name) for name in wanted) and "index" not in _class_of(s).__name__.lower()


def is_index_like(s: Any) -> bool:
    """Whether an object, or a class, looks like pandas' indexes.

    Examples
    --------
    >>> is_index_like([1])
    False
    """
    return _looks_like(s, ("name", "dtype"), "index")


def _is_mock_or_type_variable(obj: Any) -> bool:
    return (_class_of(obj).__module__ or "").partition(".")[0] in ("unittest", "typing")


def is_arraylike(x: Any) -> bool:
    """Whether an object, or a class, looks like NumPy's arrays.

    Examples
    --------
    >>> import numpy as np
    >>> is_arraylike(np.zeros(3)), is_arraylike([0])
    (True, False)
    """
    if not (hasattr(x, "dtype") and isinstance(getattr(x, "shape", None), tuple)):
        # A class has a descriptor where its instances have a shape.
        return isinstance(x, type) and all(hasattr(x, name) for name in ("shape", "dtype"))
    # An array whose sizes are themselves lazy is none yet.
    return not any(hasattr(size, "__dask_graph__") for size in x.shape)


def is_cupy_type(x: Any) -> bool:
    """Whether an object is one of CuPy.

    Examples
    --------
    >>> is_cupy_type([1])
    False
    """
    return "cupy" in str(type(x))


def get_meta_library(like: Any) -> types.ModuleType:
    """The library that an object, or what a collection stands for, comes from.

    Examples
    --------
    >>> import numpy as np
    >>> get_meta_library(np.zeros(3)) is np
    True
    """
    if hasattr(like, "_meta"):
        like = like._meta
    return importlib.import_module(typename(like).partition(".")[0])
