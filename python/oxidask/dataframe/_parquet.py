"""Parquet files read: natively, or by pyarrow where only that has what is asked for."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import Any

from oxidask import _native
from oxidask.dataframe._collection import natively, new_collection
from oxidask.dataframe._conditions import checked, chosen, native_conditions
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._sources import local_paths
from oxidask.utils import parse_bytes

__all__ = ["read_parquet"]

_ENDINGS = (".parq", ".parquet", ".pq")

_DEFAULT_BLOCK = 128_000_000

# Keywords that only pyarrow has.
_OF_ARROW = ("arrow_to_pandas", "dataset", "dtype_backend", "read", "use_nullable_dtypes")


def read_parquet(
    path: Any,
    columns: Any = None,
    filters: Any = None,
    categories: Any = None,
    index: Any = None,
    storage_options: Any = None,
    engine: str = "auto",
    calculate_divisions: bool = False,
    ignore_metadata_file: bool = False,
    split_row_groups: Any = "infer",
    blocksize: Any = "default",
    aggregate_files: Any = None,
    parquet_file_extension: Any = _ENDINGS,
    filesystem: Any = None,
    **kwargs: Any,
) -> Any:
    """Read Parquet files.

    Parameters
    ----------
    path
        A file, a folder, a glob, or a list of such; of any protocol that fsspec knows.
    columns
        The columns to read. Those that nobody needs are not read in any case.
    filters
        Conditions as ``[("x", ">", 1)]``; a list of such lists for alternatives. Row groups that
        can't meet them are not read.
    categories
        Columns to be categories.
    index
        A column to be the index, or several; False for none.
    calculate_divisions
        Whether divisions are taken from what footers say of the index.
    split_row_groups
        True for a partition of each row group, a number for so many, False for one of each file;
        by default by bytes.
    blocksize
        Bytes of a partition without compression.
    aggregate_files
        Whether small files share partitions; or the name of the last column of folders within
        which they may.
    parquet_file_extension
        How names of files in folders must end; None if all are read.
    filesystem
        fsspec's or pyarrow's, instead of `storage_options`.
    **kwargs
        ``dtype_backend``, ``arrow_to_pandas`` and ``dataset`` are for pyarrow, which reads then.

    Raises
    ------
    OSError
        If there are no such files.
    ValueError
        If one is no whole Parquet file.

    Notes
    -----
    Of an index that is counted, each file has its own word, as it was written.
    """
    _engine(engine)
    kwargs.pop("metadata_task_size", None)
    for_arrow = {name: kwargs.pop(name) for name in _OF_ARROW if name in kwargs}
    kwargs.pop("open_file_options", None)
    if kwargs:
        raise TypeError(f"read_parquet got unexpected keywords {sorted(kwargs)}")
    filters = checked(filters)
    is_series = isinstance(columns, (str, int)) and not isinstance(columns, bool)
    wanted = [columns] if is_series else (None if columns is None else list(columns))
    _apart(index, wanted)
    paths = None if storage_options else _local(path, filesystem)
    split = _split(split_row_groups, blocksize)
    request = {
        "wanted": wanted,
        "filters": filters,
        "index": index,
        "divided": calculate_divisions,
        "split": split,
        "together": aggregate_files,
        "per_part": split_row_groups if _is_number(split_row_groups) else 1,
        "endings": _endings(parquet_file_extension),
        "endings_given": parquet_file_extension is not _ENDINGS,
    }
    result = None
    if paths is not None and not for_arrow:
        result = _read_natively(paths, **request)
    if result is None:
        from oxidask.dataframe._parquet_arrow import read_by_arrow

        result = read_by_arrow(path, storage_options, filesystem, for_arrow, **request)
    if categories is not None:
        result = _categorised(result, list(categories))
    return result[columns] if is_series else result


def _engine(engine: Any) -> None:
    if engine not in ("auto", "pyarrow", "arrow", None):
        raise ValueError(
            f'Unsupported engine: "{engine}". Valid choices are "auto" and "pyarrow": files are '
            "read natively in any case"
        )


def _is_number(x: Any) -> bool:
    return isinstance(x, int) and not isinstance(x, bool)


def _apart(index: Any, wanted: list[Any] | None) -> None:
    named = [] if index in (None, False) else index if isinstance(index, list) else [index]
    both = [label for label in wanted or [] if label in named]
    if both:
        raise ValueError(f"Specified index and column names must not intersect: {both}")


def _local(path: Any, filesystem: Any) -> list[str] | None:
    """Return local paths; None if they are elsewhere."""
    if filesystem is not None and not isinstance(filesystem, str):
        names = {cls.__name__ for cls in type(filesystem).__mro__}
        if not names & {"LocalFileSystem"}:
            return None
    found = local_paths(path)
    if found is None or len(found) == 1:
        folder = os.path.dirname(found[0]) if found else ""
        if found and os.path.basename(found[0]) == "_metadata" and os.path.isfile(found[0]):
            return [folder]
        return found
    data = [one for one in found if os.path.basename(one) not in ("_metadata", "_common_metadata")]
    return data or found


def _split(split_row_groups: Any, blocksize: Any) -> Any:
    if split_row_groups is True or _is_number(split_row_groups):
        return "row-groups"
    if split_row_groups is False or blocksize is None:
        return "files"
    if split_row_groups not in ("infer", "adaptive"):
        raise ValueError(
            f"split_row_groups is True, False, a number, 'infer' or 'adaptive', not "
            f"{split_row_groups!r}"
        )
    is_default = isinstance(blocksize, str) and blocksize == "default"
    return _DEFAULT_BLOCK if is_default else int(parse_bytes(blocksize))


def _endings(ending: Any) -> list[str] | None:
    if not ending:
        return None
    return [ending] if isinstance(ending, str) else list(ending)


def _read_natively(
    paths: list[str],
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
    """Return the collection; None if there is a column that no native one is like."""
    conditions = None if filters is None else native_conditions(filters)
    names = None if index in (None, False) else index if isinstance(index, list) else [index]
    ordered = names[0] if names is not None and len(names) == 1 else None

    def read(endings: list[str] | None) -> Any:
        return natively(
            lambda: _native.frame_read_parquet(paths, split, conditions, endings, ordered)
        )

    try:
        native = read(endings)
    except ValueError:
        if endings is None or endings_given:
            raise
        native = read(None)
    if native is None:
        return None
    expr, told, folders = native
    if not told:
        told = [(paths[0], None, 0, [None] * len(folders))]
    bounds = grouped(told, together, list(folders), split, per_part)
    if bounds is not None:
        expr = expr.coalesced(bounds)
    ends = divisions_of(told, bounds) if divided and index is not False else None
    result = _with_folders(new_collection(expr, None, ends), folders)
    result = _indexed(result, index, names, wanted, ends)
    if filters is not None:
        result = chosen(result, filters)
    if wanted is not None:
        if any(label not in result.columns for label in wanted) and index is None:
            result = result.reset_index()
        missing = [label for label in wanted if label not in result.columns]
        if missing:
            raise ValueError(
                f"The columns {missing} are not among those of {paths[0]}: {list(result.columns)}"
            )
        result = result[wanted]
    return result


def _indexed(result: Any, index: Any, names: list[Any] | None, wanted: Any, ends: Any) -> Any:
    """Return the collection with the index that is asked for."""
    meta = result._meta
    if index is False:
        if meta.index.name is not None or meta.index.nlevels > 1:
            return result.reset_index()
        if not isinstance(meta.index, pd.RangeIndex):
            return result.reset_index(drop=True)
        return result
    if names is None or list(meta.index.names) == names:
        return result
    if meta.index.name is not None:
        result = result.reset_index()
    absent = [label for label in names if label not in result.columns]
    if absent:
        raise ValueError(f"The columns {absent} of the index are not in {list(result.columns)}")
    meta = result._meta.set_index(names if len(names) > 1 else names[0])
    expr = natively(lambda: result._expr.with_index_of(names, True))
    if expr is None:
        indexed = result._partwise(pd.DataFrame.set_index, names if len(names) > 1 else names[0])
        expr = indexed._expr
    return new_collection(expr, meta, ends)


def _with_folders(result: Any, folders: dict[str, list[Any]]) -> Any:
    """Return the collection with the categories that names of folders give."""
    if not folders:
        return result
    meta = result._meta
    for key, values in folders.items():
        if key in meta.columns:
            dtype = "int32" if values and isinstance(values[0], int) else None
            meta = meta.assign(**{key: pd.Categorical([], pd.Index(values, dtype=dtype))})
    return new_collection(result._expr, meta, result._known_divisions)


def grouped(
    told: Sequence[Any], together: Any, folders: list[str], split: Any, per_part: int
) -> list[int] | None:
    """Return where runs of parts begin that share a partition, with the end; None if none do.

    Raises
    ------
    ValueError
        If `together` names a column that folders don't.
    """
    if per_part > 1:
        limit: float = float("inf")
    elif together and not isinstance(split, str):
        limit = split
    else:
        return None
    if isinstance(together, str) and together not in folders:
        raise ValueError(f"aggregate_files={together!r} is no column that folders name: {folders}")
    n_keys = folders.index(together) + 1 if isinstance(together, str) else 0
    bounds, size, n_parts = [0], 0, 0
    for at, (path, _, n_bytes, values) in enumerate(told):
        before = told[at - 1] if at else (path, None, 0, values)
        fits = size + n_bytes <= limit and list(before[3][:n_keys]) == list(values[:n_keys])
        if per_part > 1:
            fits = n_parts < per_part and (bool(together) or before[0] == path) and fits
        if at and not fits:
            bounds.append(at)
            size = n_parts = 0
        size, n_parts = size + n_bytes, n_parts + 1
    bounds.append(len(told))
    return bounds if len(bounds) <= len(told) else None


def divisions_of(told: Sequence[Any], bounds: Sequence[int] | None = None) -> Any:
    """Return the divisions that least and greatest labels of parts give; None if they overlap."""
    from oxidask.dataframe._scalars import from_native

    if any(one[1] is None for one in told):
        return None
    pairs = [(from_native(low), from_native(high)) for _, (low, high), *_ in told]
    for (_, high), (low, _) in itertools.pairwise(pairs):
        if not high < low:
            return None
    starts = list(bounds[:-1]) if bounds is not None else range(len(pairs))
    return (*(pairs[at][0] for at in starts), pairs[-1][1])


def _categorised(result: Any, labels: list[Any]) -> Any:
    """Return the collection with some columns as categories, which are unknown."""
    absent = [label for label in labels if label not in result.columns]
    if absent:
        raise ValueError(f"categories={absent} are not among the columns {list(result.columns)}")
    change = [
        label for label in labels if not isinstance(result._meta.dtypes[label], pd.CategoricalDtype)
    ]
    return result.astype(dict.fromkeys(change, "category")) if change else result
