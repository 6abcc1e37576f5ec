"""Text tables written: natively where that gives pandas' text, else by pandas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oxidask import _native
from oxidask.base import compute as compute_all
from oxidask.dataframe._collection import natively, new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import PerPartition
from oxidask.dataframe._sources import Target, compression_of, targets
from oxidask.dataframe._writing import (
    computed,
    numbered,
    path_series,
    scheduled,
)

__all__ = ["to_csv"]


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
    """Write a text table of each partition. A file is there whole, or not at all.

    Parameters
    ----------
    filename
        A folder, a path with a ``*`` for the partition's number, or a list of paths; of any
        protocol that fsspec knows.
    single_file
        Whether all partitions go into one file.
    mode
        ``"w"``, ``"a"`` to write behind what is there, or ``"x"`` if nothing may be there.
    name_function
        Gives what stands in place of ``*``.
    compression
        As of ``pandas.DataFrame.to_csv``.
    compute
        Whether to write now; else delayed values come back, of a path each.
    header_first_partition_only
        Whether the names of columns are written for the first partition only.
    compute_kwargs
        For ``compute``.
    **kwargs
        As of ``pandas.DataFrame.to_csv``.

    Returns
    -------
    list
        The paths.
    """
    options = scheduled(scheduler, compute_kwargs)
    if single_file:
        if name_function is not None:
            raise ValueError("name_function is not supported under the single file mode")
        if header_first_partition_only is False:
            raise ValueError("header_first_partition_only cannot be False in the single file mode.")
        (file,) = targets(filename, None, storage_options)
        file.make_folder()
        settings = {"mode": mode, "encoding": encoding, "compression": compression, **kwargs}
        args = [("literal", file), ("every", df._expr)]
        one = python_layer(_write_one, args, 1, settings, name="to-csv")
        delayed = new_collection(one, path_series()).to_delayed()
        return list(compute_all(*delayed, **options)) if compute else delayed
    files = numbered(filename, df.npartitions, name_function, ".part", storage_options)
    written: Any = None
    is_plain = mode in ("w", "wt") and encoding == "utf-8" and compression is None
    if is_plain and files[0].fs is None and isinstance(kwargs.get("header", True), bool):
        native = kwargs | {"header_once": bool(header_first_partition_only)}
        paths = [file.path for file in files]
        if df._expr.is_native:
            written = natively(lambda: _native.frame_write(df._expr, paths, "csv", native))
    if written is None:
        header = kwargs.pop("header", True)
        headers = [header if at == 0 or not header_first_partition_only else False
                   for at in range(len(files))]  # fmt: skip
        settings = {"mode": mode, "encoding": encoding, "compression": compression, **kwargs}
        args = [
            ("partition", df._expr),
            ("per_block", PerPartition(files)),
            ("per_block", PerPartition(headers)),
        ]
        written = python_layer(_write_csv, args, len(files), settings, name="to-csv")
    return computed(written, files, compute, options)


def _write_csv(part: Any, file: Target, header: Any, **settings: Any) -> Any:
    _write_parts([part], file, header, settings)
    return pd.Series([0])


def _write_one(file: Target, parts: list[Any], **settings: Any) -> str:
    _write_parts(parts, file, settings.pop("header", True), settings)
    return file.path


def _write_parts(parts: list[Any], file: Target, header: Any, settings: dict[str, Any]) -> None:
    settings = dict(settings)
    mode = settings.pop("mode").replace("t", "").replace("b", "")
    encoding, compression = settings.pop("encoding"), settings.pop("compression")
    if compression == "infer":
        compression = compression_of("infer", [file.path])
    handle = pd.io.common.get_handle
    if "a" in mode:
        if file.fs is not None:
            raise NotImplementedError(
                f"{file.path}: text is added to local files only; write another file"
            )
        with handle(file.path, mode, encoding=encoding, compression=compression) as handles:
            _write_into(handles.handle, parts, header, settings)
        return
    if "x" in mode and (file.fs.exists(file.inner) if file.fs is not None else _is_there(file)):
        raise FileExistsError(f"{file.path} exists: mode 'x' writes new files only")
    with (
        file.whole() as partial,
        handle(partial, "w", encoding=encoding, compression=compression) as handles,
    ):
        _write_into(handles.handle, parts, header, settings)


def _is_there(file: Target) -> bool:
    import os

    return os.path.exists(file.path)


def _write_into(handle: Any, parts: list[Any], header: Any, settings: dict[str, Any]) -> None:
    for at, part in enumerate(parts):
        part.to_csv(handle, header=header if at == 0 else False, **settings)
