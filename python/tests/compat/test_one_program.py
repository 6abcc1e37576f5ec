"""One program, run on the peer and on us: equal answers and equal kinds of errors."""

from __future__ import annotations

import importlib
import operator

import pytest

pytest.importorskip("dask")
importlib.import_module("dask.threaded")


def programs():
    def fail(x):
        raise ValueError(f"no {x}")

    yield "chain", lambda d: d.delayed(abs)(d.delayed(operator.neg)(3)).compute()
    yield "containers", lambda d: d.compute({"a": [d.delayed(abs)(-1), (2, d.delayed(abs)(-3))]})
    yield "nothing", lambda d: d.compute()
    yield "plain values", lambda d: d.compute(1, "two", [3])
    yield "nested keys", lambda d: d.threaded.get({"x": 1, "y": (abs, "x")}, [["x"], ["y", ["x"]]])
    yield "strings are no keys", lambda d: d.threaded.get({"x": (str.upper, "q")}, "x")
    yield "alias", lambda d: d.threaded.get({"x": "y", "y": 2}, "x")
    yield "lists in tasks", lambda d: d.threaded.get({"x": 1, "y": (sum, ["x", 2])}, "y")
    yield "dicts in tasks", lambda d: d.threaded.get({"x": 1, "y": (dict, {"a": "x"})}, "y")
    yield "missing key", lambda d: d.threaded.get({"x": 1}, "z")
    yield "failing task", lambda d: d.delayed(fail)(3).compute()
    yield "failing attribute", lambda d: d.delayed(3).nowhere.compute()
    yield "cycle", lambda d: d.threaded.get({"x": (abs, "y"), "y": (abs, "x")}, "x")
    yield "sync", lambda d: d.local.get_sync({"x": 1, "y": (operator.add, "x", 10)}, "y")
    yield "unpacking", lambda d: d.compute(*d.delayed(divmod, nout=2)(7, 3))
    yield "operators", lambda d: ((d.delayed(3) + 4) * d.delayed(2) - 1).compute()
    yield "unknown scheduler", lambda d: d.compute(d.delayed(1), scheduler="nowhere")
    yield "truth", lambda d: bool(d.delayed(1))


def outcome(name, program):
    package = importlib.import_module(name)
    importlib.import_module(f"{name}.threaded")
    importlib.import_module(f"{name}.local")
    try:
        return "value", program(package)
    except Exception as error:
        return "error", type(error)


@pytest.mark.parametrize(
    ("name", "program"), list(programs()), ids=[name for name, _ in programs()]
)
def test_the_same_outcome(name, program):
    assert outcome("oxidask", program) == outcome("dask", program)
