"""What goes wrong in a computation: a clear error at once, and the next one works."""

from __future__ import annotations

import multiprocessing as stdlib_multiprocessing
import os
import signal
import subprocess
import sys
import threading
import traceback
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import oxidask
import pytest
from oxidask import delayed, local, multiprocessing, threaded
from oxidask._task_spec import Task, TaskRef
from oxidask.callbacks import Callback


def get_processes(dsk, keys, **kwargs):
    """Processes that start quickly; that they can be spawned is tested elsewhere."""
    kwargs.setdefault("num_workers", 1)
    with oxidask.config.set({"multiprocessing.context": "fork"}):
        return multiprocessing.get(dsk, keys, **kwargs)


in_process = pytest.mark.parametrize("get", [local.get_sync, threaded.get])
everywhere = pytest.mark.parametrize("get", [local.get_sync, threaded.get, get_processes])


@pytest.fixture(autouse=True)
def next_compute_works():
    yield
    for get in (local.get_sync, threaded.get):
        assert get({"x": (sum, [1, 2]), "y": (sum, ["x", 1])}, "y") == 4
    assert not stdlib_multiprocessing.active_children()


def run_script(code, *args, **kwargs):
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=100,
        **kwargs,
    )


def identity(x):
    return x


# Exceptions in tasks


@everywhere
def test_an_exception_comes_with_its_type_message_and_traceback(get):
    def divide_by(x):
        return 1 / x

    def caller(x):
        return divide_by(x)

    graph = {"x": 0, "y": (caller, "x"), "z": (identity, "y")}
    with pytest.raises(ZeroDivisionError, match="^division by zero$") as caught:
        get(graph, "z")
    text = "".join(traceback.format_exception(caught.value))
    assert "in caller" in text
    assert "in divide_by" in text
    assert "1 / x" in text


def test_an_exception_in_a_process_has_the_remote_traceback_as_its_cause():
    def fail():
        raise KeyError("from afar")

    with pytest.raises(KeyError) as caught:
        get_processes({"x": (fail,)}, "x")
    assert caught.value.args == ("from afar",)
    assert 'raise KeyError("from afar")' in str(caught.value.__cause__)


@everywhere
def test_the_first_failure_ends_the_run(get):
    def fail(i):
        raise ValueError(i)

    graph = {("x", i): (fail, i) for i in range(50)}
    with pytest.raises(ValueError):
        get(graph, list(graph))


@in_process
def test_the_very_object_that_was_raised_arrives(get):
    error = ValueError("this one")

    def fail():
        raise error

    with pytest.raises(ValueError) as caught:
        get({"x": (fail,)}, "x")
    assert caught.value is error


@everywhere
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration])
def test_exceptions_of_special_kinds_arrive_too(get, kind):
    def fail():
        raise kind

    with pytest.raises(kind):
        get({"x": (fail,)}, "x")


def test_an_exception_that_cannot_be_pickled_arrives_as_text():
    def fail():
        class Awkward(Exception):
            def __init__(self, a, b):
                super().__init__(a)
                self.lock = threading.Lock()

        raise Awkward("what it says", 2)

    with pytest.raises(RuntimeError, match="Awkward: what it says") as caught:
        get_processes({"x": (fail,)}, "x")
    assert "in fail" in str(caught.value.__cause__)


def test_rerun_exceptions_locally_runs_the_task_here():
    here = []

    def fail(pid):
        if os.getpid() == pid:
            here.append(pid)
        raise ValueError

    with pytest.raises(ValueError):
        get_processes({"x": (fail, os.getpid())}, "x", rerun_exceptions_locally=True)
    assert here == [] or here == [os.getpid()]


@in_process
@pytest.mark.parametrize("stage", ["start", "start_state", "pretask", "posttask", "finish"])
def test_an_exception_in_a_callback_ends_the_run(get, stage):
    def fail(*args):
        raise ZeroDivisionError(stage)

    graph = {("x", i): (identity, i) for i in range(30)}
    with Callback(**{stage: fail}), pytest.raises(ZeroDivisionError, match=stage):
        get(graph, list(graph))
    assert not Callback.active


# Graphs with defects


@everywhere
def test_a_cycle_is_named(get):
    graph = {"x": (identity, "y"), "y": (identity, ("z", 1)), ("z", 1): (identity, "x"), "w": 1}
    with pytest.raises(RuntimeError, match="Cycle") as caught:
        get(graph, ["w", "x"])
    text = str(caught.value)
    assert all(key in text for key in ("x", "y", "z"))
    # What does not need the cycle can be computed.
    assert get(graph, "w") == 1


@everywhere
def test_a_missing_key_is_named(get):
    with pytest.raises(KeyError, match="nowhere"):
        get({"x": 1}, ["x", ["nowhere"]])


@everywhere
def test_a_missing_dependency_is_named(get):
    with pytest.raises(ValueError, match=r"'nowhere'.*'x'"):
        get({"x": Task("x", identity, TaskRef("nowhere"))}, "x")


