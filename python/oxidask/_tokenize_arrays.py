"""What NumPy's, SciPy's and Numba's objects consist of, for `oxidask.tokenize`.

The data of an array is hashed where it lies. Only an array whose elements do not lie together is
copied first, so a strided view and its copy have one token; the same values in C and in
Fortran order have two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask._native import hash_buffer_hex
from oxidask._tokenize_code import class_reference

#: Version, shape, dtype, order and data: the state that `numpy.ndarray` pickles.
_OWN_STATE = 5

#: Array classes without attributes beyond those of `numpy.ndarray`.
_PLAIN = (np.ndarray, np.memmap, np.matrix, np.recarray)


def register_numpy() -> None:
    """Register the handlers of NumPy's types."""
    from oxidask.tokenize import normalize_token

    normalize_token.register(np.ndarray, normalize_array)
    normalize_token.register(np.ma.MaskedArray, normalize_masked_array)
    normalize_token.register(np.generic, normalize_scalar)
    normalize_token.register(np.dtype, normalize_dtype)
    normalize_token.register(np.ufunc, normalize_ufunc)


def normalize_array(x: Any) -> Any:
    """Type, dtype, shape and data of an array.

    Examples
    --------
    >>> normalize_array(np.array([1, 2], dtype="i4"))[:3]
    ('numpy.ndarray', '<i4', (2,))
    >>> x = np.arange(6)
    >>> normalize_array(x[::2]) == normalize_array(x[::2].copy())
    True
    """
    cls = type(x)
    if hasattr(x, "__dask_tokenize__") or cls not in _PLAIN:
        # Unknown subclasses carry attributes (units, say), which only pickling finds.
        return _pickled(x)
    name = "numpy.ndarray" if cls in (np.ndarray, np.memmap) else f"numpy.{cls.__name__}"
    return (name, _dtype(x.dtype), x.shape, *_data(x))


def _pickled(x: Any) -> Any:
    from oxidask.tokenize import normalize_object

    if hasattr(x, "__dask_tokenize__"):
        return normalize_object(x)
    state = x.__reduce_ex__(2)[2]
    if isinstance(state, tuple) and len(state) >= _OWN_STATE:
        # The data is hashed as it lies; what a subclass appends to the state comes beside it.
        state = state[_OWN_STATE:]
    attributes = getattr(x, "__dict__", None)
    return class_reference(type(x)), normalize_array(np.asarray(x)), state, attributes


