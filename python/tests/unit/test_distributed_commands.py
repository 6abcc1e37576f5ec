"""``oxidask scheduler``, ``worker``, ``spec`` and ``ssh``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from oxidask._commands_worker import apportion_ports
from oxidask.cli import main
from oxidask.distributed import Client, LocalCluster


@contextmanager
def command(*words, **options):
    process = subprocess.Popen(
        [sys.executable, "-m", "oxidask", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line_with(process, text):
    """Return the next line with `text`; it comes, or the process ends."""
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return line
    raise AssertionError(f"no {text!r} in {''.join(seen)}")


def ended(process, number):
    process.send_signal(number)
    text, _ = process.communicate(timeout=20)
    return text.lower()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_scheduler_and_worker(tmp_path, number):
    where, pid = tmp_path / "scheduler.json", tmp_path / "pid"
    with command(
        "scheduler", "--port", 0, "--scheduler-file", where, "--pid-file", pid, "--no-dashboard"
    ) as scheduler:
        address = line_with(scheduler, "Scheduler at").split()[-1]
        assert json.loads(where.read_text())["address"] == address
        assert int(pid.read_text()) == scheduler.pid
        words = ["--nworkers", 2, "--nthreads", 1, "--name", "w", "--resources", "GPU=2 A=1.5"]
        with command("worker", "--scheduler-file", where, *words) as worker:
            with Client(str(where) and address) as client:
                client.wait_for_workers(2, timeout=20)
                workers = client.scheduler_info(n_workers=-1)["workers"].values()
                assert {info["name"] for info in workers} == {"w-0", "w-1"}
                assert all(info["resources"] == {"GPU": 2, "A": 1.5} for info in workers)
                assert client.submit(abs, -1).result() == 1
            text = ended(worker, number)
            assert worker.returncode == 0
            assert signal.Signals(number).name.lower() in text
            assert "end worker" in text
        text = ended(scheduler, number)
        assert scheduler.returncode == 0
        assert "scheduler closing all comms" in text
        assert "error" not in text
    assert not where.exists()
    assert not pid.exists()


def test_worker_without_a_nanny_that_cannot_listen():
    with LocalCluster(n_workers=0, processes=False, protocol="tcp") as cluster:
        for nanny in ("--nanny", "--no-nanny"):
            words = [cluster.scheduler_address, nanny, "--worker-port", cluster.scheduler.port]
            with command("worker", *words) as worker:
                text, _ = worker.communicate(timeout=30)
                assert worker.returncode == 1
                assert "listens on" in text


def test_preload_with_words_of_its_own(tmp_path):
    pytest.importorskip("click")
    path = tmp_path / "passed.py"
    path.write_text(
        "import click\n"
        "@click.command()\n"
        "@click.option('--word')\n"
        "def dask_setup(scheduler, word):\n"
        "    scheduler.word = word\n"
    )
    with command("scheduler", "--port", 0, "--preload", path, "--word", "hello") as scheduler:
        line_with(scheduler, "Run preload setup")
        assert "end scheduler" in ended(scheduler, signal.SIGTERM)


def test_spec(tmp_path):
    with LocalCluster(n_workers=0, processes=False, protocol="tcp") as cluster:
        spec = {"cls": "dask.distributed.Worker", "opts": {"nthreads": 3, "name": "foo"}}
        with command("spec", cluster.scheduler_address, "--spec", json.dumps(spec)) as worker:
            cluster.wait_for_workers(1, timeout=20)
            [state] = cluster.scheduler.workers.values()
            assert (state.name, state.nthreads) == ("foo", 3)
            assert "sigint" in ended(worker, signal.SIGINT)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["worker", "tcp://127.0.0.1:1", "--nworkers=2", "--no-nanny"], "Failed to launch worker"),
        (["worker", "tcp://127.0.0.1:1", "--resources", "GPU"], "NAME=NUMBER"),
        (["worker", "tcp://127.0.0.1:1", "--nprocs", "1"], "No such option: --nprocs"),
        (["worker", "tcp://127.0.0.1:1", "foo"], "--preload"),
        (["worker", "--nworkers", "x", "host"], "--nworkers x"),
        (["worker"], "Need to provide scheduler address"),
        (["scheduler", "--port", "-1"], "0 to 65535"),
        (["spec"], "exactly one of --spec and --spec-file"),
        (["spec", "--spec", "{}", "--spec-file", "x"], "exactly one of --spec and --spec-file"),
    ],
)
def test_wrong_words(capsys, monkeypatch, words, text):
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    assert main(words) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("name", ["scheduler", "worker", "ssh", "spec"])
def test_help_and_version(capsys, name):
    assert main([name, "--help"]) == 0
    assert "--version" in capsys.readouterr().out
    assert main([name, "--version"]) == 0
    assert "oxidask" in capsys.readouterr().out


def test_ports_are_shared_out():
    assert apportion_ports("123", None, 1, True) == [{"port": None, "worker_port": 123}]
    assert apportion_ports("100:103", "100:103", 2, True) == [
        {"port": 101, "worker_port": 100},
        {"port": 103, "worker_port": 102},
    ]
    with pytest.raises(ValueError, match="Not enough ports in range"):
        apportion_ports("100:102", None, 4, False)
    with pytest.raises(ValueError, match="port_stop must be greater than port_start"):
        apportion_ports("102:100", None, 1, False)


def test_the_environment_names_the_scheduler(monkeypatch):
    with LocalCluster(n_workers=0, processes=False, protocol="tcp") as cluster:
        environ = {**os.environ, "DASK_SCHEDULER_ADDRESS": cluster.scheduler_address}
        with command("worker", "--no-nanny", "--nthreads", 1, env=environ) as worker:
            cluster.wait_for_workers(1, timeout=20)
            assert "end worker" in ended(worker, signal.SIGTERM)


def test_workers_that_are_ended_while_they_start_leave_nothing():
    with LocalCluster(n_workers=0, processes=False, protocol="tcp") as cluster:
        for _ in range(4):
            words = [cluster.scheduler_address, "--nworkers", 2, "--nthreads", 1]
            with command("worker", *words) as worker:
                line_with(worker, "Start worker at")
                text = ended(worker, signal.SIGTERM)
                assert worker.returncode == 0
                assert "end worker" in text
