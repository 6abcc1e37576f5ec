"""The scheduler on processes."""

from __future__ import annotations

import multiprocessing as stdlib_multiprocessing
import os
import random
from concurrent.futures import ProcessPoolExecutor

import oxidask
import pytest
from oxidask import compute, delayed
from oxidask.multiprocessing import get, get_context

GRAPH = {("x", i): (abs, -i) for i in range(30)}
GRAPH["sum"] = (sum, list(GRAPH))


@pytest.fixture(params=["spawn", "fork", "forkserver"])
def context(request):
    with oxidask.config.set({"multiprocessing.context": request.param}):
        assert get_context().get_start_method() == request.param
        yield


@pytest.fixture
def fork():
    with oxidask.config.set({"multiprocessing.context": "fork"}):
        yield


def test_every_start_method(context):
    assert get(GRAPH, ["sum", [("x", 3)]], num_workers=2) == (435, (3,))
    assert not stdlib_multiprocessing.active_children()


def test_tasks_run_elsewhere(fork):
    pids = get({("x", i): (os.getpid,) for i in range(4)}, [("x", i) for i in range(4)])
    assert os.getpid() not in pids


def test_local_functions_and_closures_travel(fork):
    offset = 3
    graph = {"x": 1, "y": (lambda x: x + offset, "x"), "z": (lambda *xs: sum(xs), "x", "y", "y")}
    assert get(graph, "z", num_workers=1) == 9


@pytest.mark.parametrize("optimize_graph", [True, False])
@pytest.mark.parametrize("chunksize", [1, 3, -1])
def test_chunks_and_fusion_change_no_answer(fork, optimize_graph, chunksize):
    graph = GRAPH | {("y", i): (abs, ("x", i)) for i in range(30)}
    graph["both"] = (sum, ["sum", ("y", 7), ("y", 8)])
    answer = get(graph, "both", num_workers=2, optimize_graph=optimize_graph, chunksize=chunksize)
    assert answer == 450


def test_random_numbers_differ_between_processes(fork):
    # Not the method itself, which would travel with its generator's state.
    graph = {("x", i): (lambda: random.random(),) for i in range(4)}
    assert len(set(get(graph, list(graph), num_workers=2, chunksize=1))) == 4


def test_an_initializer_runs_in_each_process(fork):
    def initialize():
        os.environ["OXIDASK_TEST_INITIALIZED"] = "1"

    graph = {"x": (os.environ.get, "OXIDASK_TEST_INITIALIZED")}
    task = {"x": (lambda: os.environ.get("OXIDASK_TEST_INITIALIZED"),)}
    assert get(task, "x", initializer=initialize) == "1"
    assert get(graph, "x") is None


def test_a_users_own_pool_is_used_and_left_open(fork):
    context = stdlib_multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        (first,) = set(get({"x": (os.getpid,)}, ["x"], pool=pool))
        with pytest.raises(ZeroDivisionError):
            get({"x": (divmod, 1, 0)}, "x", pool=pool)
        assert get({"x": (os.getpid,)}, "x", pool=pool) == first
        assert compute(delayed(os.getpid)(), scheduler=pool) == (first,)
        with pytest.raises(ValueError, match="initializer"):
            get({"x": 1}, "x", pool=pool, initializer=print)
    with context.Pool(2) as pool:
        assert get(GRAPH, "sum", pool=pool) == 435


def test_a_number_for_a_pool_is_a_number_of_processes(fork):
    assert get(GRAPH, "sum", pool=1) == 435


def test_the_scheduler_by_name(fork):
    value = delayed(sum)([delayed(abs)(-1), delayed(os.getpid)()])
    assert value.compute(scheduler="processes", num_workers=1) != 1 + os.getpid()
