"""Comparing arrays in tests, and what array types have in common."""

from __future__ import annotations

import functools
import math
import numbers
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask.array._meta import compute_meta, meta_from_array
from oxidask.array.numpy_compat import AxisError
from oxidask.base import is_dask_collection
from oxidask.utils import is_arraylike, is_cupy_type

__all__ = [
    "AxisError",
    "allclose",
    "arange_safe",
    "array_safe",
    "asanyarray_safe",
    "asarray_safe",
    "assert_eq",
    "assert_eq_shape",
    "compute_meta",
    "is_arraylike",
    "is_cupy_type",
    "meta_from_array",
    "normalize_to_array",
    "safe_wraps",
    "same_keys",
    "scipy_linalg_safe",
    "solve_triangular_safe",
    "svd_flip",
    "validate_axis",
]


def normalize_to_array(x: Any) -> Any:
    """Return `x` in the machine's own memory.

    Examples
    --------
    >>> normalize_to_array(np.ones(1))
    array([1.])
    """
    return x.get() if is_cupy_type(x) else x


def allclose(a: Any, b: Any, equal_nan: bool = False, **kwargs: Any) -> bool:
    """Whether two arrays in memory are equal within tolerances; objects must be equal.

    Examples
    --------
    >>> allclose(np.ones(2), np.ones(2) + 1e-12)
    True
    """
    a, b = normalize_to_array(a), normalize_to_array(b)
    if getattr(a, "dtype", None) != np.dtype(object):
        return bool(np.allclose(a, b, equal_nan=equal_nan, **kwargs))
    if not equal_nan:
        return bool(a.shape == b.shape and (a == b).all())
    return a.shape == b.shape and all(
        x is y or x == y or (x != x and y != y) for x, y in zip(a.flat, b.flat, strict=True)
    )


def same_keys(a: Any, b: Any) -> bool:
    """Whether two arrays have the same keys: equal expressions have.

    Examples
    --------
    >>> import oxidask.array as da
    >>> same_keys(da.ones(3, chunks=2), da.ones(3, chunks=2))
    True
    """

    def keys(x: Any) -> list[Any]:
        return sorted(x if isinstance(x, dict) else x.dask, key=str)

    return keys(a) == keys(b)


def assert_eq_shape(a: Any, b: Any, check_ndim: bool = True, check_nan: bool = True) -> None:
    """Assert that shapes are equal; an unknown extent equals any if `check_nan` is false.

    Examples
    --------
    >>> assert_eq_shape((2, 3), (2, 3))
    """
    if check_ndim:
        assert len(a) == len(b), f"{len(a)} axes, but {len(b)}: {a}, {b}"
    for n, m in zip(a, b, strict=False):
        if math.isnan(n) or math.isnan(m):
            if check_nan:
                assert math.isnan(n) == math.isnan(m), f"unknown extents differ: {a}, {b}"
        else:
            assert n == m, f"shapes differ: {a}, {b}"


def _check_graph(graph: Any) -> None:
    """Assert that a graph is in layers, with keys of text or tuples, without references astray."""
    from oxidask.highlevelgraph import HighLevelGraph

    assert isinstance(graph, HighLevelGraph), f"not a graph in layers: {type(graph)}"
    graph.validate()
    assert all(isinstance(key, (tuple, str)) for key in graph), "keys must be text or tuples"
    total = sum(len(layer) for layer in graph.layers.values())
    assert total == len(dict(graph)), "two layers have the same key"


def _check_chunks(x: Any, check_ndim: bool = True, scheduler: Any = None) -> Any:
    """Assert that computed blocks are what the array says, and return it with them computed."""
    x = x.persist(scheduler=scheduler)
    blocks = dict(x.dask)
    indices = np.ndindex(*x.numblocks)
    for index in indices:
        block = blocks[(x.name, *index)]
        block = getattr(block, "value", block) if not hasattr(block, "dtype") else block
        if not hasattr(block, "dtype"):
            block = np.array(block, dtype="O")
        expected = tuple(extents[i] for extents, i in zip(x.chunks, index, strict=True))
        assert_eq_shape(expected, block.shape, check_ndim=check_ndim, check_nan=False)
        assert block.dtype == x.dtype or math.prod(expected) == 0, (
            f"block {index} has dtype {block.dtype}, the array {x.dtype}"
        )
    return x


class _Side:
    """One side of a comparison: what it was, and its value in memory."""

    def __init__(
        self, x: Any, check_graph: bool, check_chunks: bool, check_ndim: bool, scheduler: Any
    ) -> None:
        from oxidask.array.core import Array

        self.original = x
        self.meta = self.computed = None
        if isinstance(x, Array):
            assert x.dtype is not None, "the array has no dtype"
            if check_graph:
                _check_graph(x.dask)
            self.meta = x._meta
            if check_chunks:
                x = _check_chunks(x, check_ndim=check_ndim, scheduler=scheduler)
            x = x.compute(scheduler=scheduler)
            self.computed = x
            if hasattr(x, "todense"):
                x = x.todense()
            if not hasattr(x, "dtype"):
                x = np.array(x, dtype="O")
            self.dtype = x.dtype
        else:
            if hasattr(x, "todense"):
                x = x.todense()
            if not hasattr(x, "dtype"):
                x = np.asarray(x)
                if x.dtype.kind in "US":
                    x = x.astype(object)
            self.dtype = getattr(x, "dtype", None)
            self.meta = x if hasattr(x, "shape") else None
        self.value = x


