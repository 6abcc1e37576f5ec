"""Test-support of dask-ml."""

from __future__ import annotations

import contextlib
import numbers

import numpy as np

from peerkit.standins import array as _array
from peerkit.standins.array import is_lazy_array

FORCED = {"dask_ml.utils": ["assert_estimator_equal", "assert_eq_ar"]}
FALLBACK = {"dask_ml._compat": ["dummy_context"]}
assert_eq_ar = _array.assert_eq
dummy_context = contextlib.nullcontext


def _same(a, b, name, **kwargs):
    if is_lazy_array(a) or is_lazy_array(b):
        _array.assert_eq(a, b, check_type=False, check_dtype=False, **kwargs)
    elif isinstance(a, np.ndarray):
        np.testing.assert_allclose(
            a, b, rtol=kwargs.get("rtol", 1e-5), atol=kwargs.get("atol", 1e-8)
        ) if a.dtype.kind in "fciu" else np.testing.assert_array_equal(a, b)
    elif hasattr(a, "equals"):
        if hasattr(b, "compute"):
            b = b.compute()
        assert a.equals(b), name
    elif isinstance(a, (list, tuple)) and a and isinstance(a[0], np.ndarray):
        assert len(a) == len(b), name
        for i, j in zip(a, b):
            _same(i, j, name, **kwargs)
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), name
        for k in a:
            _same(a[k], b[k], f"{name}[{k!r}]", **kwargs)
    elif isinstance(a, numbers.Real) and not isinstance(a, (int, bool)):
        np.testing.assert_allclose(a, b, rtol=kwargs.get("rtol", 1e-5))
    elif hasattr(a, "get_params"):
        assert_estimator_equal(a, b, **kwargs)
    else:
        assert a == b, name


def assert_estimator_equal(left, right, exclude=None, **kwargs):
    """Two fitted estimators learned the same attributes (those that end in '_')."""
    skip = {exclude} if isinstance(exclude, str) else set(exclude or ())
    learned = [
        {n for n in dir(e) if n.endswith("_") and not n.startswith("_")} - skip
        for e in (left, right)
    ]
    assert learned[0] == learned[1], learned[0] ^ learned[1]
    for n in sorted(learned[0]):
        _same(getattr(left, n), getattr(right, n), n, **kwargs)
