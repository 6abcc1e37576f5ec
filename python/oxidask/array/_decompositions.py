"""QR decompositions of tall and wide matrices, and singular values."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from oxidask import _native
from oxidask.array.contractions import dot
from oxidask.array.core import Array, asanyarray, blockwise_layer, new_array
from oxidask.tokenize import tokenize

__all__ = [
    "compression_level",
    "compression_matrix",
    "made",
    "qr",
    "real_dtype",
    "sfqr",
    "svd",
    "svd_compressed",
    "thin_svd",
    "tsqr",
    "working_dtype",
]


def working_dtype(dtype: Any) -> Any:
    """Return the dtype that linear algebra gives for a dtype."""
    return np.linalg.qr(np.ones((1, 1), dtype=dtype))[0].dtype


def real_dtype(dtype: Any) -> Any:
    """Return the dtype of absolute values."""
    return np.empty(0, dtype=dtype).real.dtype


def made(expr: Any, dtype: Any) -> Array:
    """Return the array of an expression, with a dtype."""
    return new_array(expr, np.empty((0,) * expr.ndim, dtype=dtype))


def tsqr(data: Any, compute_svd: bool = False, _max_vchunk_size: int | None = None) -> Any:
    """Return the QR decomposition (or the SVD) of a matrix of one column of blocks.

    Parameters
    ----------
    data
        A matrix whose columns lie in one block.
    compute_svd
        Whether to return the SVD instead.

    Examples
    --------
    >>> import oxidask.array as da
    >>> q, r = da.linalg.tsqr(da.ones((8, 2), chunks=(4, 2)))
    >>> q.shape, r.shape
    ((8, 2), (2, 2))
    """
    x = asanyarray(data)
    if x.ndim != 2 or x.numblocks[1] > 1:
        raise ValueError(
            f"Input must have the following properties:\n  1. Have two dimensions\n  2. Have only "
            f"one column of blocks\n\nNote: This function (tsqr) supports QR decomposition in the "
            f"case of tall-and-skinny matrices (single column chunk/block; see qr)\nCurrent shape: "
            f"{x.shape},\nCurrent chunksize: {x.chunksize}"
        )
    dtype = working_dtype(x.dtype)
    if not compute_svd:
        q, r = _native.array_linalg("tsqr", x._expr)
        return made(q, dtype), made(r, dtype)
    u, s, vh = thin_svd(x)
    m, n = x.shape
    if m < n:
        vh = _completed(vh, n)
    return u, s, vh


def _completed(vh: Array, n: int) -> Array:
    """Return orthonormal rows with as many more as make them a basis."""
    vh = vh.rechunk({0: -1, 1: -1})
    return blockwise_layer(
        f"complete-basis-{tokenize(vh)}",
        _complete_basis,
        [("blocks", vh, [0, 1], [False, False])],
        ((n,), (n,)),
        vh._meta,
    )


def _complete_basis(rows: Any) -> Any:
    rest = np.linalg.qr(rows.conj().T, mode="complete")[0][:, len(rows) :]
    return np.concatenate([rows, rest.conj().T])


def sfqr(data: Any, name: str | None = None) -> tuple[Array, Array]:
    """Return the QR decomposition of a matrix of one row of blocks.

    Parameters
    ----------
    data
        A matrix whose rows lie in one block.
    name
        Taken for compatibility.

    Examples
    --------
    >>> import oxidask.array as da
    >>> q, r = da.linalg.sfqr(da.ones((2, 8), chunks=(2, 4)))
    >>> q.shape, r.shape
    ((2, 2), (2, 8))
    """
    x = asanyarray(data)
    if x.ndim != 2 or x.numblocks[0] > 1:
        raise ValueError(
            f"Input must have the following properties:\n  1. Have two dimensions\n  2. Have only "
            f"one row of blocks\n\nNote: This function (sfqr) supports QR decomposition in the "
            f"case of short-and-fat matrices (single row chunk/block; see qr)\nCurrent shape: "
            f"{x.shape},\nCurrent chunksize: {x.chunksize}"
        )
    dtype = working_dtype(x.dtype)
    q, r = _native.array_linalg("sfqr", x._expr)
    return made(q, dtype), made(r, dtype)


def qr(a: Any) -> tuple[Array, Array]:
    """Return the QR decomposition of a tall or wide matrix.

    Parameters
    ----------
    a
        A matrix of one column or one row of blocks.

    Examples
    --------
    >>> import oxidask.array as da
    >>> q, r = da.linalg.qr(da.ones((8, 2), chunks=(4, 2)))
    >>> r.chunks
    ((2,), (2,))
    """
    x = asanyarray(a)
    if x.ndim == 2 and x.numblocks[1] == 1:
        return tsqr(x)  # type: ignore[no-any-return]
    if x.ndim == 2 and x.numblocks[0] == 1:
        return sfqr(x)
    raise NotImplementedError(
        "qr currently supports only tall-and-skinny (single column chunk/block; see tsqr) and "
        "short-and-fat (single row chunk/block; see sfqr) matrices: rechunk it, with "
        "x.rechunk({1: -1}) where it has more rows than columns\n\nConsider use of the rechunk "
        f"method. Current shape: {x.shape}, current chunks: {x.chunks}"
    )


def thin_svd(x: Array) -> tuple[Array, Array, Array]:
    """Return the thin SVD with whatever signs come."""
    dtype = working_dtype(x.dtype)
    u, s, vh = _native.array_linalg("svd", x._expr)
    return made(u, dtype), made(s, real_dtype(dtype)), made(vh, dtype)


def svd(
    a: Any, coerce_signs: bool = True, full_matrices: bool = False
) -> tuple[Array, Array, Array]:
    """Return the thin singular value decomposition ``u, s, vh``.

    Differs from Dask: a matrix may be cut along both axes.

    Parameters
    ----------
    a
        A matrix.
    coerce_signs
        Whether signs are made to follow from the vectors, so that they don't change with chunks.
    full_matrices
        Not supported.

    Examples
    --------
    >>> import oxidask.array as da
    >>> u, s, vh = da.linalg.svd(da.ones((8, 2), chunks=(4, 2)))
    >>> s.compute().round(6)
    array([4., 0.])
    """
    if full_matrices:
        raise NotImplementedError("svd only supports full_matrices=False")
    x = asanyarray(a)
    if x.ndim != 2:
        raise ValueError(f"Array must be 2D.\nInput shape: {x.shape}\nInput ndim: {x.ndim}")
    u, s, vh = thin_svd(x)
    if coerce_signs:
        from oxidask.array.utils import svd_flip

        u, vh = svd_flip(u, vh)
    return u, s, vh


def compression_level(n: int, q: int, n_oversamples: int = 10, min_subspace_size: int = 20) -> int:
    """Return how many dimensions to compress to for `q` singular vectors out of `n`.

    Parameters
    ----------
    n
        Extent of the axis.
    q
        Singular vectors that are wanted.
    n_oversamples
        Dimensions more than that.
    min_subspace_size
        Least number of dimensions.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.linalg.compression_level(100, 5)
    20
    """
    return int(min(max(min_subspace_size, q + n_oversamples), n))


def compression_matrix(
    data: Any,
    q: int,
    iterator: Literal["power", "QR"] = "power",
    n_power_iter: int = 0,
    n_oversamples: int = 10,
    seed: Any = None,
    compute: bool = False,
) -> Array:
    """Return a matrix with orthonormal rows that compresses the columns of another.

    Halko, Martinsson, Tropp: "Finding structure with randomness" (2011), algorithms 4.3 and 4.4.

    Parameters
    ----------
    data
        A matrix.
    q
        Singular vectors that are wanted.
    iterator
        How powers are taken: ``power`` (fast) or ``QR`` (stable).
    n_power_iter
        How many powers.
    n_oversamples
        Dimensions more than `q`.
    seed
        Seed, or a random state.
    compute
        Whether each step is computed at once, which keeps graphs small.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.linalg.compression_matrix(da.ones((100, 30), chunks=50), q=5, seed=0).shape
    (20, 100)
    """
    from oxidask.array.random import RandomState

    if iterator not in ("power", "QR"):
        raise ValueError(f"Iterator '{iterator}' not valid, must one one of ['power', 'QR']")
    x = asanyarray(data)
    m, n = x.shape
    level = compression_level(min(m, n), q, n_oversamples=n_oversamples)
    state = seed if isinstance(seed, RandomState) else RandomState(seed)
    omega = state.standard_normal(size=(n, level), chunks=(x.chunks[1], (level,)))
    if x.dtype.kind == "f" or x.dtype.kind == "c":
        omega = omega.astype(x.dtype, copy=False)
    y = dot(x, omega)
    adjoint = x.T.conj() if x.dtype.kind == "c" else x.T

    def settled(*arrays: Any) -> Any:
        if not compute:
            return arrays if len(arrays) > 1 else arrays[0]
        from oxidask.base import persist

        done = persist(*arrays)
        return done if len(arrays) > 1 else done[0]

    if iterator == "power":
        for _ in range(n_power_iter):
            y = settled(y)
            y = dot(x, settled(dot(adjoint, y)))
        basis, _ = tsqr(y)
    else:
        basis, _ = tsqr(y)
        for _ in range(n_power_iter):
            basis = settled(basis)
            z, _ = tsqr(settled(dot(adjoint, basis)))
            basis, _ = tsqr(dot(x, settled(z)))
    basis = settled(basis)
    return basis.T.conj() if basis.dtype.kind == "c" else basis.T  # type: ignore[no-any-return]


def svd_compressed(
    a: Any,
    k: int,
    iterator: Literal["power", "QR"] = "power",
    n_power_iter: int = 0,
    n_oversamples: int = 10,
    seed: Any = None,
    compute: bool = False,
    coerce_signs: bool = True,
) -> tuple[Array, Array, Array]:
    """Return about the `k` largest singular values and their vectors, by random compression.

    Parameters
    ----------
    a
        A matrix.
    k
        How many.
    iterator, n_power_iter, n_oversamples, seed, compute
        As of :func:`compression_matrix`.
    coerce_signs
        As of :func:`svd`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> u, s, v = da.linalg.svd_compressed(da.ones((100, 30), chunks=50), k=2, seed=0)
    >>> u.shape, s.shape, v.shape
    ((100, 2), (2,), (2, 30))
    """
    x = asanyarray(a)
    compressed = compression_matrix(
        x,
        k,
        iterator=iterator,
        n_power_iter=n_power_iter,
        n_oversamples=n_oversamples,
        seed=seed,
        compute=compute,
    )
    small = dot(compressed, x)
    if compute:
        from oxidask.base import persist

        (small,) = persist(small)
    adjoint = small.T.conj() if small.dtype.kind == "c" else small.T
    v, s, u = svd(adjoint, coerce_signs=False)
    u = u.T.conj() if u.dtype.kind == "c" else u.T
    v = v.T.conj() if v.dtype.kind == "c" else v.T
    back = compressed.T.conj() if compressed.dtype.kind == "c" else compressed.T
    u = dot(back, u)
    u, s, v = u[:, :k], s[:k], v[:k, :]
    if coerce_signs:
        from oxidask.array.utils import svd_flip

        u, v = svd_flip(u, v)
    return u, s, v
