"""The questions of h2o's benchmark on a small table: our answers are pandas'."""

from pathlib import Path
from types import SimpleNamespace

import oxidask.dataframe as dd
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"

pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="installed without the repository")
pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def h2o():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        from h2o import data, questions

        yield SimpleNamespace(data=data, questions=questions)


def same(ours, theirs):
    columns = list(theirs.columns)
    assert list(ours.columns) == columns
    ours, theirs = (frame.sort_values(columns).reset_index(drop=True) for frame in (ours, theirs))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=1e-9)


@pytest.mark.parametrize("number", range(1, 11))
def test_groups(h2o, number):
    x = frame_of(h2o.data.grouped(2_000))
    ask = h2o.questions.GROUPS[number - 1]
    same(ask(dd.from_pandas(x, npartitions=4, sort=False)).compute(), ask(x))


@pytest.mark.parametrize("number", range(1, 6))
def test_joins(h2o, number):
    frames = {name: frame_of(of) for name, of in h2o.data.joined(2_000).items()}
    ask = h2o.questions.JOINS[number - 1]
    parts = {"x": 4, "small": 1, "medium": 1, "big": 3}
    lazy = {
        name: dd.from_pandas(frame, npartitions=parts[name], sort=False)
        for name, frame in frames.items()
    }
    same(ask(SimpleNamespace(**lazy)).compute(), ask(SimpleNamespace(**frames)))


def frame_of(columns):
    import pyarrow as pa

    return pa.table(columns).to_pandas()
