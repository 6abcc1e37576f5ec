"""Datasets of HDF5 files, through h5py."""

from __future__ import annotations

from typing import Any

from oxidask.array._store import check_known, store
from oxidask.array.core import Array

__all__ = ["to_hdf5"]


def to_hdf5(filename: Any, *args: Any, chunks: Any = True, **kwargs: Any) -> None:
    """Write arrays as datasets of an HDF5 file; needs h5py.

    Parameters
    ----------
    filename
        The file; datasets that it has already stay.
    *args
        A path in the file and an array, or a dict of paths to arrays.
    chunks
        The datasets' chunks; True for those of the arrays, None for none.
    **kwargs
        Passed to ``h5py.File.require_dataset``, such as ``compression``.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.to_hdf5("data.hdf5", "/x", da.ones(4))  # doctest: +SKIP
    >>> da.to_hdf5("data.hdf5", {"/x": da.ones(4), "/y": da.zeros(3)})  # doctest: +SKIP
    """
    if len(args) == 1 and isinstance(args[0], dict):
        arrays = args[0]
    elif len(args) == 2 and isinstance(args[0], str) and isinstance(args[1], Array):
        arrays = {args[0]: args[1]}
    else:
        raise ValueError("to_hdf5 takes a path and a dask array, or a dict of such")
    for path, array in arrays.items():
        if not isinstance(array, Array):
            raise TypeError(f"{path!r} is of type {type(array).__name__}, not a dask array")
        check_known(array, "Cannot write")
    try:
        import h5py
    except ImportError as error:
        raise ImportError("to_hdf5 needs h5py: pip install h5py") from error
    with h5py.File(filename, mode="a") as file:
        targets = [
            file.require_dataset(
                path,
                shape=array.shape,
                dtype=array.dtype,
                chunks=array.chunksize if chunks is True else chunks,
                **kwargs,
            )
            for path, array in arrays.items()
        ]
        store(list(arrays.values()), targets)
