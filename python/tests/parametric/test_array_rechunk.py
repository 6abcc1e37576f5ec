"""Rechunking and reshaping keep the elements, whatever the chunks."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import oxidask.array as da
from hypothesis import given, settings


@st.composite
def cuts(draw: st.DrawFn, n: int) -> tuple[int, ...]:
    """Return blocks that make up `n`, empty ones among them."""
    at = sorted(draw(st.lists(st.integers(0, n), max_size=4)))
    return tuple(int(m) for m in np.diff([0, *at, n]))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_rechunk_keeps_the_elements(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 9), max_size=3).map(tuple))
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    old = tuple(data.draw(cuts(n)) for n in shape)
    new = tuple(data.draw(cuts(n)) for n in shape)
    result = da.asarray(x).rechunk(old).rechunk(new)
    assert result.chunks == new
    np.testing.assert_array_equal(result.compute(scheduler="sync"), x)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_reshape_is_numpys(data: st.DataObject) -> None:
    factors = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    rng = data.draw(st.randoms(use_true_random=False))

    def grouped() -> tuple[int, ...]:
        ends = sorted(rng.randint(0, len(factors)) for _ in range(rng.randint(0, 3)))
        parts = zip([0, *ends], [*ends, len(factors)], strict=True)
        return tuple(int(np.prod(factors[a:b], dtype=int)) for a, b in parts)

    shape, target = grouped(), grouped()
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    chunks: Any = tuple(rng.randint(1, n) for n in shape)
    d = da.asarray(x).rechunk(chunks)
    merge = data.draw(st.booleans())
    result = d.reshape(target, merge_chunks=merge)
    assert result.shape == target
    np.testing.assert_array_equal(result.compute(scheduler="sync"), x.reshape(target))
