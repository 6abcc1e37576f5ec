"""Made-up tables by a description of their columns: to try things on."""

from __future__ import annotations

import itertools
import re
import string
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from oxidask.dataframe._io import from_map
from oxidask.dataframe._made_up import _NAMES, make_timeseries
from oxidask.dataframe._needs import pandas as pd

__all__ = [
    "ColumnSpec",
    "DatasetSpec",
    "DatetimeIndexSpec",
    "RangeIndexSpec",
    "make_timeseries",
    "with_spec",
]


@dataclass
class ColumnSpec:
    """What one or some columns hold.

    Attributes
    ----------
    prefix
        Labels are this and a number; by default the dtype's name.
    dtype
        ``int`` and ``float`` of any width, ``str``, ``"category"``.
    number
        How many such columns there are.
    nunique, choices
        How many values of text or categories there are, or which.
    low, high
        Between which numbers lie.
    length
        Of random text.
    random
        Whether numbers are uniform and text is of random letters.
    method, args, kwargs
        A distribution of ``numpy.random.RandomState`` by its name, and its arguments.
    """

    prefix: str | None = None
    dtype: Any = None
    number: int = 1
    nunique: int | None = None
    choices: list[Any] = field(default_factory=list)
    low: Any = None
    high: Any = None
    length: int | None = None
    random: bool = False
    method: str | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass
class RangeIndexSpec:
    """An index that is counted."""

    dtype: Any = int
    step: int = 1


@dataclass
class DatetimeIndexSpec:
    """An index of times."""

    dtype: Any = "datetime64[ns]"
    start: str = "2000-01-01"
    freq: str = "1h"
    partition_freq: str = "1D"


@dataclass
class DatasetSpec:
    """What a made-up table holds."""

    npartitions: int = 1
    nrecords: int = 1000
    index_spec: RangeIndexSpec | DatetimeIndexSpec = field(default_factory=RangeIndexSpec)
    column_specs: list[ColumnSpec] = field(
        default_factory=lambda: [
            ColumnSpec(prefix="i", dtype="int64", low=0, high=1_000_000, random=True),
            ColumnSpec(prefix="f", dtype=float, random=True),
            ColumnSpec(prefix="c", dtype="category", choices=["a", "b", "c", "d"]),
            ColumnSpec(prefix="s", dtype=str),
        ]
    )


def with_spec(spec: DatasetSpec, seed: int | None = None) -> Any:
    """Return a dataframe of made-up values: the same for the same seed.

    Parameters
    ----------
    spec
        What it holds.
    seed
        Of the random numbers.

    Examples
    --------
    >>> spec = DatasetSpec(nrecords=4, npartitions=2, column_specs=[ColumnSpec(dtype=int)])
    >>> with_spec(spec, seed=1).columns.tolist()
    ['int1']
    """
    indexes = _indexes(spec)
    seeds = np.random.default_rng(seed).integers(0, 2**32, len(indexes)).tolist()
    columns = _columns(spec.column_specs)
    meta = _made(indexes[0][:0], 0, columns=columns)
    ends = [index[0] for index in indexes] + [indexes[-1][-1]] if len(indexes[-1]) else None
    return from_map(
        _made,
        indexes,
        seeds,
        columns=columns,
        meta=meta,
        divisions=ends,
        label="make-random",
    )


def _indexes(spec: DatasetSpec) -> list[Any]:
    """Return the labels of each partition."""
    kind, n = spec.index_spec, spec.nrecords
    if isinstance(kind, DatetimeIndexSpec):
        times = pd.date_range(kind.start, periods=n, freq=kind.freq, name="timestamp")
        times = times.astype(kind.dtype)
        cuts = pd.date_range(times[0], times[-1], freq=kind.partition_freq)
        starts = np.searchsorted(times, cuts).tolist()
        return [times[a:b] for a, b in zip(starts, [*starts[1:], n], strict=True)]
    starts = [n * at // spec.npartitions for at in range(spec.npartitions + 1)]
    return [
        pd.RangeIndex(a * kind.step, b * kind.step, kind.step).astype(kind.dtype)
        for a, b in itertools.pairwise(starts)
        if b > a or n == 0
    ]


def _columns(specs: list[ColumnSpec]) -> list[tuple[str, ColumnSpec]]:
    """Return labels and what their columns hold: numbers go on where a prefix comes again."""
    counts: dict[str, int] = {}
    columns = []
    for spec in specs:
        name = spec.dtype if isinstance(spec.dtype, str) else getattr(spec.dtype, "__name__", "x")
        prefix = spec.prefix or re.sub(r"\W+", "_", name).strip("_")
        for _ in range(spec.number):
            counts[prefix] = counts.get(prefix, 0) + 1
            columns.append((f"{prefix}{counts[prefix]}", spec))
    return columns


def _made(index: Any, seed: int, columns: list[tuple[str, ColumnSpec]]) -> Any:
    rng = np.random.RandomState(seed)
    return pd.DataFrame({label: _values(rng, spec, len(index)) for label, spec in columns}, index)


def _values(rng: Any, spec: ColumnSpec, n: int) -> Any:
    dtype = pd.api.types.pandas_dtype("str" if spec.dtype in (str, None) else spec.dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        choices = _choices(spec)
        return pd.Categorical.from_codes(rng.randint(0, len(choices), n), choices)
    if isinstance(dtype, pd.StringDtype) or dtype.kind == "O":
        return pd.array(_texts(rng, spec, n), dtype=dtype)
    if spec.method is not None:
        args = spec.args or _USUAL.get(spec.method, ())
        values = getattr(rng, spec.method)(*args, size=n, **spec.kwargs)
    elif dtype.kind == "f":
        low, high = (-1 if spec.low is None else spec.low), (1 if spec.high is None else spec.high)
        values = rng.uniform(low, high, n)
    elif spec.random or spec.low is not None or spec.high is not None:
        values = rng.randint(spec.low or 0, 1000 if spec.high is None else spec.high, n)
    else:
        values = rng.poisson(1000, n)
    return np.asarray(values).astype(dtype)


# Arguments of distributions that nobody gave any.
_USUAL: dict[str, tuple[Any, ...]] = {
    "poisson": (1000,),
    "normal": (0, 1000),
    "uniform": (0, 1000),
    "binomial": (1000, 0.5),
    "choice": (1000,),
}


def _choices(spec: ColumnSpec) -> list[Any]:
    if spec.choices:
        return list(spec.choices)
    if spec.nunique is not None:
        width = len(str(spec.nunique))
        return [str(at + 1).zfill(width) for at in range(spec.nunique)]
    return list(_NAMES)


def _texts(rng: Any, spec: ColumnSpec, n: int) -> list[str]:
    if spec.random:
        letters = np.array(list(string.ascii_letters + string.digits))
        size = spec.length or 25
        return ["".join(letters[rng.randint(0, len(letters), size)]) for _ in range(n)]
    choices = _choices(spec)
    return [choices[at] for at in rng.randint(0, len(choices), n)]
