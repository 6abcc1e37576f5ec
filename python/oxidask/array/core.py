"""The array: NumPy's interface over chunks."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._chunk_counts import PerformanceWarning, warn_of_more_blocks
from oxidask.array._graph import layered_graph, nested_keys
from oxidask.array._methods import Methods
from oxidask.array._numpy import concatenate_nested
from oxidask.array._operators import Operators
from oxidask.array._plugins import plugged
from oxidask.array._protocols import Protocols
from oxidask.array._reduction_methods import ReductionMethods
from oxidask.array._stock_dask import StockGraph, is_asked_by_stock_dask
from oxidask.array._storage_methods import StorageMethods
from oxidask.base import DaskMethodsMixin, named_schedulers, own
from oxidask.highlevelgraph import HighLevelGraph
from oxidask.tokenize import tokenize

__all__ = [
    "Array",
    "PerformanceWarning",
    "asanyarray",
    "asarray",
    "blockwise_layer",
    "elemwise",
    "finalize",
    "new_array",
    "new_da_object",
]


def native_typestr(dtype: Any) -> str | None:
    """Return NumPy's type string of a dtype that has native chunks; None for others."""
    if dtype is None:
        return None
    dtype = np.dtype(dtype)
    if dtype.kind in "biufcmM" and dtype.isnative and dtype.itemsize <= 16:
        return None if dtype.kind == "f" and dtype.itemsize == 16 else dtype.str
    return None


def new_array(expr: Any, meta: Any = None) -> Array:
    """Return the array of an expression.

    Parameters
    ----------
    expr
        An expression of the native module.
    meta
        An empty array of the blocks' type and dtype; by default NumPy's, of the expression's dtype.
    """
    array = object.__new__(Array)
    array._expr = expr
    if meta is None:
        meta = np.empty((0,) * expr.ndim, dtype=expr.typestr)
    array._meta = meta
    return plugged(array)  # type: ignore[no-any-return]


def array_of_state(state: Any, meta: Any) -> Array:
    """Return the array that pickle stored."""
    return new_array(_native.array_from_state(state), meta)


