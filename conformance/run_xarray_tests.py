#!/usr/bin/env python3
"""Runs xarray's own tests of Dask's arrays on Oxidask's.

    run_xarray_tests.py [--json FILE] [pytest's arguments]

The modules of xarray and its tests import ``dask``; here that name means ``oxidask``, in this
process only. ``oxidask.array._xarray.OxidaskManager`` stands in the place of xarray's own manager
of Dask's arrays.  Tests that are not about arrays, or lack a package, are left out: see EXCLUDED.
All others count.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
import types

TARGET = "oxidask"

#: Parts of tests' names, and why those tests are left out; None: they are not.
EXCLUDED = {
    "TestToDaskDataFrame": "about Dask's dataframes, not its arrays",
    "_cftime": None if importlib.util.find_spec("cftime") else "cftime is not installed",
}


class Renamed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``dask.x`` as ``oxidask.x``."""

    def find_spec(self, name, path=None, target=None):
        if name != "dask" and not name.startswith("dask."):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        try:
            module = importlib.import_module(TARGET + spec.name[len("dask") :])
        except ModuleNotFoundError:
            module = types.ModuleType(spec.name)
        # The import system writes the new name's spec into the module: it gets its own back.
        self.own = {
            key: getattr(module, key, None) for key in ("__spec__", "__loader__", "__name__")
        }
        self.module = module
        return module

    def exec_module(self, module):
        if self.own["__spec__"] is not None:
            for key, value in self.own.items():
                setattr(module, key, value)


class Counter:
    """Leaves tests out, and counts outcomes by test."""

    def __init__(self):
        self.outcomes = {}
        self.excluded = {}

    def pytest_collection_modifyitems(self, config, items):
        for item in items:
            for part, reason in EXCLUDED.items():
                if reason and part in item.nodeid:
                    self.excluded[_test_name(item.nodeid)] = reason
        gone = [item for item in items if _test_name(item.nodeid) in self.excluded]
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in gone]

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
            self.outcomes[_test_name(report.nodeid)] = outcome


def _test_name(nodeid):
    """A test's name from the file on: where xarray lies is no part of it."""
    return nodeid[nodeid.index("test_dask.py") :]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json")
    args, rest = parser.parse_known_args()
    sys.meta_path.insert(0, Renamed())
    import oxidask

    # What xarray asks of Dask's version is asked of the version that this one stands for.
    oxidask.__version__ = "2026.8.0"
    import pytest
    from oxidask.array._xarray import OxidaskManager
    from xarray.namedarray import parallelcompat

    managers = {"dask": OxidaskManager()}
    parallelcompat.load_chunkmanagers = lambda entry_points: managers
    parallelcompat.list_chunkmanagers.cache_clear()
    file = os.path.join(
        os.path.dirname(importlib.util.find_spec("xarray").origin), "tests", "test_dask.py"
    )
    counter = Counter()
    # Settings of the project around an installed xarray are not for its tests.
    options = ["-c", os.devnull, "-q", "-p", "no:cacheprovider", "--no-header", *rest]
    pytest.main([file, *options], plugins=[counter])
    tally = collections.Counter(counter.outcomes.values())
    ran = sum(tally.values()) - tally["skipped"]
    good = tally["passed"] + tally["xfailed"]
    print(f"{good} of {ran} pass ({100 * good / max(1, ran):.1f} %): {dict(tally)}")
    for reason, n in collections.Counter(counter.excluded.values()).items():
        print(f"{n} left out: {reason}")
    if args.json:
        result = {"outcomes": counter.outcomes, "excluded": counter.excluded}
        with open(args.json, "w") as out:
            json.dump(result, out, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
