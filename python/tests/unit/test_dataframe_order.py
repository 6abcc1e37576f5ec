"""Rows in order, by labels and in other partitions: natively and of objects."""

from __future__ import annotations

import decimal
import itertools
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal, assert_series_equal  # noqa: E402


@pytest.fixture(params=[False, True], ids=["native", "objects"])
def frame(request: pytest.FixtureRequest) -> Any:
    rng = np.random.default_rng(4)
    n = 60
    frame = pd.DataFrame(
        {
            "k": rng.integers(0, 9, n),
            "x": np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 20, n)),
            "s": rng.choice(["a", "b", "cc"], n),
            "t": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D"),
            "n": np.arange(n),
        }
    )
    if request.param:
        frame["d"] = [decimal.Decimal(int(i)) for i in rng.integers(0, 9, n)]
    return frame


@pytest.mark.parametrize("npartitions", [1, 4])
@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("na_position", ["first", "last"])
@pytest.mark.parametrize("by", ["x", "s", ["k", "x"], "d"])
def test_rows_in_order(
    frame: Any, npartitions: int, ascending: bool, na_position: str, by: Any
) -> None:
    if by == "d" and "d" not in frame:
        by = "t"
    how: dict[str, Any] = {"ascending": ascending, "na_position": na_position}
    ddf = dd.from_pandas(frame, npartitions=npartitions)
    result = ddf.sort_values(by, **how)
    assert result.npartitions == npartitions
    assert_frame_equal(result.compute(), frame.sort_values(by, kind="stable", **how))


def test_rows_in_an_order_of_users(frame: Any) -> None:
    def order(rows: Any, by_columns: list[str], ascending: bool, **kwargs: Any) -> Any:
        return rows.sort_values(by_columns, ascending=ascending)

    ddf = dd.from_pandas(frame, npartitions=4)
    result = ddf.sort_values(
        "k", sort_function=order, sort_function_kwargs={"by_columns": ["k", "n"]}
    )
    assert result.npartitions == 4
    assert_frame_equal(result.compute(), frame.sort_values(["k", "n"]))


@pytest.mark.parametrize("label", ["k", "s", "t", "d"])
def test_labels_of_a_column(frame: Any, label: str) -> None:
    if label not in frame:
        pytest.skip("a column of objects")
    ddf = dd.from_pandas(frame, npartitions=5)
    result = ddf.set_index(label)
    assert result.known_divisions
    assert_frame_equal(result.compute(), frame.sort_values(label, kind="stable").set_index(label))
    for at, (low, high) in enumerate(itertools.pairwise(result.divisions)):
        labels = result.get_partition(at).compute().index
        is_last = at == result.npartitions - 1
        assert all(low <= x and (x <= high if is_last else x < high) for x in labels)


def test_labels_of_a_series_leave_the_columns(frame: Any) -> None:
    ddf = dd.from_pandas(frame, npartitions=3)
    expected = frame.set_index(frame.n * 2 % 7).sort_index(kind="stable")
    assert_frame_equal(ddf.set_index(ddf.n * 2 % 7).compute(), expected)
    assert_frame_equal(
        ddf.set_index(ddf.k).compute(), frame.set_index(frame.k).sort_index(kind="stable")
    )
    assert ddf.set_index(ddf.index) is ddf
    times = frame.set_index("t").sort_index()
    by_month = dd.from_pandas(times, npartitions=3)
    result = by_month.set_index(by_month.index.dt.month)
    assert sorted(result.compute().n) == sorted(frame.n)
    assert result.index.name == times.index.month.name


