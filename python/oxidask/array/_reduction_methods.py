"""The reductions of arrays as methods."""

from __future__ import annotations

from typing import Any

__all__ = ["ReductionMethods"]


class ReductionMethods:
    """Methods of arrays that reduce them: see the functions of the same names."""

    def sum(
        self,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        split_every: Any = None,
        out: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return the sum; see :func:`oxidask.array.sum`."""
        from oxidask.array.reductions import sum

        return sum(self, axis, dtype, keepdims, split_every, out, **kwargs)

    def prod(
        self,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        split_every: Any = None,
        out: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return the product; see :func:`oxidask.array.prod`."""
        from oxidask.array.reductions import prod

        return prod(self, axis, dtype, keepdims, split_every, out, **kwargs)

    def min(
        self,
        axis: Any = None,
        keepdims: bool = False,
        split_every: Any = None,
        out: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return the least element; see :func:`oxidask.array.min`."""
        from oxidask.array.reductions import min

        return min(self, axis, keepdims, split_every, out, **kwargs)

    def max(
        self,
        axis: Any = None,
        keepdims: bool = False,
        split_every: Any = None,
        out: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return the greatest element; see :func:`oxidask.array.max`."""
        from oxidask.array.reductions import max

        return max(self, axis, keepdims, split_every, out, **kwargs)

    def any(
        self,
        axis: Any = None,
        keepdims: bool = False,
        split_every: Any = None,
        out: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Tell whether an element is true; see :func:`oxidask.array.any`."""
        from oxidask.array.reductions import any

        return any(self, axis, keepdims, split_every, out, **kwargs)

    def all(
        self,
        axis: Any = None,
        keepdims: bool = False,
        split_every: Any = None,
        out: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Tell whether all elements are true; see :func:`oxidask.array.all`."""
        from oxidask.array.reductions import all

        return all(self, axis, keepdims, split_every, out, **kwargs)

    def mean(
        self,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        split_every: Any = None,
        out: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return the mean; see :func:`oxidask.array.mean`."""
        from oxidask.array.reductions import mean

        return mean(self, axis, dtype, keepdims, split_every, out, **kwargs)

    def std(
        self,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        ddof: float = 0,
        split_every: Any = None,
        out: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return the standard deviation; see :func:`oxidask.array.std`."""
        from oxidask.array.reductions import std

        return std(self, axis, dtype, keepdims, ddof, split_every, out, **kwargs)

    def var(
        self,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        ddof: float = 0,
        split_every: Any = None,
        out: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return the variance; see :func:`oxidask.array.var`."""
        from oxidask.array.reductions import var

        return var(self, axis, dtype, keepdims, ddof, split_every, out, **kwargs)

    def moment(
        self,
        order: int,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        ddof: float = 0,
        split_every: Any = None,
        out: Any = None,
    ) -> Any:
        """Return a central moment; see :func:`oxidask.array.reductions.moment`."""
        from oxidask.array.reductions import moment

        return moment(self, order, axis, dtype, keepdims, ddof, split_every, out)

    def argmin(
        self,
        axis: int | None = None,
        *,
        keepdims: bool = False,
        split_every: Any = None,
        out: Any = None,
    ) -> Any:
        """Return where the least element is; see :func:`oxidask.array.argmin`."""
        from oxidask.array.reductions import argmin

        return argmin(self, axis, keepdims, split_every, out)

    def argmax(
        self,
        axis: int | None = None,
        *,
        keepdims: bool = False,
        split_every: Any = None,
        out: Any = None,
    ) -> Any:
        """Return where the greatest element is; see :func:`oxidask.array.argmax`."""
        from oxidask.array.reductions import argmax

        return argmax(self, axis, keepdims, split_every, out)

    def cumsum(
        self, axis: Any, dtype: Any = None, out: Any = None, *, method: str = "sequential"
    ) -> Any:
        """Return the running sum; see :func:`oxidask.array.cumsum`."""
        from oxidask.array.cumulative import cumsum

        return cumsum(self, axis, dtype, out, method)

    def cumprod(
        self, axis: Any, dtype: Any = None, out: Any = None, *, method: str = "sequential"
    ) -> Any:
        """Return the running product; see :func:`oxidask.array.cumprod`."""
        from oxidask.array.cumulative import cumprod

        return cumprod(self, axis, dtype, out, method)

    def topk(self, k: int, axis: int = -1, split_every: Any = None) -> Any:
        """Return the largest elements; see :func:`oxidask.array.topk`."""
        from oxidask.array.sorting import topk

        return topk(self, k, axis, split_every)

    def argtopk(self, k: int, axis: int = -1, split_every: Any = None) -> Any:
        """Return where the largest elements are; see :func:`oxidask.array.argtopk`."""
        from oxidask.array.sorting import argtopk

        return argtopk(self, k, axis, split_every)
