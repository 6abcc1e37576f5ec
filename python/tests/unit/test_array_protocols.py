"""Arrays among the arrays of other libraries."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import oxidask.array as da
import pytest


class Wrapper(np.lib.mixins.NDArrayOperatorsMixin):
    """An array with units, say: it holds arrays of ours, and has a graph because they have one."""

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [x.inside if isinstance(x, Wrapper) else x for x in inputs]
        return Wrapper(getattr(ufunc, method)(*plain, **kwargs))

    def __dask_graph__(self) -> Any:
        return {"x": 1}


@pytest.mark.parametrize(
    "op", [operator.add, operator.pow, operator.eq, operator.lt, np.subtract, np.maximum]
)
def test_arrays_leave_operations_to_what_wraps_them(op: Any) -> None:
    x, wrapped = da.ones(4, chunks=2), Wrapper(np.arange(4))
    for result in (op(x, wrapped), op(wrapped, x)):
        assert type(result) is Wrapper
        assert isinstance(result.inside, da.Array)
    np.testing.assert_array_equal(op(x, wrapped).inside.compute(), op(np.ones(4), np.arange(4)))


def test_unknown_keywords_of_conversions_are_ignored_aloud() -> None:
    with pytest.warns(FutureWarning, match="ignored"):
        np.testing.assert_array_equal(da.ones(3).__array__(mood="good"), np.ones(3))


def test_other_names_of_functions_stay_lazy() -> None:
    x = da.arange(6, chunks=4)
    assert isinstance(np.amax(x), da.Array)
    assert np.amax(x).compute() == 5
    assert np.amin(x, axis=0).compute() == 0


@pytest.mark.parametrize("name", ["vstack", "hstack", "dstack", "column_stack"])
def test_stacks_take_sequences(name: str) -> None:
    message = f"{name} expects a sequence of arrays as the first argument"
    with pytest.raises(NotImplementedError, match=message):
        getattr(da, name)(da.ones((3, 3)))


def test_functions_that_we_lack_compute_and_say_so() -> None:
    with pytest.warns(FutureWarning, match=r"`numpy\..*` function is not"):
        assert np.min_scalar_type(da.from_array(np.array([300]))) == np.min_scalar_type([300])


@pytest.mark.parametrize("nested", [[1, [2]], [1, []], [[1], 2], [[], 2], [[[1], [2]], [[3]], [4]]])
def test_blocks_nested_unevenly(nested: Any) -> None:
    with pytest.raises(ValueError, match="depths are mismatched"):
        da.block(nested)


def test_blocks_of_nothing() -> None:
    with pytest.raises(ValueError, match=r"Lists cannot be empty: arrays\[1\]"):
        da.block([[1, 2], []])


def test_operations_that_cut_much_finer_warn() -> None:
    x, y = da.ones((20, 20), chunks=(20, 1)), da.ones((20, 20), chunks=(1, 20))
    with pytest.warns(da.PerformanceWarning, match="factor of 20"):
        x + y


class Old:
    """A type of before ufuncs' protocol, that says how much it matters."""

    def __init__(self, priority: float) -> None:
        self.__array_priority__ = priority

    def __radd__(self, other: Any) -> str:
        return "mine"


def test_priorities_decide_where_there_is_no_protocol() -> None:
    x = da.ones(2)
    assert x + Old(x.__array_priority__ + 1) == "mine"
    assert isinstance(x + Old(x.__array_priority__ - 1), da.Array)


@pytest.mark.parametrize("shapes", [((2, 3), (1, np.nan)), ((3,), (3, 4)), ((2, 3), (2, 3, 1))])
def test_shapes_that_do_not_meet(shapes: Any) -> None:
    with pytest.raises(ValueError, match="could not be broadcast together"):
        da.core.broadcast_shapes(*shapes)


def test_unknown_extents_meet_ones() -> None:
    assert str(da.core.broadcast_shapes((1, np.nan), (2, 1))) == "(2, nan)"


@pytest.mark.parametrize(("nested", "axes"), [([[1, 1], [1, 1]], [0]), ([1, 1], [0, 1, 2, 3])])
def test_lists_of_blocks_need_an_axis_for_each_depth(nested: Any, axes: Any) -> None:
    ones = np.ones((2, 2, 2))
    blocks = [[ones for _ in row] if isinstance(row, list) else ones for row in nested]
    with pytest.raises(ValueError, match="one axis for each depth"):
        da.core.concatenate_axes(blocks, axes=axes)


def test_shapes_that_do_not_fit_are_listed() -> None:
    with pytest.raises(ValueError, match=r"Shapes: \(2, 1\), \(2, 3\)"):
        da.concatenate([da.zeros((2, 1)), da.zeros((2, 3))])


@pytest.mark.parametrize("number", [3, 3.0, True, np.int64(3)])
@pytest.mark.parametrize("dtype", ["i1", "i4", "i8"])
def test_numbers_times_powers_of_two_have_numpys_dtype(number: Any, dtype: str) -> None:
    x = np.arange(4, dtype=dtype)
    result = da.ldexp(number, da.from_array(x, chunks=2))
    assert result.dtype == result.compute().dtype == np.ldexp(number, x).dtype
    np.testing.assert_array_equal(result.compute(), np.ldexp(number, x))
