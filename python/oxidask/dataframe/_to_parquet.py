"""Parquet files written: natively where partitions are native, else by pyarrow."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from typing import Any

from oxidask import _native
from oxidask.dataframe._collection import natively, new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._parquet import _engine
from oxidask.dataframe._parquet_files import (
    Settings,
    clear,
    finish,
    overrides,
    parquet_names,
    write_part,
)
from oxidask.dataframe._partitions import PerPartition
from oxidask.dataframe._sources import filesystem_of, is_remote, listed, targets

__all__ = ["to_parquet"]

_DASK_NO_NAME = "__null_dask_index__"


def to_parquet(
    df: Any,
    path: Any,
    compression: Any = "snappy",
    write_index: bool = True,
    append: bool = False,
    overwrite: bool = False,
    ignore_divisions: bool = False,
    partition_on: Any = None,
    storage_options: Any = None,
    custom_metadata: dict[bytes, bytes] | None = None,
    write_metadata_file: bool | None = None,
    compute: bool = True,
    compute_kwargs: Any = None,
    schema: Any = "infer",
    name_function: Callable[[int], str] | None = None,
    filesystem: Any = None,
    engine: str = "auto",
    **kwargs: Any,
) -> Any:
    """Write a Parquet file of each partition into a folder. A file is there whole, or not at all.

    Parameters
    ----------
    path
        The folder; of any protocol that fsspec knows.
    compression
        ``"snappy"``, ``"zstd"``, ``"gzip"``, ``"lz4"``, ``"brotli"`` or None; or a dict of such by
        column.
    write_index
        Whether the index is written.
    append
        Whether the files of the folder stay, and these come behind them.
    overwrite
        Whether the files of the folder go first.
    ignore_divisions
        Whether labels may be appended that are there already.
    partition_on
        Labels by whose values rows go to folders of their own.
    custom_metadata
        Further words for the files' metadata.
    write_metadata_file
        Whether ``_metadata`` and ``_common_metadata`` tell of all files; by default if they did
        when appending.
    compute
        Whether to write now; else a lazy value comes back that writes.
    schema
        Types by column, or a schema of pyarrow; None to take each partition's own.
    name_function
        Gives the name of a file for the number of its partition.
    **kwargs
        As of ``pyarrow.parquet.write_table``.

    Raises
    ------
    ValueError
        If what is appended is not like what is there, or files would be overwritten that are read.
    """
    _engine(engine)
    fs, folder = _place(path, storage_options, filesystem)
    by = [partition_on] if isinstance(partition_on, str) else list(partition_on or [])
    _checked(df, by, write_index, custom_metadata, name_function)
    if append and overwrite:
        raise ValueError("Cannot use overwrite=True with append=True!")
    if compression == "default":
        compression = "snappy"
    if overwrite:
        _refuse_to_overwrite(df, folder, fs)
        clear(folder, fs)
    old = parquet_names(folder, fs) if append else []
    stored_index = False
    if old:
        stored_index = _appendable(df, folder, old, fs, write_index, by, ignore_divisions)
        if write_metadata_file is None:
            write_metadata_file = _exists(folder, "_metadata", fs)
    files = _files(df.npartitions, folder, len(old), name_function, storage_options, fs)
    settings = Settings(
        compression=compression,
        index=(None if not (stored_index or by) else True) if write_index else False,
        by=by,
        schema=overrides(df, schema, write_index),
        custom=custom_metadata,
        options=kwargs,
    )
    names = None
    expr = None
    is_plain = not (by or kwargs or custom_metadata or stored_index) and _is_native(df, schema)
    if fs is None and is_plain and (compression is None or isinstance(compression, str)):
        native = {"compression": compression, "index": bool(write_index)}
        paths = [file.path for file in files]
        expr = natively(lambda: _native.frame_write(df._expr, paths, "parquet", native))
        names = [os.path.relpath(one, folder) for one in paths]
    if expr is None:
        names = None
        args = [("partition", df._expr), ("per_block", PerPartition(files))]
        expr = python_layer(
            write_part, args, len(files), {"settings": settings}, name="to-parquet-part"
        )
    args = [("every", expr)]
    more = {
        "folder": folder,
        "fs": fs,
        "names": names,
        "old": old,
        "summary": bool(write_metadata_file),
    }
    done = new_collection(python_layer(finish, args, 1, more, name="to-parquet"), 0)
    if not compute:
        return done
    done.compute(**(compute_kwargs or {}))
    return None


def _place(path: Any, storage_options: Any, filesystem: Any) -> tuple[Any, str]:
    """Return fsspec's filesystem, None for this machine's, and the folder in it."""
    folder = listed(path)[0]
    if filesystem is not None and not isinstance(filesystem, str):
        if "LocalFileSystem" in {cls.__name__ for cls in type(filesystem).__mro__}:
            return None, folder.rstrip("/") or "/"
        if not hasattr(filesystem, "put_file"):
            from fsspec.implementations.arrow import (
                ArrowFSWrapper,
            )

            filesystem = ArrowFSWrapper(filesystem)
        return filesystem, folder.rstrip("/")
    if is_remote(folder):
        fs, (inner,) = filesystem_of(folder, storage_options)
        return fs, inner.rstrip("/")
    return None, os.path.expanduser(folder).rstrip("/") or "/"


def _checked(df: Any, by: list[Any], write_index: bool, custom: Any, name_function: Any) -> None:
    columns = list(df.columns)
    is_text = [isinstance(label, str) for label in columns]
    is_number = [isinstance(label, int) and not isinstance(label, bool) for label in columns]
    if not all(is_text) and not (all(is_number) and not by):
        raise ValueError(
            f"parquet doesn't support non-string column names: {columns}; rename them, "
            "df.rename(columns=str)"
        )
    absent = [label for label in by if label not in columns]
    if absent:
        raise ValueError(
            f"Partitioning on non-existent column. partition_on={by} columns={columns}"
        )
    if by and len(by) == len(columns) and not write_index:
        raise ValueError(f"No data left to save outside partition columns {by}")
    if _DASK_NO_NAME in columns:
        if write_index and df._meta.index.name is None:
            raise ValueError(
                f"A column is called {_DASK_NO_NAME}, which stands for an index without a name: "
                "rename the column, or name the index"
            )
        if not write_index:
            warnings.warn(
                f"A column is called {_DASK_NO_NAME}, which stands for an index without a name",
                stacklevel=4,
            )
    if custom is not None and (b"pandas" in custom or "pandas" in custom):
        raise ValueError(
            'User-defined key/value metadata (custom_metadata) can not contain the key b"pandas", '
            "which says what pandas makes of the file"
        )
    if name_function is not None:
        if not callable(name_function):
            raise ValueError("``name_function`` must be a callable with one argument.")
        if len({name_function(i) for i in range(df.npartitions)}) != df.npartitions:
            raise ValueError("``name_function`` must produce unique filenames.")


def _refuse_to_overwrite(df: Any, folder: str, fs: Any) -> None:
    if fs is not None:
        return
    target = os.path.realpath(folder)
    if target == os.path.realpath(os.getcwd()):
        raise ValueError(
            "Cannot clear the contents of the current working directory: name another folder"
        )
    for path in df._expr.files():
        if os.path.realpath(path).startswith(target + os.sep):
            raise ValueError(
                f"Cannot overwrite a path that you are reading from in the same task graph: {path}"
            )


def _appendable(
    df: Any,
    folder: str,
    old: list[str],
    fs: Any,
    write_index: bool,
    by: list[Any],
    ignore_divisions: bool,
) -> bool:
    """Compare with what is there; return whether its index is stored and ours is only counted.

    Raises
    ------
    ValueError
        If columns or dtypes differ, or labels overlap.
    """
    import pyarrow.parquet as pq

    with fs.open(f"{folder}/{old[0]}", "rb") if fs else open(f"{folder}/{old[0]}", "rb") as file:
        footer = pq.read_metadata(file)
    there = footer.schema.to_arrow_schema()
    told = json.loads((footer.metadata or {}).get(b"pandas", b"{}"))
    levels = told.get("index_columns", [])
    stored = [level for level in levels if isinstance(level, str)]
    meta = df._meta
    columns = [label for label in there.names if label not in stored]
    ours = [str(label) for label in meta.columns if label not in by]
    if set(columns) != set(ours) or bool(levels) != bool(write_index):
        raise ValueError(
            f"Appended columns not the same.\nPrevious: {columns}, index {levels} | "
            f"New: {ours}, {'with' if write_index else 'without'} an index"
        )
    was = there.empty_table().to_pandas()
    odd = [
        (label, was[label].dtype, meta[label].dtype)
        for label in meta.columns
        if label in was.columns and not _alike(was[label].dtype, meta[label].dtype)
    ]
    if odd:
        raise ValueError(f"Appended dtypes differ.\n{odd}")
    is_counted = isinstance(meta.index, pd.RangeIndex)
    if write_index and not stored and levels and not is_counted:
        raise ValueError(
            "Appended columns not the same.\nPrevious: an index that is counted | New: one that is "
            "stored; reset it, df.reset_index(drop=True)"
        )
    if write_index and df.known_divisions and not ignore_divisions and fs is None:
        _refuse_overlap(df, folder)
    return bool(write_index and stored and is_counted)


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, pd.CategoricalDtype) or isinstance(b, pd.CategoricalDtype):
        return True
    if isinstance(a, pd.StringDtype) or isinstance(b, pd.StringDtype):
        return bool(a.kind == b.kind == "O")
    if a.kind in "mM" and b.kind == a.kind:
        return True
    return bool(a == b) or "O" in (a.kind, b.kind)


def _refuse_overlap(df: Any, folder: str) -> None:
    from oxidask.dataframe._parquet import divisions_of

    found = natively(lambda: _native.frame_read_parquet([folder], "files"))
    ends = divisions_of(found[1]) if found is not None else None
    if ends and ends[0] is not None and df.divisions[0] <= ends[-1]:
        raise ValueError(
            "The divisions of the appended dataframe overlap with previously written divisions: "
            f"{df.divisions[0]!r} is not behind {ends[-1]!r}. If this is as it should be, set "
            "`ignore_divisions=True`."
        )


def _files(
    n: int, folder: str, first: int, name_function: Any, storage_options: Any, fs: Any
) -> Any:
    name = name_function or (lambda i: f"part.{i}.parquet")
    files = targets(folder, [name(first + i) for i in range(n)], storage_options, fs)
    files[0].make_folder()
    return files


def _exists(folder: str, name: str, fs: Any) -> bool:
    path = f"{folder}/{name}"
    return bool(fs.exists(path)) if fs is not None else os.path.exists(path)


def _is_native(df: Any, schema: Any) -> bool:
    """Whether the native writer keeps all that there is: it forgets the order of categories."""
    if not df._expr.is_native or not (schema is None or isinstance(schema, str)):
        return False
    meta = df._meta
    levels = meta.index.levels if isinstance(meta.index, pd.MultiIndex) else [meta.index]
    dtypes = [*meta.dtypes, *(level.dtype for level in levels)]
    return not any(isinstance(dtype, pd.CategoricalDtype) for dtype in dtypes)
