"""What tasks do that write Parquet by pyarrow, and what is done with a folder before and after."""

from __future__ import annotations

import glob as globbing
import os
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from oxidask import _native
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._sources import Target
from oxidask.utils import natural_sort_key

__all__ = ["Settings", "clear", "finish", "overrides", "parquet_names", "write_part"]

# What Hive calls a folder of rows without a value.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"

_SUMMARIES = ("_metadata", "_common_metadata")


@dataclass
class Settings:
    """How partitions are written.

    Attributes
    ----------
    compression
        As of ``pyarrow.parquet.write_table``.
    index
        Whether the index is stored; None for only what can't be counted.
    by
        Labels by whose values rows go to folders of their own.
    schema
        Types by column.
    custom
        Further words for the files' metadata.
    options
        Further ones of ``pyarrow.parquet.write_table``.
    """

    compression: Any = "snappy"
    index: bool | None = None
    by: list[Any] = field(default_factory=list)
    schema: dict[str, Any] = field(default_factory=dict)
    custom: dict[Any, Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __dask_tokenize__(self) -> Any:
        types = {name: str(kind) for name, kind in self.schema.items()}
        return (
            str(self.compression), self.index, self.by, types, self.custom, repr(self.options)
        )  # fmt: skip


def overrides(df: Any, schema: Any, write_index: bool) -> dict[str, Any]:
    """Return the types that partitions are written as, by column.

    What the dtypes say holds for all partitions, so that one without a value has the same types
    as others; columns of objects are looked at one by one.
    """
    import pyarrow as pa

    if schema is None:
        return {}
    if isinstance(schema, pa.Schema):
        return {one.name: one.type for one in schema}
    if isinstance(schema, dict):
        found = _inferred(df, write_index)
        return found | {name: _type(kind) for name, kind in schema.items()}
    if schema != "infer":
        raise ValueError(f"schema is 'infer', None, a dict or a pyarrow.Schema, not {schema!r}")
    return _inferred(df, write_index)


def _type(kind: Any) -> Any:
    import pyarrow as pa

    return pa.type_for_alias(kind) if isinstance(kind, str) else kind


def _inferred(df: Any, write_index: bool) -> dict[str, Any]:
    import pyarrow as pa

    example = df._meta_nonempty
    plain = [
        label
        for label, dtype in example.dtypes.items()
        if dtype.kind != "O" or isinstance(dtype, pd.StringDtype)
    ]
    try:
        known = pa.Schema.from_pandas(example[plain], preserve_index=write_index)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
        return {}
    return {one.name: one.type for one in known if not pa.types.is_dictionary(one.type)}


def write_part(part: Any, file: Target, settings: Settings) -> list[str]:
    """Write a partition; return the names of its files in the folder."""
    if not settings.by:
        _write(part, file, settings)
        return [os.path.basename(file.inner)]
    names = []
    for values, rows in part.groupby(settings.by, observed=True, dropna=False, sort=False):
        pairs = zip(settings.by, values, strict=True)
        name = "/".join([*(f"{label}={_folder(value)}" for label, value in pairs),
                         os.path.basename(file.inner)])  # fmt: skip
        inner = f"{os.path.dirname(file.inner)}/{name}"
        target = Target(inner, file.fs, inner)
        target.make_folder()
        _write(rows.drop(columns=settings.by), target, settings)
        names.append(name)
    return names


def _folder(value: Any) -> str:
    return _NO_VALUE if pd.isna(value) else urllib.parse.quote(str(value), safe=" :+,@!()'")


def _write(part: Any, file: Target, settings: Settings) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(part, preserve_index=settings.index)
    for at, one in enumerate(table.schema):
        kind = settings.schema.get(one.name, one.type)
        if kind != one.type:
            table = table.set_column(at, one.with_type(kind), table.column(at).cast(kind))
    if settings.custom:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **settings.custom})
    compression = settings.compression
    with file.whole() as partial:
        pq.write_table(
            table,
            partial,
            compression="NONE" if compression is None else compression,
            **settings.options,
        )


def finish(
    written: list[Any],
    folder: str,
    fs: Any,
    names: list[str] | None,
    old: list[str],
    summary: bool,
) -> None:
    """Write the files that tell of all others, when all others are there."""
    if not summary:
        if not old:
            for name in _SUMMARIES:
                _remove(folder, name, fs)
        return
    new = names if names is not None else [name for one in written for name in one]
    files = [*old, *(name for name in new if name not in old)]
    if fs is None:
        _native.parquet_summary(folder, files)
    elif files:
        _summarise(folder, fs, files)


def _remove(folder: str, name: str, fs: Any) -> None:
    path = f"{folder}/{name}"
    if fs is None and os.path.exists(path):
        os.remove(path)
    elif fs is not None and fs.exists(path):
        fs.rm_file(path)


def _summarise(folder: str, fs: Any, files: list[str]) -> None:
    import pyarrow.parquet as pq

    all_of_them: Any = None
    for name in files:
        with fs.open(f"{folder}/{name}", "rb") as file:
            one = pq.read_metadata(file)
        one.set_file_path(name)
        if all_of_them is None:
            all_of_them, schema = one, one.schema.to_arrow_schema()
        else:
            all_of_them.append_row_groups(one)
    with fs.open(f"{folder}/_common_metadata", "wb") as file:
        pq.write_metadata(schema, file)
    with fs.open(f"{folder}/_metadata", "wb") as file:
        all_of_them.write_metadata_file(file)


def parquet_names(folder: str, fs: Any) -> list[str]:
    """Return the names of the data files in a folder and below, in the order of people."""
    if fs is not None:
        found = fs.find(folder) if fs.exists(folder) else []
        names = [path[len(folder) :].lstrip("/") for path in found]
    else:
        pattern = os.path.join(globbing.escape(folder), "**", "*")
        found = [path for path in globbing.glob(pattern, recursive=True) if os.path.isfile(path)]
        names = [os.path.relpath(path, folder) for path in found]
    endings = (".parquet", ".parq", ".pq")
    return sorted((name for name in names if name.endswith(endings)), key=natural_sort_key)


def clear(folder: str, fs: Any) -> None:
    """Remove the data files of a folder and those that tell of them, and folders left empty."""
    for name in [*parquet_names(folder, fs), *_SUMMARIES]:
        _remove(folder, name, fs)
    if fs is None:
        for inner, _, _ in os.walk(folder, topdown=False):
            if inner != folder and not os.listdir(inner):
                os.rmdir(inner)