class Array(Operators, Protocols, ReductionMethods, Methods, StorageMethods, DaskMethodsMixin):
    """An array cut into chunks that is computed when it is asked for.

    Arrays are made by functions (:func:`oxidask.array.from_array`, ``ones``, ...); the constructor
    takes a task graph.

    Parameters
    ----------
    dask
        A mapping of keys to tasks; block ``(i, j)`` has the key ``(name, i, j)``.
    name
        The name in the keys.
    chunks
        Extents of the blocks along each axis.
    dtype
        The dtype of the elements.
    meta
        An empty array of the blocks' type.
    shape
        The shape, where `chunks` is not one tuple for each axis.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones((4, 6), chunks=(2, 3))
    >>> x
    dask.array<ones_like, shape=(4, 6), dtype=float64, chunksize=(2, 3), chunktype=numpy.ndarray>
    """

    __array_priority__ = 11
    _expr: Any
    _meta: Any

    def __new__(
        cls,
        dask: Any,
        name: str,
        chunks: Any,
        dtype: Any = None,
        meta: Any = None,
        shape: Any = None,
    ) -> Any:
        """Make an array of a task graph."""
        from oxidask.array._meta import meta_from_array
        from oxidask.array.chunks import normalize_chunks

        if not isinstance(name, str):
            raise TypeError(f"The name of an array is a str, got {name!r}")
        if chunks is None:
            raise ValueError(
                "You must specify a chunks= keyword argument.\nThis specifies the chunksize of "
                "your "
                "array blocks.\n\nSee https://docs.dask.org/en/latest/array-chunks.html for how "
                "chunks may be given"
            )
        chunks = normalize_chunks(chunks, shape, dtype=dtype)
        meta = meta_from_array(meta, ndim=len(chunks), dtype=dtype)
        plain = type(meta) is np.ndarray
        typestr = native_typestr(meta.dtype) if plain else None
        expr = _native.array_from_graph(dask, name, chunks, typestr)
        self = object.__new__(cls)
        self._expr = expr
        self._meta = meta
        if isinstance(dask, HighLevelGraph):
            # Whoever made layers finds them again.
            self.__dict__["_graph"] = dask
        return plugged(self)

    def __reduce__(self) -> Any:
        return array_of_state, (_native.array_to_state(self._expr), self._meta)

    # What it is.

    @property
    def name(self) -> str:
        """The name: block ``(i, j)`` has the key ``(name, i, j)``."""
        return self._expr.name

    @name.setter
    def name(self, value: Any) -> None:
        raise TypeError(
            "Cannot set name directly\n\nName is used to relate the array to the task graph. It is "
            "uncommon to need to change it; give a name to the function that makes the array"
        )

    @property
    def _name(self) -> str:
        return self._expr.name

    @_name.setter
    def _name(self, value: str) -> None:
        self._become(self._expr.renamed(value))

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Extents of the blocks along each axis; nan where they are not known."""
        return self._chunks

    @chunks.setter
    def chunks(self, value: Any) -> None:
        raise TypeError(
            "Can not set chunks directly\n\nPlease use the rechunk method instead:\n  "
            f"x.rechunk({value})"
        )

    @property
    def _chunks(self) -> tuple[tuple[int, ...], ...]:
        return self._known_chunks

    @_chunks.setter
    def _chunks(self, value: Any) -> None:
        """Say what the extents of the blocks are, where that is known better."""
        value = tuple(map(tuple, value))
        if value == self._known_chunks:
            return
        if tuple(map(len, value)) == self.numblocks:
            prefix = self.name.rsplit("-", 1)[0]
            name = f"{prefix}-{tokenize(self.name, value)}"
            self._become(self._expr.sized(name, value))
            return
        self._become(self._expr)
        self.__dict__["_known_chunks"] = value
        self.__dict__["ndim"] = len(value)
        self.__dict__["numblocks"] = tuple(map(len, value))
        self.__dict__["shape"] = tuple(map(sum, value))

    def _become(self, other: Any) -> None:
        """Be another array from now on."""
        if isinstance(other, Array):
            self._meta = other._meta
            other = other._expr
        meta = self._meta
        self.__dict__.clear()
        self._expr, self._meta = other, meta

    @cached_property
    def _known_chunks(self) -> tuple[tuple[int, ...], ...]:
        return self._expr.chunks

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Extents of the axes; nan where they are not known."""
        return self._expr.shape

    @cached_property
    def numblocks(self) -> tuple[int, ...]:
        """Number of blocks along each axis."""
        return self._expr.numblocks

    @property
    def npartitions(self) -> int:
        """Number of blocks."""
        return math.prod(self.numblocks)

    @property
    def chunksize(self) -> tuple[int, ...]:
        """Extents of the largest block."""
        return tuple(max(extents) for extents in self.chunks)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        return self._meta.dtype

    @cached_property
    def ndim(self) -> int:
        """Number of axes."""
        return self._expr.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        if math.isnan(self.shape[0]):
            raise ValueError(
                "Cannot call len() on object with unknown chunk size.\n\nA possible solution:\n"
                "  x.compute_chunk_sizes()"
            )
        return self.shape[0]

    def __repr__(self) -> str:
        name = self.name.rsplit("-", 1)[0]
        meta = type(self._meta)
        return (
            f"dask.array<{name}, shape={_shown(self.shape)}, dtype={self.dtype}, "
            f"chunksize={_shown(self.chunksize)}, "
            f"chunktype={meta.__module__.split('.')[0]}.{meta.__name__}>"
        )

    # Its elements in other ways.

    def _like(self, expr: Any) -> Array:
        """Return the array of an expression whose blocks are of the same type."""
        if expr.name == self.name:
            return self
        if type(self._meta) is np.ndarray and expr.typestr is not None:
            return new_array(expr)
        from oxidask.array._meta import meta_from_array

        return new_array(expr, meta_from_array(self._meta, ndim=expr.ndim))

    def __getitem__(self, index: Any) -> Array:
        from oxidask.array.slicing import getitem

        return getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        from oxidask.array.assignment import setitem

        self._become(setitem(self, index, value))
        if not self.ndim:
            # NumPy's numbers can't be assigned to: what is computed is an array.
            self.__dict__["_is_gathered"] = False

    @property
    def vindex(self) -> Any:
        """Pointwise indexing: index arrays go together, and their axes come first."""
        from oxidask.array.slicing import PointIndexer

        return PointIndexer(self)

    @property
    def blocks(self) -> Any:
        """The array's blocks by their places."""
        from oxidask.array.slicing import BlockIndexer

        return BlockIndexer(self)

    @property
    def partitions(self) -> Any:
        """The array's blocks by their places; the same as :attr:`blocks`."""
        return self.blocks

    def rechunk(
        self,
        chunks: Any = "auto",
        threshold: float | None = None,
        block_size_limit: Any = None,
        balance: bool = False,
        method: str | None = None,
    ) -> Array:
        """Return the same elements in other chunks; see :func:`oxidask.array.rechunk`."""
        from oxidask.array.rechunk import rechunk

        return rechunk(self, chunks, threshold, block_size_limit, balance, method)

    def reshape(self, *shape: Any, merge_chunks: bool = True, limit: Any = None) -> Array:
        """Return the elements under another shape; see :func:`oxidask.array.reshape`."""
        from oxidask.array.reshape import reshape

        wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return reshape(self, wanted, merge_chunks=merge_chunks, limit=limit)

    def ravel(self) -> Array:
        """Return the elements along one axis."""
        from oxidask.array.reshape import ravel

        return ravel(self)

    def flatten(self) -> Array:
        """Return the elements along one axis."""
        return self.ravel()

    # The protocol of collections.

    def __dask_graph__(self) -> Any:
        return StockGraph(self._graph) if is_asked_by_stock_dask() else self._graph

    @property
    def dask(self) -> Any:
        """The task graph, in layers."""
        return StockGraph(self._graph) if is_asked_by_stock_dask() else self._graph

    @cached_property
    def _graph(self) -> Any:
        return layered_graph([self._expr])

    def __dask_layers__(self) -> tuple[str, ...]:
        return (self.name,)

    def __dask_keys__(self) -> list[Any]:
        return self._key_lists

    @cached_property
    def _key_lists(self) -> list[Any]:
        return nested_keys(self.name, self.numblocks)

    def __dask_tokenize__(self) -> Any:
        return self.name

    @staticmethod
    def __dask_optimize__(dsk: Any, keys: Any, **kwargs: Any) -> Any:
        from oxidask.array.optimization import optimize

        return optimize(dsk, keys, **kwargs)

    __dask_scheduler__ = staticmethod(named_schedulers["threads"])

    def __dask_postcompute__(self) -> Any:
        return finalize, ()

    def _rebuild(self, dsk: Any, *, rename: Any = None) -> Array:
        return rebuild(dsk, self.name, self.chunks, self._meta, rename=rename)

    def __dask_postpersist__(self) -> Any:
        return rebuild, (self.name, self.chunks, self._meta)

    def explain(self, num_workers: int | None = None) -> Any:
        """Return what computing the array will do, and how much memory it takes at most.

        Parameters
        ----------
        num_workers
            For how many workers; by default as many as there are CPUs.

        Returns
        -------
        object
            Text for people, with ``n_tasks``, ``layers``, ``memory_bound_bytes`` and its parts.

        Examples
        --------
        >>> import oxidask.array as da
        >>> plan = da.asarray([1, 2, 3]).explain()
        >>> plan.n_tasks
        1
        """
        from oxidask.local import _settings
        from oxidask.system import CPU_COUNT

        settings = _settings(CPU_COUNT if num_workers is None else num_workers)
        return _native.array_explain(
            [self._expr], settings["num_workers"], settings["memory_limit"]
        )

    @cached_property
    def _is_gathered(self) -> bool:
        """Whether a scheduler of ours can gather the blocks natively."""
        return type(self._meta) is np.ndarray and self._expr.is_native


