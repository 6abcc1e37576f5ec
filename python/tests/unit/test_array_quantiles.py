"""Quantiles and percentiles over axes, with and without weights."""

import warnings

import numpy as np
import oxidask.array as da
import pytest


@pytest.fixture
def x():
    values = np.random.default_rng(5).normal(size=(4, 6, 5))
    values[values > 1.5] = np.nan
    return values


@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("lazy", [False, True])
def test_weights_along_an_axis(x, name, axis, keepdims, lazy):
    weights = np.linspace(0.5, 2, x.shape[axis])
    full = np.broadcast_to(np.moveaxis(weights[:, None, None], 0, axis), x.shape)
    if axis == -1:
        full = np.broadcast_to(weights, x.shape)
    given = da.from_array(weights, chunks=2) if lazy else weights
    options = {"axis": axis, "method": "inverted_cdf", "keepdims": keepdims}
    for q in (0.7, [0.1, 0.9]):
        result = getattr(da, name)(da.from_array(x, chunks=(2, 3, 2)), q, weights=given, **options)
        expected = getattr(np, name)(x, q, weights=full, **options)
        assert result.shape == expected.shape
        np.testing.assert_array_equal(result.compute(), expected)


def test_weights_of_every_element_and_of_two_axes(x):
    d = da.from_array(x, chunks=(2, 3, 2))
    weights = np.random.default_rng(6).uniform(0.5, 2, size=x.shape)
    options = {"method": "inverted_cdf", "axis": (0, 2)}
    result = da.quantile(d, 0.3, weights=da.from_array(weights, chunks=3), **options)
    np.testing.assert_array_equal(result.compute(), np.quantile(x, 0.3, weights=weights, **options))
    result = da.quantile(d, 0.3, weights=weights[:, 0], **options)
    spread = np.broadcast_to(weights[:, :1], x.shape)
    np.testing.assert_array_equal(result.compute(), np.quantile(x, 0.3, weights=spread, **options))


def test_weights_that_do_not_fit(x):
    d = da.from_array(x, chunks=2)
    with pytest.raises(ValueError, match="Shape of weights must be consistent"):
        da.quantile(d, 0.5, axis=0, weights=np.ones(5), method="inverted_cdf")
    with pytest.raises(TypeError, match="1D weights"):
        da.quantile(d, 0.5, axis=0, weights=np.ones((4, 6)), method="inverted_cdf")
    with pytest.raises(ValueError, match="inverted_cdf"):
        da.quantile(d, 0.5, axis=0, weights=np.ones(4))


def test_all_axes_of_several_blocks_are_refused(x):
    d = da.from_array(x, chunks=2)
    for function in (da.quantile, da.nanquantile, da.nanpercentile, da.percentile):
        with pytest.raises(NotImplementedError, match="difficult to do in parallel"):
            function(d, 0.5)
    whole = d.rechunk(-1)
    assert whole.npartitions == 1
    np.testing.assert_array_equal(da.nanquantile(whole, 0.5).compute(), np.nanquantile(x, 0.5))


@pytest.mark.parametrize("axis", [1, (0, 2)])
def test_percentiles_over_axes(x, axis):
    d = da.from_array(x, chunks=(2, 3, 2))
    for name in ("percentile", "nanpercentile"):
        result = getattr(da, name)(d, [10, 75], axis=axis, keepdims=True)
        expected = getattr(np, name)(x, [10, 75], axis=axis, keepdims=True)
        np.testing.assert_array_equal(result.compute(), expected)
    with pytest.raises(ValueError, match=r"\[0, 100\]"):
        da.percentile(d, 101, axis=axis)


def test_nothing_but_nan_makes_no_noise():
    d = da.from_array(np.full((3, 4), np.nan), chunks=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = da.nanquantile(d, 0.5, axis=0, weights=np.ones(3), method="inverted_cdf").compute()
    assert np.isnan(result).all()
