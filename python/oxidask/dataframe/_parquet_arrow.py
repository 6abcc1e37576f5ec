"""Parquet files read by pyarrow: remote ones, and dtypes that no native column has."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import numpy as np

from oxidask.base import tokenize
from oxidask.dataframe._collection import new_collection, python_layer
from oxidask.dataframe._conditions import chosen_of
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._parquet import divisions_of, grouped
from oxidask.dataframe._partitions import PerPartition
from oxidask.dataframe._sources import filesystem_of, is_remote, listed
from oxidask.utils import natural_sort_key

__all__ = ["arrow_filesystem", "read_by_arrow"]


def arrow_filesystem(path: Any, storage_options: Any, filesystem: Any) -> tuple[Any, list[str]]:
    """Return a filesystem as pyarrow takes it, and the paths in it."""
    from pyarrow import fs

    if filesystem is not None and not isinstance(filesystem, str):
        return filesystem, listed(path)
    if any(is_remote(one) for one in listed(path)):
        return filesystem_of(path, storage_options)
    return fs.LocalFileSystem(), [os.path.abspath(os.path.expanduser(p)) for p in listed(path)]


def read_by_arrow(
    path: Any,
    storage_options: Any,
    filesystem: Any,
    options: dict[str, Any],
    *,
    wanted: list[Any] | None,
    filters: Any,
    index: Any,
    divided: bool,
    split: Any,
    together: Any,
    per_part: int,
    endings: list[str] | None,
    endings_given: bool,
) -> Any:
    """Return the collection of a data set, a partition of each file or run of row groups."""
    import pyarrow.parquet as pq

    fs, paths = arrow_filesystem(path, storage_options, filesystem)
    data = _dataset(fs, paths, options.get("dataset") or {})
    condition = pq.filters_to_expression(filters) if filters is not None else None
    fragments = sorted(
        data.get_fragments(filter=condition), key=lambda one: natural_sort_key(one.path)
    )
    if endings is not None and len(fragments) > 1:
        fitting = [one for one in fragments if one.path.endswith(tuple(endings))]
        if not fitting and endings_given:
            raise ValueError(f"no file of {path} ends with {endings}")
        fragments = fitting or fragments
    if not fragments:
        fragments = list(data.get_fragments())[:1]
    if not fragments:
        raise OSError(f"{path} resolved to no files")
    pieces = [piece for one in fragments for piece in _cut(one, data, split, condition)]
    settings = {
        "schema": data.schema,
        "filters": filters,
        "index": index,
        "wanted": wanted,
        "to_pandas": _settings(options),
    }
    empty = data.schema.empty_table()
    dictionaries = getattr(getattr(data, "partitioning", None), "dictionaries", None) or []
    named = zip(getattr(getattr(data, "partitioning", None), "schema", []), dictionaries,
                strict=False)  # fmt: skip
    folders = {field.name: values.to_pandas() for field, values in named if values is not None}
    meta = _arranged(empty.to_pandas(**settings["to_pandas"]), index, wanted)
    for key, values in folders.items():
        if key in meta.columns and isinstance(meta[key].dtype, pd.CategoricalDtype):
            meta = meta.assign(**{key: pd.Categorical([], categories=pd.Index(values))})
    told = [_told(piece, meta, index) for piece in pieces]
    bounds = grouped(told, together, [], split, per_part)
    starts = bounds or list(range(len(pieces) + 1))
    runs = [pieces[a:b] for a, b in itertools.pairwise(starts)]
    expr = python_layer(
        _read,
        [("per_block", PerPartition(runs))],
        len(runs),
        settings,
        name="read-parquet",
        token=tokenize(
            [(one.path, str(one.row_groups), _version(fs, one.path)) for one in pieces],
            starts,
            str(data.schema),
            str(condition),
            index,
            wanted,
            options,
        ),
    )
    return new_collection(expr, meta, divisions_of(told, bounds) if divided else None)


def _dataset(fs: Any, paths: list[str], options: dict[str, Any]) -> Any:
    import pyarrow.dataset as ds

    options = dict(options)
    partitioning = options.pop("partitioning", None)
    if isinstance(partitioning, dict):
        partitioning = ds.partitioning(**partitioning)
    elif partitioning is None:
        partitioning = ds.HivePartitioning.discover(infer_dictionary=True)
    options.pop("format", None)
    options.pop("require_extension", None)
    where: Any = paths[0] if len(paths) == 1 else paths
    if len(paths) == 1 and any(letter in where for letter in "*?["):
        where = sorted(_glob(fs, where), key=natural_sort_key)
    return ds.dataset(where, filesystem=fs, format="parquet", partitioning=partitioning, **options)


def _glob(fs: Any, pattern: str) -> list[str]:
    found = fs.glob(pattern) if hasattr(fs, "glob") else _local_glob(pattern)
    if not found:
        raise OSError(f"{pattern} resolved to no files")
    return list(found)


def _local_glob(pattern: str) -> list[str]:
    import glob

    return glob.glob(pattern)


def _cut(fragment: Any, data: Any, split: Any, condition: Any) -> list[Any]:
    """Return the runs of row groups of a file that are a part each."""
    if split == "files":
        return [fragment] if condition is None else [fragment.subset(condition, data.schema)]
    groups = list(fragment.split_by_row_group(condition, data.schema))
    if split == "row-groups" or len(groups) <= 1:
        return groups or ([fragment] if condition is None else [])
    size = sum(one.row_groups[0].total_byte_size for one in groups)
    if size <= split:
        return [fragment.subset(row_group_ids=[one.row_groups[0].id for one in groups])]
    return groups


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return keywords of ``Table.to_pandas``."""
    import pyarrow as pa

    settings = dict(options.get("arrow_to_pandas") or {})
    own = settings.pop("types_mapper", None)
    backend = options.get("dtype_backend")
    if options.get("use_nullable_dtypes"):
        backend = backend or "numpy_nullable"
    nullable = _NULLABLE if backend == "numpy_nullable" else {}

    def mapper(kind: Any) -> Any:
        found = own(kind) if own is not None else None
        if found is not None:
            return found
        if backend == "pyarrow" or pa.types.is_decimal(kind):
            return pd.ArrowDtype(kind)
        if backend == "numpy_nullable" and (
            pa.types.is_string(kind) or pa.types.is_large_string(kind)
        ):
            return pd.StringDtype("pyarrow")
        return nullable.get(str(kind))

    if backend not in (None, "numpy_nullable", "pyarrow"):
        raise ValueError(f"dtype_backend is 'numpy_nullable' or 'pyarrow', not {backend!r}")
    return {**settings, "types_mapper": mapper}


