"""Blocks become one result, whatever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import oxidask.array as da
import pytest

SCHEDULERS = ["sync", "threads"]


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_numbers_stand_for_blocks_of_one_element(scheduler: str) -> None:
    x = da.ones((4, 2), chunks=(2, 1)).map_blocks(lambda block: 7, dtype=int)
    np.testing.assert_array_equal(x.compute(scheduler=scheduler), np.full((2, 2), 7))


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_blocks_of_other_shapes_than_promised_are_joined_as_they_are(scheduler: str) -> None:
    def longer_at_first(block: Any) -> Any:
        return np.append(block, 9.0) if block[0] == 0 else block

    x = da.arange(6, chunks=2).map_blocks(longer_at_first, dtype=float)
    assert x.compute(scheduler=scheduler).tolist() == [0, 1, 9, 2, 3, 4, 5]


def test_promised_and_surprising_blocks_with_empty_ones_between() -> None:
    x = da.from_array(np.arange(4.0), chunks=((2, 0, 2),))
    y = x.map_blocks(lambda block: np.zeros(3) if len(block) == 0 else block, dtype=float)
    assert y.compute().tolist() == [0, 1, 0, 0, 0, 2, 3]


def test_blocks_that_fit_nowhere_are_refused() -> None:
    def odd(block: Any) -> Any:
        return np.ones((2, 3)) if block[0, 0] == 0 else block

    x = da.arange(8, chunks=8).reshape((4, 2)).rechunk((2, 2))
    with pytest.raises(ValueError, match="dimensions"):
        x.map_blocks(odd, dtype=float).compute()


def test_new_axes_of_windows_may_be_longer_than_one() -> None:
    x = da.arange(6, chunks=2)
    y = x.map_overlap(lambda block: np.stack([block, -block]), depth=1, new_axis=[0])
    np.testing.assert_array_equal(y.compute(), np.stack([np.arange(6), -np.arange(6)]))


def test_fields_keep_their_offsets() -> None:
    x = np.zeros(5, dtype=[("a", "i4"), ("b", "f8"), ("c", "i2")])
    x["c"] = np.arange(5)
    y = da.from_array(x, chunks=2)[["c", "a"]]
    assert y.compute().dtype == x[["c", "a"]].dtype == y.dtype
    assert y.compute()["c"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix"])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_sparse_blocks(kind: str, scheduler: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    plain = np.arange(24.0).reshape(6, 4) % 3
    x = da.from_array(plain, chunks=(2, 2)).map_blocks(getattr(sparse, kind))
    result = x.compute(scheduler=scheduler)
    assert sparse.issparse(result)
    assert result.format == kind[:3]
    np.testing.assert_array_equal(result.toarray(), plain)
    both = da.concatenate([x, x], axis=1).compute(scheduler=scheduler)
    np.testing.assert_array_equal(both.toarray(), np.hstack([plain, plain]))


def test_sparse_matrices_are_sources_and_can_be_assigned_to() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    plain = np.eye(6)
    x = da.from_array(sparse.csr_array(plain), chunks=3)
    assert sparse.issparse(x.compute())
    one = da.from_array(sparse.csr_array(plain))
    one[:2, :2] = 0
    plain[:2, :2] = 0
    np.testing.assert_array_equal(one.compute().toarray(), plain)


def test_elements_are_numbers_until_they_are_assigned_to() -> None:
    x = da.zeros(2)[0]
    assert isinstance(x.compute(), np.generic)
    x[()] = 3
    assert type(x.compute()) is np.ndarray
    assert x.compute() == 3
