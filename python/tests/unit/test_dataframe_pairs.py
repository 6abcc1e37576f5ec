"""Correlations, places of extreme values and order: by states and few rows of each partition."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal, assert_series_equal  # noqa: E402

CUTS = [[], [11], [0, 3, 3, 30], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]]


def parted(frame: Any, cuts: list[int]) -> Any:
    bounds = [0, *cuts, len(frame)]
    parts = [frame.iloc[a:b] for a, b in itertools.pairwise(bounds)]
    return dd.from_map(lambda part: part, parts, meta=frame.iloc[:0])


@pytest.fixture
def frame() -> Any:
    rng = np.random.default_rng(6)
    x = rng.normal(size=40)
    return pd.DataFrame(
        {
            "x": x + 1e6,
            "y": np.where(rng.random(40) < 0.4, np.nan, 2 * x + rng.normal(size=40)),
            "i": rng.integers(0, 5, 40),
            "same": 0.1,
            "few": [np.nan] * 37 + [1.0, 2.0, 4.0],
        },
        index=[f"row {i % 30}" for i in range(40)],
    )


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("name", ["corr", "cov"])
def test_pairs_of_columns(frame: Any, cuts: list[int], name: str) -> None:
    ddf = parted(frame, cuts)
    for how in ({}, {"min_periods": 5}, {"min_periods": 100}):
        result = getattr(ddf, name)(**how)
        expected = getattr(frame, name)(**how)
        assert list(result.columns) == list(expected.columns)
        assert_frame_equal(result.compute(), expected, atol=1e-9)
    mixed = ddf.assign(text="a")
    assert_frame_equal(
        getattr(mixed, name)(numeric_only=True).compute(), getattr(frame, name)(), atol=1e-9
    )
    found = getattr(ddf.x, name)(ddf.y).compute()
    assert found == pytest.approx(getattr(frame.x, name)(frame.y), rel=1e-6)
    assert np.isnan(ddf.x.corr(ddf.same).compute())


def test_correlation_with_rows_before(frame: Any) -> None:
    ddf = parted(frame.reset_index(drop=True), [7, 9, 20])
    for lag in (1, 3, -2):
        assert ddf.y.autocorr(lag).compute() == pytest.approx(frame.y.autocorr(lag))


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("name", ["idxmin", "idxmax"])
def test_places_of_extreme_values(frame: Any, cuts: list[int], name: str) -> None:
    ddf = parted(frame, cuts)
    assert_series_equal(getattr(ddf, name)().compute(), getattr(frame, name)())
    for label in frame.columns:
        assert getattr(ddf[label], name)().compute() == getattr(frame[label], name)()
    mixed = ddf.assign(text="a")
    assert_series_equal(getattr(mixed, name)(numeric_only=True).compute(), getattr(frame, name)())
    with pytest.raises(ValueError, match="NA"):
        getattr(ddf.y, name)(skipna=False).compute()
    with pytest.raises(ValueError, match="all NA"):
        getattr(ddf.assign(none=np.nan), name)().compute()


@pytest.mark.parametrize("cuts", CUTS)
def test_whether_values_are_in_order(cuts: list[int]) -> None:
    for values in (
        range(40),
        [1] * 40,
        [*range(20), *range(19, 39)],
        [*range(39), np.nan],
        [*range(11), *range(29)],
        range(40, 0, -1),
    ):
        frame = pd.DataFrame({"x": list(values)}, index=list(values))
        ddf = parted(frame, cuts)
        for name in ("is_monotonic_increasing", "is_monotonic_decreasing"):
            assert bool(getattr(ddf.x, name).compute()) == getattr(frame.x, name)
            assert bool(getattr(ddf.index, name).compute()) == getattr(frame.index, name)
