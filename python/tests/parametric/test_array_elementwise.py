"""Operators and functions of elements: NumPy's values, dtypes and exceptions, however cut."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import oxidask.array as da
import pytest
from array_strategies import (
    INTEGERS,
    NUMBERS,
    REALS,
    TIMES,
    any_values,
    broadcastable,
    cut,
    shapes,
    small_values,
)
from hypothesis import given, settings
from hypothesis import strategies as st

ARITHMETIC = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
OPERATORS = [*ARITHMETIC, *COMPARISONS, *BITS, divmod]
UNARY = [operator.neg, operator.pos, operator.invert, abs]
IN_PLACE = [
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.ifloordiv,
    operator.imod,
    operator.iand,
    operator.ior,
    operator.ixor,
]
ONE_OPERAND = ["sqrt", "exp", "log1p", "sin", "floor", "isnan", "isfinite", "sign", "square"]
TWO_OPERANDS = ["maximum", "fmin", "arctan2", "hypot", "logaddexp", "copysign", "logical_xor"]
#: Python's scalars yield to any dtype of their kind (NEP 50), NumPy's don't.
SCALARS = [
    True,
    0,
    3,
    -1,
    300,
    2.5,
    float("nan"),
    1 + 2j,
    np.bool_(False),
    np.int8(3),
    np.uint64(7),
    np.float16(0.5),
    np.float32(1.5),
    np.float64(-2.25),
    np.complex64(1j),
    np.timedelta64(3, "s"),
    np.datetime64("2000-01-02"),
]
#: Relative errors: NumPy's loops of some machines are as far off themselves.
TOLERANCES = {2: 2e-3, 4: 2e-6, 8: 1e-13, 16: 1e-13}


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a call gives, computed, or the exception that it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            values = function(*args, **kwargs)
            several = values if isinstance(values, tuple) else (values,)
            lazy = [value.dtype for value in several if isinstance(value, da.Array)]
            computed = [np.asarray(value) for value in several]
            # What was said before is what comes.
            assert lazy == [value.dtype for value in computed[: len(lazy)]]
            return computed
        except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
            return error


def assert_same(got: Any, want: Any) -> None:
    if isinstance(want, Exception):
        # NumPy's errors of ufuncs are private subclasses.
        kinds = (TypeError, OverflowError, ZeroDivisionError, ValueError)
        kind = next(kind for kind in kinds if isinstance(want, kind))
        assert isinstance(got, kind), f"{got!r} instead of {want!r}"
        return
    assert not isinstance(got, Exception), f"{got!r} instead of {want!r}"
    for mine, theirs in zip(got, want, strict=True):
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        if theirs.dtype.kind in "fc":
            part = theirs.real.dtype.itemsize
            rtol = TOLERANCES[part]
            np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol, equal_nan=True)
        else:
            np.testing.assert_array_equal(mine, theirs)


def tame(function: Any, left: Any, right: Any) -> Any:
    """Keep powers and shifts where NumPy's answer is defined."""
    power = function in (operator.pow, operator.ipow)
    shift = function in (operator.lshift, operator.rshift)
    if not (power or shift):
        return right
    kind = np.asarray(right).dtype.kind
    if power and np.asarray(left).dtype.kind == "O":
        return np.asarray(abs(right) % 5) if kind in "iuO" else right
    if kind in "iu":
        return type(right)(abs(int(right)) % 5) if np.isscalar(right) else right % 5
    return right


@st.composite
def operands(draw: st.DrawFn, dtypes: list[str]) -> tuple[Any, ...]:
    """Draw two arrays that are broadcast to each other, plain and lazy."""
    first, second = draw(broadcastable(2))
    a, b = draw(any_values(first, dtypes)), draw(any_values(second, dtypes))
    return a, b, draw(cut(a)), draw(cut(b))


@settings(max_examples=250)
@given(st.sampled_from(OPERATORS), operands(NUMBERS))
def test_operators_of_numbers(function, operands):
    a, b, x, y = operands
    tamed = tame(function, a, b)
    y = y % 5 if tamed is not b else y
    assert_same(outcome(function, x, y), outcome(function, a, tamed))


