"""Linear algebra.

Decompositions of tall or wide matrices run block by block. Square ones are factored column of
blocks by column of blocks, with the pivots of a whole column, so that no task holds the whole
matrix.
Eigenvalues are found in one task, which does. Results are cut as the matrix was.
"""

from __future__ import annotations

from oxidask.array._decompositions import (
    compression_level,
    compression_matrix,
    qr,
    sfqr,
    svd,
    svd_compressed,
    tsqr,
)
from oxidask.array._norms import (
    norm,
)
from oxidask.array._solutions import (
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    lstsq,
    lu,
    matrix_power,
    multi_dot,
    pinv,
    slogdet,
    solve,
    solve_triangular,
)

__all__ = [
    "cholesky",
    "compression_level",
    "compression_matrix",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "lu",
    "matrix_power",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "sfqr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svd_compressed",
    "tsqr",
]
