"""`reduction` with functions of a user's."""

import numpy as np
import oxidask.dataframe as dd
import pandas as pd
import pytest

FRAME = pd.DataFrame({"x": np.arange(20) % 7, "y": np.linspace(0, 1, 20)})


@pytest.fixture(params=[1, 3, 9], ids="{} partitions".format)
def df(request):
    return dd.from_pandas(FRAME, npartitions=request.param)


@pytest.mark.parametrize("split_every", [None, 2, False])
def test_one_function_for_every_step(df, split_every):
    largest = df.reduction(lambda rows: rows.nlargest(3, "y"), split_every=split_every)
    pd.testing.assert_frame_equal(largest.compute(), FRAME.nlargest(3, "y"))


@pytest.mark.parametrize("split_every", [None, 2])
def test_rows_of_chunks_become_a_table(df, split_every):
    def ends(rows):
        return pd.Series({"low": rows.x.min(), "high": rows.x.max()})

    def widest(rows):
        return pd.Series({"low": rows.low.min(), "high": rows.high.max()})

    found = df.reduction(ends, aggregate=widest, split_every=split_every).compute()
    assert found.to_dict() == {"low": 0, "high": 6}


def test_numbers_of_chunks_become_a_series(df):
    total = df.x.reduction(lambda x: x.sum(), aggregate=lambda sums: sums.sum())
    assert total.compute() == FRAME.x.sum()


def test_keywords_go_to_every_step_or_to_one():
    df = dd.from_pandas(FRAME, npartitions=2)
    both = df.x.reduction(lambda x, by: len(x) * by, lambda x, by: x.sum() * by, by=10)
    assert both.compute() == 20 * 10 * 10
    apart = df.x.reduction(
        lambda x, by: len(x) * by,
        lambda x, by: x.sum() * by,
        chunk_kwargs={"by": 2},
        aggregate_kwargs={"by": 3},
    )
    assert apart.compute() == 20 * 2 * 3


def test_meta_is_taken_as_said():
    df = dd.from_pandas(FRAME, npartitions=2)
    said = df.reduction(lambda rows: rows, meta={"x": "int64", "y": "float64"})
    assert list(said.columns) == ["x", "y"]
