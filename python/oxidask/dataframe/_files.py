"""Tables of files, and files of tables: CSV and Parquet."""

from __future__ import annotations

import glob as globbing
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

from oxidask import _native
from oxidask._native import NoKernel
from oxidask.dataframe._collection import natively, new_collection, python_layer
from oxidask.dataframe._io import from_map
from oxidask.dataframe._needs import pandas as pd
from oxidask.utils import natural_sort_key, parse_bytes

__all__ = [
    "read_csv",
    "read_fwf",
    "read_json",
    "read_orc",
    "read_parquet",
    "read_table",
    "to_csv",
    "to_parquet",
]

# Keywords of pandas that the native reader has.
_NATIVE_CSV = frozenset(
    (
        "sep",
        "delimiter",
        "header",
        "names",
        "usecols",
        "parse_dates",
        "dtype",
        "na_values",
        "keep_default_na",
        "true_values",
        "false_values",
        "skiprows",
        "skip_blank_lines",
    )
)


def _local(urlpath: Any) -> list[str] | None:
    """Return the local files that paths and globs name, in order; None if they are elsewhere."""
    paths = [os.fspath(p) for p in (urlpath if isinstance(urlpath, (list, tuple)) else [urlpath])]
    if not paths:
        raise ValueError("empty list of files")
    found: list[str] = []
    for path in paths:
        path = path.removeprefix("file://")
        if "://" in path or "::" in path:
            return None
        matches = globbing.glob(path) if globbing.has_magic(path) else [path]
        found += sorted(matches, key=natural_sort_key)
    if not found:
        raise OSError(f"{urlpath} resolved to no files")
    return found


def read_csv(
    urlpath: Any,
    blocksize: Any = "default",
    lineterminator: str | None = None,
    compression: Any = "infer",
    sample: Any = 256_000,
    sample_rows: int = 10,
    enforce: bool = False,
    storage_options: Any = None,
    include_path_column: Any = False,
    **kwargs: Any,
) -> Any:
    """Read text tables.

    Parameters
    ----------
    urlpath
        A path, a glob, or a list of such.
    blocksize
        Bytes of a partition, as a number or text such as ``"64MB"``; None for one of each file.
    sample
        Bytes that are looked at to infer dtypes.
    **kwargs
        As of ``pandas.read_csv``. Those that the native reader has not are read by pandas, a
        partition for each file.

    Raises
    ------
    OSError
        If there are no such files.
    pandas.errors.ParserError
        At computing, with the file, the line and the column, if a line is not like the sample.
    """
    for name in ("index_col", "iterator", "chunksize", "nrows"):
        if kwargs.get(name) not in (None, False):
            remedy = {
                "index_col": "use `.set_index` afterwards",
                "nrows": "use `.head(n=nrows)`",
            }.get(name, "partitions are read one by one")
            raise ValueError(f"The '{name}' keyword is not supported by read_csv: {remedy}")
    paths = _local(urlpath)
    if paths is None:
        raise NotImplementedError(
            f"{urlpath}: remote files are not read yet; from_map(pandas.read_csv, [...]) reads them"
        )
    nbytes = _blocksize(blocksize)
    if not include_path_column and lineterminator is None and compression in ("infer", None):
        expr = _native_csv(paths, kwargs, nbytes, sample)
        if expr is not None:
            return new_collection(expr)
    return _by_pandas(pd.read_csv, paths, kwargs, include_path_column)


def _blocksize(blocksize: Any) -> int | None:
    if blocksize == "default":
        return 64_000_000
    if blocksize is None:
        return None
    if isinstance(blocksize, float):
        raise TypeError(f"blocksize must be an integer or text, not {blocksize!r}")
    return int(parse_bytes(blocksize))


def _native_csv(paths: list[str], kwargs: dict[str, Any], nbytes: int | None, sample: Any) -> Any:
    options = {
        k: v for k, v in kwargs.items() if v is not None and not (k == "parse_dates" and v is False)
    }
    if not set(options) <= _NATIVE_CSV or any(
        path.endswith((".gz", ".bz2", ".xz", ".zst", ".zip")) for path in paths
    ):
        return None
    if options.get("header") == "infer":
        del options["header"]
    if "names" in options and "header" not in options:
        options["header"] = None
    dtype = options.get("dtype")
    if dtype is not None:
        if not isinstance(dtype, dict):
            return None
        options["dtype"] = {k: str(pd.api.types.pandas_dtype(v)) for k, v in dtype.items()}
    for name in ("names", "usecols", "parse_dates"):
        if name in options and not isinstance(options[name], (list, tuple)):
            return None
    if isinstance(options.get("na_values"), str):
        options["na_values"] = [options["na_values"]]
    try:
        size = int(sample) if sample else None
        return _native.frame_read_csv(paths, options, nbytes, size)
    except (NoKernel, TypeError):
        return None


