"""Local Zarr arrays of native dtypes, read and written without Python."""

from __future__ import annotations

from typing import Any

from oxidask.array.core import Array

__all__ = ["NOT_NATIVE", "open_array", "write_array"]

NOT_NATIVE = object()


def open_array(url: Any, component: str | None, chunks: Any, name: str | None) -> Array | None:
    """Return the array of a local Zarr array, or None if another reader must do it.

    Parameters
    ----------
    url, component, chunks, name
        See :func:`oxidask.array.from_zarr`.
    """
    return None


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
    return NOT_NATIVE
