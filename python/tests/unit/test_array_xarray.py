"""xarray on arrays of ours."""

import numpy as np
import oxidask.array as da
import pytest
from oxidask.highlevelgraph import HighLevelGraph

xr = pytest.importorskip("xarray")

from oxidask.array._xarray import OxidaskManager  # noqa: E402


@pytest.fixture
def x():
    return np.arange(60.0).reshape(3, 4, 5)


@pytest.fixture
def labelled(x):
    return xr.DataArray(da.from_array(x, chunks=2), dims=("a", "b", "c"))


@pytest.fixture
def manager(monkeypatch):
    """The only manager of chunks that xarray knows."""
    from xarray.namedarray import parallelcompat

    manager = OxidaskManager()
    monkeypatch.setattr(parallelcompat, "load_chunkmanagers", lambda points: {"oxidask": manager})
    parallelcompat.list_chunkmanagers.cache_clear()
    yield manager
    monkeypatch.undo()
    parallelcompat.list_chunkmanagers.cache_clear()


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize(
    "index",
    [
        {"a": 0, "c": [1, 2]},
        {"a": [0, 1], "b": [2, 3]},
        {"a": [2, 0], "b": [0, 1, 3], "c": 1},
        {"a": np.array([True, False, True]), "c": [0, 4]},
        {"a": [1], "b": slice(1, 3), "c": [0, 1]},
    ],
)
def test_indices_of_several_axes_go_axis_by_axis(x, labelled, index):
    expected = xr.DataArray(x, dims=labelled.dims).isel(index)
    result = labelled.isel(index)
    assert isinstance(result.data, da.Array)
    xr.testing.assert_equal(result.compute(), expected)


def test_elsewhere_they_are_points(x):
    d = da.from_array(x, chunks=2)
    np.testing.assert_array_equal(d[[0, 1], [2, 3]].compute(), x[[0, 1], [2, 3]])
    np.testing.assert_array_equal(d[0, :, [1, 2]].compute(), x[0, :, [1, 2]])


@pytest.mark.usefixtures("manager")
def test_chunks_windows_and_groups(x):
    eager = xr.DataArray(x, dims=("a", "b", "c"), coords={"b": [0, 0, 1, 1]})
    lazy = eager.chunk({"b": 2})
    assert lazy.chunks == ((3,), (2, 2), (5,))
    for function in (
        lambda v: v.rolling(c=2).mean(),
        lambda v: v.groupby("b").sum(),
        lambda v: v.argmax("c"),
        lambda v: v.std(("a", "b")),
        lambda v: xr.full_like(v, 3.5),
        lambda v: xr.apply_ufunc(np.sqrt, v, dask="parallelized", output_dtypes=[float]),
    ):
        result = function(lazy)
        assert isinstance(result.data, da.Array)
        xr.testing.assert_allclose(result.compute(), function(eager))


@pytest.mark.usefixtures("manager")
def test_positions_of_several_axes_keep_their_chunks():
    labels = xr.DataArray(da.arange(6, chunks=6), dims="t")
    positions = np.arange(12).reshape(3, 4) % 6
    by = xr.DataArray(da.from_array(positions, chunks=(2, 3)), dims=("x", "y"))
    result = labels.isel(t=by)
    assert result.chunks == ((2, 1), (3, 1))
    np.testing.assert_array_equal(result.values, positions)


def test_the_manager_of_dask_leaves_ours_alone(labelled):
    pytest.importorskip("dask")
    from xarray.namedarray.daskmanager import DaskManager

    ours, theirs = OxidaskManager(), DaskManager()
    assert ours.is_chunked_array(labelled.data)
    assert not theirs.is_chunked_array(labelled.data)
    kept = theirs.from_array(labelled.data, (1, 4, 5))
    assert isinstance(kept, da.Array)
    assert kept.chunks == ((1, 1, 1), (4,), (5,))
    made = theirs.from_array(np.ones(4), (2,))
    assert theirs.is_chunked_array(made)
    assert not isinstance(made, da.Array)


def test_the_layers_of_an_array_are_those_it_was_made_of():
    base = da.ones(4, chunks=2)
    name = "doubled"
    layer = {(name, i): (np.multiply, (base.name, i), 2) for i in range(2)}
    graph = HighLevelGraph.from_collections(name, layer, dependencies=[base])
    array = da.Array(graph, name, base.chunks, dtype=base.dtype)
    assert array.dask is graph
    assert array.__dask_graph__().layers.keys() == {name, base.name}
    np.testing.assert_array_equal((array + 1).compute(), [3, 3, 3, 3])


def test_nan_among_integers_is_some_integer():
    with pytest.warns(RuntimeWarning, match="invalid value"):
        result = da.full(3, np.nan, dtype="i4", chunks=2)
    assert result.dtype == "i4"
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(result.compute(), np.full(3, np.nan, dtype="i4"))
