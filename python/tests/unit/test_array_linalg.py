"""Linear algebra, transforms and what refuses bad input, against NumPy."""

from __future__ import annotations

import numpy as np
import oxidask.array as da
import pytest
from oxidask.array.contractions import contract

RNG = np.random.default_rng(0)


def lazy(values, chunks):
    return da.rechunk(da.asarray(values), chunks)


def close(a, b):
    a, b = (x.compute() if isinstance(x, da.Array) else x for x in (a, b))
    np.testing.assert_allclose(a, b, atol=1e-9)
    assert np.shape(a) == np.shape(b)


@pytest.mark.parametrize(
    "chunks", [(20, 4), (7, 4), (3, 4), ((4, 0, 1, 0, 15), 4), (1, 4)], ids=str
)
@pytest.mark.parametrize("dtype", [float, "f4", complex, int])
def test_tsqr_multiplies_back_with_orthonormal_columns(chunks, dtype):
    x = (RNG.normal(size=(20, 4)) * 10).astype(dtype)
    q, r = da.linalg.tsqr(lazy(x, chunks))
    expected = np.linalg.qr(x)
    assert (q.shape, r.shape) == (expected[0].shape, expected[1].shape)
    assert q.dtype == expected[0].dtype
    q, r = q.compute(), r.compute()
    atol = 1e-4 if q.dtype == "f4" else 1e-9
    np.testing.assert_allclose(q @ r, x, atol=atol)
    np.testing.assert_allclose(q.conj().T @ q, np.eye(4), atol=atol)
    np.testing.assert_allclose(np.tril(r, -1), 0, atol=1e-12)


def test_many_blocks_stack_in_a_tree():
    x = RNG.normal(size=(1500, 2))
    q, r = da.linalg.tsqr(lazy(x, (5, 2)))
    close(contract(q, r, [0, 1], [1, 2], [0, 2]), x)


@pytest.mark.parametrize("columns", [3, 5, 11, (2, 2, 2, 9)], ids=str)
def test_sfqr_keeps_the_columns_blocks(columns):
    x = RNG.normal(size=(4, 15))
    q, r = da.linalg.sfqr(lazy(x, (4, columns)))
    assert r.chunks == lazy(x, (4, columns)).chunks
    close(q.compute() @ r.compute(), x)
    close(np.tril(r.compute(), -1), np.zeros((4, 15)))


@pytest.mark.parametrize("chunks", [(4, 4), (12, 3), (5, 7), (12, 7), (3, 7)], ids=str)
@pytest.mark.parametrize("wide", [False, True])
def test_svd_of_any_chunks(chunks, wide):
    x = RNG.normal(size=(12, 7))
    x, chunks = (x.T, chunks[::-1]) if wide else (x, chunks)
    u, s, vh = (part.compute() for part in da.linalg.svd(lazy(x, chunks), coerce_signs=False))
    close(u * s @ vh, x)
    close(s, np.linalg.svd(x)[1])


def square(n=12, chunks=4, positive=False):
    x = RNG.normal(size=(n, n))
    x = x @ x.T + n * np.eye(n) if positive else x
    return x, lazy(x, chunks)


def test_whole_matrices_by_numpys_words():
    x, y = square()
    close(da.linalg.inv(y), np.linalg.inv(x))
    close(da.linalg.det(y), np.linalg.det(x))
    for ours, theirs in zip(da.linalg.slogdet(y), np.linalg.slogdet(x), strict=True):
        close(ours, theirs)
    for b in (RNG.normal(size=12), RNG.normal(size=(12, 5))):
        close(da.linalg.solve(y, lazy(b, 4)), np.linalg.solve(x, b))
    p, low, up = (part.compute() for part in da.linalg.lu(y))
    close(p @ low @ up, x)
    close(da.linalg.matrix_power(y, 5), np.linalg.matrix_power(x, 5))
    x, y = square(positive=True)
    close(da.linalg.cholesky(y, lower=True), np.linalg.cholesky(x))
    close(da.linalg.eigvalsh(y), np.linalg.eigvalsh(x))
    values, vectors = (part.compute() for part in da.linalg.eigh(y))
    close(vectors * values @ vectors.T, x)


def test_results_are_cut_as_the_matrix_was():
    _, y = square(10, ((4, 6), (4, 6)))
    assert da.linalg.inv(y).chunks == y.chunks
    assert da.linalg.solve(y, lazy(np.ones(10), ((4, 6),))).chunks == ((4, 6),)
    assert all(part.chunks == y.chunks for part in da.linalg.lu(y))


def test_matrices_that_have_no_answer():
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        da.linalg.cholesky(lazy(-np.eye(4), 2)).compute()
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        da.linalg.inv(lazy(np.ones((4, 4)), 2)).compute()
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        da.linalg.det(lazy(np.ones((4, 3)), 2))


