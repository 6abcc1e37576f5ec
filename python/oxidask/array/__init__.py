"""Arrays: NumPy's interface over chunks, larger than memory, in parallel."""

from __future__ import annotations

from oxidask.array.chunks import normalize_chunks
from oxidask.array.core import Array, asanyarray, asarray, elemwise

__all__ = [
    "Array",
    "asanyarray",
    "asarray",
    "elemwise",
    "normalize_chunks",
]