def assert_eq(
    a: Any,
    b: Any,
    check_shape: bool = True,
    check_graph: bool = True,
    check_meta: bool = True,
    check_chunks: bool = True,
    check_ndim: bool = True,
    check_type: bool = True,
    check_dtype: bool = True,
    equal_nan: bool = True,
    scheduler: Any = "sync",
    **kwargs: Any,
) -> bool:
    """Assert that two arrays are equal, and that lazy ones are what they say.

    Parameters
    ----------
    a, b
        Arrays, lazy or not, or what becomes arrays.
    check_shape, check_ndim, check_dtype, check_type
        Whether the shapes, numbers of axes, dtypes, and types of arrays must agree.
    check_graph
        Whether the graphs of lazy arrays are looked at.
    check_meta
        Whether metas must agree with what is computed.
    check_chunks
        Whether every block is looked at.
    equal_nan
        Whether nan equals nan.
    scheduler
        Where lazy arrays are computed.
    **kwargs
        Tolerances ``rtol`` and ``atol``.

    Returns
    -------
    bool
        True.

    Examples
    --------
    >>> import oxidask.array as da
    >>> assert_eq(da.ones(3, chunks=2), [1.0, 1.0, 1.0])
    True
    """
    if check_type and np.isscalar(a) != np.isscalar(b):

        def scalarlike(x: Any) -> bool:
            return not is_dask_collection(x) and getattr(x, "ndim", np.ndim(x)) == 0

        if scalarlike(a) and not np.isscalar(a):
            a = np.asarray(a)[()] if not isinstance(a, np.ma.MaskedArray) else a
        if scalarlike(b) and not np.isscalar(b):
            b = np.asarray(b)[()] if not isinstance(b, np.ma.MaskedArray) else b
    left = _Side(a, check_graph, check_chunks, check_ndim, scheduler)
    right = _Side(b, check_graph, check_chunks, check_ndim, scheduler)
    if check_dtype and str(left.dtype) != str(right.dtype):
        raise AssertionError(f"a and b have different dtypes: (a: {left.dtype}, b: {right.dtype})")
    x, y = left.value, right.value
    if check_shape:
        assert np.shape(x) == np.shape(y), f"shapes differ: {np.shape(x)}, {np.shape(y)}"
    if check_type:
        _check_types(x, y)
    for side in (left, right):
        if check_meta:
            _check_meta(side, check_ndim)
        if check_shape and is_dask_collection(side.original):
            assert_eq_shape(side.original.shape, np.shape(side.value), check_nan=False)
    _assert_same_values(x, y, equal_nan, kwargs)
    return True


def _check_types(x: Any, y: Any) -> None:
    def kind(x: Any) -> Any:
        x = np.asarray(x) if isinstance(x, np.generic) else x
        return np.ndarray if type(x) is np.memmap else type(x)

    assert kind(x) is kind(y), f"a and b have different types: (a: {kind(x)}, b: {kind(y)})"


def _check_meta(side: _Side, check_ndim: bool) -> None:
    original, meta, computed = side.original, side.meta, side.computed
    if not is_dask_collection(original) or meta is None:
        return
    assert hasattr(meta, "dtype"), f"the meta has no dtype: {meta!r}"
    if check_ndim:
        assert meta.ndim == original.ndim, f"meta of {meta.ndim} axes, array of {original.ndim}"
    if computed is not None and hasattr(computed, "dtype") and np.ndim(computed) > 0:
        assert type(computed) is type(meta) or isinstance(computed, np.memmap), (
            f"computed {type(computed)}, the meta is {type(meta)}"
        )
    if hasattr(computed, "dtype") and meta.dtype != object:
        assert meta.dtype == computed.dtype, f"meta of {meta.dtype}, computed {computed.dtype}"


def _assert_same_values(x: Any, y: Any, equal_nan: bool, tolerances: dict[str, Any]) -> None:
    message = f"found values differ:\n{x!r}\n{y!r}"
    kinds = [isinstance(side, np.ma.MaskedArray) for side in (x, y)]
    if any(kinds):
        masks = [np.ma.getmaskarray(side) for side in (x, y)]
        if all(kinds):
            assert (masks[0] == masks[1]).all(), message
        # What one side has masked is not compared.
        mask = masks[0] | masks[1]
        x, y = np.array(np.ma.getdata(x)), np.array(np.ma.getdata(y))
        if mask.any():
            x[mask] = np.zeros((), dtype=x.dtype)[()]
            y[mask] = np.zeros((), dtype=y.dtype)[()]
    try:
        close = allclose(x, y, equal_nan=equal_nan, **tolerances)
    except TypeError:
        close = None
    if close is not None:
        assert close, message
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same = x == y
        if equal_nan and getattr(x, "dtype", None) is not None and x.dtype.kind in "mM":
            same = same | (np.isnat(x) & np.isnat(y))
    assert np.all(same), message