@settings(max_examples=150)
@given(st.sampled_from([*ARITHMETIC[:6], *COMPARISONS, divmod]), operands([*TIMES, "i8", "f8"]))
def test_operators_of_times(function, operands):
    a, b, x, y = operands
    assert_same(outcome(function, x, y), outcome(function, a, b))


@settings(max_examples=80)
@given(st.sampled_from([*ARITHMETIC, *COMPARISONS]), st.data())
def test_operators_of_objects(function, data):
    first, second = data.draw(broadcastable(2))
    a = data.draw(any_values(first, ["O"])) * Fraction(1, 2)
    b = data.draw(any_values(second, ["O", "i4"]))
    # NumPy takes elements of 0-d arrays of objects out of them.
    a, b = np.atleast_1d(np.asarray(a, object)), tame(function, np.empty(0, object), b)
    if function in (operator.truediv, operator.floordiv, operator.mod):
        b = np.asarray(b * b + 1)
    x, y = data.draw(cut(a)), data.draw(cut(b))
    assert_same(outcome(function, x, y), outcome(function, a, b))


@settings(max_examples=250)
@given(st.sampled_from(OPERATORS), st.sampled_from(SCALARS), st.booleans(), st.data())
def test_operators_with_scalars(function, scalar, first, data):
    a = data.draw(any_values(data.draw(shapes()), [*NUMBERS, "m8[s]"]))
    if first:
        has_times = isinstance(scalar, np.generic) and "m" in (scalar.dtype.kind, a.dtype.kind)
        if (has_times or isinstance(scalar, np.datetime64)) and function in COMPARISONS[:2]:
            # Asks for `np.equal`, which refuses where `==` of arrays answers.
            return
        a = np.asarray(tame(function, scalar, a))
        x = data.draw(cut(a))
        assert_same(outcome(function, scalar, x), outcome(function, scalar, a))
    else:
        x, scalar = data.draw(cut(a)), tame(function, a, scalar)
        assert_same(outcome(function, x, scalar), outcome(function, a, scalar))


@settings(max_examples=100)
@given(st.sampled_from(OPERATORS[:7]), st.booleans(), operands(REALS))
def test_operators_with_arrays_in_memory(function, first, operands):
    a, b, x, y = operands
    if function is operator.pow:
        return
    got = outcome(function, a, y) if first else outcome(function, x, b)
    assert_same(got, outcome(function, a, b))


@settings(max_examples=80)
@given(st.sampled_from(UNARY), st.data())
def test_unary_operators(function, data):
    a = data.draw(any_values(data.draw(shapes()), [*NUMBERS, *TIMES, "O"]))
    # NumPy takes elements of 0-d arrays of objects out of them.
    a = np.atleast_1d(a) if a.dtype == object else a
    assert_same(outcome(function, data.draw(cut(a))), outcome(function, a))


@settings(max_examples=100)
@given(st.sampled_from(IN_PLACE), st.data())
def test_operators_in_place(function, data):
    """An array is another one afterwards; who held the old one keeps it."""
    shape = data.draw(shapes())
    a, b = (data.draw(any_values(shape, NUMBERS)) for _ in range(2))
    x, y = data.draw(cut(a)), data.draw(cut(b))
    old = x
    plain = getattr(operator, function.__name__[1:], None) or getattr(
        operator, function.__name__[1:] + "_"
    )
    assert_same(outcome(function, x, y), outcome(plain, a, b))
    np.testing.assert_array_equal(old.compute(), a)


@settings(max_examples=100)
@given(st.sampled_from(ONE_OPERAND), st.data())
def test_functions_of_one_operand(name, data):
    a = data.draw(any_values(data.draw(shapes()), NUMBERS))
    x = data.draw(cut(a))
    want = outcome(getattr(np, name), a)
    assert_same(outcome(getattr(da, name), x), want)
    assert_same(outcome(getattr(np, name), x), want)


@settings(max_examples=120)
@given(st.sampled_from(TWO_OPERANDS), operands(NUMBERS))
def test_functions_of_two_operands(name, operands):
    a, b, x, y = operands
    want = outcome(getattr(np, name), a, b)
    assert_same(outcome(getattr(da, name), x, y), want)
    assert_same(outcome(getattr(np, name), x, y), want)


