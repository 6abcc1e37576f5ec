"""Stacks of ``.npy`` files: one for each block along an axis, and one that describes them.

A stack is a folder of ``0.npy``, ``1.npy``, ... and ``info``, a pickle of the dtype, the chunks and
the axis, as Dask writes it.
"""

from __future__ import annotations

import json
import os
import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from oxidask.array._store import check_known
from oxidask.array.core import Array, asanyarray, blockwise_layer
from oxidask.tokenize import tokenize

__all__ = ["from_npy_stack", "to_npy_stack"]

_MANIFEST = "progress.json"


def write_atomically(path: Path, write: Any) -> None:
    """Write a file under another name first, so that nobody ever sees half of it.

    Parameters
    ----------
    path
        The file.
    write
        Writes to a binary file that it is called with.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _write_block(block: Any, index: tuple[int, ...], folder: str, axis: int) -> Any:
    path = Path(folder) / f"{index[axis]}.npy"

    def write(file: BinaryIO) -> None:
        np.save(file, np.asanyarray(block))

    write_atomically(path, write)
    return np.empty((0,) * np.ndim(block))


def _manifest(x: Array) -> dict[str, Any]:
    return {"name": x.name, "chunks": [list(map(int, axis)) for axis in x.chunks]}


def to_npy_stack(dirname: Any, x: Any, axis: int = 0, resume: bool = False) -> None:
    """Write an array as a folder of ``.npy`` files, one for each block along an axis.

    Parameters
    ----------
    dirname
        The folder; it is made if it isn't there.
    x
        The array.  It is rechunked to one block along all other axes.
    axis
        The axis to cut along.
    resume
        Whether to leave out blocks that an earlier call with the same array has written.

    Examples
    --------
    >>> import os, tempfile
    >>> import oxidask.array as da
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     da.to_npy_stack(folder, da.from_array([[1, 2], [3, 4]], chunks=(1, 2)))
    ...     sorted(os.listdir(folder)), int(da.from_npy_stack(folder).sum().compute())
    (['0.npy', '1.npy', 'info'], 10)
    """
    x = asanyarray(x)
    check_known(x, "Cannot write")
    if not -x.ndim <= axis < x.ndim:
        raise np.exceptions.AxisError(axis, x.ndim)
    axis %= x.ndim
    x = x.rechunk({i: -1 for i in range(x.ndim) if i != axis})
    folder = Path(dirname)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / _MANIFEST
    done: set[int] = set()
    if resume and manifest.exists() and json.loads(manifest.read_text()) == _manifest(x):
        done = {i for i in range(x.numblocks[axis]) if (folder / f"{i}.npy").exists()}
    else:
        for path in folder.glob("*.npy"):
            path.unlink()
        # Said before the first block, so that a later call knows whose blocks are there.
        text = json.dumps(_manifest(x)).encode()
        write_atomically(manifest, lambda file: file.write(text))
    info = {"chunks": x.chunks, "dtype": x.dtype, "axis": axis}
    write_atomically(folder / "info", lambda file: pickle.dump(info, file))
    _write_blocks(x, str(folder), axis, done)
    manifest.unlink()


def _write_blocks(x: Array, folder: str, axis: int, done: set[int]) -> None:
    from oxidask.base import compute

    axes = list(range(x.ndim))
    args = [("blocks", x, axes, [False] * x.ndim), ("index",)]
    kwargs = {"folder": folder, "axis": axis}
    name = "to-npy-stack-" + tokenize(x.name, folder, axis)
    written = blockwise_layer(name, _write_block, args, x.chunks, x._meta, kwargs)
    left = [i for i in range(x.numblocks[axis]) if i not in done]
    if not done:
        compute(written)
    elif left:
        blocks = written.to_delayed().reshape(-1)
        compute(*(blocks[i] for i in left))


def _read_block(path: str, mmap_mode: Any) -> Any:
    return np.load(path, mmap_mode=mmap_mode)


class _Paths:
    """The file of each block."""

    def __init__(self, folder: str, axis: int) -> None:
        self.folder = folder
        self.axis = axis

    def __call__(self, index: Sequence[int]) -> str:
        return os.path.join(self.folder, f"{index[self.axis]}.npy")


def from_npy_stack(dirname: Any, mmap_mode: str | None = "r") -> Array:
    """Return the array of a folder that :func:`to_npy_stack` wrote.

    Parameters
    ----------
    dirname
        The folder.  Its ``info`` is a pickle: open only folders that you trust.
    mmap_mode
        How files are mapped into memory; None to read them.

    Examples
    --------
    >>> import tempfile
    >>> import oxidask.array as da
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     da.to_npy_stack(folder, da.from_array([1, 2, 3], chunks=2))
    ...     da.from_npy_stack(folder).compute()
    array([1, 2, 3])
    """
    folder = os.fspath(dirname)
    with open(os.path.join(folder, "info"), "rb") as file:
        info = pickle.load(file)
    chunks, axis = info["chunks"], info["axis"]
    name = "from-npy-stack-" + tokenize(
        folder, info, os.stat(os.path.join(folder, "info")).st_mtime_ns
    )
    meta = np.empty((0,) * len(chunks), dtype=info["dtype"])
    args = [("per_block", _Paths(folder, axis)), ("literal", mmap_mode)]
    return blockwise_layer(name, _read_block, args, chunks, meta)
