"""What the objects of pandas and PyArrow consist of, for `oxidask.tokenize`."""

from __future__ import annotations

from typing import Any

from oxidask._native import hash_buffer_hex
from oxidask._tokenize_code import class_reference


def register_pandas() -> None:
    """Register the handlers of pandas' types."""
    import pandas as pd

    from oxidask.tokenize import normalize_token

    for cls, handler in (
        (pd.DataFrame, normalize_frame),
        (pd.Series, normalize_series),
        (pd.Index, normalize_index),
        (pd.MultiIndex, normalize_multi_index),
        (pd.RangeIndex, normalize_range_index),
        (pd.api.extensions.ExtensionArray, normalize_extension_array),
        (pd.api.extensions.ExtensionDtype, normalize_extension_dtype),
    ):
        normalize_token.register(cls, handler)


def _tokenized_by_itself(obj: Any) -> bool:
    return hasattr(obj, "__dask_tokenize__")


def normalize_frame(df: Any) -> Any:
    """Class, labels, columns and attributes of a frame.

    Examples
    --------
    >>> import pandas as pd
    >>> parts = normalize_frame(pd.DataFrame({"x": [1, 2]}))
    >>> parts[0]
    ('class', 'pandas', 'DataFrame')
    """
    if _tokenized_by_itself(df):
        return df.__dask_tokenize__()
    columns = [_values(df.iloc[:, i]) for i in range(df.shape[1])]
    return class_reference(type(df)), df.columns, df.index, columns, _metadata(df)


def normalize_series(s: Any) -> Any:
    """Class, name, dtype, values and labels of a series.

    Examples
    --------
    >>> import pandas as pd
    >>> normalize_series(pd.Series([1, 2], name="x"))[1:3]
    ('x', 'int64')
    """
    if _tokenized_by_itself(s):
        return s.__dask_tokenize__()
    return class_reference(type(s)), s.name, str(s.dtype), _values(s), s.index, _metadata(s)


def _metadata(obj: Any) -> Any:
    """What a frame or a series carries beside its data, subclasses' attributes included."""
    extra = {name: getattr(obj, name, None) for name in obj._metadata if name != "name"}
    return obj.attrs or None, extra or None


def normalize_index(idx: Any) -> Any:
    """Class, name, dtype and values of an index.

    Examples
    --------
    >>> import pandas as pd
    >>> normalize_index(pd.Index([1, 2], name="i"))[1:3]
    ('i', 'int64')
    """
    if _tokenized_by_itself(idx):
        return idx.__dask_tokenize__()
    freq = getattr(idx, "freqstr", None)
    return class_reference(type(idx)), idx.name, str(idx.dtype), _values(idx), freq


def normalize_multi_index(idx: Any) -> Any:
    """Names, levels and codes of an index of several levels.

    Examples
    --------
    >>> import pandas as pd
    >>> normalize_multi_index(pd.MultiIndex.from_tuples([("a", 1)], names=["k", "n"]))[1]
    ['k', 'n']
    """
    return class_reference(type(idx)), list(idx.names), list(idx.levels), list(idx.codes)


def normalize_range_index(idx: Any) -> Any:
    """Name, start, stop and step of a range.

    Examples
    --------
    >>> import pandas as pd
    >>> normalize_range_index(pd.RangeIndex(3))
    (('class', 'pandas', 'RangeIndex'), None, 0, 3, 1)
    """
    return class_reference(type(idx)), idx.name, idx.start, idx.stop, idx.step


def _values(obj: Any) -> Any:
    array = obj.array
    # A thin coat around a NumPy array.
    return array.to_numpy() if type(array).__name__ == "NumpyExtensionArray" else array


def normalize_extension_array(x: Any) -> Any:
    """Dtype and data of an extension array; what lies below missing values takes no part.

    Examples
    --------
    >>> import pandas as pd
    >>> normalize_extension_array(pd.array([1, None], dtype="Int64"))[0]
    'Int64'
    """
    if _tokenized_by_itself(x):
        return x.__dask_tokenize__()
    dtype = str(x.dtype)
    kind = type(x).__name__
    if kind == "Categorical":
        return dtype, x.codes, x.categories, x.ordered
    if kind in ("DatetimeArray", "TimedeltaArray", "PeriodArray"):
        return dtype, x.asi8
    if kind in ("IntegerArray", "FloatingArray", "BooleanArray"):
        data, mask = x._data, x._mask
        if mask.any():
            data = data.copy()
            data[mask] = 0
        return dtype, data, mask
    if kind == "IntervalArray":
        return dtype, x.left, x.right, x.closed
    if hasattr(x, "__arrow_array__") and kind.startswith("Arrow"):
        return dtype, kind, x.__arrow_array__()
    if kind in ("StringArray", "NumpyExtensionArray"):
        return dtype, kind, normalize_extension_dtype(x.dtype), x.to_numpy(dtype=object)
    return dtype, *_reduced(x)


