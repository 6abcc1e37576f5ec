"""The scheduler on threads: which threads run what, in which context, and who may compute."""

from __future__ import annotations

import contextvars
import multiprocessing
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

import oxidask
import pytest
from oxidask import compute, config, delayed
from oxidask.threaded import get

WIDE = {("x", i): (abs, -i) for i in range(50)}
WIDE["sum"] = (sum, list(WIDE))


def test_tasks_run_in_parallel_on_as_many_threads_as_asked_for():
    # Each waits for the others: fewer threads would never end.
    barrier = threading.Barrier(3)
    graph = dict.fromkeys("abc", (barrier.wait, 60))
    assert sorted(get(graph, list("abc"), num_workers=3)) == [0, 1, 2]
    with config.set(num_workers=3):
        assert sorted(get(graph, list("abc"))) == [0, 1, 2]


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ThreadPool])
def test_a_users_own_pool_runs_the_tasks(make):
    with make(2) as pool:
        graph = {("x", i): (threading.get_ident,) for i in range(20)}
        idents = set(get(graph, list(graph), pool=pool))
        assert threading.get_ident() not in idents
        assert len(idents) <= 2
        assert get(WIDE, "sum", pool=pool) == 1225
        with config.set(pool=pool):
            assert get(WIDE, "sum") == 1225
        with pytest.raises(ZeroDivisionError):
            get({"x": (divmod, 1, 0)}, "x", pool=pool)
        assert get(WIDE, "sum", pool=pool) == 1225


def test_an_executor_is_a_scheduler():
    with ThreadPoolExecutor(2) as executor:
        assert delayed(sum)([delayed(abs)(-1), 2]).compute(scheduler=executor) == 3


def test_the_last_reader_of_a_pool_of_one_can_compute_elsewhere():
    def inner():
        return get({"y": (sum, [1, 2])}, "y")

    with ThreadPoolExecutor(1) as pool:
        assert get({"x": (inner,)}, "x", pool=pool) == 3


def test_a_task_can_compute():
    def nest(depth):
        if depth == 0:
            return 1
        graph = {("x", i): (nest, depth - 1) for i in range(2)}
        return sum(get(graph, list(graph), num_workers=2))

    assert nest(5) == 32


def test_many_threads_can_compute_at_once():
    answers = []

    def work():
        answers.extend(get(WIDE, "sum") for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1225] * 160


def in_child(function):
    """Whether `function()` gives True in a forked child."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if function() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_can_compute():
    assert get(WIDE, "sum") == 1225
    assert in_child(lambda: get(WIDE, "sum") == 1225)
    assert get({"x": (in_child, lambda: get(WIDE, "sum") == 1225)}, "x")
    context = multiprocessing.get_context("fork")
    process = context.Process(target=lambda: os._exit(0 if get(WIDE, "sum") == 1225 else 1))
    process.start()
    process.join()
    assert process.exitcode == 0


def test_context_variables_and_settings_reach_the_tasks():
    variable = contextvars.ContextVar("variable", default=0)
    token = variable.set(7)
    try:
        assert get({"x": (variable.get,)}, "x") == 7
    finally:
        variable.reset(token)
    assert get({"x": (variable.get,)}, "x") == 0
    with config.set({"a.setting": 3}):
        assert get({"x": (config.get, "a.setting", None)}, "x") == 3


def test_warnings_of_tasks_reach_the_caller():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        get({"x": (warnings.warn, "from a task")}, "x")
    assert [str(warning.message) for warning in caught] == ["from a task"]
    with warnings.catch_warnings(), pytest.raises(UserWarning, match="from a task"):
        warnings.simplefilter("error")
        get({"x": (warnings.warn, "from a task")}, "x")


def test_long_chains_and_wide_fans():
    n = 100_000
    chain = {"k0": 1} | {f"k{i}": (abs, f"k{i - 1}") for i in range(1, n)}
    assert get(chain, f"k{n - 1}") == 1
    aliases = {"k0": 1} | {f"k{i}": f"k{i - 1}" for i in range(1, n)}
    assert get(aliases, f"k{n - 1}") == 1
    fan = {("x", i): (abs, -i) for i in range(n)}
    fan["sum"] = (sum, list(fan))
    assert get(fan, "sum") == sum(range(n))


KEYS = [
    "x" * 100_000,
    "\u00fc\u4e2d\U0001f600",
    "",
    (),
    0,
    -(1 << 60),
    1.5,
    float("inf"),
    ("x", ("y", ("z", 1.0)), b"b"),
    ("x", *range(20)),
]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ascii(key)[:20])
def test_keys_of_any_kind(key):
    graph = {key: (sum, [40, 2]), "reader of it": (lambda x: x, key)}
    assert get(graph, key) == 42
    assert get(graph, [key, ["reader of it"]]) == (42, (42,))
    seen = []
    with oxidask.callbacks.Callback(pretask=lambda key, *_: seen.append(key)):
        get(graph, "reader of it")
    assert set(seen) == set(graph)


def test_bytes_and_large_numbers_are_keys_too():
    # As in Dask, bytes inside of a task are always a literal.
    graph = {b"": (sum, [1, 2]), b"x": (lambda x: x, b""), 1 << 80: (sum, [3, 4])}
    assert get(graph, [b"", b"x", 1 << 80]) == (3, b"", 7)


def test_keys_that_are_equal_are_one_and_others_are_not():
    assert get({1: (sum, [40, 2]), "y": (lambda x: x, 1.0)}, "y") == 42
    assert get({("x", 1): (sum, [1, 2])}, ("x", True)) == 3
    graph = {"1": "text", 1: "int", b"1": "bytes", (1,): "tuple", ("1",): "tuple of text"}
    assert get(graph, list(graph)) == tuple(graph.values())


def test_numpy_integers_in_keys():
    np = pytest.importorskip("numpy")
    graph = {("x", np.int64(1)): (sum, [1, 2]), ("y", 1): (lambda x: x, ("x", 1))}
    assert get(graph, ("y", np.int32(1))) == 3
    assert get(graph, ("x", 1)) == 3


def test_nested_lists_of_keys_give_nested_tuples():
    graph = {"x": 1, "y": (sum, ["x", 2])}
    assert get(graph, []) == ()
    assert get(graph, [["x"], [], ["y", ["x"]]]) == ((1,), (), (3, (1,)))


def test_generators_and_iterators():
    graph = {"x": (lambda: (i * i for i in range(4)),), "y": (list, "x")}
    assert get(graph, "y") == [0, 1, 4, 9]
    assert delayed(list)(iter([delayed(abs)(-1), 2])).compute() == [1, 2]
    assert compute(delayed(abs)(-i) for i in range(3)) == ([0, 1, 2],)
