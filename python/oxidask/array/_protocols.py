"""How arrays take part in NumPy's functions: its protocols, and Python's for numbers."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from oxidask.array.chunk_types import is_valid_array_chunk, is_valid_chunk_type

__all__ = ["Protocols", "should_delegate"]

_SCALARS = (str, bytes, int, float, complex, np.generic, type(None))


def _is_handled(x: Any) -> bool:
    from oxidask.array.core import Array

    return (
        isinstance(x, (Array, *_SCALARS, np.dtype, list, tuple))
        or is_valid_array_chunk(x)
        or not hasattr(x, "__array_ufunc__")
    )


def should_delegate(self: Any, other: Any) -> bool:
    """Whether an operation of ours is to be left to `other`.

    A type that may hold arrays of ours.
    """
    from oxidask.array.core import Array

    if isinstance(other, _SCALARS) or type(other) in (np.ndarray, list, tuple):
        return False
    if isinstance(other, Array):
        return False
    if hasattr(other, "__array_ufunc__") and other.__array_ufunc__ is None:
        return True
    if not hasattr(other, "__array_ufunc__"):
        # The protocol before ufuncs': what says that it goes before us does.
        return bool(getattr(other, "__array_priority__", 0) > self.__array_priority__)
    return bool(
        hasattr(other, "__array_ufunc__")
        and not is_valid_array_chunk(other)
        # A subclass of ours without its own protocol is one of us.
        and type(other).__array_ufunc__ is not type(self).__array_ufunc__
    )


# Other names of functions.
_ALIASES = {"amax": "max", "amin": "min"}


def _function_of(name_of: Callable[..., Any]) -> Any:
    """Return the function of ours that has the name and module of one of NumPy's, or None."""
    import oxidask.array as ours

    module: Any = ours
    path = (name_of.__module__ or "").split(".")[1:]
    for part in path:
        if part.startswith("_") or part in ("core", "lib"):
            continue
        module = getattr(module, part, None)
        if module is None:
            return None
    name = name_of.__name__
    return getattr(module, _ALIASES.get(name, name), None)


class Protocols:
    """NumPy's protocols."""

    __slots__ = ()

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None, **kwargs: Any) -> Any:
        if kwargs:
            warnings.warn(
                f"Keywords of __array__ other than dtype and copy are ignored: {sorted(kwargs)}; "
                "leave them out",
                FutureWarning,
                stacklevel=3,
            )
        if copy is False:
            warnings.warn(
                "Can't acquire a memory view of a Dask array. This will raise in the future.",
                FutureWarning,
                stacklevel=3,
            )
        x = self.compute()
        # Blocks of other libraries may need to be asked for their elements twice.
        x = np.asarray(x) if dtype is None else np.asarray(x, dtype=dtype)
        return x.copy() if copy and not x.flags.owndata else x

    def __array_function__(
        self: Any, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        from oxidask.array._array_function import registered
        from oxidask.array.core import Array

        ours = registered(func) or _function_of(func)
        known = all(
            issubclass(type_, (Array, np.ndarray)) or is_valid_chunk_type(type_) for type_ in types
        )
        if ours is None or ours is func:
            if not known:
                return NotImplemented
            return _computed_function(func, args, kwargs)
        if not known:
            return NotImplemented
        return ours(*args, **kwargs)

    def __array_ufunc__(
        self: Any, numpy_ufunc: Any, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        out = kwargs.get("out", ())
        for x in (*inputs, *out):
            if _is_handled(x) or type(x).__array_ufunc__ is type(self).__array_ufunc__:
                continue
            if should_delegate(self, x):
                return NotImplemented
        if method == "__call__":
            return _called_ufunc(numpy_ufunc, inputs, kwargs)
        if method == "outer":
            from oxidask.array import ufunc as module

            ours = getattr(module, numpy_ufunc.__name__, None)
            if not isinstance(ours, module.ufunc):
                return NotImplemented
            return ours.outer(*inputs, **kwargs)
        return NotImplemented

    # One element as a number.

    def _scalar(self: Any, cast: Callable[[Any], Any]) -> Any:
        if self.size > 1:
            raise TypeError("Only length-1 arrays can be converted to Python scalars")
        value = self.compute()
        return cast(value.item() if cast is not operator.index and value.ndim else value)

    def __bool__(self: Any) -> bool:
        if self.size > 1:
            raise ValueError(
                f"The truth value of a {self.__class__.__name__} is ambiguous. "
                "Use a.any() or a.all()."
            )
        return bool(self.compute())

    def __int__(self: Any) -> int:
        return self._scalar(int)  # type: ignore[no-any-return]

    def __float__(self: Any) -> float:
        return self._scalar(float)  # type: ignore[no-any-return]

    def __complex__(self: Any) -> complex:
        return self._scalar(complex)  # type: ignore[no-any-return]

    def __index__(self: Any) -> int:
        return self._scalar(operator.index)  # type: ignore[no-any-return]

    def __iter__(self: Any) -> Iterator[Any]:
        for i in range(len(self)):
            yield self[i]

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        import oxidask.array as namespace

        return namespace

    @property
    def device(self) -> str:
        """Where the elements lie: the host."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: Any = None) -> Any:
        """Return the array on a device: ``"cpu"`` is all there is."""
        if device != "cpu":
            raise ValueError(f"device {device!r}: arrays are computed on 'cpu'")
        return self

    def __dlpack__(self: Any, **kwargs: Any) -> Any:
        return np.asarray(self.compute()).__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def _called_ufunc(numpy_ufunc: Any, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """Return what a ufunc of NumPy's gives for lazy arrays."""
    from oxidask.array import ufunc as module
    from oxidask.array.core import elemwise

    if numpy_ufunc.signature is not None:
        if numpy_ufunc is np.matmul:
            from oxidask.array.routines import matmul

            return matmul(*inputs, **kwargs)
        from oxidask.array.gufunc import apply_gufunc

        return apply_gufunc(numpy_ufunc, numpy_ufunc.signature, *inputs, **kwargs)
    if numpy_ufunc.nout > 1:
        ours = getattr(module, numpy_ufunc.__name__, None)
        return NotImplemented if ours is None else ours(*inputs, **kwargs)
    return elemwise(numpy_ufunc, *inputs, **kwargs)


def _computed_function(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Compute lazy arguments and call NumPy's function, with a warning."""
    warnings.warn(
        f"The `{func.__module__}.{func.__name__}` function is not implemented by Dask array. "
        "You may want to use the da.map_blocks function or something similar to silence this "
        "warning. Your code may stop working in a future release.",
        FutureWarning,
        stacklevel=3,
    )
    from oxidask.base import compute

    args, kwargs = compute(args, kwargs)
    return func(*args, **kwargs)
