"""Functions that array types may bring their own versions of."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask.array._masked_products import masked_einsum, masked_tensordot
from oxidask.utils import Dispatch

__all__ = [
    "concatenate_lookup",
    "divide_lookup",
    "einsum_lookup",
    "empty_lookup",
    "nannumel_lookup",
    "numel_lookup",
    "percentile_lookup",
    "take_lookup",
    "tensordot_lookup",
]

concatenate_lookup = Dispatch("concatenate")
tensordot_lookup = Dispatch("tensordot")
einsum_lookup = Dispatch("einsum")
empty_lookup = Dispatch("empty")
divide_lookup = Dispatch("divide")
percentile_lookup = Dispatch("percentile")
numel_lookup = Dispatch("numel")
nannumel_lookup = Dispatch("nannumel")
take_lookup = Dispatch("take")

concatenate_lookup.register((object, np.ndarray), np.concatenate)
tensordot_lookup.register((object, np.ndarray), np.tensordot)
tensordot_lookup.register(np.ma.MaskedArray, masked_tensordot)
einsum_lookup.register((object, np.ndarray), np.einsum)
einsum_lookup.register(np.ma.MaskedArray, masked_einsum)
empty_lookup.register((object, np.ndarray), np.empty)


@concatenate_lookup.register_lazy("scipy")
def _register_scipy() -> None:
    import scipy.sparse

    def concatenate(parts: Any, axis: int = 0) -> Any:
        join = scipy.sparse.vstack if axis == 0 else scipy.sparse.hstack
        return join(parts, format=parts[0].format)

    for kind in (scipy.sparse.spmatrix, getattr(scipy.sparse, "sparray", None)):
        if kind is not None:
            concatenate_lookup.register(kind, concatenate)


@concatenate_lookup.register(np.ma.MaskedArray)
def _concatenate_masked(parts: Any, axis: int = 0) -> Any:
    """Concatenate masked arrays, keeping a fill value that all of them share."""
    result = np.ma.concatenate(parts, axis=axis)
    fills = {np.asarray(part.fill_value).item() for part in parts if np.ma.isMaskedArray(part)}
    if len(fills) == 1:
        result.fill_value = fills.pop()
    return result