def normalize_extension_dtype(dtype: Any) -> Any:
    """Name and parts of an extension dtype.

    Examples
    --------
    >>> import pandas as pd
    >>> normalize_extension_dtype(pd.Int64Dtype())[0]
    'Int64'
    """
    if type(dtype).__name__ == "CategoricalDtype":
        return "category", dtype.categories, dtype.ordered
    return str(dtype), *_reduced(dtype)


def _reduced(obj: Any) -> tuple[Any, ...]:
    from oxidask.tokenize import normalize_object

    parts = normalize_object(obj)
    return parts if isinstance(parts, tuple) else (parts,)


def register_pyarrow() -> None:
    """Register the handlers of PyArrow's types."""
    import pyarrow as pa

    from oxidask.tokenize import normalize_token

    for cls, handler in (
        (pa.Array, normalize_arrow_array),
        (pa.ChunkedArray, normalize_chunked_array),
        (pa.RecordBatch, normalize_record_batch),
        (pa.Table, normalize_arrow_table),
        (pa.Schema, normalize_schema),
        (pa.Field, normalize_field),
        (pa.DataType, normalize_arrow_type),
        (pa.Buffer, lambda buffer: ("pyarrow.Buffer", hash_buffer_hex(buffer))),
    ):
        normalize_token.register(cls, handler)


def normalize_record_batch(batch: Any) -> Any:
    """Schema and columns of a batch.

    Examples
    --------
    >>> import pyarrow as pa
    >>> parts = normalize_record_batch(pa.record_batch({"x": [1, 2]}))
    >>> parts[0]
    'pyarrow.RecordBatch'
    """
    return "pyarrow.RecordBatch", batch.schema, batch.columns


def normalize_arrow_table(table: Any) -> Any:
    """Schema and columns of a table, wherever its chunks end.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"x": [1, 2]})
    >>> normalize_arrow_table(table) == normalize_arrow_table(pa.concat_tables([table]))
    True
    """
    return "pyarrow.Table", table.schema, table.columns


def normalize_chunked_array(array: Any) -> Any:
    """Type and data of an array, wherever its chunks end.

    Examples
    --------
    >>> import pyarrow as pa
    >>> whole, halves = pa.chunked_array([[1, 2]]), pa.chunked_array([[1], [2]])
    >>> normalize_chunked_array(whole) == normalize_chunked_array(halves)
    True
    """
    if array.num_chunks == 1:
        return normalize_arrow_array(array.chunk(0))
    combined = array.combine_chunks()
    if hasattr(combined, "num_chunks"):  # too long for the offsets of one array
        return "pyarrow", array.type, [normalize_arrow_array(chunk) for chunk in combined.chunks]
    return normalize_arrow_array(combined)


def normalize_arrow_array(array: Any) -> Any:
    """Type and data of an array, whatever it was sliced from.

    Examples
    --------
    >>> import pyarrow as pa
    >>> normalize_arrow_array(pa.array([0, 1, 2])[1:]) == normalize_arrow_array(pa.array([1, 2]))
    True
    """
    import pyarrow as pa

    if isinstance(array, pa.ExtensionArray):
        return "pyarrow", array.type, normalize_arrow_array(array.storage)
    # The IPC format cuts the buffers to what the slice uses.
    batch = pa.RecordBatch.from_arrays([array], names=[""])
    parts = hash_buffer_hex(batch.serialize())
    if pa.types.is_dictionary(array.type):
        return "pyarrow", array.type, parts, normalize_arrow_array(array.dictionary)
    return "pyarrow", array.type, parts


def normalize_schema(schema: Any) -> Any:
    """Fields and metadata of a schema.

    Examples
    --------
    >>> import pyarrow as pa
    >>> normalize_schema(pa.schema({"x": pa.int8()}))[1][0]
    pyarrow.Field<x: int8>
    """
    return "pyarrow.Schema", list(schema), schema.metadata


def normalize_field(field: Any) -> Any:
    """Name, type, nullability and metadata of a field.

    Examples
    --------
    >>> import pyarrow as pa
    >>> normalize_field(pa.field("x", pa.int8()))[1:]
    ('x', DataType(int8), True, None)
    """
    return "pyarrow.Field", field.name, field.type, field.nullable, field.metadata


def normalize_arrow_type(dtype: Any) -> Any:
    """What a type consists of.

    Examples
    --------
    >>> import pyarrow as pa
    >>> normalize_arrow_type(pa.int8())
    ('pyarrow.DataType', 'int8')
    """
    import pyarrow as pa

    if isinstance(dtype, pa.BaseExtensionType):
        return (str(dtype), *_reduced(dtype))
    if dtype.num_fields:
        fields = [dtype.field(i) for i in range(dtype.num_fields)]
        return "pyarrow.DataType", str(dtype), fields
    return "pyarrow.DataType", str(dtype)
