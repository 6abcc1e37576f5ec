"""Native tasks and the native static order: Rust programs of the workspace, run as they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from case import Measure, NotHereError, case
from transpose import edges_file

ROOT = Path(__file__).resolve().parent.parent.parent


@cache
def example(package: str, name: str) -> str:
    """Build an example of the workspace, into the target directory that everything shares."""
    cargo = ["cargo", "build", "--release", "--message-format=json-render-diagnostics"]
    command = [
        sys.executable,
        str(ROOT / ".ci" / "shared_target.py"),
        *cargo,
        "--package",
        package,
        "--example",
        name,
    ]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode == 127:
        raise NotHereError("cargo is not installed")
    done.check_returncode()
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    built = [m for m in messages if m.get("executable") and m["target"]["name"] == name]
    return str(built[-1]["executable"])


def output(package: str, name: str, *args: str) -> str:
    command = [example(package, name), *args]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@case(
    "{n} native tasks that do nothing",
    Measure("µs/task", "independent, from graph to end", target="≤ 0.3"),
    Measure("µs/task", "independent, running alone"),
    Measure("µs/task", "1,000 chains, from graph to end", target="≤ 0.3"),
    Measure("µs/task", "1,000 chains, running alone"),
    Measure("µs/task", "binary tree, from graph to end", target="≤ 0.3"),
    Measure("µs/task", "binary tree, running alone"),
    contenders=("oxidask",),
    sizes=(1_000_000,),
    quick=10_000,
)
def overhead(contender: str, n: int) -> tuple[float, ...]:
    found = []
    for line in output("oxidask-runtime", "overhead", str(n)).splitlines():
        expanding, preparing, running = (
            int(ns) / 1e3 for ns in re.findall(r"(?:expand|order and prepare|run) (\d+)", line)
        )
        found += [expanding + preparing + running, running]
    return tuple(found)


@case(
    "static order of `transpose`, {n} × {n} chunks, in Rust alone",
    Measure("s", "culled", target="140: ≤ 0.15"),
    Measure("s", "raw", target="140: ≤ 0.15"),
    contenders=("oxidask",),
    sizes=(40, 140, 200),
    quick=4,
)
def order(contender: str, n: int) -> tuple[float, ...]:
    took = []
    for is_culled in (True, False):
        said = output("oxidask-core", "order_file", str(edges_file(n, is_culled)))
        took.append(float(re.search(r"seconds=(\S+)", said)[1]))
    return tuple(took)
