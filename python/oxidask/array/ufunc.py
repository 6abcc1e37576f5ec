"""NumPy's elementwise functions for lazy arrays."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._infer import apply_infer_dtype
from oxidask.array.core import asarray, elemwise, native_operand, new_array
from oxidask.base import is_dask_collection
from oxidask.tokenize import tokenize
from oxidask.utils import derived_from, funcname

_BINARY = [
    "add",
    "arctan2",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "copysign",
    "divide",
    "equal",
    "float_power",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "greater",
    "greater_equal",
    "hypot",
    "ldexp",
    "left_shift",
    "less",
    "less_equal",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "nextafter",
    "not_equal",
    "power",
    "remainder",
    "right_shift",
    "subtract",
    "true_divide",
]
_UNARY = [
    "abs",
    "absolute",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "bitwise_not",
    "cbrt",
    "ceil",
    "conj",
    "conjugate",
    "cos",
    "cosh",
    "deg2rad",
    "degrees",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_not",
    "negative",
    "positive",
    "rad2deg",
    "radians",
    "reciprocal",
    "rint",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "spacing",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
]

__all__ = [  # noqa: PLE0604
    *_BINARY,
    *_UNARY,
    "angle",
    "clip",
    "da_frompyfunc",
    "divmod",
    "fix",
    "frexp",
    "frompyfunc",
    "i0",
    "imag",
    "iscomplex",
    "isneginf",
    "isposinf",
    "isreal",
    "modf",
    "nan_to_num",
    "real",
    "sinc",
    "ufunc",
    "wrap_elemwise",
]


def wrap_elemwise(numpy_ufunc: Callable[..., Any], source: Any = np) -> Callable[..., Any]:
    """Return the function that does lazily what one of NumPy's does element by element.

    Parameters
    ----------
    numpy_ufunc
        A function of arrays.
    source
        The module that it is documented in.

    Examples
    --------
    >>> import oxidask.array as da
    >>> wrap_elemwise(np.sinc)(da.zeros(2, chunks=1)).compute()
    array([1., 1.])
    """

    @wraps(numpy_ufunc)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if hasattr(arg, "_elemwise"):
                return arg._elemwise(numpy_ufunc, *args, **kwargs)
        return numpy_ufunc(*args, **kwargs)

    return derived_from(source)(wrapped)


class da_frompyfunc:
    """A ufunc of a Python function, with a name that depends on the function alone.

    Parameters
    ----------
    func
        A function of scalars.
    nin, nout
        How many arguments and results it has.

    Examples
    --------
    >>> da_frompyfunc(lambda x: x + 1, 1, 1)(np.arange(2))
    array([1, 2], dtype=object)
    """

    def __init__(self, func: Callable[..., Any], nin: int, nout: int) -> None:
        self._ufunc = np.frompyfunc(func, nin, nout)
        self._func = func
        self.nin = nin
        self.nout = nout
        self._name = funcname(func)
        self.__name__ = f"frompyfunc-{self._name}"

    def __repr__(self) -> str:
        return f"da.frompyfunc<{self._name}, {self.nin}, {self.nout}>"

    def __dask_tokenize__(self) -> Any:
        return "frompyfunc", self._func, self.nin, self.nout

    def __reduce__(self) -> Any:
        return da_frompyfunc, (self._func, self.nin, self.nout)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the function."""
        return self._ufunc(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_ufunc":
            raise AttributeError(name)
        return getattr(self._ufunc, name)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *dir(self._ufunc)})


@derived_from(np)
def frompyfunc(func: Callable[..., Any], nin: int, nout: int) -> Any:
    """Make a ufunc of a Python function."""
    if nout > 1:
        raise NotImplementedError("frompyfunc with more than one output: use da.apply_gufunc")
    return ufunc(da_frompyfunc(func, nin, nout))


class _Outer:
    """The outer version of a ufunc."""

    def __init__(self, function: Any, keywords: dict[str, Any]) -> None:
        self.function = function
        self.keywords = keywords
        self.__name__ = f"{function.__name__}.outer"

    def __call__(self, *args: Any) -> Any:
        return self.function.outer(*args, **self.keywords)

    def __dask_tokenize__(self) -> Any:
        return "outer", self.function, self.keywords