@settings(max_examples=60)
@given(st.sampled_from(["modf", "frexp"]), st.data())
def test_functions_of_two_results(name, data):
    a = data.draw(any_values(data.draw(shapes()), REALS))
    assert_same(outcome(getattr(da, name), data.draw(cut(a))), outcome(getattr(np, name), a))


@settings(max_examples=100)
@given(st.sampled_from(["add", "maximum", "true_divide"]), st.booleans(), st.data())
def test_where_and_out(name, masked, data):
    """`out` keeps its dtype, and what it held where a mask leaves it out."""
    shape = data.draw(shapes())
    a, b = (data.draw(any_values(shape, ["i4", "f4", "f8"])) for _ in range(2))
    mask = data.draw(any_values(shape, ["?"]))
    target = data.draw(any_values(shape, ["i4", "f4", "f8", "c16"]))
    x, y, where, out = (data.draw(cut(part)) for part in (a, b, mask, target))

    def apply(ufunc: Any, x: Any, y: Any, where: Any, out: Any) -> Any:
        result = ufunc(x, y, out=out, where=where) if masked else ufunc(x, y, out=out)
        assert result is out
        return out

    want = outcome(apply, getattr(np, name), a, b, mask, target.copy())
    if isinstance(want, TypeError) and not masked:
        # As in Dask, `out` becomes what no array in memory could.
        want = outcome(getattr(np, name), a, b)
    assert_same(outcome(apply, getattr(da, name), x, y, where, out), want)


@settings(max_examples=120)
@given(st.data())
def test_where(data):
    first, second, third = data.draw(broadcastable(3))
    mask = data.draw(any_values(first, ["?", "i4", "f8"]))
    a, b = data.draw(any_values(second, NUMBERS)), data.draw(any_values(third, NUMBERS))
    x, y = data.draw(cut(a)), data.draw(cut(b))
    condition = data.draw(cut(mask))
    assert_same(outcome(da.where, condition, x, y), outcome(np.where, mask, a, b))
    scalar = data.draw(st.sampled_from([s for s in SCALARS if not isinstance(s, np.generic)]))
    assert_same(outcome(da.where, condition, x, scalar), outcome(np.where, mask, a, scalar))
    assert_same(outcome(da.where, condition, scalar, y), outcome(np.where, mask, scalar, b))


@settings(max_examples=120)
@given(st.data())
def test_clip(data):
    first, second, third = data.draw(broadcastable(3))
    a = data.draw(any_values(first, REALS[1:]))
    low, high = (data.draw(any_values(shape, REALS[1:])) for shape in (second, third))
    x, y, z = (data.draw(cut(part)) for part in (a, low, high))
    assert_same(outcome(da.clip, x, y, z), outcome(np.clip, a, low, high))
    least, most = (data.draw(st.sampled_from([None, -2, 3, 1.5, 1000])) for _ in range(2))
    assert_same(outcome(da.clip, x, least, most), outcome(np.clip, a, least, most))
    assert_same(outcome(x.clip, least, most), outcome(a.clip, least, most))


@settings(max_examples=60)
@given(st.data())
def test_chains_are_one_expression_to_numpy(data):
    """A chain that is fused gives what its steps give one by one."""
    first, second, third = data.draw(broadcastable(3))
    a, b, c = (data.draw(small_values(s, [*INTEGERS, "f4", "f8"])) for s in (first, second, third))
    x, y, z = (data.draw(cut(part)) for part in (a, b, c))

    def chain(x: Any, y: Any, z: Any) -> Any:
        return (x + y) * 2 - abs(z) // 3 + (x > y) * z - (y - z).astype("f4") / 2

    assert_same(outcome(chain, x, y, z), outcome(chain, a, b, c))


@settings(max_examples=60)
@given(shapes(1, 3, 1, 4), shapes(1, 3, 1, 4))
def test_shapes_that_do_not_fit_are_refused_at_once(first, second):
    x, y = da.ones(first), da.ones(second)
    try:
        np.broadcast_shapes(first, second)
    except ValueError:
        with pytest.raises(ValueError, match="broadcast"):
            x + y
    else:
        assert (x + y).shape == np.broadcast_shapes(first, second)
