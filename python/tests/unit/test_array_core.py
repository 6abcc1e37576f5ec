"""The array class: what it is for those who compute with it."""

from __future__ import annotations

import numpy as np
import oxidask
import oxidask.array as da


def test_computing_makes_no_graph_in_python():
    x = da.ones((40, 40), chunks=1)
    y = (x + x.T).sum()
    assert oxidask.is_dask_collection(y)
    assert y.compute() == 3200
    assert oxidask.compute([y], y + 1) == ([3200.0], 3201.0)
    y.persist()
    assert "dask" not in vars(y)
    assert len(y.dask) > 1600


def test_results_are_the_caller_s_to_write_to():
    source = np.arange(6.0)
    x = da.from_array(source, chunks=3)
    kept = (x + 1).persist()
    for array in (x, x[:3], x + 1, x.T, kept, kept[:3], da.ones(3), da.broadcast_to(x, (2, 6))):
        expected = array.compute().copy()
        first, second = oxidask.compute(array, array * 1)
        first[...] = -1
        np.testing.assert_array_equal(second, expected)
        np.testing.assert_array_equal(array.compute(), expected)
    np.testing.assert_array_equal(source, np.arange(6.0))


def test_functions_of_blocks_may_write_to_them():
    def doubled(block):
        block *= 2
        return block

    x = da.from_array(np.arange(6.0), chunks=3)
    np.testing.assert_array_equal((x + 1).map_blocks(doubled), 2 * (np.arange(6.0) + 1))


def test_results_have_the_layout_of_their_inputs():
    values = np.arange(60.0).reshape(3, 4, 5)
    x = da.from_array(values, chunks=2)
    cases = [
        lambda x: x.T + 1,
        lambda x: x + x.T.T,
        lambda x: x.transpose(1, 2, 0) * x.transpose(1, 2, 0)[:, :1],
        lambda x: x[:, :3, :3] + x[:, :3, :3].transpose(0, 2, 1),
    ]
    for case in cases:
        result, expected = case(x).compute(), case(values)
        np.testing.assert_array_equal(result, expected)
    assert (x.T + 1).compute().strides == (values.T + 1).strides
