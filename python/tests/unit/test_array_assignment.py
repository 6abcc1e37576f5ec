"""Assignment to parts of arrays: NumPy's results and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import oxidask.array as da
import pytest


@pytest.fixture
def x() -> Any:
    return np.arange(4 * 5 * 6).reshape(4, 5, 6)


@pytest.fixture
def d(x: Any) -> Any:
    return da.asarray(x).rechunk((2, 2, 4))


def test_assignment_leaves_the_arrays_it_came_from(x: Any, d: Any) -> None:
    before = d[1:]
    d[1, ::2] = -1
    d[:, [0, 4], 1:3] = np.array([[7], [8]])
    expected = x.copy()
    expected[1, ::2] = -1
    expected[:, [0, 4], 1:3] = np.array([[7], [8]])
    np.testing.assert_array_equal(d.compute(), expected)
    np.testing.assert_array_equal(before.compute(), x[1:])


def test_assignment_by_lazy_indices(x: Any, d: Any) -> None:
    d[da.asarray(x % 7 == 0)] = -1
    expected = np.where(x % 7 == 0, -1, x)
    mask = np.array([True, False, True, True, False])
    d[0, da.asarray(mask).rechunk(2)] = np.array([[1], [2], [3]])
    expected[0, mask] = np.array([[1], [2], [3]])
    np.testing.assert_array_equal(d.compute(), expected)


@pytest.mark.parametrize(
    ("index", "value", "error"),
    [
        (([1, 2], [1, 2]), 0, NotImplementedError),
        (True, 0, NotImplementedError),
        ((slice(None), 0), np.zeros(7), ValueError),
        ((0, 0, [0, 1]), np.zeros(3), ValueError),
        ((slice(None),) * 4, 0, IndexError),
        (9, 0, IndexError),
        (0, np.nan, ValueError),
    ],
)
def test_wrong_assignments_are_refused(d: Any, index: Any, value: Any, error: Any) -> None:
    with pytest.raises(error):
        d[index] = value


def test_masked_values_make_masked_arrays() -> None:
    y = da.asarray(np.arange(6)).rechunk(4)
    y[1:5:2] = np.ma.masked
    result = y.compute()
    assert np.ma.getmaskarray(result).tolist() == [False, True, False, True, False, False]
