"""Products of masked arrays."""

from __future__ import annotations

import numpy as np
import oxidask.array as da
import pytest


def masked(shape: tuple[int, ...], seed: int) -> np.ma.MaskedArray:
    rng = np.random.default_rng(seed)
    return np.ma.array(rng.integers(1, 9, shape), mask=rng.random(shape) < 0.6)


@pytest.mark.parametrize("chunks", [2, 3, -1])
def test_matrix_products_are_those_of_valid_elements(chunks: int) -> None:
    x, y = masked((5, 6), 0), masked((6, 4), 1)
    want = np.ma.dot(x, y)
    assert want.mask.any()
    got = da.tensordot(da.from_array(x, chunks=chunks), da.from_array(y, chunks=chunks), axes=1)
    assert isinstance(got._meta, np.ma.MaskedArray)
    result = got.compute()
    np.testing.assert_array_equal(result.mask, want.mask)
    np.testing.assert_array_equal(result.filled(0), want.filled(0))


@pytest.mark.parametrize("chunks", [2, 3])
def test_plain_factors(chunks: int) -> None:
    x, y = masked((4, 3, 2), 2), np.arange(12).reshape(4, 3)
    got = da.tensordot(da.from_array(x, chunks=chunks), y, axes=[(0, 1), (0, 1)]).compute()
    assert isinstance(got, np.ma.MaskedArray)
    np.testing.assert_array_equal(
        got.filled(0), np.tensordot(x.filled(0), y, axes=[(0, 1), (0, 1)])
    )


def test_products_in_batches() -> None:
    x, y = masked((3, 4, 5), 3), masked((3, 5), 4)
    got = da.einsum("ijk,ik->ij", da.from_array(x, chunks=2), da.from_array(y, chunks=2)).compute()
    want = (x * y[:, None, :]).sum(axis=2)
    np.testing.assert_array_equal(np.ma.getmaskarray(got), np.ma.getmaskarray(want))
    np.testing.assert_array_equal(got.filled(0), want.filled(0))
