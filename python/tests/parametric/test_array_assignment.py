"""Assignment to parts of arrays in any chunks does what NumPy does."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import oxidask.array as da
from array_strategies import arrays_of, counted, shapes, slices
from hypothesis import given, settings


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_setitem_is_numpys(data: st.DataObject) -> None:
    shape = data.draw(shapes(1, 3, 1))
    x, d = data.draw(counted(shape))
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
