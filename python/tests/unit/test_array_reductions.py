"""Reductions: what Dask gets wrong, masks, objects, trees, Python functions."""

from __future__ import annotations

import numpy as np
import oxidask.array as da
import pytest


def test_half_floats_have_means_that_do_not_overflow() -> None:
    values = np.full(100_000, 3.0, dtype="f2")
    mean = da.from_array(values, chunks=30_000).mean().compute()
    assert mean == 3.0
    assert mean.dtype == np.float16


@pytest.mark.parametrize("values", [[5, -7, 3], [7, 0], [-7, 2, 0, 0], ["NaT", 3]])
def test_timedeltas_have_sums_and_means(values: list[object]) -> None:
    values = np.array(values, dtype="m8[s]")
    x = da.from_array(values, chunks=2)
    np.testing.assert_equal(x.sum().compute(), values.sum())
    np.testing.assert_equal(x.mean().compute(), values.mean())


def test_extremes_of_no_columns_are_empty_and_of_no_rows_refused() -> None:
    x = da.from_array(np.zeros((0, 3)), chunks=2)
    assert x.max(axis=1).compute().shape == (0,)
    with pytest.raises(ValueError, match="zero-size array to reduction operation maximum"):
        x.max(axis=0)
    with pytest.raises(ValueError, match="argmin of an empty sequence"):
        x.argmin(axis=0)
    assert x.max(axis=0, initial=2.0).compute().tolist() == [2.0, 2.0, 2.0]


def test_where_and_initial_are_numpys() -> None:
    values = np.arange(12.0).reshape(3, 4)
    mask = values % 3 != 0
    x, where = da.from_array(values, chunks=2), da.from_array(mask, chunks=2)
    for name in ["sum", "mean", "prod", "std", "var"]:
        expected = getattr(np, name)(values, axis=0, where=mask)
        got = getattr(da, name)(x, axis=0, where=where)
        np.testing.assert_allclose(got.compute(), expected)
    assert da.sum(x, initial=10.0).compute() == values.sum() + 10
    assert da.min(x, initial=-1.0, where=where).compute() == -1
    with pytest.raises(ValueError, match="initial"):
        da.max(x, where=where)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "std", "prod"])
def test_masked_elements_do_not_count(name: str) -> None:
    values = np.ma.array(
        np.arange(1.0, 13).reshape(3, 4), mask=np.arange(12).reshape(3, 4) % 5 == 0
    )
    x = da.from_array(values, chunks=2, asarray=False)
    for axis in [None, 0, 1]:
        expected = getattr(values, name)(axis=axis)
        got = getattr(x, name)(axis=axis).compute()
        np.testing.assert_allclose(np.ma.filled(got, -1), np.ma.filled(expected, -1))


def test_objects_are_reduced_by_numpy() -> None:
    values = np.array([[1, 2, 3], [4, 5, 10**30]], dtype=object)
    x = da.from_array(values, chunks=2)
    assert x.sum().compute() == values.sum()
    assert x.max(axis=0).compute().tolist() == [4, 5, 10**30]


def test_python_functions_are_merged_in_a_tree() -> None:
    x = da.from_array(np.arange(100.0), chunks=3)
    total = da.reduction(x, np.sum, np.sum, dtype=float, split_every=3)
    assert total.compute() == 4950
    levels = {key[0].rsplit("-", 1)[0] for key in total.dask}
    assert {"sum", "sum-partial", "sum-aggregate"} <= levels

    def chunk(block: np.ndarray, axis: object, keepdims: bool) -> dict[str, object]:
        return {"n": block.size, "total": block.sum()}

    def mean(parts: list[dict[str, float]], axis: object, keepdims: bool) -> float:
        return sum(p["total"] for p in parts) / sum(p["n"] for p in parts)

    def merge(parts: list[dict[str, float]], axis: object, keepdims: bool) -> dict[str, float]:
        return {key: sum(p[key] for p in parts) for key in ("n", "total")}

    got = da.reduction(
        x,
        chunk,
        mean,
        combine=merge,
        concatenate=False,
        dtype=float,
        split_every=2,
        meta=np.empty(()),
    )
    assert got.compute() == 49.5


def test_blocks_of_another_dtype_than_promised_are_cast() -> None:
    x = da.from_array(np.arange(6), chunks=2).map_blocks(
        lambda block: block.astype("i4"), dtype="f8", meta=np.empty(0)
    )
    assert x.sum().compute() == 15.0


def test_names_are_of_what_is_computed() -> None:
    x = da.from_array(np.arange(6.0), chunks=2)
    assert x.sum().name == x.sum().name
    assert len({x.sum().name, x.sum(keepdims=True).name, x.mean().name, x.sum(axis=()).name}) == 4


def test_medians_over_all_axes_and_percentiles_are_exact() -> None:
    values = np.random.default_rng(0).normal(size=(9, 10))
    x = da.from_array(values, chunks=4)
    assert da.median(x).compute() == np.median(values)
    np.testing.assert_array_equal(
        da.quantile(x, [0.1, 0.5], axis=1).compute(), np.quantile(values, [0.1, 0.5], axis=1)
    )
    flat = da.from_array(values.ravel(), chunks=7)
    for method in ["linear", "lower", "higher", "midpoint", "nearest"]:
        np.testing.assert_array_equal(
            da.percentile(flat, [3, 50, 99], method=method).compute(),
            np.percentile(values, [3, 50, 99], method=method),
        )


def test_out_becomes_the_result() -> None:
    x = da.from_array(np.arange(6.0).reshape(2, 3), chunks=2)
    out = da.from_array(np.zeros(3), chunks=1)
    assert x.sum(axis=0, out=out) is out
    assert out.compute().tolist() == [3.0, 5.0, 7.0]
    with pytest.raises(ValueError, match="Mismatched shapes"):
        x.sum(axis=1, out=out)
