"""Every ufunc on every pair of dtypes: the same dtype, values and exceptions as NumPy."""

from __future__ import annotations

import numpy as np
import oxidask.array as da
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

UNARY = [
    "negative",
    "positive",
    "absolute",
    "fabs",
    "sign",
    "conjugate",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "cbrt",
    "square",
    "reciprocal",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "deg2rad",
    "rad2deg",
    "logical_not",
    "invert",
    "bitwise_count",
    "isfinite",
    "isinf",
    "isnan",
    "isnat",
    "signbit",
    "spacing",
    "floor",
    "ceil",
    "trunc",
    "rint",
]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "true_divide",
    "floor_divide",
    "remainder",
    "fmod",
    "power",
    "float_power",
    "arctan2",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "left_shift",
    "right_shift",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "copysign",
    "nextafter",
    "heaviside",
    "gcd",
    "lcm",
]
NUMBERS = list("?bBhHiIlLefdFD")
TIMES = ["m8[s]", "M8[s]", "m8[ms]", "M8[D]", "m8[7s]"]
DTYPES = NUMBERS + TIMES

#: Units in the last place by which floats may differ.
ULPS = 4


def values_of(dtype, seed=0):
    """Edges of a dtype and ordinary values."""
    dtype = np.dtype(dtype)
    random = np.random.default_rng(seed)
    if dtype.kind == "b":
        return np.tile(np.array([False, True, True]), 8)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        edges = [0, 1, 2, 3, 7, info.max, info.max - 1, info.min, info.min + 1]
        edges += [-1, -2, -7] if dtype.kind == "i" else []
        return np.concatenate([np.array(edges, dtype), random.integers(0, 20, 12).astype(dtype)])
    if dtype.kind == "f":
        info = np.finfo(dtype)
        edges = [0.0, -0.0, 1, -1, 2, 0.5, -2.5, np.nan, np.inf, -np.inf, info.max, info.min]
        edges += [info.tiny, info.smallest_subnormal, 1 + info.eps]
        return np.concatenate([np.array(edges, dtype), random.normal(0, 3, 9).astype(dtype)])
    if dtype.kind == "c":
        parts = random.normal(0, 3, (2, 20))
        edges = np.array([0, 1, -1, 1j, -1j, 0.5 + 2j], dtype)
        return np.concatenate([edges, (parts[0] + 1j * parts[1]).astype(dtype)])
    counts = np.concatenate([[0, 1, -1, 2, -7, 2**40], random.integers(-1000, 1000, 15)])
    return np.concatenate([np.array(["NaT"], dtype), counts.astype(dtype)])


def pairs_of(a, b):
    left, right = np.meshgrid(values_of(a), values_of(b, 1))
    return left.ravel().copy(), right.ravel().copy()


def assert_near(got, want, ulps):
    """Equal, or so many units in the last place apart; complex numbers as points."""
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    if got.dtype.kind not in "fc":
        np.testing.assert_array_equal(got, want)
        return
    if got.dtype.kind == "f" and ulps == 0:
        np.testing.assert_array_equal(got, want)
        return
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    finite = np.isfinite(want)
    np.testing.assert_array_equal(got[~finite & ~np.isnan(want)], want[~finite & ~np.isnan(want)])
    size = np.abs(want[finite].astype(np.result_type(want.dtype, np.float64)))
    part = got.real.dtype
    size = np.clip(size, np.finfo(part).tiny, np.finfo(part).max).astype(part)
    with np.errstate(over="ignore", invalid="ignore"):
        assert (np.abs(got[finite] - want[finite]) <= ulps * np.spacing(size)).all()


def check(ufunc, *operands, ulps=ULPS):
    """The same from both, exceptions included."""
    with np.errstate(all="ignore"):
        try:
            want = ufunc(*operands)
        except (TypeError, ValueError, OverflowError) as error:
            # NumPy's errors of ufuncs are classes of their own.
            with pytest.raises(TypeError if isinstance(error, TypeError) else type(error)):
                apply(ufunc, *operands).compute()
            return
        lazy = apply(ufunc, *operands)
        assert lazy.dtype == want.dtype
        assert_near(lazy.compute(), want, ulps)


def apply(ufunc, *operands):
    arrays = [da.asarray(x) if isinstance(x, np.ndarray) else x for x in operands]
    return da.elemwise(ufunc, *arrays)


@pytest.mark.parametrize("name", UNARY)
def test_one_operand(name):
    for dtype in DTYPES:
        check(getattr(np, name), values_of(dtype))


@pytest.mark.parametrize("name", BINARY)
def test_two_operands_of_one_dtype(name):
    for dtype in DTYPES:
        left, right = pairs_of(dtype, dtype)
        if name == "power" and np.dtype(dtype).kind == "i":
            right = np.abs(right) % 8
        check(getattr(np, name), left, right)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(BINARY), st.sampled_from(DTYPES), st.sampled_from(DTYPES))
def test_two_dtypes(name, a, b):
    left, right = pairs_of(a, b)
    if name == "power" and right.dtype.kind == "i":
        right = np.abs(right) % 8
    check(getattr(np, name), left, right)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(BINARY),
    st.sampled_from(NUMBERS),
    st.sampled_from([True, 2, 3.5, 2 + 1j, np.float32(1.5), np.int8(3)]),
    st.booleans(),
)
def test_scalars_yield(name, dtype, scalar, first):
    array = values_of(dtype)
    operands = (scalar, array) if first else (array, scalar)
    if name == "power" and first and array.dtype.kind == "i":
        operands = (scalar, np.abs(array) % 8)
    check(getattr(np, name), *operands)


def test_infinities_to_whole_complex_powers():
    left = np.array([np.inf, -np.inf, complex(np.inf, 1), complex(0, np.inf)])
    for power in range(-4, 7):
        check(np.power, left, np.full(4, power, "c16"))


def test_integers_to_negative_powers():
    lazy = apply(np.power, np.array([1, 2]), np.array([1, -1]))
    with pytest.raises(ValueError, match="Integers to negative integer powers"):
        lazy.compute()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        [
            "sin",
            "cos",
            "tan",
            "exp",
            "exp2",
            "expm1",
            "log",
            "log2",
            "log10",
            "log1p",
            "tanh",
            "arctan",
            "sinh",
            "cosh",
        ]
    ),
    st.sampled_from("fd"),
    st.lists(st.floats(width=32), min_size=1, max_size=300),
)
def test_elementary_functions_anywhere(name, dtype, numbers):
    check(getattr(np, name), np.array(numbers, dtype))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS))
def test_casts(a, b):
    array = values_of(a)
    array = array[np.isfinite(array)] if array.dtype.kind in "fc" else array
    if array.dtype.kind in "fc" and np.dtype(b).kind in "iu":
        # What an integer can't hold depends on NumPy's loop.
        array = array[np.abs(array) < 100]
        array = np.abs(array) if np.dtype(b).kind == "u" else array
    with np.errstate(all="ignore"), np.testing.suppress_warnings() as quiet:
        quiet.filter(np.exceptions.ComplexWarning)
        want = array.astype(b)
    np.testing.assert_array_equal(da.asarray(array).astype(b).compute(), want)
