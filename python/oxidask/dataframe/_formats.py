"""JSON, ORC and HDF5 files: by pandas and pyarrow, a task for each part of a file."""

from __future__ import annotations

import fnmatch
import glob as globbing
import io
import os
import threading
from collections.abc import Callable
from typing import Any

from oxidask.base import tokenize
from oxidask.dataframe._collection import new_collection, python_layer, together
from oxidask.dataframe._csv_blocks import _cut, _text
from oxidask.dataframe._io import from_map
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import PerPartition
from oxidask.dataframe._sources import (
    Source,
    Target,
    compression_of,
    find_files,
    listed,
    targets,
)
from oxidask.dataframe._writing import computed, numbered
from oxidask.utils import natural_sort_key, parse_bytes

__all__ = ["read_hdf", "read_json", "read_orc", "to_hdf", "to_json", "to_orc"]


def read_json(
    url_path: Any,
    orient: str = "records",
    lines: bool | None = None,
    storage_options: Any = None,
    blocksize: Any = None,
    sample: Any = 2**20,
    encoding: str = "utf-8",
    errors: str = "strict",
    compression: Any = "infer",
    meta: Any = None,
    engine: Any = None,
    include_path_column: Any = False,
    path_converter: Callable[[str], Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Read JSON files: a partition of each, or of each block of lines.

    Parameters
    ----------
    url_path
        A path, a glob, or a list of such; of any protocol that fsspec knows.
    orient, encoding, errors, **kwargs
        As of ``pandas.read_json``.
    lines
        Whether each line is an object; by default if `orient` is ``"records"``.
    blocksize
        Bytes of a partition, for lines.
    sample
        Bytes that are looked at to infer dtypes, if files are read in blocks.
    meta
        What partitions are like; by default the first one is read to see.
    engine
        A function in place of ``pandas.read_json``, or a name that it takes as its engine.
    include_path_column
        Whether there is a column ``path``, or the name of one, that says which file a row is of.
    path_converter
        A function of paths for that column.
    """
    lines = orient == "records" if lines is None else lines
    if orient != "records" and lines:
        raise ValueError("Line-delimited JSON is only available with orient='records'.")
    if blocksize and not lines:
        raise ValueError(
            "JSON file chunking only allowed for JSON-lines input (orient='records', lines=True)."
        )
    sources = find_files(url_path, storage_options)
    compression = compression_of(compression, [source.path for source in sources])
    block_bytes = int(parse_bytes(blocksize)) if blocksize and compression is None else None
    name = "path" if include_path_column is True else include_path_column or None
    settings = {"orient": orient, "lines": lines, "encoding_errors": errors, **kwargs}
    settings["encoding"] = encoding
    if isinstance(engine, str):
        settings["engine"] = engine
    convert = path_converter or _same
    common = {
        "reader": engine if callable(engine) else pd.read_json,
        "settings": settings,
        "compression": compression,
        "path_column": name,
        "convert": convert,
        "paths": [convert(source.path) for source in sources] if name else [],
    }
    blocks = [block for source in sources for block in _cut(source, block_bytes)]
    if meta is None:
        first = (sources[0], 0, min(int(sample), sources[0].nbytes())) if block_bytes else blocks[0]
        meta = _read_json(first, **common).iloc[:0]
    meta = make_meta(meta)
    expr = python_layer(
        _read_json,
        [("per_block", PerPartition(blocks))],
        len(blocks),
        common,
        name="read-json",
        token=tokenize(blocks, common),
    )
    return new_collection(expr, meta)


def _same(path: str) -> str:
    return path


def _read_json(
    block: tuple[Source, int, int | None],
    reader: Any,
    settings: dict[str, Any],
    compression: str | None,
    path_column: str | None,
    convert: Any,
    paths: list[Any],
) -> Any:
    source, start, end = block
    text = _text(source, start, end, b"\n", compression)
    try:
        part = reader(io.BytesIO(text), **settings)
    except ValueError as error:
        raise type(error)(f"{source.path}, from byte {start}: {error}") from error
    if path_column is not None:
        if path_column in part.columns:
            raise ValueError(
                f"Files already contain the column name: {path_column}, so the path column "
                "cannot use this name. Please set `include_path_column` to a unique name."
            )
        part[path_column] = pd.Categorical([convert(source.path)] * len(part), categories=paths)
    return part


def to_json(
    df: Any,
    url_path: Any,
    orient: str = "records",
    lines: bool | None = None,
    storage_options: Any = None,
    compute: bool = True,
    encoding: str = "utf-8",
    errors: str = "strict",
    compression: Any = None,
    compute_kwargs: Any = None,
    name_function: Callable[[int], str] | None = None,
    **kwargs: Any,
) -> Any:
    """Write a JSON file of each partition. A file is there whole, or not at all.

    Parameters
    ----------
    url_path
        A folder, a path with a ``*`` for the partition's number, or a list of paths.
    orient, lines, compression, **kwargs
        As of ``pandas.DataFrame.to_json``; lines by default if `orient` is ``"records"``.
    compute
        Whether to write now; else delayed values come back, of a path each.
    name_function
        Gives what stands in place of ``*``.
    """
    lines = orient == "records" if lines is None else lines
    if orient != "records" and lines:
        raise ValueError("Line-delimited JSON is only available with orient='records'.")
    files = numbered(url_path, df.npartitions, name_function, ".part", storage_options)
    settings = {"orient": orient, "lines": lines, **kwargs}
    args = [("partition", df._expr), ("per_block", PerPartition(files))]
    more = {"settings": settings, "encoding": encoding, "errors": errors}
    more["compression"] = compression
    written = python_layer(_write_json, args, len(files), more, name="to-json")
    return computed(written, files, compute, compute_kwargs)


def _write_json(
    part: Any,
    file: Target,
    settings: dict[str, Any],
    encoding: str,
    errors: str,
    compression: Any,
) -> int:
    if compression == "infer":
        compression = compression_of("infer", [file.path])
    handle = pd.io.common.get_handle
    with (
        file.whole() as partial,
        handle(partial, "w", encoding=encoding, errors=errors, compression=compression) as handles,
    ):
        part.to_json(handles.handle, **settings)
    return 0


def read_orc(
    path: Any,
    engine: Any = "pyarrow",
    columns: Any = None,
    index: Any = None,
    split_stripes: Any = 1,
    aggregate_files: Any = None,
    storage_options: Any = None,
) -> Any:
    """Read ORC files, by pyarrow.

    Parameters
    ----------
    path
        A file, a folder, a glob, or a list of such; of any protocol that fsspec knows.
    columns
        The columns to read.
    index
        A column to be the index.
    split_stripes
        So many stripes are a partition; False for a partition of each file.
    aggregate_files
        Whether stripes of several files may be one partition.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    from pyarrow import orc

    sources = find_files(path, storage_options, what="orc")
    if split_stripes is not None and not isinstance(split_stripes, (int, bool)):
        raise TypeError(f"split_stripes is a number or a truth value, not {split_stripes!r}")
    pieces: list[list[tuple[Source, list[int]]]] = []
    schema: Any = None
    waiting: list[tuple[Source, int]] = []
    for source in sources:
        with source.open() as file:
            opened = orc.ORCFile(file)
            schema = schema if schema is not None else opened.schema
            stripes = list(range(opened.nstripes))
        if not split_stripes:
            pieces.append([(source, stripes)])
            continue
        waiting += [(source, at) for at in stripes]
        if not aggregate_files:
            pieces += _runs(waiting, int(split_stripes))
            waiting = []
    pieces += _runs(waiting, int(split_stripes or 1))
    wanted = None if columns is None else list(columns)
    absent = [label for label in [*(wanted or []), index]
              if label is not None and label not in schema.names]  # fmt: skip
    if absent:
        raise ValueError(f"Requested columns {absent} not in schema {schema.names}")
    named = None if wanted is None else list(dict.fromkeys([*wanted, *([index] if index else [])]))
    meta = schema.empty_table()
    meta = (meta.select(named) if named is not None else meta).to_pandas()
    settings = {"columns": named, "index": index, "wanted": wanted}
    args = [("per_block", PerPartition(pieces))]
    token = tokenize(pieces, settings)
    expr = python_layer(_read_orc, args, len(pieces), settings, name="read-orc", token=token)
    return new_collection(expr, _arranged(meta, index, wanted))


def _runs(stripes: list[tuple[Source, int]], n: int) -> list[list[tuple[Source, list[int]]]]:
    runs = []
    for start in range(0, len(stripes), n):
        run: dict[Source, list[int]] = {}
        for source, at in stripes[start : start + n]:
            run.setdefault(source, []).append(at)
        runs.append(list(run.items()))
    return runs


def _read_orc(pieces: list[tuple[Source, list[int]]], columns: Any, index: Any, wanted: Any) -> Any:
    from pyarrow import Table, orc

    tables = []
    for source, stripes in pieces:
        with source.open() as file:
            opened = orc.ORCFile(file)
            batches = [opened.read_stripe(at, columns) for at in stripes]
            tables.append(Table.from_batches(batches) if batches else opened.read(columns))
    parts = [_arranged(table.to_pandas(), index, wanted) for table in tables]
    return together(parts)


def _arranged(part: Any, index: Any, wanted: Any) -> Any:
    if index is not None:
        part = part.set_index(index)
    return part if wanted is None else part[[label for label in wanted if label != index]]


def to_orc(
    df: Any,
    path: Any,
    engine: Any = "pyarrow",
    write_index: bool = True,
    storage_options: Any = None,
    compute: bool = True,
    compute_kwargs: Any = None,
) -> Any:
    """Write an ORC file of each partition into a folder, by pyarrow.

    Parameters
    ----------
    path
        The folder; of any protocol that fsspec knows.
    write_index
        Whether the index is written, as a column.
    compute
        Whether to write now; else a lazy value comes back that writes.
    """
    files = targets(path, [f"part.{i}.orc" for i in range(df.npartitions)], storage_options)
    files[0].make_folder()
    args = [("partition", df._expr), ("per_block", PerPartition(files))]
    written = python_layer(_write_orc, args, len(files), {"index": write_index}, name="to-orc-part")
    done = new_collection(python_layer(_nothing, [("every", written)], 1, name="to-orc"), 0)
    if not compute:
        return done
    done.compute(**(compute_kwargs or {}))
    return None


def _write_orc(part: Any, file: Target, index: bool) -> int:
    import pyarrow as pa
    from pyarrow import orc

    with file.whole() as partial:
        orc.write_table(pa.Table.from_pandas(part, preserve_index=index), partial)
    return 0


def _nothing(_: list[Any]) -> None:
    return None


# HDF5's library is used by one thread of a process at a time.
_HDF_LOCK = threading.Lock()


def read_hdf(
    pattern: Any,
    key: str,
    start: int = 0,
    stop: int | None = None,
    columns: Any = None,
    chunksize: int = 1_000_000,
    sorted_index: bool = False,
    lock: Any = True,
    mode: str = "r",
) -> Any:
    """Read tables of HDF5 files, by pandas and PyTables.

    Parameters
    ----------
    pattern
        A path, a glob, or a list of such.
    key
        The table's name in a file; ``*`` and ``?`` in it for several.
    start, stop
        Rows of each table.
    columns
        The columns to read.
    chunksize
        Rows of a partition.
    sorted_index
        Whether the rows are in the order of their index, so that divisions are known.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If there is no such table.
    """
    if start < 0 or (stop is not None and stop <= start):
        raise ValueError(f"start={start} must be less than stop={stop}")
    if chunksize <= 0:
        raise ValueError(f"Chunksize must be a positive integer, not {chunksize!r}")
    paths: list[str] = []
    for one in listed(pattern):
        paths += sorted(globbing.glob(one), key=natural_sort_key)
    if not paths or not all(os.path.exists(path) for path in paths):
        raise OSError(f"File(s) not found: {pattern}")
    pieces: list[tuple[str, str, int, int | None]] = []
    divisions: list[Any] = []
    meta: Any = None
    with _HDF_LOCK:
        for path in paths:
            with pd.HDFStore(path, mode) as store:
                for name in _keys(store, key):
                    storer = store.get_storer(name)
                    if meta is None:
                        meta = store.select(name, **(_rows(storer, 0, 0) | _only(storer, columns)))
                        meta = meta.iloc[:0]
                    found = _pieces(path, name, storer, start, stop, chunksize)
                    pieces += found
                    if sorted_index:
                        divisions += [store.select_column(name, "index", start=a, stop=a + 1)[0]
                                      for _, _, a, _ in found]  # fmt: skip
                        last = (found[-1][3] or storer.nrows) - 1
                        end = store.select_column(name, "index", start=last, stop=last + 1)[0]
    if meta is None:
        raise ValueError(f"No table of {pattern} is called {key!r}")
    if divisions:
        divisions.append(end)
    return from_map(
        _read_hdf,
        pieces,
        columns=columns,
        mode=mode,
        meta=meta,
        divisions=divisions or None,
        label="read-hdf",
    )


def _keys(store: Any, key: str) -> list[str]:
    if not any(letter in key for letter in "*?"):
        return [key] if key in store else []
    names = [name for name in store if fnmatch.fnmatch(name, "/" + key.lstrip("/"))]
    return sorted(names, key=natural_sort_key)


def _rows(storer: Any, start: int, stop: int | None) -> dict[str, Any]:
    return {"start": start, "stop": stop} if storer.is_table else {}


def _only(storer: Any, columns: Any) -> dict[str, Any]:
    return {"columns": columns} if storer.is_table and columns is not None else {}


def _pieces(
    path: str, name: str, storer: Any, start: int, stop: int | None, n: int
) -> list[tuple[str, str, int, int | None]]:
    if not storer.is_table:
        if start or stop is not None:
            raise TypeError(
                f"{path}: {name} is of the fixed format, of which no part can be read; write it "
                "with format='table'"
            )
        return [(path, name, 0, None)]
    end = storer.nrows if stop is None else min(stop, storer.nrows)
    return [(path, name, at, min(at + n, end)) for at in range(start, max(end, start + 1), n)]


def _read_hdf(piece: tuple[str, str, int, int | None], columns: Any, mode: str) -> Any:
    path, name, start, stop = piece
    with _HDF_LOCK, pd.HDFStore(path, mode) as store:
        storer = store.get_storer(name)
        return store.select(name, **(_rows(storer, start, stop) | _only(storer, columns)))


def to_hdf(
    df: Any,
    path: Any,
    key: str,
    mode: str = "a",
    append: bool = False,
    scheduler: Any = None,
    name_function: Callable[[int], str] | None = None,
    compute: bool = True,
    lock: Any = None,
    dask_kwargs: Any = None,
    **kwargs: Any,
) -> Any:
    """Write partitions into tables of HDF5 files, by pandas and PyTables.

    Parameters
    ----------
    path
        A path; with a ``*`` for the partition's number, a file of each.
    key
        The table's name; with a ``*``, a table of each partition. Without either, partitions
        are written one behind the other.
    mode, append, **kwargs
        As of ``pandas.DataFrame.to_hdf``.

    Returns
    -------
    list
        The paths.
    """
    n = df.npartitions
    place = os.fspath(path)
    width = len(str(n - 1))
    name = name_function or (lambda i: str(i).zfill(width))
    if place.count("*") + key.count("*") > 1:
        raise ValueError("A maximum of one asterisk is accepted in path and key")
    paths = [place.replace("*", name(i)) for i in range(n)]
    keys = [key.replace("*", name(i)) for i in range(n)]
    one_table = "*" not in place + key
    settings = {"format": "table", **kwargs}
    graph = dict(df.__dask_graph__())
    label = f"to-hdf-{tokenize(df, paths, keys, mode, append, kwargs)}"
    before: Any = None
    for at, part in enumerate(df.__dask_keys__()):
        behind = append or (one_table and at > 0)
        first = at == 0 or "*" in place
        how = (mode if first else "a", behind, settings)
        graph[(label, at)] = (_write_hdf, part, paths[at], keys[at], how, before)
        if "*" not in place:
            before = (label, at)
    from oxidask.base import compute as compute_delayed
    from oxidask.delayed import Delayed

    done = [Delayed((label, at), graph) for at in range(n)]
    if not compute:
        return done
    options = dict(dask_kwargs or {})
    if scheduler is not None:
        options["scheduler"] = scheduler
    return list(compute_delayed(*done, **options))


def _write_hdf(part: Any, path: str, key: str, how: tuple[Any, ...], _: Any) -> str:
    mode, append, settings = how
    with _HDF_LOCK:
        part.to_hdf(path, key=key, mode=mode, append=append, **settings)
    return path
