"""Ctrl-C at random moments: each ends the computation, and leaves nothing behind."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("psutil")

# Runs in a process of its own, whose files, threads and children are counted in the end. Every
# graph ends in a task that lasts until it is interrupted, so no computation may end by itself. The
# watchdog shows where each thread is if one does not end at all.
SCRIPT = """
import faulthandler, gc, os, random, re, signal, sys, threading, time
import psutil
import oxidask
from oxidask import local, multiprocessing, threaded

# A shell's background jobs are started with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
faulthandler.dump_traceback_later(100, exit=True)
mode, seed, rounds, longest = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
rng = random.Random(seed)


def work(i, *inputs):
    return sum(range(i % 50))


def large(i, *inputs):
    return [(i, str(k)) for k in range(2000)]


def last(*inputs):
    while True:
        time.sleep(0.001)


def compute(settings=None):
    make = large if mode == "spill" else work
    graph = {("a", i): (make, i) for i in range(100)}
    graph |= {("b", i): (make, i, ("a", i), ("a", 99 - i)) for i in range(100)}
    graph["last"] = (last, *graph)
    if mode == "threads":
        threaded.get(graph, "last", num_workers=3)
    elif mode == "sync":
        local.get_sync(graph, "last")
    elif mode == "spill":
        local.get_sync(graph, "last", memory_limit="8 MiB")
    else:
        with oxidask.config.set({"multiprocessing.context": mode}):
            multiprocessing.get(graph, "last", num_workers=2)


def interrupted():
    timer = threading.Timer(rng.random() * longest, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        compute()
    except KeyboardInterrupt:
        timer.join()
        return True
    return False


if __name__ == "__main__":
    n_files = None
    for number in range(rounds):
        assert interrupted(), f"round {number} ended by itself"
        small = {"x": (sum, [1, 2]), "y": (sum, ["x", 1])}
        assert threaded.get(small, "y", num_workers=3) == 4
        assert local.get_sync(small, "y") == 4
        if number == 0:
            gc.collect()
            n_files = len(os.listdir("/proc/self/fd"))
    if mode in ("forkserver", "spawn"):
        with oxidask.config.set({"multiprocessing.context": mode}):
            assert multiprocessing.get(small, "y", num_workers=1) == 4
    names = {thread.name for thread in threading.enumerate()}
    assert names <= {"MainThread", "oxidask-worker"}, names
    children = [child.cmdline() for child in psutil.Process().children(recursive=True)]
    # Python's own, for every program that starts processes; they end with the program.
    python_owns = re.compile("resource_tracker|forkserver")
    children = [line for line in children if not python_owns.search(" ".join(line))]
    assert not children, children
    gc.collect()
    # The tracker's pipe may have been opened since.
    assert len(os.listdir("/proc/self/fd")) <= n_files + 1
    print("as it should be")
"""

MODES = {"sync": (100, 0.02), "threads": (100, 0.02), "spill": (60, 0.1)}
MODES |= {"forkserver": (100, 0.3), "spawn": (8, 0.8)}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts files in /proc")
@pytest.mark.parametrize("mode", MODES)
def test_ctrl_c_at_a_random_moment(mode, tmp_path):
    rounds, longest = MODES[mode]
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"{mode}: seed {seed}")
    files = tmp_path / "files"
    files.mkdir()
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    run = subprocess.run(
        [sys.executable, script, mode, str(seed), str(rounds), str(longest)],
        capture_output=True,
        text=True,
        timeout=110,
        env=os.environ | {"TMPDIR": str(files)},
    )
    output = run.stdout + run.stderr
    assert (run.returncode, run.stdout) == (0, "as it should be\n"), f"seed {seed}: {output}"
    assert not list(files.iterdir())


NESTED = """
import faulthandler, os, signal, threading, time
from oxidask import threaded

signal.signal(signal.SIGINT, signal.default_int_handler)
faulthandler.dump_traceback_later(100, exit=True)
left = threading.Event()
n_run = 0


def inner(i):
    global n_run
    n_run += 1
    if n_run == 10:
        os.kill(os.getpid(), signal.SIGINT)
    # Not over before the main thread gets its turn, however busy the machine.
    time.sleep(0.0001)


def outer():
    try:
        graph = {("x", i): (inner, i) for i in range(1_000_000)}
        threaded.get(graph, list(graph), num_workers=2)
    finally:
        left.set()


try:
    threaded.get({"y": (outer,)}, "y", num_workers=2)
except KeyboardInterrupt:
    assert left.wait(90)
    print(n_run < 1_000_000)
"""


def test_ctrl_c_ends_what_a_task_computes():
    run = subprocess.run(
        [sys.executable, "-c", NESTED], capture_output=True, text=True, timeout=110
    )
    assert (run.returncode, run.stdout) == (0, "True\n"), run.stderr


def test_a_program_s_own_handler_is_left_alone(tmp_path):
    code = """
import signal
from oxidask import multiprocessing

def handler(signum, frame):
    print("handled")

if __name__ == "__main__":
    signal.signal(signal.SIGINT, handler)
    signal.raise_signal(signal.SIGINT)
    assert multiprocessing.get({"x": (sum, [1, 2])}, "x", num_workers=1) == 3
    assert signal.getsignal(signal.SIGINT) is handler
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert multiprocessing.get({"x": (sum, [1, 2])}, "x", num_workers=1) == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stdout) == (0, "handled\n"), run.stderr