def test_labels_in_order_already(frame: Any) -> None:
    rows = frame.sort_values("k", kind="stable").reset_index(drop=True)
    # A label lies in several partitions: its rows go to the last of these.
    for counts in (2, 7, 30):
        result = dd.from_pandas(rows, npartitions=counts).set_index("k", sorted=True)
        assert result.known_divisions
        assert_frame_equal(result.compute(), rows.set_index("k"))
        for at, high in enumerate(result.divisions[1:-1]):
            assert (result.get_partition(at).compute().index < high).all()
    with pytest.raises(ValueError, match="not sorted"):
        dd.from_pandas(frame, npartitions=5).set_index("k", sorted=True)
    chosen = dd.from_pandas(rows, npartitions=6)
    chosen = chosen[chosen.k > 5].set_index("k", sorted=True)
    assert chosen.npartitions < 6
    assert_frame_equal(chosen.compute(), rows[rows.k > 5].set_index("k"))
    unknown = dd.from_pandas(rows, npartitions=3).clear_divisions()
    assert unknown.compute_current_divisions() == (0, 20, 40, 59)
    assert unknown.compute_current_divisions(set_divisions=True).known_divisions


def test_labels_without_an_order(frame: Any) -> None:
    ddf = dd.from_pandas(frame, npartitions=3)
    for how in ({"drop": False}, {"append": True}, {"append": True, "drop": False}):
        result = ddf.set_index("k", sort=False, **how)
        assert not result.known_divisions
        assert_frame_equal(result.compute(), frame.set_index("k", **how))
    empty = ddf[ddf.n > 99].set_index("k")
    assert empty.npartitions == 1
    assert len(empty.compute()) == 0


def test_labels_that_are_refused(frame: Any) -> None:
    ddf = dd.from_pandas(frame, npartitions=3)
    with pytest.raises(NotImplementedError, match="multi-indexes"):
        ddf.set_index(["k", "s"])
    with pytest.raises(TypeError, match="not supported by set_index"):
        ddf.set_index([ddf.k, ddf.s])
    with pytest.raises(ValueError, match="first and a last"):
        ddf.set_index("k", divisions=[])
    with pytest.raises(NotImplementedError, match="sort=False"):
        ddf.set_index("k", append=True)
    with pytest.raises(KeyError):
        ddf.set_index("nothing")


@pytest.mark.parametrize("key", ["k", ["s", "k"], "series", "index"])
def test_equal_keys_come_together(frame: Any, key: Any) -> None:
    ddf = dd.from_pandas(frame, npartitions=4)
    if key == "index":
        ddf = dd.from_pandas(frame.set_index("k"), npartitions=4, sort=False)
        result = ddf.shuffle(on_index=True, npartitions=3)
        keys = [set(part.compute().index) for part in result.partitions]
    else:
        result = ddf.shuffle(ddf.k + 1 if key == "series" else key, npartitions=3)
        labels = ["k"] if isinstance(key, str) else key
        keys = [
            set(part.compute()[labels].itertuples(index=False, name=None))
            for part in result.partitions
        ]
    assert len(keys) == 3
    assert sum(map(len, keys)) == len(set().union(*keys))
    assert_series_equal(
        result.n.compute().sort_values(), ddf.n.compute().sort_values(), check_index=False
    )


def test_shuffles_that_are_refused(frame: Any) -> None:
    ddf = dd.from_pandas(frame, npartitions=4)
    with pytest.raises(TypeError, match="Must shuffle on either"):
        ddf.shuffle()
    with pytest.raises(TypeError, match="Cannot shuffle on both"):
        ddf.shuffle("k", on_index=True)
    with pytest.raises(TypeError, match="must be aligned"):
        ddf.shuffle(ddf.k.repartition(npartitions=2))
    with pytest.raises(KeyError, match="nothing"):
        ddf.shuffle("nothing")


def test_times_are_cut_between_their_ends() -> None:
    times = pd.to_datetime(
        ["2017-05-09 00:00:00.006", "2017-05-09 02:45:00.017999", "2017-05-09 05:59:58.938999"]
    )
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=times)
    result = dd.from_pandas(frame, npartitions=2).repartition(npartitions=10)
    assert list(result.divisions) == sorted(result.divisions)
    assert (result.divisions[0], result.divisions[-1]) == (times[0], times[-1])
    assert_frame_equal(result.compute(), frame)
