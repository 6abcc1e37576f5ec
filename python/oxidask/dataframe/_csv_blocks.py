"""Text tables by pandas, block by block: for what the native reader has not.

Blocks are cut at line ends when they are read, so that remote files are cut without reading them;
a line end in quotes would be taken for one of the table's, as Dask does.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from oxidask.base import tokenize
from oxidask.dataframe._collection import new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import PerPartition
from oxidask.dataframe._sources import Source

__all__ = ["read_blocks"]


class _Head:
    """What the beginning of the first file says of all.

    Attributes
    ----------
    meta
        The empty table.
    header
        The lines with names, which stand before every block but a file's first.
    """

    def __init__(
        self,
        source: Source,
        reader: Callable[..., Any],
        settings: dict[str, Any],
        compression: str | None,
        sample: int | None,
        ending: bytes,
    ) -> None:
        skipped, n_header = settings.get("skiprows"), _n_header(settings)
        is_whole = False
        while True:
            with source.open(compression) as file:
                text = file.read(sample) if sample else file.read()
                is_whole = not sample or not file.read(1)
            if is_whole:
                kept = _kept(text.split(ending), skipped)
                break
            text = text[: text.rfind(ending) + len(ending)] if ending in text else b""
            lines = text.split(ending)[:-1]
            kept = _kept(lines, skipped)
            if len(kept) < n_header or _last_skipped(skipped) >= len(lines) > 0:
                raise ValueError(
                    f"Sample is not large enough to include at least one row of data of "
                    f"{source.path}. Please increase the number of bytes in `sample` in the call "
                    "to `read_csv`/`read_table`"
                )
            if len(kept) > n_header:
                break
            sample = 2 * (sample or 1)
        self.header = b"".join(line + ending for line in kept[:n_header])
        self.sample = reader(io.BytesIO(text), **settings)


def _kept(lines: list[bytes], skipped: Any) -> list[bytes]:
    """Return the lines that `skiprows` leaves, without blank ones."""
    if callable(skipped):
        chosen = [line for at, line in enumerate(lines) if not skipped(at)]
    elif isinstance(skipped, int):
        chosen = lines[skipped:]
    else:
        left_out = set(skipped or ())
        chosen = [line for at, line in enumerate(lines) if at not in left_out]
    return [line for line in chosen if line.strip()]


def _last_skipped(skipped: Any) -> int:
    if isinstance(skipped, int):
        return skipped - 1
    return -1 if skipped is None or callable(skipped) else max(skipped, default=-1)


def _n_header(settings: dict[str, Any]) -> int:
    """Return how many lines there are up to the last one with names."""
    header = settings.get("header", "infer")
    if header == "infer":
        header = 0 if settings.get("names") is None else None
    if header is None:
        return 0
    return (max(header) if isinstance(header, (list, tuple)) else int(header)) + 1


def read_blocks(
    sources: list[Source],
    reader: Callable[..., Any],
    settings: dict[str, Any],
    *,
    block_bytes: int | None,
    sample: int | None = None,
    compression: str | None = None,
    enforce: bool = False,
    assume_missing: bool = False,
    path_column: str | None = None,
    line_end: str | None = None,
) -> Any:
    """Return the collection of text tables, a partition of each block.

    Raises
    ------
    ValueError
        If the sample has no row, or the column for paths is there already.
    """
    ending = line_end.encode() if line_end else b"\n"
    if line_end and len(line_end) == 1:
        settings = settings | {"lineterminator": line_end}
    encoding = str(settings.get("encoding") or "").lower().replace("-", "").replace("_", "")
    if compression is not None or encoding.startswith(("utf16", "utf32")):
        block_bytes = None
    full = [source for source in sources if source.nbytes()] or sources
    head = _Head(full[0], reader, settings, compression, sample, ending)
    given = settings.get("dtype")
    meta = _meta(head.sample, given, assume_missing)
    if path_column is not None and path_column in meta.columns:
        raise ValueError(
            f"Files already contain the column name: {path_column}, so the path column "
            "cannot use this name. Please set `include_path_column` to a unique name."
        )
    settings = settings | {"dtype": _asked(meta, given)}
    blocks = [block for source in full for block in _cut(source, block_bytes)]
    paths = [source.path for source in full]
    common = {
        "reader": reader,
        "settings": settings,
        "header": head.header,
        "ending": ending,
        "compression": compression,
        "meta": meta,
        "enforce": enforce,
        "path_column": path_column,
        "paths": paths,
    }
    expr = python_layer(
        _read_block,
        [("per_block", PerPartition(blocks))],
        len(blocks),
        common,
        name=reader.__name__.replace("_", "-"),
        token=tokenize(blocks, common),
    )
    if path_column is not None:
        meta = meta.assign(**{path_column: pd.Categorical([], categories=paths)})
    return new_collection(expr, meta)


def _cut(source: Source, block_bytes: int | None) -> list[tuple[Source, int, int | None]]:
    size = source.nbytes() if block_bytes is not None else 0
    if block_bytes is None or size <= block_bytes:
        return [(source, 0, None)]
    starts = range(0, size, block_bytes)
    return [(source, at, min(at + block_bytes, size)) for at in starts]


def _meta(sample: Any, given: Any, assume_missing: bool) -> Any:
    """Return the empty table; categories that nobody named are unknown."""
    meta = sample.iloc[:0].reset_index(drop=True)
    for label in meta.columns:
        dtype = meta[label].dtype
        wanted = given.get(label) if isinstance(given, dict) else given
        if isinstance(dtype, pd.CategoricalDtype):
            if getattr(wanted, "categories", None) is None:
                unknown = pd.CategoricalDtype(dtype.categories[:0], dtype.ordered)
                meta[label] = meta[label].astype(unknown)
        elif assume_missing and wanted is None and pd.api.types.is_integer_dtype(dtype):
            meta[label] = meta[label].astype("float64")
    return meta


def _asked(meta: Any, given: Any) -> Any:
    """Return the dtypes to ask pandas for: those given, and text where the sample had text."""
    if given is not None and not isinstance(given, dict):
        return given
    text = {
        label: dtype for label, dtype in meta.dtypes.items() if isinstance(dtype, pd.StringDtype)
    }
    return {**text, **(given or {})} or None


def _read_block(
    block: tuple[Source, int, int | None],
    reader: Callable[..., Any],
    settings: dict[str, Any],
    header: bytes,
    ending: bytes,
    compression: str | None,
    meta: Any,
    enforce: bool,
    path_column: str | None,
    paths: list[str],
) -> Any:
    source, start, end = block
    text = _text(source, start, end, ending, compression)
    if start:
        settings = {name: value for name, value in settings.items() if name != "skiprows"}
        text = header + text
    if start and len(text) == len(header):
        part = meta.copy()
    else:
        try:
            part = reader(io.BytesIO(text), **settings)
        except ValueError as error:
            where = f"{source.path}, from byte {start}" if start else source.path
            raise type(error)(f"{where}: {error}") from error
    part = _coerced(part, meta, source, enforce)
    if path_column is not None:
        part[path_column] = pd.Categorical([source.path] * len(part), categories=paths)
    return part


def _text(
    source: Source, start: int, end: int | None, ending: bytes, compression: str | None
) -> bytes:
    """Return the lines that begin in a block."""
    with source.open(compression) as file:
        if end is None:
            return bytes(file.read())
        first = start
        if start:
            file.seek(start - len(ending))
            first = start - len(ending) + _behind_line(file, ending)
            if first >= end:
                return b""
        file.seek(end - len(ending))
        last = end - len(ending) + _behind_line(file, ending)
        file.seek(first)
        return bytes(file.read(last - first))


def _behind_line(file: Any, ending: bytes) -> int:
    """Return how many bytes there are up to and with the next line end, or to the file's end."""
    seen: bytes = b""
    while True:
        piece = file.read(1 << 16)
        if not piece:
            return len(seen)
        seen += piece
        at = seen.find(ending)
        if at >= 0:
            return at + len(ending)


