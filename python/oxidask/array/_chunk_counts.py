"""A warning of operations that cut arrays into many more blocks than they had."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

__all__ = ["PerformanceWarning", "warn_of_more_blocks"]

_MANY = 10


class PerformanceWarning(Warning):
    """What was asked for can be computed, but not well."""


def warn_of_more_blocks(before: Sequence[Any], after: Sequence[Any], stacklevel: int = 4) -> None:
    """Warn if an operation makes many more blocks of arrays than there were.

    Parameters
    ----------
    before
        The arrays.
    after
        The arrays as the operation cuts them, or its result.
    stacklevel
        How many calls up the warning points.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones((4, 4), chunks=2)
    >>> warn_of_more_blocks([x], [x + 1])
    """
    if not before or not after:
        return
    factor = max(x.npartitions for x in after) // max(1, *(x.npartitions for x in before))
    if factor >= _MANY:
        warnings.warn(
            f"Increasing number of chunks by factor of {factor}: rechunk the arrays to chunks "
            "that fit each other first",
            PerformanceWarning,
            stacklevel=stacklevel,
        )
