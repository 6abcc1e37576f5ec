"""What is solved with a whole square matrix: equations, inverses, eigenvalues."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._decompositions import made, qr, real_dtype, svd, working_dtype
from oxidask.array.contractions import dot, matmul
from oxidask.array.core import Array, asanyarray, blockwise_layer
from oxidask.tokenize import tokenize

__all__ = [
    "cholesky",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "lu",
    "matrix_power",
    "multi_dot",
    "pinv",
    "slogdet",
    "solve",
    "solve_triangular",
]


def _square(x: Array, what: str) -> None:
    if x.ndim != 2:
        raise ValueError(f"{what}: Dimension must be 2 to perform it, got {x.ndim}")
    if x.shape[0] != x.shape[1]:
        raise np.linalg.LinAlgError(f"{what} needs a square matrix, got shape {x.shape}")
    if x.chunks[0] != x.chunks[1]:
        raise ValueError(
            f"{what}: all chunks must be a square matrix, got chunks {x.chunks}. Rechunk it first: "
            "x.rechunk({1: x.chunks[0]})"
        )


def lu(a: Any) -> tuple[Array, Array, Array]:
    """Return the LU decomposition ``p, l, u`` with ``p @ l @ u = a``.

    Parameters
    ----------
    a
        A square matrix of square blocks.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> p, l, u = da.linalg.lu(da.from_array(np.array([[1.0, 2.0], [4.0, 2.0]]), chunks=1))
    >>> u.compute()
    array([[4. , 2. ],
           [0. , 1.5]])
    """
    x = asanyarray(a)
    _square(x, "lu")
    dtype = working_dtype(x.dtype)
    p, lower, upper = _native.array_linalg("lu", x._expr)
    return made(p, dtype), made(lower, dtype), made(upper, dtype)


def _solved(a: Any, b: Any, lower: bool | None, what: str) -> Array:
    x, y = asanyarray(a), asanyarray(b)
    _square(x, what)
    if y.ndim <= 0 or y.chunks[0] != x.chunks[1]:
        raise ValueError(
            f"{what}: a.chunks and b.chunks must agree along the axis of the equations, got "
            f"{x.chunks} and {y.chunks}"
        )
    dtype = working_dtype(np.result_type(x.dtype, y.dtype))
    return made(_native.array_solve(x._expr, y._expr, lower), dtype)


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Array:
    """Return `x` with ``a @ x = b`` for a triangular matrix.

    Parameters
    ----------
    a
        A square matrix of square blocks, of which one half is read.
    b
        Right hand sides.
    lower
        Whether the lower half is read.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> a = da.from_array(np.array([[2.0, 0.0], [1.0, 1.0]]), chunks=1)
    >>> da.linalg.solve_triangular(a, da.ones(2, chunks=1), lower=True).compute()
    array([0.5, 0.5])
    """
    return _solved(a, b, lower, "solve_triangular")


def solve(a: Any, b: Any, sym_pos: bool | None = None, assume_a: str = "gen") -> Array:
    """Return `x` with ``a @ x = b``.

    Parameters
    ----------
    a
        A square matrix of square blocks.
    b
        Right hand sides.
    sym_pos
        Deprecated: use ``assume_a="pos"``.
    assume_a
        ``gen``, or ``pos`` for a symmetric and positive definite matrix.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> a = da.from_array(np.array([[2.0, 0.0], [1.0, 1.0]]), chunks=1)
    >>> da.linalg.solve(a, da.ones(2, chunks=1)).compute()
    array([0.5, 0.5])
    """
    if sym_pos is not None:
        warnings.warn(
            "The sym_pos keyword is deprecated and should be replaced by using "
            "``assume_a = 'pos'``.",
            FutureWarning,
            stacklevel=2,
        )
        if sym_pos:
            assume_a = "pos"
    if assume_a == "pos":
        lower = cholesky(a, lower=True)
        upper = lower.T.conj() if lower.dtype.kind == "c" else lower.T
        return solve_triangular(upper, solve_triangular(lower, b, lower=True))
    if assume_a != "gen":
        raise ValueError(
            f"{assume_a = } is not a recognized matrix structure, valid structures in Dask are "
            "'pos' and 'gen'."
        )
    return _solved(a, b, None, "solve")


def _one(name: str, a: Any) -> Array:
    x = asanyarray(a)
    _square(x, name)
    (expr,) = _native.array_linalg(name, x._expr)
    return made(expr, working_dtype(x.dtype))


def inv(a: Any) -> Array:
    """Return the inverse.

    Parameters
    ----------
    a
        A square matrix of square blocks.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.linalg.inv(da.from_array(np.diag([1.0, 2.0]), chunks=1)).compute()
    array([[1. , 0. ],
           [0. , 0.5]])
    """
    return _one("inv", a)


def cholesky(a: Any, lower: bool = False) -> Array:
    """Return the triangular factor of a Hermitian and positive definite matrix.

    Parameters
    ----------
    a
        A square matrix of square blocks.
    lower
        Whether the lower factor is returned, rather than the upper one.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.linalg.cholesky(da.from_array(np.diag([1.0, 4.0]), chunks=1)).compute()
    array([[1., 0.],
           [0., 2.]])
    """
    factor = _one("cholesky", a)
    if lower:
        return factor
    return factor.T.conj() if factor.dtype.kind == "c" else factor.T  # type: ignore[no-any-return]


def det(a: Any) -> Array:
    """Return the determinant.

    Parameters
    ----------
    a
        A square matrix.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.linalg.det(da.from_array(np.diag([2.0, 4.0]), chunks=1)).compute()
    np.float64(8.0)
    """
    x = asanyarray(a)
    (expr,) = _native.array_linalg("det", x._expr)
    return made(expr, working_dtype(x.dtype))


def slogdet(a: Any) -> tuple[Array, Array]:
    """Return the sign and the logarithm of the determinant.

    Parameters
    ----------
    a
        A square matrix.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> sign, log = da.linalg.slogdet(da.from_array(np.diag([-2.0, 4.0]), chunks=1))
    >>> sign.compute()
    np.float64(-1.0)
    """
    x = asanyarray(a)
    dtype = working_dtype(x.dtype)
    sign, log = _native.array_linalg("slogdet", x._expr)
    return made(sign, dtype), made(log, real_dtype(dtype))


def eigh(a: Any, UPLO: str = "L") -> tuple[Array, Array]:
    """Return eigenvalues, rising, and eigenvectors, as columns, of a Hermitian matrix.

    One task holds the whole matrix.

    Parameters
    ----------
    a
        A square matrix.
    UPLO
        Which half is read: ``L`` or ``U``.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> values, vectors = da.linalg.eigh(da.from_array(np.diag([3.0, 1.0]), chunks=1))
    >>> values.compute()
    array([1., 3.])
    """
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"UPLO argument must be 'L' or 'U', got {UPLO!r}")
    x = asanyarray(a)
    dtype = working_dtype(x.dtype)
    values, vectors = _native.array_linalg("eigh", x._expr, UPLO.upper() == "L")
    return made(values, real_dtype(dtype)), made(vectors, dtype)


def eigvalsh(a: Any, UPLO: str = "L") -> Array:
    """Return the eigenvalues of a Hermitian matrix, rising.

    Parameters
    ----------
    a, UPLO
        As of :func:`eigh`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.linalg.eigvalsh(da.from_array(np.diag([3.0, 1.0]), chunks=1)).compute()
    array([1., 3.])
    """
    return eigh(a, UPLO)[0]


def pinv(a: Any, rcond: float | None = None) -> Array:
    """Return the pseudo-inverse.

    Parameters
    ----------
    a
        A matrix.
    rcond
        Singular values below this share of the largest count as zero.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.linalg.pinv(da.from_array(np.diag([1.0, 2.0]), chunks=(1, 2))).compute().round(6)
    array([[1. , 0. ],
           [0. , 0.5]])
    """
    from oxidask.array import where

    x = asanyarray(a)
    u, s, vh = svd(x, coerce_signs=False)
    share = 1e-15 if rcond is None else rcond
    inverse = where(s > share * s.max(), 1 / where(s == 0, 1, s), 0).astype(s.dtype)
    if x.dtype.kind == "c":
        u, vh = u.conj(), vh.conj()
    return dot(vh.T * inverse, u.T)  # type: ignore[no-any-return]


def matrix_power(a: Any, n: int) -> Array:
    """Return the power of a square matrix.

    Parameters
    ----------
    a
        A square matrix.
    n
        The power; of a negative one the inverse's.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.linalg.matrix_power(da.from_array(np.diag([1, 2]), chunks=1), 3).compute()
    array([[1, 0],
           [0, 8]])
    """
    from oxidask.array import eye

    x = asanyarray(a)
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        raise np.linalg.LinAlgError(f"a power needs a square matrix, got shape {x.shape}")
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"exponent must be an integer, got {n!r}")
    if n < 0:
        x, n = inv(x), -n
    result: Array | None = None
    while n > 0:
        if n & 1:
            result = x if result is None else matmul(result, x)
        n >>= 1
        if n:
            x = matmul(x, x)
    if result is None:
        return eye(x.shape[0], chunks=x.chunksize[0], dtype=x.dtype)  # type: ignore[no-any-return]
    return result


def multi_dot(arrays: Sequence[Any]) -> Array:
    """Return the product of several matrices, in the order that costs least.

    Parameters
    ----------
    arrays
        Matrices; the first and last may be vectors.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones((4, 2), chunks=2)
    >>> da.linalg.multi_dot([x, x.T, x]).shape
    (4, 2)
    """
    xs = [asanyarray(x) for x in arrays]
    if len(xs) < 2:
        raise ValueError("Expecting at least two arrays.")
    extents = [*(x.shape[0] for x in xs), xs[-1].shape[-1]]
    if xs[0].ndim == 1:
        extents[0] = 1
    if xs[-1].ndim == 1:
        extents[-1] = 1
    if xs[0].ndim == 1 and len(xs) > 1:
        extents[1] = xs[1].shape[0]
    cost: dict[tuple[int, int], tuple[float, int]] = {}
    for span in range(1, len(xs)):
        for i in range(len(xs) - span):
            j = i + span
            cost[i, j] = min(
                (
                    cost.get((i, k), (0.0, 0))[0]
                    + cost.get((k + 1, j), (0.0, 0))[0]
                    + float(extents[i]) * extents[k + 1] * extents[j + 1],
                    k,
                )
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Any:
        if i == j:
            return xs[i]
        k = cost[i, j][1]
        return dot(product(i, k), product(k + 1, j))

    return product(0, len(xs) - 1)  # type: ignore[no-any-return]


def lstsq(a: Any, b: Any) -> tuple[Array, Array, Array, Array]:
    """Return the least squares solution of ``a @ x = b``: `x`, residuals, rank, singular values.

    Parameters
    ----------
    a
        A matrix of one column of blocks.
    b
        Right hand sides.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> a = da.from_array(np.array([[1.0], [1.0]]), chunks=(1, 1))
    >>> x, residuals, rank, s = da.linalg.lstsq(a, da.from_array(np.array([1.0, 3.0]), chunks=1))
    >>> x.compute()
    array([2.])
    """
    a, b = asanyarray(a), asanyarray(b)
    q, r = qr(a)
    adjoint = q.T.conj() if q.dtype.kind == "c" else q.T
    x = solve_triangular(r, dot(adjoint, b).rechunk({0: r.chunks[0]}))
    error = b - dot(a, x)
    residuals = abs(error**2).sum(axis=0, keepdims=b.ndim == 1)
    gram = dot(r.T.conj() if r.dtype.kind == "c" else r.T, r)
    roots = eigvalsh(gram)
    s = np.sqrt(roots[::-1].clip(0))
    share = np.finfo(s.dtype).eps * max(a.shape)
    rank = _rank(r, share)
    return x, residuals, rank, s


def _rank(r: Array, share: float) -> Array:
    """Return how many singular values of `r` are more than a share of the largest."""
    r = r.rechunk({0: -1, 1: -1})
    return blockwise_layer(
        f"matrix-rank-{tokenize(r, share)}",
        _block_rank,
        [("blocks", r, [-2, -2], [False, False])],
        (),
        np.empty((), dtype=int),
        kwargs={"share": share},
    )


def _block_rank(r: Any, share: float) -> Any:
    s = np.linalg.svd(r, compute_uv=False)
    return np.asarray((s > share * s[0]).sum() if len(s) else 0)