class ufunc:
    """An elementwise function of NumPy's that takes lazy arrays.

    Parameters
    ----------
    ufunc
        NumPy's function.

    Examples
    --------
    >>> import oxidask.array as da
    >>> ufunc(np.negative)(da.ones(2, chunks=1)).compute()
    array([-1., -1.])
    """

    _forward_attrs = frozenset({"identity", "nargs", "nin", "nout", "ntypes", "signature", "types"})

    def __init__(self, ufunc: Any) -> None:
        if not isinstance(ufunc, (np.ufunc, da_frompyfunc)):
            raise TypeError(
                f"must be an instance of `ufunc` or `da_frompyfunc`, got `{type(ufunc).__name__}`"
            )
        self._ufunc = ufunc
        self.__name__ = ufunc.__name__
        if isinstance(ufunc, np.ufunc):
            derived_from(np)(self)

    def __dask_tokenize__(self) -> Any:
        return self.__name__, self._ufunc

    def __getattr__(self, key: str) -> Any:
        if key in ufunc._forward_attrs:
            return getattr(self._ufunc, key)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}")

    def __dir__(self) -> list[str]:
        return sorted({*ufunc._forward_attrs, *object.__dir__(self)})

    def __repr__(self) -> str:
        return repr(self._ufunc)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the function."""
        for arg in (*args, kwargs.get("where")):
            if hasattr(arg, "_elemwise"):
                result = arg._elemwise(self._ufunc, *args, **kwargs)
                if result is not NotImplemented:
                    return result
        return self._ufunc(*args, **kwargs)

    def outer(self, A: Any, B: Any, **kwargs: Any) -> Any:
        """Return the function of all pairs of elements of two arrays.

        Parameters
        ----------
        A, B
            Arrays.
        **kwargs
            Keywords for NumPy's ``outer``, such as ``dtype``.

        Examples
        --------
        >>> import oxidask.array as da
        >>> da.multiply.outer(da.arange(2, chunks=1), da.arange(3, chunks=2)).compute()
        array([[0, 0, 0],
               [0, 1, 2]])
        """
        from oxidask.array.blockwise import blockwise

        if self.nin != 2:
            raise ValueError("outer product only supported for binary functions")
        if "out" in kwargs:
            raise ValueError("`out` kwarg not supported")
        lazy = [is_dask_collection(A), is_dask_collection(B)]
        if not builtins.any(lazy):
            return self._ufunc.outer(A, B, **kwargs)
        first, second = asarray(A), asarray(B)
        ndim = first.ndim + second.ndim
        out = tuple(range(ndim))
        dtype = kwargs.get("dtype")
        if dtype is None:
            dtype = apply_infer_dtype(
                self._ufunc.outer, [first, second], kwargs, "ufunc.outer", suggest_dtype=False
            )
        function = _Outer(self._ufunc, kwargs)
        token = tokenize(self._ufunc, first.name, second.name, kwargs)
        return blockwise(
            function,
            out,
            first,
            out[: first.ndim],
            second,
            out[first.ndim :],
            dtype=dtype,
            name=f"{self.__name__}.outer-{token}",
        )


for _name in (*_BINARY, *_UNARY):
    globals()[_name] = ufunc(getattr(np, _name))
del _name

isreal = wrap_elemwise(np.isreal)
iscomplex = wrap_elemwise(np.iscomplex)
real = wrap_elemwise(np.real)
imag = wrap_elemwise(np.imag)
fix = wrap_elemwise(np.fix)
i0 = wrap_elemwise(np.i0)
sinc = wrap_elemwise(np.sinc)
nan_to_num = wrap_elemwise(np.nan_to_num)


@derived_from(np)
def clip(*args: Any, **kwargs: Any) -> Any:
    """Bring elements between two bounds."""
    x, *bounds = args
    names = ["min", "max"] if "min" in kwargs or "max" in kwargs else ["a_min", "a_max"]
    low = bounds[0] if bounds else kwargs.pop(names[0], None)
    high = bounds[1] if len(bounds) > 1 else kwargs.pop(names[1], None)
    if not builtins.any(is_dask_collection(arg) for arg in (x, low, high)):
        return np.clip(x, low, high, **kwargs)
    if is_dask_collection(x) and hasattr(x, "map_partitions"):
        return x.clip(low, high, **kwargs)
    if getattr(getattr(x, "dtype", None), "kind", "") in "iu":
        # A Python number beyond what the dtype holds is no bound.
        info = np.iinfo(x.dtype)
        low = None if type(low) is int and low < info.min else low
        high = None if type(high) is int and high > info.max else high
    if low is None and high is None:
        return elemwise(np.positive, x, **kwargs)
    if low is None:
        return elemwise(np.minimum, x, high, **kwargs)
    if high is None:
        return elemwise(np.maximum, x, low, **kwargs)
    return elemwise(np.clip, x, low, high, **kwargs)


@derived_from(np)
def angle(x: Any, deg: Any = 0) -> Any:
    """Return the angle of complex numbers."""
    deg = bool(deg)
    if not is_dask_collection(x):
        return np.angle(x, deg)
    return elemwise(np.angle, x, deg) if deg else elemwise(np.angle, x)


@derived_from(np)
def isposinf(x: Any, out: Any = None) -> Any:
    """Whether elements are positive infinity."""
    if not is_dask_collection(x):
        return np.isposinf(x)
    return elemwise(np.equal, x, np.inf, **({} if out is None else {"out": out}))


@derived_from(np)
def isneginf(x: Any, out: Any = None) -> Any:
    """Whether elements are negative infinity."""
    if not is_dask_collection(x):
        return np.isneginf(x)
    return elemwise(np.equal, x, -np.inf, **({} if out is None else {"out": out}))


class _Part:
    """One of the results of a function that gives several."""

    def __init__(self, function: Callable[..., Any], part: int) -> None:
        self.function = function
        self.part = part
        self.__name__ = funcname(function)

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)[self.part]

    def __dask_tokenize__(self) -> Any:
        return "part", self.function, self.part


def _parts(function: Any, *args: Any) -> tuple[Any, Any]:
    """Return the two results of a ufunc."""
    if not builtins.any(is_dask_collection(arg) for arg in args):
        args = (asarray(args[0]), *args[1:])
    try:
        operands = [native_operand(arg) for arg in args]
        first, second = (
            new_array(_native.array_ufunc(function.__name__, operands, output)) for output in (0, 1)
        )
    except _native.NoKernel:
        return elemwise(_Part(function, 0), *args), elemwise(_Part(function, 1), *args)
    return first, second


@derived_from(np)
def frexp(x: Any) -> Any:
    """Split numbers in mantissa and exponent."""
    return _parts(np.frexp, x)


@derived_from(np)
def modf(x: Any) -> Any:
    """Split numbers in fractional and whole part."""
    return _parts(np.modf, x)


@derived_from(np)
def divmod(x: Any, y: Any) -> Any:
    """Return quotient and remainder."""
    return _parts(np.divmod, x, y)
