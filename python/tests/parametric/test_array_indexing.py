"""Indexing of arrays in any chunks gives what NumPy gives."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import oxidask.array as da
import pytest
from hypothesis import given, settings


@st.composite
def chunked(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Return an array of consecutive numbers, plain and lazy."""
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    chunks = tuple(draw(st.integers(1, max(n, 1))) for n in shape)
    return x, da.asarray(x).rechunk(chunks)


def bounds(n: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(-n - 2, n + 2)


def slices(n: int) -> st.SearchStrategy[slice]:
    steps = st.none() | st.integers(-3, 3).filter(bool)
    return st.builds(slice, bounds(n), bounds(n), steps)


def arrays_of(n: int) -> st.SearchStrategy[Any]:
    positions = st.lists(st.integers(-n, n - 1), min_size=3, max_size=3) if n else st.just([])
    masks = st.lists(st.booleans(), min_size=n, max_size=n).map(lambda m: np.array(m, dtype=bool))
    return positions | masks


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return an index with at most one mask, since masks of other counts don't broadcast."""
    parts: list[Any] = []
    n_arrays = draw(st.integers(0, 2))
    for n in shape[: draw(st.integers(0, len(shape)))]:
        if n_arrays and draw(st.booleans()):
            n_arrays -= 1
            parts.append(draw(arrays_of(n)))
        elif n and draw(st.booleans()):
            parts.append(draw(st.integers(-n, n - 1)))
        else:
            parts.append(draw(slices(n)))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    if draw(st.booleans()):
        parts.append(Ellipsis)
    return tuple(parts)


shapes = st.lists(st.integers(0, 7), min_size=1, max_size=3).map(tuple)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_getitem_is_numpys(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    x, d = data.draw(chunked(shape))
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
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple))
    x, d = data.draw(chunked(shape))
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
    shape = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=3).map(tuple))
    x, d = data.draw(chunked(shape))
    mask = x % data.draw(st.integers(1, 4)) == 0
    lazy = da.asarray(mask).rechunk(2)
    np.testing.assert_array_equal(d[lazy].compute(scheduler="sync"), x[mask])
    np.testing.assert_array_equal(d[mask].compute(scheduler="sync"), x[mask])
