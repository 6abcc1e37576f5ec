"""Products, scans, sorts and counts agree with NumPy, whatever the chunks."""

from __future__ import annotations

import warnings

import numpy as np
import oxidask.array as da
import pytest
from array_strategies import SPECIAL, cut, small_values
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DTYPES = ["?", "i1", "u2", "i4", "i8", "u8", "f4", "f8", "c8", "c16"]


def same(ours, theirs, rtol=1e-5):
    result = ours.compute()
    assert result.dtype == theirs.dtype
    assert result.shape == theirs.shape
    np.testing.assert_allclose(result, theirs, rtol=rtol, atol=1e-5, equal_nan=True)


@st.composite
def factors(draw):
    m, k, n = (draw(st.integers(0, 5)) for _ in range(3))
    stack_a = draw(st.sampled_from([(), (3,), (1,), (2, 3)]))
    stack_b = draw(st.sampled_from([(), (3,), (1,)]))
    a = draw(small_values((*stack_a, m, k), DTYPES))
    b = draw(small_values((*stack_b, k, n), DTYPES))
    if draw(st.booleans()):
        a = a[..., 0, :] if m and not stack_a else a
    return a, draw(cut(a)), b, draw(cut(b))


@given(factors())
@settings(deadline=None, max_examples=60)
def test_matmul(factors):
    a, x, b, y = factors
    same(da.matmul(x, y), np.matmul(a, b))


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_tensordot(data):
    shape_a = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4, min_side=1))
    count = data.draw(st.integers(0, len(shape_a)))
    left = data.draw(st.permutations(range(len(shape_a))))[:count]
    extra = data.draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=3, min_side=1))
    order = data.draw(st.permutations(range(count + len(extra))))
    full = [*(shape_a[axis] for axis in left), *extra]
    shape_b = tuple(full[i] for i in order)
    right = [order.index(i) for i in range(count)]
    a, b = data.draw(small_values(shape_a, DTYPES)), data.draw(small_values(shape_b, DTYPES))
    x, y = data.draw(cut(a)), data.draw(cut(b))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = da.tensordot(x, y, axes=(left, right))
    same(result, np.asarray(np.tensordot(a, b, axes=(left, right))))


@given(st.data())
@settings(deadline=None, max_examples=60)
@pytest.mark.parametrize("name", ["cumsum", "cumprod", "nancumsum", "nancumprod"])
def test_scans(name, data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=6, min_side=0))
    dtypes = [t for t in DTYPES if t != "c8"]
    a = data.draw(small_values(shape, dtypes))
    if a.dtype.kind == "f" and a.size:
        a.flat[data.draw(st.integers(0, a.size - 1))] = np.nan
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = data.draw(cut(a))
    with np.errstate(all="ignore"):
        same(getattr(da, name)(x, axis=axis), getattr(np, name)(a, axis=axis))


@st.composite
def sortable(draw, max_dims=2):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=max_dims, max_side=40, min_side=0))
    dtype = draw(st.sampled_from([*DTYPES, "f2", "M8[s]", "m8[ns]"]))
    if dtype in ("f2", "f4", "f8"):
        values = draw(hnp.arrays(dtype, shape, elements=st.sampled_from(SPECIAL)))
    elif dtype[0] in "Mm":
        values = draw(small_values(shape, ["i8"])).view(dtype)
        values[values == np.array(-4).view(dtype)] = "NaT"
    else:
        values = draw(small_values(shape, [dtype]))
    return values


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_sort_and_argsort(data):
    a = data.draw(sortable())
    axis = data.draw(st.integers(-a.ndim, a.ndim - 1))
    x = data.draw(cut(a))
    np.testing.assert_array_equal(da.sort(x, axis=axis).compute(), np.sort(a, axis=axis))
    order = da.argsort(x, axis=axis).compute()
    np.testing.assert_array_equal(order, np.argsort(a, axis=axis, kind="stable"))


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_topk_and_argtopk(data):
    a = data.draw(sortable())
    axis = data.draw(st.integers(0, a.ndim - 1))
    k = data.draw(st.integers(-9, 9).filter(bool))
    x = data.draw(cut(a))
    ordered = np.sort(a, axis=axis)
    ordered = ordered if k < 0 else np.flip(ordered, axis)
    expected = np.take(ordered, range(min(abs(k), a.shape[axis])), axis)
    np.testing.assert_array_equal(da.topk(x, k, axis=axis).compute(), expected)
    places = da.argtopk(x, k, axis=axis).compute()
    np.testing.assert_array_equal(np.take_along_axis(a, places, axis), expected)


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_unique(data):
    a = data.draw(sortable(max_dims=1))
    x = data.draw(cut(a))
    ours = da.unique(x, return_index=True, return_inverse=True, return_counts=True)
    theirs = np.unique(a, return_index=True, return_inverse=True, return_counts=True)
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine.compute(), wanted)


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_counts_and_places(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=30, min_side=0))
    a = data.draw(small_values(shape, ["i4", "i8", "f4", "f8"]))
    x = data.draw(cut(a))
    edges = np.array(
        sorted(data.draw(st.lists(st.floats(-5, 5), min_size=2, max_size=6, unique=True)))
    )
    np.testing.assert_array_equal(
        da.histogram(x, bins=edges)[0].compute(), np.histogram(a, bins=edges)[0]
    )
    n = data.draw(st.integers(1, 12))
    np.testing.assert_array_equal(
        da.histogram(x, bins=n, range=(-3, 4))[0].compute(),
        np.histogram(a, bins=n, range=(-3, 4))[0],
    )
    right = data.draw(st.booleans())
    bins = edges[::-1] if data.draw(st.booleans()) else edges
    np.testing.assert_array_equal(
        da.digitize(x, bins, right=right).compute(), np.digitize(a, bins, right=right)
    )
    side = data.draw(st.sampled_from(["left", "right"]))
    ordered = data.draw(cut(edges))
    np.testing.assert_array_equal(
        da.searchsorted(ordered, x, side=side).compute(), np.searchsorted(edges, a, side=side)
    )
    if a.dtype.kind == "i":
        flat = np.abs(a).ravel()
        np.testing.assert_array_equal(
            da.bincount(data.draw(cut(flat)), minlength=3).compute(),
            np.bincount(flat, minlength=3)[: max(3, flat.max(initial=0) + 1)],
        )
