"""Factorisations column by column: of matrices of several blocks, larger than one task takes."""

from __future__ import annotations

import numpy as np
import oxidask
import oxidask.array as da
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

RNG = np.random.default_rng(7)

#: Columns are at least 128 wide: these are three, the last one ragged.
N = 300


def matrix(n=N, dtype="f8", hermitian=False):
    x = RNG.normal(size=(n, n))
    if np.dtype(dtype).kind == "c":
        x = x + 1j * RNG.normal(size=(n, n))
    if np.dtype(dtype).kind == "i":
        x = x * 10
    x = x @ x.conj().T / n + np.eye(n) if hermitian else x
    return x.astype(dtype)


def lazy(x, n=77):
    return da.from_array(x, chunks=n)


def tolerance(dtype):
    return 2e-2 if np.dtype(dtype) in ("f4", "c8") else 1e-8


def close(ours, theirs, atol):
    ours = np.asarray(ours)
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, atol=atol * max(1, abs(theirs).max()))


def n_layers(array, does):
    return sum(does in layer[0] for layer in array.explain().layers)


DTYPES = ["f8", "f4", "c16", "c8", "i4"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("chunks", [77, 100, ((120, 180), (120, 180))], ids=str)
def test_lu_multiplies_back_and_pivots_by_the_largest(dtype, chunks):
    x = matrix(dtype=dtype)
    a = lazy(x, chunks)
    p, lower, upper = da.linalg.lu(a)
    assert p.chunks == lower.chunks == upper.chunks == a.chunks
    p, lower, upper = oxidask.compute(p, lower, upper)
    assert lower.dtype == upper.dtype == np.linalg.inv(x).dtype
    np.testing.assert_array_equal(np.triu(lower, 1), 0)
    np.testing.assert_array_equal(np.diag(lower), 1)
    np.testing.assert_array_equal(np.tril(upper, -1), 0)
    # Complex pivots are the largest by the sum of their parts.
    assert abs(lower).max() <= (2**0.5 if lower.dtype.kind == "c" else 1) + 1e-6
    np.testing.assert_array_equal(p @ p.T, np.eye(N))
    np.testing.assert_allclose(p @ lower @ upper, x, atol=tolerance(lower.dtype))


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_lu_is_scipys(dtype):
    linalg = pytest.importorskip("scipy.linalg")
    x = matrix(dtype=dtype)
    for ours, theirs in zip(da.linalg.lu(lazy(x)), linalg.lu(x), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sides", [(), (1,), (40,), (150,)], ids=str)
def test_solutions(dtype, sides):
    x, b = matrix(dtype=dtype), RNG.normal(size=(N, *sides)).astype(dtype)
    y = lazy(b, (77, 33)[: b.ndim])
    solved = da.linalg.solve(lazy(x), y)
    assert solved.chunks == y.chunks
    close(solved, np.linalg.solve(x, b), tolerance(dtype))
    for lower in (False, True):
        half = np.tril(x) if lower else np.triu(x)
        half = half / N + np.eye(N, dtype=half.dtype)
        full = half + (np.triu(x, 1) if lower else np.tril(x, -1))
        close(
            da.linalg.solve_triangular(lazy(full), y, lower=lower),
            np.linalg.solve(half, b),
            tolerance(dtype),
        )


@pytest.mark.parametrize("dtype", ["f8", "f4", "c16", "c8"])
def test_hermitian_matrices_by_cholesky(dtype):
    x = matrix(dtype=dtype, hermitian=True)
    # Only the lower half is read.
    a = lazy(np.tril(x) + np.triu(np.full_like(x, np.nan), 1))
    lower = da.linalg.cholesky(a, lower=True)
    assert lower.chunks == a.chunks
    close(lower, np.linalg.cholesky(x), tolerance(dtype))
    close(da.linalg.cholesky(a), np.linalg.cholesky(x).conj().T, tolerance(dtype))
    b = RNG.normal(size=N).astype(dtype)
    close(
        da.linalg.solve(lazy(x), lazy(b), assume_a="pos"), np.linalg.solve(x, b), tolerance(dtype)
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_inverse_and_determinant(dtype):
    x = matrix(dtype=dtype)
    a = lazy(x)
    assert da.linalg.inv(a).chunks == a.chunks
    close(da.linalg.inv(a), np.linalg.inv(x), tolerance(dtype))
    sign, log = da.linalg.slogdet(a)
    close(sign, np.linalg.slogdet(x).sign, tolerance(dtype))
    close(log, np.linalg.slogdet(x).logabsdet, tolerance(dtype))
    # Of a size that the dtype has.
    small = (x / np.exp(log.compute() / N)).astype(np.linalg.inv(x).dtype)
    close(da.linalg.det(lazy(small)), np.linalg.det(small), tolerance(dtype))


def test_ill_conditioned_matrices_solve_as_in_numpy():
    x = 1 / (np.arange(N)[:, None] + np.arange(N) + 1)
    x += 1e-10 * np.eye(N)
    b = x.sum(axis=1)
    ours = da.linalg.solve(lazy(x), lazy(b)).compute()
    theirs = np.linalg.solve(x, b)
    assert abs(x @ ours - b).max() <= 10 * abs(x @ theirs - b).max() + 1e-12
    # Without pivots this one loses all digits.
    x = matrix()
    x[np.diag_indices(N)] = 1e-14
    np.testing.assert_allclose(x @ da.linalg.inv(lazy(x)).compute(), np.eye(N), atol=1e-8)


@pytest.mark.parametrize("zero", [slice(0, 1), slice(299, 300), slice(120, 180), slice(None)])
@pytest.mark.parametrize("chunks", [77, 300])
def test_singular_matrices(zero, chunks):
    x = matrix()
    x[:, zero] = 0
    a = lazy(x, chunks)
    p, lower, upper = oxidask.compute(*da.linalg.lu(a))
    np.testing.assert_allclose(p @ lower @ upper, x, atol=1e-9)
    assert da.linalg.det(a).compute() == 0
    assert oxidask.compute(*da.linalg.slogdet(a)) == (0.0, -np.inf)
    for call in (da.linalg.inv, lambda a: da.linalg.solve(a, da.ones(N, chunks=chunks))):
        with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
            call(a).compute()
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        da.linalg.cholesky(a - a.T).compute()
    with pytest.raises(np.linalg.LinAlgError, match="ingular matrix.*diagonal"):
        da.linalg.solve_triangular(a, da.ones(N, chunks=chunks)).compute()


def test_nan_goes_through():
    x = matrix()
    x[200, 250] = np.nan
    assert np.isnan(da.linalg.det(lazy(x)).compute())
    assert np.isnan(da.linalg.solve(lazy(x), da.ones(N, chunks=77)).compute()).any()


def test_tasks_are_of_columns_and_small_matrices_of_one():
    a = da.random.default_rng(1).normal(size=(4000, 4000), chunks=1000)
    plan = da.linalg.lu(a)[2].explain()
    assert n_layers(da.linalg.lu(a)[2], "lu-panel") == 16
    assert plan.task_bytes < a.nbytes / 2
    assert n_layers(da.linalg.inv(lazy(matrix(100), 30)), "inv") == 1
    assert n_layers(da.linalg.inv(lazy(matrix(), N)), "lu-panel") == 0
    wide = da.random.default_rng(1).normal(size=(1500, 1500), chunks=500)
    assert n_layers(da.linalg.inv(wide), "lu-panel") == 12
    with oxidask.config.set({"local.memory-limit": 8 << 20, "num_workers": 2}):
        assert n_layers(da.linalg.inv(wide), "lu-panel") == 18


def test_equal_factorisations_have_one_name():
    x = matrix()
    assert da.linalg.inv(lazy(x)).name == da.linalg.inv(lazy(x)).name
    assert da.linalg.inv(lazy(x)).name != da.linalg.inv(lazy(x + 1)).name


@settings(max_examples=15, deadline=None)
@given(st.integers(129, 400), st.integers(20, 200), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_any_cut_solves(n, chunk, sides, seed):
    rng = np.random.default_rng(seed)
    x, b = rng.normal(size=(n, n)) + 3 * np.eye(n), rng.normal(size=(n, sides))
    a, y = da.from_array(x, chunks=chunk), da.from_array(b, chunks=(chunk, 2))
    solved = da.linalg.solve(a, y).compute()
    np.testing.assert_allclose(x @ solved, b, atol=1e-6)
    np.testing.assert_allclose(solved, np.linalg.solve(x, b), rtol=1e-5, atol=1e-7)
