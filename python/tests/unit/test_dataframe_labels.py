"""Labels, categories, frequencies and divisions: what rows are called, and what is known of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.array as da  # noqa: E402
import oxidask.dataframe as dd  # noqa: E402
from oxidask.dataframe.utils import assert_eq  # noqa: E402

PARTITIONS = pytest.mark.parametrize("n", [1, 2, 5])


@pytest.fixture
def pdf() -> Any:
    n = 12
    return pd.DataFrame(
        {
            "a": np.arange(n) % 5,
            "f": np.where(np.arange(n) % 4 == 0, np.nan, np.arange(n) / 2),
            "s": list("xyzx" * 3),
            "c": pd.Categorical(list("uvwu" * 3), categories=list("uvwq")),
        },
        index=list("abcdefghijkl"),
    )


@PARTITIONS
def test_categories_stay_known_through_native_steps(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    for step in (
        lambda d: d.c,
        lambda d: d[d.a > 1].c,
        lambda d: d[["c"]].c,
        lambda d: d.assign(z=d.a).c,
        lambda d: d.rename(columns={"c": "k"}).k,
        lambda d: d.reset_index().c,
        lambda d: d.drop_duplicates().c,
    ):
        assert step(df).cat.known
        assert step(df).cat.categories.tolist() == step(pdf).cat.categories.tolist()
        assert_eq(step(df), step(pdf), check_index=False)
    assert df.assign(c=df.a).c.dtype == "int64"


@PARTITIONS
def test_categories_that_only_the_values_tell_are_unknown(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n).astype({"s": "category"})
    assert not df.s.cat.known
    assert df.c.cat.known
    for name in ("categories", "codes"):
        with pytest.raises(NotImplementedError, match="unknown categories"):
            getattr(df.s.cat, name)
    known = df.categorize()
    assert known.s.cat.categories.tolist() == ["x", "y", "z"]
    assert known.index.cat.known
    assert_eq(known.s, pdf.s.astype("category"), check_index=False)
    assert known.categorize() is known
    for bad in (1, "many"):
        with pytest.raises(ValueError, match="split_every"):
            df.categorize(split_every=bad)
    unused = df.c.cat.remove_unused_categories()
    assert unused.cat.categories.tolist() == ["u", "v", "w"]


@PARTITIONS
def test_frequencies_come_back(n: int) -> None:
    index = pd.date_range("2024-01-01", periods=20, freq="6h")
    pdf = pd.DataFrame({"x": np.arange(20)}, index=index)
    df = dd.from_pandas(pdf, npartitions=n)
    assert df.compute().index.freq == index.freq
    assert (df.x + 1).compute().index.freq == index.freq
    assert df.index.to_series().compute().index.freq == index.freq
    assert df[df.x % 2 == 0].compute().index.freq is None


@PARTITIONS
@pytest.mark.parametrize("freq", ["D", "B", "h"])
def test_labels_move_by_frequencies(n: int, freq: str) -> None:
    index = pd.date_range("2024-01-01", periods=20, freq=freq)
    pdf = pd.DataFrame({"x": np.arange(20)}, index=index)
    df = dd.from_pandas(pdf, npartitions=n)
    for by in ("s", "D", "W"):
        assert_eq(df.shift(2, freq=by), pdf.shift(2, freq=by))
        assert_eq(df.index.shift(-1, freq=by), pdf.index.shift(-1, freq=by))
        assert df.shift(2, freq=by).known_divisions == (by != "W")
    assert_eq(df.index.shift(1), index.shift(1))
    assert df.index.shift(1).known_divisions == (freq != "B")
    with pytest.raises(NotImplementedError, match="index of times"):
        df.reset_index().shift(1, freq="D")


@PARTITIONS
def test_indexes_have_what_pandas_indexes_have(n: int) -> None:
    index = pd.date_range("2024-01-30", periods=12, freq="D", name="day")
    df = dd.from_pandas(pd.DataFrame({"x": range(12)}, index=index), npartitions=n)
    assert "month" in dir(df.index)
    assert_eq(df.index.month, pd.Index(index.month, name="day"))
    assert_eq(df.index.month.max(), 2)
    with pytest.raises(AttributeError, match="'Index' object has no attribute 'sum'"):
        df.index.sum()
    assert not hasattr(df.index, "categories")
    assert not hasattr(df.x, "str")
    assert "str" not in dir(df.x)
    # Other labels: nobody knows how they lie.
    numbers = dd.from_pandas(pd.Series(range(12)), npartitions=n)
    assert not (numbers.index * -1).known_divisions
    assert not numbers.rename(lambda x: -x).known_divisions
    assert numbers.index.map(lambda x: x * 2, meta=numbers.index._meta, is_monotonic=True).divisions


@PARTITIONS
def test_labels_are_renamed_by_functions_dicts_and_series(n: int) -> None:
    s = pd.Series(np.arange(8.0), name="x")
    ds = dd.from_pandas(s, npartitions=n)
    assert_eq(ds.rename(lambda x: x**2, sorted_index=True), s.rename(lambda x: x**2))
    assert ds.rename(lambda x: x**2, sorted_index=True).known_divisions
    assert_eq(ds.rename({0: 100}), s.rename({0: 100}))
    assert_eq(ds.rename(ds), s.rename(s))
    with pytest.raises(ValueError, match="non-monotonic"):
        ds.rename(lambda x: -x, sorted_index=True)
    frame = s.to_frame()
    assert_eq(dd.from_pandas(frame, n).rename(index=lambda x: -x), frame.rename(index=lambda x: -x))


@PARTITIONS
def test_rows_are_found_by_label(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    assert df.loc["c"].divisions == ("c", "c")
    assert_eq(df.loc["c"], pdf.loc[["c"]])
    wanted = ["l", "b", "b", "a"]
    assert_eq(df.loc[wanted], pdf.loc[wanted])
    assert_eq(df.loc[[]], pdf.loc[[]])
    assert_eq(df.loc[(df.a > 2).values], pdf.loc[(pdf.a > 2).values])
    assert_eq(df.a[["a", "k"]], pdf.a[["a", "k"]])
    with pytest.raises(KeyError):
        df.loc["zz"]
    with pytest.raises(KeyError, match="non-boolean"):
        df.loc[df.a]
    with pytest.raises(KeyError, match="unknown division"):
        df.clear_divisions().loc[["a"]]
    with pytest.raises(NotImplementedError, match="position"):
        df[1:3]


@PARTITIONS
@pytest.mark.parametrize("kind", ["times", "zoned", "periods"])
def test_part_of_a_time_stands_for_all_times_within(n: int, kind: str) -> None:
    index = pd.date_range(
        "2024-01-01", periods=100, freq="7h", tz="UTC" if kind == "zoned" else None
    )
    if kind == "periods":
        index = pd.period_range("2024-01-01", periods=100, freq="h")
    pdf = pd.DataFrame({"x": np.arange(100)}, index=index)
    df = dd.from_pandas(pdf, npartitions=n)
    for key in (
        "2024-01-02",
        "2024-01",
        slice("2024-01-02", "2024-01-03"),
        slice("2024-01-03", None),
    ):
        assert_eq(df.loc[key], pdf.loc[key])
    assert_eq(df["2024-01-02":"2024-01-03"], pdf["2024-01-02":"2024-01-03"])


def test_tables_without_columns_keep_the_kind_of_their_labels() -> None:
    pdf = pd.DataFrame({10: [1, 2], 20: [3, 4]})
    df = dd.from_pandas(pdf, npartitions=2)
    assert df[[]].columns.dtype == df[[]].compute().columns.dtype == pdf.columns.dtype
    assert_eq(dd.from_pandas(pd.DataFrame(), 1).sum(), pd.DataFrame().sum())


@PARTITIONS
def test_text_of_a_collection_is_a_table_of_dtypes(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    lines = df.to_string(max_rows=20).splitlines()
    assert lines[0].split() == list(pdf.columns)
    assert lines[1].split() == [f"npartitions={df.npartitions}"]
    assert lines[2].split() == ["a", "int64", "float64", "str", "category[known]"]
    assert "<td>int64</td>" in df._repr_html_()
    assert repr(df.a).startswith("Dask Series Structure:\nnpartitions=")


@PARTITIONS
def test_columns_and_rows_are_set(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    df["in memory"] = pdf.a * 2
    pdf["in memory"] = pdf.a * 2
    array = np.arange(12.0)
    sizes = tuple(df.map_partitions(len, meta=(None, "i8")).compute())
    df["array"] = da.from_array(array, chunks=(sizes,))
    pdf["array"] = array
    assert_eq(df, pdf)
    with pytest.raises(ValueError, match="1-D"):
        df["array"] = da.ones((12, 2), chunks=(12, 2))
    with pytest.raises(ValueError, match="Number of partitions"):
        df["array"] = da.ones(12, chunks=1)
    numbers, dnumbers = pdf[["a", "f"]].copy(), df[["a", "f"]]
    numbers[numbers > 2] = -1
    dnumbers[dnumbers > 2] = -1
    assert_eq(dnumbers, numbers)
    numbers[numbers.a == 1] = 7
    dnumbers[dnumbers.a == 1] = 7
    assert_eq(dnumbers, numbers)
    dnumbers.index = dnumbers.a + 1
    numbers.index = numbers.a + 1
    assert_eq(dnumbers, numbers)
