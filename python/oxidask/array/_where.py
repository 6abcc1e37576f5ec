"""Reductions of the elements that a mask selects: compositions of others."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask.array.core import Array, asanyarray, elemwise

__all__ = ["reduce_where"]


def reduce_where(
    name: str,
    a: Array,
    axes: tuple[int, ...],
    keepdims: bool,
    split_every: Any,
    dtype: Any,
    ddof: float,
    where: Any,
    initial: Any,
) -> Array:
    """Reduce what `where` selects.

    Elements that don't count are replaced by what has no effect, and counts are those of the mask.
    """
    from oxidask.array import reductions
    from oxidask.array._reduce import NO_VALUE

    where = elemwise(np.logical_and, asanyarray(where), _all_true(a))
    options: dict[str, Any] = {"axis": axes, "keepdims": keepdims, "split_every": split_every}
    start = {} if initial is NO_VALUE else {"initial": initial}
    if name in {"min", "max"} and not start:
        raise ValueError(
            f"reduction operation '{name}imum' does not have an identity, so to use a where mask "
            "one has to specify 'initial'"
        )
    fill: Any = {"sum": 0, "prod": 1, "any": False, "all": True}.get(name, initial)
    if name in {"sum", "prod", "min", "max", "any", "all"}:
        value = elemwise(np.where, where, a, np.asarray(fill, dtype=a.dtype)[()])
        typed = {"dtype": dtype} if name in {"sum", "prod"} else {}
        return getattr(reductions, name)(value, **options, **typed, **start)  # type: ignore[no-any-return]
    zero = np.zeros((), dtype=a.dtype)[()]
    counts = reductions.sum(where, **options)
    total = reductions.sum(elemwise(np.where, where, a, zero), dtype=dtype, **options)
    if name == "mean":
        mean = total / counts
        return mean if dtype is None else mean.astype(dtype)
    kept = {**options, "keepdims": True}
    mean = reductions.sum(elemwise(np.where, where, a, zero), dtype=dtype, **kept) / (
        reductions.sum(where, **kept)
    )
    apart = elemwise(np.absolute, a - mean)
    squares = reductions.sum(
        elemwise(np.where, where, apart * apart, np.zeros((), dtype=apart.dtype)[()]), **options
    )
    divisor = elemwise(np.maximum, counts - ddof, 0)
    variance = squares / divisor
    return elemwise(np.sqrt, variance) if name == "std" else variance


def _all_true(a: Array) -> Array:
    """Return an array of the shape of `a` that is true everywhere."""
    return elemwise(np.logical_or, elemwise(np.equal, a, a), True)  # type: ignore[no-any-return]
