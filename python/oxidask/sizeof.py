"""How many bytes an object takes in memory, as nearly as can be told quickly.

Collections are measured by a sample of their items. `sizeof` is a `Dispatch`: register a
function for a type of your own, or give it an attribute ``__sizeof__`` (Python's own protocol)
or ``nbytes``.
"""

from __future__ import annotations

import itertools
import random
import sys
from array import array
from collections.abc import Iterable
from typing import Any

from oxidask._dispatch import Dispatch

sizeof = Dispatch(name="sizeof")

#: Collections of more items than this are measured by a sample of this many.
_SAMPLE = 10


@sizeof.register(object)
def sizeof_default(o: Any) -> int:
    """Bytes that an object takes in memory.

    Parameters
    ----------
    o : object

    Returns
    -------
    int

    Examples
    --------
    >>> sizeof(1) == sys.getsizeof(1)
    True
    >>> 1000 <= sizeof(bytes(1000)) <= 1100
    True
    """
    try:
        return sys.getsizeof(o)
    except TypeError:  # a __sizeof__ that does not work, such as a class's
        return 100


@sizeof.register((bytes, bytearray))
def sizeof_bytes(o: bytes | bytearray) -> int:
    """Bytes that bytes take.

    Examples
    --------
    >>> sizeof_bytes(b"abc")
    3
    """
    return len(o)


@sizeof.register(memoryview)
def sizeof_memoryview(o: memoryview) -> int:
    """Bytes that lie behind a view.

    Examples
    --------
    >>> sizeof_memoryview(memoryview(bytes(10)))
    10
    """
    return o.nbytes


@sizeof.register(array)
def sizeof_array(o: Any) -> int:
    """Bytes that an array of the standard library takes.

    Examples
    --------
    >>> sizeof_array(array("d", [1, 2]))
    16
    """
    return int(o.itemsize * len(o))


@sizeof.register((list, tuple, set, frozenset))
def sizeof_python_collection(seq: Any) -> int:
    """Bytes that a collection and its items take.

    Examples
    --------
    >>> x = bytes(10_000)
    >>> 10_000 < sizeof_python_collection([x]) < 10_200
    True
    """
    # A class that was met here as an item, rather than an object.
    if isinstance(seq, type):
        return sizeof_default(seq)
    return sys.getsizeof(seq) + _items(seq, len(seq))


def _items(seq: Iterable[Any], n: int) -> int:
    if n <= _SAMPLE:
        return sum(map(sizeof, seq))
    if isinstance(seq, (list, tuple)):
        # The same sample for the same collection, and no stir in the global generator.
        sample: Iterable[Any] = random.Random(n).sample(seq, _SAMPLE)
    else:
        sample = itertools.islice(seq, _SAMPLE)
    return int(sum(map(sizeof, sample)) / _SAMPLE * n)


class SimpleSizeof:
    """Mixin: `sizeof` looks no further than `sys.getsizeof`.

    Examples
    --------
    >>> class Packed(SimpleSizeof, tuple):
    ...     pass
    >>> sizeof(Packed([bytes(10_000)])) < 1000
    True
    """


@sizeof.register(SimpleSizeof)
def sizeof_blocked(d: Any) -> int:
    """Bytes that an object says it takes, without what it refers to.

    Examples
    --------
    >>> sizeof_blocked([bytes(10_000)]) < 1000
    True
    """
    return sys.getsizeof(d)


@sizeof.register(dict)
def sizeof_python_dict(d: dict[Any, Any]) -> int:
    """Bytes that a dictionary, its keys and its values take.

    Examples
    --------
    >>> 10_000 < sizeof_python_dict({"x": bytes(10_000)}) < 10_500
    True
    """
    n = len(d)
    if n <= _SAMPLE:
        return sys.getsizeof(d) + _items(d.keys(), n) + _items(d.values(), n)
    return sys.getsizeof(d) + _items(list(d.keys()), n) + _items(list(d.values()), n)