def safe_wraps(wrapped: Any, assigned: Any = functools.WRAPPER_ASSIGNMENTS) -> Any:
    """Return ``functools.wraps`` for functions that may lack a name or a docstring.

    Examples
    --------
    >>> safe_wraps(np.add)(lambda x: x).__name__
    'add'
    """
    if all(hasattr(wrapped, name) for name in assigned):
        return functools.wraps(wrapped, assigned=assigned)
    return lambda function: functools.wraps(
        wrapped, assigned=[name for name in assigned if hasattr(wrapped, name)]
    )(function)


def _like_safe(
    function: Callable[..., Any], lazy_name: str, args: Any, like: Any, kwargs: Any
) -> Any:
    """Call a function with ``like=`` where the type of `like` has its own version."""
    from oxidask.array.core import Array

    if isinstance(like, Array) or any(isinstance(arg, Array) for arg in args):
        import oxidask.array as da

        if any(isinstance(arg, Array) for arg in args):
            return getattr(da, lazy_name)(*args, **kwargs)
        like = like._meta
    if isinstance(like, np.ndarray) or not hasattr(like, "__array_function__"):
        return function(*args, **kwargs)
    return function(*args, like=like, **kwargs)


def array_safe(a: Any, like: Any, **kwargs: Any) -> Any:
    """Return ``np.array(a)`` in the type of `like`.

    Examples
    --------
    >>> array_safe([1], like=np.ones(1))
    array([1])
    """
    return _like_safe(np.array, "array", (a,), like, kwargs)


def asarray_safe(a: Any, like: Any, **kwargs: Any) -> Any:
    """Return ``np.asarray(a)`` in the type of `like`.

    Examples
    --------
    >>> asarray_safe([1], like=np.ones(1))
    array([1])
    """
    return _like_safe(np.asarray, "asarray", (a,), like, kwargs)


def asanyarray_safe(a: Any, like: Any, **kwargs: Any) -> Any:
    """Return ``np.asanyarray(a)`` in the type of `like`.

    Examples
    --------
    >>> asanyarray_safe([1], like=np.ones(1))
    array([1])
    """
    return _like_safe(np.asanyarray, "asanyarray", (a,), like, kwargs)


def arange_safe(*args: Any, like: Any, **kwargs: Any) -> Any:
    """Return ``np.arange(...)`` in the type of `like`.

    Examples
    --------
    >>> arange_safe(3, like=np.ones(1))
    array([0, 1, 2])
    """
    return _like_safe(np.arange, "arange", args, getattr(like, "_meta", like), kwargs)


def validate_axis(axis: Any, ndim: int) -> Any:
    """Return an axis, or several, counted from the front.

    Examples
    --------
    >>> validate_axis(-1, 3)
    2
    """
    if isinstance(axis, (tuple, list)):
        return tuple(validate_axis(one, ndim) for one in axis)
    if not isinstance(axis, numbers.Integral):
        raise TypeError(f"Axis value must be an integer, got {axis}")
    if axis < -ndim or axis >= ndim:
        raise AxisError(f"Axis {axis} is out of bounds for array of dimension {ndim}")
    return int(axis) + ndim if axis < 0 else int(axis)


def svd_flip(u: Any, v: Any, u_based_decision: bool = False) -> tuple[Any, Any]:
    """Return singular vectors with signs that don't depend on the algorithm.

    Parameters
    ----------
    u, v
        Left singular vectors as columns, right ones as rows.
    u_based_decision
        Whether the sums of the columns of `u` are made positive rather than those of the rows of
        `v`.

    Examples
    --------
    >>> svd_flip(np.array([[-1.0]]), np.array([[-1.0]]))
    (array([[1.]]), array([[1.]]))
    """
    dtype = u.dtype
    sums = u.sum(axis=0, keepdims=True) if u_based_decision else v.sum(axis=1, keepdims=True).T
    # A sum of zero keeps its sign.
    signs = np.sign(sums.real)
    signs = (signs + (signs == 0)).astype(dtype)
    return u * signs, v * signs.T


def scipy_linalg_safe(func_name: str, *args: Any, **kwargs: Any) -> Any:
    """Call a function of ``scipy.linalg``, or of CuPy for its arrays."""
    if any(is_cupy_type(arg) for arg in args):
        import cupyx.scipy.linalg as linalg
    else:
        import scipy.linalg as linalg
    return getattr(linalg, func_name)(*args, **kwargs)


def solve_triangular_safe(a: Any, b: Any, lower: bool = False) -> Any:
    """Solve a triangular system with SciPy, or CuPy for its arrays."""
    return scipy_linalg_safe("solve_triangular", a, b, lower=lower)
