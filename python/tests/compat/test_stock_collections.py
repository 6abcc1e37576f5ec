"""Stock Dask's collections on our schedulers: the answers are those of its own."""

from __future__ import annotations

import numpy as np
import oxidask
import pytest
from oxidask import local, threaded

dask = pytest.importorskip("dask")

schedulers = pytest.mark.parametrize("get", [threaded.get, local.get_sync])


def answers(value, get):
    """The value by stock Dask alone, by Dask on our scheduler, and by our compute."""
    (expected,) = dask.compute(value, scheduler="sync")
    yield expected
    yield dask.compute(value, scheduler=get)[0]
    yield value.compute(scheduler=get)
    yield oxidask.compute(value, scheduler=get)[0]
    yield oxidask.delayed(lambda x: x)(value).compute(scheduler=get)
    with dask.config.set(scheduler=get):
        yield value.compute()


def array_programs():
    da = pytest.importorskip("dask.array")
    x = da.from_array(np.arange(600.0).reshape(20, 30), chunks=(7, 8))
    yield "sum", x.sum()
    yield "product", x @ x.T
    yield "mean", (x - x.mean(axis=0)).std(axis=1)
    yield "rechunked", x.rechunk((20, 3))[::2, ::-1]
    yield "blocks", x.map_blocks(np.sqrt).map_overlap(lambda b: b, depth=1)
    yield "fancy", x[[3, 1, 2]][:, x[0] > 4]
    yield "stacked", da.concatenate([da.stack([x, x * 2]), da.zeros((1, 20, 30), chunks=5)])
    yield "linear", da.linalg.norm(x)


@schedulers
def test_arrays(get):
    for name, program in array_programs():
        expected, *others = answers(program, get)
        for answer in others:
            np.testing.assert_allclose(answer, expected, err_msg=name)


@schedulers
def test_bags(get):
    db = pytest.importorskip("dask.bag")
    bag = db.from_sequence(range(100), npartitions=7)
    programs = [
        bag,
        bag.map(lambda x: x * 2).filter(lambda x: x % 3),
        bag.sum(),
        bag.frequencies(),
        bag.fold(lambda a, b: a + b),
        bag.groupby(lambda x: x % 3).map(lambda group: (group[0], sorted(group[1]))),
        bag.topk(3),
    ]
    for program in programs:
        expected, *others = answers(program, get)
        for answer in others:
            assert answer == expected


@schedulers
def test_dataframes(get):
    pd = pytest.importorskip("pandas")
    dd = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame({"a": [1, 2, 3] * 10, "b": np.arange(30.0), "c": list("xyzxy") * 6})
    lazy = dd.from_pandas(frame, npartitions=4)
    programs = [
        lazy,
        lazy[lazy.a > 1].b.sum(),
        lazy.groupby("a").b.mean(),
        lazy.set_index("b").loc[3:9],
        lazy.merge(lazy.groupby("c").b.sum().reset_index(), on="c", how="left"),
        lazy.b.rolling(3).mean(),
        lazy.describe(),
    ]
    for program in programs:
        expected, *others = answers(program, get)
        for answer in others:
            if isinstance(expected, (pd.DataFrame, pd.Series)):
                same = pd.testing.assert_frame_equal
                same = (
                    same if isinstance(expected, pd.DataFrame) else pd.testing.assert_series_equal
                )
                same(answer.sort_index(), expected.sort_index())
            else:
                assert answer == expected


@schedulers
def test_xarray(get):
    xarray = pytest.importorskip("xarray")
    data = xarray.Dataset(
        {"t": (("x", "y"), np.arange(60.0).reshape(6, 10)), "u": ("x", np.arange(6))},
        coords={"x": np.arange(6) * 2, "month": ("y", np.arange(10) % 3)},
    )
    lazy = data.chunk({"x": 2, "y": 5})
    programs = [
        (lazy, data),
        (lazy.t.mean("x"), data.t.mean("x")),
        (
            lazy.t.isel(x=slice(1, 4)) - lazy.t.mean("y"),
            data.t.isel(x=slice(1, 4)) - data.t.mean("y"),
        ),
        (lazy.t.rolling(y=3).sum(), data.t.rolling(y=3).sum()),
    ]
    for program, expected in programs:
        xarray.testing.assert_allclose(program.compute(scheduler=get), expected)
        xarray.testing.assert_allclose(oxidask.compute(program, scheduler=get)[0], expected)
        with dask.config.set(scheduler=get):
            xarray.testing.assert_allclose(program.compute(), expected)


@schedulers
def test_delayed_values_of_both_kinds_mix(get):
    stock = dask.delayed(sum)([dask.delayed(abs)(-1), 2])
    ours = oxidask.delayed(sum)([oxidask.delayed(abs)(-1), 2])
    assert stock.compute(scheduler=get) == 3
    assert oxidask.compute(stock, [ours], scheduler=get) == (3, [3])
    assert oxidask.delayed(sum)([stock, ours]).compute(scheduler=get) == 6


def test_persist_and_optimize():
    da = pytest.importorskip("dask.array")
    x = da.ones((10, 10), chunks=3) + 1
    (kept,) = oxidask.persist(x)
    assert float(kept.sum().compute(scheduler=threaded.get)) == 200.0
    (faster,) = oxidask.optimize(x)
    assert float(faster.sum().compute(scheduler=threaded.get)) == 200.0


@schedulers
def test_a_stock_array_inside_a_delayed_call_is_computed_beside_others(get):
    da = pytest.importorskip("dask.array")
    x = da.arange(10, chunks=3)
    length = oxidask.delayed(len)(x * 2)
    total, n, again = oxidask.compute(
        x.sum(), length, oxidask.delayed(sum)([length, x.sum()]), scheduler=get
    )
    assert (total, n, again) == (45, 10, 55)