@sizeof.register_lazy("numpy")
def register_numpy() -> None:
    """Register the types of NumPy."""
    import numpy as np

    @sizeof.register(np.ndarray)
    def sizeof_numpy_ndarray(x: Any) -> int:
        # Along an axis of stride 0, one item stands for all.
        if 0 in x.strides:
            xs = x[tuple(slice(None) if s != 0 else slice(1) for s in x.strides)]
            return int(xs.nbytes)
        return int(x.nbytes)


@sizeof.register_lazy("cupy")
def register_cupy() -> None:
    """Register the arrays of CuPy."""
    import cupy

    sizeof.register(cupy.ndarray, lambda x: int(x.nbytes))


@sizeof.register_lazy("numba")
def register_numba() -> None:
    """Register the device arrays of Numba."""
    import numba.cuda

    sizeof.register(numba.cuda.cudadrv.devicearray.DeviceNDArray, lambda x: int(x.nbytes))


@sizeof.register_lazy("rmm")
def register_rmm() -> None:
    """Register the device buffers of RMM."""
    import rmm

    if hasattr(rmm, "DeviceBuffer"):
        sizeof.register(rmm.DeviceBuffer, lambda x: int(x.nbytes))


@sizeof.register_lazy("scipy")
def register_spmatrix() -> None:
    """Register the sparse arrays of SciPy."""
    import scipy.sparse as sp

    @sizeof.register(sp.dok_matrix)
    def sizeof_spmatrix_dok(x: Any) -> int:
        return sys.getsizeof(x) + sizeof_python_dict(dict(x.items()))

    @sizeof.register((sp.spmatrix, getattr(sp, "sparray", sp.spmatrix)))
    def sizeof_spmatrix(x: Any) -> int:
        arrays = sum(int(v.nbytes) for v in vars(x).values() if _is_array(v))
        return sys.getsizeof(x) + sys.getsizeof(vars(x)) + arrays


def _is_array(v: Any) -> bool:
    return hasattr(v, "nbytes") and hasattr(v, "dtype")


#: For an index, a series or a column of a frame of pandas, beside its data.
_PANDAS_OVERHEAD = 400


@sizeof.register_lazy("pandas")
def register_pandas() -> None:
    """Register the types of pandas."""
    import pandas as pd

    @sizeof.register(pd.DataFrame)
    def sizeof_pandas_dataframe(df: Any) -> int:
        arrays = [df.iloc[:, i].array for i in range(df.shape[1])]
        blocks = {id(getattr(a, "_ndarray", a).base) for a in arrays if hasattr(a, "_ndarray")}
        labels = int(sizeof(df.columns)) if df.columns.dtype == object else _PANDAS_OVERHEAD
        around = _PANDAS_OVERHEAD * len(arrays) + 64 * len(blocks)
        return int(sizeof(df.index)) + _bytes_of_arrays(arrays) + labels + around

    @sizeof.register(pd.Series)
    def sizeof_pandas_series(s: Any) -> int:
        return _bytes_of_arrays([s.array]) + int(sizeof(s.index)) + _PANDAS_OVERHEAD

    @sizeof.register(pd.Index)
    def sizeof_pandas_index(idx: Any) -> int:
        return _bytes_of_arrays([idx.array]) + _PANDAS_OVERHEAD

    @sizeof.register(pd.RangeIndex)
    def sizeof_pandas_range_index(idx: Any) -> int:
        return _PANDAS_OVERHEAD

    @sizeof.register(pd.MultiIndex)
    def sizeof_pandas_multi_index(idx: Any) -> int:
        levels = int(sum(map(sizeof, idx.levels)))
        return _bytes_of_arrays(idx.codes) + levels + _PANDAS_OVERHEAD


