"""Our arrays in the hands of stock Dask, where it is installed beside us."""

from __future__ import annotations

import numpy as np
import oxidask.array as da
import pytest

dask = pytest.importorskip("dask")


@pytest.fixture
def lazy():
    x = da.from_array(np.arange(24.0).reshape(4, 6), chunks=(2, 4))
    return (x @ x.T)[::2].sum(axis=0) + da.ones(4, chunks=2)


@pytest.mark.parametrize("scheduler", [None, "sync", "threads"])
@pytest.mark.parametrize("optimize_graph", [True, False])
def test_its_schedulers_run_our_graphs(lazy, scheduler, optimize_graph):
    how = {"scheduler": scheduler, "optimize_graph": optimize_graph}
    (computed,) = dask.compute(lazy, **how)
    np.testing.assert_array_equal(computed, lazy.compute())
    listed, doubled = dask.compute({"x": [lazy]}, lazy * 2, **how)
    np.testing.assert_array_equal(listed["x"][0] * 2, doubled)
    (kept,) = dask.persist(lazy, **how)
    assert isinstance(kept, da.Array)
    np.testing.assert_array_equal((kept + 1).compute(), computed + 1)


def test_its_delayed_functions_take_our_arrays(lazy):
    total = dask.delayed(np.sum)(lazy).compute(scheduler="sync")
    assert total == lazy.sum().compute()


def test_what_it_optimises_runs_everywhere(lazy):
    (optimised,) = dask.optimize(lazy)
    assert isinstance(optimised, da.Array)
    np.testing.assert_array_equal(optimised.compute(), lazy.compute())
    np.testing.assert_array_equal((optimised + 1).compute(), lazy.compute() + 1)
    np.testing.assert_array_equal(dask.compute(optimised, scheduler="sync")[0], lazy.compute())


def test_our_graphs_are_ours_to_everybody_else(lazy):
    assert hasattr(lazy.dask, "layers")
    assert lazy.__dask_graph__() is lazy.dask
