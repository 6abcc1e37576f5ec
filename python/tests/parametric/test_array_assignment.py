"""Assignment to parts of arrays in any chunks does what NumPy does."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import oxidask.array as da
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


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_setitem_is_numpys(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple))
    x, d = data.draw(chunked(shape))
    index: list[Any] = []
    may_gather = data.draw(st.booleans())
    for n in shape:
        if may_gather and data.draw(st.booleans()):
            may_gather = False
            index.append(data.draw(arrays_of(n)))
        elif data.draw(st.booleans()):
            index.append(data.draw(st.integers(-n, n - 1)))
        else:
            index.append(data.draw(slices(n)))
    # Where an integer and an array have a slice between them NumPy moves axes: use slices there.
    if any(isinstance(part, (list, np.ndarray)) for part in index):
        index = [slice(i, i + 1 or None) if isinstance(i, int) else i for i in index]
    key = tuple(index)
    target = x[key]
    value = -np.arange(1, target.size + 1).reshape(target.shape)
    if target.ndim and data.draw(st.booleans()):
        value = value[..., :1] if target.size else value
    x[key] = value
    d[key] = da.asarray(value) if data.draw(st.booleans()) else value
    np.testing.assert_array_equal(d.compute(scheduler="sync"), x)
