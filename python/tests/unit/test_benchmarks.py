"""The benchmarks still run and write their table. No time is ever asserted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[3] / "benchmarks" / "run.py"

pytestmark = pytest.mark.skipif(not RUN.exists(), reason="installed without the repository")
# It builds some of the graphs that are measured.
pytest.importorskip("dask")


def run(*arguments, env=None):
    return subprocess.run(
        [sys.executable, RUN, *arguments], capture_output=True, text=True, timeout=100, env=env
    )


@pytest.mark.parametrize(
    "section",
    [
        "tasks",
        "delayed",
        "memory",
        "order.",
        "parallel",
        "tokens",
        "workloads",
        "frames.",
        "timeseries",
    ],
)
def test_a_quick_run_measures_every_case_of_ours(section, tmp_path):
    table = tmp_path / "results.md"
    done = run("--quick", "--only", section, "--contenders", "oxidask", "--output", table)
    assert done.returncode == 0, done.stdout + done.stderr
    assert table.read_text() == done.stdout.removesuffix("\n")

    rows = json.loads(table.with_suffix(".json").read_text())["rows"]
    listed = run("--list", "--only", section).stdout.splitlines()
    assert [row["case"] for row in rows] == [line.split()[0] for line in listed]
    for row in rows:
        [values] = row["samples"]["oxidask"]
        assert len(values) == len(row["measures"])
    lines = re.findall(r"^\| .* \| \*\*[\d.,-]+\*\* \|", table.read_text(), re.MULTILINE)
    assert len(lines) == sum(len(row["measures"]) for row in rows)


def test_the_peers_stand_beside_us_with_their_ratio(tmp_path):
    table = tmp_path / "results.md"
    done = run("--quick", "--only", "config_get", "--rounds", "3", "--output", table)
    assert done.returncode == 0, done.stderr
    spread = r" \([\d.]+–[\d.]+\)"
    assert re.search(rf"\*\*[\d.]+\*\*{spread} \| [\d.]+{spread}, [\d.]+x", table.read_text())


def test_a_partial_run_leaves_the_committed_table_alone():
    committed = RUN.parent / "results.md"
    before = committed.read_bytes() if committed.exists() else None
    assert run("--quick", "--only", "config_get", "--contenders", "oxidask").returncode == 0
    assert (committed.read_bytes() if committed.exists() else None) == before


def test_a_failure_is_named_in_the_table_and_fails_the_run(tmp_path):
    # A package of our name that lacks everything, found before the real one.
    (tmp_path / "oxidask.py").write_text("__version__ = 'broken'\n")
    done = run(
        "--quick",
        "--only=config_get",
        "--contenders=oxidask",
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "| failed |" in done.stdout
    assert "- tokens.config_get, 2, oxidask: ModuleNotFoundError" in done.stdout


@pytest.mark.parametrize("arguments", [["--only", "nonesuch"], ["--contenders", "nonesuch"]])
def test_unknown_names_are_refused(arguments):
    done = run("--quick", *arguments)
    assert done.returncode != 0
    assert "nonesuch" in done.stderr