def test_refusals_name_the_way_out():
    _, y = square()
    with pytest.raises(NotImplementedError, match="rechunk"):
        da.linalg.qr(y)
    with pytest.raises(ValueError, match="column of blocks"):
        da.linalg.tsqr(y)
    with pytest.raises(NotImplementedError, match="full_matrices"):
        da.linalg.svd(y, full_matrices=True)
    with pytest.raises(ValueError, match="2D"):
        da.linalg.svd(lazy(np.ones(3), 1))
    with pytest.raises(ValueError, match=r"rechunk\(\{0: -1\}\)"):
        da.fft.fft(y, axis=0)
    with pytest.raises(ValueError, match="data points"):
        da.fft.fft(lazy(np.ones(3), 3), n=0)
    with pytest.raises(np.exceptions.AxisError):
        da.fft.fft(lazy(np.ones(3), 3), axis=2)
    with pytest.raises(ValueError, match="shape-mismatch"):
        da.tensordot(y, lazy(np.ones((3, 3)), 2), axes=1)
    with pytest.raises(ValueError, match="dimension"):
        da.matmul(lazy(np.float64(1), ()), y)
    with pytest.raises(ValueError, match="monotonic"):
        da.digitize(lazy(np.ones(3), 2), np.array([1, 3, 2]))


def test_a_large_product_is_one_layer():
    x = lazy(np.ones((80, 80)), 2)
    product = da.dot(x, x)
    assert product.numblocks == (40, 40)
    assert len(product.dask.layers) - len(x.dask.layers) <= 1


@pytest.mark.parametrize("n", [None, 5, 8, 9])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("kind", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("axis", [0, 1])
def test_transforms_along_an_axis(kind, n, norm, axis):
    x = RNG.normal(size=(6, 8))
    if kind in ("fft", "ifft", "irfft", "hfft"):
        x = x + 1j * RNG.normal(size=(6, 8))
    y = lazy(x, {axis: -1, 1 - axis: 3})
    expected = getattr(np.fft, kind)(x, n=n, axis=axis, norm=norm)
    result = getattr(da.fft, kind)(y, n=n, axis=axis, norm=norm)
    assert result.dtype == expected.dtype
    close(result, expected)


def test_transforms_of_several_axes_and_other_dtypes():
    x = RNG.normal(size=(4, 6)).astype("f4")
    y = lazy(x, -1)
    for kind in ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "rfftn"):
        result = getattr(da.fft, kind)(y).compute()
        expected = getattr(np.fft, kind)(x)
        assert result.dtype == expected.dtype
        np.testing.assert_allclose(result, expected, atol=1e-5)
    counts = np.arange(6)
    close(da.fft.rfft(lazy(counts, 6)), np.fft.rfft(counts))
    with pytest.raises(TypeError):
        da.fft.rfft(lazy(counts * 1j, 6))


def test_foreign_blocks_run_numpy():
    x = np.array([[1, 2], [3, 4]], dtype=object)
    y = lazy(x, 1)
    assert (da.matmul(y, y).compute() == x @ x).all()
    z = np.array(["b", "a", "b", "c"])
    values, counts = da.unique(lazy(z, 2), return_counts=True)
    assert values.compute().tolist() == ["a", "b", "c"]
    assert counts.compute().tolist() == [1, 2, 1]
    assert da.sort(lazy(z, 4)).compute().tolist() == ["a", "b", "b", "c"]


SORTED = {
    "random": lambda n: RNG.normal(size=n),
    "skewed": lambda n: RNG.random(n) ** 40,
    "one value mostly": lambda n: np.where(RNG.random(n) < 0.9, 0.5, RNG.random(n)),
    "three values": lambda n: np.arange(n) % 3 * 1.0,
    "falling": lambda n: -np.arange(n) * 1.0,
    "periodic": lambda n: np.tile(np.arange(1000.0), n // 1000),
    "all nan": lambda n: np.full(n, np.nan),
    "half nan": lambda n: np.where(RNG.random(n) < 0.5, np.nan, RNG.random(n)),
}


@pytest.mark.parametrize("kind", SORTED)
def test_many_large_blocks_sort_whatever_the_values(kind):
    x = SORTED[kind](300_000)
    expected = np.sort(x)
    for chunks in (70_000, (1, 0, 150_000, 149_999), 3_000):
        result = da.sort(da.from_array(x, chunks=(chunks,)))
        assert result.chunks == da.from_array(x, chunks=(chunks,)).chunks
        np.testing.assert_array_equal(result.compute(), expected)
    # Blocks that are not gathered into one result.
    np.testing.assert_array_equal((da.sort(lazy(x, 70_000)) * 2).compute(), expected * 2)


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "u8", "i8", "f2", "f4", "M8[s]", "c16"])
def test_many_large_blocks_of_every_dtype_sort(dtype):
    bits = RNG.integers(0, 256, 300_000 * np.dtype(dtype).itemsize, dtype="u1")
    x = (bits > 127) if dtype == "?" else bits.view(dtype)
    np.testing.assert_array_equal(da.sort(lazy(x, 70_000)).compute(), np.sort(x))
