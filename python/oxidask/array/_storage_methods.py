"""What arrays are stored as, drawn as and taken apart into: methods of the class."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask import _native

__all__ = ["StorageMethods"]


class StorageMethods:
    """Methods of an array that bring its blocks elsewhere."""

    __slots__ = ()

    _expr: Any
    numblocks: tuple[int, ...]

    def store(self, target: Any, **kwargs: Any) -> Any:
        """Write the blocks into something that takes slices; see :func:`oxidask.array.store`."""
        from oxidask.array._store import store

        return store(self, target, **kwargs)

    def to_delayed(self, optimize_graph: bool = True) -> Any:
        """Return the blocks as delayed values, in a NumPy array of the blocks' grid.

        Parameters
        ----------
        optimize_graph
            Whether elementwise operations are merged first.

        Examples
        --------
        >>> import oxidask.array as da
        >>> blocks = da.from_array([1, 2, 3], chunks=2).to_delayed()
        >>> blocks.shape, blocks[1].compute()
        ((2,), array([3]))
        """
        values = _native.array_to_delayed(self._expr, optimize_graph)
        blocks = np.empty(len(values), dtype=object)
        blocks[:] = values
        return blocks.reshape(self.numblocks)

    def to_dask_dataframe(self, columns: Any = None, index: Any = None, meta: Any = None) -> Any:
        """Not there yet: compute the array and make a frame of the result."""
        raise NotImplementedError(
            "to_dask_dataframe needs oxidask.dataframe, which is still to come: until then use "
            "pandas.DataFrame(x.compute())"
        )

    def to_hdf5(self, filename: Any, datapath: str, **kwargs: Any) -> None:
        """Write a dataset of an HDF5 file; see :func:`oxidask.array.to_hdf5`."""
        from oxidask.array._hdf5 import to_hdf5

        to_hdf5(filename, datapath, self, **kwargs)

    def to_zarr(self, *args: Any, **kwargs: Any) -> Any:
        """Write a Zarr array; see :func:`oxidask.array.to_zarr`."""
        from oxidask.array._zarr import to_zarr

        return to_zarr(self, *args, **kwargs)

    def to_tiledb(self, uri: Any, *args: Any, **kwargs: Any) -> Any:
        """Write a TileDB array; see :func:`oxidask.array.to_tiledb`."""
        from oxidask.array.tiledb_io import to_tiledb

        return to_tiledb(self, uri, *args, **kwargs)

    def to_svg(self, size: int = 500) -> str:
        """Return a drawing of the chunks; see :mod:`oxidask.array.svg`.

        Parameters
        ----------
        size
            Pixels of the longest side.
        """
        from oxidask.array.svg import svg

        return svg(self.chunks, size=size)  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        from oxidask.array.svg import html_table

        return html_table(self)