def _by_pandas(
    reader: Callable[..., Any], paths: list[str], kwargs: dict[str, Any], path_column: Any
) -> Any:
    """Read a partition of each file by pandas."""
    name = "path" if path_column is True else path_column
    return from_map(
        _read_file,
        paths,
        reader=reader,
        settings=kwargs,
        path_column=name,
        categories=paths,
        label=reader.__name__.replace("_", "-"),
    )


def _read_file(
    path: str,
    reader: Callable[..., Any],
    settings: dict[str, Any],
    path_column: Any,
    categories: list[str],
) -> Any:
    part = reader(path, **settings)
    if path_column:
        if path_column in part.columns:
            raise ValueError(
                f"Files already contain the column name: {path_column}, so the path column "
                "cannot use this name. Please set `include_path_column` to a unique name."
            )
        part[path_column] = pd.Categorical([path] * len(part), categories=categories)
    return part


def read_table(urlpath: Any, sep: str = "\t", **kwargs: Any) -> Any:
    """Read text tables whose fields are parted by tabs: see :func:`read_csv`."""
    return read_csv(urlpath, sep=sep, **kwargs)


def read_fwf(urlpath: Any, **kwargs: Any) -> Any:
    """Read text tables of columns of fixed width, by pandas: a partition of each file."""
    for name in ("blocksize", "storage_options"):
        kwargs.pop(name, None)
    paths = _local(urlpath)
    if paths is None:
        raise NotImplementedError(f"{urlpath}: remote files are not read yet")
    return _by_pandas(pd.read_fwf, paths, kwargs, False)


def read_json(
    urlpath: Any, orient: str = "records", lines: bool | None = None, **kwargs: Any
) -> Any:
    """Read JSON files, by pandas: a partition of each file."""
    for name in (
        "blocksize",
        "storage_options",
        "sample",
        "compression",
        "engine",
        "encoding",
        "errors",
        "meta",
    ):
        kwargs.pop(name, None)
    path_column = kwargs.pop("include_path_column", False)
    paths = _local(urlpath)
    if paths is None:
        raise NotImplementedError(f"{urlpath}: remote files are not read yet")
    settings = {
        "orient": orient,
        "lines": orient == "records" if lines is None else lines,
        **kwargs,
    }
    return _by_pandas(pd.read_json, paths, settings, path_column)


def read_orc(path: Any, columns: Any = None, index: Any = None, **kwargs: Any) -> Any:
    """Read ORC files, by pandas: a partition of each file."""
    paths = _local(path)
    if paths is None:
        raise NotImplementedError(f"{path}: remote files are not read yet")
    result = _by_pandas(pd.read_orc, paths, {"columns": columns}, False)
    return result.set_index(index, sort=False) if index is not None else result


def read_parquet(
    path: Any,
    columns: Any = None,
    filters: Any = None,
    index: Any = None,
    storage_options: Any = None,
    calculate_divisions: bool = False,
    blocksize: Any = "default",
    split_row_groups: Any = "infer",
    aggregate_files: Any = None,
    **kwargs: Any,
) -> Any:
    """Read Parquet files.

    Parameters
    ----------
    path
        A file, a folder, a glob, or a list of such.
    columns
        The columns to read. Those that nobody needs are not read in any case.
    filters
        Conditions as ``[("x", ">", 1)]``; a list of such lists for alternatives.
    index
        A column to be the index; False for none.
    calculate_divisions
        Whether divisions are taken from what footers say of the index.
    split_row_groups
        True for a partition of each row group, False for one of each file; by default by bytes.
    """
    if kwargs.pop("engine", "auto") not in ("auto", "pyarrow", "pyarrow-cpp", None):
        raise ValueError("engine is 'auto' or 'pyarrow': files are read natively in any case")
    if kwargs.pop("ignore_metadata_file", False) and kwargs:
        raise TypeError(f"read_parquet got unexpected keywords {sorted(kwargs)}")
    is_series = isinstance(columns, str)
    wanted = [columns] if is_series else (None if columns is None else list(columns))
    paths = _local(path)
    if paths is None:
        raise NotImplementedError(
            f"{path}: remote files are not read yet; try from_map(pandas.read_parquet, [...])"
        )
    if split_row_groups is True or (isinstance(split_row_groups, int) and split_row_groups == 1):
        split: Any = "row-groups"
    elif split_row_groups is False:
        split = "files"
    else:
        split = 128_000_000 if blocksize in ("default", None) else int(parse_bytes(blocksize))
    native = natively(lambda: _native.frame_read_parquet(paths, None, split))
    if native is None:
        result = _by_pandas(pd.read_parquet, paths, {"columns": wanted, "filters": filters}, False)
        return result[columns] if is_series else result
    expr, bounds = native
    ends = _divisions(bounds) if calculate_divisions and index is not False else None
    result = new_collection(expr, None, ends)
    if index is False:
        if result._meta.index.name is not None or result._meta.index.nlevels > 1:
            result = result.reset_index()
    elif index is not None:
        (label,) = index if isinstance(index, (list, tuple)) else (index,)
        if label != result._meta.index.name:
            result = result.set_index(label, sort=False)
    if filters is not None:
        result = result[_condition(result, filters)]
    if wanted is not None:
        result = result[columns]
    return result


