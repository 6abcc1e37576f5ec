"""Writing the blocks of arrays into things that take slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask.array._from_array import BlockSlices, from_delayed, getter
from oxidask.array._locks import holding
from oxidask.array.core import Array, blockwise_layer
from oxidask.tokenize import tokenize
from oxidask.utils import get_scheduler_lock

__all__ = ["load_chunk", "load_store_chunk", "store", "within"]


def within(
    region: Any, index: Sequence[slice], shape: Sequence[int] | None = None
) -> tuple[Any, ...]:
    """Return where a part of a region lies in the whole.

    Parameters
    ----------
    region
        Slices, integers, lists of positions or masks: for each axis of the whole, or fewer.
    index
        Slices of the region, one for each of its axes.
    shape
        The shape of the whole, for slices that count from the end.

    Examples
    --------
    >>> within((slice(10, None, 2), 3), (slice(1, 4),))
    (slice(12, 18, 2), 3)
    """
    items = list(region) if isinstance(region, tuple) else [region]
    n_kept = sum(not isinstance(item, (int, np.integer)) for item in items if item is not Ellipsis)
    at = next((i for i, item in enumerate(items) if item is Ellipsis), None)
    missing = [slice(None)] * (len(index) - n_kept)
    items[len(items) if at is None else at : len(items) if at is None else at + 1] = missing
    parts = iter(index)
    result: list[Any] = []
    for axis, item in enumerate(items):
        extent = None if shape is None else shape[axis]
        if isinstance(item, (int, np.integer)):
            result.append(item)
        elif isinstance(item, slice):
            result.append(_part_of_slice(item, next(parts), extent))
        else:
            positions = np.asarray(item)
            if positions.dtype == bool:
                (positions,) = positions.nonzero()
            result.append(positions[next(parts)].tolist())
    return tuple(result)


def _part_of_slice(region: slice, part: slice, extent: int | None) -> slice:
    if region == slice(None):
        return part
    ends = [end for end in (region.start, region.stop) if end is not None]
    step = region.step or 1
    if extent is None:
        if step < 0 or any(end < 0 for end in ends):
            raise ValueError(f"The region {region} needs a target that has a shape")
        extent = region.stop if region.stop is not None else 2**62
    positions = range(*region.indices(extent))[part]
    if not positions:
        return slice(0, 0)
    start, last = positions[0], positions[-1]
    if step == 1:
        return slice(start, last + 1)
    end = last + step
    # What lies before the first position has no number: it is written as None.
    return slice(start, end if end >= 0 else None, step)


def load_store_chunk(
    x: Any,
    out: Any,
    index: Any,
    region: Any,
    lock: Any,
    return_stored: bool,
    load_stored: bool,
) -> Any:
    """Write a block into a target, under a lock, and perhaps read it back.

    Parameters
    ----------
    x
        The block.
    out
        The target.
    index
        The block's slices.
    region
        The part of the target that the whole array goes to, or None.
    lock
        Held while writing and reading.
    return_stored, load_stored
        Whether to return the target, or, with both, the block as the target gives it back.

    Examples
    --------
    >>> import numpy as np
    >>> out = np.zeros(4)
    >>> load_store_chunk(np.ones(2), out, slice(1, 3), None, None, False, False)
    >>> out
    array([0., 1., 1., 0.])
    """
    is_empty = x is None or math.prod(np.shape(x)) == 0
    with holding(lock):
        where = index
        if region is not None and not is_empty:
            index = index if isinstance(index, tuple) else (index,)
            where = within(region, index, getattr(out, "shape", None))
        if not is_empty:
            out[where] = x if hasattr(x, "dtype") else np.asanyarray(x)
        if return_stored and load_stored:
            return x if is_empty else out[where]
    return out if return_stored else None


def load_chunk(out: Any, index: Any, lock: Any, region: Any = None) -> Any:
    """Return a part of a target, read under a lock.

    Examples
    --------
    >>> load_chunk([1, 2, 3], slice(1), None)
    array([1])
    """
    if region is not None:
        index = within(region, index, getattr(out, "shape", None))
    return getter(out, index, lock=lock)


def _write_block(x: Any, out: Any, index: Any, region: Any, lock: Any, gives: str) -> Any:
    """Store one block; return it read back, as it is, or something empty."""
    load = gives == "loaded"
    result = load_store_chunk(x, out, index, region, lock, load, load)
    if gives == "nothing":
        return np.empty((0,) * np.ndim(x), dtype=getattr(x, "dtype", None))
    return result if load else x


def store(
    sources: Any,
    targets: Any,
    lock: Any = True,
    regions: Any = None,
    compute: bool = True,
    return_stored: bool = False,
    load_stored: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Write arrays into things that take slices, block by block.

    Parameters
    ----------
    sources
        An array, or several.
    targets
        Where to: for each array something that supports ``target[slices] = block``, or a delayed
        value of such.
    lock
        A lock to hold while writing; True for a new one; False for targets that need none.
    regions
        For each array the part of its target to write to, or one for all.
    compute
        Whether to do it now.
    return_stored
        Whether to return arrays that read what was written.
    load_stored
        With `return_stored` and without `compute`: whether blocks are read back from the target, as
        they are by default.
    **kwargs
        Passed to the scheduler.

    Returns
    -------
    None, or arrays
        With `return_stored` arrays over the targets; without `compute` arrays that write when they
        are computed.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> target = np.zeros(4)
    >>> da.store(da.ones(4, chunks=2), target)
    >>> target
    array([1., 1., 1., 1.])
    """
    is_single = isinstance(sources, Array)
    if is_single:
        sources, targets = [sources], [targets]
    sources = list(sources)
    if any(not isinstance(source, Array) for source in sources):
        raise ValueError("All sources of store are dask arrays: use from_array first")
    targets = list(targets) if isinstance(targets, (list, tuple)) else [targets]
    if len(sources) != len(targets):
        raise ValueError(f"Got {len(sources)} sources and {len(targets)} targets")
    if isinstance(regions, tuple) or regions is None:
        regions = [regions] * len(sources)
    if len(sources) != len(regions):
        raise ValueError(f"Got {len(sources)} sources and {len(regions)} regions")
    if lock is True:
        lock = get_scheduler_lock(Array, scheduler=kwargs.get("scheduler"))
    gives = "nothing"
    if return_stored and not compute:
        gives = "loaded" if load_stored is None or load_stored else "block"
    stored = [
        _stored(source, target, region, lock, gives)
        for source, target, region in zip(sources, targets, regions, strict=True)
    ]
    if compute:
        targets = _run(stored, targets, **kwargs)
        if not return_stored:
            return None
        stored = [
            _loaded(source, target, region, lock)
            for source, target, region in zip(sources, targets, regions, strict=True)
        ]
    return stored[0] if is_single else tuple(stored)


