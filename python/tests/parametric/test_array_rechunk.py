"""Rechunking and reshaping keep the elements, whatever the chunks."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import oxidask.array as da
from array_strategies import chunks_of, counted, cut, shapes, slices, small_values
from hypothesis import given, settings


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_rechunk_keeps_the_elements(data: st.DataObject) -> None:
    shape = data.draw(shapes(most=9))
    x, d = data.draw(counted(shape))
    new = data.draw(chunks_of(shape, 4))
    result = d.rechunk(new)
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


#: Steps of a chain: one of an array and of what is drawn for it.
STEPS = ["rechunk", "reshape", "transpose", "concatenate", "stack", "slice", "flip", "broadcast"]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_chains_are_numpys(data: st.DataObject) -> None:
    x = data.draw(small_values(data.draw(shapes(0, 3, 0, 5)), ["i4", "f8", "c8"]))
    d = data.draw(cut(x))
    for step in data.draw(st.lists(st.sampled_from(STEPS), min_size=2, max_size=5)):
        if step == "rechunk":
            d = d.rechunk(data.draw(chunks_of(x.shape)))
        elif step == "reshape":
            factors = data.draw(st.permutations([n for n in x.shape if n != 1]))
            joined = data.draw(st.booleans()) and len(factors) > 1
            shape = (factors[0] * factors[1], *factors[2:]) if joined else (*factors, 1)
            x, d = x.reshape(shape), d.reshape(shape)
        elif step == "transpose":
            order = data.draw(st.permutations(range(x.ndim)))
            x, d = x.transpose(order), d.transpose(order)
        elif step == "concatenate" and x.ndim:
            axis = data.draw(st.integers(0, x.ndim - 1))
            x, d = np.concatenate([x, x], axis), da.concatenate([d, d.rechunk(2)], axis)
        elif step == "stack" and x.ndim < 4:
            axis = data.draw(st.integers(-x.ndim - 1, x.ndim))
            x, d = np.stack([x, x * 2], axis), da.stack([d, d * 2], axis)
        elif step == "slice":
            index = tuple(data.draw(slices(n)) for n in x.shape)
            x, d = x[index], d[index]
        elif step == "flip" and x.ndim:
            x, d = np.flip(x, 0), da.flip(d, 0)
        elif step == "broadcast" and x.ndim < 4:
            shape = (2, *x.shape)
            x, d = np.broadcast_to(x, shape), da.broadcast_to(d, shape)
        if x.size > 4000:
            break
    assert d.shape == x.shape
    assert d.dtype == x.dtype
    np.testing.assert_array_equal(d.compute(scheduler="sync"), x)