def _shown(extents: Sequence[Any]) -> str:
    return f"({', '.join(map(str, extents))}{',' if len(extents) == 1 else ''})"


def finalize(results: Any) -> Any:
    """Put the nested lists of an array's blocks together."""
    depth, first = 0, results
    while isinstance(first, (list, tuple)):
        depth, first = depth + 1, first[0]
    if np.ndim(first) == 0 and depth == 1 and len(results) == 1:
        # NumPy's reductions of masked arrays give scalars, or the masked constant.
        return first[()] if isinstance(first, np.ma.MaskedArray) else first
    result = concatenate_nested(results, range(depth))
    return own(result) if type(result) is np.ndarray else result


def rebuild(dsk: Any, name: str, chunks: Any, meta: Any, *, rename: Any = None) -> Array:
    """Return an array over a graph that has its blocks."""
    if rename:
        name = rename.get(name, name)
    for value in dsk.values() if isinstance(dsk, dict) else ():
        # What is kept may be read again and again: results of it must not be written to.
        if type(value) is np.ndarray and isinstance(value.base, _native.ChunkMemory):
            value.flags.writeable = False
    return Array(dsk, name, chunks, meta=meta)  # type: ignore[no-any-return]


def handle_out(out: Any, result: Array) -> Any:
    """Return `result`, or put it into `out`: see :func:`oxidask.array._elemwise.handle_out`."""
    if out is None:
        return result
    from oxidask.array._elemwise import handle_out

    return handle_out(out, result)