def _bytes_of_arrays(arrays: Iterable[Any]) -> int:
    """Bytes of the arrays of pandas, of each buffer and of each object once."""
    import numpy as np

    total = 0
    objects: list[Any] = []
    addresses: set[int] = set()
    for x in arrays:
        data = getattr(x, "_ndarray", x)
        arrow = getattr(x, "_pa_array", None)
        if arrow is not None:
            total += int(sizeof(arrow))
        elif isinstance(data, np.ndarray):
            address = data.__array_interface__["data"][0]
            if address not in addresses:
                addresses.add(address)
                total += data.nbytes
                if data.dtype.kind == "O":
                    objects.append(data.ravel(order="K"))
        else:
            total += int(getattr(data, "nbytes", 0)) or sys.getsizeof(x)
    return total + _bytes_of_objects(objects)


def _bytes_of_objects(columns: list[Any], sample: int = 100) -> int:
    """Bytes of the objects that columns refer to, each once, however many cells refer to it."""
    unique: dict[int, Any] = {}
    for column in columns:
        drawn: Iterable[Any] = column
        if len(column) > sample:
            places = random.Random(len(column)).sample(range(len(column)), sample)
            drawn = (column[place] for place in places)
        unique.update((id(x), x) for x in drawn)
    cells = sum(map(len, columns))
    cells_drawn = sum(min(len(column), sample) for column in columns)
    total = sum(map(sizeof, unique.values()))
    if len(unique) > cells_drawn / 2:
        # Nearly all are distinct: so are those that were not drawn.
        return int(total * cells / cells_drawn)
    return int(total)


@sizeof.register_lazy("pyarrow")
def register_pyarrow() -> None:
    """Register the types of PyArrow."""
    import pyarrow as pa

    def of_column(column: Any) -> int:
        return int(column.nbytes) + 64

    @sizeof.register(pa.Table)
    def sizeof_pyarrow_table(table: Any) -> int:
        columns = sum(map(of_column, table.itercolumns()))
        return int(sizeof(table.schema.metadata)) + columns + 1000

    sizeof.register((pa.ChunkedArray, pa.Array), lambda x: int(x.nbytes) + 64)


@sizeof.register_lazy("xarray")
def register_xarray() -> None:
    """Register the types of xarray; what is not in memory takes none."""
    import xarray as xr

    xarray_overhead = 1000

    @sizeof.register(xr.core.utils.Frozen)
    def sizeof_xarray_frozen(x: Any) -> int:
        return int(sum(map(sizeof, dict(x).values())))

    @sizeof.register(xr.Variable)
    def sizeof_xarray_variable(x: Any) -> int:
        return int(sizeof(x._data)) + xarray_overhead if x._in_memory else xarray_overhead

    @sizeof.register(xr.DataArray)
    def sizeof_xarray_dataarray(x: Any) -> int:
        coords = sum(sizeof(c.variable) for c in x.coords.values())
        return int(sizeof(x.variable) + coords)

    @sizeof.register(xr.Dataset)
    def sizeof_xarray_dataset(x: Any) -> int:
        return int(sum(map(sizeof, x.variables.values())))

    @sizeof.register(xr.core.indexes.Indexes)
    def sizeof_xarray_indexes(x: Any) -> int:
        return int(sum(map(sizeof, x.values()))) + xarray_overhead

    @sizeof.register(xr.core.indexes.PandasIndex)
    def sizeof_xarray_index(x: Any) -> int:
        return int(sizeof(x.index))


def _register_entry_point_plugins() -> None:
    """Call what other packages offer under the entry point ``dask.sizeof``."""
    import importlib.metadata

    for group in ("dask.sizeof", "oxidask.sizeof"):
        for entry_point in importlib.metadata.entry_points(group=group):
            try:
                entry_point.load()(sizeof)
            except Exception as error:
                import warnings

                warnings.warn(
                    f"sizeof: the plugin {entry_point.name!r} ({entry_point.value}) "
                    f"failed to register: {error!r}",
                    RuntimeWarning,
                    stacklevel=2,
                )


_register_entry_point_plugins()
