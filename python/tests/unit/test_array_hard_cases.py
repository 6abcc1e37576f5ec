"""Where Dask's arrays answer otherwise than NumPy, or not at all: a test for each case.

The list is that of the design; Dask 2026.8 gives what the comments say.
"""

from __future__ import annotations

import numpy as np
import oxidask.array as da
import pytest

X = np.arange(4 * 5 * 6).reshape(4, 5, 6)
CHUNKS = (2, 3, 4)


def check(index):
    got = da.from_array(X, CHUNKS)[index]
    assert got.shape == X[index].shape
    np.testing.assert_array_equal(got.compute(), X[index])


def test_an_integer_and_a_list_with_a_slice_between_go_first():
    # Dask: shape (5, 2) instead of (2, 5).
    check((0, slice(None), [1, 3]))


def test_a_new_axis_before_a_list_and_an_integer_comes_after_them():
    # Dask: TypeError when it is computed.
    check((None, [0, 2], ..., -1))


@pytest.mark.parametrize(
    "index",
    [
        (np.array([[0, 2], [3, 1]]),),
        (slice(None), np.array([[0, 2], [4, 1]])),
        (np.array([[0], [2]]), slice(1, 4), np.array([1, 3, 5])),
    ],
)
def test_index_arrays_of_several_axes(index):
    # Dask: NotImplementedError.
    check(index)


def test_a_list_with_a_list_picks_points():
    # Dask: NotImplementedError.
    check(([0, 2, 3], [1, 1, 4]))


def test_a_list_a_slice_and_a_list():
    # Dask: NotImplementedError.
    check(([0, 2, 3], slice(None, None, -2), [1, 5, 0]))


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_means_of_half_floats_do_not_overflow(axis):
    # Dask: inf or nan.
    x = np.full((300, 400), 60_000, "f2")
    got = da.from_array(x, 128).mean(axis=axis)
    assert got.dtype == np.float16
    np.testing.assert_array_equal(got.compute(), x.mean(axis=axis))


@pytest.mark.parametrize("name", ["sum", "mean"])
@pytest.mark.parametrize("axis", [None, 0])
def test_durations_have_sums_and_means(name, axis):
    # Dask: TypeError.
    x = np.arange(12).reshape(3, 4).astype("m8[s]") * 5
    for values in (x, np.where(x == x[1, 2], np.timedelta64("NaT"), x)):
        got = getattr(da.from_array(values, 2), name)(axis=axis)
        want = getattr(values, name)(axis=axis)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got.compute(), want)


@pytest.mark.parametrize("name", ["max", "min", "argmax", "sum", "any"])
def test_reductions_of_an_axis_of_an_array_without_rows(name):
    # Dask: ValueError.
    x = np.ones((0, 3))
    got = getattr(da.from_array(x, (1, 2)), name)(axis=1)
    want = getattr(x, name)(axis=1)
    assert (got.shape, got.dtype) == ((0,), want.dtype)
    np.testing.assert_array_equal(got.compute(), want)


def test_the_most_of_no_rows_is_refused_as_by_numpy():
    with pytest.raises(ValueError, match="zero-size array"):
        da.from_array(np.ones((0, 3)), (1, 2)).max(axis=0).compute()


@pytest.mark.parametrize("call", [da.median, da.nanmedian])
def test_the_median_of_all_elements(call):
    # Dask: NotImplementedError.
    x = np.random.default_rng(0).normal(size=(40, 31))
    assert call(da.from_array(x, 7)).compute() == np.median(x)
    assert call(da.from_array(x, 7), axis=(0, 1)).compute() == np.median(x)


@pytest.mark.parametrize("method", ["linear", "lower", "nearest", "median_unbiased"])
def test_percentiles_are_exact(method):
    # Dask: of the percentiles of the blocks.
    x = np.random.default_rng(0).lognormal(size=10_001)
    ranks = [0, 1, 25, 50, 90, 99.9, 100]
    got = da.percentile(da.from_array(x, 100), ranks, method=method)
    np.testing.assert_allclose(got.compute(), np.percentile(x, ranks, method=method), rtol=1e-14)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "any", "all", "std"])
@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
def test_reductions_of_some_elements(name, axis):
    # Dask: TypeError.
    rng = np.random.default_rng(0)
    x, where = rng.normal(size=(9, 7)), rng.random((9, 7)) < 0.7
    kwargs = {"initial": 0.5} if name in ("max", "min") else {}
    got = getattr(da, name)(da.from_array(x, 4), axis=axis, where=da.from_array(where, 5), **kwargs)
    want = getattr(np, name)(x, axis=axis, where=where, **kwargs)
    np.testing.assert_allclose(got.compute(), want, rtol=1e-12)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
def test_reductions_from_a_value_on(name):
    # Dask: TypeError.
    x = np.arange(1, 13).reshape(3, 4)
    for initial in (-3, 7, 20):
        got = getattr(da, name)(da.from_array(x, 2), axis=0, initial=initial)
        want = getattr(np, name)(x, axis=0, initial=initial)
        np.testing.assert_array_equal(got.compute(), want)
    empty = np.ones((0, 3))
    got = getattr(da, name)(da.from_array(empty, 2), axis=0, initial=2.5)
    np.testing.assert_array_equal(got.compute(), getattr(np, name)(empty, axis=0, initial=2.5))