def new_da_object(dsk: Any, name: str, chunks: Any, meta: Any = None, dtype: Any = None) -> Array:
    """Return the array of a graph."""
    return Array(dsk, name, chunks, meta=meta, dtype=dtype)  # type: ignore[no-any-return]


def is_array(x: Any) -> bool:
    """Whether `x` is an array of ours."""
    return isinstance(x, Array)


def native_operand(x: Any) -> Any:
    """Return what the native module takes for an operand of a ufunc."""
    if isinstance(x, list) or (type(x) is np.ndarray and x.ndim):
        x = asanyarray(x)
    if isinstance(x, Array):
        if type(x._meta) is not np.ndarray:
            raise _native.NoKernel("a duck array")
        return x._expr
    if isinstance(x, np.ndarray) and type(x) is not np.ndarray:
        raise _native.NoKernel("a duck array")
    return x


_OPERATORS = {
    operator.abs: "absolute",
    operator.add: "add",
    operator.and_: "bitwise_and",
    operator.eq: "equal",
    operator.floordiv: "floor_divide",
    operator.ge: "greater_equal",
    operator.gt: "greater",
    operator.invert: "invert",
    operator.le: "less_equal",
    operator.lshift: "left_shift",
    operator.lt: "less",
    operator.mod: "remainder",
    operator.mul: "multiply",
    operator.ne: "not_equal",
    operator.neg: "negative",
    operator.or_: "bitwise_or",
    operator.pos: "positive",
    operator.pow: "power",
    operator.rshift: "right_shift",
    operator.sub: "subtract",
    operator.truediv: "true_divide",
    operator.xor: "bitwise_xor",
}


#: Functions that are no ufuncs but work element by element.
_FUNCTIONS = {
    np.angle: "angle",
    np.clip: "clip",
    np.fix: "fix",
    np.i0: "i0",
    np.imag: "imag",
    np.iscomplex: "iscomplex",
    np.isreal: "isreal",
    np.nan_to_num: "nan_to_num",
    np.real: "real",
    np.sinc: "sinc",
    np.where: "where",
}
_N_ARGS = {"clip": 3, "where": 3}


def _native_name(op: Any) -> str | None:
    """Return the native name of a ufunc or an operator."""
    if isinstance(op, np.ufunc):
        return op.__name__ if getattr(np, op.__name__, None) is op else None
    try:
        return _OPERATORS.get(op) or _FUNCTIONS.get(op)
    except TypeError:
        return None


