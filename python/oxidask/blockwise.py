"""Names and indices of tasks that run for every block.

Layers of blocks are native here, and fused natively: this module has what code that describes
such tasks in Python needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["blockwise_token", "index_subs"]

_BLOCKWISE_DEFAULT_PREFIX = "__dask_blockwise__"


def blockwise_token(i: int, prefix: str = _BLOCKWISE_DEFAULT_PREFIX) -> str:
    """Return the name that stands for the argument number `i` of a task.

    Examples
    --------
    >>> blockwise_token(2)
    '__dask_blockwise__2'
    """
    return f"{prefix}{i}"


def index_subs(ind: Iterable[Any] | None, substitution: Mapping[Any, Any]) -> Any:
    """Return an index with some letters replaced by others, all at once; None stays None.

    Parameters
    ----------
    ind
        Letters, one for each axis.
    substitution
        Letters and what replaces them; others stay.

    Examples
    --------
    >>> index_subs("ij", {"i": "j", "j": "i"})
    ('j', 'i')
    """
    return None if ind is None else tuple(substitution.get(letter, letter) for letter in ind)


def _unique_dep(dep: str, ind: Any) -> str:
    """Return a name for the block of an input that a task reads by an index."""
    return f"{dep}_" + "_".join(map(str, ind))
