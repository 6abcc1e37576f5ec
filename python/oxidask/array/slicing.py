"""What stands between square brackets."""

from __future__ import annotations

import math
import operator
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from oxidask import _native

if TYPE_CHECKING:
    from oxidask.array.core import Array

__all__ = ["BlockIndexer", "PointIndexer", "getitem", "sanitize_index", "vindex"]


class SliceTypeError(TypeError, IndexError):
    """A bound of a slice that is no integer: NumPy raises TypeErrors, Dask IndexErrors."""


def _is_lazy(index: Any) -> bool:
    from oxidask.array.core import Array

    return isinstance(index, Array)


def sanitize_index(index: Any) -> Any:
    """Return one index in the form that the native module takes.

    Parameters
    ----------
    index
        An integer, a slice, None, ``...``, or anything that NumPy makes an array of.

    Examples
    --------
    >>> sanitize_index([0, 2])
    array([0, 2])
    >>> sanitize_index(slice(np.int8(1), None))
    slice(1, None, None)
    """
    if index is None or index is Ellipsis:
        return index
    if isinstance(index, slice):
        return slice(*(_slice_bound(part) for part in (index.start, index.stop, index.step)))
    if isinstance(index, (bool, np.bool_)):
        return np.array(bool(index))
    if isinstance(index, (int, np.integer)):
        return int(index)
    array = np.asarray(index)
    if array.dtype.kind == "b":
        return np.asarray(array, order="C")
    if array.size == 0 and not isinstance(index, np.ndarray):
        array = array.astype(np.intp)
    if array.dtype.kind not in "iu":
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and integer or boolean arrays are "
            f"valid indices, got {index!r}"
        )
    return int(array) if array.ndim == 0 else np.asarray(array, dtype=np.int64)


def _slice_bound(part: Any) -> Any:
    if part is None:
        return None
    try:
        return operator.index(part)
    except TypeError:
        raise SliceTypeError(
            f"slice indices must be integers or None or have an __index__ method, got {part!r}"
        ) from None


def getitem(x: Array, index: Any) -> Array:
    """Return what NumPy gives for ``x[index]``, lazily.

    Parameters
    ----------
    x
        The array.
    index
        Anything that NumPy takes, lazy arrays among it.
    """
    if isinstance(index, str) or (
        isinstance(index, list) and index and all(isinstance(name, str) for name in index)
    ):
        return _field(x, index)
    parts = index if isinstance(index, tuple) else (index,)
    if len(parts) > 1 and _is_orthogonal(parts):
        raise NotImplementedError("xarray indexes axis by axis: it does so on this exception")
    if any(map(_is_lazy, parts)):
        return _getitem_lazy(x, parts)
    parts = tuple(map(sanitize_index, parts))
    if any(math.isnan(n) for n in x.shape) and any(isinstance(p, np.ndarray) for p in parts):
        return _getitem_unknown(x, parts)
    return x._like(_native.array_getitem(x._expr, parts))


def _is_orthogonal(parts: tuple[Any, ...]) -> bool:
    """Whether arrays among the indices are each for an axis of its own, and not NumPy's points.

    Such indices look the same, but for who asks: xarray's adapter of Dask's arrays, which don't
    know NumPy's meaning.  It asks first, and goes axis by axis where that isn't implemented.
    """
    advanced = sum(not (part is None or isinstance(part, slice)) for part in parts)
    if advanced < 2 or "xarray" not in sys.modules:
        return False
    asking = sys._getframe(3)
    return (
        asking.f_code.co_name == "_oindex_get"
        and asking.f_globals.get("__name__") == "xarray.core.indexing"
    )


def _getitem_unknown(x: Array, parts: tuple[Any, ...]) -> Array:
    """Index axes of unknown extent by arrays: where the elements are, only computing tells."""
    from oxidask.array.core import asarray

    axis = 0
    n_axes = sum(map(_n_axes, parts))
    lazy: list[Any] = []
    for part in parts:
        unknown = isinstance(part, np.ndarray) and part.ndim == 1 and math.isnan(x.shape[axis])
        if unknown and len(x.chunks[axis]) > 1 and part.dtype.kind != "b":
            raise ValueError(
                f"Array chunk size or shape is unknown. shape: {x.shape}\n\nPossible solution "
                "with x.compute_chunk_sizes()"
            )
        lazy.append(asarray(part) if unknown else part)
        axis += x.ndim - n_axes if part is Ellipsis else _n_axes(part)
    if any(map(_is_lazy, lazy)):
        return _getitem_lazy(x, tuple(lazy))
    return x._like(_native.array_getitem(x._expr, parts))


