"""The operators of arrays."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = ["Operators"]


def defers(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method such that it leaves the operation to types that know arrays of ours."""

    @wraps(method)
    def deferring(self: Any, other: Any) -> Any:
        from oxidask.array._protocols import should_delegate

        if should_delegate(self, other):
            return NotImplemented
        return method(self, other)

    return deferring


def _apply(op: Callable[..., Any], *args: Any) -> Any:
    from oxidask.array.core import elemwise

    return elemwise(op, *args)


class Operators:
    """Operators by NumPy's rules: Python numbers take the array's dtype where their kind allows.

    ``x += y`` is ``x = x + y``: arrays are not changed in place.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __abs__(self) -> Any:
        return _apply(operator.abs, self)

    def __invert__(self) -> Any:
        return _apply(operator.invert, self)

    def __neg__(self) -> Any:
        return _apply(operator.neg, self)

    def __pos__(self) -> Any:
        return _apply(operator.pos, self)

    @defers
    def __add__(self, other: Any) -> Any:
        return _apply(operator.add, self, other)

    @defers
    def __radd__(self, other: Any) -> Any:
        return _apply(operator.add, other, self)

    @defers
    def __sub__(self, other: Any) -> Any:
        return _apply(operator.sub, self, other)

    @defers
    def __rsub__(self, other: Any) -> Any:
        return _apply(operator.sub, other, self)

    @defers
    def __mul__(self, other: Any) -> Any:
        return _apply(operator.mul, self, other)

    @defers
    def __rmul__(self, other: Any) -> Any:
        return _apply(operator.mul, other, self)

    @defers
    def __truediv__(self, other: Any) -> Any:
        return _apply(operator.truediv, self, other)

    @defers
    def __rtruediv__(self, other: Any) -> Any:
        return _apply(operator.truediv, other, self)

    @defers
    def __floordiv__(self, other: Any) -> Any:
        return _apply(operator.floordiv, self, other)

    @defers
    def __rfloordiv__(self, other: Any) -> Any:
        return _apply(operator.floordiv, other, self)

    @defers
    def __mod__(self, other: Any) -> Any:
        return _apply(operator.mod, self, other)

    @defers
    def __rmod__(self, other: Any) -> Any:
        return _apply(operator.mod, other, self)

    @defers
    def __pow__(self, other: Any) -> Any:
        return _apply(operator.pow, self, other)

    @defers
    def __rpow__(self, other: Any) -> Any:
        return _apply(operator.pow, other, self)

    @defers
    def __and__(self, other: Any) -> Any:
        return _apply(operator.and_, self, other)

    @defers
    def __rand__(self, other: Any) -> Any:
        return _apply(operator.and_, other, self)

    @defers
    def __or__(self, other: Any) -> Any:
        return _apply(operator.or_, self, other)

    @defers
    def __ror__(self, other: Any) -> Any:
        return _apply(operator.or_, other, self)

    @defers
    def __xor__(self, other: Any) -> Any:
        return _apply(operator.xor, self, other)

    @defers
    def __rxor__(self, other: Any) -> Any:
        return _apply(operator.xor, other, self)

    @defers
    def __lshift__(self, other: Any) -> Any:
        return _apply(operator.lshift, self, other)

    @defers
    def __rlshift__(self, other: Any) -> Any:
        return _apply(operator.lshift, other, self)

    @defers
    def __rshift__(self, other: Any) -> Any:
        return _apply(operator.rshift, self, other)

    @defers
    def __rrshift__(self, other: Any) -> Any:
        return _apply(operator.rshift, other, self)

    @defers
    def __lt__(self, other: Any) -> Any:
        return _apply(operator.lt, self, other)

    @defers
    def __le__(self, other: Any) -> Any:
        return _apply(operator.le, self, other)

    @defers
    def __gt__(self, other: Any) -> Any:
        return _apply(operator.gt, self, other)

    @defers
    def __ge__(self, other: Any) -> Any:
        return _apply(operator.ge, self, other)

    @defers
    def __eq__(self, other: Any) -> Any:
        return _apply(operator.eq, self, other)

    @defers
    def __ne__(self, other: Any) -> Any:
        return _apply(operator.ne, self, other)

    @defers
    def __divmod__(self, other: Any) -> Any:
        from oxidask.array.ufunc import divmod

        return divmod(self, other)

    @defers
    def __rdivmod__(self, other: Any) -> Any:
        from oxidask.array.ufunc import divmod

        return divmod(other, self)

    @defers
    def __matmul__(self, other: Any) -> Any:
        from oxidask.array.routines import matmul

        if not hasattr(other, "ndim"):
            import numpy as np

            other = np.asarray(other)
        return matmul(self, other)

    @defers
    def __rmatmul__(self, other: Any) -> Any:
        from oxidask.array.routines import matmul

        if not hasattr(other, "ndim"):
            import numpy as np

            other = np.asarray(other)
        return matmul(other, self)
