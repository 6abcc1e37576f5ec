"""The reductions of arrays as methods."""

from __future__ import annotations

from typing import Any

__all__ = ["ReductionMethods"]


class ReductionMethods:
    """Methods of arrays that reduce them: see the functions of the same names."""

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False,
            split_every: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """Return the sum; see :func:`oxidask.array.sum`."""
        from oxidask.array.reductions import sum

        return sum(self, axis, dtype, keepdims, split_every, out, **kwargs)

    def prod(self, axis: Any = None, dtype: Any = None, keepdims: bool = False,
             split_every: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """Return the product; see :func:`oxidask.array.prod`."""
        from oxidask.array.reductions import prod

        return prod(self, axis, dtype, keepdims, split_every, out, **kwargs)

    def min(self, axis: Any = None, keepdims: bool = False, split_every: Any = None,
            out: Any = None, **kwargs: Any) -> Any:
        """Return the least element; see :func:`oxidask.array.min`."""
        from oxidask.array.reductions import min

        return min(self, axis, keepdims, split_every, out, **kwargs)

    def max(self, axis: Any = None, keepdims: bool = False, split_every: Any = None,
            out: Any = None, **kwargs: Any) -> Any:
        """Return the greatest element; see :func:`oxidask.array.max`."""
        from oxidask.array.reductions import max

        return max(self, axis, keepdims, split_every, out, **kwargs)

    def any(self, axis: Any = None, keepdims: bool = False, split_every: Any = None,
            out: Any = None, **kwargs: Any) -> Any:
        """Tell whether an element is true; see :func:`oxidask.array.any`."""
        from oxidask.array.reductions import any

        return any(self, axis, keepdims, split_every, out, **kwargs)

    def all(self, axis: Any = None, keepdims: bool = False, split_every: Any = None,
            out: Any = None, **kwargs: Any) -> Any:
        """Tell whether all elements are true; see :func:`oxidask.array.all`."""
        from oxidask.array.reductions import all

        return all(self, axis, keepdims, split_every, out, **kwargs)

    def mean(self, axis: Any = None, dtype: Any = None, keepdims: bool = False,
             split_every: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """Return the mean; see :func:`oxidask.array.mean`."""
        from oxidask.array.reductions import mean

        return mean(self, axis, dtype, keepdims, split_every, out, **kwargs)

    def std(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0,
            split_every: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """Return the standard deviation; see :func:`oxidask.array.std`."""
        from oxidask.array.reductions import std

        return std(self, axis, dtype, keepdims, ddof, split_every, out, **kwargs)

    def var(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0,
            split_every: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """Return the variance; see :func:`oxidask.array.var`."""
        from oxidask.array.reductions import var

        return var(self, axis, dtype, keepdims, ddof, split_every, out, **kwargs)

    def moment(self, order: int, axis: Any = None, dtype: Any = None, keepdims: bool = False,
               ddof: float = 0, split_every: Any = None, out: Any = None) -> Any:
        """Return a central moment; see :func:`oxidask.array.reductions.moment`."""
        from oxidask.array.reductions import moment

        return moment(self, order, axis, dtype, keepdims, ddof, split_every, out)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False, split_every: Any = None,
               out: Any = None) -> Any:
        """Return where the least element is; see :func:`oxidask.array.argmin`."""
        from oxidask.array.reductions import argmin

        return argmin(self, axis, keepdims, split_every, out)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False, split_every: Any = None,
               out: Any = None) -> Any:
        """Return where the greatest element is; see :func:`oxidask.array.argmax`."""
        from oxidask.array.reductions import argmax

        return argmax(self, axis, keepdims, split_every, out)
