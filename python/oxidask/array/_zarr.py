"""Zarr arrays: local ones of native dtypes without Python, others through the zarr package."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask.array import _native_zarr, core
from oxidask.array._from_array import from_array
from oxidask.array._store import check_known, store
from oxidask.array.core import Array
from oxidask.tokenize import tokenize

__all__ = ["from_zarr", "to_zarr"]


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise ImportError(
            "This Zarr array needs the zarr package: pip install zarr. Without it there are local "
            "paths, native dtypes and the codecs bytes, gzip, zstd, blosc, crc32c and sharding"
        ) from error
    return zarr


def _is_zarr_array(url: Any) -> bool:
    kind = type(url)
    return kind.__module__.partition(".")[0] == "zarr" and kind.__name__ == "Array"


def _store_of(url: Any, storage_options: Any, mode: str) -> Any:
    """Return what the zarr package takes for a place."""
    if isinstance(url, os.PathLike):
        url = os.fspath(url)
    if not isinstance(url, str):
        return url
    if "://" not in url and not storage_options:
        return url
    zarr = _zarr()
    if hasattr(zarr.storage, "FsspecStore"):
        return zarr.storage.FsspecStore.from_url(
            url, storage_options=storage_options, read_only=mode == "r"
        )
    return zarr.storage.FSStore(url, mode=mode, **(storage_options or {}))


def from_zarr(
    url: Any,
    component: str | None = None,
    storage_options: Any = None,
    chunks: Any = None,
    name: str | None = None,
    inline_array: bool = False,
    **kwargs: Any,
) -> Array:
    """Return the array of a Zarr array (format 2 or 3).

    Parameters
    ----------
    url
        A path, a URL (through fsspec and the zarr package), a store, or a ``zarr.Array``.
    component
        The array's path in a group.
    storage_options
        Options of the file system that a URL names.
    chunks
        See :func:`oxidask.array.normalize_chunks`; by default the array's own.
    name
        The name; by default a hash of what is read.
    inline_array
        Whether the ``zarr.Array`` is part of each task instead of a task of its own.
    **kwargs
        Passed to ``zarr.open_array``.

    Examples
    --------
    >>> import tempfile
    >>> import oxidask.array as da
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     da.to_zarr(da.from_array([1, 2, 3], chunks=2), folder)
    ...     da.from_zarr(folder).compute()
    array([1, 2, 3])
    """
    if not _is_zarr_array(url):
        if not kwargs and not storage_options:
            array = _native_zarr.open_array(url, component, chunks, name)
            if array is not None:
                return array
        kwargs.setdefault("mode", "r")
        place = _store_of(url, storage_options, kwargs["mode"])
        url = _zarr().open_array(store=place, path=component, **kwargs)
    if chunks is None:
        chunks = url.chunks
    if name is None:
        name = "from-zarr-" + tokenize(_identity(url), component, chunks)
    return from_array(url, chunks, name=name, inline_array=inline_array)


def _identity(z: Any) -> Any:
    """Return what tells a Zarr array from others: stores in memory have no lasting address."""
    place = z.store
    root = getattr(place, "root", None) or getattr(place, "url", None)
    return str(root) if root is not None else id(place), z.path, z.shape, str(z.dtype)


def to_zarr(
    arr: Any,
    url: Any,
    component: str | None = None,
    storage_options: Any = None,
    region: tuple[slice, ...] | None = None,
    compute: bool = True,
    return_stored: bool = False,
    mode: str = "a",
    resume: bool = False,
    **zarr_array_kwargs: Any,
) -> Any:
    """Write an array as a Zarr array.

    Parameters
    ----------
    arr
        The array.
    url
        A path, a URL (through fsspec and the zarr package), a store, or a ``zarr.Array`` to fill.
    component
        The new array's path in a group.
    storage_options
        Options of the file system that a URL names.
    region
        The part of a ``zarr.Array`` to write to.
    compute
        Whether to do it now.
    return_stored
        Whether to return an array over what was written.
    mode
        ``"a"`` to make a new array where there is none, ``"w"`` to replace what is there, ``"w-"``
        to fail if there is anything, ``"r+"`` to write into a store that is there.
    resume
        Whether to leave out blocks that an earlier call with the same array wrote before it was
        stopped; for local paths.
    **zarr_array_kwargs
        Passed to ``zarr.create_array``: ``zarr_format``, ``compressors``, ``shards``, ...;
        ``overwrite`` says whether to replace an array.

    Examples
    --------
    >>> import tempfile
    >>> import oxidask.array as da
    >>> x = da.from_array([[1, 2], [3, 4]], chunks=(1, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     x.to_zarr(folder)
    ...     int(da.from_zarr(folder).sum().compute())
    10
    """
    check_known(arr, "Saving to Zarr is not possible:")
    if mode not in ("r+", "a", "w", "w-"):
        raise ValueError(f"Cannot use mode {mode!r} to write: use 'a', 'w', 'w-' or 'r+'")
    if _is_zarr_array(url):
        arr = _aligned(arr, url, region)
        regions = None if region is None else [region]
        return _store_one(arr, url, regions, compute, return_stored)
    if region is not None:
        raise ValueError("A region can be written to in a zarr.Array only: open it first")
    arr = _regular(arr)
    if not storage_options:
        options = dict(zarr_array_kwargs, mode=mode, resume=resume)
        written = _native_zarr.write_array(arr, url, component, compute, return_stored, options)
        if written is not _native_zarr.NOT_NATIVE:
            return written
    if resume:
        raise NotImplementedError(
            "resume=True is for local paths, native dtypes and default codecs: write to a path "
            "first and copy it from there"
        )
    z = _created(arr, url, component, storage_options, mode, zarr_array_kwargs)
    return _store_one(_aligned(arr, z, None, warn=False), z, None, compute, return_stored)


def _store_one(arr: Array, z: Any, regions: Any, compute: bool, return_stored: bool) -> Any:
    return store(arr, z, lock=False, regions=regions, compute=compute, return_stored=return_stored)


def _regular(arr: Array) -> Array:
    """Return the array in chunks of one size along each axis, as Zarr has them."""
    if all(
        all(extent == extents[0] for extent in extents[:-1]) and extents[-1] <= extents[0]
        for extents in arr.chunks
    ):
        return arr
    warnings.warn(
        "The array uses irregular chunk sizes, which Zarr can't store: it is rechunked to "
        f"{arr.chunksize}; rechunk it before to choose others",
        UserWarning,
        stacklevel=3,
    )
    return arr.rechunk(arr.chunksize)


def _created(
    arr: Array, url: Any, component: str | None, storage_options: Any, mode: str, kwargs: Any
) -> Any:
    """Make the Zarr array to write to."""
    zarr = _zarr()
    place = _store_of(url, storage_options, mode)
    overwrite = kwargs.pop("overwrite", mode == "w")
    component = component or kwargs.pop("name", None)
    options = {
        "shape": arr.shape,
        "chunks": tuple(max(1, int(extent)) for extent in arr.chunksize),
        "dtype": arr.dtype,
        "overwrite": overwrite,
        **kwargs,
    }
    if not hasattr(zarr, "create_array"):
        return zarr.create(store=place, path=component, **options)
    if component:
        group_format = {"zarr_format": kwargs["zarr_format"]} if "zarr_format" in kwargs else {}
        options.pop("zarr_format", None)
        root = zarr.open_group(store=place, mode="a" if mode == "w" else mode, **group_format)
        return root.create_array(component, **options)
    return zarr.create_array(store=place, **options)


def _aligned(arr: Array, z: Any, region: Any, warn: bool = True) -> Array:
    """Return the array in blocks none of which share what Zarr writes at once.

    Two tasks that write parts of one chunk (or shard) at the same time would lose one of them.
    """
    units = getattr(z, "shards", None) or z.chunks
    starts = [0] * arr.ndim
    if region is not None:
        starts, partial = _region_starts(arr, z, region, units)
        if partial and warn:
            warnings.warn(
                f"The region {region} covers some chunks of the Zarr array in part: they are read, "
                "changed and written again, and nobody else may write to them meanwhile",
                core.PerformanceWarning,
                stacklevel=3,
            )
    if len(units) != arr.ndim:
        return arr
    chunks = [
        _whole_units(extents, start, unit)
        for extents, start, unit in zip(arr.chunks, starts, units, strict=True)
    ]
    for axis, (before, after) in enumerate(zip(arr.chunks, chunks, strict=True)):
        if tuple(before) != after and warn:
            warnings.warn(
                f"The input Dask array will be rechunked along axis {axis}: its blocks share "
                f"chunks of {units[axis]} in the Zarr array. Rechunk it to multiples of that",
                core.PerformanceWarning,
                stacklevel=3,
            )
    return arr if tuple(chunks) == arr.chunks else arr.rechunk(tuple(chunks))


def _region_starts(arr: Array, z: Any, region: Any, units: Sequence[int]) -> tuple[list[int], bool]:
    """Return where a region begins, and whether it covers chunks in part."""
    items = list(region) if isinstance(region, tuple) else [region]
    items += [slice(None)] * (len(z.shape) - len(items))
    starts, partial = [], False
    for item, extent, unit in zip(items, z.shape, units, strict=True):
        if not isinstance(item, slice):
            return [0] * arr.ndim, True
        start, stop, step = item.indices(extent)
        starts.append(start)
        partial |= step != 1 or start % unit != 0 or (stop % unit != 0 and stop != extent)
    return starts, partial


def _whole_units(extents: Sequence[int], start: int, unit: int) -> tuple[int, ...]:
    """Return extents whose inner borders are borders of units, near those that were given."""
    total = sum(extents)
    borders = np.cumsum(extents)[:-1] + start
    up = np.unique(-(-borders // unit) * unit) - start
    inner = [int(border) for border in up if 0 < border < total]
    return tuple(np.diff([0, *inner, total]).tolist()) if total else tuple(extents)
