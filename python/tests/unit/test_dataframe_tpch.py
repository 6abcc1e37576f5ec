"""TPC-H at a hundredth of scale 1: our answers are DuckDB's, or at least pandas'."""

from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
N_ORDERS = 15_000

pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="installed without the repository")
pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def tpch(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMARK_DATA", str(tmp_path_factory.mktemp("tpch")))
        patch.syspath_prepend(str(BENCHMARKS))
        from case import NotHereError
        from tpch import answers, data, engines

        try:
            data.prepared(N_ORDERS)
        except NotHereError as error:
            pytest.skip(str(error))
        yield SimpleNamespace(answers=answers, engines=engines, absent=NotHereError)


@pytest.mark.parametrize("query", [f"q{number}" for number in range(1, 23)])
def test_answers(tpch, query):
    answer = tpch.engines.question("oxidask", query, N_ORDERS)()
    tpch.answers.compare(answer, right_answer(tpch, query))


def right_answer(tpch, query):
    try:
        return tpch.answers.right_answer(query, N_ORDERS)
    except tpch.absent:
        answer = tpch.engines.question("pandas", query, N_ORDERS)()
        return answer if hasattr(answer, "columns") else tpch.answers.table_of(answer)
