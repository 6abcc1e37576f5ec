"""Text tables: read natively where the native reader has what is asked for, else by pandas."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from oxidask import _native
from oxidask._native import NoKernel
from oxidask.dataframe._collection import new_collection
from oxidask.dataframe._csv_blocks import read_blocks
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._sources import compression_of, find_files
from oxidask.utils import parse_bytes

__all__ = ["read_csv", "read_fwf", "read_table"]

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

_DEFAULT_BLOCK = 64_000_000


def read_csv(
    urlpath: Any,
    blocksize: Any = "default",
    lineterminator: str | None = None,
    compression: Any = "infer",
    sample: Any = 256_000,
    sample_rows: int = 10,
    enforce: bool = False,
    assume_missing: bool = False,
    storage_options: Any = None,
    include_path_column: Any = False,
    **kwargs: Any,
) -> Any:
    """Read text tables.

    Parameters
    ----------
    urlpath
        A path, a glob, or a list of such; of any protocol that fsspec knows.
    blocksize
        Bytes of a partition, as a number or text such as ``"64MB"``; None for one of each file.
    compression
        ``"gzip"``, ``"bz2"``, ``"xz"``, ``"zstd"``, ``"zip"`` or None; by default by the files'
        names. Compressed files are a partition each.
    sample
        Bytes that are looked at to infer dtypes.
    enforce
        Whether files of other columns are an error; else their columns are added.
    assume_missing
        Whether integers are read as floats, unless `dtype` names them.
    include_path_column
        Whether there is a column ``path``, or the name of one, that says which file a row is of.
    storage_options
        For fsspec's filesystem.
    **kwargs
        As of ``pandas.read_csv``. Those that the native reader has not are for pandas, block by
        block.

    Raises
    ------
    OSError
        If there are no such files.
    pandas.errors.ParserError
        At computing, with the file, the line and the column, if a line is not like the sample.
    """
    return _read_text(
        pd.read_csv,
        urlpath,
        blocksize=blocksize,
        lineterminator=lineterminator,
        compression=compression,
        sample=sample,
        enforce=enforce,
        assume_missing=assume_missing,
        storage_options=storage_options,
        include_path_column=include_path_column,
        **kwargs,
    )


def read_table(urlpath: Any, *, sep: str = "\t", **kwargs: Any) -> Any:
    """Read text tables whose fields are parted by tabs: see :func:`read_csv`."""
    if "delimiter" not in kwargs:
        kwargs["sep"] = sep
    return _read_text(pd.read_table, urlpath, **kwargs)


def read_fwf(urlpath: Any, **kwargs: Any) -> Any:
    """Read text tables of columns of fixed width, by pandas: see :func:`read_csv`.

    Parameters
    ----------
    urlpath, **kwargs
        As of :func:`read_csv` and of ``pandas.read_fwf``. Widths are inferred from the sample:
        say ``colspecs`` or ``widths`` where later lines are wider.
    """
    return _read_text(pd.read_fwf, urlpath, **kwargs)


def _read_text(
    reader: Callable[..., Any],
    urlpath: Any,
    *,
    blocksize: Any = "default",
    lineterminator: str | None = None,
    compression: Any = "infer",
    sample: Any = 256_000,
    sample_rows: int = 10,
    enforce: bool = False,
    assume_missing: bool = False,
    storage_options: Any = None,
    include_path_column: Any = False,
    **kwargs: Any,
) -> Any:
    name = reader.__name__
    _refuse(name, kwargs)
    path_column = "path" if include_path_column is True else include_path_column or None
    if path_column is not None and not isinstance(path_column, str):
        raise ValueError(
            f"include_path_column is True or the name of a column, not {include_path_column!r}"
        )
    sources = find_files(urlpath, storage_options)
    n_bytes = _block_bytes(blocksize)
    sample = None if sample is False or sample is None else int(parse_bytes(sample))
    compression = compression_of(compression, [source.path for source in sources])
    if compression is not None:
        if n_bytes is not None and blocksize != "default":
            warnings.warn(
                f"{compression} files can't be cut: blocksize={blocksize!r} is left out, each file "
                "is a partition",
                stacklevel=3,
            )
        n_bytes = None
    if kwargs.get("skiprows") and n_bytes is not None and sample and n_bytes < sample:
        warnings.warn(
            "Blocks are smaller than the sample, which the rows to skip must be in: setting "
            "sample=blocksize",
            stacklevel=3,
        )
        sample = n_bytes
    is_plain = (
        name != "read_fwf"
        and all(source.fs is None for source in sources)
        and path_column is None
        and lineterminator is None
        and compression is None
        and not assume_missing
    )
    if is_plain:
        options = {"sep": "\t", **kwargs} if name == "read_table" else kwargs
        expr = _native_csv([source.path for source in sources], options, n_bytes, sample)
        if expr is not None:
            return new_collection(expr)
    return read_blocks(
        sources,
        reader,
        kwargs,
        block_bytes=n_bytes,
        sample=sample,
        compression=compression,
        enforce=enforce,
        assume_missing=assume_missing,
        path_column=path_column,
        line_end=lineterminator,
    )


def _refuse(name: str, kwargs: dict[str, Any]) -> None:
    remedies = {
        "index": "use `.set_index` afterwards",
        "index_col": "use `.set_index` afterwards",
        "nrows": "use `.head(n=nrows)`",
        "iterator": "partitions are read one by one",
        "chunksize": "partitions are read one by one",
    }
    for word, remedy in remedies.items():
        if kwargs.get(word) not in (None, False):
            raise ValueError(f"The '{word}' keyword is not supported by {name}: {remedy}")
    for word in remedies:
        kwargs.pop(word, None)


def _block_bytes(blocksize: Any) -> int | None:
    if isinstance(blocksize, str) and blocksize == "default":
        return _DEFAULT_BLOCK
    if blocksize is None:
        return None
    if isinstance(blocksize, float):
        raise TypeError(f"blocksize must be an integer or text, not {blocksize!r}")
    return int(parse_bytes(blocksize))


def _native_csv(
    paths: list[str], kwargs: dict[str, Any], n_bytes: int | None, sample: int | None
) -> Any:
    """Return the expression of the native reader; None if it has not what is asked for."""
    options = {
        k: v
        for k, v in kwargs.items()
        if k == "header" or (v is not None and not (k == "parse_dates" and v is False))
    }
    if not set(options) <= _NATIVE_CSV:
        return None
    if options.get("header") == "infer":
        del options["header"]
    if "names" in options and "header" not in options:
        options["header"] = None
    dtype = options.get("dtype")
    if dtype is not None:
        if not isinstance(dtype, dict):
            return None
        try:
            options["dtype"] = {k: str(pd.api.types.pandas_dtype(v)) for k, v in dtype.items()}
        except (TypeError, ValueError):
            return None
    for name in ("names", "usecols", "parse_dates"):
        if name in options and not isinstance(options[name], (list, tuple)):
            return None
    if isinstance(options.get("na_values"), str):
        options["na_values"] = [options["na_values"]]
    full = [path for path in paths if not os.path.exists(path) or os.path.getsize(path)]
    try:
        return _native.frame_read_csv(full or paths, options, n_bytes, sample)
    except (NoKernel, TypeError):
        return None
