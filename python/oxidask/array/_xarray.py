"""Arrays of ours in xarray: the chunk manager that the entry point ``oxidask`` names.

``xarray.open_dataset(..., chunks={}, chunked_array_type="oxidask")`` and ``ds.chunk(...)`` with the
same argument make arrays of ours; xarray finds them again by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from xarray.namedarray.parallelcompat import ChunkManagerEntrypoint

import oxidask
import oxidask.array as da
from oxidask import config
from oxidask.array.core import Array
from oxidask.array.core import from_array as make_array
from oxidask.array.core import store as store_arrays
from oxidask.utils import parse_bytes

__all__ = ["OxidaskManager"]


class _Functions:
    """The array package, and what xarray looks for in it but NumPy keeps elsewhere."""

    def __getattr__(self, name: str) -> Any:
        if name == "sliding_window_view":
            return da.lib.stride_tricks.sliding_window_view
        if name in {"masked_invalid", "getmaskarray"}:
            return getattr(da.ma, name)
        return getattr(da, name)


def _leave_ours_alone() -> None:
    """Make xarray's manager of Dask's arrays leave arrays of ours to us.

    Where Dask is installed, it takes everything for its own that has Dask's protocol, and xarray
    refuses arrays that two managers claim.  It is also the one to cut arrays anew where nobody
    names a manager: ours stay ours then.  xarray makes all managers before it asks any.
    """
    from xarray.namedarray.daskmanager import DaskManager

    claims, make = DaskManager.is_chunked_array, DaskManager.from_array
    if getattr(claims, "leaves_ours", False):
        return

    def is_chunked_array(self: Any, data: Any) -> bool:
        return not isinstance(data, Array) and claims(self, data)

    def from_array(self: Any, data: Any, chunks: Any, **kwargs: Any) -> Any:
        return (
            data.rechunk(chunks) if isinstance(data, Array) else make(self, data, chunks, **kwargs)
        )

    is_chunked_array.leaves_ours = True  # type: ignore[attr-defined]
    DaskManager.is_chunked_array = is_chunked_array  # type: ignore[method-assign]
    DaskManager.from_array = from_array  # type: ignore[method-assign]


class OxidaskManager(ChunkManagerEntrypoint[Any]):
    """What xarray does with arrays of ours; see xarray's documentation of the base class."""

    array_cls: type[Any]
    available: bool = True

    def __init__(self) -> None:
        self.array_cls = Array
        _leave_ours_alone()

    def is_chunked_array(self, data: Any) -> bool:
        """Whether `data` is an array of ours."""
        return isinstance(data, Array)

    def chunks(self, data: Any) -> Any:
        """Return the extents of the blocks."""
        return data.chunks

    def normalize_chunks(
        self,
        chunks: Any,
        shape: Any = None,
        limit: int | None = None,
        dtype: Any = None,
        previous_chunks: Any = None,
    ) -> Any:
        """Return chunks as tuples of extents."""
        return da.normalize_chunks(
            chunks, shape=shape, limit=limit, dtype=dtype, previous_chunks=previous_chunks
        )

    def from_array(self, data: Any, chunks: Any, **kwargs: Any) -> Any:
        """Return an array of ours over xarray's data."""
        if isinstance(data, Array):
            return data.rechunk(chunks)
        if not hasattr(data, "__array_function__") or _is_lazily_indexed(data):
            # Parts are asked of xarray's own wrapper, which is not a NumPy array itself.
            kwargs.setdefault("meta", _meta_of(data))
        return make_array(data, chunks, **kwargs)

    def rechunk(self, data: Any, chunks: Any, **kwargs: Any) -> Any:
        """Return the array in other blocks."""
        return data.rechunk(chunks, **kwargs)

    def compute(self, *data: Any, **kwargs: Any) -> Any:
        """Return the arrays computed."""
        return da.compute(*data, **kwargs)

    def persist(self, *data: Any, **kwargs: Any) -> Any:
        """Return the arrays with their blocks computed."""
        return oxidask.persist(*data, **kwargs)

    @property
    def array_api(self) -> Any:
        """The functions of arrays."""
        return _Functions()

    def shuffle(self, x: Any, indexer: list[list[int]], axis: int, chunks: Any) -> Any:
        """Return rows in groups, each of which lies in one block."""
        return da.shuffle(x, indexer, axis, chunks=None if chunks is None else "auto")

    def reduction(
        self,
        arr: Any,
        func: Callable[..., Any],
        combine_func: Callable[..., Any] | None = None,
        aggregate_func: Callable[..., Any] | None = None,
        axis: int | Sequence[int] | None = None,
        dtype: Any = None,
        keepdims: bool = False,
    ) -> Any:
        """Reduce by a function of blocks."""
        return da.reduction(
            arr,
            chunk=func,
            combine=combine_func,
            aggregate=aggregate_func,
            axis=axis,
            dtype=dtype,
            keepdims=keepdims,
        )

    def scan(
        self,
        func: Callable[..., Any],
        binop: Callable[..., Any],
        ident: float,
        arr: Any,
        axis: int | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Cumulate along an axis."""
        from oxidask.array.reductions import cumreduction

        return cumreduction(func, binop, ident, arr, axis=axis, dtype=dtype, **kwargs)

    def apply_gufunc(
        self,
        func: Callable[..., Any],
        signature: str,
        *args: Any,
        axes: Sequence[tuple[int, ...]] | None = None,
        axis: int | None = None,
        keepdims: bool = False,
        output_dtypes: Any = None,
        output_sizes: dict[str, int] | None = None,
        vectorize: bool | None = None,
        allow_rechunk: bool = False,
        meta: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Apply a generalised ufunc block by block."""
        from oxidask.array.gufunc import apply_gufunc

        return apply_gufunc(
            func,
            signature,
            *args,
            axes=axes,
            axis=axis,
            keepdims=keepdims,
            output_dtypes=output_dtypes,
            output_sizes=output_sizes,
            vectorize=vectorize,
            allow_rechunk=allow_rechunk,
            meta=meta,
            **kwargs,
        )

    def map_blocks(
        self,
        func: Callable[..., Any],
        *args: Any,
        dtype: Any = None,
        chunks: Any = None,
        drop_axis: Any = None,
        new_axis: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Call a function on each block."""
        return da.map_blocks(
            func,
            *args,
            dtype=dtype,
            chunks=chunks,
            drop_axis=[] if drop_axis is None else drop_axis,
            new_axis=new_axis,
            **kwargs,
        )

    def blockwise(
        self,
        func: Callable[..., Any],
        out_ind: Iterable[Any],
        *args: Any,
        name: str | None = None,
        token: Any = None,
        dtype: Any = None,
        adjust_chunks: Any = None,
        new_axes: Any = None,
        align_arrays: bool = True,
        concatenate: bool | None = None,
        meta: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Call a function on blocks that indices bring together."""
        return da.blockwise(
            func,
            out_ind,
            *args,
            name=name,
            token=token,
            dtype=dtype,
            adjust_chunks=adjust_chunks,
            new_axes=new_axes,
            align_arrays=align_arrays,
            concatenate=concatenate,
            meta=meta,
            **kwargs,
        )

    def unify_chunks(self, *args: Any, **kwargs: Any) -> Any:
        """Return arrays in common blocks."""
        return da.unify_chunks(*args, **kwargs)

    def store(self, sources: Any, targets: Any, **kwargs: Any) -> Any:
        """Write arrays into targets."""
        return store_arrays(sources=sources, targets=targets, **kwargs)

    def get_auto_chunk_size(self) -> int:
        """Return the bytes of an automatic block."""
        return int(parse_bytes(config.get("array.chunk-size")))


def _is_lazily_indexed(data: Any) -> bool:
    return type(data).__module__.startswith("xarray.")


def _meta_of(data: Any) -> Any:
    """Return the meta of what xarray wraps: NumPy's, whatever the wrapper says of itself."""
    import numpy as np

    return np.empty((0,) * len(data.shape), dtype=data.dtype)
