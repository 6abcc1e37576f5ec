"""Joins with the nearest row, over any number of partitions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal  # noqa: E402


def tables(seed: int, n: int, m: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    left = pd.DataFrame({"t": np.sort(rng.integers(0, 30, n)), "g": rng.choice(["a", "b"], n)})
    right = pd.DataFrame({"t": np.sort(rng.integers(3, 40, m)), "g": rng.choice(["a", "b"], m)})
    return left.assign(x=np.arange(n)), right.assign(y=np.arange(m))


def parted(frame: Any, cuts: list[int]) -> Any:
    bounds = [0, *cuts, len(frame)]
    parts = [frame.iloc[a:b] for a, b in itertools.pairwise(bounds)]
    return dd.from_map(lambda part: part, parts, meta=frame.iloc[:0])


@pytest.mark.parametrize("direction", ["backward", "forward", "nearest"])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("by", [None, "g"])
@pytest.mark.parametrize("seed", range(4))
def test_the_nearest_row_may_lie_in_any_partition(
    direction: str, exact: bool, by: str | None, seed: int
) -> None:
    left, right = tables(seed, 25, 15)
    how = {"on": "t", "by": by, "direction": direction, "allow_exact_matches": exact}
    expected = pd.merge_asof(left, right, **how)
    rng = np.random.default_rng(seed)
    for counts in ((0, 0), (3, 2), (1, 6), (8, 0)):
        # Partitions may be without rows, and hold parts of the rows of one key.
        a, b = (
            parted(x, np.sort(rng.integers(0, len(x) + 1, n)).tolist())
            for x, n in zip((left, right), counts, strict=True)
        )
        assert_frame_equal(dd.merge_asof(a, b, **how).compute(), expected)
    tolerant = {**how, "tolerance": 2}
    result = dd.merge_asof(parted(left, [9, 10]), parted(right, [1, 2, 3]), **tolerant)
    assert_frame_equal(result.compute(), pd.merge_asof(left, right, **tolerant))


def test_by_indexes_and_columns() -> None:
    left, right = tables(7, 20, 20)
    a, b = dd.from_pandas(left, npartitions=3), dd.from_pandas(right, npartitions=4)
    ia, ib = a.set_index("t", sorted=True), b.set_index("t", sorted=True)
    ileft, iright = left.set_index("t"), right.set_index("t")
    both = {"left_index": True, "right_index": True}
    result = dd.merge_asof(ia, ib, **both)
    assert result.divisions == ia.divisions
    assert_frame_equal(result.compute(), pd.merge_asof(ileft, iright, **both))
    # What pandas writes into a key's column depends on whether any row of all has no partner.
    mixed = {"left_index": True, "right_on": "t"}
    expected = pd.merge_asof(ileft, right, **mixed).y.tolist()
    np.testing.assert_array_equal(dd.merge_asof(ia, b, **mixed).y.compute(), expected)
    mixed = {"left_on": "t", "right_index": True}
    expected = pd.merge_asof(left, iright, **mixed).y.tolist()
    np.testing.assert_array_equal(dd.merge_asof(a, ib, **mixed).y.compute(), expected)


def test_what_is_refused() -> None:
    left, right = tables(1, 10, 10)
    a, b = dd.from_pandas(left, npartitions=2), dd.from_pandas(right, npartitions=2)
    with pytest.raises(ValueError, match="combination of both"):
        dd.merge_asof(a, b, on="t", by="g", left_by="g")
    with pytest.raises(ValueError, match="must be sorted"):
        dd.merge_asof(parted(left[::-1], [5]), b, on="t").compute()
    with pytest.raises(ValueError, match="must be sorted"):
        dd.merge_asof(a, parted(right[::-1], [5]), on="t").compute()
