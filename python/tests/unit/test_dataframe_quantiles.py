"""Quantiles and statistics are exact, over any number of partitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal, assert_series_equal  # noqa: E402


@pytest.fixture
def frame() -> Any:
    rng = np.random.default_rng(8)
    return pd.DataFrame(
        {
            "x": np.where(rng.random(50) < 0.2, np.nan, rng.normal(size=50)),
            "i": rng.integers(-5, 5, 50),
            "few": [1.5, *[np.nan] * 49],
        }
    )


@pytest.mark.parametrize("npartitions", [1, 3, 9])
def test_quantiles(frame: Any, npartitions: int) -> None:
    ddf = dd.from_pandas(frame, npartitions=npartitions)
    for q in (0.5, 0.1, 0, 1, [0.25, 0.5, 0.9]):
        for label in frame.columns:
            found, expected = ddf[label].quantile(q).compute(), frame[label].quantile(q)
            if isinstance(q, list):
                assert_series_equal(found, expected)
            else:
                assert found == pytest.approx(expected)
        found, expected = ddf.quantile(q).compute(), frame.quantile(q)
        (assert_frame_equal if isinstance(q, list) else assert_series_equal)(found, expected)
    assert_series_equal(ddf.median().compute(), frame.median())
    assert ddf.i.median().compute() == frame.i.median()
    mixed = ddf.assign(text="a")
    assert_series_equal(mixed.median(numeric_only=True).compute(), frame.median())
    nothing = ddf[ddf.i > 99]
    assert np.isnan(nothing.x.quantile(0.5).compute())


@pytest.mark.parametrize("npartitions", [1, 3, 9])
def test_statistics(frame: Any, npartitions: int) -> None:
    frame = frame[["x", "i", "few"]].assign(text="a", truth=True)
    ddf = dd.from_pandas(frame, npartitions=npartitions)
    for percentiles in (None, [0.1, 0.5]):
        found = ddf.describe(percentiles=percentiles)
        expected = frame.describe(percentiles=percentiles)
        assert list(found.columns) == list(expected.columns)
        assert_frame_equal(found.compute(), expected)
        expected = frame.x.describe(percentiles=percentiles)
        assert_series_equal(ddf.x.describe(percentiles=percentiles).compute(), expected)
    assert_frame_equal(ddf.describe(include="all").compute(), frame.describe(include="all"))
    assert_series_equal(ddf.text.describe().compute(), frame.text.describe())
