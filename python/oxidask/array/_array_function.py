"""Functions of NumPy's whose arguments ours take in another form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["implements", "registered"]

_OWN: dict[Any, Callable[..., Any]] = {}


def implements(*numpy_functions: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function the one that stands for some of NumPy's when these get arrays of ours.

    Examples
    --------
    >>> import numpy as np
    >>> @implements(np.shares_memory)
    ... def shares_memory(*args): return False
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for numpy_function in numpy_functions:
            _OWN[numpy_function] = function
        return function

    return register


def registered(numpy_function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the function that was registered for one of NumPy's."""
    return _OWN.get(numpy_function)
