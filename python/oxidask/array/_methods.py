"""Methods of arrays that say in one line which function does it."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask import _native

__all__ = ["Methods"]


class Methods:
    """Methods of arrays."""

    __slots__ = ()

    @property
    def _elemwise(self) -> Any:
        """What applies elementwise functions to collections of this kind."""
        from oxidask.array.core import elemwise

        return elemwise

    def astype(self: Any, dtype: Any, **kwargs: Any) -> Any:
        """Return the elements under another dtype.

        Parameters
        ----------
        dtype
            The dtype.
        **kwargs
            ``casting``, ``copy``, ``subok`` and ``order``, as NumPy's ``astype`` takes them.
        """
        return cast(self, dtype, **kwargs)

    def view(self: Any, dtype: Any = None, order: str = "C") -> Any:
        """Return the bytes of the blocks under another dtype.

        Parameters
        ----------
        dtype
            The dtype; the array's own by default.
        order
            Which axis changes its extent: ``"C"``, the last, or ``"F"``, the first.
        """
        return viewed(self, dtype, order)

    @property
    def real(self: Any) -> Any:
        """The real parts."""
        from oxidask.array.ufunc import real

        return real(self)

    @property
    def imag(self: Any) -> Any:
        """The imaginary parts."""
        from oxidask.array.ufunc import imag

        return imag(self)

    def conj(self: Any) -> Any:
        """Return the complex conjugates."""
        from oxidask.array.ufunc import conj

        return conj(self)

    @property
    def A(self: Any) -> Any:
        """The array itself, for code that was written for matrices."""
        return self

    @property
    def T(self: Any) -> Any:
        """The array with its axes in reverse order."""
        return self.transpose()

    def transpose(self: Any, *axes: Any) -> Any:
        """Return the array with its axes in another order, by default in reverse."""
        from oxidask.array.routines import transpose

        if not axes:
            return transpose(self, None)
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
            return transpose(self, axes[0])
        return transpose(self, axes)

    def squeeze(self: Any, axis: Any = None) -> Any:
        """Return the array without axes of extent 1; see :func:`oxidask.array.squeeze`."""
        from oxidask.array.routines import squeeze

        return squeeze(self, axis)

    def nonzero(self: Any) -> Any:
        """Return where elements are not zero; see :func:`oxidask.array.nonzero`."""
        from oxidask.array.routines import nonzero

        return nonzero(self)

    def swapaxes(self: Any, axis1: int, axis2: int) -> Any:
        """Return the array with two axes exchanged."""
        from oxidask.array.routines import swapaxes

        return swapaxes(self, axis1, axis2)

    def round(self: Any, decimals: int = 0) -> Any:
        """Return the elements rounded to some decimals."""
        from oxidask.array.routines import round

        return round(self, decimals=decimals)

    def clip(self: Any, min: Any = None, max: Any = None) -> Any:
        """Return the elements brought between two bounds."""
        from oxidask.array.ufunc import clip

        return clip(self, min, max)

    def shuffle(self: Any, indexer: Any, axis: int, chunks: str = "auto") -> Any:
        """Take elements by groups of positions; see :func:`oxidask.array.shuffle`."""
        from oxidask.array._shuffle import shuffle

        return shuffle(self, indexer, axis, chunks)

    def choose(self: Any, choices: Any) -> Any:
        """Return for each element, an index, the element of the choice that it says."""
        from oxidask.array.routines import choose

        return choose(self, choices)

    def dot(self: Any, other: Any) -> Any:
        """Return the dot product; see :func:`oxidask.array.dot`."""
        from oxidask.array.routines import tensordot

        return tensordot(self, other, axes=((self.ndim - 1,), (max(other.ndim - 2, 0),)))

    def trace(self: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
        """Return the sums of diagonals."""
        from oxidask.array.reductions import trace

        return trace(self, offset=offset, axis1=axis1, axis2=axis2, dtype=dtype)

    def repeat(self: Any, repeats: int, axis: int | None = None) -> Any:
        """Return every element repeated along an axis."""
        from oxidask.array.creation import repeat

        return repeat(self, repeats, axis)

    def map_blocks(self: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Apply a function to every block; see :func:`oxidask.array.map_blocks`."""
        from oxidask.array._map_blocks import map_blocks

        return map_blocks(func, self, *args, **kwargs)

    def map_overlap(
        self: Any, func: Any, depth: Any, boundary: Any = None, trim: bool = True, **kwargs: Any
    ) -> Any:
        """Apply a function to blocks with their borders; see :func:`oxidask.array.map_overlap`."""
        from oxidask.array.overlap import map_overlap

        return map_overlap(func, self, depth=depth, boundary=boundary, trim=trim, **kwargs)

    def compute_chunk_sizes(self: Any) -> Any:
        """Compute the extents of blocks that are not known, and return the array itself.

        The array is computed for it, not kept: persist it first where that is dear.
        """
        from oxidask.array._chunk_sizes import known_chunks

        self._chunks = known_chunks(self)
        return self

    def copy(self: Any) -> Any:
        """Return a copy: assignment to one does not change the other."""
        from oxidask.array.core import new_array

        return new_array(self._expr, self._meta)

    def __deepcopy__(self, memo: Any) -> Any:
        duplicate = self.copy()
        memo[id(self)] = duplicate
        return duplicate

    def to_backend(self: Any, backend: str | None = None, **kwargs: Any) -> Any:
        """Return the array with blocks of another library."""
        from oxidask.array.creation import to_backend

        return to_backend(self, backend=backend, **kwargs)


