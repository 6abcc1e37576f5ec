"""Arrays: NumPy's interface over chunks, larger than memory, in parallel."""

from __future__ import annotations

from oxidask.array.chunks import normalize_chunks
from oxidask.array.core import Array, asanyarray, asarray, elemwise
from oxidask.array.rechunk import rechunk
from oxidask.array.reshape import ravel, reshape, reshape_blockwise

__all__ = [
    "Array",
    "asanyarray",
    "asarray",
    "elemwise",
    "normalize_chunks",
    "ravel",
    "rechunk",
    "reshape",
    "reshape_blockwise",
]