def _n_axes(part: Any) -> int:
    """How many axes of the array an index takes."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if is_mask(part) else 1


def is_mask(part: Any) -> bool:
    """Whether an index is an array of booleans."""
    return getattr(getattr(part, "dtype", None), "kind", None) == "b"


def _field(x: Array, names: str | list[str]) -> Array:
    from oxidask.array.core import blockwise_layer
    from oxidask.tokenize import tokenize

    meta = x._meta[names]
    extra = meta.shape[x.ndim :]
    axes = tuple(range(x.ndim))
    args = [("blocks", x, axes, (False,) * x.ndim), ("literal", names)]
    chunks = x.chunks + tuple((n,) for n in extra)
    return blockwise_layer(f"getitem-{tokenize(x, names)}", operator.getitem, args, chunks, meta)


def _expanded(x: Array, parts: tuple[Any, ...]) -> list[Any]:
    """Return the indices with slices for what is missing and for ``...``."""
    taken = sum(map(_n_axes, parts))
    if taken > x.ndim:
        raise IndexError(
            f"too many indices for array: array is {x.ndim}-dimensional, but {taken} were indexed"
        )
    if sum(part is Ellipsis for part in parts) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    whole = [slice(None)] * (x.ndim - taken)
    if not any(part is Ellipsis for part in parts):
        return [*parts, *whole]
    at = next(i for i, part in enumerate(parts) if part is Ellipsis)
    return [*parts[:at], *whole, *parts[at + 1 :]]


def _getitem_lazy(x: Array, parts: tuple[Any, ...]) -> Array:
    """Index by lazy arrays: the other indices first, then one lazy array at a time."""
    x, parts = _with_merged_axes(x, parts)
    indices = _expanded(x, parts)
    lazy = [i for i, part in enumerate(indices) if _is_lazy(part)]
    arrays = [i for i in lazy if indices[i].ndim > 0]
    eager = [part if _is_lazy(part) else sanitize_index(part) for part in indices]
    if len(arrays) > 1 or (arrays and any(isinstance(part, np.ndarray) for part in eager)):
        raise NotImplementedError(
            "Indexing by several arrays, one of which is lazy: compute the indices first, or use "
            "x.vindex"
        )
    if any(not _is_lazy(p) and isinstance(p, np.ndarray) and p.ndim > 1 for p in eager):
        raise NotImplementedError("Indexing by a lazy scalar beside an array of several axes")
    rest = tuple(slice(None) if i in lazy else part for i, part in enumerate(eager))
    scalars = [i for i, part in enumerate(indices) if isinstance(part, (int, np.integer))]
    result = x._like(_native.array_getitem(x._expr, rest))
    axis = 0
    dropped: list[int] = []
    target = None
    for i, part in enumerate(eager):
        if i in lazy:
            by = part if part.ndim else part.reshape((1,))
            result = _take_lazy(result, axis, by)
            if part.ndim == 0:
                dropped.append(axis)
            else:
                target = axis
        axis += 0 if isinstance(part, int) else 1
    if target is not None and scalars:
        result, target = _advanced_first(result, indices, lazy, target)
    if dropped:
        index = tuple(0 if i in dropped else slice(None) for i in range(result.ndim))
        result = result[index]
    return result


def _advanced_first(
    result: Array, indices: list[Any], lazy: list[int], target: int
) -> tuple[Array, int]:
    """Move the axis of the index array to the front if a slice lies between it and an integer."""
    advanced = [
        i for i, part in enumerate(indices) if i in lazy or isinstance(part, (int, np.integer))
    ]
    if advanced[-1] - advanced[0] + 1 == len(advanced):
        return result, target
    order = [target, *(axis for axis in range(result.ndim) if axis != target)]
    if order != list(range(result.ndim)):
        result = result.transpose(order)
    return result, 0


def _with_merged_axes(x: Array, parts: tuple[Any, ...]) -> tuple[Array, tuple[Any, ...]]:
    """Merge the axes that a lazy mask of several axes is for, and ravel the mask."""
    masks = [i for i, p in enumerate(parts) if _is_lazy(p) and p.dtype == bool and p.ndim > 1]
    if not masks:
        return x, parts
    at = masks[0]
    mask = parts[at]
    before = parts[:at]
    if any(part is Ellipsis for part in before):
        parts = tuple(_expanded(x, parts))
        at = next(i for i, p in enumerate(parts) if _is_lazy(p) and p is mask)
        before = parts[:at]
    axis = sum(map(_n_axes, before))
    extents = x.shape[axis : axis + mask.ndim]
    for i, (n, m) in enumerate(zip(extents, mask.shape, strict=False)):
        if n != m and not (math.isnan(n) or math.isnan(m)):
            raise IndexError(
                f"boolean index did not match indexed array along axis {axis + i}; size of axis "
                f"is {n} but size of corresponding boolean axis is {m}"
            )
    if len(extents) < mask.ndim:
        raise IndexError(
            f"too many indices for array: array is {x.ndim}-dimensional, but a mask of "
            f"{mask.ndim} dimensions was given for its last {len(extents)}"
        )
    merged = x.reshape((*x.shape[:axis], -1, *x.shape[axis + mask.ndim :]))
    return merged, (*before, mask.reshape((-1,)), *parts[at + 1 :])


def _take_lazy(x: Array, axis: int, by: Array) -> Array:
    from oxidask.array.reshape import reshape_blockwise

    if by.dtype.kind not in "iub":
        raise IndexError(
            f"arrays used as indices must be of integer or boolean type, not {by.dtype}"
        )
    if by.ndim == 1:
        return x._like(_native.array_take_by(x._expr, axis, by._expr, by.dtype.kind == "b"))
    if x.ndim == 1 and by.ndim and not any(math.isnan(n) for n in by.shape):
        # In the blocks of the positions.
        parts = by.ravel() if by.npartitions == 1 else reshape_blockwise(by, (by.size,))
        taken = x._like(_native.array_take_by(x._expr, 0, parts._expr, False))
        return reshape_blockwise(taken, by.shape, by.chunks)
    flat = x._like(_native.array_take_by(x._expr, axis, by.reshape((-1,))._expr, False))
    return flat.reshape((*x.shape[:axis], *by.shape, *x.shape[axis + 1 :]))


def vindex(x: Array, index: Any) -> Array:
    """Index pointwise: index arrays go together, and their axes come first.

    Parameters
    ----------
    x
        The array.
    index
        Integers, integer arrays, and slices.
    """
    parts = index if isinstance(index, tuple) else (index,)
    if any(part is None for part in parts):
        raise IndexError("vindex does not support indexing with None (np.newaxis)")
    if any(map(_is_lazy, parts)):
        if len(parts) == 1 and x.ndim == 1 and x.npartitions == 1:
            return x[parts[0]]
        raise IndexError(
            "vindex does not support indexing with dask objects, but by one array into an array "
            "of one axis and one block"
        )
    parts = tuple(map(sanitize_index, parts))
    if any(map(is_mask, parts)):
        raise IndexError("vindex does not support indexing with boolean arrays")
    if not any(isinstance(part, (int, np.ndarray)) for part in parts):
        result = x._like(_native.array_getitem(x._expr, parts))
        if result is not x:
            raise IndexError(
                f"vindex requires at least one integer or array when slices are not whole: {index}"
            )
        return result
    return x._like(_native.array_getitem(x._expr, parts, True))


class PointIndexer:
    """Indexing by points: ``x.vindex[...]``.

    Parameters
    ----------
    array
        The array.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.asarray(np.arange(9).reshape(3, 3))
    >>> x.vindex[[0, 1, 2], [0, 1, 2]].compute()
    array([0, 4, 8])
    """

    def __init__(self, array: Array) -> None:
        self._array = array

    def __getitem__(self, index: Any) -> Array:
        return vindex(self._array, index)


class BlockIndexer:
    """An array's blocks by their places: ``x.blocks[...]``.

    Parameters
    ----------
    array
        The array.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.asarray(np.arange(6)).rechunk(2)
    >>> x.blocks.shape
    (3,)
    >>> x.blocks[1].compute()
    array([2, 3])
    """

    def __init__(self, array: Array) -> None:
        self._array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of blocks along each axis."""
        return self._array.numblocks

    @property
    def size(self) -> int:
        """Number of blocks."""
        return self._array.npartitions

    def ravel(self) -> list[Array]:
        """Return every block as an array."""
        return [self[index] for index in np.ndindex(self.shape)]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, BlockIndexer):
            return self._array is other._array
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._array.name)

    def __getitem__(self, index: Any) -> Array:
        parts = index if isinstance(index, tuple) else (index,)
        if any(part is None for part in parts):
            raise ValueError("Slicing with np.newaxis or None is not supported")
        if sum(isinstance(part, (np.ndarray, list)) for part in parts) > 1:
            raise ValueError("Can only slice with a single list")
        x = self._array
        indices = _expanded(x, tuple(map(sanitize_index, parts)))
        wanted = []
        for axis, (part, n) in enumerate(zip(indices, self.shape, strict=True)):
            if isinstance(part, int) and not -n <= part < n:
                raise IndexError(f"index {part} is out of bounds for axis {axis} with size {n}")
            wanted.append(np.atleast_1d(np.arange(n)[part]).tolist())
        return x._like(_native.array_blocks(x._expr, wanted))
