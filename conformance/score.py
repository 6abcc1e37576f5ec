#!/usr/bin/env python3
"""Measures oxidask by the peers' own tests and public names, and writes conformance/scores.md.

    score.py [AREA ...] [--check N]

For each area that exists (all of AREAS by default) its frozen list of tests is run and the public
names of its groups are looked for.  The table is committed: a change that moves it shows so.

--check N   fail unless each area passes at least N percent of its tests
"""

from __future__ import annotations

import argparse
import collections
import datetime
import importlib.metadata
import importlib.util
import json
import pathlib
import platform
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / "scores.md"

# The areas that exist: their lists of tests are lists/AREA.txt (counted) and
# lists/AREA-extended.txt (not counted), and these are their groups of public names.
AREAS = {
    "foundation": """
        dask dask.delayed dask.delayed:Delayed dask.config dask.callbacks dask.callbacks:Callback
        dask.cache dask.cache:Cache dask.diagnostics dask.diagnostics:ProgressBar
        dask.diagnostics:Profiler dask.diagnostics:ResourceProfiler dask.diagnostics:CacheProfiler
        dask.graph_manipulation dask.highlevelgraph:HighLevelGraph dask.threaded
        dask.multiprocessing dask.local
    """.split(),
    "array": """
        dask.array dask.array:Array dask.array.linalg dask.array.fft dask.array.random
        dask.array.ma dask.array.overlap dask.array.gufunc dask.array.stats dask.array.core
        dask.array.reductions dask.array.image dask.array.lib.stride_tricks
    """.split(),
}
# Names of the peer's top level that are packages of later areas, not functions of this one.
LATER = {"dask": {"bag", "dataframe", "datasets", "distributed"}}


def run_tests(name, folder):
    """The outcome of each test of a list: {test id: outcome}, and why it failed."""
    out = folder / f"{name}.json"
    command = [sys.executable, HERE / "run_peer_tests.py", "--select", HERE / f"lists/{name}.txt"]
    subprocess.run([*command, "--json", out], check=True)
    wanted = [line.partition("\t")[0] for line in lines_of(name)]
    got = {t["id"]: t for file in json.loads(out.read_text())["files"] for t in file["results"]}
    absent = {"outcome": "absent", "why": ""}
    return {test: got.get(test, absent) for test in wanted}


def run_xarray(folder):
    """The outcomes of xarray's own tests of arrays, and those left out; None without xarray."""
    if importlib.util.find_spec("xarray") is None:
        return None
    out = folder / "xarray.json"
    command = [sys.executable, HERE / "run_xarray_tests.py", "--tb=no", "--json", out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads(out.read_text())


def xarray_section(result):
    """What xarray's tests say."""
    outcomes = {t: o for t, o in result["outcomes"].items() if o != "skipped"}
    bad = sorted(t for t, o in outcomes.items() if o not in ("passed", "xfailed"))
    version = importlib.metadata.version("xarray")
    yield f"On arrays of ours, xarray {version}'s own tests of Dask's arrays:"
    yield f"{share(len(outcomes) - len(bad), len(outcomes))} pass."
    if bad:
        yield ""
        yield "Not passed:"
        yield ""
        yield from (f"- `{test}`" for test in bad)
    yield ""
    for reason in sorted(set(result["excluded"].values())):
        n = sum(why == reason for why in result["excluded"].values())
        yield f"- {n} left out: {reason}"


def lines_of(name):
    text = (HERE / f"lists/{name}.txt").read_text()
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def coverage(folder):
    """The groups of public names: {label: group}."""
    out = folder / "coverage.json"
    command = [sys.executable, HERE / "api_coverage.py", "oxidask", "--quiet", "--json", out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {group["label"]: group for group in json.loads(out.read_text())["groups"]}


def passed(results):
    return sum(t["outcome"] in ("passed", "xpassed") for t in results.values())


def share(part, whole):
    return f"{part}/{whole}" + (f" ({100 * part / whole:.1f} %)" if whole else "")


def test_table(results):
    """A line for each file, and the tests that do not pass below."""
    files = collections.defaultdict(dict)
    for test, result in results.items():
        files[test.split("::")[0]][test] = result
    yield "| file | passed |"
    yield "|---|---:|"
    for file, tests in files.items():
        yield f"| {file} | {share(passed(tests), len(tests))} |"
    bad = {t: r for t, r in results.items() if r["outcome"] not in ("passed", "xpassed")}
    if bad:
        yield ""
        yield "Not passed:"
        yield ""
        yield from (f"- `{test}`: {result['outcome']}" for test, result in sorted(bad.items()))


def name_table(labels, groups):
    """A line for each group of public names."""
    yield "| group | names | missing |"
    yield "|---|---:|---|"
    for label in labels:
        group = groups[label]
        later = LATER.get(label, set())
        missing = [name for name in group["missing"] if name not in later]
        total = group["total"] - len(later)
        text = ", ".join(f"`{name}`" for name in missing)
        yield f"| {label} | {share(total - len(missing), total)} | {text} |"


def counted_names(labels, groups):
    """Names present and names in all, over groups."""
    total = sum(groups[label]["total"] - len(LATER.get(label, ())) for label in labels)
    missing = sum(
        name not in LATER.get(label, ()) for label in labels for name in groups[label]["missing"]
    )
    return total - missing, total


def heading():
    version = importlib.metadata.version
    return f"""\
# Conformance scores

Written by `make conformance` (score.py) on {datetime.date.today()}: oxidask {version("oxidask")} by
the tests and the public names of dask {version("dask")} and distributed {version("distributed")},
with Python {platform.python_version()}, NumPy {version("numpy")} and pandas {version("pandas")},
on {platform.system()} {platform.machine()}.

Counted are the tests of `lists/AREA.txt`; those of `lists/AREA-extended.txt` use semi-public names
and are only reported. README.md says how the tests are run.
"""


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ap.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}")
    ap.add_argument("--check", type=float, default=0, metavar="N")
    args = ap.parse_args()
    areas = args.areas or list(AREAS)
    if unknown := set(areas) - set(AREAS):
        ap.error(f"no such area: {', '.join(sorted(unknown))}")

    summary, details, low = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        groups = coverage(folder)
        for area in areas:
            results, extended = run_tests(area, folder), run_tests(f"{area}-extended", folder)
            names = share(*counted_names(AREAS[area], groups))
            tests = share(passed(results), len(results))
            extra = share(passed(extended), len(extended))
            summary.append(f"| {area} | {tests} | {extra} | {names} |")
            details += ["", f"## {area}: tests", "", *test_table(results)]
            details += ["", f"## {area}: public names", "", *name_table(AREAS[area], groups)]
            if 100 * passed(results) < args.check * len(results):
                low.append(f"{area}: {tests} is below {args.check:g} %")
        if "array" in areas and (xarray := run_xarray(folder)):
            details += ["", "## xarray", "", *xarray_section(xarray)]
    head = ["| area | tests | extended tests | public names |", "|---|---:|---:|---:|"]
    text = "\n".join([heading(), *head, *summary, *details]) + "\n"
    if set(areas) == set(AREAS):  # a part of the table must not replace the whole
        TABLE.write_text(text)
    print("\n".join([*head, *summary, *low]))
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
