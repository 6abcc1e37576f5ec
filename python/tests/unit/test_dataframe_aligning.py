"""Rows go with those of the same label, wherever these lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.array as da  # noqa: E402
import oxidask.dataframe as dd  # noqa: E402
from oxidask.dataframe.utils import assert_eq  # noqa: E402

PARTITIONS = pytest.mark.parametrize("n", [1, 2, 4])


@pytest.fixture
def pdf() -> Any:
    n = 24
    return pd.DataFrame({"k": np.arange(n) % 3, "x": np.arange(n) * 1.5, "y": np.arange(n)[::-1]})


@PARTITIONS
@pytest.mark.parametrize("known", [True, False])
def test_rows_that_moved_come_back_to_their_labels(pdf: Any, n: int, known: bool) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    df = df if known else df.clear_divisions()
    sums = df.groupby("k").x.transform("sum", meta=("x", "f8"))
    expected = pdf.assign(total=pdf.groupby("k").x.transform("sum"))
    assert_eq(df.assign(total=sums), expected)
    assert_eq(df.x / sums, pdf.x / expected.total.rename("x"))
    assert_eq(df.x - df.shuffle("k").x, pdf.x - pdf.x)
    assert_eq(df.assign(z=df.sort_values("y").x), pdf.assign(z=pdf.x))


@PARTITIONS
def test_unknown_divisions_of_other_numbers_meet_by_hashes(pdf: Any, n: int) -> None:
    a = dd.from_pandas(pdf, npartitions=n).clear_divisions()
    b = dd.from_pandas(pdf.iloc[3:], npartitions=3)
    assert_eq(a.x + b.y, pdf.x + pdf.y.iloc[3:])
    missing = pdf.where(pdf.y > 4)
    assert_eq(dd.from_pandas(missing, 5, sort=False).fillna(b), missing.fillna(pdf.iloc[3:]))


@PARTITIONS
def test_rows_in_memory_go_by_their_labels(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    other = pdf.iloc[::-1].where(pdf.y > 9)
    assert_eq(df.where(df.y > 3).combine_first(other), pdf.where(pdf.y > 3).combine_first(other))
    assert_eq(df.add(other, fill_value=1), pdf.add(other, fill_value=1))
    assert_eq(df.add(other.x, axis=0), pdf.add(other.x, axis=0))
    assert_eq(
        df.sub(pd.Series({"x": 1, "y": 2, "k": 3})), pdf - pd.Series({"x": 1, "y": 2, "k": 3})
    )
    low = pd.Series(np.arange(24.0))
    assert_eq(df.clip(lower=low, axis=0), pdf.clip(lower=low, axis=0))
    mapper = pd.Series(pdf.y.to_numpy(), index=np.random.default_rng(0).permutation(24))
    lazy = dd.from_pandas(mapper, npartitions=3, sort=False)
    assert_eq(df.y.map(lazy, meta=("y", "i8")), pdf.y.map(mapper))
    with pytest.raises(ValueError, match="aligned"):
        dd.from_pandas(pdf, npartitions=2).where(np.ones((2, 3), bool))


@PARTITIONS
def test_answers_of_columns_go_by_columns(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    assert_eq(df - (df.mean() + 1), pdf - (pdf.mean() + 1))
    assert_eq(df - df.idxmax(), pdf - pdf.idxmax())
    assert df.quantile().divisions == ("k", "y")
    for name in ("min", "max", "sum", "mean"):
        assert_eq(getattr(df, name)(axis=None), getattr(pdf, name)(axis=None))
    with pytest.raises(ValueError, match="No axis named columns"):
        df.x.sum(axis="columns")
    with pytest.raises(ValueError, match="`mean` not supported with str series"):
        dd.from_pandas(pd.Series(["a"]), 1).mean()


@PARTITIONS
def test_operators_on_labels_give_labels(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    assert_eq(df.index * 10, pdf.index * 10, check_divisions=False)
    assert_eq(df[df.index > 5], pdf[pdf.index > 5])
    assert_eq(df.x + df.index, pdf.x + pdf.index)
    assert_eq((-df.index).max(), 0)


@PARTITIONS
def test_arrays_go_with_dataframes_chunk_by_partition(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    assert_eq(df + df.values, pdf + pdf.values)
    assert_eq(df[["y", "x"]] + df[["x", "k"]].values, pdf[["y", "x"]] + pdf[["x", "k"]].values)
    total = (df.x.values + df.x.mean()).compute()
    np.testing.assert_allclose(total, pdf.x.to_numpy() + pdf.x.mean())
    assert isinstance(df.map_partitions(np.asarray), da.Array)
    np.testing.assert_array_equal(df.map_partitions(np.asarray).compute(), pdf.to_numpy())
    assert isinstance(da.sinc(df.x), da.Array)
    assert_eq(da.clip(df.x, 2, 5), pdf.x.clip(2, 5))
    out = df.copy()
    np.sqrt(df, out=out)
    assert_eq(out, np.sqrt(pdf))
    with pytest.raises(TypeError, match="Mismatched types"):
        np.sqrt(df, out=df.x)


@PARTITIONS
def test_a_partition_may_be_told_which_one_it_is(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)

    def told(part: Any, partition_info: Any = None) -> Any:
        return part.assign(at=0 if partition_info is None else partition_info["number"])

    numbers = df.map_partitions(told).compute()["at"]
    assert sorted(set(numbers)) == list(range(n))


@PARTITIONS
@pytest.mark.parametrize("aggfunc", ["sum", "mean", "count", "first", "last"])
def test_pivot_tables_take_only_what_occurs_together(n: int, aggfunc: str) -> None:
    pdf = pd.DataFrame(
        {
            "row": list("abcabdab"),
            "column": pd.Categorical(list("xyxyxyxx"), categories=list("xyz")),
            "v": [1.0, 2, np.nan, 4, 5, np.nan, 7, 8],
        }
    )
    df = dd.from_pandas(pdf, npartitions=n)
    settings = {"index": "row", "columns": "column", "values": "v", "aggfunc": aggfunc}
    expected = pdf.pivot_table(observed=False, **settings)
    expected = expected.reindex(columns=expected.columns.astype(pdf.column.dtype).categories)
    expected.columns = pd.CategoricalIndex(list("xyz"), dtype=pdf.column.dtype, name="column")
    assert_eq(df.pivot_table(**settings), expected)


@PARTITIONS
def test_counts_of_values_come_in_several_partitions(n: int) -> None:
    s = pd.Series([3, 1, 3, 2, 2, 3] * 4, name="s")
    counts = dd.from_pandas(s, npartitions=n).value_counts(split_out=3)
    assert counts.npartitions == 3
    assert_eq(counts, s.value_counts())
    shares = dd.from_pandas(s, npartitions=n).value_counts(split_out=2, normalize=True)
    assert_eq(shares, s.value_counts(normalize=True))


@PARTITIONS
def test_what_was_refused_or_forgotten(pdf: Any, n: int) -> None:
    df = dd.from_pandas(pdf, npartitions=n)
    assert_eq(df.nunique(axis=1), pdf.nunique(axis=1))
    assert_eq(+df, pdf)
    assert_eq(
        df.x.case_when([(df.k == 1, 0.5), (df.y > 9, df.x * 2)]),
        pdf.x.case_when([(pdf.k == 1, 0.5), (pdf.y > 9, pdf.x * 2)]),
    )
    different = df.drop_duplicates(subset=["k"], split_out=3)
    assert different.npartitions == 3
    assert_eq(different, pdf.drop_duplicates(subset=["k"]))
    assert_eq(df.x.sum().to_series("all"), pd.Series([pdf.x.sum()], index=["all"]))
    with pytest.raises(KeyError, match="none"):
        df.drop_duplicates(subset=["none"])
    with pytest.raises(AssertionError, match="aligned"):
        df.index = dd.from_pandas(pdf, npartitions=n + 1).index
