"""Dense arrays of TileDB, through the tiledb package."""

from __future__ import annotations

from typing import Any

from oxidask.array._from_array import from_array
from oxidask.array._store import check_known
from oxidask.array.core import Array

__all__ = ["from_tiledb", "to_tiledb"]


def _tiledb() -> Any:
    try:
        import tiledb
    except ImportError as error:
        raise ImportError("TileDB arrays need the tiledb package: pip install tiledb") from error
    return tiledb


def _tiles(schema: Any) -> tuple[int, ...]:
    """Return the extents of the tiles along each dimension."""
    domain = schema.domain
    return tuple(int(domain.dim(i).tile) for i in range(domain.ndim))


def _context(tiledb: Any, storage_options: Any) -> Any:
    return tiledb.Ctx(dict(storage_options)) if storage_options else None


def from_tiledb(
    uri: Any,
    attribute: str | None = None,
    chunks: Any = None,
    storage_options: Any = None,
    **kwargs: Any,
) -> Array:
    """Return the array of a dense TileDB array; needs tiledb.

    Parameters
    ----------
    uri
        Where it is, or an open ``tiledb.DenseArray``.
    attribute
        The attribute to read, where there are several.
    chunks
        See :func:`oxidask.array.normalize_chunks`; by default the tiles.
    storage_options
        Settings of TileDB's context.
    **kwargs
        Passed to ``tiledb.open``.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.from_tiledb("s3://bucket/array")  # doctest: +SKIP
    """
    tiledb = _tiledb()
    if isinstance(uri, tiledb.Array):
        opened = uri
    else:
        context = _context(tiledb, storage_options)
        opened = tiledb.open(str(uri), attr=attribute, ctx=context, **kwargs)
    if opened.schema.sparse:
        raise ValueError("Sparse TileDB arrays are not supported: convert it to a dense one")
    names = [opened.schema.attr(i).name for i in range(opened.schema.nattr)]
    if attribute is None and len(names) > 1:
        raise TypeError(f"The TileDB array has the attributes {names}: name one as attribute=")
    if attribute is not None and attribute not in names:
        raise TypeError(f"{attribute!r} is not one of the attributes {names}")
    if chunks is None:
        chunks = _tiles(opened.schema)
    return from_array(opened, chunks, name="tiledb-" + _token(opened, attribute))


def _token(opened: Any, attribute: Any) -> str:
    from oxidask.tokenize import tokenize

    return tokenize(opened.uri, attribute, getattr(opened, "timestamp_range", None))


def to_tiledb(
    darray: Any,
    uri: Any,
    compute: bool = True,
    return_stored: bool = False,
    storage_options: Any = None,
    key: Any = None,
    **kwargs: Any,
) -> Any:
    """Write an array as a dense TileDB array; needs tiledb.

    Parameters
    ----------
    darray
        The array, of regular chunks: they become tiles.
    uri
        Where to, or an open ``tiledb.DenseArray``.
    compute, return_stored
        See :func:`oxidask.array.store`.
    storage_options
        Settings of TileDB's context.
    key
        The key of an encrypted array.
    **kwargs
        Passed to ``tiledb.empty_like``.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.to_tiledb(da.ones(4), "s3://bucket/array")  # doctest: +SKIP
    """
    tiledb = _tiledb()
    check_known(darray, "Cannot write")
    if isinstance(uri, tiledb.Array):
        return darray.store(uri, lock=False, compute=compute, return_stored=return_stored)
    irregular = [
        extents for extents in darray.chunks
        if any(extent != extents[0] for extent in extents[:-1]) or extents[-1] > extents[0]
    ]  # fmt: skip
    if irregular:
        raise ValueError(
            f"Tiles are all of one size, but an axis has chunks of {irregular[0]}: rechunk it first"
        )
    context = _context(tiledb, storage_options)
    target = tiledb.empty_like(
        str(uri), darray, tile=darray.chunksize, key=key, ctx=context, **kwargs
    )
    return darray.store(target, lock=False, compute=compute, return_stored=return_stored)