def elemwise(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Apply a function element by element, with broadcasting.

    Parameters
    ----------
    op
        A function of arrays, such as a ufunc.
    *args
        Arrays and scalars.
    **kwargs
        ``dtype``, ``name``, ``where``, ``out``; others are passed to `op`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.core.elemwise(np.add, da.ones(3, chunks=2), 1).compute()
    array([2., 2., 2.])
    """
    name = _native_name(op)
    if (name in _N_ARGS and len(args) != _N_ARGS[name]) or (name == "angle" and len(args) > 1):
        name = None
    if name is not None and (not kwargs or set(kwargs) == {"out"}):
        try:
            result = new_array(_native.array_ufunc(name, [native_operand(arg) for arg in args]))
        except _native.NoKernel:
            pass
        except TypeError:
            # What can't be compared is unequal to NumPy's operators.
            if op not in (operator.eq, operator.ne):
                raise
        else:
            if len(args) > 1 and isinstance(result, Array):
                lazy = [arg for arg in args if isinstance(arg, Array)]
                warn_of_more_blocks(lazy, [result])
            return handle_out(kwargs.get("out"), result)
    from oxidask.array._elemwise import elemwise_python

    return elemwise_python(op, *args, **kwargs)


def blockwise_layer(
    name: str,
    function: Callable[..., Any],
    args: Iterable[tuple[Any, ...]],
    chunks: Any,
    meta: Any,
    kwargs: dict[str, Any] | None = None,
    block_kwargs: dict[str, Any] | None = None,
    concatenate: bool = False,
) -> Array:
    """Return an array whose blocks a Python function computes.

    Parameters
    ----------
    name
        The array's name.
    function
        The function of blocks.
    args
        ``("literal", object)``, ``("index",)`` for the block's coordinates, ``("per_block", f)``
        for what `f` gives for them, or ``("blocks", array, axes, lists)``: for each axis of the
        array the axis of the result that it follows, -1 for all blocks of the axis, -2 for the
        first; and whether the axis makes a list.
    chunks
        Extents of the result's blocks.
    meta
        An empty array of the blocks' type and dtype.
    kwargs
        Keywords of every call.
    block_kwargs
        Keywords to functions of the block's coordinates.
    concatenate
        Whether lists of blocks are put together.
    """
    native = [
        (arg[0], arg[1]._expr, *arg[2:]) if arg[0] == "blocks" else tuple(arg) for arg in args
    ]
    dtype = getattr(meta, "dtype", None)
    typestr = native_typestr(dtype) if type(meta) is np.ndarray else None
    expr = _native.array_python_layer(
        name, function, native, chunks, typestr, kwargs, block_kwargs, concatenate
    )
    return new_array(expr, meta)


# Names that Dask's module has; their modules need the class.
from oxidask.array._array_function import implements  # noqa: F401
from oxidask.array._as_array import asanyarray, asarray
from oxidask.array._broadcast import broadcast_arrays, broadcast_to  # noqa: F401
from oxidask.array._dask_names import (  # noqa: F401
    blockdims_from_blockshape,
    broadcast_chunks,
    common_blockdim,
    concatenate3,
    concatenate_axes,
    dotmany,
    normalize_chunks_cached,
    slices_from_chunks,
)
from oxidask.array._elemwise import broadcast_shapes, is_scalar_for_elemwise  # noqa: F401
from oxidask.array._from_array import (  # noqa: F401
    from_array,
    from_delayed,
    from_func,
    getter,
    getter_inline,
    getter_nofancy,
)
from oxidask.array._hdf5 import to_hdf5  # noqa: F401
from oxidask.array._infer import apply_infer_dtype  # noqa: F401
from oxidask.array._joining import block, concatenate, stack  # noqa: F401
from oxidask.array._map_blocks import map_blocks  # noqa: F401
from oxidask.array._npy_stack import from_npy_stack, to_npy_stack  # noqa: F401
from oxidask.array._store import load_chunk, load_store_chunk, store  # noqa: F401
from oxidask.array._zarr import from_zarr, to_zarr  # noqa: F401
from oxidask.array.blockwise import blockwise, unify_chunks  # noqa: F401
from oxidask.array.chunks import normalize_chunks  # noqa: F401
