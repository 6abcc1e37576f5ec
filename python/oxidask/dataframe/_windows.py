"""What reads rows of other partitions, or carries something from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask.dataframe._collection import Collection, new_collection, python_layer
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._overlap import map_overlap, with_rows_around

__all__ = ["Windows", "map_overlap"]


class Windows(Collection):
    """Methods that look beyond a partition."""

    def map_overlap(self, func: Any, before: Any, after: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function on each partition with some rows of its neighbours."""
        return map_overlap(func, self, before, after, *args, **kwargs)

    def shift(self, periods: int = 1, freq: Any = None, axis: Any = 0) -> Any:
        """Return the values moved by so many rows, or the index by so much time."""
        if not isinstance(periods, (int, np.integer)):
            raise TypeError("periods must be an integer")
        if axis in (1, "columns"):
            return self._partwise(pd.DataFrame.shift, periods, axis=1)
        if freq is not None or isinstance(self._meta, pd.Index):
            return _shifted_labels(self, int(periods), freq)
        before, after = (periods, 0) if periods > 0 else (0, -periods)
        return with_rows_around(type(self._meta).shift, self, before, after, periods)

    def diff(self, periods: int = 1, axis: Any = 0) -> Any:
        """Return differences from the row so many rows before."""
        if not isinstance(periods, (int, np.integer)):
            raise TypeError("periods must be an integer")
        if axis in (1, "columns"):
            return self._partwise(pd.DataFrame.diff, periods, axis=1)
        before, after = (periods, 0) if periods > 0 else (0, -periods)
        return with_rows_around(type(self._meta).diff, self, before, after, periods)

    def ffill(self, axis: Any = 0, limit: int | None = None) -> Any:
        """Return the values with the last one before in place of missing ones."""
        if axis in (1, "columns"):
            return self._partwise(pd.DataFrame.ffill, axis=1, limit=limit)
        if limit is not None:
            return with_rows_around(type(self._meta).ffill, self, limit, 0, limit=limit)
        return _carried(self, _FILL)

    def bfill(self, axis: Any = 0, limit: int | None = None) -> Any:
        """Return the values with the next one in place of missing ones."""
        if axis in (1, "columns"):
            return self._partwise(pd.DataFrame.bfill, axis=1, limit=limit)
        if limit is not None:
            return with_rows_around(type(self._meta).bfill, self, 0, limit, limit=limit)
        return _carried(self, _FILL_BACK)

    def cumsum(self, axis: Any = 0, skipna: bool = True, **kwargs: Any) -> Any:
        """Return sums of all rows so far."""
        return self._cumulative("cumsum", axis, skipna)

    def cumprod(self, axis: Any = 0, skipna: bool = True, **kwargs: Any) -> Any:
        """Return products of all rows so far."""
        return self._cumulative("cumprod", axis, skipna)

    def cummax(self, axis: Any = 0, skipna: bool = True, **kwargs: Any) -> Any:
        """Return the greatest values so far."""
        return self._cumulative("cummax", axis, skipna)

    def cummin(self, axis: Any = 0, skipna: bool = True, **kwargs: Any) -> Any:
        """Return the least values so far."""
        return self._cumulative("cummin", axis, skipna)

    def _cumulative(self, name: str, axis: Any, skipna: bool) -> Any:
        if axis in (1, "columns"):
            return self._partwise(getattr(pd.DataFrame, name), axis=1, skipna=skipna)
        return _carried(self, _Cumulative(name, skipna))

    def rolling(
        self,
        window: Any,
        min_periods: int | None = None,
        center: bool = False,
        win_type: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return windows over so many rows, or over so much time.

        Examples
        --------
        >>> import pandas as pd
        >>> from oxidask.dataframe import from_pandas
        >>> s = from_pandas(pd.Series([1.0, 2.0, 3.0, 4.0]), npartitions=2)
        >>> s.rolling(2).sum().compute().tolist()[1:]
        [3.0, 5.0, 7.0]
        """
        return Rolling(self, window, min_periods, center, win_type, kwargs)


def _shifted_labels(collection: Any, periods: int, freq: Any) -> Any:
    """Return the rows with an index of times moved by so many frequencies."""
    meta = collection._meta
    index = meta if isinstance(meta, pd.Index) else meta.index
    kinds = (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)
    if not isinstance(index, kinds):
        raise NotImplementedError(
            f"shift of labels needs an index of times, not {type(index).__name__}"
        )
    is_period = isinstance(index, pd.PeriodIndex)
    if is_period and isinstance(meta, pd.Index):
        if freq is not None:
            raise TypeError("the labels of a PeriodIndex are moved by its own frequency")
        result = collection._partwise(type(index).shift, periods)
    else:
        # Partitions know no frequency: what goes by that of the whole has to be told.
        freq = index.freq if freq is None else freq
        result = collection._partwise(
            (type(index) if isinstance(meta, pd.Index) else type(meta)).shift, periods, freq=freq
        )
    ends = None
    offset = pd.tseries.frequencies.to_offset(index.freq if freq is None else freq)
    fixed = isinstance(offset, (pd.offsets.Tick, pd.offsets.Day))
    if collection.known_divisions and (is_period or (fixed and getattr(index, "tz", None) is None)):
        labels = pd.Index(list(collection.divisions))
        ends = tuple(labels.shift(periods) if is_period else labels.shift(periods, freq=offset))
    return new_collection(result._expr, result._meta, ends or (None,) * (result.npartitions + 1))


class Rolling:
    """Windows over the rows of a collection."""

    def __init__(
        self,
        obj: Any,
        window: Any,
        min_periods: Any,
        center: bool,
        win_type: Any,
        options: dict[str, Any],
    ) -> None:
        if isinstance(window, (int, np.integer)):
            if window < 0:
                raise ValueError("window must be >= 0")
            window = int(window)
            self._before = window // 2 if center else max(window - 1, 0)
            self._after = window - window // 2 - 1 if center else 0
            if center and window:
                self._before, self._after = window // 2, window // 2
        elif isinstance(window, float):
            raise ValueError("window must be an integer")
        else:
            self._before, self._after = pd.Timedelta(window), pd.Timedelta(0)
            if center:
                self._before = self._after = pd.Timedelta(window) / 2
        if min_periods is not None and not isinstance(min_periods, (int, np.integer)):
            raise ValueError("min_periods must be an integer")
        if min_periods is not None and min_periods < 0:
            raise ValueError("min_periods must be >= 0")
        self.obj, self.window, self.min_periods = obj, window, min_periods
        self.center, self.win_type = center, win_type
        self._settings = {
            "window": window,
            "min_periods": min_periods,
            "center": center,
            "win_type": win_type,
            **options,
        }
        # As pandas does: settings that make no sense are refused at once.
        obj._meta.rolling(**self._settings)

    def _run(self, name: str, *args: Any, **kwargs: Any) -> Any:
        before, after = self._before, self._after
        before = str(before) if isinstance(before, pd.Timedelta) else before
        after = str(after) if isinstance(after, pd.Timedelta) else after
        return with_rows_around(
            _rolled, self.obj, before, after, self._settings, name, args, kwargs
        )

    def agg(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Return several aggregates of each window."""
        return self._run("agg", func, *args, **kwargs)

    aggregate = agg

    def apply(
        self,
        func: Any,
        raw: bool = False,
        engine: Any = "cython",
        engine_kwargs: Any = None,
        args: Any = None,
        kwargs: Any = None,
    ) -> Any:
        """Call a function on each window."""
        return self._run(
            "apply",
            func,
            raw=raw,
            engine=engine,
            engine_kwargs=engine_kwargs,
            args=args,
            kwargs=kwargs,
        )

    def __repr__(self) -> str:
        said = ",".join(f"{k}={v}" for k, v in self._settings.items() if v is not None)
        return f"Rolling [{said}]"


def _rolled(
    part: Any, settings: dict[str, Any], name: str, args: Any, kwargs: dict[str, Any]
) -> Any:
    return getattr(part.rolling(**settings), name)(*args, **kwargs)


def _rolling_method(name: str) -> Callable[..., Any]:
    def method(self: Rolling, *args: Any, **kwargs: Any) -> Any:
        return self._run(name, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"As pandas' ``{name}`` of each window."
    return method


for _name in (
    "sum",
    "mean",
    "min",
    "max",
    "count",
    "var",
    "std",
    "median",
    "quantile",
    "skew",
    "kurt",
    "cov",
    "corr",
    "rank",
    "sem",
):
    setattr(Rolling, _name, _rolling_method(_name))


class _Cumulative:
    """A cumulative function with what it carries from partition to partition."""

    back = False

    def __init__(self, name: str, skipna: bool) -> None:
        self.name, self.skipna = name, skipna

    def run(self, rows: Any) -> Any:
        return getattr(rows, self.name)(skipna=self.skipna)

    def last(self, result: Any) -> Any:
        if self.skipna:
            result = result.ffill()
        return result.iloc[-1:]


class _Fill:
    """Filling from neighbours: carries the last value that is there."""

    def __init__(self, back: bool) -> None:
        self.back = back

    def run(self, rows: Any) -> Any:
        return rows.bfill() if self.back else rows.ffill()

    def last(self, result: Any) -> Any:
        return result.iloc[:1] if self.back else result.iloc[-1:]


_FILL, _FILL_BACK = _Fill(False), _Fill(True)


def _carried(df: Any, what: Any) -> Any:
    """Run a function over all rows in order, with a row carried from partition to partition."""
    n = df.npartitions
    meta = make_meta(what.run(df._meta_nonempty))
    alone = python_layer(
        _run_alone, [("literal", what), ("partition", df._expr)], n, name="carry-run"
    )
    last = python_layer(_last, [("literal", what), ("partition", alone)], n, name="carry-last")
    carries = python_layer(_carries, [("literal", what), ("every", last)], 1, name="carries")
    args = [("literal", what), ("index",), ("partition", carries), ("partition", df._expr)]
    expr = python_layer(_with_carry, args, n, name=getattr(what, "name", "fill"))
    return new_collection(expr, meta, df._known_divisions)


def _run_alone(what: Any, part: Any) -> Any:
    return what.run(part)


def _last(what: Any, result: Any) -> Any:
    return what.last(result)


def _carries(what: Any, lasts: list[Any]) -> list[Any]:
    """Return for each partition the row that it is to go on from; None if there is none."""
    order = range(len(lasts) - 1, -1, -1) if what.back else range(len(lasts))
    carries: list[Any] = [None] * len(lasts)
    carry = None
    for at in order:
        carries[at] = carry
        row = lasts[at]
        if not len(row):
            continue
        if carry is not None:
            pair = [row, carry] if what.back else [carry, _numbers_as(carry, row)]
            row = what.last(what.run(pd.concat(pair)))
        carry = row
    return carries


def _with_carry(what: Any, index: tuple[int, ...], carries: list[Any], part: Any) -> Any:
    carry = carries[index[0]]
    if carry is None or not len(part):
        return what.run(part)
    if what.back:
        return what.run(pd.concat([part, carry])).iloc[: len(part)]
    return what.run(pd.concat([carry, _numbers_as(carry, part)])).iloc[1:]


def _numbers_as(carry: Any, part: Any) -> Any:
    """Return rows whose truth values are numbers where they were added up before."""
    if part.ndim == 1:
        return part.astype(carry.dtype) if part.dtype.kind == "b" else part
    places = [at for at, dtype in enumerate(part.dtypes) if dtype.kind == "b"]
    if not places:
        return part
    labels, part = part.columns, part.set_axis(range(part.shape[1]), axis=1)
    return part.astype({at: carry.dtypes.iloc[at] for at in places}).set_axis(labels, axis=1)
