"""Tables like those of h2o's benchmark: the same columns, the same numbers of different values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cached
import numpy as np

# Different values of the columns with few of them.
FEW = 100


def to_group(n: int) -> Path:
    """Return the folder of the group-by table `x`."""
    return cached.folder(f"h2o-group-{n}", lambda folder: _write(folder, {"x": grouped(n)}))


def to_join(n: int) -> Path:
    """Return the folder of the join tables `x`, `small`, `medium` and `big`."""
    return cached.folder(f"h2o-join-{n}", lambda folder: _write(folder, joined(n)))


def _write(folder: Path, tables: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet", row_group_size=1_000_000)


def texts(numbers: Any, digits: int) -> Any:
    """Return ``id007`` for 7, and so on."""
    import pyarrow as pa

    different, at = np.unique(numbers, return_inverse=True)
    names = pa.array([f"id{number:0{digits}d}" for number in different])
    return names.take(pa.array(at))


def grouped(n: int) -> dict[str, Any]:
    rng = np.random.default_rng(108)
    many = max(1, n // FEW)
    return {
        "id1": texts(rng.integers(1, FEW + 1, n), 3),
        "id2": texts(rng.integers(1, FEW + 1, n), 3),
        "id3": texts(rng.integers(1, many + 1, n), 10),
        "id4": rng.integers(1, FEW + 1, n),
        "id5": rng.integers(1, FEW + 1, n),
        "id6": rng.integers(1, many + 1, n),
        "v1": rng.integers(1, 6, n),
        "v2": rng.integers(1, 16, n),
        "v3": np.round(rng.random(n) * 100, 6),
    }


def joined(n: int) -> dict[str, Any]:
    """Of the keys of each side, nine in ten are those of the other side too."""
    rng = np.random.default_rng(108)
    sizes = {"id1": max(10, n // 1_000_000), "id2": max(10, n // 1_000), "id3": max(10, n)}
    ours: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    for key, size in sizes.items():
        keys = rng.permutation(size + size // 10) + 1
        ours[key], theirs[key] = keys[:size], keys[size // 10 :]

    def spread(keys: Any, n_rows: int) -> Any:
        """Each key at least once, if there are enough rows."""
        more = rng.choice(keys, max(0, n_rows - len(keys)))
        return rng.permutation(np.concatenate([keys, more])[:n_rows])

    def table(of: dict[str, Any], n_rows: int, keys: tuple[str, ...], value: str) -> Any:
        numbers = {key: spread(of[key], n_rows) for key in keys}
        names = {f"id{int(key[2]) + 3}": texts(numbers[key], 1) for key in keys}
        return {**numbers, **names, value: np.round(rng.random(n_rows) * 100, 6)}

    return {
        "x": table(ours, n, ("id1", "id2", "id3"), "v1"),
        "small": table(theirs, sizes["id1"], ("id1",), "v2"),
        "medium": table(theirs, sizes["id2"], ("id1", "id2"), "v2"),
        "big": table(theirs, n, ("id1", "id2", "id3"), "v2"),
    }
