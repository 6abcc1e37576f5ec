"""Made-up tables: partitions are made where they are needed, of a seed each."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask.dataframe._io import from_map
from oxidask.dataframe._needs import pandas as pd

__all__ = ["make_timeseries"]

_NAMES = (
    "Alice",
    "Bob",
    "Charlie",
    "Dan",
    "Edith",
    "Frank",
    "George",
    "Hannah",
    "Ingrid",
    "Jerry",
    "Kevin",
    "Laura",
    "Michael",
    "Norbert",
    "Oliver",
    "Patricia",
    "Quinn",
    "Ray",
    "Sarah",
    "Tim",
    "Ursula",
    "Victor",
    "Wendy",
    "Xavier",
    "Yvonne",
    "Zelda",
)


def make_timeseries(
    start: Any = "2000-01-01",
    end: Any = "2000-12-31",
    dtypes: Any = None,
    freq: Any = "10s",
    partition_freq: Any = "1ME",
    seed: Any = None,
    **kwargs: Any,
) -> Any:
    """Return a dataframe of made-up measurements: see :func:`oxidask.datasets.timeseries`."""
    kinds = dict(dtypes or {"name": str, "id": int, "x": float, "y": float})
    for label, kind in kinds.items():
        if kind not in _MAKERS:
            raise ValueError(f"no made-up values of the kind {kind!r} for {label!r}")
    ends = pd.date_range(start=start, end=end, freq=partition_freq).tolist()
    if len(ends) < 2:
        raise ValueError(f"{start} to {end} is less than a partition of {partition_freq}")
    rng = np.random.default_rng(seed)
    seeds = rng.integers(0, 2**63, len(ends) - 1).tolist()
    meta = _made(ends[0], ends[0], 0, kinds=kinds, freq=freq, settings=kwargs).iloc[:0]
    return from_map(
        _made,
        ends[:-1],
        ends[1:],
        seeds,
        kinds=kinds,
        freq=freq,
        settings=kwargs,
        meta=meta,
        divisions=tuple(ends),
        label="make-timeseries",
    )


def _made(
    start: Any, end: Any, seed: int, kinds: dict[Any, Any], freq: Any, settings: dict[str, Any]
) -> Any:
    index = pd.date_range(start=start, end=end, freq=freq, name="timestamp")
    if len(index) and index[-1] == end:
        index = index[:-1]
    rng = np.random.default_rng(seed)
    columns = {}
    for label, kind in kinds.items():
        mine = {
            key.removeprefix(f"{label}_"): value
            for key, value in settings.items()
            if key.startswith(f"{label}_")
        }
        columns[label] = _MAKERS[kind](rng, len(index), **mine)
    return pd.DataFrame(columns, index=index)


def _floats(rng: Any, n: int) -> Any:
    return rng.random(n) * 2 - 1


def _ints(rng: Any, n: int, lam: float = 1000) -> Any:
    return rng.poisson(lam, n)


def _texts(rng: Any, n: int) -> Any:
    return pd.Series(
        np.array(_NAMES, dtype=object)[rng.integers(0, len(_NAMES), n)], dtype="str"
    ).array


def _categories(rng: Any, n: int, choices: Any = _NAMES, nunique: Any = None) -> Any:
    if nunique is not None:
        choices = list(range(nunique))
    return pd.Categorical.from_codes(rng.integers(0, len(choices), n), list(choices))


_MAKERS: dict[Any, Any] = {
    float: _floats,
    int: _ints,
    str: _texts,
    object: _texts,
    "str": _texts,
    "category": _categories,
    "float": _floats,
    "int": _ints,
    "float64": _floats,
    "int64": _ints,
}
