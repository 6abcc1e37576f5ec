#!/usr/bin/env python3
"""Runs the test files of dask, distributed, streamz and dask-ml against another package.

    run_peer_tests.py --target oxidask array bag                    suites (see --suites)
    run_peer_tests.py --target oxidask dask/array/tests/test_ufunc.py -k exp
    run_peer_tests.py --target oxidask --select lists/foundation.txt --json out.json
    run_peer_tests.py --target oxidask --show dask/tests/test_base.py    the rewritten text

Each test file is copied into a temporary folder, its imports are rewritten to the
target's modules (peerkit/rewrite.py), names that the target lacks become placeholders
that fail only the tests that use them (peerkit/runtime.py), the peer's test helpers are
replaced by equivalents of ours (peerkit/standins), and pytest runs on the copy with a time
limit per test.  A test that hangs or takes the interpreter down is recorded, and the run
goes on behind it.

--target T      package under test (default oxidask).  Roots: dask -> T,
                distributed -> T.distributed, streamz -> T.streamz, dask_ml -> T.ml;
                --map streamz=other changes one.  With --target dask nothing is renamed.
--mode          resilient (default), plain (textual import rewriting only), none
--helpers       ours (default), native (the target's own helper where it has one)
--cluster       localcluster (default: the tests get opaque records as s, a, b), servers (they get
                the target's own Scheduler and Worker objects)
--select FILE   run only these tests: one id per line, 'file::test[params]', and after a tab
                optionally the place 'file::test#index/count', by which a test is found whose
                parameters are spelled differently under the target
--sources DIR   where the peers' sources lie (default: beside this script, then
                site-packages of --python)
The exit status is 0 when the run itself went through; --strict makes failures count.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:] = [str(HERE), *(p for p in sys.path if os.path.realpath(p or ".") != str(HERE))]
from peerkit import report, rewrite, runner, suites

# Checkouts of the peers' sources may lie beside this script; they must not pass for packages.
del sys.path[0]


def arguments():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ap.add_argument("files", nargs="*", help="suite names or files")
    ap.add_argument("--target", default="oxidask")
    ap.add_argument("--map", action="append", default=[], metavar="ROOT=MODULE")
    ap.add_argument("--mode", choices=["resilient", "plain", "none"], default="resilient")
    ap.add_argument("--helpers", choices=["ours", "native"], default="ours")
    ap.add_argument("--cluster", choices=["servers", "localcluster"], default="localcluster")
    ap.add_argument("--select")
    ap.add_argument("--sources", action="append", default=[])
    ap.add_argument("--path", action="append", default=[], help="more folders for PYTHONPATH")
    ap.add_argument("--python", default=sys.executable)
    ap.add_argument("-k", default="")
    ap.add_argument("--timeout", type=float, default=60, help="seconds per test")
    ap.add_argument(
        "--load-timeout", type=float, default=180, help="seconds without any progress outside tests"
    )
    ap.add_argument("--file-timeout", type=float, default=3600)
    ap.add_argument("--restarts", type=int, default=25)
    ap.add_argument("--slow", action="store_true")
    ap.add_argument("-j", type=int, default=1)
    ap.add_argument("--nice", type=int, default=0)
    ap.add_argument("--json")
    ap.add_argument("--junit")
    ap.add_argument(
        "--imports", action="store_true", help="report how each imported name was resolved"
    )
    ap.add_argument(
        "--failures", type=int, default=0, metavar="N", help="print up to N reasons per file"
    )
    ap.add_argument("--keep", help="keep the working folders here")
    ap.add_argument("--show", action="store_true", help="print the rewritten file and stop")
    ap.add_argument("--suites", action="store_true", help="print the suites and stop")
    ap.add_argument("--strict", action="store_true")
    return ap


def module_names(args):
    """Each peer's root module -> the module of the target that stands for it."""
    if args.target == "dask":
        mapping = {root: root for root in suites.LAYOUT}
    else:
        mapping = {
            "dask": args.target,
            "distributed": args.target + ".distributed",
            "streamz": args.target + ".streamz",
            "dask_ml": args.target + ".ml",
        }
    mapping.update(x.split("=", 1) for x in args.map)
    return mapping


def peer_folders(args):
    """Where the peers' sources lie: the given folders, else this one, then site-packages."""
    r = subprocess.run(
        [args.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return suites.folders([*(args.sources or [str(HERE)]), *r.stdout.split()])


def read_selection(path):
    """The lines of a list of test ids, by the label of their file."""
    selected = {}
    for line in pathlib.Path(path).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            selected.setdefault(line.split("::")[0], []).append(line)
    return selected


def show(labels, where, args, mapping):
    for label in labels:
        source = suites.locate(label, where).read_text(encoding="utf8")
        package = label[:-3].replace("/", ".").rpartition(".")[0]
        print(rewrite.rewrite(source, package, args.mode, mapping))


def warn_unless_importable(args, module):
    path = os.pathsep.join([*args.path, os.environ.get("PYTHONPATH", "")])
    r = subprocess.run(
        [args.python, "-c", f"import {module}"],
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    if r.returncode:
        print(f"NOTE: {module} cannot be imported: {(r.stderr.strip().splitlines() or ['?'])[-1]}")


def working_folder(args):
    """An empty folder with the kit in `lib`, where the tests can import it."""
    base = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="peer-tests-")).resolve()
    lib = base / "lib"
    shutil.copytree(
        HERE / "peerkit",
        lib / "peerkit",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    if subprocess.run([args.python, "-c", "import flaky"], capture_output=True).returncode:
        shutil.copy(HERE / "peerkit" / "flaky_standin.py", lib / "flaky.py")
    return base


def run_all(labels, selected, where, args, mapping, base):
    """Run the files, print a line for each as it ends, and return their results."""

    def go(label):
        path = suites.locate(label, where)
        if path is None:
            return {**report.EMPTY, "file": label, "note": "no such file"}
        chosen = selected.get(label) if selected else None
        return runner.run_file(label, path, args, mapping, base, chosen, where)

    files = []
    print(report.HEAD, flush=True)
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        for result in pool.map(go, labels):
            files.append(result)
            if args.json:  # after each file, so that a run that is cut short leaves its results
                report.write_json(files, args)
            report.print_file(result, args)
    return files


def main():
    ap = arguments()
    args = ap.parse_args()
    mapping, where = module_names(args), peer_folders(args)
    if args.suites:
        for name in suites.SUITES:
            print(f"{name:<18}{len(suites.expand([name], where))} files")
        return 0
    selected = read_selection(args.select) if args.select else None
    labels = suites.expand(args.files, where) if args.files else list(selected or [])
    if selected is not None:
        labels = [x for x in labels if x in selected]
    if not labels:
        ap.error("nothing to run")
    if args.show:
        show(labels, where, args, mapping)
        return 0

    args.path = [str(pathlib.Path(x).resolve()) for x in args.path]
    warn_unless_importable(args, mapping["dask"])
    base = working_folder(args)
    files = run_all(labels, selected, where, args, mapping, base)
    total = sum(
        (collections.Counter(report.counts(f["results"])) for f in files),
        start=collections.Counter(),
    )
    report.print_totals(files, total, {k: v for k, v in (selected or {}).items() if k in labels})
    if args.junit:
        report.junit(files, args.junit)
    if not args.keep:
        shutil.rmtree(base, ignore_errors=True)
    bad = total["failed"] + total["error"] + total["timeout"] + total["crashed"]
    return 1 if args.strict and bad else 0


if __name__ == "__main__":
    sys.exit(main())
