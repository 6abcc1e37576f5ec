"""Methods of dataframes and series that are used rarely, beside pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal, assert_series_equal  # noqa: E402


@pytest.fixture(params=[1, 3, 7])
def both(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    n = 40
    pdf = pd.DataFrame(
        {"x": rng.integers(0, 5, n), "y": np.where(rng.random(n) < 0.3, np.nan, 1.5), "z": "a"}
    )
    return pdf, dd.from_pandas(pdf, npartitions=request.param)


def test_different_values_of_rows(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    for dropna in (True, False):
        found = ddf.nunique(axis=1, dropna=dropna).compute()
        assert_series_equal(found, pdf.nunique(axis=1, dropna=dropna))


@pytest.mark.parametrize("keep", ["first", "last"])
def test_distinct_rows_over_several_partitions(both: tuple[Any, Any], keep: str) -> None:
    pdf, ddf = both
    found = ddf.drop_duplicates(subset=["x", "y"], keep=keep, split_out=4)
    assert found.npartitions == 4
    expected = pdf.drop_duplicates(subset=["x", "y"], keep=keep)
    assert_frame_equal(found.compute().sort_index(), expected)
    with pytest.raises(KeyError, match="absent"):
        ddf.drop_duplicates(subset=["absent"])
    with pytest.raises(TypeError, match="subset"):
        ddf.x.drop_duplicates(subset=["x"])


def test_replacements_by_conditions(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    found = ddf.x.case_when([(ddf.x.eq(1), 10), (ddf.y.isna(), 2.5)])
    assert_series_equal(found.compute(), pdf.x.case_when([(pdf.x.eq(1), 10), (pdf.y.isna(), 2.5)]))


def test_plus_and_a_value_as_a_row(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    assert_series_equal((+ddf.x).compute(), +pdf.x)
    assert_series_equal(
        ddf.x.sum().to_series("total").compute(), pd.Series([pdf.x.sum()], ["total"])
    )
    assert ddf.index.memory_usage().compute() > 0


def test_arguments_of_the_wrong_kind(both: tuple[Any, Any]) -> None:
    _, ddf = both
    with pytest.raises(TypeError, match="arg must be a Series"):
        dd.to_timedelta("1.0")
    with pytest.raises(TypeError, match="columns"):
        ddf.x.nlargest(3, columns="x")