def _divisions(bounds: Sequence[Any]) -> tuple[Any, ...] | None:
    from oxidask.dataframe._scalars import from_native

    if not bounds or any(pair is None for pair in bounds):
        return None
    pairs = [(from_native(low), from_native(high)) for low, high in bounds]
    for (_, high), (low, _) in itertools.pairwise(pairs):
        if not high < low:
            return None
    return (*(low for low, _ in pairs), pairs[-1][1])


def _condition(df: Any, filters: Any) -> Any:
    """Return the condition of filters: a list of conjunctions, or one."""
    alternatives = filters if filters and isinstance(filters[0], list) else [list(filters)]
    either = None
    for tests in alternatives:
        both = None
        for label, op, value in tests:
            test = _test(df[label] if label in df.columns else df.index, op, value)
            both = test if both is None else both & test
        either = both if either is None else either | both
    return either


def _test(column: Any, op: str, value: Any) -> Any:
    if op in ("=", "=="):
        return column == value
    if op == "!=":
        return column != value
    if op in ("<", "<=", ">", ">="):
        return {"<": column.__lt__, "<=": column.__le__, ">": column.__gt__, ">=": column.__ge__}[
            op
        ](value)
    if op == "in":
        return column.isin(list(value))
    if op == "not in":
        return ~column.isin(list(value))
    if op == "is":
        return column.isna()
    if op == "is not":
        return ~column.isna()
    raise ValueError(f"{op!r} is not a valid operator in predicates.")


def to_csv(
    df: Any,
    filename: Any,
    single_file: bool = False,
    encoding: str = "utf-8",
    mode: str = "wt",
    name_function: Callable[[int], str] | None = None,
    compression: Any = None,
    compute: bool = True,
    scheduler: Any = None,
    storage_options: Any = None,
    header_first_partition_only: bool | None = None,
    compute_kwargs: Any = None,
    **kwargs: Any,
) -> Any:
    """Write a text table of each partition.

    Parameters
    ----------
    filename
        A folder, a path with a ``*`` for the partition's number, or a list of paths.
    single_file
        Whether all partitions go into one file.
    name_function
        Gives what stands in place of ``*``.
    **kwargs
        As of ``pandas.DataFrame.to_csv``.

    Returns
    -------
    list
        The paths.
    """
    if single_file:
        first_only = header_first_partition_only is not False
        args = [
            ("literal", os.fspath(filename)),
            ("literal", mode),
            ("literal", encoding),
            ("literal", compression),
            ("literal", first_only),
            ("every", df._expr),
        ]
        expr = python_layer(_write_one, args, 1, kwargs, name="to-csv")
        result = new_collection(expr, 0)
        if not compute:
            return result
        result.compute(scheduler=scheduler, **(compute_kwargs or {}))
        return [os.fspath(filename)]
    paths = _names(filename, df.npartitions, name_function, ".part")
    written: Any = None
    if mode in ("w", "wt") and encoding == "utf-8" and compression is None and df._expr.is_native:
        written = natively(lambda: _native.frame_write(df._expr, paths, "csv", kwargs))
    if written is None:
        settings = {"mode": mode, "encoding": encoding, "compression": compression, **kwargs}
        written = python_layer(
            _write_csv,
            [("partition", df._expr), ("per_block", _Path(paths))],
            len(paths),
            settings,
            name="to-csv",
        )
    return _written(written, paths, compute, scheduler, compute_kwargs)


def _written(expr: Any, paths: list[str], compute: bool, scheduler: Any, options: Any) -> Any:
    result = new_collection(expr, pd.Series([0]).iloc[:0])
    if not compute:
        return result
    result.compute(scheduler=scheduler, **(options or {}))
    return paths


