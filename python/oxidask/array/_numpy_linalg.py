"""What the kernels of linear algebra, scans, sorts and searches have no native code for, in NumPy.

Tasks call these functions with whole blocks, as those of :mod:`oxidask.array._numpy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from oxidask.array._masked_products import masked_sum

__all__ = [
    "add_blocks",
    "bincount",
    "contract",
    "histogram",
    "join_q",
    "scan",
    "scan_carries",
    "scan_gather",
    "scan_total",
    "searchsorted",
    "stacked_qr",
    "topk",
    "unique",
    "unique_merge",
    "wide_r",
]

_SCANS: dict[str, tuple[Any, Any]] = {
    "cumsum": (np.cumsum, np.add),
    "cumprod": (np.cumprod, np.multiply),
    "nancumsum": (np.nancumsum, np.add),
    "nancumprod": (np.nancumprod, np.multiply),
    "cummax": (np.maximum.accumulate, np.maximum),
    "cummin": (np.minimum.accumulate, np.minimum),
}


def _product(a: Any, b: Any, a_labels: Sequence[int], b_labels: Sequence[int], out: Any) -> Any:
    from oxidask.array.dispatch import einsum_lookup, tensordot_lookup

    summed = [label for label in a_labels if label not in out]
    batch = [label for label in a_labels if label in b_labels and label in out]
    kind = type(max((a, b), key=lambda x: getattr(x, "__array_priority__", 0)))
    if batch:
        names = {label: i for i, label in enumerate(dict.fromkeys((*a_labels, *b_labels)))}
        labels = [[names[label] for label in axes] for axes in (a_labels, b_labels, out)]
        return einsum_lookup.dispatch(kind)(a, labels[0], b, labels[1], labels[2])
    axes = ([a_labels.index(s) for s in summed], [b_labels.index(s) for s in summed])
    result = tensordot_lookup.dispatch(kind)(a, b, axes=axes)
    order = [label for label in (*a_labels, *b_labels) if label in out]
    return np.transpose(result, [order.index(label) for label in out])


def contract(
    a_labels: Sequence[int],
    b_labels: Sequence[int],
    out: Sequence[int],
    blocks: Sequence[Any],
    partial: bool,
    partners: Sequence[int],
) -> Any:
    """Sum the products of pairs of blocks: the left operand's come first."""
    half = len(blocks) // 2
    left, right = blocks[:half], blocks[half:]
    if partners:
        right = [right[at] for at in partners]
    pairs = zip(left, right, strict=True)
    total = masked_sum(_product(a, b, a_labels, b_labels, out) for a, b in pairs)
    return total[None] if partial else total


def add_blocks(squeeze: bool, blocks: Sequence[Any]) -> Any:
    """Sum blocks of one shape, or rows of counts, which may differ in length."""
    longest = max(np.shape(block)[-1] if np.ndim(block) == 2 else 0 for block in blocks)

    def padded(block: Any) -> Any:
        missing = longest - np.shape(block)[-1] if np.ndim(block) == 2 else 0
        return np.pad(block, ((0, 0), (0, missing))) if missing else block

    total = masked_sum(map(padded, blocks))
    return total[0] if squeeze else total


def stacked_qr(parts: Sequence[Any]) -> tuple[Any, ...]:
    """Decompose the stacked last parts, and cut `q` as they were."""
    factors = [part[-1] for part in parts]
    q, r = np.linalg.qr(np.concatenate(factors))
    ends = np.cumsum([len(factor) for factor in factors])[:-1]
    return (*np.split(q, ends), r)


def join_q(by: int, block: int, levels: Sequence[Any]) -> Any:
    """Multiply a block's `q` with its piece of each level above."""
    factors = [levels[0][0]]
    for level in levels[1:]:
        factors.append(level[block % by])
        block //= by
    return reduce(np.matmul, factors)


def wide_r(block: int, parts: Any, columns: Any) -> Any:
    """Return a block of columns of `r`, given the parts of the first block."""
    return parts[1] if block == 0 else parts[0].conj().T @ columns


def _last(block: Any, axis: int) -> Any:
    return block[(slice(None),) * axis + (slice(-1, None),)]


def scan_total(name: str, axis: int, at: int, blocks: Sequence[Any]) -> Any:
    """Return the last elements of a block's scan, joined to what comes before the block."""
    function, join = _SCANS[name]
    total = _last(function(blocks[0], axis=axis), axis)
    if len(blocks) == 1:
        return total
    before = blocks[1]
    if not total.shape[axis] or not before.shape[axis]:
        return before if before.shape[axis] else total
    return join(before, total)


def scan_carries(name: str, axis: int, at: int, totals: Sequence[Any]) -> list[Any]:
    """Return what comes before each block; nothing comes before the first."""
    join = _SCANS[name][1]
    carries: list[Any] = [None]
    for total in totals[:-1]:
        before = carries[-1]
        if not total.shape[axis]:
            total = before
        elif before is not None:
            total = join(before, total)
        carries.append(total)
    return carries


def scan_gather(name: str, axis: int, at: int, befores: Sequence[Any]) -> list[Any]:
    """Return what comes before each block, which is known but for the first."""
    return [None, *(before if before.shape[axis] else None for before in befores)]


def scan(name: str, axis: int, at: int, blocks: Sequence[Any]) -> Any:
    """Scan a block from what comes before it."""
    function, join = _SCANS[name]
    result = function(blocks[0], axis=axis)
    carry = blocks[1][at] if len(blocks) > 1 else None
    return result if carry is None else join(carry, result)


def topk(k: int, axis: int, blocks: Sequence[Any]) -> Any:
    """Return the `k` largest elements, falling, or the `-k` smallest, rising."""
    block = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=axis)
    ordered = np.sort(block, axis=axis)
    taken = slice(None, -k) if k < 0 else (slice(None, -k - 1, -1))
    return ordered[(slice(None),) * axis + (taken,)]


def searchsorted(block: Any, values: Any, side: str) -> Any:
    """Count a block's elements before each value, in an array with one more axis in front."""
    return np.searchsorted(block, values, side=side)[None]  # type: ignore[call-overload]


def bincount(minlength: int, blocks: Sequence[Any]) -> Any:
    """Count numbers, in an array with one more axis in front."""
    weights = blocks[1] if len(blocks) > 1 else None
    return np.bincount(blocks[0], weights=weights, minlength=minlength)[None]


def histogram(edges: Any, blocks: Sequence[Any]) -> Any:
    """Count by edges, in an array with one more axis in front."""
    weights = blocks[1] if len(blocks) > 1 else None
    return np.histogram(blocks[0], bins=edges, weights=weights)[0][None]


def unique(block: Any, start: int) -> tuple[Any, Any, Any]:
    """Return distinct elements, first places and counts."""
    values, index, counts = np.unique(block, return_index=True, return_counts=True)
    return values, index + start, counts


def unique_merge(parts: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Put the distinct elements of several blocks together."""
    values, index, counts = (np.concatenate([part[i] for part in parts]) for i in range(3))
    distinct, inverse = np.unique(values, return_inverse=True)
    first = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(first, inverse, index)
    total = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(total, inverse, counts)
    return distinct, first, total
