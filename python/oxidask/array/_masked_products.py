"""Products of masked arrays: what is masked counts as zero, and a sum of nothing is masked."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

__all__ = ["masked_einsum", "masked_sum", "masked_tensordot"]


def _product(
    function: Callable[..., Any],
    a: Any,
    b: Any,
    call: Callable[..., tuple[Any, ...]],
    **kwargs: Any,
) -> Any:
    """Return a product with the mask of where no pair of valid elements met."""
    valid = [~np.ma.getmaskarray(x) for x in (a, b)]
    pairs = function(*call(*(v.astype(np.int64) for v in valid)), **kwargs)
    data = function(*call(np.ma.filled(a, 0), np.ma.filled(b, 0)), **kwargs)
    return np.ma.array(data, mask=pairs == 0)


def masked_tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Return what ``np.tensordot`` gives for the valid elements.

    Parameters
    ----------
    a, b
        Arrays, masked or not.
    axes
        As ``np.tensordot`` takes them.

    Examples
    --------
    >>> masked_tensordot(np.ma.masked_equal([1, 2, 3], 2), np.array([1, 1, 1]), axes=1).item()
    4
    """
    return _product(np.tensordot, a, b, lambda x, y: (x, y), axes=axes)


def masked_einsum(a: Any, a_labels: Any, b: Any, b_labels: Any, out: Any) -> Any:
    """Return what ``np.einsum`` gives for the valid elements of two arrays.

    Parameters
    ----------
    a, b
        Arrays, masked or not.
    a_labels, b_labels, out
        A number for each axis.

    Examples
    --------
    >>> x = np.ma.masked_equal([1, 2], 2)
    >>> masked_einsum(x, [0], np.array([3, 4]), [0], [0])
    masked_array(data=[3, --],
                 mask=[False,  True],
           fill_value=999999)
    """
    return _product(np.einsum, a, b, lambda x, y: (x, a_labels, y, b_labels, out))


def masked_sum(parts: Any) -> Any:
    """Return the sum of partial sums, masked where all of them are.

    Parameters
    ----------
    parts
        Arrays of one shape, masked or not.

    Examples
    --------
    >>> masked_sum([np.ma.masked_all(1, dtype=int), np.ma.array([2])]).item()
    2
    """
    parts = list(parts)
    if not any(isinstance(part, np.ma.MaskedArray) for part in parts):
        return reduce(np.add, parts)
    nowhere = reduce(np.logical_and, map(np.ma.getmaskarray, parts))
    return np.ma.array(reduce(np.add, (np.ma.filled(part, 0) for part in parts)), mask=nowhere)
