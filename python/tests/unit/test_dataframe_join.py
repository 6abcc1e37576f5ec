"""Joins by indexes and of columns of objects, rows side by side, rows one after the other."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal  # noqa: E402


def same(result: Any, expected: Any, by: list[str]) -> None:
    """Compare tables whose rows may be in another order."""
    assert list(result._meta.columns) == list(expected.columns)
    assert result._meta.index.name == expected.index.name
    found = result.compute()
    assert list(found.columns) == list(expected.columns)
    found, expected = (
        x.rename_axis("label").reset_index().sort_values(["label", *by]).reset_index(drop=True)
        for x in (found, expected)
    )
    assert_frame_equal(found, expected, check_dtype=False)


def left_and_right(objects: bool) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    left = pd.DataFrame(
        {"k": rng.integers(0, 12, 40), "x": np.arange(40)},
        index=pd.Index(np.sort(rng.integers(0, 30, 40)), name="i"),
    )
    right = pd.DataFrame(
        {"k": rng.integers(3, 15, 25), "y": np.arange(25.0)},
        index=pd.Index(np.sort(rng.integers(5, 40, 25)), name="i"),
    )
    if objects:
        left["o"] = right["p"] = None
        left["o"] = [(i,) for i in range(40)]
    return left, right


HOWS = ["inner", "left", "right", "outer"]
COUNTS = [(1, 1), (4, 1), (1, 3), (4, 3)]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("objects", [False, True])
@pytest.mark.parametrize("known", [True, False])
def test_joins_by_indexes(how: str, counts: tuple[int, int], objects: bool, known: bool) -> None:
    left, right = left_and_right(objects)
    a, b = (dd.from_pandas(x, npartitions=n) for x, n in zip((left, right), counts, strict=True))
    if not known:
        a, b = a.clear_divisions(), b.clear_divisions()
    result = a.join(b, how=how, lsuffix="_l", rsuffix="_r")
    expected = left.merge(right, left_index=True, right_index=True, how=how, suffixes=("_l", "_r"))
    same(result, expected, ["x", "y"])
    if known and max(counts) > 1:
        assert result.known_divisions
        for at, (low, high) in enumerate(itertools.pairwise(result.divisions)):
            labels = result.get_partition(at).compute().index
            assert all(low <= label <= high for label in labels)
    result = a.merge(b, on="i", how=how)
    same(result, left.merge(right, on="i", how=how), ["x", "y"])


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("counts", COUNTS)
def test_joins_of_a_column_with_an_index(how: str, counts: tuple[int, int]) -> None:
    left, right = left_and_right(True)
    right = right.drop(columns="k")
    a, b = (dd.from_pandas(x, npartitions=n) for x, n in zip((left, right), counts, strict=True))
    result = a.merge(b, left_on="k", right_index=True, how=how)
    expected = left.merge(right, left_on="k", right_index=True, how=how)
    assert sorted(result.compute().x.dropna()) == sorted(expected.x.dropna())
    assert sorted(result.compute().y.dropna()) == sorted(expected.y.dropna())


def test_joins_keep_divisions_where_rows_stay() -> None:
    left, right = left_and_right(False)
    a, b = dd.from_pandas(left, npartitions=4), dd.from_pandas(right, npartitions=1, sort=False)
    assert a.merge(b, on="i").divisions == a.divisions
    assert a.join(b.drop(columns="k"), on="k").divisions == a.divisions
    assert not a.merge(b, on="k").known_divisions
    assert not a.merge(b, left_index=True, right_on="k").known_divisions


@pytest.mark.parametrize("how", HOWS)
def test_keys_of_other_dtypes_meet(how: str) -> None:
    left = pd.DataFrame({"k": [1, 2, 3, 4, 5, 6], "o": [(1,)] * 6})
    right = pd.DataFrame({"k": [2.0, np.nan, 4.0, 9.0], "y": range(4)})
    a, b = dd.from_pandas(left, npartitions=3), dd.from_pandas(right, npartitions=2)
    found = a.merge(b, on="k", how=how).compute().sort_values(["k", "y"], ignore_index=True)
    expected = left.merge(right, on="k", how=how).sort_values(["k", "y"], ignore_index=True)
    assert_frame_equal(found, expected, check_dtype=False)


def test_a_key_may_be_of_objects_in_some_partitions_only() -> None:
    left = pd.DataFrame({"flag": [True, False] * 20, "k": range(40)})
    right = pd.DataFrame({"k": [2, 99], "y": [1, 2]})
    joined = dd.merge(dd.from_pandas(left, 8), dd.from_pandas(right, 1), on="k", how="outer")
    counts = joined.groupby("flag").apply(len, meta=pd.Series(dtype="i8")).compute()
    assert counts.sort_index().tolist() == [20, 20]


def test_joins_of_categories_give_categories() -> None:
    left = pd.DataFrame({"k": pd.Categorical(["a", "b", "c"]), "x": range(3)})
    right = pd.DataFrame({"k": pd.Categorical(["c", "d", "a"]), "y": range(3)})
    result = dd.from_pandas(left, npartitions=2).merge(dd.from_pandas(right, npartitions=2), on="k")
    assert result.k.dtype == "category"
    found = result.compute().sort_values("x")
    assert found.k.dtype == "category"
    assert found[["k", "y"]].astype({"k": str}).to_numpy().tolist() == [["a", 2], ["c", 0]]


def test_several_joins_and_refusals() -> None:
    left, right = left_and_right(False)
    left, right = left[~left.index.duplicated()], right[~right.index.duplicated()]
    a, b = dd.from_pandas(left, npartitions=3), dd.from_pandas(right[["y"]], npartitions=2)
    third = right[["y"]].rename(columns={"y": "z"})
    same(a.join([b, third]), left.join([right[["y"]], third]), ["x"])
    with pytest.raises(ValueError, match="left or outer"):
        a.join([b], how="inner")
    with pytest.raises(ValueError, match="how='cross'"):
        a.merge(b, how="cross")
    with pytest.raises(NotImplementedError, match="assign"):
        a.merge(b, left_on=a.x, right_on="y")


@pytest.mark.parametrize("how", ["inner", "outer"])
def test_rows_of_several_interleaved(how: str) -> None:
    left, right = left_and_right(False)
    a, b = dd.from_pandas(left, npartitions=3), dd.from_pandas(right, npartitions=4)
    result = dd.concat([a, b], join=how, interleave_partitions=True)
    assert result.known_divisions
    expected = pd.concat([left, right], join=how).sort_index(kind="stable")
    found = result.compute().sort_index(kind="stable")
    assert_frame_equal(found, expected, check_dtype=False)


def test_categories_one_after_the_other() -> None:
    first = pd.DataFrame({"c": pd.Categorical(["a", "b"], ordered=True)})
    second = pd.DataFrame({"c": pd.Categorical(["z", "a"], ordered=True)})
    parts = [dd.from_pandas(x, npartitions=2) for x in (first, second)]
    result = dd.concat(parts, ignore_order=True).compute()
    assert result.c.tolist() == ["a", "b", "z", "a"]
    assert not result.c.cat.ordered


def test_side_by_side_without_divisions() -> None:
    frame = pd.DataFrame({"x": range(6), "y": range(6)})
    ddf = dd.from_pandas(frame, npartitions=2).clear_divisions()
    assert_frame_equal(dd.concat([ddf.x, ddf.y], axis=1).compute(), frame)
    other = dd.from_pandas(frame.assign(z=0), npartitions=2).clear_divisions()
    with pytest.warns(UserWarning, match="unknown divisions"):
        assert_frame_equal(dd.concat([ddf[["x"]], other[["y"]]], axis=1).compute(), frame)
    with pytest.raises(ValueError, match="partitions"):
        dd.concat([ddf, dd.from_pandas(frame, npartitions=1).clear_divisions()], axis=1)
    with pytest.raises(ValueError, match="rows"):
        short = dd.from_pandas(frame[:4], npartitions=2).clear_divisions()
        dd.concat([ddf, short], axis=1, ignore_unknown_divisions=True).compute()
