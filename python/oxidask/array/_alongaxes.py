"""Functions of lines and blocks of arrays, and small questions about arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from oxidask.array._joining import normalize_axis
from oxidask.array.core import Array, asanyarray, elemwise

__all__ = [
    "aligned_coarsen_chunks",
    "allclose",
    "apply_along_axis",
    "apply_over_axes",
    "around",
    "array",
    "coarsen",
    "isclose",
    "iscomplexobj",
    "isnull",
    "ndim",
    "notnull",
    "outer",
    "result_type",
    "round",
    "shape",
]


def array(
    x: Any, dtype: Any = None, ndmin: int | None = None, *, like: Any = None, **kwargs: Any
) -> Array:
    """Return something as an array.

    Parameters
    ----------
    x
        Anything that NumPy makes an array of, or an array.
    dtype
        The dtype.
    ndmin
        How many axes there are at least: new ones come first.
    like
        An array of whose type the blocks shall be.
    **kwargs
        What :func:`oxidask.array.asarray` takes.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.array([1, 2], ndmin=2).compute()
    array([[1, 2]])
    """
    from oxidask.array.core import asarray

    if like is not None:
        kwargs["like"] = like
    result = asarray(x, **kwargs)
    if dtype is not None and result.dtype != np.dtype(dtype):
        result = result.astype(dtype)
    if ndmin is not None and result.ndim < ndmin:
        result = result[(None,) * (ndmin - result.ndim) + (Ellipsis,)]
    return result


def shape(a: Any) -> tuple[Any, ...]:
    """Return the shape of anything that has one.

    Parameters
    ----------
    a
        An array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.shape([[1, 2]])
    (1, 2)
    """
    return tuple(a.shape) if hasattr(a, "shape") else np.shape(a)


def ndim(a: Any) -> int:
    """Return the number of axes.

    Parameters
    ----------
    a
        An array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.ndim([[1, 2]])
    2
    """
    return int(a.ndim) if hasattr(a, "ndim") else np.ndim(a)


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """Return the dtype that an operation of some operands would have.

    Parameters
    ----------
    *arrays_and_dtypes
        Arrays, dtypes and numbers.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.result_type(da.ones(2, dtype="f4"), np.int16)
    dtype('float32')
    """
    return np.result_type(*(x.dtype if isinstance(x, Array) else x for x in arrays_and_dtypes))


def iscomplexobj(x: Any) -> bool:
    """Whether the elements are complex numbers.

    Parameters
    ----------
    x
        An array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.iscomplexobj(da.ones(2, dtype=complex))
    True
    """
    return np.dtype(x.dtype).kind == "c" if hasattr(x, "dtype") else np.iscomplexobj(x)


def isclose(
    arr1: Any, arr2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Return which elements of two arrays are nearly equal.

    Parameters
    ----------
    arr1, arr2
        The arrays.
    rtol, atol
        How much they may differ: ``atol + rtol * abs(arr2)``.
    equal_nan
        Whether NaN equals NaN.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.isclose(da.from_array([1.0, 2.0]), [1.0, 2.5]).compute()
    array([ True, False])
    """
    function = partial(np.isclose, rtol=rtol, atol=atol, equal_nan=equal_nan)
    return elemwise(function, asanyarray(arr1), asanyarray(arr2), dtype="bool")  # type: ignore[no-any-return]


