"""Dataframes give pandas' answers, over any number of partitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask  # noqa: E402
import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal  # noqa: E402


def same(result: Any, expected: Any, ordered: bool = True, **options: Any) -> None:
    if hasattr(result, "compute"):
        result = result.compute()
    if not ordered:
        result, expected = (x.sort_index(kind="stable") for x in (result, expected))
    if isinstance(expected, pd.DataFrame):
        assert_frame_equal(result, expected, **options)
    elif isinstance(expected, pd.Series):
        assert_series_equal(result, expected, **options)
    elif isinstance(expected, pd.Index):
        assert_index_equal(result, expected, **options)
    else:
        assert (pd.isna(result) and pd.isna(expected)) or result == pytest.approx(expected)


@pytest.fixture
def frame() -> Any:
    rng = np.random.default_rng(0)
    n = 100
    return pd.DataFrame(
        {
            "i": rng.integers(-50, 50, n),
            "f": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "s": pd.Series(rng.choice(["a", "bb", "a longer text than twelve"], n)).where(
                rng.random(n) > 0.1
            ),
            "b": rng.random(n) < 0.5,
            "t": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**6, n), unit="s"),
            "c": pd.Categorical(rng.choice(["x", "y", None], n)),
            "n": pd.array(
                np.where(rng.random(n) < 0.2, None, rng.integers(0, 9, n)), dtype="Int64"
            ),
        }
    )


@pytest.fixture(params=[1, 3, 7])
def both(request: pytest.FixtureRequest, frame: Any) -> tuple[Any, Any]:
    return frame, dd.from_pandas(frame, npartitions=request.param)


def test_a_frame_comes_back_as_it_was(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    same(ddf, pdf)
    assert ddf._expr.is_native
    same(ddf.index, pdf.index)
    same(ddf._meta, pdf.iloc[:0])
    assert len(ddf) == len(pdf)
    assert oxidask.is_dask_collection(ddf)


def test_labels_that_are_no_native_ones_stay_with_pandas() -> None:
    pdf = pd.DataFrame({1.5: [1, 2, 3], "o": [(1,), {}, None]}, index=["b", "a", "c"])
    ddf = dd.from_pandas(pdf, npartitions=2)
    assert not ddf._expr.is_native
    same(ddf, pdf.sort_index())
    same(ddf[1.5].sum(), 6)


@pytest.mark.parametrize(
    "expression",
    [
        lambda d: d.i + 1,
        lambda d: 2 * d.f - d.i,
        lambda d: d.i / d.n,
        lambda d: -d.i,
        lambda d: d.i // 3,
        lambda d: d.i % 7 == 2,
        lambda d: (d.f > 0) & ~d.b,
        lambda d: d.s == "a",
        lambda d: d.t > pd.Timestamp("2024-01-05"),
        lambda d: d.t - pd.Timedelta("1D"),
        lambda d: d.f.isna(),
        lambda d: d[["f", "s"]].notna(),
        lambda d: d.f.fillna(0),
        lambda d: d.i.astype("float32"),
        lambda d: d.s.str.upper(),
        lambda d: d.t.dt.hour,
        lambda d: d.c.cat.codes,
        lambda d: d.i.isin([1, 2, 3]),
        lambda d: d.f.clip(-1, 1).round(2),
        lambda d: d[d.i > 0],
        lambda d: d[d.f > 0][["s", "i"]],
        lambda d: d.assign(z=d.i + d.f, i=d.f),
        lambda d: d.rename(columns={"i": "j"}),
        lambda d: d.drop(columns=["f", "b"]),
        lambda d: d.dropna(),
        lambda d: d.i.where(d.b, -1),
        lambda d: d[["i", "f"]].sum(axis=1),
        lambda d: d.i.map({1: 2.0}),
        lambda d: np.exp(d.f),
        lambda d: d.query("i > 3 and f < 1"),
        lambda d: d.loc[10:30],
        lambda d: d.loc[10:30, "f"],
        lambda d: d.i.to_frame("z"),
        lambda d: d.nlargest(5, "f"),
    ],
)
def test_what_goes_row_by_row(both: tuple[Any, Any], expression: Any) -> None:
    pdf, ddf = both
    same(expression(ddf), expression(pdf))


@pytest.mark.parametrize(
    "name", ["sum", "mean", "min", "max", "count", "var", "std", "prod", "skew"]
)
@pytest.mark.parametrize("column", ["i", "f", "n", "b"])
def test_reductions(both: tuple[Any, Any], name: str, column: str) -> None:
    if column == "b" and name in ("var", "std", "skew"):
        pytest.skip("no such reduction of truth values")
    pdf, ddf = both
    same(getattr(ddf[column], name)(), getattr(pdf[column], name)())


def test_reductions_of_frames(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    for name in ("sum", "mean", "std", "min", "max", "count"):
        same(getattr(ddf[["i", "f"]], name)(), getattr(pdf[["i", "f"]], name)())
    same(ddf.count(), pdf.count())
    same(ddf.s.nunique(), pdf.s.nunique())
    same(ddf.s.min(), pdf.s.dropna().min())
    same((ddf.i.sum() + 1) / 2, (pdf.i.sum() + 1) / 2)


@pytest.mark.parametrize("keys", ["s", "i", ["s", "b"], "c", "n"])
@pytest.mark.parametrize(
    "name", ["sum", "mean", "count", "min", "max", "first", "last", "var", "size"]
)
def test_groups(both: tuple[Any, Any], keys: Any, name: str) -> None:
    pdf, ddf = both
    left = getattr(
        ddf.groupby(keys)[["f", "t"]] if name in ("min", "first") else ddf.groupby(keys).f, name
    )()
    right = getattr(
        pdf.groupby(keys)[["f", "t"]] if name in ("min", "first") else pdf.groupby(keys).f, name
    )()
    same(left, right)


def test_groups_by_several_aggregates(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    for what in ("sum", ["sum", "mean"], {"f": "max", "i": ["min", "count"]}):
        same(ddf.groupby("s")[["f", "i"]].agg(what), pdf.groupby("s")[["f", "i"]].agg(what))
    same(
        ddf.groupby("s").agg(low=("f", "min"), n=("i", "size")),
        pdf.groupby("s").agg(low=("f", "min"), n=("i", "size")),
    )
    same(ddf.groupby(ddf.i > 0).f.mean(), pdf.groupby(pdf.i > 0).f.mean())
    same(ddf.groupby("s", dropna=False).f.sum(), pdf.groupby("s", dropna=False).f.sum())
    same(ddf.groupby("i").f.sum(split_out=3), pdf.groupby("i").f.sum(), ordered=False)
    same(ddf.groupby("s").f.median(), pdf.groupby("s").f.median())


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
def test_joins(both: tuple[Any, Any], how: str) -> None:
    pdf, ddf = both
    other = pd.DataFrame({"i": [1, 2, 3, 3, 99], "w": list("abcde"), "f": 1.5})
    for n in (1, 2):
        left = (
            ddf[["i", "f", "s"]]
            .merge(dd.from_pandas(other, npartitions=n), on="i", how=how)
            .compute()
        )
        right = pdf[["i", "f", "s"]].merge(other, on="i", how=how)
        order = ["i", "w", "f_x", "s"]
        same(
            left.sort_values(order, ignore_index=True), right.sort_values(order, ignore_index=True)
        )
    assert len(left)


def test_order(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    for by, ascending in (("i", True), (["s", "f"], [False, True]), ("f", False)):
        same(
            ddf.sort_values(by, ascending=ascending),
            pdf.sort_values(by, ascending=ascending, kind="stable"),
        )
    indexed = ddf.set_index("t")
    same(indexed, pdf.set_index("t").sort_index(kind="stable"))
    assert indexed.known_divisions
    same(
        indexed.loc["2024-01-03":"2024-01-05"].f.sum(),
        pdf.set_index("t").sort_index().loc["2024-01-03":"2024-01-05"].f.sum(),
    )


def test_rows_that_recur(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    same(ddf[["s", "b"]].drop_duplicates(), pdf[["s", "b"]].drop_duplicates())
    same(ddf.drop_duplicates("i", keep="last"), pdf.drop_duplicates("i", keep="last"))
    assert set(ddf.s.unique().compute().dropna()) == set(pdf.s.dropna().unique())
    same(ddf.s.value_counts(), pdf.s.value_counts(), ordered=False)


def test_partitions(both: tuple[Any, Any]) -> None:
    pdf, ddf = both
    same(ddf.head(3), pdf.head(3))
    same(ddf.tail(3), pdf.tail(3))
    same(ddf.repartition(npartitions=2), pdf)
    same(ddf.repartition(npartitions=9), pdf)
    same(ddf.repartition(divisions=[0, 50, 99]), pdf)
    same(dd.concat([ddf, ddf[ddf.i > 0]]), pd.concat([pdf, pdf[pdf.i > 0]]))
    same(ddf.map_partitions(lambda part: part[["i"]] * 2), pdf[["i"]] * 2)
    same(dd.from_delayed(ddf.to_delayed()), pdf)
    same(ddf.persist(), pdf)
    same(ddf.persist().groupby("s").f.sum(), pdf.groupby("s").f.sum())
    assert oxidask.compute(ddf.i.sum(), ddf.i.max()) == (pdf.i.sum(), pdf.i.max())


def test_errors_name_what_is_wrong(both: tuple[Any, Any]) -> None:
    _, ddf = both
    with pytest.raises(KeyError, match="nothing"):
        ddf["nothing"]
    with pytest.raises(KeyError, match="nothing"):
        ddf.groupby("nothing")
    with pytest.raises(AttributeError, match="nothing"):
        ddf.nothing  # noqa: B018
    with pytest.raises(ValueError, match="how"):
        ddf.merge(ddf, how="sideways")
    with pytest.raises(TypeError, match="pandas"):
        dd.from_pandas([1, 2])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(ddf)


def test_frames_run_on_a_cluster(frame: Any) -> None:
    from oxidask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        ddf = dd.from_pandas(frame, npartitions=4)
        same(ddf[ddf.i > 0].groupby("s").f.mean(), frame[frame.i > 0].groupby("s").f.mean())
        same(ddf.sort_values("i"), frame.sort_values("i", kind="stable"))
        same(ddf.merge(ddf[["i"]].drop_duplicates(), on="i").f.sum(), frame.f.sum())
