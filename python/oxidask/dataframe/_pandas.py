"""Partitions across the border: pandas objects taken apart into arrays, and put together again.

Native frames have columns of one dtype each; what they can't hold (columns of Python objects,
labels that are neither text nor numbers) raises :class:`NoKernel`, and pandas keeps the partition.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask._native import NoKernel
from oxidask.dataframe._needs import pandas as pd

__all__ = ["array_of", "part_of", "put_together", "take_apart"]

_NUMBERS = frozenset(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)) | {
    "float32",
    "float64",
}
_NULLABLE = frozenset(f"{kind}{bits}" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64)) | {
    "Float32",
    "Float64",
    "boolean",
}


def take_apart(obj: Any) -> tuple[str, int, Any, list[tuple[Any, tuple[Any, ...]]], Any]:
    """Return kind, rows, index, columns and the columns' name of a pandas object.

    The index is ``(name, start, step)`` if it is counted, else a list of levels; levels and columns
    are ``(label, (dtype, array, ...))``.

    Raises
    ------
    NoKernel
        If there is a column or a label that native frames can't have.
    """
    if isinstance(obj, pd.DataFrame):
        if obj.columns.nlevels > 1:
            raise NoKernel("columns of several levels")
        if len(obj.columns) == 0 and str(obj.columns.dtype) != "str":
            raise NoKernel("no columns, with labels of another dtype")
        columns = [(label, part_of(obj.iloc[:, at])) for at, label in enumerate(obj.columns)]
        return "frame", len(obj), _index_parts(obj.index), columns, obj.columns.name
    if isinstance(obj, pd.Series):
        return "series", len(obj), _index_parts(obj.index), [(obj.name, part_of(obj))], None
    if isinstance(obj, pd.Index):
        return "index", len(obj), _index_parts(obj), [], None
    raise NoKernel(f"a partition of type {type(obj).__name__}")


def _index_parts(index: Any) -> Any:
    if type(index) is pd.RangeIndex:
        return index.name, index.start, index.step
    if isinstance(index, pd.MultiIndex):
        return [(name, part_of(index.get_level_values(at))) for at, name in enumerate(index.names)]
    return [(index.name, part_of(index))]


def part_of(values: Any) -> tuple[Any, ...]:
    """Return the dtype and the array or arrays of a series or an index."""
    dtype = values.dtype
    name = str(dtype)
    if isinstance(dtype, np.dtype):
        if name in _NUMBERS or name == "bool":
            return name, values.to_numpy()
        if dtype.kind in "mM" and name != str(np.dtype(dtype.kind + "8")):
            return name, values.to_numpy().view("i8")
        raise NoKernel(f"a column of dtype {name}")
    if isinstance(dtype, pd.CategoricalDtype):
        values = values.array
        codes = values.codes.astype("i4")
        return "category", codes, part_of(values.categories), bool(values.ordered)
    if isinstance(dtype, pd.DatetimeTZDtype):
        zone = str(dtype.tz)
        if zone != "UTC" and getattr(dtype.tz, "key", None) is None:
            raise NoKernel(f"times of the zone {zone}")
        return name, values.array.asi8
    if isinstance(dtype, pd.StringDtype) and name == "str":
        return name, _text(values)
    if name in _NULLABLE and type(values.array).__module__.startswith("pandas."):
        array = values.array
        return name, array._data, array._mask
    raise NoKernel(f"a column of dtype {name}")


def _text(values: Any) -> Any:
    import pyarrow as pa

    array = values.array
    chunks = getattr(array, "_pa_array", None)
    if chunks is None:
        return pa.array(np.asarray(array, dtype=object), type=pa.large_string(), from_pandas=True)
    if chunks.num_chunks == 1:
        return chunks.chunk(0)
    return pa.concat_arrays(chunks.chunks) if chunks.num_chunks else pa.array([], pa.large_string())


def array_of(part: tuple[Any, ...]) -> Any:
    """Return the pandas or NumPy array of what :func:`part_of` gives."""
    name = part[0]
    if name == "category":
        _, codes, categories, ordered = part
        dtype = pd.CategoricalDtype(pd.Index(array_of(categories)), ordered)
        return pd.Categorical.from_codes(codes, dtype=dtype)
    if name == "str":
        import pyarrow as pa

        dtype = pd.StringDtype(na_value=np.nan)
        text = part[1]
        if dtype.storage == "pyarrow":
            return dtype.construct_array_type()(pa.chunked_array([text]), dtype=dtype)
        return pd.array(text.to_numpy(zero_copy_only=False), dtype=dtype)
    if name.startswith("datetime64["):
        if ", " in name:
            return _zoned(part[1], name)
        return part[1].view(name.replace("datetime64", "M8"))
    if name.startswith("timedelta64["):
        return part[1].view(name.replace("timedelta64", "m8"))
    if name in _NULLABLE:
        dtype = pd.api.types.pandas_dtype(name)
        return dtype.construct_array_type()(part[1].copy(), part[2].copy())
    return part[1]


def _zoned(values: Any, name: str) -> Any:
    unit, zone = name[11:-1].split(", ")
    times = pd.DatetimeIndex(values.view(f"M8[{unit}]"))
    return times.tz_localize("UTC").tz_convert(zone).array


def put_together(
    kind: str, n_rows: int, index: Any, columns: list[tuple[Any, Any]], columns_name: Any
) -> Any:
    """Return the pandas object of what :func:`take_apart` gives."""
    labels = _index(index, n_rows)
    if kind == "index":
        return labels
    if kind == "series":
        ((name, part),) = columns
        return pd.Series(_owned(part), index=labels, name=name, copy=False)
    data = {at: array_of(part) for at, (_, part) in enumerate(columns)}
    frame = pd.DataFrame(data, index=labels)
    frame.columns = _column_labels([label for label, _ in columns], columns_name)
    return frame


def _owned(part: tuple[Any, ...]) -> Any:
    # Native memory can't be written to, and what users get must be.
    array = array_of(part)
    return array.copy() if isinstance(array, np.ndarray) else array


def _column_labels(labels: list[Any], name: Any) -> Any:
    if not labels:
        return pd.Index([], dtype="str", name=name)
    return pd.Index(labels, name=name, tupleize_cols=False)


def _index(index: Any, n_rows: int) -> Any:
    if isinstance(index, tuple):
        name, start, step = index
        return pd.RangeIndex(start, start + step * n_rows, step, name=name)
    if len(index) == 1:
        ((name, part),) = index
        return pd.Index(array_of(part), name=name, copy=False)
    arrays = [array_of(part) for _, part in index]
    return pd.MultiIndex.from_arrays(arrays, names=[name for name, _ in index])
