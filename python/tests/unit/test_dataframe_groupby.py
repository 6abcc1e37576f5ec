"""Whole groups: shuffled by their keys, carried from partition to partition, or by trees."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal, assert_series_equal  # noqa: E402


def same(result: Any, expected: Any, ordered: bool = True, **options: Any) -> None:
    meta = result._meta
    result = result.compute()
    assert type(meta) is type(expected)
    if not ordered:
        result, expected = (x.sort_index(kind="stable") for x in (result, expected))
    if isinstance(expected, pd.DataFrame):
        assert list(meta.columns) == list(expected.columns)
        assert_frame_equal(result, expected, **options)
    else:
        assert meta.name == expected.name
        assert_series_equal(result, expected, **options)


@pytest.fixture
def frame() -> Any:
    rng = np.random.default_rng(1)
    n = 80
    return pd.DataFrame(
        {
            "k": rng.integers(0, 6, n),
            "s": pd.Series(rng.choice(["a", "bb", "ccc"], n)).where(rng.random(n) > 0.1),
            "x": rng.normal(size=n),
            "p": np.arange(n),
            "y": np.where(rng.random(n) < 0.3, np.nan, rng.integers(0, 5, n)),
            "c": pd.Categorical(rng.choice(["p", "q"], n), categories=["p", "q", "never"]),
            "o": [(int(i),) for i in rng.integers(0, 3, n)],
        },
        index=pd.Index(np.arange(n), name="row"),
    )


@pytest.fixture(params=[1, 2, 5])
def both(request: pytest.FixtureRequest, frame: Any) -> tuple[Any, Any]:
    return frame, dd.from_pandas(frame, npartitions=request.param)


@pytest.fixture(params=["native", "objects", "empty partitions"])
def kinds(request: pytest.FixtureRequest, frame: Any) -> tuple[Any, Any]:
    if request.param == "native":
        frame = frame.drop(columns="o")
    ddf = dd.from_pandas(frame, npartitions=4)
    if request.param == "empty partitions":
        frame, ddf = frame[frame.p > 50], ddf[ddf.p > 50]
    return frame, ddf


KEYS: list[Any] = [
    lambda d: "k",
    lambda d: ["k", "s"],
    lambda d: d.k % 2,
    lambda d: [d.s, "k"],
    lambda d: lambda row: row // 7,
    lambda d: "row",
]


@pytest.mark.parametrize("key", KEYS)
def test_functions_of_users_see_whole_groups(kinds: tuple[Any, Any], key: Any) -> None:
    pdf, ddf = kinds
    pgroups, dgroups = pdf.groupby(key(pdf))[["x", "y"]], ddf.groupby(key(ddf))[["x", "y"]]
    spread = lambda part: part.max() - part.min()  # noqa: E731
    expected = pgroups.apply(spread)
    same(dgroups.apply(spread, meta=expected), expected, ordered=False)
    centred = lambda part: part - part.mean()  # noqa: E731
    expected = pgroups.transform(centred)
    same(dgroups.transform(centred, meta=expected), expected, ordered=False)
    expected = pdf.groupby(key(pdf)).x.apply(np.ptp)
    same(ddf.groupby(key(ddf)).x.apply(np.ptp, meta=expected), expected, ordered=False)


def test_what_is_guessed_is_said(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    with pytest.warns(UserWarning, match="`meta` is not specified"):
        result = ddf.groupby("k").x.apply(lambda x: x.sum())
    same(result, pdf.groupby("k").x.apply(lambda x: x.sum()), ordered=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="keyword `meta`"):
            ddf.groupby("k").apply(lambda part: part.nothing)


def test_a_single_group_gives_a_series_where_one_is_expected(frame: Any) -> None:
    frame = frame[["k", "x"]].assign(k=1)
    ddf = dd.from_pandas(frame, npartitions=3)
    result = ddf.groupby("k").apply(lambda part: part.x, meta=("x", "f8")).compute()
    assert isinstance(result, pd.Series)
    assert result.to_numpy().tolist() == frame.x.tolist()


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", ["median", "nunique", "quantile", "idxmin", "sem", "skew"])
def test_answers_of_whole_groups_are_in_the_order_of_keys(
    kinds: tuple[Any, Any], name: str, key: Any
) -> None:
    pdf, ddf = kinds
    if name == "idxmin":
        pdf, ddf = (d.assign(y=d.x) for d in kinds)
    columns = ["x", "y"]
    expected = getattr(pdf.groupby(key(pdf))[columns], name)()
    same(getattr(ddf.groupby(key(ddf))[columns], name)(), expected)
    expected = getattr(pdf.groupby(key(pdf)).x, name)()
    same(getattr(ddf.groupby(key(ddf)).x, name)(), expected)


def test_missing_keys_are_a_group_where_asked(both: tuple[Any, Any]) -> None:
    pgroups, dgroups = (d.groupby("s", dropna=False) for d in both)
    same(dgroups.x.median(), pgroups.x.median())
    same(dgroups.x.cumsum(), pgroups.x.cumsum())
    same(dgroups.cumcount(), pgroups.cumcount())
    same(dgroups.x.head(2), pgroups.x.head(2))
    expected = pgroups.x.apply(np.ptp)
    same(dgroups.x.apply(np.ptp, meta=expected), expected, ordered=False)


def test_medians_in_several_partitions(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    result = ddf.groupby("k").x.median(split_out=3)
    assert result.npartitions == 3
    same(result, pdf.groupby("k").x.median(), ordered=False)
    with pytest.raises(ValueError, match="split_every"):
        ddf.groupby("k").agg("median", split_every=1)


def test_categories_that_no_row_has(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    for name in ("median", "nunique", "sum"):
        expected = getattr(pdf.groupby("c", observed=False).x, name)()
        same(getattr(ddf.groupby("c", observed=False).x, name)(), expected)
    same(ddf.groupby("c").x.median(), pdf.groupby("c", observed=True).x.median())


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummin", "cummax", "cumcount"])
@pytest.mark.parametrize("key", KEYS)
def test_cumulative_functions_leave_rows_where_they_are(
    kinds: tuple[Any, Any], name: str, key: Any
) -> None:
    pdf, ddf = kinds
    result = getattr(ddf.groupby(key(ddf))[["y", "x"]], name)()
    assert result.npartitions == ddf.npartitions
    same(result, getattr(pdf.groupby(key(pdf))[["y", "x"]], name)())
    same(getattr(ddf.groupby(key(ddf)).x, name)(), getattr(pdf.groupby(key(pdf)).x, name)())


def test_cumulative_functions_of_a_group_fit_beside_the_rows(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    same(
        ddf.assign(total=ddf.groupby("k").y.cumsum()), pdf.assign(total=pdf.groupby("k").y.cumsum())
    )
    truth = ddf.assign(b=ddf.x > 0).groupby("k").b.cumsum()
    same(truth, pdf.assign(b=pdf.x > 0).groupby("k").b.cumsum())


@pytest.mark.parametrize("key", KEYS)
def test_rows_of_groups(kinds: tuple[Any, Any], key: Any) -> None:
    pdf, ddf = kinds
    for n in (0, 1, 3):
        same(ddf.groupby(key(ddf)).head(n), pdf.groupby(key(pdf)).head(n))
        same(ddf.groupby(key(ddf)).x.tail(n), pdf.groupby(key(pdf)).x.tail(n))
    same(ddf.groupby(key(ddf)).x.nth(1), pdf.groupby(key(pdf)).x.nth(1), ordered=False)


def test_all_but_the_first_rows_of_groups(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    same(ddf.groupby("k").tail(-2), pdf.groupby("k").tail(-2))


@pytest.mark.parametrize("key", KEYS)
def test_neighbours_within_groups(kinds: tuple[Any, Any], key: Any) -> None:
    pdf, ddf = kinds
    pgroups, dgroups = pdf.groupby(key(pdf))[["y", "x"]], ddf.groupby(key(ddf))[["y", "x"]]
    meta = pgroups.shift()
    same(dgroups.shift(meta=meta), meta, ordered=False)
    same(dgroups.shift(-2, meta=meta), pgroups.shift(-2), ordered=False)
    same(dgroups.shift(1, fill_value=0.5, meta=meta), pgroups.shift(1, fill_value=0.5), False)
    same(dgroups.ffill(), pgroups.ffill(), ordered=False)
    same(dgroups.bfill(limit=1), pgroups.bfill(limit=1), ordered=False)
    same(dgroups.diff(), pgroups.diff(), ordered=False)
    same(dgroups.rank(), pgroups.rank(), ordered=False)


def test_one_group(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    same(ddf.groupby("k").get_group(3), pdf.groupby("k").get_group(3))
    same(ddf.groupby("k").x.get_group(3), pdf.groupby("k").x.get_group(3))
    same(ddf.groupby(["k", "s"]).get_group((1, "a")), pdf.groupby(["k", "s"]).get_group((1, "a")))
    assert len(ddf.groupby("k").get_group(99).compute()) == 0


def test_windows_over_groups(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    expected = pdf.groupby("k")[["x"]].rolling(3, min_periods=1).sum()
    same(ddf.groupby("k")[["x"]].rolling(3, min_periods=1).sum(), expected, ordered=False)
    times = pd.date_range("2024-01-01", periods=len(pdf), freq="h")
    pdf = pdf.set_index(times)
    ddf = dd.from_pandas(pdf, npartitions=ddf.npartitions)
    expected = pdf.groupby("k").x.rolling("5h").mean()
    same(ddf.groupby("k").x.rolling("5h").mean(), expected, ordered=False)
    by_day = ddf.groupby(ddf.index.dt.date).x.count().compute()
    assert by_day.to_dict() == pdf.groupby(pdf.index.date).x.count().to_dict()


def test_aggregates_of_users(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    mean = dd.Aggregation(
        "mean_of_users",
        lambda s: (s.count(), s.sum()),
        lambda n, total: (n.sum(), total.sum()),
        lambda n, total: total / n,
    )
    largest = dd.Aggregation("largest", lambda s: s.max(), lambda s: s.max())
    groups = pdf.groupby("k")
    same(ddf.groupby("k").x.agg(mean), groups.x.mean())
    result = ddf.groupby("k").agg({"x": mean, "y": largest})
    same(result, groups.agg({"x": "mean", "y": "max"}))
    result = ddf.groupby(["k", ddf.s]).agg({"x": [mean, "median"]}).compute()
    expected = pdf.groupby(["k", "s"]).x.agg(["mean", "median"])
    assert result.columns.tolist() == [("x", "mean_of_users"), ("x", "median")]
    np.testing.assert_allclose(result.to_numpy(), expected.to_numpy())
    with pytest.raises(ValueError, match="are called"):
        ddf.groupby("k").agg({"x": [mean, mean]})


def test_aggregates_by_name_and_function(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    for what in (["median", "sum"], {"x": ["nunique", np.ptp], "y": "max"}):
        same(ddf.groupby("k")[["x", "y"]].agg(what), pdf.groupby("k")[["x", "y"]].agg(what))
    named = {"low": pd.NamedAgg("x", "min"), "range": ("y", np.ptp)}
    same(ddf.groupby("k").agg(**named), pdf.groupby("k").agg(**named))
    same(ddf.groupby("k").x.agg(a="min", b=np.ptp), pdf.groupby("k").x.agg(a="min", b=np.ptp))
    same(ddf.groupby("k").s.value_counts(), pdf.groupby("k").s.value_counts(), ordered=False)
    assert {k: sorted(v) for k, v in ddf.groupby("k").y.unique().compute().dropna().items()}


def test_groups_refuse_what_they_are_not(frame: Any) -> None:
    ddf = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(ValueError, match="No group keys"):
        ddf.groupby([])
    with pytest.raises(KeyError, match="Column not found: nothing"):
        ddf.groupby("k")["nothing"]
    with pytest.raises(NotImplementedError, match="get_group"):
        ddf.groupby("k").compute()
    with pytest.raises(NotImplementedError, match="DataFrames columns"):
        ddf.groupby(dd.from_pandas(frame, npartitions=4).k)