class _Path:
    """The path of each partition."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def __call__(self, index: tuple[int, ...]) -> str:
        return self.paths[index[0]]

    def __dask_tokenize__(self) -> Any:
        return self.paths


def _write_csv(part: Any, path: str, **settings: Any) -> Any:
    part.to_csv(path, **settings)
    return pd.Series([0])


def _write_one(
    path: str,
    mode: str,
    encoding: str,
    compression: Any,
    first_only: bool,
    parts: list[Any],
    **settings: Any,
) -> int:
    header = settings.pop("header", True)
    with pd.io.common.get_handle(
        path, mode.replace("t", ""), encoding=encoding, compression=compression
    ) as handles:
        for at, part in enumerate(parts):
            with_header = header if at == 0 or not first_only else False
            part.to_csv(handles.handle, header=with_header, **settings)
    return 0


def _names(
    filename: Any, n: int, name_function: Callable[[int], str] | None, suffix: str
) -> list[str]:
    if isinstance(filename, (list, tuple)):
        if len(filename) != n:
            raise ValueError(f"{len(filename)} paths for {n} partitions")
        return [os.fspath(path) for path in filename]
    path = os.fspath(filename).removeprefix("file://")
    if "://" in path:
        raise NotImplementedError(f"{filename}: remote files are not written yet")
    width = len(str(n - 1))
    name = name_function or (lambda i: str(i).zfill(width))
    if "*" in path:
        if path.count("*") > 1:
            raise ValueError("Output path spec must contain at most one '*'.")
        names = [path.replace("*", name(i)) for i in range(n)]
    else:
        names = [os.path.join(path, f"{name(i)}{suffix}") for i in range(n)]
    if len(set(names)) != n:
        raise ValueError("name_function must give another name for each partition")
    for folder in {os.path.dirname(one) for one in names}:
        if folder:
            os.makedirs(folder, exist_ok=True)
    return names


def to_parquet(
    df: Any,
    path: Any,
    compression: Any = "snappy",
    write_index: bool = True,
    append: bool = False,
    overwrite: bool = False,
    ignore_divisions: bool = False,
    partition_on: Any = None,
    compute: bool = True,
    compute_kwargs: Any = None,
    name_function: Callable[[int], str] | None = None,
    write_metadata_file: Any = None,
    engine: str = "auto",
    storage_options: Any = None,
    **kwargs: Any,
) -> Any:
    """Write a Parquet file of each partition into a folder.

    Parameters
    ----------
    path
        The folder.
    compression
        ``"snappy"``, ``"zstd"``, ``"gzip"``, ``"lz4"``, ``"brotli"`` or None.
    write_index
        Whether the index is written.
    append
        Whether the files of the folder stay.
    overwrite
        Whether the files of the folder go first.
    partition_on
        Labels by whose values rows go to folders of their own.
    """
    folder = os.fspath(path).removeprefix("file://").rstrip("/")
    if "://" in folder:
        raise NotImplementedError(f"{path}: remote files are not written yet")
    if append and overwrite:
        raise ValueError("Cannot use overwrite=True with append=True!")
    old = sorted(
        globbing.glob(os.path.join(globbing.escape(folder), "**", "*.parquet"), recursive=True)
    )
    if overwrite:
        for one in old:
            os.remove(one)
    first = len(old) if append else 0
    os.makedirs(folder, exist_ok=True)
    name = name_function or (lambda i: f"part.{i}.parquet")
    names = [os.path.join(folder, name(first + i)) for i in range(df.npartitions)]
    settings = {"compression": compression, "index": write_index}
    expr = None
    if partition_on is None and not kwargs and df._expr.is_native:
        expr = natively(lambda: _native.frame_write(df._expr, names, "parquet", settings))
    if expr is None:
        if isinstance(partition_on, str):
            partition_on = [partition_on]
        args = [("partition", df._expr), ("per_block", _Path(names))]
        more = {"settings": settings | kwargs, "folder": folder, "by": partition_on}
        expr = python_layer(_write_parquet, args, len(names), more, name="to-parquet")
    result = _written(expr, names, compute, None, compute_kwargs)
    return None if compute else result


def _write_parquet(part: Any, path: str, settings: dict[str, Any], folder: str, by: Any) -> Any:
    if not by:
        part.to_parquet(path, **settings)
        return pd.Series([0])
    for values, rows in part.groupby(by, observed=True):
        names = [f"{label}={value}" for label, value in zip(by, values, strict=True)]
        inner = os.path.join(folder, *names)
        os.makedirs(inner, exist_ok=True)
        rows.drop(columns=by).to_parquet(os.path.join(inner, os.path.basename(path)), **settings)
    return pd.Series([0])