def _data(x: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    dtype = x.dtype
    if dtype.hasobject or dtype.kind == "T":
        return "objects", x.ravel().tolist()
    if dtype.names is not None and _has_padding(dtype):
        # What lies between the fields is arbitrary.
        return "fields", [_data(x[name]) for name in dtype.names]
    if x.flags.c_contiguous:
        order = "C"
    elif x.flags.f_contiguous:
        order = "F"
    else:
        x, order = np.ascontiguousarray(x), "C"
    return order, _hash(x)


def _hash(x: np.ndarray[Any, Any]) -> str:
    """Hash of the data of a contiguous array."""
    if x.dtype.kind not in "biufcSU" or type(x) is not np.ndarray:
        # The buffer protocol has no words for dates and the like; their bytes it can pass on.
        x = x.view(np.ndarray).reshape(-1, order="A")
        x = x.view(np.uint8) if x.dtype.itemsize else x.astype(np.uint8)
    return str(hash_buffer_hex(x if x.ndim else x.reshape(1)))


def _has_padding(dtype: np.dtype[Any]) -> bool:
    if dtype.subdtype is not None:
        return _has_padding(dtype.subdtype[0])
    if dtype.names is None:
        return False
    fields = [dtype[name] for name in dtype.names]
    packed = sum(field.itemsize for field in fields) == dtype.itemsize
    return not packed or any(map(_has_padding, fields))


def normalize_masked_array(x: np.ma.MaskedArray[Any, Any]) -> Any:
    """Data, mask and fill value; what lies below the mask takes part.

    Examples
    --------
    >>> x = np.ma.array([1, 2], mask=[True, False])
    >>> normalize_masked_array(x)[0]
    ('class', 'numpy.ma', 'MaskedArray')
    """
    if hasattr(x, "__dask_tokenize__"):
        return _pickled(x)
    mask = normalize_array(np.ma.getmaskarray(x))
    data = normalize_array(np.asarray(x.data))
    return class_reference(type(x)), data, mask, x.fill_value, bool(x.hardmask)


def normalize_scalar(x: np.generic) -> Any:
    r"""Dtype and value of a scalar.

    Examples
    --------
    >>> normalize_scalar(np.int16(5))
    ('numpy.generic', '<i2', b'\x05\x00')
    """
    if isinstance(x, np.void) and x.dtype.names is not None:
        return ("numpy.generic", *normalize_array(np.asarray(x))[1:])
    return "numpy.generic", _dtype(x.dtype), x.tobytes()


def _dtype(dtype: np.dtype[Any]) -> Any:
    simple = dtype.kind in "biufcmMSU" and dtype.metadata is None
    return dtype.str if simple else normalize_dtype(dtype)


def normalize_dtype(dtype: np.dtype[Any]) -> Any:
    """What a dtype consists of.

    Examples
    --------
    >>> normalize_dtype(np.dtype("f4"))
    ('numpy.dtype', '<f4')
    """
    if dtype.kind in "biufcmMSU" and dtype.metadata is None:
        return "numpy.dtype", dtype.str
    _, arguments, *state = tuple(dtype.__reduce__())
    metadata = None if dtype.metadata is None else dict(dtype.metadata)
    return "numpy.dtype", type(dtype).__name__, arguments, state, metadata


def normalize_ufunc(func: np.ufunc) -> Any:
    """Where a universal function can be imported from.

    Examples
    --------
    >>> normalize_ufunc(np.sin)
    ('numpy.ufunc', 'numpy', 'sin')
    """
    import uuid

    from oxidask import _tokenize_code
    from oxidask.tokenize import _maybe_raise_nondeterministic

    name = func.__name__
    if getattr(np, name, None) is func:
        return "numpy.ufunc", "numpy", name
    found = _tokenize_code.reference(func, name)
    if found is not None:
        return ("numpy.ufunc", *found)
    _maybe_raise_nondeterministic(
        f"Cannot tokenize the ufunc {name!r}, which cannot be imported from any module. "
        "Use functions of oxidask.array.ufunc instead"
    )
    return uuid.uuid4().hex


def register_scipy() -> None:
    """Register the handlers of SciPy's sparse arrays."""
    import scipy.sparse

    from oxidask.tokenize import normalize_token

    @normalize_token.register((scipy.sparse.dok_matrix, scipy.sparse.dok_array))  # type: ignore[untyped-decorator]
    def normalize_dok(x: Any) -> Any:
        return type(x).__name__, str(x.dtype), x.shape, dict(x.items())


def register_numba() -> None:
    """Register the handlers of Numba's compiled functions, by the Python they came from."""
    import numba
    from numba.core import registry

    from oxidask.tokenize import normalize_token

    def signatures(func: Any) -> list[str]:
        return sorted(map(str, getattr(func, "signatures", getattr(func, "types", ()))))

    @normalize_token.register(registry.CPUDispatcher)  # type: ignore[untyped-decorator]
    def normalize_dispatcher(func: Any) -> Any:
        return "numba", (func.py_func, func.targetoptions, signatures(func))

    @normalize_token.register(numba.np.ufunc.dufunc.DUFunc)  # type: ignore[untyped-decorator]
    def normalize_dufunc(func: Any) -> Any:
        return "numba", (func._dispatcher.py_func, func.targetoptions, signatures(func))

    @normalize_token.register(numba.np.ufunc.gufunc.GUFunc)  # type: ignore[untyped-decorator]
    def normalize_gufunc(func: Any) -> Any:
        builder = func.gufunc_builder
        return "numba", (builder.py_func, builder.signature, signatures(func))
