"""Which types blocks may have."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["is_valid_array_chunk", "is_valid_chunk_type", "register_chunk_type"]

_KNOWN: set[type] = {np.ndarray, np.ma.MaskedArray}
_LIBRARIES = {
    ("cupy", "ndarray"),
    ("cupyx.scipy.sparse", "spmatrix"),
    ("sparse", "SparseArray"),
    ("scipy.sparse", "spmatrix"),
    ("scipy.sparse", "sparray"),
}


def register_chunk_type(type: type) -> None:
    """Let arrays have blocks of a type, which then defers to them in mixed operations.

    Parameters
    ----------
    type
        A class that speaks NumPy's protocols.

    Examples
    --------
    >>> class Blocks(np.lib.mixins.NDArrayOperatorsMixin): ...
    >>> register_chunk_type(Blocks)
    >>> is_valid_chunk_type(Blocks)
    True
    """
    _KNOWN.add(type)


def is_valid_chunk_type(type: Any) -> bool:
    """Whether blocks may be of a type.

    Examples
    --------
    >>> is_valid_chunk_type(np.ndarray), is_valid_chunk_type(dict)
    (True, False)
    """
    try:
        if issubclass(type, tuple(_KNOWN)):
            return True
    except TypeError:
        return False
    # Other libraries' types are told by name: importing them to compare would cost seconds.
    return any(
        base.__name__ == name and base.__module__.startswith(module.split(".")[0])
        for base in type.__mro__
        for module, name in _LIBRARIES
    )


def is_valid_array_chunk(array: Any) -> bool:
    """Whether `array` may be a block: of a type that is known, or None.

    Examples
    --------
    >>> is_valid_array_chunk(np.ones(1))
    True
    """
    return array is None or isinstance(array, tuple(_KNOWN)) or is_valid_chunk_type(type(array))
