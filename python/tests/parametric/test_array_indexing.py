"""Indexing of arrays in any chunks gives what NumPy gives."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import oxidask.array as da
import pytest
from array_strategies import arrays_of, counted, indices, shapes
from hypothesis import given, settings


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_getitem_is_numpys(data: st.DataObject) -> None:
    shape = data.draw(shapes(1, 3, 0, 7))
    x, d = data.draw(counted(shape))
    index = data.draw(indices(shape))
    try:
        expected = x[index]
    except IndexError:
        with pytest.raises(IndexError):
            d[index]
        return
    result = d[index]
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result.compute(scheduler="sync"), expected)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_lazy_positions_and_masks_are_numpys(data: st.DataObject) -> None:
    shape = data.draw(shapes(1, 3, 1))
    x, d = data.draw(counted(shape))
    axis = data.draw(st.integers(0, len(shape) - 1))
    by = np.array(data.draw(arrays_of(shape[axis])))
    index: list[Any] = [slice(None)] * len(shape)
    index[axis] = by
    expected = x[tuple(index)]
    index[axis] = da.asarray(by).rechunk(2)
    np.testing.assert_array_equal(d[tuple(index)].compute(scheduler="sync"), expected)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_masks_of_several_axes_keep_numpys_order(data: st.DataObject) -> None:
    shape = data.draw(shapes(2, 3, 1, 5))
    x, d = data.draw(counted(shape))
    mask = x % data.draw(st.integers(1, 4)) == 0
    lazy = da.asarray(mask).rechunk(2)
    np.testing.assert_array_equal(d[lazy].compute(scheduler="sync"), x[mask])
    np.testing.assert_array_equal(d[mask].compute(scheduler="sync"), x[mask])
