"""Bins of times are pandas' bins, wherever partitions end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal, assert_series_equal  # noqa: E402


def frame(zone: str | None = None) -> Any:
    rng = np.random.default_rng(5)
    # With gaps of days, and several rows of one time.
    hours = np.sort(np.concatenate([rng.integers(5, 90, 60), rng.integers(300, 400, 40)]))
    times = pd.Timestamp("2024-02-27 03:20", tz=zone) + pd.to_timedelta(hours, unit="h")
    values = np.where(rng.random(100) < 0.2, np.nan, rng.normal(size=100))
    return pd.DataFrame({"x": values, "n": np.arange(100)}, index=times.rename("when"))


RULES = ["7h", "30min", "D", "W", "ME", "MS", "2D", "11min"]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("sides", [{}, {"closed": "right", "label": "right"}, {"closed": "right"}])
@pytest.mark.parametrize("npartitions", [1, 3, 10])
def test_bins_over_partitions(rule: str, sides: dict[str, str], npartitions: int) -> None:
    if rule in ("D", "2D") and sides:
        pytest.skip("pandas 3 leaves out rows of such bins")
    pdf = frame()
    ddf = dd.from_pandas(pdf, npartitions=npartitions)
    for name in ("count", "sum", "mean", "first", "nunique"):
        result = getattr(ddf.resample(rule, **sides), name)()
        expected = getattr(pdf.resample(rule, **sides), name)()
        assert_frame_equal(result.compute(), expected, check_freq=False, check_dtype=False)
        if result.known_divisions:
            assert result.divisions[0] == expected.index[0]
            assert result.divisions[-1] == expected.index[-1]
        else:
            assert rule == "2D"
    expected = pdf.resample(rule, **sides).size()
    assert_series_equal(ddf.resample(rule, **sides).size().compute(), expected, check_freq=False)


def test_bins_of_days_that_have_no_midnight() -> None:
    times = pd.date_range("2016-10-14 05:00", periods=90, freq="h", tz="America/Sao_Paulo")
    pdf = pd.DataFrame({"x": range(90)}, index=times)
    for npartitions in (1, 4):
        ddf = dd.from_pandas(pdf, npartitions=npartitions)
        found = ddf.resample("D").sum().compute()
        assert_frame_equal(found, pdf.resample("D").sum(), check_freq=False)


def test_more_answers_for_bins() -> None:
    pdf = frame("Europe/Vienna")
    ddf = dd.from_pandas(pdf, npartitions=4)
    for what in ("ohlc", "var", "median", "max"):
        expected = getattr(pdf.x.resample("9h"), what)()
        found = getattr(ddf.x.resample("9h"), what)().compute()
        check = assert_frame_equal if what == "ohlc" else assert_series_equal
        check(found, expected, check_freq=False)
    expected = pdf.resample("9h").agg({"x": ["min", "max"], "n": "sum"})
    found = ddf.resample("9h").agg({"x": ["min", "max"], "n": "sum"}).compute()
    assert_frame_equal(found, expected, check_freq=False)
    spread = lambda x: x.max() - x.min()  # noqa: E731
    assert_series_equal(
        ddf.x.resample("D").agg(spread).compute(), pdf.x.resample("D").agg(spread), check_freq=False
    )
    assert_frame_equal(
        ddf.resample("9h").n.sum().to_frame().compute(),
        pdf.resample("9h").n.sum().to_frame(),
        check_freq=False,
    )
    rows = pdf[~pdf.index.duplicated()]
    found = dd.from_pandas(rows, npartitions=3).resample("30min").ffill().compute()
    assert_frame_equal(found, rows.resample("30min").ffill(), check_freq=False)


def test_partitions_without_rows() -> None:
    pdf = frame()
    ddf = dd.from_pandas(pdf, npartitions=6)
    for low, high in ((20, 40), (95, 200), (200, 300)):
        rows = pdf[(pdf.n >= low) & (pdf.n < high)]
        found = ddf[(ddf.n >= low) & (ddf.n < high)].resample("6h").sum().compute()
        if len(rows):
            assert_frame_equal(found, rows.resample("6h").sum(), check_freq=False)
        assert len(found) == len(rows.resample("6h").sum())


def test_bins_need_divisions() -> None:
    with pytest.raises(ValueError, match="known divisions"):
        dd.from_pandas(frame(), npartitions=2).clear_divisions().resample("D")
    with pytest.raises(AttributeError):
        dd.from_pandas(frame(), npartitions=2).resample("D").nothing()
