"""A client that has only sockets and the protocol's document, with workers that run Python."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from oxidask import _native

CLIENT = Path(__file__).parents[3] / "examples" / "plain_python_client.py"


@pytest.fixture
def address():
    scheduler = _native.SchedulerCore()
    place = scheduler.listen("tcp://127.0.0.1:0")
    info = {"name": "w", "nthreads": 1}
    worker = _native.WorkerCore.join(place, "tcp://127.0.0.1:0", info)
    thread = threading.Thread(target=worker.work)
    thread.start()
    yield place
    worker.close()
    thread.join()
    scheduler.close()


def run(*arguments):
    environment = {**os.environ, "PYTHONPATH": ""}
    command = [sys.executable, CLIENT, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("n", [1, 10**12])
def test_a_plain_client_runs_python(address, n):
    answer = run(address, "python", str(n))
    assert answer.stderr == ""
    assert int(answer.stdout) == 42 * n


def test_what_fails_says_so(address):
    answer = run(address, "bytes")
    assert "failed" in answer.stderr
    assert answer.stdout == ""