def cast(x: Any, dtype: Any, **kwargs: Any) -> Any:
    """Return the elements of `x` under another dtype."""
    from oxidask.array.core import native_typestr, new_array

    extra = set(kwargs) - {"casting", "copy", "subok", "order"}
    if extra:
        raise TypeError(f"astype does not take the following keyword arguments: {sorted(extra)}")
    casting = kwargs.get("casting", "unsafe")
    dtype = np.dtype(dtype)
    if dtype == x.dtype:
        return x
    if not np.can_cast(x.dtype, dtype, casting=casting):
        raise TypeError(
            f"Cannot cast array from {x.dtype!r} to {dtype!r} according to the rule {casting!r}"
        )
    typestr = native_typestr(dtype)
    if type(x._meta) is np.ndarray and typestr is not None:
        try:
            return new_array(_native.array_astype(x._expr, typestr))
        except _native.NoKernel:
            pass
    keywords = {"subok": True, **{k: v for k, v in kwargs.items() if k != "copy"}}
    return x.map_blocks(_cast_block, dtype=dtype, astype_dtype=dtype, token="astype", **keywords)


def _cast_block(block: Any, astype_dtype: Any, **kwargs: Any) -> Any:
    if not isinstance(block, np.ndarray):
        return block.astype(astype_dtype)
    return block.astype(astype_dtype, **kwargs)


def viewed(x: Any, dtype: Any, order: str) -> Any:
    """Return the bytes of the blocks of `x` under another dtype."""
    dtype = x.dtype if dtype is None else np.dtype(dtype)
    if order not in ("C", "F"):
        raise ValueError(f"Order must be one of 'C' or 'F', got {order!r}")
    if dtype == x.dtype:
        return x
    if not x.ndim:
        if dtype.itemsize != x.dtype.itemsize:
            raise ValueError(
                "Changing the dtype of a 0d array is only supported if the itemsize is unchanged"
            )
        return x.map_blocks(_view_block, dtype, order, dtype=dtype, token="view")
    ratio = x.dtype.itemsize / dtype.itemsize
    axis = 0 if order == "F" else x.ndim - 1
    extents = []
    for extent in x.chunks[axis]:
        if (extent * x.dtype.itemsize) % dtype.itemsize:
            raise ValueError(
                f"Blocks of extent {extent} don't hold whole elements of {dtype}; rechunk first"
            )
        extents.append(int(extent * ratio))
    chunks = tuple(tuple(extents) if i == axis else c for i, c in enumerate(x.chunks))
    return x.map_blocks(_view_block, dtype, order, dtype=dtype, chunks=chunks, token="view")


def _view_block(block: Any, dtype: Any, order: str) -> Any:
    if order == "F":
        return np.ascontiguousarray(block.T).view(dtype).T
    return np.ascontiguousarray(block).reshape(block.shape).view(dtype)