def _coerced(part: Any, meta: Any, source: Source, enforce: bool) -> Any:
    """Return the part with the dtypes of `meta`, where nothing is lost."""
    if list(part.columns) != list(meta.columns):
        if enforce:
            raise ValueError(
                f"Columns do not match: {source.path} has {list(part.columns)}, the first file "
                f"{list(meta.columns)}"
            )
        return part
    odd = []
    for label, wanted in meta.dtypes.items():
        found = part[label].dtype
        if found == wanted or isinstance(wanted, pd.CategoricalDtype):
            continue
        is_empty = len(part) == 0 or (part[label].isna().all() and wanted.kind not in "iub")
        is_wider = pd.api.types.is_float_dtype(wanted) and pd.api.types.is_integer_dtype(found)
        if is_empty or is_wider or (wanted.kind == found.kind == "M"):
            part[label] = part[label].astype(wanted)
        else:
            odd.append((label, found, wanted))
    if odd:
        lines = "\n".join(f"- {label}: found {a}, expected {b}" for label, a, b in odd)
        remedy = ", ".join(f"{label!r}: '{found}'" for label, found, _ in odd)
        raise ValueError(
            f"Mismatched dtypes found in {source.path}.\n\n{lines}\n\nThe beginning of the first "
            f"file had others. Specify them by hand, dtype={{{remedy}}}, or give a larger sample; "
            "integers that may be missing are read with assume_missing=True."
        )
    return part