def _is_lazy(target: Any) -> bool:
    return hasattr(target, "__dask_graph__") and hasattr(target, "key")


def _run(stored: Sequence[Array], targets: Sequence[Any], **kwargs: Any) -> list[Any]:
    """Compute; return the targets, those that are delayed as what they were."""
    from oxidask.base import compute

    lazy = [target for target in targets if _is_lazy(target)]
    results = compute(*stored, *lazy, **kwargs)
    values = iter(results[len(stored) :])
    return [next(values) if _is_lazy(target) else target for target in targets]


def check_known(array: Array, doing: str) -> None:
    """Raise if the extents of some blocks are not known."""
    if any(math.isnan(extent) for extents in array.chunks for extent in extents):
        raise ValueError(
            f"{doing} an array with unknown chunk sizes: call compute_chunk_sizes() on it first"
        )


def _stored(source: Array, target: Any, region: Any, lock: Any, gives: str) -> Array:
    """Return an array whose blocks are written when they are computed."""
    check_known(source, "Cannot store")
    token = target.key if _is_lazy(target) else id(target)
    name = "store-map-" + tokenize(source.name, token, region, lock or None, gives)
    if _is_lazy(target):
        holder = from_delayed(target, shape=(), meta=np.empty((), dtype=object))
        out: tuple[Any, ...] = ("blocks", holder, [], [])
    else:
        out = ("shared", target)
    axes = list(range(source.ndim))
    args = [
        ("blocks", source, axes, [False] * source.ndim),
        out,
        ("per_block", BlockSlices(source.chunks)),
    ]
    kwargs = {"region": region, "lock": lock or None, "gives": gives}
    return blockwise_layer(name, _write_block, args, source.chunks, source._meta, kwargs)


def _loaded(source: Array, target: Any, region: Any, lock: Any) -> Array:
    """Return an array over what was written."""
    name = "load-stored-" + tokenize(source.name, id(target), region)
    args = [("shared", target), ("per_block", BlockSlices(source.chunks))]
    kwargs = {"lock": lock or None, "region": region}
    return blockwise_layer(name, load_chunk, args, source.chunks, source._meta, kwargs)