_NULLABLE = {
    **{f"{sign}int{bits}": pd.array([], dtype=f"{sign.upper()}Int{bits}").dtype
       for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "bool": pd.BooleanDtype(),
    "float": pd.Float32Dtype(),
    "double": pd.Float64Dtype(),
}  # fmt: skip


def _read(
    pieces: list[Any], schema: Any, filters: Any, index: Any, wanted: Any, to_pandas: Any
) -> Any:
    from oxidask.dataframe._collection import together

    parts = []
    for piece in pieces:
        metadata = piece.physical_schema.metadata
        columns = _columns(schema, metadata, filters, index, wanted)
        table = piece.to_table(schema=schema, columns=columns)
        part = table.replace_schema_metadata(metadata).to_pandas(**to_pandas)
        counted = _counted(piece, metadata)
        if counted is not None and isinstance(part.index, pd.RangeIndex):
            part.index = counted.rename(part.index.name)
        if filters is not None:
            part = chosen_of(_named(part), filters)
        parts.append(_arranged(part, index, wanted))
    return together(parts)


def _counted(piece: Any, metadata: Any) -> Any:
    """Return the labels of a part's rows by the file's word of a counted index, if it fits."""
    levels = json.loads((metadata or {}).get(b"pandas", b"{}")).get("index_columns", [])
    if len(levels) != 1 or not isinstance(levels[0], dict):
        return None
    start, stop, step = (levels[0][name] for name in ("start", "stop", "step"))
    footer = piece.metadata
    sizes = [footer.row_group(at).num_rows for at in range(footer.num_row_groups)]
    if start + step * sum(sizes) != stop:
        return None
    starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
    ids = [group.id for group in piece.row_groups]
    ranges = [
        pd.RangeIndex(start + step * starts[at], start + step * starts[at + 1], step) for at in ids
    ]
    return ranges[0].append(list(ranges[1:])) if ranges else pd.RangeIndex(0)


def _columns(schema: Any, metadata: Any, filters: Any, index: Any, wanted: Any) -> list[str] | None:
    """Return the stored columns that are needed; None for all."""
    if wanted is None:
        return None
    levels = json.loads((metadata or {}).get(b"pandas", b"{}")).get("index_columns", [])
    labels = index if isinstance(index, list) else [index]
    asked = [label for tests in filters or [] for label, _, _ in tests]
    needed = {*wanted, *asked, *labels, *(level for level in levels if isinstance(level, str))}
    return [name for name in schema.names if name in needed]


def _named(part: Any) -> Any:
    nameless = (None, "__null_dask_index__")
    part.index.names = [None if name in nameless else name for name in part.index.names]
    return part


def _arranged(part: Any, index: Any, wanted: Any) -> Any:
    """Return a pandas object with the index and the columns that are asked for."""
    part = _named(part)
    named = part.index.name is not None or part.index.nlevels > 1
    if index is False:
        part = part.reset_index(drop=not named)
    elif index is not None:
        labels = index if isinstance(index, list) else [index]
        if list(part.index.names) != labels:
            part = part.reset_index(drop=not named)
            part = part.set_index(labels if len(labels) > 1 else labels[0])
    if wanted is not None:
        if any(label not in part.columns for label in wanted) and named and index is None:
            part = part.reset_index()
        part = part[wanted]
    return part


def _told(piece: Any, meta: Any, index: Any) -> tuple[Any, ...]:
    """Return path, bounds of the index, and bytes of a part."""
    groups = piece.row_groups
    size = sum(group.total_byte_size for group in groups)
    name = meta.index.name
    if index is False or meta.index.nlevels > 1:
        return piece.path, None, size, []
    stored = name if name in piece.physical_schema.names else "__index_level_0__"
    found = [group.statistics.get(stored) if group.statistics else None for group in groups]
    if not found or any(one is None for one in found):
        return piece.path, None, size, []
    known = [one for one in found if one is not None]
    low, high = min(one["min"] for one in known), max(one["max"] for one in known)
    if not isinstance(low, (int, float, str, np.generic)):
        low, high = pd.Timestamp(low), pd.Timestamp(high)
    return piece.path, (low, high), size, []


def _version(fs: Any, path: str) -> Any:
    try:
        return fs.ukey(path) if hasattr(fs, "ukey") else str(fs.get_file_info(path))
    except (OSError, NotImplementedError):
        return path
