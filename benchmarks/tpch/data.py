"""The tables as Parquet files, made once for every contender.

`tpchgen-cli` makes them; then decimals become floats and dates become timestamps, because that is
what pandas computes with. Each table is a folder of files of at most a million rows in row groups
of 250,000, sorted as they were made and compressed by Snappy, which is pyarrow's default.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cached
from case import NotHereError

TABLES = ("lineitem", "orders", "partsupp", "part", "customer", "supplier", "nation", "region")
ORDERS_OF_SCALE_1 = 1_500_000
ROWS_OF_FILE = 1_000_000
ROWS_OF_GROUP = 250_000


def prepared(n_orders: int) -> Path:
    """Return the folder of the tables with so many orders, and make them if need be."""
    return cached.folder(f"tpch-{n_orders}-orders", lambda empty: _make(empty, n_orders))


def _make(empty: Path, n_orders: int) -> None:
    with tempfile.TemporaryDirectory(dir=empty.parent) as raw:
        _generate(Path(raw), n_orders / ORDERS_OF_SCALE_1)
        for table in TABLES:
            _convert(Path(raw) / f"{table}.parquet", empty / table)


def generator() -> str:
    """Return the path of `tpchgen-cli`."""
    beside = Path(sys.executable).parent / "tpchgen-cli"
    found = str(beside) if beside.exists() else shutil.which("tpchgen-cli")
    if found is None:
        raise NotHereError("tpchgen-cli is not installed")
    return found


def _generate(folder: Path, scale: float) -> None:
    command = [generator(), "parquet", "-s", f"{scale:g}", "--output-dir", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _convert(source: Path, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    raw = pq.ParquetFile(source)
    schema = pa.schema([(field.name, _plain(field.type)) for field in raw.schema_arrow])
    writer, n_written, n_files = None, 0, 0
    for batch in raw.iter_batches(ROWS_OF_GROUP):
        if writer is None or n_written + batch.num_rows > ROWS_OF_FILE:
            if writer is not None:
                writer.close()
            writer = pq.ParquetWriter(folder / f"part-{n_files:03}.parquet", schema)
            n_written, n_files = 0, n_files + 1
        writer.write_table(pa.Table.from_batches([batch]).cast(schema), ROWS_OF_GROUP)
        n_written += batch.num_rows
    if writer is not None:
        writer.close()


def _plain(kind: Any) -> Any:
    """Return the type that pandas computes with."""
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_date(kind):
        return pa.timestamp("us")
    if pa.types.is_string_view(kind):
        return pa.string()
    return kind
