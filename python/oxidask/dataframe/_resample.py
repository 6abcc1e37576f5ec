"""Bins of an index of times: rows of a bin come to one partition, and each is binned on its own."""

from __future__ import annotations

import bisect
from typing import Any

from oxidask.dataframe._collection import new_collection, on_all, python_layer, together
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._multi import stacked
from oxidask.dataframe._needs import pandas as pd

__all__ = ["Resampler"]

# Methods that answer for each bin by its own rows.
_AGGREGATES = (
    "agg",
    "aggregate",
    "apply",
    "count",
    "first",
    "last",
    "max",
    "mean",
    "median",
    "min",
    "nunique",
    "ohlc",
    "prod",
    "quantile",
    "sem",
    "size",
    "std",
    "sum",
    "var",
)


class Resampler:
    """Bins of an index of times.

    Parameters
    ----------
    obj
        The rows, with known divisions.
    rule
        How wide bins are, as pandas has it.
    **settings
        ``closed`` and ``label`` of pandas' ``resample``.
    """

    def __init__(self, obj: Any, rule: Any, **settings: Any) -> None:
        self.obj, self.rule = obj, rule
        self._settings = {k: v for k, v in settings.items() if v is not None}
        if not obj.known_divisions:
            raise ValueError(
                "Can only resample dataframes with known divisions. See "
                "docs/guide/dataframes.md: set_index finds them"
            )
        self._kind = type(obj._meta_nonempty.resample(rule, **self._settings))

    def __getitem__(self, key: Any) -> Resampler:
        return Resampler(self.obj[key], self.rule, **self._settings)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self.obj.ndim == 2 and name in self.obj.columns:
            return self[name]
        if not callable(getattr(self._kind, name, None)):
            raise AttributeError(f"a resampler has no {name!r}")

        def method(*args: Any, **kwargs: Any) -> Any:
            bins = _Bins(self.obj, self.rule, self._settings)
            what = _Method(bins, name, args, kwargs)
            sample = _sample(self.obj)
            if name in _AGGREGATES and bins.is_anchored and what.is_by_bin(sample):
                return _by_bins(self.obj, bins, what, sample)
            # What fills bins by rows of others sees all of them.
            said = [("literal", what.of), ("every", self.obj._expr)]
            expr = python_layer(on_all, said, 1, name=what.__name__)
            return new_collection(expr, what.meta(sample))

        method.__name__ = name
        method.__doc__ = f"As pandas' ``{name}`` of each bin."
        return method


def _sample(obj: Any) -> Any:
    """Return two rows of different times: without a zone, whose clock may lack hours."""
    times = pd.DatetimeIndex(["2001-01-01", "2001-01-01 00:00:01"], name=obj._meta.index.name)
    return obj._meta_nonempty.set_axis(times, axis=0)


def _has_midnights(ends: Any) -> bool:
    """Whether each day has a midnight: pandas can't bin rows next to one that has none."""
    if getattr(ends, "tz", None) is None:
        return True
    days = ends[[0, -1]].tz_localize(None).normalize() + pd.to_timedelta([0, 1], unit="D")
    every = pd.date_range(days[0], days[1], freq="D")
    return not every.tz_localize(ends.tz, nonexistent="NaT", ambiguous="NaT").isna().any()


class _Bins:
    """Where bins begin: the same in each partition as over all rows."""

    def __init__(self, obj: Any, rule: Any, settings: dict[str, Any]) -> None:
        self.rule, self.settings = rule, dict(settings)
        ends = pd.Index(obj.divisions)
        offset = pd.tseries.frequencies.to_offset(rule)
        is_fixed = isinstance(offset, pd.offsets.Tick)
        # Bins of two weeks begin with the first row of all; those of one are the same anywhere.
        self.is_anchored = is_fixed or (offset.n == 1 and _has_midnights(ends))
        if isinstance(ends, pd.DatetimeIndex) and is_fixed:
            # pandas counts from the first day of the rows: of all rows, not of a partition's.
            day = ends[0].tz_localize(None).normalize()
            self.settings["origin"] = day.tz_localize(ends.tz, nonexistent="shift_forward")
        found = self.labels_of(ends)
        self.starts = list(dict.fromkeys(found[:-1]))
        counts = pd.Series(0, index=ends).resample(rule, **self.settings).size()
        self.labels = counts.index
        # Which partitions have rows of the bins from each start on.
        self.sources = []
        for at, start in enumerate(self.starts):
            is_last = at + 1 == len(self.starts)
            first = max(0, bisect.bisect_left(found[:-1], start) - 1)
            behind = len(found) - 1 if is_last else bisect.bisect_left(found, self.starts[at + 1])
            self.sources.append((first, max(behind, first + 1)))

    def __dask_tokenize__(self) -> Any:
        from oxidask.base import normalize_token

        said = (str(self.rule), self.settings, self.starts, list(self.labels[[0, -1]]))
        return "Bins", normalize_token(said)

    def labels_of(self, index: Any) -> list[Any]:
        """Return the label of the bin of each of some labels of rows, which are in order."""
        counts = pd.Series(0, index=index).resample(self.rule, **self.settings).size()
        return list(counts.index.repeat(counts.to_numpy()))

    def run(self, rows: Any) -> Any:
        """Return pandas' bins of some rows."""
        return rows.resample(self.rule, **self.settings)

    def between(self, at: int) -> Any:
        """Return the labels of the bins of a new partition."""
        low = self.labels.get_loc(self.starts[at]) if at else 0
        is_last = at + 1 == len(self.starts)
        return self.labels[low : None if is_last else self.labels.get_loc(self.starts[at + 1])]


