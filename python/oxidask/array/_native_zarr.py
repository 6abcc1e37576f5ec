"""Local Zarr arrays of native dtypes, read and written without Python.

What they can't do (other dtypes and codecs, stores elsewhere) is the zarr package's.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._from_array import BlockSlices
from oxidask.array._npy_stack import write_atomically
from oxidask.array.chunks import normalize_chunks
from oxidask.array.core import Array, blockwise_layer, native_typestr, new_array
from oxidask.tokenize import tokenize

__all__ = ["NOT_NATIVE", "open_array", "write_array"]

NOT_NATIVE = object()
_MANIFEST = ".oxidask-progress.json"


def _local(url: Any) -> str | None:
    """Return a local path as text, or None for other places."""
    if isinstance(url, os.PathLike):
        url = os.fspath(url)
    if not isinstance(url, str):
        return None
    if url.startswith("file://"):
        return url.removeprefix("file://")
    return None if "://" in url or "::" in url else url


def open_array(url: Any, component: str | None, chunks: Any, name: str | None) -> Array | None:
    """Return the array of a local Zarr array, or None if another reader must do it.

    Parameters
    ----------
    url, component, chunks, name
        See :func:`oxidask.array.from_zarr`.
    """
    root = _local(url)
    if root is None or not os.path.isdir(root):
        return None
    component = component or ""
    try:
        shape, stored, units, typestr = _native.zarr_open(root, component)
    except _native.NoKernel:
        return None
    chunks = normalize_chunks(
        tuple(stored) if chunks is None else chunks,
        tuple(shape),
        dtype=typestr,
        previous_chunks=tuple((extent,) for extent in units),
    )
    if name is None:
        name = "from-zarr-" + tokenize(
            os.path.abspath(root), component, chunks, _version(root, component)
        )
    expr = _native.array_from_zarr(root, component, chunks, typestr, name)
    return new_array(expr)


def _version(root: str, component: str) -> Any:
    """Return what changes when the array is made anew."""
    folder = Path(root, component)
    paths = [folder / name for name in ("zarr.json", ".zarray")]
    return [path.stat().st_mtime_ns for path in paths if path.exists()]


def write_array(
    arr: Array,
    url: Any,
    component: str | None,
    compute: bool,
    return_stored: bool,
    options: dict[str, Any],
) -> Any:
    """Write a local Zarr array, or return `NOT_NATIVE` if another writer must do it.

    Parameters
    ----------
    arr, url, component, compute, return_stored
        See :func:`oxidask.array.to_zarr`.
    options
        Its other arguments.
    """
    root = _local(url)
    mode, resume = options.pop("mode"), options.pop("resume")
    overwrite = options.pop("overwrite", mode == "w")
    zarr_format = options.pop("zarr_format", 3)
    component = component or options.pop("name", None) or ""
    typestr = native_typestr(arr.dtype)
    if root is None or options or typestr is None or type(arr._meta) is not np.ndarray:
        return NOT_NATIVE
    if mode == "w-" and os.path.isdir(root) and os.listdir(root):
        raise FileExistsError(f"{root} is there already, and mode 'w-' is for new ones")
    if mode == "r+" and not os.path.isdir(root):
        raise FileNotFoundError(f"{root} isn't there, and mode 'r+' is for what is there")
    chunks = [max(1, int(extent)) for extent in arr.chunksize]
    manifest = Path(root, component, _MANIFEST)
    state = {"name": arr.name, "shape": list(arr.shape), "chunks": chunks, "dtype": typestr}
    going_on = resume and manifest.exists() and json.loads(manifest.read_text()) == state
    if not going_on:
        try:
            _native.zarr_create(
                root, component, list(arr.shape), chunks, typestr, zarr_format, overwrite or resume
            )
        except _native.NoKernel:
            return NOT_NATIVE
        text = json.dumps(state).encode()
        write_atomically(manifest, lambda file: file.write(text))
    written = new_array(_native.array_to_zarr(arr._expr, root, component), arr._meta)
    if compute:
        _compute(arr, written, root, component, going_on)
        manifest.unlink(missing_ok=True)
        return open_array(root, component, arr.chunks, None) if return_stored else None
    manifest.unlink(missing_ok=True)
    if return_stored:
        return _read_after_write(arr, root, component, written)
    return written


def _compute(arr: Array, written: Array, root: str, component: str, going_on: bool) -> None:
    """Write the blocks, or those that are not there yet."""
    from oxidask.base import compute

    if not going_on:
        compute(written)
        return
    blocks = written.to_delayed()
    left = [
        blocks[index]
        for index in np.ndindex(arr.numblocks)
        if not _native.zarr_is_written(root, component, *_region(arr.chunks, index))
    ]
    if left:
        compute(*left)


def _region(chunks: Sequence[Sequence[int]], index: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return where a block starts and ends."""
    bounds = [list(itertools.accumulate(extents, initial=0)) for extents in chunks]
    starts = [int(at[i]) for at, i in zip(bounds, index, strict=True)]
    ends = [int(at[i + 1]) for at, i in zip(bounds, index, strict=True)]
    return starts, ends


def _read_after_write(arr: Array, root: str, component: str, written: Array) -> Array:
    """Return an array that writes each block before it reads it."""
    axes = list(range(arr.ndim))
    args = [
        ("blocks", written, axes, [False] * arr.ndim),
        ("per_block", BlockSlices(arr.chunks)),
    ]
    kwargs = {"root": root, "component": component, "typestr": native_typestr(arr.dtype)}
    name = "load-zarr-" + tokenize(arr.name, root, component)
    return blockwise_layer(name, _load, args, arr.chunks, arr._meta, kwargs)


def _load(_: Any, where: tuple[slice, ...], root: str, component: str, typestr: str) -> Any:
    starts, ends = [part.start for part in where], [part.stop for part in where]
    return _native.zarr_read(root, component, typestr, starts, ends)
