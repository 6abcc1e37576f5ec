"""The scheduler in the calling thread."""

from __future__ import annotations

import threading

import pytest
from oxidask import delayed, threaded
from oxidask.local import get_sync


def test_tasks_run_here_one_after_the_other():
    order = []

    def note(name, *inputs):
        order.append(name)
        return threading.get_ident()

    graph = {"a": (note, "a!"), "b": (note, "b!", "a"), "c": (note, "c!", "b")}
    assert get_sync(graph, "c") == threading.get_ident()
    assert order == ["a!", "b!", "c!"]


def test_schedulers_nest_in_each_other():
    def inner(get):
        return get({"y": (sum, [1, 2])}, "y")

    for outer in (get_sync, threaded.get):
        for get in (get_sync, threaded.get):
            assert outer({"x": (inner, get)}, "x") == 3


def test_recursion_may_be_as_deep_as_python_s():
    def nest(depth):
        return 0 if depth == 0 else 1 + get_sync({"x": (nest, depth - 1)}, "x")

    assert nest(20) == 20


@pytest.mark.parametrize("name", ["sync", "synchronous", "single-threaded"])
def test_its_names(name):
    assert delayed(threading.get_ident)().compute(scheduler=name) == threading.get_ident()


def test_the_cache_gives_known_values_and_receives_the_others():
    def never():
        raise AssertionError("its value is known")

    cache = {"a": 1}
    assert get_sync({"a": (never,), "b": (sum, ["a", 2])}, "b", cache=cache) == 3
    assert cache == {"a": 1, "b": 3}