def allclose(
    arr1: Any, arr2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Return whether all elements of two arrays are nearly equal.

    Parameters
    ----------
    arr1, arr2
        The arrays.
    rtol, atol
        How much they may differ: ``atol + rtol * abs(arr2)``.
    equal_nan
        Whether NaN equals NaN.

    Examples
    --------
    >>> import oxidask.array as da
    >>> bool(da.allclose(da.ones(3, chunks=2), 1).compute())
    True
    """
    return isclose(arr1, arr2, rtol=rtol, atol=atol, equal_nan=equal_nan).all()  # type: ignore[no-any-return, attr-defined]


def _isnull_block(values: Any) -> Any:
    import pandas as pd

    return pd.isnull(values)


def _isnull_scalar(value: Any) -> Any:
    return np.asarray(_isnull_block(value))


def isnull(values: Any) -> Array:
    """Return which elements are missing: NaN, NaT or None.

    Parameters
    ----------
    values
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.isnull(da.from_array([1.0, float("nan")])).compute()
    array([False,  True])
    """
    values = asanyarray(values)
    if values.ndim == 0:
        return elemwise(_isnull_scalar, values, dtype="bool")  # type: ignore[no-any-return]
    if values.dtype.kind in "fc":
        return elemwise(np.isnan, values)  # type: ignore[no-any-return]
    if values.dtype.kind in "mM":
        return elemwise(np.isnat, values)  # type: ignore[no-any-return]
    return elemwise(_isnull_block, values, dtype="bool")  # type: ignore[no-any-return]


def notnull(values: Any) -> Array:
    """Return which elements are not missing.

    Parameters
    ----------
    values
        The array.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.notnull(da.from_array([1.0, float("nan")])).compute()
    array([ True, False])
    """
    return elemwise(np.logical_not, isnull(values))  # type: ignore[no-any-return]


def around(x: Any, decimals: int = 0) -> Array:
    """Round elements to some decimals.

    Parameters
    ----------
    x
        The array.
    decimals
        How many; negative numbers round tens, hundreds and so on.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.around(da.from_array([1.26, 3.14]), 1).compute()
    array([1.3, 3.1])
    """
    x = asanyarray(x)
    if x.dtype in (np.float32, np.float64) and decimals == 0:
        return elemwise(np.rint, x)  # type: ignore[no-any-return]
    return x.map_blocks(np.around, decimals=decimals, dtype=x.dtype)  # type: ignore[no-any-return]


def round(a: Any, decimals: int = 0) -> Array:
    """Round elements to some decimals.

    Parameters
    ----------
    a
        The array.
    decimals
        How many.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.round(da.from_array([1.26, 3.14]), 1).compute()
    array([1.3, 3.1])
    """
    return around(a, decimals)


def outer(a: Any, b: Any) -> Array:
    """Return the products of all elements of one vector with all of another.

    Parameters
    ----------
    a, b
        The vectors.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.outer([1, 2], da.arange(3, chunks=2)).compute()
    array([[0, 1, 2],
           [0, 2, 4]])
    """
    return asanyarray(a).ravel()[:, None] * asanyarray(b).ravel()[None, :]


def _lines_block(
    block: Any, function: Callable[..., Any], axis: int, args: Any, kwargs: dict[str, Any]
) -> Any:
    return np.apply_along_axis(function, axis, block, *args, **kwargs)


def apply_along_axis(
    func1d: Callable[..., Any],
    axis: int,
    arr: Any,
    *args: Any,
    dtype: Any = None,
    shape: Any = None,
    **kwargs: Any,
) -> Array:
    """Apply a function to every line along an axis.

    Parameters
    ----------
    func1d
        A function of 1-d arrays.
    axis
        The axis.
    arr
        The array.
    *args, **kwargs
        Arguments of the function.
    dtype, shape
        Those of what the function gives; found by a call with ones if one of them is not given.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.apply_along_axis(lambda line: line[::-1], 0, da.arange(3, chunks=2)).compute()
    array([2, 1, 0])
    """
    arr = asanyarray(arr)
    axis = normalize_axis(axis, arr.ndim)
    if shape is None or dtype is None:
        sample = np.asarray(func1d(np.ones((1,), dtype=arr.dtype), *args, **kwargs))
        shape = sample.shape if shape is None else shape
        dtype = sample.dtype if dtype is None else dtype
    shape = tuple(shape)
    arr = arr.rechunk({axis: -1})
    if len(shape) == 1:
        # A line for a line: its extent may be that of the lines, not of the sample.
        extent = _line_extent(func1d, arr, axis, args, kwargs, shape[0])
        shape = (extent,)
    chunks = (*arr.chunks[:axis], *((n,) for n in shape), *arr.chunks[axis + 1 :])
    new_axis = list(range(axis, axis + len(shape)))
    return arr.map_blocks(  # type: ignore[no-any-return]
        _lines_block,
        func1d,
        axis,
        args,
        kwargs,
        dtype=dtype,
        chunks=chunks,
        drop_axis=axis,
        new_axis=new_axis or None,
        token="apply_along_axis",
    )


def _line_extent(
    function: Callable[..., Any], arr: Array, axis: int, args: Any, kwargs: Any, extent: int
) -> int:
    n = arr.shape[axis]
    if extent != 1 or n == 1:
        return extent
    try:
        found = np.shape(function(np.ones(int(n), dtype=arr.dtype), *args, **kwargs))
    except Exception:
        return extent
    return int(found[0]) if len(found) == 1 else extent


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Array:
    """Apply a function along several axes, one after the other.

    Parameters
    ----------
    func
        A function of an array and an axis.
    a
        The array.
    axes
        The axes.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.apply_over_axes(da.sum, da.ones((2, 3)), [0, 1]).compute()
    array([[6.]])
    """
    result = a = asanyarray(a)
    for axis in np.atleast_1d(axes).tolist():
        axis = normalize_axis(axis, a.ndim)
        reduced = asanyarray(func(result, axis))
        if reduced.ndim == result.ndim - 1:
            reduced = reduced[(slice(None),) * axis + (None,)]
        if reduced.ndim != a.ndim:
            raise ValueError(
                "function is not returning an array of the correct shape, but "
                f"{reduced.ndim} axes for an array of {a.ndim}"
            )
        result = reduced
    return result


def aligned_coarsen_chunks(chunks: Any, multiple: int) -> tuple[int, ...]:
    """Return blocks that a number divides, all but the last, near the ones given.

    Parameters
    ----------
    chunks
        Extents of blocks along an axis.
    multiple
        The number.

    Examples
    --------
    >>> aligned_coarsen_chunks((20, 10, 15, 23, 24), 10)
    (20, 10, 20, 20, 20, 2)
    """
    cut = [n - n % multiple for n in chunks]
    whole, rest = divmod(sum(n % multiple for n in chunks), multiple)
    uneven = [at for at, n in enumerate(chunks) if n % multiple]
    for _ in range(whole):
        smallest = min(uneven, key=lambda at: cut[at])
        cut[smallest] += multiple
    return (*(n for n in cut if n), *((rest,) if rest else ()))


def _coarsened_block(block: Any, reduction: Any, axes: Any, trim: bool, kwargs: Any) -> Any:
    from oxidask.array.chunk import coarsen as coarsened

    return coarsened(reduction, block, axes, trim_excess=trim, **kwargs)


def coarsen(
    reduction: Callable[..., Any],
    x: Any,
    axes: dict[int, int],
    trim_excess: bool = False,
    **kwargs: Any,
) -> Array:
    """Reduce every so many neighbours to one element.

    Parameters
    ----------
    reduction
        A reduction, such as ``np.sum``.
    x
        The array.
    axes
        For each axis how many neighbours make one.
    trim_excess
        Whether elements left over at the end are dropped; otherwise they are an error.
    **kwargs
        Keywords for the reduction.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.coarsen(np.sum, da.arange(6, chunks=4), {0: 2}).compute()
    array([1, 5, 9])
    """
    x = asanyarray(x)
    axes = {normalize_axis(axis, x.ndim): int(n) for axis, n in axes.items()}
    if not trim_excess and any(x.shape[axis] % n for axis, n in axes.items()):
        raise ValueError(f"Coarsening factors {axes} do not align with array shape {x.shape}.")
    if reduction.__module__.startswith(("oxidask.", "dask.")):
        reduction = getattr(np, reduction.__name__)
    x = x.rechunk({axis: aligned_coarsen_chunks(x.chunks[axis], n) for axis, n in axes.items()})
    chunks = tuple(
        tuple(n // axes.get(axis, 1) for n in blocks) for axis, blocks in enumerate(x.chunks)
    )
    trimmed = tuple(
        sum(n * axes.get(axis, 1) for n in blocks) for axis, blocks in enumerate(chunks)
    )
    if trimmed != x.shape:
        x = x[tuple(slice(None, n) for n in trimmed)]
        chunks = tuple(
            tuple(n // axes.get(axis, 1) for n in blocks) for axis, blocks in enumerate(x.chunks)
        )
    sample = np.ones(tuple(axes.get(axis, 1) for axis in range(x.ndim)), dtype=x.dtype)
    dtype = np.asarray(reduction(sample, axis=tuple(range(x.ndim)), **kwargs)).dtype
    return x.map_blocks(  # type: ignore[no-any-return]
        _coarsened_block,
        reduction,
        axes,
        trim_excess,
        kwargs,
        dtype=dtype,
        chunks=chunks,
        token="coarsen",
    )
