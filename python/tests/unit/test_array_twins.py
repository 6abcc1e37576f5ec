"""Reductions of an array with its transpose: pairs of blocks in one task, answers as NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import oxidask.array as da
import pytest

REDUCTIONS = ["sum", "mean", "std", "var", "max", "min", "any", "all"]
CHUNKS = [30, 64, ((10, 20, 70), (10, 20, 70)), ((10, 20, 70), 50), 100]


def numbers(shape: tuple[int, ...], dtype: str = "f8") -> np.ndarray[Any, Any]:
    return (np.random.default_rng(len(shape)).normal(size=shape) * 100).astype(dtype)


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_matrix_and_its_transpose(name: str, chunks: Any) -> None:
    a = numbers((100, 100))
    x = da.from_array(a, chunks=chunks)
    got = getattr(2 * x + x.T - x.mean(axis=0), name)().compute()
    np.testing.assert_allclose(got, getattr(2 * a + a.T - a.mean(axis=0), name)())


@pytest.mark.parametrize("dtype", ["i2", "u8", "f2", "f4", "c8", "c16"])
def test_every_size_of_elements(dtype: str) -> None:
    a = np.abs(numbers((70, 70))).astype(dtype)
    x = da.from_array(a, chunks=17)
    np.testing.assert_allclose((x + x.T).sum().compute(), (a + a.T).sum(), rtol=1e-3)
    np.testing.assert_array_equal((x + x.T).compute(), a + a.T)
    np.testing.assert_array_equal((x.T - x).compute(), a.T - a)


@pytest.mark.parametrize("axis", [(0, 2), (1, 2), 1, None, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_some_of_several_axes(axis: Any, keepdims: bool) -> None:
    a = numbers((20, 5, 20))
    x = da.from_array(a, chunks=(7, 2, 7))
    y, b = x * 3 + x.transpose(2, 1, 0) - x[0], a * 3 + a.transpose(2, 1, 0) - a[0]
    got = y.sum(axis=axis, keepdims=keepdims).compute()
    np.testing.assert_allclose(got, b.sum(axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("name", ["nansum", "nanmean", "nanstd", "nanmax", "nanmin"])
def test_without_nan(name: str) -> None:
    a = numbers((40, 40))
    a[3, 30] = a[31, 2] = np.nan
    x = da.from_array(a, chunks=13)
    np.testing.assert_allclose(getattr(da, name)(x + x.T).compute(), getattr(np, name)(a + a.T))


def test_places_of_extremes() -> None:
    a = numbers((40, 40))
    x = da.from_array(a, chunks=13)
    assert (x - x.T).argmax().compute() == (a - a.T).argmax()


@pytest.mark.parametrize("made", [np.asarray, lambda a: np.ma.masked_greater(a, 30)])
def test_blocks_that_are_no_native_arrays(made: Callable[[Any], Any]) -> None:
    a = made(numbers((40, 40), "i8").astype(object if made is np.asarray else "f8"))
    x = da.from_array(a, chunks=13, asarray=False)
    assert (x + x.T).sum().compute() == pytest.approx((a + a.T).sum())


def test_blocks_of_another_dtype_than_was_said() -> None:
    a = numbers((40, 40))
    x = da.from_array(a, chunks=13).map_blocks(lambda block: block.astype("f4"), dtype="f8")
    b = a.astype("f4")
    assert (x + x.T).sum().compute() == pytest.approx((b + b.T).sum(), rel=1e-4)
