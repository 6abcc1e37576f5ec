"""Names of NumPy that moved between its versions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.exceptions import AxisError, ComplexWarning
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

__all__ = [
    "NUMPY_GE_125",
    "NUMPY_GE_200",
    "NUMPY_GE_210",
    "NUMPY_GE_220",
    "NUMPY_GE_240",
    "AxisError",
    "ComplexWarning",
    "divide",
    "ma_divide",
    "moveaxis",
    "normalize_axis_index",
    "normalize_axis_tuple",
    "rollaxis",
]

_VERSION = tuple(int(part) for part in np.__version__.split(".")[:2])

NUMPY_GE_125 = _VERSION >= (1, 25)
NUMPY_GE_200 = _VERSION >= (2, 0)
NUMPY_GE_210 = _VERSION >= (2, 1)
NUMPY_GE_220 = _VERSION >= (2, 2)
NUMPY_GE_240 = _VERSION >= (2, 4)

moveaxis = np.moveaxis
rollaxis = np.rollaxis
ma_divide = np.ma.divide


def divide(x1: Any, x2: Any, out: Any = None, dtype: Any = None) -> Any:
    """Return the quotient, computed in a dtype.

    Examples
    --------
    >>> divide(np.ones(1, dtype="i4"), 2, dtype="f4")
    array([0.5], dtype=float32)
    """
    quotient = np.divide(x1, x2) if out is None else np.divide(x1, x2, out)
    return quotient if dtype is None else quotient.astype(dtype)