class _Method:
    """A method of bins, with its arguments."""

    def __init__(self, bins: _Bins, name: str, args: Any, kwargs: Any) -> None:
        self.bins, self.name, self.args, self.kwargs = bins, name, args, kwargs
        self.__name__ = f"resample-{name}"

    def __dask_tokenize__(self) -> Any:
        from oxidask.base import normalize_token

        said = (self.bins.__dask_tokenize__(), self.name, self.args, self.kwargs)
        return "Method", normalize_token(said)

    def of(self, rows: Any) -> Any:
        """Return what it gives for some rows."""
        return getattr(self.bins.run(rows), self.name)(*self.args, **self.kwargs)

    def _of_sample(self, sample: Any) -> tuple[Any, Any]:
        """Return what it gives for rows without a zone, and how many rows each bin has."""
        settings = {k: v for k, v in self.bins.settings.items() if k != "origin"}
        found = sample.resample(self.bins.rule, **settings)
        return getattr(found, self.name)(*self.args, **self.kwargs), found.size()

    def meta(self, sample: Any) -> Any:
        """Return what the answers are like."""
        result, _ = self._of_sample(sample)
        labels = self.bins.labels[:0].rename(sample.index.name)
        return make_meta(result).set_axis(labels, axis=0)

    def is_by_bin(self, sample: Any) -> bool:
        """Whether it gives a row for each bin."""
        result, sizes = self._of_sample(sample)
        return isinstance(result, (pd.DataFrame, pd.Series)) and result.index.equals(sizes.index)

    def of_no_rows(self, sample: Any) -> Any:
        """Return the row that it gives for a bin without rows."""
        far = pd.date_range("2001-01-01", periods=4, freq=self.bins.rule)[[0, -1]]
        result, sizes = self._of_sample(sample.set_axis(far, axis=0))
        return result[sizes.to_numpy() == 0].iloc[:1]


def _by_bins(obj: Any, bins: _Bins, what: _Method, sample: Any) -> Any:
    meta = what.meta(sample)
    n = len(bins.starts)
    parts = []
    for at, (first, behind) in enumerate(bins.sources):
        chosen = obj.partitions[first:behind]
        said = [("literal", bins), ("literal", at), ("every", chosen._expr)]
        parts.append(python_layer(_rows_of, said, 1, name="resample-rows"))
    rows = stacked(parts) if n > 1 else parts[0]
    spans = python_layer(_span, [("partition", rows)], n, name="resample-span")
    span = python_layer(
        _whole_span, [("literal", bins), ("every", spans)], 1, name="resample-spans"
    )
    args: list[tuple[Any, ...]] = [
        ("literal", what),
        ("literal", sample),
        ("literal", meta),
        ("index",),
        ("partition", span),
        ("partition", rows),
    ]
    expr = python_layer(_binned, args, n, name=what.__name__)
    ends = (bins.labels[0], *bins.starts[1:], bins.labels[-1])
    return new_collection(expr, meta, ends)


def _rows_of(bins: _Bins, at: int, parts: list[Any]) -> Any:
    rows = together(parts)
    if not rows.index.is_monotonic_increasing:
        rows = rows.sort_index(kind="stable")
    if not len(rows):
        return rows
    counts = bins.run(pd.Series(0, index=rows.index)).size()
    is_last = at + 1 == len(bins.starts)
    low = _rows_before(counts, bins.starts[at])
    return rows.iloc[low : len(rows) if is_last else _rows_before(counts, bins.starts[at + 1])]


def _rows_before(counts: Any, label: Any) -> int:
    """Return how many rows are in bins of lesser labels."""
    return int(counts.iloc[: counts.index.searchsorted(label)].sum())


def _span(rows: Any) -> Any:
    return (rows.index[0], rows.index[-1]) if len(rows) else None


def _whole_span(bins: _Bins, spans: list[Any]) -> Any:
    """Return the first and the last bin of all rows."""
    full = [span for span in spans if span is not None]
    if not full:
        return None
    times = pd.Index([full[0][0], full[-1][1]])
    labels = bins.run(pd.Series(0, index=times)).size().index
    return labels[0], labels[-1]


def _binned(
    what: _Method, sample: Any, meta: Any, index: tuple[int, ...], span: Any, rows: Any
) -> Any:
    if span is None:
        return meta
    labels = what.bins.between(index[0])
    labels = labels[(labels >= span[0]) & (labels <= span[1])]
    result = what.of(rows) if len(rows) else None
    if result is not None and not result.index.isin(labels).all():
        # pandas begins with a bin without rows where the first row is at an end of one.
        result = result[result.index.isin(labels)]
    missing = labels if result is None else labels.difference(result.index)
    if not len(missing):
        return result if result is not None else meta
    filler = what.of_no_rows(sample)
    filler = filler.take([0] * len(missing)).set_axis(missing, axis=0)
    filler.index.name = rows.index.name
    if result is None:
        return filler
    return pd.concat([result, filler]).sort_index()