@everywhere
@pytest.mark.parametrize("dsk", [[("x", 1)], None, 3])
def test_what_is_no_graph_is_refused(get, dsk):
    with pytest.raises(TypeError, match="mapping"):
        get(dsk, "x")


# Settings with defects


@pytest.mark.parametrize("get", [threaded.get, get_processes])
@pytest.mark.parametrize(
    ("num_workers", "error"),
    [(0, ValueError), (-1, ValueError), ("two", TypeError), (1.5, TypeError), ([], TypeError)],
)
def test_a_wrong_number_of_workers_is_refused(get, num_workers, error):
    with pytest.raises(error, match="num_workers"):
        get({"x": 1}, "x", num_workers=num_workers)
    with oxidask.config.set(num_workers=num_workers), pytest.raises(error, match="num_workers"):
        get({"x": 1}, "x", num_workers=None)


def test_any_integer_is_a_number_of_workers():
    assert threaded.get({"x": (sum, [1, 2])}, "x", num_workers=np.int64(2)) == 3


@everywhere
@pytest.mark.parametrize(
    ("limit", "error", "text"),
    [
        (0, ValueError, "local.memory-limit"),
        (-1, ValueError, "local.memory-limit"),
        ("0 GiB", ValueError, "local.memory-limit"),
        ("1 GoB", ValueError, "1 GoB|GoB"),
        ([1], TypeError, "local.memory-limit"),
    ],
)
def test_a_wrong_memory_limit_is_refused(get, limit, error, text):
    with pytest.raises(error, match=text):
        get({"x": 1}, "x", memory_limit=limit)


@everywhere
def test_a_wrong_spill_directory_is_refused(get):
    with (
        oxidask.config.set({"local.spill-directory": 3}),
        pytest.raises(TypeError, match="local.spill-directory"),
    ):
        get({"x": 1}, "x")


@pytest.mark.parametrize("get", [threaded.get, get_processes])
def test_what_is_no_pool_is_refused(get):
    with pytest.raises(ValueError, match="pool"):
        get({"x": (identity, 1)}, "x", pool="pool")


def test_a_pool_that_is_shut_down_says_so():
    from concurrent.futures import ThreadPoolExecutor

    executor = ThreadPoolExecutor(2)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        threaded.get({"x": (identity, 1)}, "x", pool=executor)


# Structures without end


@everywhere
@pytest.mark.parametrize("where", ["task", "keys"])
def test_too_deep_structures_are_recursion_errors(get, where):
    deep = "x"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        if where == "task":
            get({"x": 1, "y": (len, deep)}, "y")
        else:
            get({"x": 1}, deep)


def test_too_deep_arguments_of_delayed_calls_are_recursion_errors():
    deep = [delayed(identity)(1)]
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        delayed(len)(deep)
    endless = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        delayed(len)(endless)


@in_process
def test_results_may_be_deep_endless_or_shared(get):
    def deep():
        value = []
        for _ in range(100_000):
            value = [value]
        return value

    def endless():
        value = []
        value.append(value)
        return value

    def shared():
        value = []
        for _ in range(50):
            value = [value] * 10
        return value

    graph = {"deep": (deep,), "endless": (endless,), "shared": (shared,)}
    assert get(graph | {"n": (len, "shared")}, ["n", "endless"])[0] == 10
    assert len(get(graph, "deep")) == 1


# Processes


@pytest.fixture
def unpicklable():
    lock = threading.Lock()
    return lambda *args: lock


def test_a_function_that_cannot_be_pickled_is_named_by_its_key(unpicklable):
    with pytest.raises(TypeError, match="pickle") as caught:
        get_processes({("x", 3): (unpicklable,)}, ("x", 3))
    assert "('x', 3)" in caught.value.__notes__[0]


def test_an_argument_that_cannot_be_pickled_is_named_by_its_key(unpicklable):
    with pytest.raises(TypeError, match="pickle") as caught:
        get_processes({"x": (identity, unpicklable())}, "x", optimize_graph=False)
    assert caught.value.__notes__ == [] or "'x'" in caught.value.__notes__[0]


@pytest.mark.parametrize("make", [threading.Lock, lambda: (i for i in range(3))])
def test_a_result_that_cannot_be_pickled_is_an_error(make):
    with pytest.raises(TypeError, match="pickle"):
        get_processes({"x": (make,)}, "x")


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_a_killed_child_is_an_error(context):
    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    graph = {("x", i): (identity, i) for i in range(10)} | {("x", 10): (die,)}
    with oxidask.config.set({"multiprocessing.context": context}):
        with pytest.raises(BrokenProcessPool, match="died"):
            multiprocessing.get(graph, list(graph), num_workers=2)
        assert multiprocessing.get({"x": (sum, [1, 2])}, "x", num_workers=1) == 3


def test_a_child_that_exits_is_an_error():
    def leave():
        os._exit(3)

    with pytest.raises(BrokenProcessPool, match="died"):
        get_processes({"x": (leave,)}, "x")


