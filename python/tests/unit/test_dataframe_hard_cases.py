"""Where dataframes in partitions go wrong easily: at borders, with empty ones, with labels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal, assert_series_equal  # noqa: E402

CUTS = [[], [20], [1, 2, 2, 3, 39], [0, 13, 13, 26, 40]]


def parted(frame: Any, cuts: list[int]) -> Any:
    """Return the table in partitions between `cuts`: some are empty."""
    ends = itertools.pairwise([0, *cuts, len(frame)])
    parts = [dd.from_pandas(frame.iloc[a:b], npartitions=1, sort=False) for a, b in ends]
    return dd.concat([part.clear_divisions() for part in parts])


@pytest.fixture
def frame() -> Any:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "k": rng.integers(0, 4, 40),
            "x": np.where(rng.random(40) < 0.1, np.nan, rng.gamma(2.0, size=40)),
            "y": rng.integers(-9, 9, 40),
            "b": rng.random(40) < 0.5,
            "c": pd.Categorical(rng.choice(["p", "q"], 40), categories=["q", "never", "p"]),
        }
    )


#: Labels that count all rows need the number of rows before each partition.
counted_by_partition = pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="rows are counted from 0 in each partition"
)


@pytest.mark.parametrize("cuts", CUTS)
def test_windows_over_groups_reach_over_partitions(frame: Any, cuts: list[int]) -> None:
    result = parted(frame, cuts).groupby("k").x.rolling(2).mean().compute()
    expected = frame.groupby("k").x.rolling(2).mean()
    assert_series_equal(result.sort_index(), expected.sort_index())


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("q", [0.5, 0.1, [0.25, 0.5, 1.0]])
def test_quantiles_are_exact(frame: Any, cuts: list[int], q: Any) -> None:
    lazy = parted(frame, cuts)
    result, expected = lazy.x.quantile(q).compute(), frame.x.quantile(q)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    expected = frame[["x", "y"]].quantile(q)
    np.testing.assert_allclose(lazy[["x", "y"]].quantile(q).compute(), expected, rtol=1e-12)


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("name", ["skew", "kurt", "kurtosis"])
def test_shapes_of_distributions_are_unbiased_as_with_pandas(
    frame: Any, cuts: list[int], name: str
) -> None:
    lazy = parted(frame, cuts)
    assert getattr(lazy.x, name)().compute() == pytest.approx(getattr(frame.x, name)())
    result = getattr(lazy[["x", "y"]], name)().compute()
    assert_series_equal(result, getattr(frame[["x", "y"]], name)())


@counted_by_partition
@pytest.mark.parametrize("cuts", CUTS[1:])
def test_counted_labels_go_on_over_partitions(frame: Any, cuts: list[int]) -> None:
    frame = frame.set_index(frame.index[::-1] * 2)
    lazy = parted(frame, cuts)
    assert_frame_equal(lazy.reset_index().compute(), frame.reset_index())
    assert_frame_equal(lazy.reset_index(drop=True).compute(), frame.reset_index(drop=True))
    assert_series_equal(lazy.x.reset_index(drop=True).compute(), frame.x.reset_index(drop=True))


@counted_by_partition
@pytest.mark.parametrize("cuts", CUTS[1:])
def test_rows_that_were_columns_are_counted(frame: Any, cuts: list[int]) -> None:
    how: dict[str, Any] = {"id_vars": ["k"], "value_vars": ["x", "y"]}
    result = parted(frame, cuts).melt(**how).compute()
    assert result.index.tolist() == list(range(80))
    expected = frame.melt(**how)
    by = ["variable", "k", "value"]
    assert_frame_equal(
        result.sort_values(by, ignore_index=True), expected.sort_values(by, ignore_index=True)
    )


@pytest.mark.parametrize("cuts", CUTS)
def test_truth_values_are_added_up_as_numbers(frame: Any, cuts: list[int]) -> None:
    lazy = parted(frame, cuts)
    for name in ("cumsum", "cumprod", "cummax"):
        assert_series_equal(getattr(lazy.b, name)().compute(), getattr(frame.b, name)())
    some = ["b", "x"]
    assert_frame_equal(lazy[some].cumsum().compute(), frame[some].cumsum())


@pytest.mark.parametrize("cuts", CUTS)
def test_categories_outlive_partitions(frame: Any, cuts: list[int]) -> None:
    lazy = parted(frame, cuts)
    assert list(lazy.c.cat.categories) == ["q", "never", "p"]
    assert_series_equal(lazy.c.mode().compute(), frame.c.mode())


def test_text_of_columns_side_by_side() -> None:
    frame = pd.DataFrame({"a": ["x", None, "z"], "b": ["1", "2", "3"]})
    lazy = dd.from_pandas(frame, npartitions=2)
    assert_series_equal(lazy.a.str.cat(lazy.b).compute(), frame.a.str.cat(frame.b))
    how = {"sep": "-", "na_rep": "?"}
    result = lazy.a.str.cat([lazy.b, lazy.a], **how).compute()
    assert_series_equal(result, frame.a.str.cat([frame.b, frame.a], **how))
    with pytest.raises(NotImplementedError, match="compute"):
        lazy.a.str.cat(sep=",")
    with pytest.raises(TypeError, match="others"):
        lazy.a.str.cat(5)


@pytest.mark.parametrize("cuts", CUTS)
def test_extremes_with_missing_values_ignore_empty_partitions(frame: Any, cuts: list[int]) -> None:
    lazy = parted(frame, cuts)
    assert lazy.y.max(skipna=False).compute() == frame.y.max()
    assert np.isnan(lazy.x.min(skipna=False).compute())


@pytest.mark.parametrize("cuts", CUTS)
def test_categories_are_chosen_and_stacked(frame: Any, cuts: list[int]) -> None:
    lazy = parted(frame, cuts)
    assert_series_equal(lazy.c.where(lazy.b).compute(), frame.c.where(frame.b))
    assert_series_equal(lazy.c.mask(lazy.b).compute(), frame.c.mask(frame.b))
    result = dd.concat([lazy[["y", "c"]], lazy[["y"]]]).compute()
    assert_frame_equal(
        result.astype({"c": object}),
        pd.concat([frame[["y", "c"]], frame[["y"]]]).astype({"c": object}),
    )


@pytest.mark.parametrize("cuts", CUTS)
def test_categories_are_kept_where_no_row_is(frame: Any, cuts: list[int]) -> None:
    lazy = parted(frame, cuts)
    assert_frame_equal(lazy[lazy.y > 99].compute(), frame[frame.y > 99])


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("how", ["left", "right", "outer"])
def test_keys_may_be_categories_on_both_sides(frame: Any, cuts: list[int], how: str) -> None:
    others = pd.DataFrame({"c": frame.c.iloc[:1], "z": [1.5]})
    rows = frame[frame.c != others.c.iloc[0]][["c", "k"]]
    lazy = parted(rows, [min(cut, len(rows)) for cut in cuts])
    result = lazy.merge(dd.from_pandas(others, npartitions=1), on="c", how=how).compute()
    expected = rows.merge(others, on="c", how=how)
    assert result.c.dtype == expected.c.dtype
    by = ["c", "k", "z"]
    assert_frame_equal(
        result.sort_values(by, ignore_index=True),
        expected.sort_values(by, ignore_index=True),
        check_dtype=False,
    )
