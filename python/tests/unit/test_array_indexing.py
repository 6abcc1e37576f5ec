"""Indexing, rechunk and reshape: chunks, errors and NumPy's corner cases."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import oxidask.array as da
import pytest


@pytest.fixture
def x() -> Any:
    return np.arange(4 * 5 * 6).reshape(4, 5, 6)


@pytest.fixture
def d(x: Any) -> Any:
    return da.asarray(x).rechunk((2, 2, 4))


@pytest.mark.parametrize(
    "index",
    [
        (0, slice(None), [1, 3]),
        (None, [0, 2], Ellipsis, -1),
        ([0, 2], [1, 3]),
        ([0, 1], slice(None), [1, 3]),
        (slice(None), np.array([[0, 1], [4, 2]])),
        (np.array([[0, 1], [3, 2]]), slice(1, None, 2), np.array([0, 5])),
        (np.array([[0], [3]]), np.array([1, 2, 4])),
        (Ellipsis, np.zeros((5, 6), dtype=bool)),
    ],
)
def test_index_arrays_give_numpys_shapes(x: Any, d: Any, index: Any) -> None:
    # Dask gives other shapes for some of these, and refuses others.
    result = d[index]
    assert result.shape == x[index].shape
    np.testing.assert_array_equal(result.compute(), x[index])


def test_slices_keep_the_grid_without_empty_blocks() -> None:
    y = da.asarray(np.arange(20)).rechunk(5)
    assert y[::2].chunks == ((3, 2, 3, 2),)
    assert y[7:].chunks == ((3, 5, 5),)
    assert y[::-1][:7].chunks == ((5, 2),)
    assert y[:0].chunks == ((0,),)


def test_whole_slices_are_the_array_itself(d: Any) -> None:
    assert d[:] is d
    assert d[...] is d
    assert d[0 : len(d)] is d
    assert d.rechunk(d.chunks) is d
    assert d.reshape(d.shape) is d
    assert d[0].name == d[-4].name


def test_a_random_take_has_blocks_of_the_inputs_size() -> None:
    y = da.asarray(np.arange(1000)).rechunk(100)
    index = np.random.default_rng(0).permutation(1000)
    assert y[index].chunks == ((100,) * 10,)
    np.testing.assert_array_equal(y[index].compute(), index)
    assert y[np.arange(1000)] is y


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (4, "index 4 is out of bounds for axis 0 with size 4"),
        ((0, -6), "index -6 is out of bounds for axis 1 with size 5"),
        ([5], "index 5 is out of bounds for axis 0 with size 4"),
        ((0, 0, 0, 0), "too many indices for array: array is 3-dimensional, but 4"),
        ((Ellipsis, Ellipsis), "single ellipsis"),
        (([0, 1], [0, 1, 2]), r"\(2,\) \(3,\)"),
        ([True, False], "size of axis is 4 but size of corresponding boolean axis is 2"),
        (1.5, "only integers"),
        (slice(0, 1.5), "slice indices must be integers"),
    ],
)
def test_wrong_indices_are_numpys_errors(d: Any, index: Any, text: str) -> None:
    with pytest.raises(IndexError, match=text):
        d[index]


def test_points_and_blocks(x: Any, d: Any) -> None:
    np.testing.assert_array_equal(d.vindex[[0, 1], :, [2, 3]].compute(), x[[0, 1], :, [2, 3]])
    with pytest.raises(IndexError, match="newaxis"):
        d.vindex[None]
    with pytest.raises(IndexError, match="boolean"):
        d.vindex[[True] * 4]
    assert d.blocks.shape == d.numblocks
    np.testing.assert_array_equal(d.blocks[1, [2, 0]].compute(), x[2:, [4, 0, 1]])
    with pytest.raises(IndexError):
        d.blocks[2]
    with pytest.raises(ValueError, match="single list"):
        d.blocks[[0], [0]]


def test_masks_give_unknown_chunks_that_flow_on(x: Any, d: Any) -> None:
    kept = d[da.asarray(x[:, 0, 0] > 40)]
    assert np.isnan(kept.shape[0])
    assert kept[:, 0].compute().shape == (2, 6)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        kept[0]
    with pytest.raises(ValueError, match="unchanging"):
        kept.rechunk(((3,), (5,), (6,)))


def test_positions_outside_fail_when_they_are_computed() -> None:
    y = da.asarray(np.arange(4)).rechunk(2)
    with pytest.raises(IndexError, match="index 4 is out of bounds"):
        y[da.asarray(np.array([4]))].compute()


def test_fields_and_objects() -> None:
    records = np.array([(1, 1.0), (2, 2.0)], dtype=[("a", "i4"), ("b", "f4")])
    y = da.asarray(records)
    np.testing.assert_array_equal(y["a"].compute(), records["a"])
    words = np.array(["a", "bb", None, 4], dtype=object)
    z = da.asarray(words).rechunk(3)
    assert z[[3, 0]].compute().tolist() == [4, "a"]
    assert z[::-2].compute().tolist() == [4, "bb"]
    assert z.reshape((2, 2)).compute().tolist() == [["a", "bb"], [None, 4]]


def test_rechunk_takes_all_forms() -> None:
    y = da.asarray(np.zeros((24, 24))).rechunk((4, 8))
    assert y.rechunk({0: 12}).chunks == ((12, 12), (8, 8, 8))
    assert y.rechunk((None, -1)).chunks == ((4,) * 6, (24,))
    assert y.rechunk("auto").chunks == ((24,), (24,))
    assert y.rechunk({-1: "auto"}, block_size_limit=8 * 48).chunks == ((4,) * 6, (8, 8, 8))
    with pytest.raises(ValueError, match="not consistent with shape"):
        y.rechunk((4,))
    with pytest.raises(ValueError, match="Chunks do not add up to shape"):
        y.rechunk(((4, 4), 8))
    with pytest.raises(ValueError, match="100"):
        y.rechunk({100: 4})
    with pytest.raises(TypeError, match="blah"):
        y.rechunk({"blah": 4})


def test_balanced_chunks() -> None:
    y = da.asarray(np.zeros(220))
    assert y.rechunk(100, balance=True).chunks == ((110, 110),)
    with pytest.warns(UserWarning, match="Try increasing the chunk size"):
        y[:100].rechunk(9, balance=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y[:100].rechunk(10, balance=True)


def test_reshape_of_runs_moves_nothing() -> None:
    y = da.asarray(np.arange(24).reshape(2, 3, 4)).rechunk((1, (1, 2), (2, 2)))
    assert y.reshape((6, 4)).chunks == ((1, 2, 1, 2), (2, 2))
    assert y.reshape(24).chunks == ((4,) * 6,)
    assert y.reshape((6, -1)).shape == (6, 4)
    with pytest.raises(ValueError, match="total size"):
        y.reshape((5, 5))
    with pytest.raises(ValueError, match="one unknown"):
        y.reshape((-1, -1))
