"""Reductions against NumPy's: dtypes, shapes, axes, chunks, NaN."""

from __future__ import annotations

import warnings

import numpy as np
import oxidask.array as da
import pytest
from array_strategies import shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

DTYPES = ["?", "i1", "u1", "i4", "u8", "i8", "f4", "f8", "c8", "c16"]
SUMS = ["sum", "mean", "nansum", "nanmean"]
SPREADS = ["var", "std", "nanvar", "nanstd"]
EXTREMES = ["min", "max", "nanmin", "nanmax"]
PLACES = ["argmin", "argmax", "nanargmin", "nanargmax"]


@st.composite
def arrays(draw: st.DrawFn, empty: bool = True) -> tuple[np.ndarray, tuple[int, ...]]:
    """Draw an array with a size of chunks for each axis."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(shapes(least=0 if empty else 1, most=7))
    elements = nps.from_dtype(
        dtype,
        allow_infinity=False,
        **({"min_value": -100, "max_value": 100} if dtype.kind == "f" else {}),
        **({"max_magnitude": 100.0} if dtype.kind == "c" else {}),
    )
    values = draw(nps.arrays(dtype, shape, elements=elements))
    return values, tuple(draw(st.integers(1, 4)) for _ in shape)


def axes_of(draw: st.DrawFn, ndim: int) -> int | tuple[int, ...] | None:
    if not ndim:
        return None
    one = st.integers(-ndim, ndim - 1)
    several = st.sets(st.integers(0, ndim - 1)).map(tuple)
    return draw(st.one_of(st.none(), one, several))


def outcome(function: object, *args: object, **kwargs: object) -> object:
    """Return what a call gives, or the type of error that it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            value = function(*args, **kwargs)  # type: ignore[operator]
            return np.asarray(value.compute() if hasattr(value, "compute") else value)
        except ValueError:
            return ValueError


def check(got: object, expected: object, rtol: float = 1e-6) -> None:
    if expected is ValueError:
        assert got is ValueError
        return
    assert isinstance(got, np.ndarray)
    assert isinstance(expected, np.ndarray)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    loose = 1e-4 if expected.dtype in (np.float32, np.complex64) else rtol
    np.testing.assert_allclose(got, expected, rtol=loose, atol=loose)


@settings(deadline=None, max_examples=120)
@given(st.data())
@pytest.mark.parametrize("names", [SUMS, SPREADS, EXTREMES, ["any", "all", "prod"]])
def test_like_numpy(names: list[str], data: st.DataObject) -> None:
    values, chunks = data.draw(arrays())
    name = data.draw(st.sampled_from(names))
    axis = axes_of(data.draw, values.ndim)
    keepdims = data.draw(st.booleans())
    if name == "prod":
        values = values if values.dtype.kind == "b" else np.sign(values)
    expected = outcome(getattr(np, name), values, axis=axis, keepdims=keepdims)
    x = da.from_array(values, chunks=chunks)
    split_every = data.draw(st.sampled_from([None, 2, 4]))
    got = outcome(getattr(da, name), x, axis=axis, keepdims=keepdims, split_every=split_every)
    check(got, expected)


@settings(deadline=None, max_examples=120)
@given(st.data())
def test_places_like_numpy(data: st.DataObject) -> None:
    values, chunks = data.draw(arrays(empty=False))
    name = data.draw(st.sampled_from(PLACES))
    axis = (
        data.draw(st.none() | st.integers(-values.ndim, values.ndim - 1)) if values.ndim else None
    )
    expected = outcome(getattr(np, name), values, axis=axis)
    got = outcome(getattr(da, name), da.from_array(values, chunks=chunks), axis=axis)
    if values.dtype.kind == "c" and np.isnan(values).any():
        return  # Which of several NaN is first depends on their parts in NumPy.
    check(got, expected)


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_ddof_like_numpy(data: st.DataObject) -> None:
    values = data.draw(
        nps.arrays("f8", nps.array_shapes(max_dims=2, max_side=6), elements=st.floats(-1e3, 1e3))
    )
    ddof = data.draw(st.integers(0, 3))
    axis = data.draw(st.none() | st.integers(0, values.ndim - 1))
    expected = outcome(np.var, values, axis=axis, ddof=ddof)
    got = outcome(da.var, da.from_array(values, chunks=2), axis=axis, ddof=ddof)
    if ddof >= (values.size if axis is None else values.shape[axis]):
        # Rounding decides whether it is zero or a little more that is divided by zero.
        assert got.shape == expected.shape
        assert not np.isfinite(got).any()
        return
    check(got, expected)


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_fused_expressions_like_numpy(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 9))
    values = data.draw(nps.arrays("f8", (n, n), elements=st.floats(-100, 100)))
    x = da.from_array(values, chunks=data.draw(st.integers(1, 4)))
    axis = data.draw(st.sampled_from([None, 0, 1]))
    name = data.draw(st.sampled_from(["sum", "max", "std"]))
    expected = getattr(np, name)(values + values.T - values.mean(axis=0), axis=axis)
    got = getattr(da, name)(x + x.T - x.mean(axis=0), axis=axis)
    np.testing.assert_allclose(got.compute(), expected, rtol=1e-7, atol=1e-7)
