"""Joining, rearranging, padding and overlapping arrays against NumPy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import oxidask.array as da
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oxidask import _native
from oxidask.array.core import Array, new_array
from oxidask.array.overlap import map_overlap, overlap, sliding_window_view, trim_overlap

DTYPES = ["i8", "f4", "?", "c16"]


@st.composite
def chunked(draw, ndim=None, least=1, dtypes=DTYPES):
    """Return a NumPy array and the same in random chunks."""
    ndim = draw(st.integers(1, 3)) if ndim is None else ndim
    chunks = tuple(
        tuple(draw(st.lists(st.integers(least, 4), min_size=1, max_size=3))) for _ in range(ndim)
    )
    shape = tuple(map(sum, chunks))
    values = np.arange(int(np.prod(shape))).reshape(shape) % 7
    values = values.astype(draw(st.sampled_from(dtypes)))
    name = f"numbers-{shape}-{values.dtype}-{chunks}"
    return values, new_array(_native.array_from_numpy(values, chunks, name))


def same(lazy: Array, expected: np.ndarray) -> None:
    result = lazy.compute()
    assert lazy.shape == expected.shape
    assert lazy.dtype == expected.dtype == result.dtype
    assert_array_equal(result, expected)


@given(chunked(), st.data())
def test_concatenate_and_stack(pair, data):
    x, lazy = pair
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    # The same elements, cut otherwise, of another dtype.
    other, lazy_other = x[::-1].astype("f8" if x.dtype.kind != "c" else "c16"), lazy[::-1]
    lazy_other = lazy_other.astype(other.dtype)
    same(da.concatenate([lazy, lazy_other], axis), np.concatenate([x, other], axis))
    axis = data.draw(st.integers(-x.ndim - 1, x.ndim))
    same(da.stack([lazy, lazy_other], axis), np.stack([x, other], axis))


@given(chunked(ndim=2))
def test_blocks_of_blocks(pair):
    x, lazy = pair
    same(da.block([[lazy, lazy], [lazy, lazy]]), np.block([[x, x], [x, x]]))
    same(da.vstack([lazy, lazy]), np.vstack([x, x]))
    same(da.hstack([lazy, lazy]), np.hstack([x, x]))
    same(da.dstack([lazy, lazy]), np.dstack([x, x]))


@given(chunked(), st.data())
def test_axes_in_another_order(pair, data):
    x, lazy = pair
    order = data.draw(st.permutations(range(x.ndim)))
    same(da.transpose(lazy, order), np.transpose(x, order))
    a, b = (data.draw(st.integers(-x.ndim, x.ndim - 1)) for _ in range(2))
    same(da.swapaxes(lazy, a, b), np.swapaxes(x, a, b))
    same(da.moveaxis(lazy, a, b), np.moveaxis(x, a, b))
    same(da.rollaxis(lazy, a), np.rollaxis(x, a))
    same(da.expand_dims(lazy, a), np.expand_dims(x, a))
    same(da.squeeze(da.expand_dims(lazy, a), a), x)
    same(da.flip(lazy, a), np.flip(x, a))
    if x.ndim > 1:
        k = data.draw(st.integers(-2, 5))
        same(da.rot90(lazy, k), np.rot90(x, k))


@given(chunked(), st.data())
def test_roll_repeat_tile(pair, data):
    x, lazy = pair
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    shift = data.draw(st.integers(-20, 20))
    same(da.roll(lazy, shift, axis), np.roll(x, shift, axis))
    same(da.roll(lazy, shift), np.roll(x, shift))
    same(da.repeat(lazy, 3, axis % x.ndim), np.repeat(x, 3, axis))
    reps = tuple(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)))
    same(da.tile(lazy, reps), np.tile(x, reps))


MODES = [
    "constant",
    "edge",
    "linear_ramp",
    "maximum",
    "mean",
    "median",
    "minimum",
    "reflect",
    "symmetric",
    "wrap",
]


@given(chunked(dtypes=["i8", "f8"]), st.sampled_from(MODES), st.data())
def test_pad(pair, mode, data):
    x, lazy = pair
    width = [tuple(data.draw(st.integers(0, 6)) for _ in range(2)) for _ in range(x.ndim)]
    expected = np.pad(x, width, mode)
    padded = da.pad(lazy, width, mode)
    assert padded.dtype == expected.dtype
    np.testing.assert_allclose(padded.compute(), expected)


@given(chunked(dtypes=["i8"]), st.sampled_from(["reflect", "symmetric"]), st.integers(0, 9))
def test_pad_odd(pair, mode, width):
    x, lazy = pair
    assume(min(x.shape) > 1)
    expected = np.pad(x, width, mode, reflect_type="odd")
    same(da.pad(lazy, width, mode, reflect_type="odd"), expected)


@given(chunked(), st.data())
def test_insert_delete_append(pair, data):
    x, lazy = pair
    axis = data.draw(st.integers(0, x.ndim - 1))
    n = x.shape[axis]
    at = sorted(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=4)))
    same(da.insert(lazy, at, 1, axis), np.insert(x, at, 1, axis))
    same(da.delete(lazy, at, axis), np.delete(x, at, axis))
    same(da.append(lazy, lazy, axis), np.append(x, x, axis))
    same(da.append(lazy, lazy), np.append(x, x))


@given(chunked(dtypes=["i8", "f8", "?"]), st.data())
def test_differences(pair, data):
    x, lazy = pair
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    n = data.draw(st.integers(1, 3))
    same(da.diff(lazy, n, axis), np.diff(x, n, axis))
    if x.dtype != bool:
        same(da.ediff1d(lazy, to_end=1, to_begin=[2, 3]), np.ediff1d(x, 1, [2, 3]))


@given(chunked())
def test_positions_of_what_is_not_zero(pair):
    x, lazy = pair
    for found, expected in zip(da.nonzero(lazy), np.nonzero(x), strict=True):
        assert_array_equal(found.compute(), expected)
    assert_array_equal(da.argwhere(lazy).compute(), np.argwhere(x))
    assert_array_equal(da.flatnonzero(lazy).compute(), np.flatnonzero(x))


@given(chunked(dtypes=["i8", "f8"]))
def test_conditions(pair):
    x, lazy = pair
    same(da.where(lazy > 3, lazy, -1), np.where(x > 3, x, -1))
    cases = [x > 4, x > 2], [x, 2 * x]
    lazy_cases = [lazy > 4, lazy > 2], [lazy, 2 * lazy]
    same(da.select(*lazy_cases, default=1), np.select(*cases, default=1))
    keep = [True, False][: len(x)]
    same(da.compress(keep, lazy, 0), np.compress(keep, x, 0))


EDGES = {"reflect": "symmetric", "periodic": "wrap", "nearest": "edge"}


@given(chunked(least=2, dtypes=["i8", "f4"]), st.data())
def test_blocks_overlap(pair, data):
    """Every block is the part of the padded array around it."""
    x, lazy = pair
    depth = [data.draw(st.integers(0, 2)) for _ in range(x.ndim)]
    kinds = [data.draw(st.sampled_from([*EDGES, "none", 5])) for _ in range(x.ndim)]
    wide = overlap(lazy, dict(enumerate(depth)), dict(enumerate(kinds)))
    padded = x
    for axis, (n, kind) in enumerate(zip(depth, kinds, strict=True)):
        width = [(n, n) if i == axis else (0, 0) for i in range(x.ndim)]
        if kind == 5:
            padded = np.pad(padded, width, constant_values=5)
        elif kind != "none":
            padded = np.pad(padded, width, EDGES[kind])
    blocks = wide
    starts = []
    for axis, (n, kind) in enumerate(zip(depth, kinds, strict=True)):
        at = np.cumsum([0, *lazy.chunks[axis]])
        shift = n if kind == "none" else 0
        starts.append([(max(a - shift, 0), b - shift + 2 * n) for a, b in pairwise(at)])
    expected = padded
    for axis, parts in enumerate(starts):
        cut = [expected[(slice(None),) * axis + (slice(a, b),)] for a, b in parts]
        expected = np.concatenate(cut, axis)
    same(blocks, expected)
    same(trim_overlap(wide, dict(enumerate(depth)), dict(enumerate(kinds))), x)


@given(chunked(ndim=2, dtypes=["f8"]), st.integers(1, 5), st.sampled_from(list(EDGES)))
def test_map_overlap_is_the_function_of_the_padded_array(pair, depth, kind):
    x, lazy = pair
    assume(min(x.shape) >= depth)

    def smooth(v):
        return v + np.roll(v, depth, 0) + np.roll(v, -1, 1)

    result = map_overlap(smooth, lazy, depth=depth, boundary=kind)
    padded = smooth(np.pad(x, depth, EDGES[kind]))
    same(result, padded[depth:-depth, depth:-depth])


@given(chunked(dtypes=["i8"]), st.data())
def test_windows(pair, data):
    x, lazy = pair
    axis = data.draw(st.integers(0, x.ndim - 1))
    n = data.draw(st.integers(1, x.shape[axis]))
    expected = np.lib.stride_tricks.sliding_window_view(x, n, axis)
    same(sliding_window_view(lazy, n, axis), expected)


def test_masked_blocks_overlap():
    x = np.ma.masked_equal(np.arange(24).reshape(4, 6) % 5, 3)
    parts = {
        ("masked", i, j): x[2 * i : 2 * i + 2, 3 * j : 3 * j + 3]
        for i in range(2)
        for j in range(2)
    }
    lazy = Array(parts, "masked", ((2, 2), (3, 3)), meta=x[:0, :0])
    wide = overlap(lazy, {0: 1, 1: 2}, {0: "reflect", 1: "none"}).compute()
    assert isinstance(wide, np.ma.MaskedArray)
    data, mask = (
        overlap(
            new_array(_native.array_from_numpy(part, ((2, 2), (3, 3)), f"part-{i}")),
            {0: 1, 1: 2},
            {0: "reflect", 1: "none"},
        ).compute()
        for i, part in enumerate((x.filled(0), x.mask))
    )
    assert_array_equal(wide.mask, mask)
    assert_array_equal(wide.filled(0), data)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: da.concatenate([]), ValueError),
        (lambda x: da.concatenate([x, x[0]]), ValueError),
        (lambda x: da.concatenate([x, x[:2, :1]], 0), ValueError),
        (lambda x: da.stack([x, x[:1]]), ValueError),
        (lambda x: da.transpose(x, (0, 0)), ValueError),
        (lambda x: da.squeeze(x, 0), ValueError),
        (lambda x: da.pad(x, 1, "mirror"), ValueError),
        (lambda x: da.pad(x, -1), ValueError),
        (lambda x: overlap(x, 9, "reflect"), ValueError),
        (lambda x: overlap(x, 3, "reflect", allow_rechunk=False), ValueError),
        (lambda x: overlap(x, {0: (1, 0)}, "reflect"), NotImplementedError),
        (lambda x: da.insert(x, [2, 1], 0, 0), NotImplementedError),
    ],
)
def test_what_cannot_be_done_says_so(call, error):
    x = np.zeros((4, 6))
    lazy = new_array(_native.array_from_numpy(x, ((2, 2), (3, 3)), "zeros"))
    with pytest.raises(error):
        call(lazy)


def test_names_are_those_of_equal_expressions():
    x = np.zeros((4, 6))
    lazy = new_array(_native.array_from_numpy(x, ((2, 2), (3, 3)), "zeros"))
    for call in (
        lambda: da.pad(lazy, 2, "reflect"),
        lambda: da.concatenate([lazy, lazy]),
        lambda: overlap(lazy, 1, 7),
        lambda: da.roll(lazy, 1, 0),
    ):
        assert call().name == call().name