def test_a_child_that_cannot_start_is_an_error(monkeypatch):
    executable = stdlib_multiprocessing.spawn.get_executable()
    stdlib_multiprocessing.set_executable("/nowhere/python")
    try:
        with (
            oxidask.config.set({"multiprocessing.context": "spawn"}),
            pytest.raises((BrokenProcessPool, OSError)),
        ):
            multiprocessing.get({"x": (identity, 1)}, "x", num_workers=1)
    finally:
        stdlib_multiprocessing.set_executable(executable)
    assert get_processes({"x": (sum, [1, 2])}, "x") == 3


def test_an_initializer_that_fails_is_an_error():
    def fail():
        os._exit(1)

    with pytest.raises(BrokenProcessPool, match="initializer"):
        get_processes({"x": (identity, 1)}, "x", initializer=fail)


def test_an_unknown_context_is_an_error():
    with (
        oxidask.config.set({"multiprocessing.context": "nowhere"}),
        pytest.raises(ValueError, match="nowhere"),
    ):
        multiprocessing.get({"x": 1}, "x")


# The spill directory


def spilling_graph():
    """More than 32 MiB of values, all needed in the end."""
    graph = {("x", i): (np.full, 1 << 19, float(i)) for i in range(16)}
    graph["made"] = (len, [("x", i) for i in range(16)])
    graph["sum"] = (
        lambda n, xs: sum(float(x[0]) for x in xs),
        "made",
        [("x", i) for i in range(16)],
    )
    return graph


@in_process
def test_a_spill_directory_that_is_a_file_is_an_error_that_names_it(get, tmp_path):
    path = tmp_path / "file"
    path.touch()
    with oxidask.config.set({"local.spill-directory": str(path)}), pytest.raises(OSError) as caught:
        get(spilling_graph(), "sum", memory_limit="16 MiB")
    assert str(path) in str(caught.value)
    assert "local.spill-directory" in str(caught.value)
    assert "local.memory-limit" in str(caught.value)


@in_process
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="a directory that nobody can write to")
def test_a_spill_directory_that_cannot_be_written_to_is_an_error(get):
    with (
        oxidask.config.set({"local.spill-directory": "/proc/nowhere"}),
        pytest.raises(OSError, match="/proc/nowhere"),
    ):
        get(spilling_graph(), "sum", memory_limit="16 MiB")


@in_process
def test_a_spill_directory_is_made_and_left_empty(get, tmp_path):
    path = tmp_path / "new" / "one"
    with oxidask.config.set({"local.spill-directory": path}):
        assert get(spilling_graph(), "sum", memory_limit="16 MiB") == sum(range(16))
    assert not list(path.iterdir())


FULL_DISK = """
import resource, signal, sys
import numpy as np
from oxidask import config, local, threaded

n = 16
graph = {("x", i): (np.full, 1 << 19, float(i)) for i in range(n)}
xs = list(graph)
graph["made"] = (len, xs)
graph["sum"] = (lambda n, xs: sum(float(x[0]) for x in xs), "made", xs)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10 << 20, 10 << 20))
with config.set({"local.spill-directory": sys.argv[1]}):
    for get in (threaded.get, local.get_sync):
        try:
            get(graph, "sum", memory_limit="16 MiB")
        except OSError as error:
            print(error)
        assert get({"x": (sum, [1, 2])}, "x") == 3
        assert get(graph, "sum", memory_limit="1 GiB") == sum(range(n))
"""


def test_a_full_disk_is_an_error_that_names_the_remedies(tmp_path):
    run = run_script(FULL_DISK, tmp_path)
    assert run.returncode == 0, run.stderr
    first, second = run.stdout.splitlines()
    for text in (first, second):
        assert str(tmp_path) in text
        assert "local.spill-directory" in text
        assert "local.memory-limit" in text
    assert not list(tmp_path.iterdir())


# The end of the interpreter

EXIT = """
import threading, time
from oxidask import local, threaded

started = threading.Event()

def task(i):
    started.set()
    {wait}

def compute():
    graph = {{("x", i): (task, i) for i in range({n})}}
    {get}(graph, list(graph))

threading.Thread(target=compute, daemon={daemon}).start()
started.wait()
print("main ends")
"""


@pytest.mark.parametrize("daemon", [True, False])
@pytest.mark.parametrize("get", ["threaded.get", "local.get_sync"])
@pytest.mark.parametrize("wait", ["time.sleep(0.001)", "sum(range(1000))"])
def test_the_interpreter_ends_while_a_thread_computes(daemon, get, wait):
    # A thread that is no daemon is waited for, as Python does.
    code = EXIT.format(daemon=daemon, get=get, wait=wait, n=100_000 if daemon else 100)
    run = run_script(code)
    assert (run.returncode, run.stdout, run.stderr) == (0, "main ends\n", "")


def test_an_exit_handler_can_compute():
    code = """
import atexit

def last():
    print(threaded.get({"x": (sum, [1, 2])}, "x", num_workers=2))

atexit.register(last)
from oxidask import threaded
assert threaded.get({"x": (sum, [1, 2])}, "x") == 3
atexit.register(last)
"""
    run = run_script(code)
    assert (run.returncode, run.stdout, run.stderr) == (0, "3\n3\n", "")
