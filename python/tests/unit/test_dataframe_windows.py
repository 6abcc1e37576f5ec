"""Windows, shifts and functions with neighbours, however rows lie in partitions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal, assert_series_equal  # noqa: E402

# Partitions smaller than windows, and without rows.
CUTS = [[], [10], [3, 3, 4, 5, 18], [1, 2, 3, 4], [0, 20]]


def parted(frame: Any, cuts: list[int]) -> Any:
    bounds = [0, *cuts, len(frame)]
    parts = [frame.iloc[a:b] for a, b in itertools.pairwise(bounds)]
    return dd.from_map(lambda part: part, parts, meta=frame.iloc[:0])


@pytest.fixture
def frame() -> Any:
    rng = np.random.default_rng(3)
    x = np.where(rng.random(20) < 0.3, np.nan, rng.normal(size=20))
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 60, 20)), unit="m")
    return pd.DataFrame({"x": x, "y": np.arange(20.0)}, index=times)


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("window", [1, 2, 7, "5min", "40min"])
@pytest.mark.parametrize("center", [False, True])
def test_windows_reach_over_several_partitions(
    frame: Any, cuts: list[int], window: Any, center: bool
) -> None:
    rolled = parted(frame, cuts).rolling(window, center=center, min_periods=1)
    expected = frame.rolling(window, center=center, min_periods=1)
    for name in ("sum", "count", "max"):
        assert_frame_equal(getattr(rolled, name)().compute(), getattr(expected, name)())


@pytest.mark.parametrize("cuts", CUTS)
def test_neighbours_are_found_in_several_partitions(frame: Any, cuts: list[int]) -> None:
    ddf = parted(frame, cuts)
    for n in (1, -1, 6, -6, 0):
        assert_frame_equal(ddf.shift(n).compute(), frame.shift(n))
        assert_series_equal(ddf.x.diff(n).compute(), frame.x.diff(n))
    assert_frame_equal(ddf.ffill(limit=2).compute(), frame.ffill(limit=2))
    assert_frame_equal(ddf.bfill(limit=2).compute(), frame.bfill(limit=2))


def test_functions_with_neighbours(frame: Any) -> None:
    ddf = dd.from_pandas(frame, npartitions=3)

    def near(rows: Any, other: Any) -> Any:
        return rows + other.shift(2) + rows.shift(-1)

    expected = near(frame, frame * 2)
    assert_frame_equal(dd.map_overlap(near, ddf, 2, 1, ddf * 2).compute(), expected)
    assert_frame_equal(dd.map_overlap(near, frame, 2, 1, frame * 2).compute(), expected)
    other = dd.from_pandas(frame * 2, npartitions=1)
    assert_frame_equal(dd.map_overlap(near, ddf, 2, 1, other).compute(), expected)
    for before, after in ((9, 0), (0, 9), ("2h", 0), (0, "2h")):
        with pytest.raises(NotImplementedError, match="less than overlapping"):
            ddf.map_overlap(lambda rows: rows, before, after).compute()


def test_one_partition_is_read_by_all() -> None:
    left = dd.from_pandas(pd.DataFrame({"k": range(20)}), npartitions=4)
    right = dd.from_pandas(pd.DataFrame({"k": range(0, 20, 2), "y": range(10)}), npartitions=1)
    result = left.map_partitions(lambda a, b: a.merge(b, on="k"), right, enforce_metadata=False)
    assert result.compute().y.tolist() == list(range(10))
