"""Corners of NumPy's interface: infinities, scalars, warnings, names."""

import numpy as np
import oxidask.array as da
import pytest


@pytest.mark.parametrize("name", ["nansum", "nanprod", "nancumsum", "nancumprod"])
def test_nan_goes_before_floats_become_integers(name):
    x = np.array([[1.0, np.nan], [3.0, 2.0], [np.nan, 5.0]])
    for axis in (None, 0, 1):
        result = getattr(da, name)(da.from_array(x, chunks=1), axis=axis, dtype="i8")
        expected = getattr(np, name)(x, axis=axis, dtype="i8")
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result.compute(), expected)


@pytest.mark.parametrize("name", ["nanvar", "nanstd", "nanmean", "var", "mean"])
@pytest.mark.parametrize("dtype", ["f8", "c16"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinities_without_an_axis(name, dtype):
    x = np.array([np.inf, np.nan, -np.inf, 2.0], dtype=dtype)
    for axis in ((), None):
        result = getattr(da, name)(da.from_array(x, chunks=1), axis=axis).compute()
        np.testing.assert_array_equal(result, getattr(np, name)(x, axis=axis))
    np.testing.assert_array_equal(
        getattr(da, name)(da.from_array(x[:1], chunks=1)).compute(), getattr(np, name)(x[:1])
    )


@pytest.mark.parametrize("name", ["nanmin", "nanmax", "min", "max"])
@pytest.mark.parametrize("dtype", ["i8", "f8"])
def test_extremes_of_nothing_say_what_numpy_says(name, dtype):
    x = np.empty(0, dtype=dtype)
    with pytest.raises(ValueError, match="zero-size array") as theirs:
        getattr(np, name)(x)
    with pytest.raises(ValueError, match="zero-size array") as ours:
        getattr(da, name)(da.from_array(x)).compute()
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("name", ["cumprod", "nancumprod"])
def test_a_product_that_is_zero_stays_zero_where_a_block_overflows(name):
    x = np.array([2.0, 0, 1e200, 1e200, 1e300, 3, 1, 1])
    result = getattr(da, name)(da.from_array(x, chunks=2), axis=None)
    np.testing.assert_array_equal(result.compute(), getattr(np, name)(x))
    wide = np.stack([x, np.ones(8), x[::-1]])
    for axis in (None, 0, 1):
        d = da.from_array(wide, chunks=(2, 3))
        with np.errstate(over="ignore", invalid="ignore"):
            expected = getattr(np, name)(wide, axis=axis)
        np.testing.assert_array_equal(getattr(da, name)(d, axis=axis).compute(), expected)


def test_products_run_through_empty_and_masked_blocks():
    x = np.arange(1.0, 7)
    d = da.from_array(x, chunks=((2, 0, 3, 0, 1),))
    np.testing.assert_array_equal(da.cumprod(d, axis=0).compute(), np.cumprod(x))
    masked = np.ma.masked_equal(x, 3)
    result = da.cumprod(da.from_array(masked, chunks=((2, 0, 3, 1),)), axis=0).compute()
    np.testing.assert_array_equal(result.filled(-1), np.ma.cumprod(masked).filled(-1))


def test_weights_that_add_up_to_zero_warn():
    d = da.arange(5.0, chunks=2)
    with pytest.warns(RuntimeWarning):
        assert np.isnan(da.average(d, weights=da.zeros_like(d)).compute())


@pytest.mark.parametrize("condition", [True, False, np.True_, 0, 1])
def test_where_of_a_scalar_is_one_of_the_arrays(condition):
    a, b = da.arange(6, chunks=4), da.zeros(6, dtype="i8", chunks=3)
    assert da.where(condition, a, b) is (a if condition else b)
    mixed = da.where(condition, a[:, None], np.ones(2))
    expected = np.where(condition, np.arange(6)[:, None], np.ones(2))
    assert mixed.dtype == expected.dtype
    np.testing.assert_array_equal(mixed.compute(), expected)


def test_choose_of_one_choice_only():
    picks = da.from_array(np.zeros(4, dtype=int), chunks=2)
    choices = da.from_array(np.array([[10.0, 20, 30, 40]]), chunks=(1, 2))
    np.testing.assert_array_equal(da.choose(picks, choices).compute(), [10, 20, 30, 40])


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_arrays_without_axes_stay_arrays(shape):
    squeezed = da.squeeze(da.from_array(np.full(shape, 2), chunks=1)).compute()
    assert type(squeezed) is np.ndarray
    assert squeezed == 2
    found = da.isnull(da.from_array(np.array([1.0, np.nan]))[1]).compute()
    assert type(found) is np.ndarray
    assert found


def test_coordinates_of_shapes_that_nobody_knows_do_not_join():
    a = da.from_array(np.array([2, -1, 3]), chunks=2)
    b = da.from_array(np.array([[1, 2], [-1, 1], [3, 4]]), chunks=1)
    a, b = a[a > 0], b[b[:, 0] > 0]
    with pytest.raises(ValueError, match="Arrays' chunk sizes"):
        da.ravel_multi_index([1, a, b], (8, 9, 10))
    np.testing.assert_array_equal(
        da.ravel_multi_index([1, a, a], (8, 9, 10)).compute(),
        np.ravel_multi_index([1, [2, 3], [2, 3]], (8, 9, 10)),
    )
    with pytest.raises(NotImplementedError, match="Dask types"):
        da.ravel_multi_index((2, 1), [a.sum(), 3])


def test_a_mask_of_numbers_in_other_chunks():
    x = da.zeros(7, chunks=3)
    x[da.from_array(np.array([0, 2.0, 0, 1, 0, 0, 5]), chunks=2)] = 9
    np.testing.assert_array_equal(x.compute(), [0, 9, 0, 9, 0, 0, 9])


def test_swapped_axes_are_named_in_order():
    d = da.ones((2, 3), chunks=1)
    assert d.swapaxes(0, 1).name == d.swapaxes(0, 1).name != d.swapaxes(1, 0).name
    np.testing.assert_array_equal(d.swapaxes(1, 0).compute(), np.ones((3, 2)))


def test_chunks_of_an_array_without_axes_are_none():
    assert da.from_array(np.int_(3), chunks=(1,)).chunks == ()
    assert da.core.normalize_chunks((1,), shape=()) == ()


def test_tests_of_hypotheses_give_named_results():
    pytest.importorskip("scipy")
    x = np.random.default_rng(1).normal(size=30)
    d = da.from_array(x, chunks=7)
    stats = da.stats
    for kind, result in [
        (stats.SkewtestResult, stats.skewtest(d)),
        (stats.KurtosistestResult, stats.kurtosistest(d)),
        (stats.NormaltestResult, stats.normaltest(d)),
        (stats.Ttest_1sampResult, stats.ttest_1samp(d, 0)),
        (stats.Ttest_relResult, stats.ttest_rel(d, d + x[::-1])),
        (stats.Ttest_indResult, stats.ttest_ind(d, d + 1)),
        (stats.Power_divergenceResult, stats.chisquare(abs(d))),
        (stats.F_onewayResult, stats.f_oneway(d, d + 1)),
    ]:
        computed = result.compute()
        assert type(computed) is kind
        assert computed == (computed.statistic, computed.pvalue)


def test_blocks_lie_one_after_another():
    x = np.arange(12).reshape(3, 4)
    d = da.from_array(x, chunks=(2, 3))
    parts = da.core.slices_from_chunks(d.chunks)
    assert len(parts) == d.npartitions
    for index, part in zip(np.ndindex(d.numblocks), parts, strict=True):
        np.testing.assert_array_equal(d.blocks[index].compute(), x[part])


def test_depths_are_whole_numbers():
    assert da.overlap.coerce_depth_type(2, {0: 1.0, 1: (2.0, 0)}) == {0: 1, 1: (2, 0)}
    with pytest.raises(ValueError, match="depth"):
        da.overlap.coerce_depth_type(1, {0: 1.5})
