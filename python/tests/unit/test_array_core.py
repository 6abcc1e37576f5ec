"""The array class: what it is for those who compute with it."""

from __future__ import annotations

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
