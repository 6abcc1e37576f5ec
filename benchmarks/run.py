"""Runs the benchmarks side by side with the peers and writes the table of results.

    python benchmarks/run.py                          everything; writes results.md and results.json
    python benchmarks/run.py --only tasks,tokens      the cases whose names contain one of these
    python benchmarks/run.py --quick                  tiny sizes, one round: does it all still run?

Every measurement is a process of its own. A round measures every case, and for each case all
contenders one after the other, starting with another one each time; so what the machine does
besides falls on all of them alike. The table gives the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases  # noqa: F401  (registers them)
import machine
import report
from case import CASES, CONTENDERS, Case

HERE = Path(__file__).resolve().parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Oxidask side by side with its peers.")
    parser.add_argument("--only", default="", help="parts of case names, separated by commas")
    parser.add_argument("--contenders", default="", help="their names, separated by commas")
    parser.add_argument("--rounds", type=int, default=0, help="default: 5, and 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: a mere test")
    parser.add_argument(
        "--data",
        type=Path,
        help="where data stay that take long to make; default: oxidask/benchmarks in ~/.cache",
    )
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    parser.add_argument(
        "--output",
        type=Path,
        help="the table's file, JSON beside it; default: results.md here, for a whole run only",
    )
    return parser.parse_args()


def chosen_cases(only: str) -> list[Case]:
    parts = [part.strip() for part in only.split(",") if part.strip()]
    found = [case for name, case in CASES.items() if not parts or any(p in name for p in parts)]
    if not found:
        raise SystemExit(f"--only {only}: no case has that in its name (see --list)")
    return found


def chosen_contenders(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip()) or CONTENDERS
    if unknown := set(names) - set(CONTENDERS):
        raise SystemExit(f"--contenders: {sorted(unknown)} are not among {list(CONTENDERS)}")
    return names


def plan(
    chosen: list[Case], contenders: tuple[str, ...], rounds: int, quick: bool
) -> Iterator[tuple[Case, int, str]]:
    """Give every measurement in the order in which they are made."""
    for at in range(rounds):
        for case in chosen:
            racing = [name for name in case.contenders if name in contenders]
            if not racing:
                continue
            start = at % len(racing)
            for size in (case.quick,) if quick else case.sizes:
                for name in racing[start:] + racing[:start]:
                    is_in = size <= case.largest.get(name, size)
                    if is_in and at < case.most_rounds.get(name, rounds):
                        yield case, size, name


def measure(case: Case, size: int, contender: str, scratch: str) -> dict[str, Any]:
    """Run one measurement; a dict with `values`, or with `absent` or `failed` and the reason."""
    command = [sys.executable, HERE / "measure.py", case.name, contender, str(size)]
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "BENCHMARK_SCRATCH": scratch},
        start_new_session=True,  # so that its own children end with it
    )
    try:
        output, errors = child.communicate(timeout=case.limit_s)
    except subprocess.TimeoutExpired:
        return {"failed": f"no result within {case.limit_s} s"}
    finally:
        end_session(child)
    if child.returncode != 0:
        said = [line for line in errors.splitlines() if line.strip()]
        return {"failed": said[-1] if said else f"exit status {child.returncode}"}
    # A library may print as well (and may still do so when the interpreter ends).
    lines = [line for line in output.splitlines() if line.startswith('{"')]
    return json.loads(lines[-1]) if lines else {"failed": "it printed no result"}


def end_session(child: subprocess.Popen[str]) -> None:
    """Leave nothing of a measurement running."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    child.wait()


def main() -> int:
    options = arguments()
    chosen = chosen_cases(options.only)
    if options.list:
        print("\n".join(f"{case.name:<28} {case.title}" for case in chosen))
        return 0
    if options.data is not None:
        os.environ["BENCHMARK_DATA"] = str(options.data.resolve())
    contenders = chosen_contenders(options.contenders)
    rounds = options.rounds or (1 if options.quick else 5)
    is_whole = not (options.only or options.contenders or options.quick)
    output = options.output or (HERE / "results.md" if is_whole else None)

    results = report.Results(machine.describe(), rounds, options.quick)
    steps = list(plan(chosen, contenders, rounds, options.quick))
    with tempfile.TemporaryDirectory(prefix="oxidask-benchmarks-") as scratch:
        for at, (case, size, contender) in enumerate(steps, 1):
            outcome = measure(case, size, contender, scratch)
            results.add(case, size, contender, outcome)
            line = f"[{at}/{len(steps)}] {case.name} {size} {contender}: {report.brief(outcome)}"
            print(line, file=sys.stderr, flush=True)
    results.machine["load at the end"] = machine.load()
    table = report.markdown(results)
    print(table)
    if output is not None:
        output.write_text(table)
        output.with_suffix(".json").write_text(json.dumps(report.plain(results), indent=1) + "\n")
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
